"""Moves carried out over HTTP: what is looked at between their steps, and every end that they can come to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbxsync import differ
from pbxsync.ledger import LiveLedger, RecordedLedger
from pbxsync.model import KnownState, Plan, PlanChoices, Route
from pbxsync.preflight import check_sendable
from pbxsync.sandbox import Firmware
from pbxsync.verification import Verified, verify
from tests import reordering
from tests.applying import (
    APPLIED,
    FAILED,
    HEARD,
    IN_DOUBT,
    LOST,
    MISHAPS,
    NOT_ATTEMPTED,
    QUERY,
    SILENT,
    STRUCK,
    URL,
    WAYS,
    C,
    Way,
    apply,
    calls,
    changing,
    check_recorded,
    client,
    known,
    made_way,
    names,
    on_disk,
    pbx,
    state_file,
    states,
    there,
    unwritable,
)
from tests.share import examples
from tests.strategies import desired

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from pbxsync.client import Client
    from pbxsync.known_state import StateFile
    from pbxsync.model import Outcome
    from pbxsync.sandbox import Sandbox

BRANCH = Route("branch", "7XXX", ("to-branch",))
WORLD = Route("world", "X.", ("intl",), prefix="9011")
REST = Route("rest", "X.", ("out",))
COPY = replace(REST, name="rest~pbxsync")
OLD = Route("old", "8X.", ("line",))

#: What the file declares, and what the PBX holds before, half way and at the end.
WANTED = (BRANCH, replace(WORLD, trunks=("w",)), REST)
ROUTES = (REST, WORLD)
HALF_WAY = (REST, WANTED[1], BRANCH, COPY)
DONE = (WANTED[1], BRANCH, REST)
#: The steps of the reorder, and the call of each, with its number among those of its kind.
STEPS = ["update world", "add branch", "add rest~pbxsync", "delete rest", "update rest"]
LOOKED = [*STEPS[:2], QUERY, STEPS[2], QUERY, STEPS[3], QUERY, STEPS[4]]
CALLS = ["outroute/update@1", "outroute/add@1", "outroute/add@2", "outroute/delete@1", "outroute/update@2"]
AT_EACH = pytest.mark.parametrize("at", range(5), ids=STEPS)

NOT_SO = "not sent: the PBX is not as it should be: "
NOT_ASKED = "not sent: the PBX has to show first what it holds, and asking it fails: "


@pytest.fixture(params=WAYS, ids="-".join)
def way(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Way]:
    with made_way(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Iterator[StateFile]:
    with state_file(tmp_path, *ROUTES) as state:
        yield state


def reorder(
    wanted: Sequence[Route] = WANTED, held: Sequence[Route] = ROUTES, *, prune: bool = False, state: str = "live"
) -> Plan:
    choices = PlanChoices(reorder=True, prune=prune)
    return differ.plan(desired(list(wanted)), KnownState(URL, known(*held), state), choices)


def carried_out(
    sandbox: Sandbox, made: Plan | None = None, held: Sequence[Route] = ROUTES, way: Way | None = None
) -> list[Outcome]:
    return (way or Way("json", None)).run(sandbox, made or reorder(), held)


def next_run(sandbox: Sandbox, wanted: Sequence[Route] = WANTED) -> tuple[Route, ...]:
    """What the PBX holds once another run has read it and gone to its end without a failure."""
    with pbx(routes=there(sandbox)) as again:
        outcomes = carried_out(again, reorder(wanted, there(again)), there(again))
        assert set(states(outcomes)) <= {APPLIED}
        return there(again)


def test_a_reorder_looks_after_the_first_add_and_each_copy_and_before_it_deletes_and_renames(way: Way) -> None:
    with pbx(routes=ROUTES) as sandbox:
        outcomes = carried_out(sandbox, way=way)
        assert states(outcomes) == [APPLIED] * 5
        assert [f"{outcome.change.action} {outcome.change.name}" for outcome in outcomes] == STEPS
        assert calls(sandbox) == LOOKED
        assert there(sandbox) == DONE


def test_the_copy_is_renamed_by_the_id_that_the_pbx_gave_it(way: Way) -> None:
    with pbx(routes=ROUTES) as sandbox:
        (*_, last) = carried_out(sandbox, way=way)
        assert sandbox.requests[-1].fields["id"] == "4"
        assert last.change.id == "4"
        assert [(held["name"], held["id"]) for held in sandbox.routes()] == [
            ("world", "2"),
            ("branch", "3"),
            ("rest", "4"),
        ]


def test_each_step_of_a_move_says_which_route_is_moved_and_no_other_step_does() -> None:
    held = (*ROUTES, OLD)
    with pbx(routes=held) as sandbox:
        outcomes = carried_out(sandbox, reorder(held=held, prune=True), held)
        assert [f"{outcome.change.action} {outcome.change.name}" for outcome in outcomes] == [
            *STEPS[:3],
            "delete old",
            *STEPS[3:],
        ]
        assert [outcome.moving for outcome in outcomes] == [None, None, "rest", None, "rest", "rest"]


WIDE = Route("wide", "[78]X.", ("w",))
#: A file and a PBX of which two routes have to be moved.
TWO_MOVES = (BRANCH, OLD, WIDE, REST), (REST, WIDE, OLD)


def test_each_copy_is_looked_at_before_the_next_is_made(way: Way) -> None:
    wanted, held = TWO_MOVES
    with pbx(routes=held) as sandbox:
        assert set(states(carried_out(sandbox, reorder(wanted, held), held, way))) == {APPLIED}
        assert calls(sandbox) == [
            "add branch",
            QUERY,
            "add wide~pbxsync",
            QUERY,
            "add rest~pbxsync",
            QUERY,
            "delete wide",
            "delete rest",
            QUERY,
            "update wide",
            "update rest",
        ]
        assert there(sandbox) == (OLD, BRANCH, *wanted[2:])


def test_a_reorder_without_an_add_looks_after_its_copy() -> None:
    held = (REST, BRANCH)
    with pbx(routes=held) as sandbox:
        assert set(states(carried_out(sandbox, reorder((BRANCH, REST), held), held))) == {APPLIED}
        assert calls(sandbox) == ["add rest~pbxsync", QUERY, "delete rest", QUERY, "update rest"]


# --- copies that are stored otherwise, or elsewhere ---


ALL, WIDER, NARROW = Route("all-rest", "X.", ("out",)), Route("b-wide", "[78]X.", ("w",)), Route("c-old", "8X.", ("l",))


@pytest.mark.parametrize(
    ("firmware", "said"),
    [
        (Firmware(store_name="upper"), 'name was sent as "b-wide~pbxsync" and stored as "B-WIDE~PBXSYNC"'),
        (Firmware(store_name="slug"), 'name was sent as "b-wide~pbxsync" and stored as "b-wide_pbxsync"'),
        (Firmware(name_limit=10), 'name was sent as "b-wide~pbxsync" and stored as "b-wide~pbx"'),
        (Firmware(insert="top"), "new route b-wide~pbxsync at place 1 of 4, above all-rest, b-wide, c-old, and not at"),
        (Firmware(insert="sorted"), "new route b-wide~pbxsync at place 3 of 4, above c-old, and not at the end"),
    ],
)
def test_a_copy_that_is_not_what_or_where_it_should_be_is_the_last_one(firmware: Firmware, said: str, way: Way) -> None:
    held, wanted = (ALL, WIDER, NARROW), (NARROW, WIDER, ALL)
    with pbx(routes=held, firmware=firmware) as sandbox:
        outcomes = carried_out(sandbox, reorder(wanted, held), held, way)
        assert changing(sandbox) == ["add b-wide~pbxsync"]
        assert states(outcomes) == [APPLIED, FAILED] + [NOT_ATTEMPTED] * (len(outcomes) - 2)
        assert said in str(outcomes[1].error)
        looked = way.looked(sandbox, outcomes, held)
    (finding,) = looked.findings
    assert said in finding.message
    assert "web page" in finding.message
    assert "Write name" not in finding.message
    assert looked.notes == ()


# --- what the look must see before anything is deleted ---


def meddled(
    way: Way,
    meddle: Callable[[Client], object],
    *,
    after: int = 3,
    made: Plan | None = None,
    held: Sequence[Route] = ROUTES,
) -> tuple[list[Outcome], Sandbox]:
    """Carry the reorder out while somebody else does something to the PBX after so many steps."""
    way.holds(*held)
    with pbx(routes=held) as sandbox, client(sandbox, way.kind) as caller, client(sandbox) as somebody:
        run = apply(made or reorder(), caller, way.ledger(), before=known(*held))
        outcomes = [next(run) for _ in range(after)]
        meddle(somebody)
        outcomes += run
    return outcomes, sandbox


def add_again(*routes: Route) -> Callable[[Client], object]:
    """Put routes to the end of the PBX's table."""

    def meddle(somebody: Client) -> None:
        for route in routes:
            somebody.delete_route(route.name)
            somebody.add_route(route)

    return meddle


