"""What the shards of a fleet have printed, joined."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pbxsync.sandbox import Sandbox
from tests.cli.process import declare, numbered, route
from tests.cli.test_output import check
from tests.in_process import inside as pbxsync

if TYPE_CHECKING:
    from tests.cli.process import Ended

TOKEN = {"PBXSYNC_TOKEN": "t"}
SITES = ["east", "hq", "north", "south", "west"]


def printed(*command: str, faults: dict[str, str | list[str]] | None = None) -> Ended:
    """What the two shards of a fleet print, in ``1.json`` and ``2.json``; what the whole fleet prints in one run."""
    for file in Path().glob("*.json"):
        file.unlink()
    Path("sites").mkdir(exist_ok=True)
    done = None
    for shards in (["1/2", "2/2"], ["1/1"]):
        with ExitStack() as stack:
            for site in SITES:
                own = (faults or {}).get(site, [])
                pbx = stack.enter_context(Sandbox(tokens=["t"], faults=[own] if isinstance(own, str) else own))
                declare(f"sites/{site}.yaml", numbered(2), url=pbx.url)
            for shard in shards:
                done = pbxsync(*command, "sites", "--shard", shard, "--format", "json", env=TOKEN)
                Path(f"{shard[0]}.json" if len(shards) > 1 else "whole").write_text(done.out, encoding="utf-8")
    assert done is not None
    return done


def without_ports(document: Any) -> Any:
    for plan in document["plans"]:
        plan["pbx"] = None
    return document


@pytest.mark.parametrize("command", [("plan",), ("apply", "--yes")], ids=["plan", "apply"])
def test_joined_documents_are_the_document_of_one_run(command: tuple[str, ...]) -> None:
    whole = printed(*command, faults={"hq": "outroute/add@2=refuse:10004", "west": "outroute/query@*=refuse:20004"})
    joined = pbxsync("report", "2.json", "1.json", "--format", "json")
    check(command[0], joined)
    assert without_ports(joined.json) == without_ports(whole.json)
    assert joined.code == whole.code == 1


def test_a_report_of_applies_says_first_what_is_not_as_it_should_be() -> None:
    printed("apply", "--yes", faults={"hq": "outroute/add@2=refuse:10004", "west": "outroute/query@*=refuse:20004"})
    done = pbxsync("report", "1.json", "2.json", "--format", "markdown", "--comment-key", "fleet")
    lines = done.out.splitlines()
    assert done.code == 1
    assert lines[0] == "<!-- pbxsync:plan fleet -->"
    assert lines[2] == "**Changes on 5 PBXs: 7 applied, 1 failed, 0 in doubt, 0 not attempted; 1 PBX was not planned.**"
    assert lines[4] == "**Not as it should be (2):**"
    assert lines[6].startswith("- `sites/west.yaml`: ")
    assert lines[7].startswith("- `sites/hq.yaml`: add `r2` failed: ")
    assert "| `sites/east.yaml` | 2 | 0 | 0 | 0 |" in lines
    text = pbxsync("report", "1.json", "2.json")
    assert text.code == 1
    assert "sites/east.yaml: 2 applied, 0 failed, 0 in doubt, 0 not attempted.\n" in text.out
    assert text.out.endswith(
        "5 PBXs: 7 applied, 1 failed, 0 in doubt, 0 not attempted; 2 PBXs not done: sites/hq.yaml, sites/west.yaml.\n"
    )
    assert "pbxsync: sites/hq.yaml: add r2 failed: " in text.err


def test_a_report_of_plans_is_what_a_plan_of_all_shows() -> None:
    printed("plan")
    markdown = pbxsync("report", "1.json", "2.json", "--format", "markdown")
    text = pbxsync("report", "1.json", "2.json")
    assert markdown.code == text.code == 0
    assert "**5 of 5 PBXs change: adds 10 routes; " in markdown.out
    assert [line.split(" → ")[0] for line in text.out.splitlines() if " → http" in line] == [
        f"sites/{site}.yaml" for site in SITES
    ]
    assert text.out.endswith("\n5 PBXs: 10 to add, 0 to update, 0 to delete, 0 to move; 0 with nothing to do.\n")


def test_a_doubt_is_a_doubt_of_the_report_too() -> None:
    Path("states").mkdir()
    unsettled = ["outroute/add@1=after:close", "outroute/query@4-=refuse"]
    printed("apply", "--yes", "--state", "states", "--init", faults={"hq": unsettled})
    doubtful = pbxsync("report", "1.json", "2.json")
    assert doubtful.code == 3
    assert "add r1 is in doubt" in doubtful.err


def test_of_nothing_to_do_a_report_says_so() -> None:
    declare("a.yaml", [], url="http://192.0.2.1")
    Path("a.json").write_text(
        pbxsync("plan", "a.yaml", "--state", "state", "--init", "--format", "json").out, encoding="utf-8"
    )
    done = pbxsync("report", "a.json")
    assert done.code == 0
    assert "1 PBXs: 0 to add, 0 to update, 0 to delete, 0 to move; 1 with nothing to do.\n" in done.out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "x.json: can't be read: No such file or directory"),
        ("{", "x.json: this is not JSON, or cut short; make it with: pbxsync plan --report json=FILE, or"),
        ("[" * 101 + "]" * 101, "x.json: not a document of plan or apply: it is nested too deep; make it with: "),
        ("[" * 9_999 + "]" * 9_999, "x.json: not a document of plan or apply: it is nested too deep; make it with: "),
        ("[" * 100 + "]" * 100, "x.json: not a document of plan or apply; make it with: "),
        ("[]", "x.json: not a document of plan or apply; make it with: "),
        ('{"format_version": "2.0", "plans": []}', "x.json: its format_version is 2.0, and this pbxsync reads 1.1"),
        ('{"format_version": "1.0", "plans": [1]}', "x.json: not a document of plan: $"),
    ],
)
def test_what_is_no_document_is_refused(content: str | None, message: str) -> None:
    if content is not None:
        Path("x.json").write_text(content, encoding="utf-8")
    done = pbxsync("report", "x.json")
    assert done.code == 1
    assert done.err.startswith(f"pbxsync: {message}")
    assert "Traceback" not in done.err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_document_that_is_a_pipe_is_refused_and_not_waited_for() -> None:
    os.mkfifo("x.json")
    done = pbxsync("report", "x.json")
    assert done.code == 1
    assert done.err == "pbxsync: x.json: can't be read: it is a pipe, not a regular file\n"


def test_one_pbx_in_two_documents_and_two_commands_are_refused() -> None:
    printed("plan")
    twice = pbxsync("report", "1.json", "1.json", "--format", "json")
    assert twice.code == 1
    assert "1.json and 1.json both tell of sites/" in twice.err
    assert "both tell of" in twice.json["errors"][0]["message"]
    planned = json.loads(Path("1.json").read_text(encoding="utf-8"))
    printed("apply", "--yes")
    Path("1.json").write_text(json.dumps(planned), encoding="utf-8")
    mixed = pbxsync("report", "1.json", "2.json")
    assert mixed.code == 1
    assert "some of these are documents of plan and some of apply; join those of one command" in mixed.err


def test_outcomes_that_are_not_those_of_the_changes_are_refused() -> None:
    printed("apply", "--yes")
    document = json.loads(Path("1.json").read_text(encoding="utf-8"))
    document["plans"][0]["outcomes"].pop()
    Path("1.json").write_text(json.dumps(document), encoding="utf-8")
    done = pbxsync("report", "1.json")
    assert done.code == 1
    assert "1.json: not a document of apply: its outcomes are not those of its changes; " in done.err


def test_names_that_mean_something_to_markdown_or_to_a_terminal_do_nothing() -> None:
    Path("state").mkdir()
    declare("a.yaml", [route("[x](http://192.0.2.9) @all | \x7f")], url="http://192.0.2.1")
    with Sandbox(tokens=["t"], faults=["outroute/add@1=refuse:10004"]) as pbx:
        declare("a.yaml", [route("[x](http://192.0.2.9) @all |")], url=pbx.url)
        Path("a.json").write_text(pbxsync("apply", "a.yaml", "--format", "json", env=TOKEN).out, encoding="utf-8")
    done = pbxsync("report", "a.json", "--format", "markdown")
    assert "`[x](http://192.0.2.9) @all |" in done.out
