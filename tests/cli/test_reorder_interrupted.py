"""A reorder that is stopped half way, by a signal or a lost answer, and what the next run makes of it."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pbxsync import Route
from pbxsync.client import Client, Connection, Credentials
from pbxsync.known_state import StateFile
from pbxsync.sandbox import Sandbox
from tests.cli.process import Running, declare, names, received, route, stored, to
from tests.cli.reordering import (
    ADDS,
    ALL,
    BRANCH,
    HELD,
    LONG,
    LOOKS,
    QUERIES,
    REST,
    STATE,
    STEPS,
    WANTED,
    A,
    astray,
    before,
    changing,
    complete,
    copy,
    expected_after,
    half_done,
    nothing_to_do,
    outcomes,
    rules,
    until,
)
from tests.cli.test_output import check
from tests.in_process import inside as pbxsync

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What is sent before each look at the PBX.
LOOKED_AT = [ADDS[:1], ADDS[:2], ADDS, before("outroute/update@1")]

on_posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals to send")


@pytest.fixture(autouse=True)
def routes_file() -> None:
    declare("routes.yaml", WANTED)


def doubts() -> list[tuple[str, str]]:
    state = StateFile.read(Path("state.json"), pbx=None).state
    return [(doubt.change.action, doubt.change.name) for doubt in state.doubts]


def recorded() -> list[tuple[str, str | None]]:
    state = StateFile.read(Path("state.json"), pbx=None).state
    return [(one.route.name, one.id) for one in state.routes]


def held(pbx: Sandbox) -> list[tuple[str, str | None]]:
    return [(one["name"], one["id"]) for one in pbx.routes()]


# --- what an interrupted reorder has left ---------------------------------------------------------------------------

#: The PBX's routes behind «a», as a reorder leaves them that was interrupted, and how many calls complete it.
LEFT = pytest.mark.parametrize(
    ("left", "calls_left", "kind"),
    [
        ([LONG, REST, BRANCH, copy(LONG)], 5, "json"),
        ([LONG, REST, BRANCH, copy(LONG), copy(REST)], 4, "xml"),
        ([LONG, BRANCH, copy(LONG), copy(REST)], 3, "json"),
        ([BRANCH, copy(LONG), copy(REST)], 2, "json"),
        ([BRANCH, LONG, copy(REST)], 1, "xml"),
    ],
)


@LEFT
def test_the_next_apply_completes_a_reorder_also_without_the_option(
    left: Sequence[dict[str, Any]], calls_left: int, kind: str
) -> None:
    with Sandbox(tokens=["t"], routes=stored(A, *left)) as pbx:
        done = pbxsync("apply", "routes.yaml", "--format", "json", "--type", kind, env=to(pbx))
        assert names(pbx) == ["a", "branch", "long", "rest"]
        assert len(changing(pbx)) == calls_left
        assert nothing_to_do(pbx)
    check("apply", done)
    assert done.code == 0
    assert rules(done) == ["half-done-reorder"]
    assert "an earlier run was interrupted while it moved routes" in done.json["plans"][0]["warnings"][0]["message"]


@LEFT
def test_with_add_only_it_is_left_as_it_is_and_listed_as_skipped(
    left: Sequence[dict[str, Any]], calls_left: int, kind: str
) -> None:
    declare("routes.yaml", [*WANTED, route("new", "777")])
    with Sandbox(tokens=["t"], routes=stored(A, *left)) as pbx:
        before = names(pbx)
        done = pbxsync("apply", "routes.yaml", "--add-only", "--format", "json", "--type", kind, env=to(pbx))
        assert changing(pbx) == ["add new"]
        assert names(pbx) == [*before, "new"]
    check("apply", done)
    assert done.code == 0
    [plan] = done.json["plans"]
    copied = [name.removesuffix("~pbxsync") for name in before if name.endswith("~pbxsync")]
    assert {"long": {"long", "rest"}, "rest": {"rest"}}[copied[0]] == {change["name"] for change in plan["skipped"]}
    assert "half-done-reorder" in rules(done)
    message = next(one["message"] for one in plan["warnings"] if one["rule"] == "half-done-reorder")
    assert "run without --add-only" in message
    assert all(f"{name}~pbxsync" in message for name in copied)


@LEFT
def test_an_export_declares_each_route_once_and_its_plan_only_takes_away_what_is_left_over(
    left: Sequence[dict[str, Any]], calls_left: int, kind: str
) -> None:
    with Sandbox(tokens=["t"], routes=stored(A, *left)) as pbx:
        env = to(pbx, PBXSYNC_TYPE=kind)
        exported = pbxsync("export", env=env)
        Path("exported.yaml").write_text(exported.out, encoding="utf-8")
        planned = pbxsync("plan", "exported.yaml", "--format", "json", "--detailed-exitcode", env=env)
        applied = pbxsync("apply", "exported.yaml", env=env)
        assert not [one for one in changing(pbx) if one.startswith("add")]
        assert names(pbx) == list(dict.fromkeys(one["name"].removesuffix("~pbxsync") for one in [A, *left]))
        assert nothing_to_do(pbx, "exported.yaml")
    assert (exported.code, applied.code) == (0, 0)
    assert exported.err.startswith("pbxsync: warning: a reorder was interrupted: the PBX holds ")
    assert "~pbxsync" not in exported.out
    assert planned.code == 2
    assert rules(planned) == ["half-done-reorder"]
    [plan] = planned.json["plans"]
    assert plan["impact"] == []
    assert {change["action"] for change in plan["changes"]} <= {"move", "update"}


def test_a_refresh_records_the_copies_and_warns_and_a_plan_from_the_file_completes_the_reorder() -> None:
    with Sandbox(tokens=["t"], routes=stored(*HELD, BRANCH, copy(LONG))) as pbx:
        done = pbxsync("refresh", *STATE, env=to(pbx))
        assert [name for name, _ in recorded()] == names(pbx)
        planned = pbxsync("plan", "routes.yaml", *STATE, "--format", "json")
        applied = pbxsync("apply", "routes.yaml", *STATE, env=to(pbx))
        assert names(pbx) == ["a", "branch", "long", "rest"]
        assert recorded() == held(pbx)
    assert (done.code, planned.code, applied.code) == (0, 0, 0)
    assert done.err.startswith("pbxsync: warning: a reorder was interrupted: the PBX holds 1 copy of routes ")
    assert "(long~pbxsync)" in done.err
    assert rules(planned) == ["half-done-reorder"]


def test_a_copy_of_a_route_that_no_file_declares_is_left_alone_and_pruned_if_asked_for() -> None:
    declare("routes.yaml", [A, LONG])
    with Sandbox(tokens=["t"], routes=stored(A, LONG, copy(REST))) as pbx:
        kept = pbxsync("apply", "routes.yaml", "--reorder", "--format", "json", env=to(pbx))
        assert changing(pbx) == []
        pruned = pbxsync("apply", "routes.yaml", "--reorder", "--prune", "--format", "json", env=to(pbx))
        assert changing(pbx) == ["delete rest~pbxsync"]
        assert names(pbx) == ["a", "long"]
    assert (kept.code, pruned.code) == (0, 0)
    [plan] = kept.json["plans"]
    assert plan["unmanaged"] == ["rest~pbxsync"]
    assert rules(kept) == ["half-done-reorder"]
    assert "rest~pbxsync is left of a reorder that was interrupted" in plan["warnings"][0]["message"]
    assert rules(pruned) == []


def test_a_copy_that_the_pbx_has_twice_keeps_its_route_from_being_moved_and_so_all_others() -> None:
    held = [*HELD, BRANCH, copy(LONG), copy(LONG), copy(REST)]
    with Sandbox(tokens=["t"], routes=stored(*held)) as pbx:
        done = pbxsync("apply", "routes.yaml", "--reorder", "--format", "json", env=to(pbx))
        assert changing(pbx) == []
        assert names(pbx) == [one["name"] for one in held]
    assert done.code == 1
    [plan] = done.json["plans"]
    assert plan["blocked"] == ["long"]
    assert [failure["rule"] for failure in plan["failures"]] == ["doubled-on-pbx"]
    assert {"cannot-move", "half-done-reorder", "order"} <= set(rules(done))


# --- interrupted ----------------------------------------------------------------------------------------------------


@on_posix
@pytest.mark.parametrize(
    ("step", "number", "code"),
    [
        ("outroute/add@2", signal.SIGTERM, 143),
        ("outroute/add@3", signal.SIGINT, 130),
        ("outroute/delete@1", signal.SIGTERM, 143),
        ("outroute/update@1", signal.SIGINT, 130),
    ],
)
def test_a_signal_lets_the_step_in_flight_finish_and_the_next_run_completes_the_reorder(
    step: str, number: signal.Signals, code: int
) -> None:
    sent = [*before(step), STEPS[step]]
    with Sandbox(tokens=["t"], routes=stored(*HELD), faults=[f"{step}=delay:2"]) as pbx:
        with Running("apply", "routes.yaml", "--reorder", "--format", "json", env=to(pbx)) as run:
            received(pbx, QUERIES + len(sent) + LOOKS[step])
            run.send(number)
            done = run.ended()
        assert changing(pbx) == sent
        assert astray(pbx) == []
        planned = pbxsync("plan", "routes.yaml", "--format", "json", env=to(pbx))
        complete(pbx)
    check("apply", done)
    assert done.code == code
    assert "half-done-reorder" in rules(planned)
    assert outcomes(done)[0] == ("add", "branch", "applied")
    begun = [one for one in done.json["plans"][0]["outcomes"] if one["status"] == "failed"]
    assert begun
    assert all("begun, and not finished" in one["error"] for one in begun)
    assert "begun, and not finished" in done.err


@on_posix
def test_a_signal_before_the_first_copy_leaves_every_move_unattempted() -> None:
    with Sandbox(tokens=["t"], routes=stored(*HELD), faults=["outroute/add@1=delay:2"]) as pbx:
        with Running("apply", "routes.yaml", "--reorder", "--format", "json", env=to(pbx)) as run:
            received(pbx, QUERIES + 1)
            run.send(signal.SIGINT)
            done = run.ended()
        assert names(pbx) == ["a", "long", "rest", "branch"]
        complete(pbx)
    assert done.code == 130
    assert outcomes(done) == [
        ("add", "branch", "applied"),
        ("move", "long", "not_attempted"),
        ("move", "rest", "not_attempted"),
    ]


@on_posix
@pytest.mark.parametrize(
    ("step", "done", "looks"),
    [
        *((step, [*before(step), STEPS[step]], LOOKS[step]) for step in STEPS),
        *((f"outroute/query@{QUERIES + 1 + n}", sent, n + 1) for n, sent in enumerate(LOOKED_AT)),
    ],
)
def test_a_run_that_is_killed_at_a_step_is_completed_by_the_next_one(step: str, done: list[str], looks: int) -> None:
    with Sandbox(tokens=["t"], routes=stored(*HELD), faults=[f"{step}=after:hang"]) as pbx:
        with Running("apply", "routes.yaml", "--reorder", env=to(pbx)) as run:
            received(pbx, QUERIES + len(done) + looks)
            until(lambda: names(pbx) == expected_after(done))
            run.send(signal.SIGKILL)
            assert run.ended().code == -signal.SIGKILL
        assert changing(pbx) == done
        assert astray(pbx) == []
        complete(pbx)
        assert not half_done(pbx)


@on_posix
@pytest.mark.parametrize("step", ["outroute/add@3", "outroute/delete@1"])
def test_with_a_state_file_a_run_that_is_killed_leaves_its_step_in_doubt(step: str) -> None:
    action, _, name = STEPS[step].partition(" ")
    done = [*before(step), STEPS[step]]
    with Sandbox(tokens=["t"], routes=stored(*HELD), faults=[f"{step}=after:hang"]) as pbx:
        assert pbxsync("refresh", *STATE, env=to(pbx)).code == 0
        with Running("apply", "routes.yaml", "--reorder", *STATE, env=to(pbx)) as run:
            until(lambda: names(pbx) == expected_after(done))
            run.send(signal.SIGKILL)
            run.ended()
        assert doubts() == [(action, name)]
        refused = pbxsync("apply", "routes.yaml", *STATE, env=to(pbx))
        assert changing(pbx) == done
        assert pbxsync("resolve", *STATE, "--applied", "--", name).code == 0
        assert pbxsync("apply", "routes.yaml", *STATE, env=to(pbx)).code == 0
        assert sorted(changing(pbx)) == sorted(ALL)
        assert names(pbx) == ["a", "branch", "long", "rest"]
    assert refused.code == 3
    assert "it was sent, and what became of it was not recorded" in refused.out


# --- with a state file ----------------------------------------------------------------------------------------------


def unsettled(step: str) -> str:
    """The fault of the two queries that ask for a step whose answer was lost, after the two of a refresh."""
    first = 2 + QUERIES + LOOKS[step] + 1
    return f"outroute/query@{first}-{first + 1}=status:500"


@pytest.mark.parametrize(
    ("step", "fault", "found"),
    [
        ("outroute/add@1", "before:close", "--not-applied"),
        ("outroute/add@2", "after:reset", "--applied"),
        ("outroute/add@3", "before:close", "--not-applied"),
        ("outroute/delete@1", "before:close", "--not-applied"),
        ("outroute/delete@2", "after:reset", "--applied"),
        ("outroute/update@1", "before:close", "--not-applied"),
        ("outroute/update@2", "after:reset", "--applied"),
    ],
)
def test_with_a_state_file_a_lost_answer_that_no_query_settles_is_in_doubt_until_somebody_resolves_it(
    step: str, fault: str, found: str
) -> None:
    action, _, name = STEPS[step].partition(" ")
    with Sandbox(tokens=["t"], routes=stored(*HELD), faults=[f"{step}={fault}", unsettled(step)]) as pbx:
        assert pbxsync("refresh", *STATE, env=to(pbx)).code == 0
        arguments = ("apply", "routes.yaml", "--reorder", *STATE, "--retries", "0", "--format", "json")
        first = pbxsync(*arguments, env=to(pbx))
        assert (first.code, doubts()) == (3, [(action, name)])
        assert astray(pbx) == []
        sent = [*before(step), STEPS[step]]
        planned = pbxsync("plan", "routes.yaml", "--reorder", *STATE)
        refused = pbxsync("apply", "routes.yaml", "--reorder", *STATE, env=to(pbx))
        assert (planned.code, refused.code) == (3, 3)
        assert changing(pbx) == sent
        assert f"nothing is sent while an outcome is in doubt: {action} {name}." in refused.err

        assert pbxsync("resolve", *STATE, found, "--", name).code == 0
        option = [] if half_done(pbx) else ["--reorder"]
        assert pbxsync("apply", "routes.yaml", *option, *STATE, env=to(pbx)).code == 0
        assert names(pbx) == ["a", "branch", "long", "rest"]
        assert recorded() == held(pbx)
        assert sorted(changing(pbx)) == sorted([*sent, *ALL[len(sent) - (found == "--not-applied") :]])
    check("apply", first)
    assert "in_doubt" in [status for _, _, status in outcomes(first)]
    assert "pbxsync resolve --state state.json --applied -- " in first.err
    assert f"whether {action} {name} was carried out is in doubt" in planned.out


def test_a_doubt_that_somebody_resolves_wrongly_deletes_nothing() -> None:
    step = "outroute/add@2"
    with Sandbox(tokens=["t"], routes=stored(*HELD), faults=[f"{step}=close", unsettled(step)]) as pbx:
        assert pbxsync("refresh", *STATE, env=to(pbx)).code == 0
        assert pbxsync("apply", "routes.yaml", "--reorder", *STATE, "--retries", "0", env=to(pbx)).code == 3
        assert pbxsync("resolve", "long~pbxsync", *STATE, "--applied").code == 0
        wrong = pbxsync("apply", "routes.yaml", *STATE, env=to(pbx))
        assert names(pbx) == ["a", "long", "rest", "branch"]
        assert pbxsync("refresh", *STATE, env=to(pbx)).code == 0
        assert pbxsync("apply", "routes.yaml", "--reorder", *STATE, env=to(pbx)).code == 0
        assert names(pbx) == ["a", "branch", "long", "rest"]
    assert wrong.code == 1
    assert "the PBX holds other routes than the state file has recorded" in wrong.err


def test_a_state_file_of_another_order_moves_nothing() -> None:
    with Sandbox(tokens=["t"], routes=stored(*HELD)) as pbx:
        assert pbxsync("refresh", *STATE, env=to(pbx)).code == 0
        with Client(Connection(pbx.url), Credentials("t")) as client:
            client.delete_route("long")
            client.add_route(Route("long", "X.", ("carrier", "out"), prefix="00"))
        recorded_before, theirs = Path("state.json").read_bytes(), changing(pbx)
        stale = pbxsync("apply", "routes.yaml", "--reorder", *STATE, env=to(pbx))
        assert changing(pbx) == theirs
        assert Path("state.json").read_bytes() == recorded_before
        assert pbxsync("refresh", *STATE, env=to(pbx)).code == 0
        assert pbxsync("apply", "routes.yaml", "--reorder", *STATE, env=to(pbx)).code == 0
        assert names(pbx) == ["a", "branch", "long", "rest"]
    assert stale.code == 1
    assert (
        "holds other routes than the state file has recorded, or in another order, so nothing can be moved" in stale.err
    )
    assert "pbxsync refresh --state state.json" in stale.err


def test_with_a_state_file_a_look_that_fails_leaves_no_doubt_and_the_next_run_completes_the_reorder() -> None:
    # The first two queries are the refresh's. The look before the deletes fails, and the check at the end.
    look = 2 + QUERIES + LOOKS["outroute/delete@1"]
    silent = f"outroute/query@{look}-{look + 1}=status:503"
    with Sandbox(tokens=["t"], routes=stored(*HELD), faults=[silent]) as pbx:
        assert pbxsync("refresh", *STATE, env=to(pbx)).code == 0
        first = pbxsync("apply", "routes.yaml", "--reorder", *STATE, "--retries", "0", env=to(pbx))
        assert changing(pbx) == ADDS
        assert (doubts(), [name for name, _ in recorded()]) == ([], names(pbx))
        assert pbxsync("apply", "routes.yaml", *STATE, env=to(pbx)).code == 0
        assert names(pbx) == ["a", "branch", "long", "rest"]
        assert recorded() == held(pbx)
    assert first.code == 1
    assert "move rest failed: not sent: the PBX has to show first what it holds, and asking it fails: " in first.err


@on_posix
@pytest.mark.parametrize(("look", "sent"), list(enumerate(LOOKED_AT, start=QUERIES + 1)))
def test_a_signal_during_a_look_ends_the_run_before_the_next_step(look: int, sent: list[str]) -> None:
    with Sandbox(tokens=["t"], routes=stored(*HELD), faults=[f"outroute/query@{look}=delay:2"]) as pbx:
        with Running("apply", "routes.yaml", "--reorder", env=to(pbx)) as run:
            received(pbx, len(sent) + look)
            run.send(signal.SIGTERM)
            done = run.ended()
        assert changing(pbx) == sent
    assert done.code == 143