@pytest.mark.parametrize(
    ("meddle", "said"),
    [
        (lambda somebody: somebody.delete_route("rest~pbxsync"), "rest~pbxsync is not there"),
        (
            lambda somebody: somebody.update_route("4", replace(COPY, trunks=("t",))),
            'rest~pbxsync is not stored as it was sent: trunks was sent as "out" and stored as "t"',
        ),
        (lambda somebody: somebody.add_route(COPY), "rest~pbxsync is there 2 times"),
        (add_again(WANTED[1]), "the PBX put the new route branch at place 2 of 4, above world, and not at the end"),
        (lambda somebody: somebody.delete_route("branch"), "branch is not there"),
        (lambda somebody: somebody.update_route("2", WORLD), "world is as it was before the update"),
        (
            lambda somebody: somebody.delete_route("rest"),
            "rest is gone from the PBX, though this run did not delete it",
        ),
        (
            lambda somebody: [somebody.delete_route(name) for name in ("rest", "branch")],
            "branch is not there (and 1 more)",
        ),
    ],
    ids=["copy gone", "altered", "doubled", "misplaced", "add gone", "update undone", "route gone", "two gone"],
)
def test_nothing_is_deleted_unless_the_pbx_holds_all_that_was_sent_where_it_belongs(
    meddle: Callable[[Client], object], said: str, way: Way
) -> None:
    outcomes, sandbox = meddled(way, meddle)
    assert states(outcomes) == [APPLIED, APPLIED, APPLIED, FAILED, NOT_ATTEMPTED]
    assert str(outcomes[3].error).startswith(NOT_SO + said)
    by_somebody = said.startswith(("rest is gone", "branch is not there (and"))
    assert calls(sandbox).count("delete rest") == by_somebody


