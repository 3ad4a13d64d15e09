"""Plan and client → outcomes, against a sandbox that misbehaves: the order of the steps, the looks, and every end."""

from __future__ import annotations

import threading
from dataclasses import replace
from itertools import dropwhile
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbxsync import applier, differ
from pbxsync.client import Client, Credentials
from pbxsync.errors import UnreliableTable
from pbxsync.known_state import StateFile, with_changes
from pbxsync.ledger import LiveLedger, RecordedLedger
from pbxsync.model import Action, Change, KnownRoute, KnownState, Plan, PlanChoices, Route
from pbxsync.sandbox import Firmware
from pbxsync.verification import Verified, stored_fault
from tests.applying import (
    A2,
    ADD_C,
    ADD_D,
    APPLIED,
    CASES,
    CHANGES,
    DELETE_B,
    FAILED,
    HELD,
    IN_DOUBT,
    MISHAPS,
    NOT_ATTEMPTED,
    QUERY,
    STRUCK,
    UPDATE_A,
    URL,
    WAYS,
    A,
    B,
    C,
    D,
    Waits,
    Way,
    add,
    apply,
    calls,
    changing,
    client,
    known,
    live,
    made_way,
    names,
    on_disk,
    pbx,
    plan,
    recorded,
    row,
    state_file,
    states,
    there,
    unwritable,
)
from tests.share import examples
from tests.strategies import desired, routes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from pbxsync.model import Outcome
    from pbxsync.sandbox import Sandbox

E = replace(C, name="e", prefix="5")
ADD_E = add(E)
#: The calls of `CHANGES`, with the looks between them.
LOOKED = ["update a", "add c", QUERY, "add d", QUERY, "delete b"]
NOT_SO = "not sent: the PBX is not as it should be: "
NOT_ASKED = "not sent: the PBX has to show first what it holds, and asking it fails: "


