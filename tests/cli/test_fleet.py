"""Many PBXs in one run: side by side, each by itself, told of in the order of the files."""

from __future__ import annotations

import json
import signal
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pbxsync.cli.files import Declared, Source, check_source
from pbxsync.cli.shards import Shard
from pbxsync.errors import StaleState
from pbxsync.sandbox import Sandbox
from tests.cli.process import OnTerminal, Running, calls, declare, names, numbered, received, route
from tests.cli.test_output import check
from tests.in_process import inside as pbxsync

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TOKEN = {"PBXSYNC_TOKEN": "t"}


def sites(stack: ExitStack, count: int, faults: Mapping[int, str] | None = None, routes: int = 2) -> list[Sandbox]:
    """So many PBXs, each with a file in the folder ``sites``."""
    Path("sites").mkdir()
    pbxs = []
    for n in range(count):
        own = [faults[n]] if faults and n in faults else []
        pbxs.append(stack.enter_context(Sandbox(tokens=["t"], faults=own)))
        declare(f"sites/s{n:03}.yaml", numbered(routes), url=pbxs[-1].url)
    return pbxs


def site(n: int) -> str:
    return str(Path("sites", f"s{n:03}.yaml"))


def test_one_that_hangs_refuses_or_lies_fails_alone_and_all_are_told_of_in_order() -> None:
    with ExitStack() as stack:
        pbxs = sites(stack, 12, {2: "*@*=hang", 5: "outroute/add@2=refuse:10004", 7: "outroute/add@1=lie"})
        done = pbxsync(
            "apply", "sites", "--format", "json", "--parallel", "5", "--timeout", "2", "--retries", "0", env=TOKEN
        )
        held = [len(names(pbx)) for pbx in pbxs]
    assert done.code == 1
    check("apply", done)
    assert held == [0 if n == 2 else 1 if n in (5, 7) else 2 for n in range(12)]
    assert [plan["file"] for plan in done.json["plans"]] == [site(n) for n in range(12) if n != 2]
    assert [error["file"] for error in done.json["errors"]] == [site(2)]
    assert done.json["summary"] == {
        "pbxs": 12,
        "planned": 11,
        "changing": 11,
        "failed": 3,
        "add": 22,
        "update": 0,
        "delete": 0,
        "move": 0,
        "unchanged": 0,
        "unmanaged": 0,
        "outcomes": {"applied": 21, "failed": 1, "in_doubt": 0, "not_attempted": 0},
    }
    ends = [line for line in done.err.splitlines() if line.startswith("[")]
    assert sorted(line.split("] ")[1] for line in ends) == sorted(
        f"{site(n)}: {'failed' if n == 2 else '1 applied, 1 failed' if n == 5 else '2 applied'}" for n in range(12)
    )
    assert [line.split("/")[0] for line in ends] == [f"[{n}" for n in range(1, 13)]


def test_text_has_each_pbx_whole_in_the_order_of_the_files_and_the_sums_at_the_end() -> None:
    with ExitStack() as stack:
        sites(stack, 4, {0: "outroute/add@1=delay:0.5"})
        done = pbxsync("apply", "sites", env=TOKEN)
    assert done.code == 0
    heads = [line for line in done.out.splitlines() if " → http" in line]
    assert [head.split(" → ")[0] for head in heads] == [site(n) for n in range(4)]
    block = done.out.split("\n\n")[1]
    assert block.splitlines()[-3:] == [
        f"{site(1)}:  ✓ applied  add r1",
        f"{site(1)}:  ✓ applied  add r2",
        f"{site(1)}: 2 applied, 0 failed, 0 in doubt, 0 not attempted.",
    ]
    assert done.out.endswith(
        "\n\n4 PBXs: 8 to add, 0 to update, 0 to delete, 0 to move; 0 with nothing to do.\n"
        "4 PBXs: 8 applied, 0 failed, 0 in doubt, 0 not attempted.\n"
    )