@pytest.mark.parametrize(
    ("fault", "done"),
    [
        ("outroute/add@2=lie", 3),
        ("outroute/add@2=alter:matchpattern=N.", 3),
        ("outroute/add@2=twice", 3),
        ("outroute/add@1=drop-last", 2),
        ("outroute/add@1=lie", 2),
    ],
)
def test_a_pbx_that_says_success_and_did_otherwise_deletes_nothing(fault: str, done: int, way: Way) -> None:
    with pbx(fault, routes=ROUTES) as sandbox:
        outcomes = carried_out(sandbox, way=way)
        assert states(outcomes) == [APPLIED] * done + [FAILED] + [NOT_ATTEMPTED] * (4 - done)
        assert str(outcomes[done].error).startswith(NOT_SO)
        assert changing(sandbox) == STEPS[:done]
        assert there(sandbox)[0] == REST


@pytest.mark.parametrize(
    ("meddle", "said"),
    [
        (
            lambda somebody: somebody.update_route("1", replace(REST, trunks=("t",))),
            "rest was changed on the PBX by somebody else meanwhile, and is not deleted",
        ),
        (
            lambda somebody: somebody.add_route(replace(REST, name="REST")),
            "rest is not deleted: the PBX holds REST too, and may take both for one",
        ),
        (
            lambda somebody: somebody.add_route(replace(OLD, name="Rest ")),
            "rest is not deleted: the PBX holds Rest  too, and may take both for one",
        ),
        (
            lambda somebody: somebody.add_route(replace(OLD, name="rést")),
            "rest is not deleted: the PBX holds rést too, and may take both for one",
        ),
        (
            lambda somebody: somebody.add_route(REST),
            "the PBX is not as it should be: rest is there 2 times, and this run did not send it; delete all but one "
            "on the PBX",
        ),
    ],
    ids=["changed", "other case", "other spaces", "other accents", "same name"],
)
def test_a_route_is_not_deleted_that_somebody_changed_or_whose_name_is_not_its_own_any_more(
    meddle: Callable[[Client], object], said: str, way: Way
) -> None:
    outcomes, sandbox = meddled(way, meddle)
    assert states(outcomes) == [APPLIED, APPLIED, APPLIED, FAILED, NOT_ATTEMPTED]
    assert outcomes[3].error == f"not sent: {said}"
    assert "delete rest" not in calls(sandbox)