@pytest.fixture(params=WAYS, ids="-".join)
def way(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Way]:
    with made_way(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Iterator[StateFile]:
    with state_file(tmp_path, A, B) as state:
        yield state


# --- order, and where it ends ---


def test_changes_are_sent_one_by_one_in_the_plans_order_over_one_connection(way: Way) -> None:
    with pbx() as sandbox:
        outcomes = way.run(sandbox, plan(*CHANGES))
        assert [outcome.change for outcome in outcomes] == list(CHANGES)
        assert states(outcomes) == [APPLIED] * 4
        assert [outcome.error for outcome in outcomes] == [None] * 4
        assert calls(sandbox) == LOOKED
        assert sandbox.connections == 1
        assert there(sandbox) == (A2, C, D)


def test_the_first_failure_ends_the_run_and_what_comes_after_it_is_not_attempted(way: Way) -> None:
    with pbx("outroute/add@1=refuse:10004") as sandbox:
        outcomes = way.run(sandbox, plan(*CHANGES))
        assert states(outcomes) == [APPLIED, FAILED, NOT_ATTEMPTED, NOT_ATTEMPTED]
        assert (
            outcomes[1].error == "outroute/add: the PBX refused it (errno 10004, may mean: a required field is empty)"
        )
        assert calls(sandbox) == ["update a", "add c"]


def test_each_outcome_comes_before_the_next_change_is_sent(way: Way) -> None:
    way.holds(A, B)
    with pbx() as sandbox, client(sandbox, way.kind) as caller:
        run = apply(plan(*CHANGES), caller, way.ledger())
        for sent in range(1, 5):
            next(run)
            assert len(changing(sandbox)) == sent


def test_each_step_that_is_sent_is_announced_right_before() -> None:
    announced: list[list[str]] = []
    with pbx("outroute/add@2=lie") as sandbox, client(sandbox) as caller:
        outcomes = list(
            applier.apply(
                plan(*CHANGES),
                caller,
                LiveLedger(),
                lambda: False,
                Waits(),
                HELD,
                lambda: announced.append(calls(sandbox)),
            )
        )
    assert states(outcomes) == [APPLIED, APPLIED, APPLIED, FAILED]
    assert announced == [LOOKED[:0], LOOKED[:1], LOOKED[:3]]


def test_a_wish_to_stop_is_heard_before_each_call_and_heard_once() -> None:
    stop = threading.Event()
    with pbx() as sandbox, client(sandbox) as caller:
        outcomes = []
        for outcome in apply(plan(*CHANGES), caller, LiveLedger(), stop.is_set):
            outcomes.append(outcome)
            # What was set once may be cleared again: the run stays stopped.
            stop.clear() if len(outcomes) == 3 else stop.set()
        assert states(outcomes) == [APPLIED, NOT_ATTEMPTED, NOT_ATTEMPTED, NOT_ATTEMPTED]
        assert calls(sandbox) == ["update a"]


@pytest.mark.parametrize(("look", "done"), [(1, 2), (2, 3)])
def test_a_wish_to_stop_that_comes_while_the_pbx_is_looked_at_keeps_the_next_step_back(look: int, done: int) -> None:
    with pbx() as sandbox, client(sandbox) as caller:
        run = apply(plan(*CHANGES), caller, LiveLedger(), lambda: calls(sandbox).count(QUERY) == look)
        assert states(list(run)) == [APPLIED] * done + [NOT_ATTEMPTED] * (4 - done)
        assert calls(sandbox) == LOOKED[: done + look]


def test_an_empty_plan_sends_nothing() -> None:
    with pbx() as sandbox:
        assert live(sandbox) == []
        assert sandbox.requests == []


# --- when the PBX is looked at ---


@pytest.mark.parametrize(
    ("changes", "looked"),
    [
        ([UPDATE_A], ["update a"]),
        ([ADD_C], ["add c"]),
        ([ADD_C, ADD_D, ADD_E], ["add c", QUERY, "add d", "add e"]),
        ([UPDATE_A, DELETE_B], ["update a", QUERY, "delete b"]),
        ([DELETE_B], [QUERY, "delete b"]),
        ([Change(Action.DELETE, A, None, id="1"), DELETE_B], [QUERY, "delete a", "delete b"]),
        ([ADD_C, DELETE_B], ["add c", QUERY, "delete b"]),
    ],
)
def test_the_pbx_is_looked_at_after_the_first_add_and_before_the_first_delete(
    changes: list[Change], looked: list[str], way: Way
) -> None:
    with pbx() as sandbox:
        assert set(states(way.run(sandbox, plan(*changes)))) == {APPLIED}
        assert calls(sandbox) == looked


def test_an_empty_table_does_not_show_where_new_routes_go_but_one_add_later_it_does(way: Way) -> None:
    with pbx(routes=()) as sandbox:
        assert set(states(way.run(sandbox, plan(ADD_C, ADD_D, ADD_E), held=()))) == {APPLIED}
        assert calls(sandbox) == ["add c", "add d", QUERY, "add e"]


def test_a_pbx_that_can_not_be_queried_is_not_looked_at(file: StateFile) -> None:
    with pbx(calls=["outroute/add"]) as sandbox, client(sandbox) as caller:
        outcomes = list(apply(plan(ADD_C, ADD_D, ADD_E), caller, RecordedLedger(file), before=None))
        assert states(outcomes) == [APPLIED] * 3
        assert calls(sandbox) == ["add c", "add d", "add e"]


@pytest.mark.parametrize("fault", ["refuse", "refuse:10003", "status:404", "status:503", "html", "empty", "cut-body"])
@pytest.mark.parametrize(("look", "done"), [(1, 2), (2, 3)])
def test_nothing_more_is_sent_where_the_pbx_does_not_answer_what_it_holds(
    look: int, done: int, fault: str, way: Way
) -> None:
    with pbx(f"outroute/query@{look}={fault}") as sandbox:
        outcomes = way.run(sandbox, plan(*CHANGES))
        assert states(outcomes) == [APPLIED] * done + [FAILED] + [NOT_ATTEMPTED] * (3 - done)
        assert str(outcomes[done].error).startswith(f"{NOT_ASKED}outroute/query: ")
        assert outcomes[done].unsent
        assert calls(sandbox) == LOOKED[: done + look]


# --- short answers ---


@pytest.mark.parametrize("shown", [0, 1, 2])
def test_a_short_answer_to_a_look_is_asked_again_and_stops_nothing(shown: int, way: Way) -> None:
    with pbx(f"outroute/query@1=short:{shown}", f"outroute/query@4=short:{shown}") as sandbox:
        assert states(way.run(sandbox, plan(*CHANGES))) == [APPLIED] * 4
        assert calls(sandbox) == [*LOOKED[:3], *[QUERY] * 2, *LOOKED[3:5], *[QUERY] * 2, *LOOKED[5:]]


@pytest.mark.parametrize("shown", [0, 1])
def test_a_short_answer_at_the_end_is_asked_again_and_finds_nothing(shown: int, way: Way) -> None:
    with pbx(f"outroute/query@3=short:{shown}", f"outroute/query@4=short:{shown + 1}") as sandbox:
        outcomes = way.run(sandbox, plan(*CHANGES))
        assert way.looked(sandbox, outcomes) == Verified()
        assert calls(sandbox)[6:] == [QUERY] * 4


def test_a_table_that_is_another_at_each_query_ends_the_run_and_can_not_be_verified(way: Way) -> None:
    faults = [f"outroute/query@{number}=short:{number % 2}" for number in range(1, 20)]
    with pbx(*faults) as sandbox:
        outcomes = way.run(sandbox, plan(*CHANGES))
        assert states(outcomes) == [APPLIED, APPLIED, FAILED, NOT_ATTEMPTED]
        assert str(outcomes[2].error).startswith(f"{NOT_ASKED}the PBX's table is changing: 5 queries, ")
        with pytest.raises(UnreliableTable):
            way.looked(sandbox, outcomes)
        assert there(sandbox) == (A2, B, C)


# --- lists that are not whole ---


@pytest.mark.parametrize("answers", ["works", "all", "first", "whole"])
def test_a_first_page_is_refused_once_a_route_of_this_run_is_not_on_it(answers: Any, way: Way) -> None:
    with pbx(firmware=Firmware(page=2, named_query=answers)) as sandbox:
        outcomes = way.run(sandbox, plan(ADD_C, ADD_D))
        assert states(outcomes) == [APPLIED, FAILED]
        message = (
            "the PBX finds c by name, but its list of all routes, 2 long, does not show it. The list is not whole (a "
            "first page?), so nothing can be kept in sync by it. Look in the PBX's web page"
        )
        assert outcomes[1].error == NOT_ASKED + message
        with pytest.raises(UnreliableTable, match="the PBX finds c by name"):
            way.looked(sandbox, outcomes)


def test_a_route_that_a_new_one_pushed_off_the_page_is_not_called_gone(way: Way) -> None:
    with pbx(firmware=Firmware(page=2, insert="top")) as sandbox:
        outcomes = way.run(sandbox, plan(ADD_C, ADD_D))
        assert str(outcomes[1].error).startswith(
            f"{NOT_ASKED}the PBX finds b by name, but its list of all routes, 2 long"
        )


@pytest.mark.parametrize("answers", ["none", "refuse"])
def test_where_nothing_is_found_by_name_a_route_is_not_there(answers: Any, way: Way) -> None:
    with pbx(firmware=Firmware(page=2, named_query=answers)) as sandbox:
        outcomes = way.run(sandbox, plan(ADD_C, ADD_D))
        assert outcomes[1].error == f"{NOT_SO}c is not there"
        (finding,) = way.looked(sandbox, outcomes).findings
        assert finding.message == "c is not there"


def test_of_many_routes_that_are_not_listed_one_by_name_is_enough(way: Way) -> None:
    adds = [add(replace(C, name=f"r{number}", prefix=str(number))) for number in range(3)]
    with pbx(routes=(), firmware=Firmware(page=1, named_query="whole")) as sandbox:
        outcomes = way.run(sandbox, plan(*adds), held=())
        assert states(outcomes) == [APPLIED, APPLIED, FAILED]
        assert str(outcomes[2].error).startswith(f"{NOT_ASKED}the PBX finds r1 by name")


# --- routes that are stored otherwise, or elsewhere ---

LONG = replace(C, name="emergency-calls-of-the-head-office-building-1")
OTHERWISE = [
    (Firmware(name_limit=40), LONG, {"name": LONG.name[:40]}),
    (Firmware(store_name="html"), replace(C, name="a & b"), {"name": "a &amp; b"}),
    (Firmware(store_name="squash"), replace(C, name="a  b"), {"name": "a b"}),
    (Firmware(store_name="slug"), replace(C, name="a (b)"), {"name": "a__b_"}),
    (Firmware(store_name="upper"), C, {"name": "C"}),
    (Firmware(filter_fields=True), replace(C, matchpattern="x.!"), {"matchpattern": "X."}),
    (Firmware(field_limits="cut"), replace(C, matchpattern="1" * 70), {"matchpattern": "1" * 60}),
    (Firmware(unknown_trunk="drop"), replace(C, trunks=("trunk1", "t9")), {"trunks": "trunk1"}),
    (
        Firmware(store_name="slug", filter_fields=True),
        replace(C, name="a (b)", prefix="9 1"),
        {"name": "a__b_", "prefix": "91"},
    ),
]


@pytest.mark.parametrize(("firmware", "sent", "stored"), OTHERWISE)
def test_a_run_stops_after_the_first_add_that_is_stored_otherwise(
    firmware: Firmware, sent: Route, stored: dict[str, str], way: Way
) -> None:
    with pbx(firmware=firmware) as sandbox:
        outcomes = way.run(sandbox, plan(add(sent), ADD_D, DELETE_B))
        assert states(outcomes) == [APPLIED, FAILED, NOT_ATTEMPTED]
        assert changing(sandbox) == [f"add {sent.name}"]
        assert len(there(sandbox)) == 3
        looked = way.looked(sandbox, outcomes)
    (finding,) = looked.findings
    assert outcomes[1].error == NOT_SO + finding.message
    for name, value in stored.items():
        assert f'{name} was sent as "{row(sent)[name]}" and stored as "{value}"' in finding.message
    assert "rite " in finding.message
    assert looked.notes == ()


def test_a_name_and_fields_that_are_all_other_ones_stop_a_run_too(way: Way) -> None:
    with pbx("outroute/add@1=alter:name=x", firmware=Firmware(filter_fields=True)) as sandbox:
        outcomes = way.run(sandbox, plan(add(replace(C, prefix="9a")), ADD_D))
        assert states(outcomes) == [APPLIED, FAILED]
        looked = way.looked(sandbox, outcomes)
    assert [finding.name for finding in looked.findings] == ["c"]
    assert 'name was sent as "c" and stored as "x"; prefix was sent as "9a" and stored as "9"' in str(outcomes[1].error)
    assert looked.notes == ()


@pytest.mark.parametrize(("insert", "sent", "place"), [("top", D, 1), ("sorted", replace(D, name="aa"), 2)])
def test_a_run_stops_after_the_first_add_that_is_not_at_the_end(insert: Any, sent: Route, place: int, way: Way) -> None:
    with pbx(firmware=Firmware(insert=insert)) as sandbox:
        outcomes = way.run(sandbox, plan(add(sent), ADD_C, DELETE_B))
        assert states(outcomes) == [APPLIED, FAILED, NOT_ATTEMPTED]
        assert changing(sandbox) == [f"add {sent.name}"]
        looked = way.looked(sandbox, outcomes)
    said = f"the PBX put the new route {sent.name} at place {place} of 3, above "
    assert str(outcomes[1].error).startswith(f"{NOT_SO}{said}")
    (finding,) = looked.findings
    assert finding.message.startswith(said)


def test_on_an_empty_pbx_it_stops_after_the_second(way: Way) -> None:
    with pbx(routes=(), firmware=Firmware(insert="top")) as sandbox:
        outcomes = way.run(sandbox, plan(ADD_C, ADD_D, ADD_E), held=())
        assert states(outcomes) == [APPLIED, APPLIED, FAILED]
        assert str(outcomes[2].error).startswith(
            f"{NOT_SO}the PBX put the new route d at place 1 of 2, above c, and not"
        )


@pytest.mark.parametrize("after", [ADD_C, DELETE_B], ids=["add", "delete"])
def test_an_update_that_is_stored_as_what_was_there_before_stops_the_run(after: Change, way: Way) -> None:
    update = Change(Action.UPDATE, A, replace(A, matchpattern="x."), id="1")
    with pbx(firmware=Firmware(filter_fields=True)) as sandbox:
        outcomes = way.run(sandbox, plan(update, after))
        assert states(outcomes) == [APPLIED, FAILED]
        assert str(outcomes[1].error).startswith(f"{NOT_SO}a is not stored as it was sent: matchpattern was sent as")
        assert names(sandbox) == ["a", "b"]


# --- what the look before a delete must see ---


def meddled(
    way: Way, meddle: Callable[[Client], object], *changes: Change, after: int
) -> tuple[list[Outcome], list[str]]:
    """Carry changes out while somebody else does something after so many steps; also return the names on the PBX."""
    way.holds(A, B)
    with pbx() as sandbox, client(sandbox, way.kind) as caller, client(sandbox) as somebody:
        run = apply(plan(*changes), caller, way.ledger())
        outcomes = [next(run) for _ in range(after)]
        meddle(somebody)
        outcomes += run
        return outcomes, names(sandbox)


@pytest.mark.parametrize(
    ("meddle", "said"),
    [
        (lambda somebody: somebody.delete_route("c"), f"{NOT_SO}c is not there"),
        (
            lambda somebody: somebody.update_route("3", replace(C, trunks=("t",))),
            f'{NOT_SO}c is not stored as it was sent: trunks was sent as "t1" and stored as "t"',
        ),
        (lambda somebody: somebody.add_route(C), f"{NOT_SO}c is there 2 times"),
        (lambda somebody: somebody.update_route("1", A), f"{NOT_SO}a is as it was before the update"),
        (lambda somebody: somebody.delete_route("b"), f"{NOT_SO}b is gone from the PBX"),
        (
            lambda somebody: somebody.update_route("2", replace(B, trunks=("t",))),
            "not sent: b was changed on the PBX by somebody else meanwhile, and is not deleted",
        ),
        (
            lambda somebody: somebody.add_route(replace(D, name="B ")),
            "not sent: b is not deleted: the PBX holds B  too, and may take both for one",
        ),
        (lambda somebody: somebody.add_route(B), f"{NOT_SO}b is there 2 times, and this run did not send it"),
    ],
    ids=["add gone", "altered", "doubled", "undone", "gone", "changed", "equal name", "same name"],
)
def test_nothing_is_deleted_unless_all_adds_are_there_and_the_route_is_as_it_was_and_alone(
    meddle: Callable[[Client], object], said: str, way: Way
) -> None:
    outcomes, left = meddled(way, meddle, UPDATE_A, ADD_C, DELETE_B, after=2)
    assert states(outcomes) == [APPLIED, APPLIED, FAILED]
    assert str(outcomes[2].error).startswith(said)
    assert ("b" in left) == ("b is gone" not in said)


def test_a_route_that_is_another_one_of_the_same_fields_is_not_deleted(way: Way) -> None:
    def meddle(somebody: Client) -> None:
        somebody.delete_route("b")
        somebody.add_route(B)

    outcomes, left = meddled(way, meddle, DELETE_B, after=0)
    assert outcomes[0].error == "not sent: b has another id on the PBX than before (3, not 2), and is not deleted"
    assert left == ["a", "b"]


def test_a_route_that_is_deleted_later_is_looked_at_before_the_first_delete(way: Way) -> None:
    deletes = [Change(Action.DELETE, A, None, id="1"), DELETE_B]
    outcomes, left = meddled(
        way, lambda somebody: somebody.update_route("2", replace(B, trunks=("t",))), *deletes, after=0
    )
    assert states(outcomes) == [FAILED, NOT_ATTEMPTED]
    assert str(outcomes[0].error).startswith("not sent: b was changed on the PBX by somebody else meanwhile")
    assert left == ["a", "b"]


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("fault", ["lie", "alter:matchpattern=N.", "alter:name=x", "twice", "drop-last"])
def test_nothing_is_deleted_where_the_pbx_did_not_add_what_it_says(fault: str, number: int, way: Way) -> None:
    with pbx(f"outroute/add@{number}={fault}") as sandbox:
        outcomes = way.run(sandbox, plan(*CHANGES))
        assert states(outcomes) == [APPLIED] * (1 + number) + [FAILED] + [NOT_ATTEMPTED] * (2 - number)
        assert str(outcomes[1 + number].error).startswith(NOT_SO)
        assert "delete b" not in calls(sandbox)
        assert way.looked(sandbox, outcomes).findings


def test_what_somebody_else_does_to_other_routes_keeps_nothing_from_being_deleted(way: Way) -> None:
    outcomes, left = meddled(
        way, lambda somebody: somebody.add_route(replace(D, name="theirs")), ADD_C, DELETE_B, after=1
    )
    assert states(outcomes) == [APPLIED, APPLIED]
    assert left == ["a", "c", "theirs"]


# --- what is recorded ---


def test_each_success_is_on_disk_before_the_next_call(file: StateFile) -> None:
    with pbx() as sandbox, client(sandbox) as caller:
        held = []
        for _ in apply(plan(*CHANGES), caller, RecordedLedger(file)):
            assert on_disk(file).doubts == ()
            held.append([route.route for route in on_disk(file).routes])
        assert held == [[A2, B], [A2, B, C], [A2, B, C, D], [A2, C, D]]


def test_a_look_brings_the_ids_of_what_was_added_and_what_somebody_else_did(file: StateFile) -> None:
    with pbx() as sandbox, client(sandbox) as caller, client(sandbox) as somebody:
        run = apply(plan(ADD_C, ADD_D), caller, RecordedLedger(file))
        next(run)
        assert on_disk(file).routes == (*HELD, KnownRoute(C))
        somebody.add_route(E)
        next(run)
        assert on_disk(file).routes == (*HELD, KnownRoute(C, "3"), KnownRoute(E, "4"), KnownRoute(D))


def test_a_refused_change_is_on_disk_neither_as_done_nor_as_in_doubt(file: StateFile) -> None:
    with pbx("outroute/add@1=refuse") as sandbox:
        assert states(recorded(sandbox, file, ADD_C, ADD_D)) == [FAILED, NOT_ATTEMPTED]
    assert on_disk(file).doubts == ()
    assert [route.route for route in on_disk(file).routes] == [A, B]


@CASES
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_change_in_doubt_is_recorded_and_nothing_is_sent_any_more(
    change: Change, call: str, when: str, file: StateFile
) -> None:
    with pbx(f"outroute/{call}@1={when}:html", f"outroute/query@{1 + (call == 'delete')}-=reset") as sandbox:
        outcomes = recorded(sandbox, file, change, ADD_D)
        assert states(outcomes) == [IN_DOUBT, NOT_ATTEMPTED]
        assert changing(sandbox) == [f"{call} {change.name}"]
    assert f"pbxsync resolve --state '{file.path}' --applied -- {change.name} (or with" in str(outcomes[0].error)
    (doubt,) = on_disk(file).doubts
    assert doubt.change == change
    assert "the PBX answered with " in doubt.reason
    assert [route.route for route in on_disk(file).routes] == [A, B]


@pytest.mark.parametrize("name", ["x y", "it's", "$(reboot)"])
def test_the_command_that_settles_a_doubt_can_be_pasted_whatever_the_name(name: str, file: StateFile) -> None:
    with pbx("outroute/add@1=reset", "outroute/query@*=reset") as sandbox:
        (outcome,) = recorded(sandbox, file, add(replace(C, name=name)))
    quoted = {"x y": "'x y'", "it's": "'it'\"'\"'s'", "$(reboot)": "'$(reboot)'"}[name]
    assert f" --applied -- {quoted} (or with --not-applied)" in str(outcome.error)


def test_a_change_that_cannot_be_recorded_beforehand_is_not_sent(file: StateFile) -> None:
    unwritable(file)
    with pbx() as sandbox:
        outcomes = recorded(sandbox, file, ADD_C, ADD_D)
        assert states(outcomes) == [FAILED, NOT_ATTEMPTED]
        assert str(outcomes[0].error).startswith("not sent: ")
        assert sandbox.requests == []


def test_nothing_more_is_sent_where_what_the_pbx_holds_cannot_be_recorded(file: StateFile) -> None:
    with pbx() as sandbox, client(sandbox) as caller:
        run = apply(plan(ADD_C, ADD_D), caller, RecordedLedger(file))
        outcomes = [next(run)]
        unwritable(file)
        outcomes += run
        assert states(outcomes) == [APPLIED, FAILED]
        assert str(outcomes[1].error).startswith(f"not sent: {file.path}: the state file can't be written: ")
        assert calls(sandbox) == ["add c", QUERY]


def test_nothing_more_is_sent_once_somebody_else_wrote_the_state_file(file: StateFile) -> None:
    with pbx() as sandbox, client(sandbox) as caller:
        run = apply(plan(UPDATE_A, ADD_C), caller, RecordedLedger(file))
        outcomes = [next(run)]
        unwritable(file)
        outcomes += run
        assert states(outcomes) == [APPLIED, FAILED]
        assert str(outcomes[1].error).startswith(f"not sent: {file.path}: somebody else has written the state file")
        assert calls(sandbox) == ["update a"]


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ([], "the PBX says carried out, but it can't be recorded: "),
        (
            ["outroute/add@1=refuse:1"],
            "the PBX says not carried out (outroute/add: the PBX refused it (errno 1)), but it",
        ),
        (["outroute/add@1=reset", "outroute/query@*=reset"], "; and the doubt can't be recorded: "),
    ],
)
def test_what_cannot_be_recorded_is_in_doubt_and_the_run_stops(
    faults: list[str], said: str, file: StateFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pbx(*faults) as sandbox, client(sandbox) as caller:
        add_route = caller.add_route

        def breaks_the_file(route: Route) -> None:
            unwritable(file)
            add_route(route)

        monkeypatch.setattr(caller, "add_route", breaks_the_file)
        outcomes = list(apply(plan(ADD_C, ADD_D), caller, RecordedLedger(file)))
        assert states(outcomes) == [IN_DOUBT, NOT_ATTEMPTED]
        assert said in str(outcomes[0].error)
        assert changing(sandbox) == ["add c"]
    assert file.state.doubts[0].change == ADD_C


# --- whatever goes wrong ---


def planned(table: list[Route], state: KnownState) -> Plan:
    return differ.plan(desired(table), state, PlanChoices(prune=True, max_deletes=100))


def check_outcomes(sandbox: Sandbox, outcomes: Sequence[Outcome]) -> None:
    """Hold what a run said against what the PBX got and has."""
    there = names(sandbox)
    assert len(set(there)) == len(there)
    fields = {route["name"]: {name: route[name] for name in row(A)} for route in sandbox.routes()}
    sent = {(request.call, request.fields.get("name")) for request in sandbox.requests}
    for outcome in outcomes:
        change = outcome.change
        if outcome.status is APPLIED:
            assert fields.get(change.name) == (row(change.after) if change.after else None)
        elif outcome.status is NOT_ATTEMPTED:
            assert (f"outroute/{change.action}", change.name) not in sent
    rest = list(dropwhile(lambda status: status is APPLIED, states(outcomes)))
    assert set(rest[1:]) <= {NOT_ATTEMPTED}


#: Tables whose routes no PBX takes for each other, by name or by fields.
TABLES = st.lists(
    routes(st.sampled_from(["a", "b", "c", "d", "e", "911", "to16", "x y", "no"])).map(
        lambda route: replace(route, trunks=(*route.trunks, f"to-{route.name}"))
    ),
    max_size=5,
    unique_by=lambda route: route.name,
)
WORLDS = (TABLES, TABLES, STRUCK, st.integers(1, 6), MISHAPS, st.sampled_from(["json", "xml"]), st.booleans())
ADMIN = Credentials("t", "admin", "sandbox")


def check_look(way: Way, sandbox: Sandbox, outcomes: Sequence[Outcome], before: Sequence[Route]) -> None:
    """Hold what the look at the end says against what the PBX has: no mishap makes it store something else."""
    looked = way.looked(sandbox, outcomes, before)
    assert looked.findings == ()
    late = [outcome for outcome in outcomes if outcome.status in (FAILED, IN_DOUBT)]
    assert [note.split(", but ")[0].split(" counts ")[0].split(" is in ")[0] for note in looked.notes] == [
        f"{outcome.change.action} {outcome.change.name}" for outcome in late if looked.notes
    ]


@given(*WORLDS)
@settings(max_examples=examples(60))
def test_live_nothing_is_there_twice_or_falsely_claimed_and_the_next_run_finishes(
    before: list[Route], after: list[Route], call: str, number: int, mishap: str, kind: str, login: bool
) -> None:
    way = Way(kind, None)
    with pbx(f"{call}@{number}={mishap}", routes=before) as sandbox:
        made = planned(after, KnownState(URL, known(*before)))
        outcomes = way.run(sandbox, made, before, credentials=ADMIN if login else None)
        check_outcomes(sandbox, outcomes)
        held = there(sandbox)
    # The next run, once the mishap is over, reads the PBX and brings it to the end.
    with pbx(routes=held) as healthy:
        check_look(way, healthy, outcomes, before)
        rest = planned(after, KnownState(URL, known(*held)))
        assert all(outcome.status is APPLIED for outcome in way.run(healthy, rest, held))
        assert sorted(names(healthy)) == sorted(route.name for route in after)


@given(*WORLDS)
@settings(max_examples=examples(60))
def test_recorded_nothing_is_there_twice_and_the_file_holds_what_the_pbx_does_but_for_the_doubt(
    state_path: Path,
    before: list[Route],
    after: list[Route],
    call: str,
    number: int,
    mishap: str,
    kind: str,
    login: bool,
) -> None:
    start = KnownState(URL, known(*before), str(state_path))
    file = StateFile(state_path, start)
    way = Way(kind, file)
    with pbx(f"{call}@{number}={mishap}", routes=before) as sandbox:
        outcomes = way.run(sandbox, planned(after, start), before, credentials=ADMIN if login else None)
        check_outcomes(sandbox, outcomes)
        held = there(sandbox)
    file.close()
    state = on_disk(file)
    assert [doubt.change for doubt in state.doubts] == [
        replace(outcome.change, fields=(), location=None) for outcome in outcomes if outcome.status is IN_DOUBT
    ]
    # Somebody looks on the PBX, as a doubt wants it.
    for doubt in state.doubts:
        carried_out = stored_fault(doubt.change, known(*held)) is None
        StateFile.read(file.path, pbx=URL).settle(doubt.change, applied=carried_out)
    assert on_disk(file).doubts == ()
    recorded = tuple(route.route for route in on_disk(file).routes)
    late = [outcome.change for outcome in outcomes if outcome.status is FAILED and not outcome.unsent]
    # A change may show only after it counts as failed: the look at the end records it.
    assert held in (recorded, tuple(route.route for route in with_changes(known(*recorded), late)))


@pytest.fixture(scope="module")
def state_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One path for all examples of the property."""
    return tmp_path_factory.mktemp("recorded") / "state.json"