def test_each_pbx_has_one_connection_and_one_call_at_a_time() -> None:
    with ExitStack() as stack:
        pbxs = sites(stack, 10, routes=5)
        assert pbxsync("apply", "sites", "--parallel", "10", env=TOKEN).code == 0
        assert [pbx.connections for pbx in pbxs] == [1] * 10
        add, query = "outroute/add", "outroute/query"
        assert [calls(pbx) for pbx in pbxs] == [[*[query] * 3, add, add, query, *[add] * 3, query]] * 10


def test_a_hanging_pbx_delays_no_other_and_is_given_up_where_the_run_is_stopped() -> None:
    with ExitStack() as stack:
        pbxs = sites(stack, 6, {0: "outroute/query@*=hang"})
        arguments = ("apply", "sites", "--parallel", "2", "--timeout", "600", "--format", "json")
        with Running(*arguments, env=TOKEN) as run:
            for n in range(1, 6):
                run.wait_for(f"{site(n)}: 2 applied\n", stream="err")
            run.send(signal.SIGTERM)
            done = run.ended()
        assert [len(names(pbx)) for pbx in pbxs] == [0, 2, 2, 2, 2, 2]
    assert done.code == 143
    check("apply", done)
    assert done.json["errors"] == [{"file": site(0), "message": "not planned: the run was stopped before"}]
    assert [plan["file"] for plan in done.json["plans"]] == [site(n) for n in range(1, 6)]


def test_a_stopped_run_finishes_the_calls_in_flight_and_begins_no_other_pbx() -> None:
    with ExitStack() as stack:
        pbxs = sites(stack, 3, {0: "outroute/add@1=delay:1"})
        with Running("apply", "sites", "--parallel", "1", "--format", "json", env=TOKEN) as run:
            received(pbxs[0], 1, "outroute/add")
            run.send(signal.SIGINT)
            done = run.ended()
        assert [len(names(pbx)) for pbx in pbxs] == [1, 0, 0]
    assert done.code == 130
    check("apply", done)
    [plan] = done.json["plans"]
    assert [outcome["status"] for outcome in plan["outcomes"]] == ["applied", "not_attempted"]
    assert [error["file"] for error in done.json["errors"]] == [site(1), site(2)]


def test_a_plan_of_many_is_printed_in_order_with_one_line_a_pbx_on_standard_error() -> None:
    with ExitStack() as stack:
        sites(stack, 3, {1: "*@*=refuse:20004"})
        done = pbxsync("plan", "sites", "--report", "json=plan.json", env=TOKEN)
    assert done.code == 1
    assert [line for line in done.out.splitlines() if " → " in line and line.startswith("sites")] != []
    assert sorted(line.split("] ")[1] for line in done.err.splitlines() if line.startswith("[")) == [
        f"{site(0)}: 2 to add",
        f"{site(1)}: failed",
        f"{site(2)}: 2 to add",
    ]
    document = json.loads(Path("plan.json").read_text(encoding="utf-8"))
    assert (document["summary"]["pbxs"], document["summary"]["failed"]) == (3, 1)
    assert document["summary"]["outcomes"] is None


def test_a_file_beyond_what_is_kept_is_read_again_and_refused_where_it_has_changed() -> None:
    path = declare("site.yaml", numbered(3), url="http://192.0.2.1")
    source = Source("site.yaml", "site", path)
    desired = check_source(source).desired
    assert desired is not None
    read_again = Declared(source, desired, keep=False)
    assert read_again.desired() == desired
    assert read_again.desired() is not desired
    assert Declared(source, desired).desired() is desired
    declare("site.yaml", numbered(4), url="http://192.0.2.1")
    with pytest.raises(StaleState, match=r"^site\.yaml: the file was changed while this run was at work; run again$"):
        read_again.desired()


# --- shards --------------------------------------------------------------------------------------------------------


def test_shards_share_the_files_out_whoever_asks_and_wherever() -> None:
    files = [f"site-{n}.yaml" for n in range(400)]
    shares = [[file for file in files if Shard(k, 8).holds(f"anywhere/{file}")] for k in range(1, 9)]
    assert sorted(file for share in shares for file in share) == sorted(files)
    assert all(25 <= len(share) <= 75 for share in shares)
    # The same on every machine and for ever: a plan of yesterday's shard is applied by today's.
    assert [file for file in files[:12] if Shard(3, 8).holds(file)] == ["site-1.yaml"]