def test_what_somebody_else_does_to_other_routes_meanwhile_keeps_nothing_from_being_moved(way: Way) -> None:
    other = replace(C, matchpattern="5X.")

    def meddle(somebody: Client) -> None:
        somebody.update_route("3", replace(OLD, trunks=("t",)))
        somebody.add_route(other)

    held = (*ROUTES, OLD)
    outcomes, sandbox = meddled(way, meddle, made=reorder(held=held), held=held)
    assert states(outcomes) == [APPLIED] * 5
    assert there(sandbox) == (WANTED[1], replace(OLD, trunks=("t",)), BRANCH, REST, other)


def test_what_is_pruned_beside_a_move_is_looked_at_too_and_what_is_below_it_goes_first(way: Way) -> None:
    held = (OLD, REST, WORLD, replace(OLD, name="older", prefix="4"))
    made = reorder(held=held, prune=True)

    def meddle(somebody: Client) -> None:
        somebody.update_route("1", replace(OLD, trunks=("t",)))

    outcomes, sandbox = meddled(way, meddle, made=made, held=held)
    assert [(outcome.change.name, outcome.status) for outcome in outcomes[3:]] == [
        ("older", FAILED),
        ("rest", NOT_ATTEMPTED),
        ("old", NOT_ATTEMPTED),
        ("rest", NOT_ATTEMPTED),
    ]
    assert outcomes[3].error == "not sent: old was changed on the PBX by somebody else meanwhile, and is not deleted"
    assert names(sandbox) == ["old", "rest", "world", "older", "branch", "rest~pbxsync"]


@pytest.mark.parametrize(
    ("meddle", "said"),
    [
        (
            lambda somebody: somebody.update_route("3", replace(COPY, trunks=("t",))),
            "rest~pbxsync was changed on the PBX by somebody else meanwhile, so rest is not moved",
        ),
        (
            lambda somebody: somebody.add_route(COPY),
            "the PBX is not as it should be: rest~pbxsync is there 2 times, and this run did not send it; delete all "
            "but one on the PBX",
        ),
        (
            lambda somebody: somebody.delete_route("rest~pbxsync"),
            "the PBX is not as it should be: rest~pbxsync is gone from the PBX, though this run did not delete it",
        ),
    ],
    ids=["changed", "made twice", "gone"],
)
def test_a_copy_of_an_earlier_run_that_somebody_changed_takes_no_routes_place(
    meddle: Callable[[Client], object], said: str, way: Way
) -> None:
    held = (REST, BRANCH, COPY)
    outcomes, sandbox = meddled(way, meddle, after=0, made=reorder((BRANCH, REST), held), held=held)
    assert states(outcomes) == [FAILED, NOT_ATTEMPTED]
    assert outcomes[0].error == f"not sent: {said}"
    assert REST in there(sandbox)


def test_a_copy_that_is_not_needed_is_not_deleted_where_somebody_changed_the_route_itself(way: Way) -> None:
    held = (BRANCH, REST, COPY)
    made = reorder((BRANCH, REST), held)

    def meddle(somebody: Client) -> None:
        somebody.update_route("2", replace(REST, trunks=("t",)))

    outcomes, sandbox = meddled(way, meddle, after=0, made=made, held=held)
    assert states(outcomes) == [FAILED]
    assert outcomes[0].error == (
        "not sent: rest was changed on the PBX by somebody else meanwhile, so rest is not moved"
    )
    assert "delete rest~pbxsync" not in calls(sandbox)
    with pbx(routes=held) as sandbox:
        assert states(carried_out(sandbox, made, held)) == [APPLIED]
        assert there(sandbox) == (BRANCH, REST)


#: The looks of the reorder, each with the steps that are done then.
EACH_LOOK = pytest.mark.parametrize(("look", "done"), [(1, 2), (2, 3), (3, 4)])


@EACH_LOOK
@pytest.mark.parametrize("fault", ["refuse", "refuse:10003", "status:404", "status:503", "html", "empty", "cut-body"])
def test_nothing_more_is_sent_where_the_pbx_does_not_answer_what_it_holds(look: int, done: int, fault: str) -> None:
    with pbx(f"outroute/query@{look}={fault}", routes=ROUTES) as sandbox:
        outcomes = carried_out(sandbox)
        assert states(outcomes) == [APPLIED] * done + [FAILED] + [NOT_ATTEMPTED] * (4 - done)
        assert str(outcomes[done].error).startswith(f"{NOT_ASKED}outroute/query: ")
        assert calls(sandbox) == LOOKED[: done + look]
    assert next_run(sandbox) == DONE


@EACH_LOOK
@pytest.mark.parametrize("shown", [0, 1, 2])
def test_a_short_answer_to_a_look_is_asked_again(look: int, done: int, shown: int, way: Way) -> None:
    with pbx(f"outroute/query@{look}=short:{shown}", routes=ROUTES) as sandbox:
        assert states(carried_out(sandbox, way=way)) == [APPLIED] * 5
        assert calls(sandbox) == [*LOOKED[: done + look], QUERY, QUERY, *LOOKED[done + look :]]
        assert there(sandbox) == DONE


# --- what it must see before anything is renamed ---


@pytest.mark.parametrize(
    ("meddle", "said"),
    [
        (
            lambda somebody: somebody.add_route(REST),
            "rest is still there",
        ),
        (lambda somebody: somebody.delete_route("rest~pbxsync"), "rest~pbxsync is not there"),
        (
            lambda somebody: somebody.add_route(COPY),
            "rest~pbxsync is there 2 times; delete all but one on the PBX",
        ),
        (
            lambda somebody: somebody.update_route("4", replace(COPY, prepend="0")),
            'rest~pbxsync is not stored as it was sent: prepend was sent as "" and stored as "0"',
        ),
    ],
    ids=["name taken", "copy gone", "doubled", "altered"],
)
def test_a_copy_gets_no_name_that_is_not_free_and_none_where_it_is_not_what_was_sent(
    meddle: Callable[[Client], object], said: str, way: Way
) -> None:
    outcomes, sandbox = meddled(way, meddle, after=4)
    assert states(outcomes) == [APPLIED] * 4 + [FAILED]
    assert str(outcomes[4].error).startswith(NOT_SO + said)
    assert "update rest" not in calls(sandbox)


def test_a_copy_of_an_earlier_run_is_not_renamed_where_somebody_changed_it_meanwhile(way: Way) -> None:
    held = (REST, BRANCH, COPY)
    outcomes, sandbox = meddled(
        way,
        lambda somebody: somebody.update_route("3", replace(COPY, prepend="0")),
        after=1,
        made=reorder((BRANCH, REST), held),
        held=held,
    )
    assert states(outcomes) == [APPLIED, FAILED]
    assert outcomes[1].error == (
        "not sent: rest~pbxsync was changed on the PBX by somebody else meanwhile, so rest is not moved"
    )
    assert "update rest" not in calls(sandbox)


def test_a_route_that_the_pbx_says_it_deleted_and_did_not_gets_no_double(way: Way) -> None:
    with pbx("outroute/delete@1=lie", routes=ROUTES) as sandbox:
        outcomes = carried_out(sandbox, way=way)
        assert states(outcomes) == [APPLIED] * 4 + [FAILED]
        assert outcomes[4].error == f"{NOT_SO}rest is still there"
        assert there(sandbox) == HALF_WAY
    assert next_run(sandbox) == DONE