@pytest.fixture
def five() -> Iterator[list[Sandbox]]:
    with ExitStack() as stack:
        yield sites(stack, 5, routes=1)


def test_all_shards_together_do_all_of_the_work_once(five: list[Sandbox]) -> None:
    told = []
    for k in (1, 2, 3):
        done = pbxsync("apply", "sites", "--shard", f"{k}/3", "--format", "json", env=TOKEN)
        assert done.code == 0
        check("apply", done)
        told += [plan["file"] for plan in done.json["plans"]]
    assert sorted(told) == [site(n) for n in range(5)]
    assert [names(pbx) for pbx in five] == [["r1"]] * 5


def test_a_shard_without_files_says_so_and_is_done(five: list[Sandbox]) -> None:
    empty = next(k for k in range(1, 41) if not any(Shard(k, 40).holds(site(n)) for n in range(5)))
    for command in ("plan", "apply"):
        done = pbxsync(command, "sites", "--shard", f"{empty}/40", "--format", "json", env=TOKEN)
        assert done.code == 0
        assert f"no file belongs to shard {empty}/40" in done.err
        check(command, done)
        assert (done.json["plans"], done.json["summary"]["pbxs"]) == ([], 0)
    assert all(pbx.connections == 0 for pbx in five)


def test_what_is_wrong_in_another_shard_keeps_this_one_from_being_sent(five: list[Sandbox]) -> None:
    mine = next(k for k in (1, 2) if Shard(k, 2).holds(site(0)))
    other = next(name for name in ("x1.yaml", "x2.yaml", "x3.yaml", "x4.yaml") if not Shard(mine, 2).holds(name))
    declare(f"sites/{other}", numbered(1), url=five[0].url)
    twice = pbxsync("apply", "sites", "--shard", f"{mine}/2", env=TOKEN)
    declare(f"sites/{other}", [route("all")])
    invalid = pbxsync("apply", "sites", "--shard", f"{mine}/2", env=TOKEN)
    assert twice.code == invalid.code == 1
    assert "both are for the PBX" in twice.err
    assert "[reserved-name]" in invalid.err
    assert all(pbx.connections == 0 for pbx in five)


@pytest.mark.parametrize("shard", ["0/8", "9/8", "3", "a/b", "1/0", "-1/8", "3/8/2"])
def test_what_is_no_shard_is_refused(shard: str) -> None:
    done = pbxsync("plan", "sites", "--shard", shard)
    assert done.code == 1
    assert "is not K/N, such as 3/8 for the third of eight parts" in done.err


# --- on a terminal ---------------------------------------------------------------------------------------------------


def test_a_terminal_shows_how_far_a_fleet_is_and_is_left_tidy() -> None:
    with ExitStack() as stack:
        sites(stack, 3, {1: "outroute/add@1=refuse:10004", 2: "outroute/add@1=delay:1.5"})
        with OnTerminal("apply", "sites", "--yes", env=TOKEN) as screen:
            screen.wait_for("2 done, 1 running, 1 failed")
            done = screen.ended()
    assert done.code == 1
    assert "calls/s" in done.out
    assert "3 PBXs: 4 applied, 1 failed, 0 in doubt, 1 not attempted; 1 PBXs not done: " in done.out
    assert done.out.rfind("\x1b[?25h") > done.out.rfind("\x1b[?25l")


def test_more_pbxs_than_work_is_done_side_by_side_wait_for_the_answer_without_a_connection() -> None:
    with ExitStack() as stack:
        pbxs = sites(stack, 3)
        with OnTerminal("apply", "sites", "--parallel", "2", env=TOKEN) as screen:
            screen.wait_for("Apply? [y/N]: ")
            assert [calls(pbx) for pbx in pbxs] == [["outroute/query"] * 2] * 3
            screen.type("y\n")
            done = screen.ended()
        assert [names(pbx) for pbx in pbxs] == [["r1", "r2"]] * 3
    assert done.code == 0