def test_a_copy_that_has_another_id_now_is_renamed_by_that_one(way: Way) -> None:
    outcomes, sandbox = meddled(way, add_again(COPY), after=4)
    assert states(outcomes) == [APPLIED] * 5
    assert sandbox.requests[-1].fields["id"] == "5"
    assert there(sandbox) == DONE


# --- ends on the way ---


@pytest.mark.parametrize("count", range(6))
def test_a_run_that_is_stopped_between_two_steps_can_be_taken_up_again(count: int, way: Way) -> None:
    way.holds(*ROUTES)
    with pbx(routes=ROUTES) as sandbox, client(sandbox, way.kind) as caller:
        run = apply(reorder(), caller, way.ledger(), lambda: len(changing(sandbox)) >= count, known(*ROUTES))
        assert states(list(run)) == [APPLIED] * count + [NOT_ATTEMPTED] * (5 - count)
        assert changing(sandbox) == STEPS[:count]
    assert next_run(sandbox) == DONE


@EACH_LOOK
def test_a_wish_to_stop_that_comes_while_the_pbx_is_looked_at_keeps_the_next_step_back(look: int, done: int) -> None:
    with pbx(routes=ROUTES) as sandbox, client(sandbox) as caller:
        run = apply(reorder(), caller, LiveLedger(), lambda: calls(sandbox).count(QUERY) == look, known(*ROUTES))
        outcomes = list(run)
        assert states(outcomes) == [APPLIED] * done + [NOT_ATTEMPTED] * (5 - done)
        assert [outcome.moving for outcome in outcomes] == [None, None, "rest", "rest", "rest"]
        assert calls(sandbox) == LOOKED[: done + look]
    assert next_run(sandbox) == DONE


@AT_EACH
def test_a_step_that_the_pbx_refuses_ends_the_run_and_the_next_run_finishes(at: int, way: Way) -> None:
    with pbx(f"{CALLS[at]}=refuse", routes=ROUTES) as sandbox:
        outcomes = carried_out(sandbox, way=way)
        assert states(outcomes) == [APPLIED] * at + [FAILED] + [NOT_ATTEMPTED] * (4 - at)
        assert changing(sandbox) == STEPS[: at + 1]
        assert way.looked(sandbox, outcomes, ROUTES) == Verified()
    assert next_run(sandbox) == DONE


@AT_EACH
def test_a_step_that_fails_and_is_carried_out_is_a_note_and_the_next_run_finishes(at: int, way: Way) -> None:
    with pbx(f"{CALLS[at]}=fail-done", routes=ROUTES) as sandbox:
        outcomes = carried_out(sandbox, way=way)
        assert states(outcomes) == [APPLIED] * at + [FAILED] + [NOT_ATTEMPTED] * (4 - at)
        note = f"{STEPS[at]} counts as failed, but the PBX has carried it out"
        assert way.looked(sandbox, outcomes, ROUTES) == Verified((), (note,))
    assert next_run(sandbox) == DONE


@AT_EACH
@pytest.mark.parametrize("fault", LOST)
def test_a_step_whose_answer_is_lost_is_found_done_and_the_run_goes_on(at: int, fault: str) -> None:
    with pbx(f"{CALLS[at]}=after:{fault}", routes=ROUTES) as sandbox:
        assert states(carried_out(sandbox)) == [APPLIED] * 5
        assert changing(sandbox) == STEPS
        assert there(sandbox) == DONE


@AT_EACH
@pytest.mark.parametrize("fault", HEARD)
def test_a_step_that_is_found_not_done_ends_the_run_and_is_not_sent_again(at: int, fault: str) -> None:
    with pbx(f"{CALLS[at]}=before:{fault}", routes=ROUTES) as sandbox:
        outcomes = carried_out(sandbox)
        assert states(outcomes) == [APPLIED] * at + [FAILED] + [NOT_ATTEMPTED] * (4 - at)
        assert "is not sent again in this run; the next run asks the PBX first" in str(outcomes[at].error)
        assert changing(sandbox) == STEPS[: at + 1]
    assert next_run(sandbox) == DONE


@pytest.mark.parametrize("at", range(1, 5), ids=STEPS[1:])
@pytest.mark.parametrize("fault", SILENT)
def test_a_step_that_never_arrived_over_a_used_connection_is_sent_again(at: int, fault: str, way: Way) -> None:
    way.holds(*ROUTES)
    with pbx(f"{CALLS[at]}=before:{fault}", routes=ROUTES) as sandbox, client(sandbox, way.kind) as caller:
        outcomes = list(apply(reorder(), caller, way.ledger(), before=known(*ROUTES)))
        assert states(outcomes) == [APPLIED] * 5
        assert changing(sandbox) == [*STEPS[: at + 1], *STEPS[at:]]
        assert there(sandbox) == DONE


@AT_EACH
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_step_is_in_doubt_where_the_pbx_does_not_say_what_became_of_it(at: int, when: str, way: Way) -> None:
    # So many looks come before the step.
    asked = [0, 0, 1, 2, 3][at] + 1
    with pbx(f"{CALLS[at]}={when}:html", f"outroute/query@{asked}=status:500", routes=ROUTES) as sandbox:
        outcomes = carried_out(sandbox, way=way)
        assert states(outcomes) == [APPLIED] * at + [IN_DOUBT] + [NOT_ATTEMPTED] * (4 - at)
    assert next_run(sandbox) == DONE


# --- with a state file ---


def on_file(file: StateFile) -> list[tuple[str, str | None]]:
    """The names and ids that the state file holds."""
    return [(held.route.name, held.id) for held in on_disk(file).routes]


def test_each_step_is_on_disk_before_the_next_and_the_looks_bring_the_ids(file: StateFile) -> None:
    with pbx(routes=ROUTES) as sandbox, client(sandbox) as caller:
        seen = [
            on_file(file)
            for _ in apply(reorder(), caller, RecordedLedger(file), before=known(*ROUTES))
            if not on_disk(file).doubts
        ]
        assert seen == [
            [("rest", "1"), ("world", "2")],
            [("rest", "1"), ("world", "2"), ("branch", None)],
            [("rest", "1"), ("world", "2"), ("branch", "3"), ("rest~pbxsync", None)],
            [("world", "2"), ("branch", "3"), ("rest~pbxsync", "4")],
            [("world", "2"), ("branch", "3"), ("rest", "4")],
        ]
        assert on_disk(file).routes == caller.query_table().routes


def test_nothing_is_deleted_where_what_the_pbx_holds_cannot_be_recorded(file: StateFile) -> None:
    with pbx(routes=ROUTES) as sandbox, client(sandbox) as caller:
        run = apply(reorder(), caller, RecordedLedger(file), before=known(*ROUTES))
        outcomes = [next(run) for _ in range(3)]
        unwritable(file)
        outcomes += run
        assert states(outcomes) == [APPLIED, APPLIED, APPLIED, FAILED, NOT_ATTEMPTED]
        assert str(outcomes[3].error).startswith(f"not sent: {file.path}: the state file can't be written: ")
        assert calls(sandbox) == LOOKED[:5]


def test_a_look_that_finds_something_wrong_leaves_what_was_recorded(file: StateFile) -> None:
    with pbx("outroute/add@2=lie", routes=ROUTES) as sandbox, client(sandbox) as caller:
        outcomes = list(apply(reorder(), caller, RecordedLedger(file), before=known(*ROUTES)))
    assert states(outcomes)[3:] == [FAILED, NOT_ATTEMPTED]
    assert on_file(file) == [("rest", "1"), ("world", "2"), ("branch", "3"), ("rest~pbxsync", None)]


@AT_EACH
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_step_in_doubt_is_in_the_file_and_once_it_is_settled_the_next_run_finishes(
    at: int, when: str, file: StateFile
) -> None:
    asked = [0, 0, 1, 2, 3][at] + 1
    faults = (f"{CALLS[at]}={when}:html", f"outroute/query@{asked}=status:500")
    with pbx(*faults, routes=ROUTES) as sandbox, client(sandbox) as caller:
        outcomes = list(apply(reorder(), caller, RecordedLedger(file), before=known(*ROUTES)))
        assert states(outcomes) == [APPLIED] * at + [IN_DOUBT] + [NOT_ATTEMPTED] * (4 - at)
        (doubt,) = on_disk(file).doubts
        assert (doubt.change.action, doubt.change.name) == tuple(STEPS[at].split())
        file.settle(doubt.change, applied=when == "after")
        assert tuple(held.route for held in on_disk(file).routes) == there(sandbox)
        rest = differ.plan(desired(list(WANTED)), on_disk(file), PlanChoices(reorder=True))
        before = check_recorded(rest, on_disk(file).routes, caller)
        assert before is not None
        check_sendable(rest)
        last = list(apply(rest, caller, RecordedLedger(file), before=before))
        assert set(states(last)) <= {APPLIED}
        assert there(sandbox) == DONE


# --- the look at the end ---


def test_a_reorder_that_went_to_its_end_has_no_findings_and_no_notes(way: Way) -> None:
    with pbx(routes=ROUTES) as sandbox:
        assert way.looked(sandbox, carried_out(sandbox, way=way), ROUTES) == Verified()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("outroute/update@2=lie", "rest is not there: the PBX still has it as rest~pbxsync"),
        ("outroute/update@2=alter:trunks=t", 'rest is not stored as it was sent: trunks was sent as "out" and stored'),
        ("outroute/update@2=drop-last", "rest is not there"),
    ],
)
def test_what_the_pbx_did_not_do_of_the_end_of_a_move_is_a_finding(fault: str, said: str, way: Way) -> None:
    with pbx(fault, routes=ROUTES) as sandbox:
        outcomes = carried_out(sandbox, way=way)
        assert states(outcomes) == [APPLIED] * 5
        (finding,) = way.looked(sandbox, outcomes, ROUTES).findings
    assert finding.message.startswith(said)


def test_a_rename_that_fails_halfway_leaves_the_copy_without_a_pattern(way: Way) -> None:
    with pbx("outroute/update@2=half", routes=ROUTES) as sandbox:
        outcomes = carried_out(sandbox, way=way)
        assert states(outcomes) == [APPLIED] * 4 + [FAILED]
        (finding,) = way.looked(sandbox, outcomes, ROUTES).findings
    assert finding.message == "rest~pbxsync has lost its pattern on the PBX, and takes no call now"


# --- whatever goes wrong with a reorder ---


def sendable(route: Route) -> Route:
    """The same route as the PBX takes it, which wants a matchpattern."""
    return route if route.matchpattern else replace(route, prefix="", matchpattern=route.prefix or "X")


@given(
    reordering.cases(most=4),
    st.sampled_from([reordering.REORDER, reordering.PRUNE]),
    STRUCK,
    st.integers(1, 5),
    MISHAPS,
    st.sampled_from(["json", "xml"]),
)
@settings(max_examples=examples(100))
def test_live_a_reorder_that_is_struck_anywhere_leaves_what_some_of_its_steps_do_and_the_next_run_finishes(
    case: reordering.Case, choices: PlanChoices, call: str, number: int, mishap: str, kind: str
) -> None:
    # No two routes with the same fields: an unmanaged one could be the declared one under another name.
    wanted, held = (
        tuple(replace(sendable(route), trunks=(*route.trunks, route.name)) for route in routes)
        for routes in (case.declared, case.held)
    )
    state = KnownState(URL, known(*held))
    made = differ.plan(desired(list(wanted)), state, choices)
    moments = [tuple(reordering.table(reordering.after(state, made, count))) for count in range(20)]
    with pbx(f"{call}@{number}={mishap}", routes=held) as sandbox:
        outcomes = carried_out(sandbox, made, held, Way(kind, None))
    done = states(outcomes).count(APPLIED)
    assert there(sandbox) in moments[done : done + 2]
    with pbx(routes=there(sandbox)) as healthy:
        assert verify(known(*held), outcomes, known(*there(sandbox))).findings == ()
        rest = differ.plan(desired(list(wanted)), KnownState(URL, known(*there(sandbox))), choices)
        assert set(states(carried_out(healthy, rest, there(healthy)))) <= {APPLIED}
        assert there(healthy) == moments[-1]
