"""Plan and client → outcomes, against a sandbox that misbehaves: nothing twice, nothing lost, nothing claimed."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbxsync import differ
from pbxsync.applier import LiveLedger, RecordedLedger, apply, check_recorded, check_sendable
from pbxsync.client import Client, Connection, Credentials
from pbxsync.errors import DoubtOpen, LoginRefused, PlanRefused, StaleState
from pbxsync.known_state import StateFile
from pbxsync.model import (
    Action,
    Change,
    Doubt,
    Finding,
    KnownRoute,
    KnownState,
    Outcome,
    Plan,
    PlanChoices,
    Route,
    Status,
)
from pbxsync.sandbox import Firmware, Sandbox
from pbxsync.verification import doubled, stored_fault, verify
from tests import reordering
from tests.strategies import desired, tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

URL = "https://192.0.2.10"
A, B, C, D = (Route(name, "X.", ("t1",)) for name in "abcd")
A2 = replace(A, prefix="9")
APPLIED, FAILED, IN_DOUBT, NOT_ATTEMPTED = Status.APPLIED, Status.FAILED, Status.IN_DOUBT, Status.NOT_ATTEMPTED

UPDATE_A = Change(Action.UPDATE, A, A2, id="1")
DELETE_B = Change(Action.DELETE, B, None, id="2")
ADD_C, ADD_D = (Change(Action.ADD, None, route) for route in (C, D))
CHANGES = (UPDATE_A, ADD_C, ADD_D, DELETE_B)


def row(route: Route) -> dict[str, str]:
    return {
        "name": route.name,
        "prefix": route.prefix,
        "matchpattern": route.matchpattern,
        "prepend": route.prepend,
        "callerid": route.callerid,
        "trunks": ",".join(route.trunks),
    }


def plan(*changes: Change, known_state: str = "live", in_doubt: tuple[Doubt, ...] = ()) -> Plan:
    return Plan("routes.yaml", URL, None, known_state, changes, in_doubt=in_doubt)


def pbx(*faults: str, routes: Sequence[Route] = (A, B), **options: Any) -> Sandbox:
    return Sandbox(tokens=["t"], faults=faults, routes=[row(route) for route in routes], **options)


@contextlib.contextmanager
def client(
    sandbox: Sandbox,
    kind: str = "json",
    timeout: float = 5.0,
    credentials: Credentials | None = None,
    retries: int = 0,
) -> Iterator[Client]:
    with Client(Connection(sandbox.url, kind, timeout, retries), credentials or Credentials("t")) as one:
        yield one


def never() -> bool:
    return False


def live(sandbox: Sandbox, *changes: Change, **options: Any) -> list[Outcome]:
    with client(sandbox, **options) as one:
        return list(apply(plan(*changes), one, LiveLedger(one), never))


def recorded(sandbox: Sandbox, file: StateFile, *changes: Change, **options: Any) -> list[Outcome]:
    with client(sandbox, **options) as one:
        return list(apply(plan(*changes, known_state=str(file.path)), one, RecordedLedger(file), never))


def states(outcomes: Sequence[Outcome]) -> list[Status]:
    return [outcome.status for outcome in outcomes]


def calls(sandbox: Sandbox) -> list[str]:
    return [
        f"{request.call.rpartition('/')[2]} {request.fields.get('name', '')}".strip() for request in sandbox.requests
    ]


def names(sandbox: Sandbox) -> list[str]:
    return [route["name"] for route in sandbox.routes()]


@pytest.fixture
def file(tmp_path: Path) -> Iterator[StateFile]:
    state = StateFile.read(tmp_path / "a state.json", pbx=URL, init=True)
    state.write(KnownState(URL, (KnownRoute(A, "1"), KnownRoute(B, "2")), str(state.path)))
    yield state
    state.close()


def on_disk(file: StateFile) -> KnownState:
    return StateFile.read(file.path, pbx=URL).state


# --- order, and where it ends ---


def test_changes_are_sent_one_by_one_in_the_plans_order_over_one_connection() -> None:
    with pbx() as sandbox:
        outcomes = live(sandbox, *CHANGES)
        assert [outcome.change for outcome in outcomes] == list(CHANGES)
        assert states(outcomes) == [APPLIED] * 4
        assert [outcome.error for outcome in outcomes] == [None] * 4
        assert calls(sandbox) == ["update a", "add c", "add d", "delete b"]
        assert sandbox.connections == 1
        assert names(sandbox) == ["a", "c", "d"]
        assert sandbox.routes()[0]["prefix"] == "9"


def test_the_first_failure_ends_the_run_and_what_comes_behind_it_is_not_attempted() -> None:
    with pbx("outroute/add@1=refuse:10004") as sandbox:
        outcomes = live(sandbox, *CHANGES)
        assert states(outcomes) == [APPLIED, FAILED, NOT_ATTEMPTED, NOT_ATTEMPTED]
        assert (
            outcomes[1].error == "outroute/add: the PBX refused it (errno 10004, may mean: a required field is empty)"
        )
        assert calls(sandbox) == ["update a", "add c"]


def test_each_outcome_comes_before_the_next_change_is_sent() -> None:
    with pbx() as sandbox, client(sandbox) as one:
        run = apply(plan(*CHANGES), one, LiveLedger(one), never)
        for sent in range(1, 5):
            next(run)
            assert len(sandbox.requests) == sent


def test_a_wish_to_stop_is_heard_before_each_call_and_heard_once() -> None:
    stop = threading.Event()
    with pbx() as sandbox, client(sandbox) as one:
        outcomes = []
        for outcome in apply(plan(*CHANGES), one, LiveLedger(one), stop.is_set):
            outcomes.append(outcome)
            # What was set once may be cleared again: the run stays stopped.
            stop.clear() if len(outcomes) == 3 else stop.set()
        assert states(outcomes) == [APPLIED, NOT_ATTEMPTED, NOT_ATTEMPTED, NOT_ATTEMPTED]
        assert calls(sandbox) == ["update a"]


def test_an_empty_plan_sends_nothing() -> None:
    with pbx() as sandbox:
        assert live(sandbox) == []
        assert sandbox.requests == []


# --- an answer that is lost: the PBX is asked ---

LOST = [
    "reset",
    "close",
    "cut-head",
    "cut-body",
    "status:503",
    "html",
    "empty",
    "list",
    "garbage",
    "nostatus",
    "redirect",
]
CASES = pytest.mark.parametrize(
    ("change", "call"), [(UPDATE_A, "update"), (ADD_C, "add"), (DELETE_B, "delete")], ids=["update", "add", "delete"]
)


@CASES
@pytest.mark.parametrize("fault", LOST)
def test_a_change_that_is_found_as_it_was_sent_counts_and_the_run_goes_on(
    change: Change, call: str, fault: str
) -> None:
    with pbx(f"outroute/{call}@1=after:{fault}") as sandbox:
        outcomes = live(sandbox, change, ADD_D)
        assert states(outcomes) == [APPLIED, APPLIED]
        assert calls(sandbox) == [f"{call} {change.name}", "query all", "add d"]


@CASES
@pytest.mark.parametrize("fault", LOST)
def test_a_change_that_is_not_found_is_not_sent_again_and_the_run_stops(change: Change, call: str, fault: str) -> None:
    with pbx(f"outroute/{call}@1=before:{fault}") as sandbox:
        outcomes = live(sandbox, change, ADD_D)
        assert states(outcomes) == [FAILED, NOT_ATTEMPTED]
        assert calls(sandbox) == [f"{call} {change.name}", "query all"]
        assert names(sandbox) == ["a", "b"]
        assert "it is not sent again in this run; the next one asks the PBX afresh" in str(outcomes[0].error)


@pytest.mark.parametrize("fault", ["reset", "status:500", "refuse:10003", "empty"])
@CASES
def test_a_change_is_in_doubt_where_the_query_is_not_answered_either(change: Change, call: str, fault: str) -> None:
    with pbx(f"outroute/{call}@1=after:reset", f"outroute/query@*={fault}") as sandbox:
        outcomes = live(sandbox, change, ADD_D)
        assert states(outcomes) == [IN_DOUBT, NOT_ATTEMPTED]
        assert calls(sandbox) == [f"{call} {change.name}", "query all"]
        assert "look on the PBX before the next apply" in str(outcomes[0].error)
        assert str(outcomes[0].error).startswith(f"outroute/{call}: the connection broke")


def test_an_add_that_the_pbx_carried_out_twice_is_no_success() -> None:
    with pbx("outroute/add@1=twice") as sandbox, client(sandbox) as one:
        one.add_route(C)
        outcome = LiveLedger(one).lost(ADD_C, "reset")
    assert outcome.status is FAILED
    assert "c is there 2 times" in str(outcome.error)


def test_an_add_that_was_stored_otherwise_is_no_success() -> None:
    with pbx("outroute/add@1=alter:matchpattern=911") as sandbox, client(sandbox) as one:
        one.add_route(C)
        outcome = LiveLedger(one).lost(ADD_C, "reset")
    assert outcome.status is FAILED
    assert 'c is not stored as it was sent: matchpattern was sent as "X." and stored as "911"' in str(outcome.error)


def test_a_change_whose_login_was_lost_has_failed_and_is_not_in_doubt(file: StateFile) -> None:
    admin = Credentials(username="admin", password="sandbox")
    with pbx("login@*=after:reset") as sandbox:
        outcomes = live(sandbox, ADD_C, ADD_D, credentials=admin)
        assert states(outcomes) == [FAILED, NOT_ATTEMPTED]
        assert calls(sandbox) == ["login"]
        assert states(recorded(sandbox, file, ADD_C, ADD_D, credentials=admin)) == [FAILED, NOT_ATTEMPTED]
        assert on_disk(file).doubts == ()


def test_a_request_that_never_left_has_failed() -> None:
    with pbx() as sandbox:
        pass
    outcomes = live(sandbox, ADD_C, ADD_D)
    assert states(outcomes) == [FAILED, NOT_ATTEMPTED]
    assert "can't reach" in str(outcomes[0].error)


# --- the same with a state file ---


def test_each_success_is_on_disk_before_the_next_call(file: StateFile) -> None:
    with pbx() as sandbox, client(sandbox) as one:
        run = apply(plan(*CHANGES), one, RecordedLedger(file), never)
        held = []
        for _ in run:
            assert on_disk(file).doubts == ()
            held.append([known.route for known in on_disk(file).routes])
        assert held == [[A2, B], [A2, B, C], [A2, B, C, D], [A2, C, D]]


def test_a_refused_change_is_on_disk_neither_as_done_nor_as_in_doubt(file: StateFile) -> None:
    with pbx("outroute/add@1=refuse") as sandbox:
        assert states(recorded(sandbox, file, ADD_C, ADD_D)) == [FAILED, NOT_ATTEMPTED]
    assert on_disk(file).doubts == ()
    assert [known.route for known in on_disk(file).routes] == [A, B]


@CASES
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_is_recorded_as_in_doubt_and_nothing_is_sent_any_more(
    change: Change, call: str, when: str, file: StateFile
) -> None:
    with pbx(f"outroute/{call}@1={when}:reset") as sandbox:
        outcomes = recorded(sandbox, file, change, ADD_D)
        assert states(outcomes) == [IN_DOUBT, NOT_ATTEMPTED]
        assert calls(sandbox) == [f"{call} {change.name}"]
    assert f"pbxsync resolve --state '{file.path}' --applied -- {change.name} (or with" in str(outcomes[0].error)
    (doubt,) = on_disk(file).doubts
    assert doubt.change == change
    assert "the connection broke" in doubt.reason
    assert [known.route for known in on_disk(file).routes] == [A, B]


@pytest.mark.parametrize("name", ["x y", "it's", "$(reboot)"])
def test_the_command_that_settles_a_doubt_can_be_pasted_whatever_the_name(name: str, file: StateFile) -> None:
    with pbx("outroute/add@1=reset") as sandbox:
        (outcome,) = recorded(sandbox, file, Change(Action.ADD, None, replace(C, name=name)))
    quoted = {"x y": "'x y'", "it's": "'it'\"'\"'s'", "$(reboot)": "'$(reboot)'"}[name]
    assert f" --applied -- {quoted} (or with --not-applied)" in str(outcome.error)


def unwritable(file: StateFile) -> None:
    """Put a folder where the state file was: nothing can be renamed onto it."""
    file.path.unlink()
    file.path.mkdir()


def test_a_change_that_cannot_be_recorded_beforehand_is_not_sent(file: StateFile) -> None:
    unwritable(file)
    with pbx() as sandbox:
        outcomes = recorded(sandbox, file, ADD_C, ADD_D)
        assert states(outcomes) == [FAILED, NOT_ATTEMPTED]
        assert str(outcomes[0].error).startswith("not sent: ")
        assert sandbox.requests == []


def test_nothing_more_is_sent_once_somebody_else_wrote_the_state_file(file: StateFile) -> None:
    with pbx() as sandbox, client(sandbox) as one:
        run = apply(plan(ADD_C, ADD_D), one, RecordedLedger(file), never)
        outcomes = [next(run)]
        unwritable(file)
        outcomes += run
        assert states(outcomes) == [APPLIED, FAILED]
        assert str(outcomes[1].error).startswith(f"not sent: {file.path}: somebody else has written the state file")
        assert calls(sandbox) == ["add c"]


class BreaksTheFile:
    """A PBX's client that makes the state file unwritable while a call is on its way."""

    def __init__(self, client: Client, file: StateFile) -> None:
        self._client = client
        self._file = file

    def add_route(self, route: Route) -> None:
        unwritable(self._file)
        self._client.add_route(route)

    def update_route(self, id: str, route: Route) -> None:
        self._client.update_route(id, route)

    def delete_route(self, name: str) -> None:
        self._client.delete_route(name)

    def query_routes(self) -> Sequence[KnownRoute]:
        return self._client.query_routes()


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ([], "the PBX says carried out, but it can't be recorded: "),
        (
            ["outroute/add@1=refuse:1"],
            "the PBX says not carried out (outroute/add: the PBX refused it (errno 1)), but it",
        ),
        (["outroute/add@1=reset"], "; and the doubt can't be recorded: "),
    ],
)
def test_what_cannot_be_recorded_is_in_doubt_and_the_run_stops(faults: list[str], said: str, file: StateFile) -> None:
    with pbx(*faults) as sandbox, client(sandbox) as one:
        breaking = BreaksTheFile(one, file)
        outcomes = list(apply(plan(ADD_C, ADD_D), breaking, RecordedLedger(file), never))
        assert states(outcomes) == [IN_DOUBT, NOT_ATTEMPTED]
        assert said in str(outcomes[0].error)
        assert calls(sandbox) == ["add c"]
    assert file.state.doubts[0].change == ADD_C


# --- before anything is sent ---


def test_a_plan_with_an_open_doubt_is_not_sent_and_says_how_to_settle_it() -> None:
    doubts = (Doubt(ADD_C, "reset"), Doubt(DELETE_B, "reset"))
    with pytest.raises(DoubtOpen) as caught:
        check_sendable(plan(ADD_D, known_state="a b.json", in_doubt=doubts))
    assert "in doubt: add c, delete b. " in str(caught.value)
    assert "pbxsync resolve --state 'a b.json' --applied -- NAME (or with --not-applied)" in str(caught.value)


def test_an_update_without_an_id_is_not_sent_and_says_how_to_get_one() -> None:
    nameless = replace(UPDATE_A, id=None)
    with pytest.raises(PlanRefused) as caught:
        check_sendable(plan(nameless, ADD_C, known_state="state.json"))
    assert "not known for: a. Record the ids with: pbxsync refresh --state state.json; or, " in str(caught.value)
    with pytest.raises(PlanRefused, match=r"not known for: a\. change these routes on the PBX, and use --add-only"):
        check_sendable(plan(nameless))


def test_adds_and_deletes_need_no_id() -> None:
    check_sendable(plan(ADD_C, replace(DELETE_B, id=None), UPDATE_A))


#: What a state file holds of a PBX that has never been asked, and of one that has.
NEVER_ASKED = (KnownRoute(A), KnownRoute(B))
ASKED = (KnownRoute(A, "1"), KnownRoute(B, "2"))


@pytest.mark.parametrize("fault", ["refuse:10003", "status:404", "status:405"])
@pytest.mark.parametrize("recorded", [NEVER_ASKED, ASKED])
def test_a_plan_of_adds_alone_goes_ahead_by_the_file_where_the_firmware_does_not_know_the_query(
    fault: str, recorded: tuple[KnownRoute, ...]
) -> None:
    with pbx(f"outroute/query@*={fault}") as sandbox, client(sandbox) as one:
        assert check_recorded(plan(ADD_C), recorded, one) is None


# What a PBX answers that has something to hide for the moment, or firmware that says otherwise that it can't be asked.
NO_ANSWER = pytest.mark.parametrize(
    "fault", ["refuse", "refuse:20002", "status:429", "status:503", "html", "empty", "close", "hang"]
)


@NO_ANSWER
def test_a_plan_of_adds_alone_goes_ahead_by_the_file_where_the_user_says_that_the_pbx_can_only_add(fault: str) -> None:
    with pbx(f"outroute/query@*={fault}") as sandbox, client(sandbox) as one:
        assert check_recorded(plan(ADD_C), NEVER_ASKED, one, add_only=True) is None


@NO_ANSWER
@pytest.mark.parametrize(("recorded", "add_only"), [(NEVER_ASKED, False), (ASKED, False), (ASKED, True)])
def test_nothing_is_added_by_the_file_alone_where_the_pbx_may_hold_something_else(
    fault: str, recorded: tuple[KnownRoute, ...], add_only: bool
) -> None:
    with pbx(f"outroute/query@*={fault}") as sandbox, client(sandbox) as one, pytest.raises(StaleState) as caught:
        check_recorded(plan(ADD_C), recorded, one, add_only=add_only)
    assert "nothing was sent: what the PBX holds has to be known first, and asking it fails: " in str(caught.value)


def test_one_lost_answer_is_no_firmware_that_can_not_be_asked() -> None:
    with pbx("outroute/query@1=status:503", routes=(A, B, C)) as sandbox, client(sandbox, retries=1) as one:
        with pytest.raises(StaleState, match="has recorded of: c"):
            check_recorded(plan(ADD_C), NEVER_ASKED, one)
        assert calls(sandbox) == ["query all"] * 2


def test_a_rename_to_a_name_that_is_on_the_pbx_already_is_not_made() -> None:
    rename = Change(Action.UPDATE, B, replace(B, name="c"), id="2")
    there = pbx(routes=(A, B, C))
    with there as sandbox, client(sandbox) as one, pytest.raises(StaleState, match="has recorded of: c"):
        check_recorded(plan(rename), ASKED, one)


def test_an_add_that_is_on_the_pbx_already_is_not_made_a_second_time() -> None:
    with pbx(routes=(A, B, C)) as sandbox, client(sandbox) as one:
        with pytest.raises(StaleState, match=r"has recorded of: c\. Record it anew with: pbxsync refresh --state"):
            check_recorded(plan(ADD_C, known_state="state.json"), ASKED, one)
        assert calls(sandbox) == ["query all"]


def test_updates_and_deletes_go_ahead_where_the_pbx_holds_what_was_recorded() -> None:
    with pbx() as sandbox, client(sandbox) as one:
        there = check_recorded(plan(UPDATE_A, replace(DELETE_B, id=None)), ASKED, one)
        assert there is not None
        assert [known.route for known in there] == [A, B]
        assert calls(sandbox) == ["query all"]


def test_a_login_that_is_refused_does_not_pass_for_a_pbx_that_can_not_be_asked() -> None:
    with pbx() as sandbox, client(sandbox, credentials=Credentials(None, "admin", "wrong")) as one:
        with pytest.raises(LoginRefused):
            check_recorded(plan(ADD_C), ASKED, one)
        assert [request.call for request in sandbox.requests] == ["login"]


@pytest.mark.parametrize(
    ("routes", "stale"),
    [
        ((B, A), "a, b"),
        ((A2, B), "a"),
        ((A,), "b"),
        ((A, B, B), "b"),
        ((), "a, b"),
    ],
)
def test_a_recorded_route_that_the_pbx_holds_otherwise_is_not_overwritten(
    routes: tuple[Route, ...], stale: str
) -> None:
    with pbx(routes=routes) as sandbox, client(sandbox) as one:
        with pytest.raises(StaleState) as caught:
            check_recorded(plan(*CHANGES, known_state="state.json"), ASKED, one)
        assert f"something else than the state file has recorded of: {stale}. Record it anew" in str(caught.value)
        assert calls(sandbox) == ["query all"]


def test_a_pbx_that_refuses_to_be_asked_is_left_to_add_only() -> None:
    old = pbx(calls=["outroute/add", "outroute/update"])
    with old, client(old) as one, pytest.raises(StaleState, match=r"errno 10003.+ use --add-only"):
        check_recorded(plan(UPDATE_A), ASKED, one)


def test_no_update_is_made_from_a_state_file_where_the_pbx_does_not_answer() -> None:
    with pbx("*@*=reset") as sandbox, client(sandbox) as one, pytest.raises(StaleState, match="use --add-only"):
        check_recorded(plan(UPDATE_A), ASKED, one)


# --- the query at the end ---


def known(*routes: Route) -> tuple[KnownRoute, ...]:
    return tuple(KnownRoute(route, str(n)) for n, route in enumerate(routes, start=1))


def verified(
    actual: tuple[KnownRoute, ...], *changes: Change, before: tuple[KnownRoute, ...] = known(A, B)
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    outcomes = [Outcome(change, APPLIED) for change in changes]
    findings, notes = verify(before, outcomes, actual)
    return (*findings, *doubled(before, outcomes, actual)), notes


def test_a_pbx_that_stored_everything_as_it_was_sent_has_no_findings() -> None:
    assert verified(known(A2, C, D), *CHANGES) == ((), ())


@pytest.mark.parametrize(
    ("fault", "changes", "finding"),
    [
        ("outroute/add@1=lie", (ADD_C,), Finding("c", "c is not there")),
        ("outroute/add@1=twice", (ADD_C,), Finding("c", "c is there 2 times")),
        (
            "outroute/add@1=alter:trunks=t1,t9",
            (ADD_C,),
            Finding("c", 'c is not stored as it was sent: trunks was sent as "t1" and stored as "t1,t9"'),
        ),
        (
            "outroute/update@1=alter:callerid=5",
            (UPDATE_A,),
            Finding("a", 'a is not stored as it was sent: callerid was sent as "" and stored as "5"'),
        ),
        ("outroute/delete@1=lie", (DELETE_B,), Finding("b", "b is still there")),
        (
            "outroute/update@1=drop-last",
            (UPDATE_A,),
            Finding("b", "b is gone from the PBX, though this run did not delete it"),
        ),
    ],
)
def test_what_the_pbx_did_not_store_as_sent_is_a_finding(
    fault: str, changes: tuple[Change, ...], finding: Finding
) -> None:
    with pbx(fault) as sandbox:
        outcomes = live(sandbox, *changes)
        assert states(outcomes) == [APPLIED] * len(changes)
        with client(sandbox) as one:
            assert verify(known(A, B), outcomes, one.query_routes()) == ((finding,), ())


def test_fields_that_the_pbx_filters_are_findings() -> None:
    sent = Change(Action.ADD, None, replace(C, matchpattern="x.w", prefix="9 1"))
    with pbx(firmware=Firmware(filter_fields=True)) as sandbox:
        outcomes = live(sandbox, sent)
        with client(sandbox) as one:
            (finding,), _ = verify(known(A, B), outcomes, one.query_routes())
    assert finding.message == (
        'c is not stored as it was sent: prefix was sent as "9 1" and stored as "91"; '
        'matchpattern was sent as "x.w" and stored as "X."'
    )


def test_every_fault_of_a_route_is_named() -> None:
    stored = replace(C, prefix="8", trunks=("t2", "t1"))
    sent = Change(Action.ADD, None, replace(C, trunks=("t1", "t2")))
    ((finding,), _) = verified(known(A, B, stored, stored, replace(C, trunks=("t1", "t2"))), sent)
    assert finding.message == (
        'c is there 3 times; c is not stored as it was sent: prefix was sent as "" and stored as "8"; '
        'trunks was sent as "t1,t2" and stored as "t2,t1"'
    )


def test_a_route_that_the_pbx_gave_another_name_and_another_field_is_a_finding_with_both() -> None:
    sent = Change(Action.ADD, None, replace(C, name="c d"))
    findings, _ = verified(known(A, B, replace(C, name="cd", prefix="7")), sent)
    assert [finding.message for finding in findings] == [
        'c d is not there; a new route, "cd", may be what the PBX made of it: name was sent as "c d" and stored as '
        '"cd"; prefix was sent as "" and stored as "7"'
    ]


def test_of_several_new_routes_none_is_taken_for_the_one_that_is_not_there() -> None:
    sent = Change(Action.ADD, None, replace(C, name="c d"))
    findings, _ = verified(known(A, B, replace(C, name="cd", prefix="7"), replace(D, prefix="8")), sent)
    assert [finding.message for finding in findings] == ["c d is not there"]


def test_a_route_that_the_pbx_gave_another_name_is_a_finding_with_that_name() -> None:
    sent = Change(Action.ADD, None, replace(C, name="c d"))
    other = Change(Action.ADD, None, replace(D, matchpattern="7"))
    findings, notes = verified(known(A, B, replace(C, name="cd")), sent, other)
    assert [finding.message for finding in findings] == [
        'c d is not there; the PBX has stored its fields under the name "cd"',
        "d is not there",
    ]
    assert notes == ("added on the PBX by somebody else meanwhile: cd",)


def test_a_rename_whose_old_name_is_still_there_is_a_finding() -> None:
    rename = Change(Action.UPDATE, A, replace(A, name="z"), id="1")
    assert stored_fault(rename, known(replace(A, name="z"), B)) is None
    assert stored_fault(rename, known(replace(A, name="z"), A)) == "the old name, a, is still there too"
    assert verified(known(replace(A, name="z"), B), rename) == ((), ())


def test_what_somebody_else_changed_or_added_meanwhile_is_a_note() -> None:
    findings, notes = verified(known(A2, B, C, D), ADD_C)
    assert findings == ()
    assert notes == (
        "changed on the PBX by somebody else meanwhile: a",
        "added on the PBX by somebody else meanwhile: d",
    )


def test_a_second_route_of_a_name_that_this_run_did_not_touch_is_a_finding_and_so_is_one_lost_of_two() -> None:
    twice = Finding("b", "b is there 2 times, and this run did not send it; delete all but one on the PBX")
    assert verified(known(A, B, B, C), ADD_C) == ((twice,), ())
    thrice = Finding("d", "d is there 3 times, and this run did not send it; delete all but one on the PBX")
    assert verified(known(A, B, C, D, D, D), ADD_C) == ((thrice,), ("added on the PBX by somebody else meanwhile: d",))
    held = known(A, B, B)
    lost = Finding("b", "b is gone from the PBX, though this run did not delete it")
    assert verified(known(A, B, C), ADD_C, before=held) == ((lost,), ())
    assert verified(known(A, B, B, C), ADD_C, before=held) == ((), ())


def test_a_new_route_above_one_that_it_belongs_behind_is_a_finding() -> None:
    findings, notes = verified(known(C, A, D, B), ADD_C, ADD_D)
    assert [finding.name for finding in findings] == ["c"]
    assert findings[0].message.startswith("c, d stands above b on the PBX, belongs behind it, and may take its calls")
    assert notes == ()


def test_a_route_that_the_pbx_moved_when_it_was_updated_is_a_finding() -> None:
    findings, notes = verified(known(B, A2), UPDATE_A)
    assert [finding.message[:36] for finding in findings] == ["b stands above a on the PBX, belongs"]
    assert notes == ()


def test_an_order_that_somebody_else_changed_is_a_note() -> None:
    assert verified(known(B, A, C), ADD_C) == ((), ("put above a on the PBX by somebody else meanwhile: b",))


def test_a_change_that_failed_and_is_there_all_the_same_is_no_doing_of_somebody_else() -> None:
    outcomes = [Outcome(UPDATE_A, APPLIED), Outcome(ADD_C, FAILED, "lost")]
    assert verify(known(A, B), outcomes, known(A2, B, C)) == (
        (),
        ("sent by this run and called failed, but on the PBX by now: c; plan again to see",),
    )


def test_ten_thousand_changes_are_verified_in_a_moment() -> None:
    many = [replace(A, name=f"r{n}") for n in range(10_000)]
    outcomes = [Outcome(Change(Action.ADD, None, route), APPLIED) for route in many]
    assert verify((), outcomes, known(*many)) == ((), ())


def test_what_failed_or_was_not_attempted_is_not_expected() -> None:
    outcomes = [Outcome(UPDATE_A, APPLIED), Outcome(ADD_C, FAILED, "no"), Outcome(DELETE_B, NOT_ATTEMPTED)]
    assert verify(known(A, B), outcomes, known(A2, B)) == ((), ())


# --- whatever goes wrong ---

# What a PBX or a network may do to a call; not that it says Success and lies, which only the query at the end can tell.
MISHAPS = st.sampled_from(
    [
        *[f"{when}:{kind}" for kind in LOST for when in ("before", "after")],
        *["refuse", "refuse:10004", "refuse:20006", "token", "wrong-type", "status:404", "after:huge:17000000"],
    ]
)
STRUCK = st.sampled_from(["*", "outroute/add", "outroute/update", "outroute/delete", "outroute/query", "login"])


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
    behind = [outcome.status for outcome in outcomes]
    while behind and behind[0] is APPLIED:
        del behind[0]
    assert set(behind[1:]) <= {NOT_ATTEMPTED}


WORLDS = (tables(5), tables(5), STRUCK, st.integers(1, 6), MISHAPS, st.sampled_from(["json", "xml"]), st.booleans())
ADMIN = Credentials("t", "admin", "sandbox")


@given(*WORLDS)
@settings(max_examples=60)
def test_live_nothing_is_there_twice_or_falsely_claimed_and_the_next_run_finishes(
    before: list[Route], after: list[Route], call: str, number: int, mishap: str, kind: str, login: bool
) -> None:
    with pbx(f"{call}@{number}={mishap}", routes=before) as sandbox:
        start = tuple(KnownRoute(route, str(n)) for n, route in enumerate(before, start=1))
        changes = planned(after, KnownState(URL, start)).changes
        check_outcomes(sandbox, live(sandbox, *changes, kind=kind, credentials=ADMIN if login else None))
    # The next run, once the mishap is over, reads the PBX and brings it to the end.
    with pbx(routes=[Route(**{**r, "trunks": tuple(r["trunks"].split(","))}) for r in without_ids(sandbox)]) as healthy:
        with client(healthy, kind) as one:
            rest = planned(after, KnownState(URL, one.query_routes())).changes
        assert all(outcome.status is APPLIED for outcome in live(healthy, *rest, kind=kind))
        assert sorted(names(healthy)) == sorted(route.name for route in after)


def without_ids(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [{name: value for name, value in route.items() if name != "id"} for route in sandbox.routes()]


@given(*WORLDS)
@settings(max_examples=60)
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
    start = tuple(KnownRoute(route, str(n)) for n, route in enumerate(before, start=1))
    file = StateFile(state_path, KnownState(URL, start, str(state_path)))
    file.write(file.state)
    with pbx(f"{call}@{number}={mishap}", routes=before) as sandbox:
        changes = planned(after, file.state).changes
        outcomes = recorded(sandbox, file, *changes, kind=kind, credentials=ADMIN if login else None)
        check_outcomes(sandbox, outcomes)
        there = [{name: route[name] for name in row(A)} for route in sandbox.routes()]
    file.close()
    state = on_disk(file)
    assert [doubt.change for doubt in state.doubts] == [
        replace(outcome.change, fields=(), location=None) for outcome in outcomes if outcome.status is IN_DOUBT
    ]
    # Somebody looks on the PBX, as a doubt wants it.
    for doubt in state.doubts:
        held = {route["name"]: route for route in there}
        wanted = row(doubt.change.after) if doubt.change.after else None
        StateFile.read(file.path, pbx=URL).settle(doubt.change, applied=held.get(doubt.change.name) == wanted)
    assert on_disk(file).doubts == ()
    assert [row(known.route) for known in on_disk(file).routes] == there


@pytest.fixture(scope="module")
def state_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One path for all examples of the property."""
    return tmp_path_factory.mktemp("recorded") / "state.json"


# --- moves --------------------------------------------------------------------------------------------------------

BRANCH = Route("branch", "7XXX", ("to-branch",))
WORLD = Route("world", "X.", ("intl",), prefix="9011")
REST = Route("rest", "X.", ("out",))
COPY = replace(REST, name="rest~pbxsync")
OLD = Route("old", "8X.", ("line",))

#: What the file declares, and what the PBX holds before, half way and at the end.
WANTED = (BRANCH, replace(WORLD, trunks=("w",)), REST)
HELD = (REST, WORLD)
HALF_WAY = (REST, WANTED[1], BRANCH, COPY)
DONE = (WANTED[1], BRANCH, REST)
#: The steps of the reorder, and the call of each, with its number among those of its kind.
STEPS = ["update world", "add branch", "add rest~pbxsync", "delete rest", "update rest"]
LOOKS = [*STEPS[:3], "query all", STEPS[3], "query all", STEPS[4]]
CALLS = ["outroute/update@1", "outroute/add@1", "outroute/add@2", "outroute/delete@1", "outroute/update@2"]
AT_EACH = pytest.mark.parametrize("at", range(5), ids=STEPS)


def reorder(
    wanted: Sequence[Route] = WANTED, held: Sequence[Route] = HELD, *, prune: bool = False, state: str = "live"
) -> Plan:
    choices = PlanChoices(reorder=True, prune=prune)
    return differ.plan(desired(list(wanted)), KnownState(URL, known(*held), state), choices)


def carried_out(sandbox: Sandbox, made: Plan, held: Sequence[Route] = HELD) -> list[Outcome]:
    with client(sandbox) as one:
        return list(apply(made, one, LiveLedger(one), never, known(*held)))


def there(sandbox: Sandbox) -> tuple[Route, ...]:
    """What the PBX holds."""
    return tuple(
        Route(**{**{name: one[name] for name in row(A)}, "trunks": tuple(one["trunks"].split(","))})  # type: ignore[arg-type]
        for one in sandbox.routes()
    )


def next_run(sandbox: Sandbox, wanted: Sequence[Route] = WANTED) -> tuple[Route, ...]:
    """What the PBX holds once another run has read it and gone to its end without a failure."""
    with pbx(routes=there(sandbox)) as again:
        outcomes = carried_out(again, reorder(wanted, there(again)), there(again))
        assert set(states(outcomes)) <= {APPLIED}
        return there(again)


def test_a_reorder_updates_and_adds_and_looks_before_it_deletes_and_before_it_renames() -> None:
    with pbx(routes=HELD) as sandbox:
        outcomes = carried_out(sandbox, reorder())
        assert states(outcomes) == [APPLIED] * 5
        assert [f"{one.change.action} {one.change.name}" for one in outcomes] == STEPS
        assert calls(sandbox) == LOOKS
        assert there(sandbox) == DONE


def test_the_copy_is_renamed_by_the_id_that_the_pbx_gave_it() -> None:
    with pbx(routes=HELD) as sandbox:
        (*_, last) = carried_out(sandbox, reorder())
        assert sandbox.requests[-1].fields["id"] == "4"
        assert last.change.id == "4"
        assert [(one["name"], one["id"]) for one in sandbox.routes()] == [
            ("world", "2"),
            ("branch", "3"),
            ("rest", "4"),
        ]


def test_each_step_of_a_move_says_which_route_is_moved_and_no_other_step_does() -> None:
    with pbx(routes=(*HELD, OLD)) as sandbox:
        outcomes = carried_out(sandbox, reorder(held=(*HELD, OLD), prune=True), (*HELD, OLD))
        assert [f"{one.change.action} {one.change.name}" for one in outcomes] == [*STEPS[:3], "delete old", *STEPS[3:]]
        assert [one.moving for one in outcomes] == [None, None, "rest", None, "rest", "rest"]


def test_several_moves_are_done_with_two_looks() -> None:
    wanted, held = (BRANCH, OLD, Route("wide", "[78]X.", ("w",)), REST), (REST, Route("wide", "[78]X.", ("w",)), OLD)
    with pbx(routes=held) as sandbox:
        assert set(states(carried_out(sandbox, reorder(wanted, held), held))) == {APPLIED}
        assert [call for call in calls(sandbox) if not call.startswith("add")] == [
            "query all",
            "delete wide",
            "delete rest",
            "query all",
            "update wide",
            "update rest",
        ]
        assert there(sandbox) == (OLD, BRANCH, *wanted[2:])


def test_a_plan_without_moves_is_sent_without_a_look() -> None:
    with pbx() as sandbox:
        assert states(live(sandbox, *CHANGES)) == [APPLIED] * 4
        assert "query all" not in calls(sandbox)


def test_a_move_needs_no_id_before_it_is_sent() -> None:
    check_sendable(reorder())


# --- what the look must see before anything is deleted ---


def meddled(
    meddle: Callable[[Client], object],
    *,
    after: int = 3,
    made: Plan | None = None,
    held: Sequence[Route] = HELD,
) -> tuple[list[Outcome], Sandbox]:
    """Carry the reorder out while somebody else does something to the PBX after so many steps."""
    with pbx(routes=held) as sandbox, client(sandbox) as one, client(sandbox) as somebody:
        run = apply(made or reorder(), one, LiveLedger(one), never, known(*held))
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


NOT_HELD = "not sent: nothing more is deleted or renamed, since the PBX is not as it should be: "
NOT_ASKED = "not sent: nothing is deleted or renamed before the PBX has shown what it holds, and asking it fails: "


@pytest.mark.parametrize(
    ("meddle", "said"),
    [
        (lambda one: one.delete_route("rest~pbxsync"), "rest~pbxsync is not there"),
        (
            lambda one: one.update_route("4", replace(COPY, trunks=("t",))),
            'rest~pbxsync is not stored as it was sent: trunks was sent as "out" and stored as "t"',
        ),
        (lambda one: one.add_route(COPY), "rest~pbxsync is there 2 times"),
        (
            add_again(WANTED[1]),
            "branch, rest~pbxsync stands above world on the PBX, belongs behind it, and may take its calls",
        ),
        (lambda one: one.delete_route("branch"), "branch is not there"),
        (lambda one: one.update_route("2", WORLD), 'world is not stored as it was sent: trunks was sent as "w" and '),
        (lambda one: one.delete_route("rest"), "rest is gone from the PBX, though this run did not delete it"),
        (lambda one: [one.delete_route(name) for name in ("rest", "branch")], "branch is not there (and 1 more)"),
    ],
    ids=["copy gone", "altered", "doubled", "misplaced", "add gone", "update undone", "route gone", "two gone"],
)
def test_nothing_is_deleted_unless_the_pbx_holds_all_that_was_sent_where_it_belongs(
    meddle: Callable[[Client], object], said: str
) -> None:
    outcomes, sandbox = meddled(meddle)
    assert states(outcomes) == [APPLIED, APPLIED, APPLIED, FAILED, NOT_ATTEMPTED]
    assert str(outcomes[3].error).startswith(NOT_HELD + said)
    assert calls(sandbox)[-1] == "query all"


@pytest.mark.parametrize(
    "fault",
    ["outroute/add@2=lie", "outroute/add@2=alter:matchpattern=N.", "outroute/add@2=twice", "outroute/add@1=drop-last"],
)
def test_a_pbx_that_says_success_and_did_otherwise_deletes_nothing(fault: str) -> None:
    with pbx(fault, routes=HELD) as sandbox:
        outcomes = carried_out(sandbox, reorder())
        assert states(outcomes) == [APPLIED, APPLIED, APPLIED, FAILED, NOT_ATTEMPTED]
        assert str(outcomes[3].error).startswith(NOT_HELD)
        assert calls(sandbox) == [*STEPS[:3], "query all"]
        assert there(sandbox)[0] == REST


@pytest.mark.parametrize(
    ("meddle", "said"),
    [
        (
            lambda one: one.update_route("1", replace(REST, trunks=("t",))),
            "rest was changed on the PBX by somebody else meanwhile, and is not deleted",
        ),
        (
            lambda one: one.add_route(replace(REST, name="REST")),
            "the PBX holds 2 routes by the name rest, in whatever case, and may delete them all",
        ),
        (
            lambda one: one.add_route(replace(OLD, name="Rest ")),
            "the PBX holds 2 routes by the name rest, in whatever case, and may delete them all",
        ),
        (
            lambda one: one.add_route(REST),
            "the PBX holds 2 routes by the name rest, in whatever case, and may delete them all",
        ),
    ],
    ids=["changed", "other case", "other spaces", "same name"],
)
def test_a_route_is_not_deleted_that_somebody_changed_or_whose_name_is_not_its_own_any_more(
    meddle: Callable[[Client], object], said: str
) -> None:
    outcomes, sandbox = meddled(meddle)
    assert states(outcomes) == [APPLIED, APPLIED, APPLIED, FAILED, NOT_ATTEMPTED]
    assert outcomes[3].error == f"not sent: {said}"
    assert calls(sandbox)[-1] == "query all"


def test_what_somebody_else_does_to_other_routes_meanwhile_keeps_nothing_from_being_moved() -> None:
    other = replace(C, matchpattern="5X.")

    def meddle(somebody: Client) -> None:
        somebody.update_route("3", replace(OLD, trunks=("t",)))
        somebody.add_route(other)

    held = (*HELD, OLD)
    outcomes, sandbox = meddled(meddle, made=reorder(held=held), held=held)
    assert states(outcomes) == [APPLIED] * 5
    assert there(sandbox) == (WANTED[1], replace(OLD, trunks=("t",)), BRANCH, REST, other)


def test_what_is_pruned_beside_a_move_is_looked_at_too_and_what_stands_below_it_goes_first() -> None:
    held = (OLD, REST, WORLD, replace(OLD, name="older"))
    made = reorder(held=held, prune=True)

    def meddle(somebody: Client) -> None:
        somebody.update_route("1", replace(OLD, trunks=("t",)))

    outcomes, sandbox = meddled(meddle, made=made, held=held)
    assert [(one.change.name, one.status) for one in outcomes[3:]] == [
        ("older", FAILED),
        ("rest", NOT_ATTEMPTED),
        ("old", NOT_ATTEMPTED),
        ("rest", NOT_ATTEMPTED),
    ]
    assert outcomes[3].error == "not sent: old was changed on the PBX by somebody else meanwhile, and is not deleted"
    assert names(sandbox) == ["old", "rest", "world", "older", "branch", "rest~pbxsync"]


def test_a_copy_of_an_earlier_run_that_somebody_changed_or_made_twice_takes_no_routes_place() -> None:
    held = (REST, BRANCH, COPY)
    made = reorder((BRANCH, REST), held)
    changed = "rest~pbxsync was changed on the PBX by somebody else meanwhile, so rest is not moved"
    for meddle in (
        lambda one: one.update_route("3", replace(COPY, trunks=("t",))),
        lambda one: one.add_route(COPY),
    ):
        outcomes, sandbox = meddled(meddle, after=0, made=made, held=held)
        assert states(outcomes) == [FAILED, NOT_ATTEMPTED]
        assert outcomes[0].error == f"not sent: {changed}"
        assert calls(sandbox)[-1] == "query all"
    outcomes, _ = meddled(lambda one: one.delete_route("rest~pbxsync"), after=0, made=made, held=held)
    assert outcomes[0].error == f"{NOT_HELD}rest~pbxsync is gone from the PBX, though this run did not delete it"


def test_a_copy_that_is_not_needed_is_not_deleted_where_somebody_changed_the_route_itself() -> None:
    held = (BRANCH, REST, COPY)
    made = reorder((BRANCH, REST), held)

    def meddle(somebody: Client) -> None:
        somebody.update_route("2", replace(REST, trunks=("t",)))

    outcomes, sandbox = meddled(meddle, after=0, made=made, held=held)
    assert states(outcomes) == [FAILED]
    assert str(outcomes[0].error).startswith(
        "not sent: rest was changed on the PBX by somebody else meanwhile, so rest"
    )
    assert calls(sandbox)[-1] == "query all"
    with pbx(routes=held) as sandbox:
        assert states(carried_out(sandbox, made, held)) == [APPLIED]
        assert there(sandbox) == (BRANCH, REST)


@pytest.mark.parametrize("fault", ["refuse", "refuse:10003", "status:404", "status:503", "html", "empty", "reset"])
def test_nothing_is_deleted_where_the_pbx_does_not_answer_what_it_holds(fault: str) -> None:
    with pbx(f"outroute/query@1={fault}", routes=HELD) as sandbox:
        outcomes = carried_out(sandbox, reorder())
        assert states(outcomes) == [APPLIED, APPLIED, APPLIED, FAILED, NOT_ATTEMPTED]
        assert str(outcomes[3].error).startswith(f"{NOT_ASKED}outroute/query: ")
        assert calls(sandbox) == [*STEPS[:3], "query all"]
        assert there(sandbox) == HALF_WAY
    assert next_run(sandbox) == DONE


# --- what it must see before anything is renamed ---


@pytest.mark.parametrize(
    ("meddle", "said"),
    [
        (lambda one: one.add_route(REST), f"{NOT_HELD}rest is still there"),
        (lambda one: one.delete_route("rest~pbxsync"), f"{NOT_HELD}rest~pbxsync is not there"),
        (lambda one: one.add_route(COPY), f"{NOT_HELD}rest~pbxsync is there 2 times"),
        (
            lambda one: one.update_route("4", replace(COPY, prepend="0")),
            f'{NOT_HELD}rest~pbxsync is not stored as it was sent: prepend was sent as "" and stored as "0"',
        ),
    ],
    ids=["name taken", "copy gone", "doubled", "altered"],
)
def test_a_copy_gets_no_name_that_is_not_free_and_none_where_it_is_not_what_was_sent(
    meddle: Callable[[Client], object], said: str
) -> None:
    outcomes, sandbox = meddled(meddle, after=4)
    assert states(outcomes) == [APPLIED] * 4 + [FAILED]
    assert outcomes[4].error == said
    assert calls(sandbox)[-1] == "query all"


def test_a_copy_of_an_earlier_run_is_not_renamed_where_somebody_changed_it_meanwhile() -> None:
    held = (REST, BRANCH, COPY)
    outcomes, sandbox = meddled(
        lambda one: one.update_route("3", replace(COPY, prepend="0")),
        after=1,
        made=reorder((BRANCH, REST), held),
        held=held,
    )
    assert states(outcomes) == [APPLIED, FAILED]
    assert str(outcomes[1].error).startswith(
        "not sent: rest~pbxsync was changed on the PBX by somebody else meanwhile,"
    )
    assert calls(sandbox)[-1] == "query all"


def test_a_route_that_the_pbx_says_it_deleted_and_did_not_gets_no_double() -> None:
    with pbx("outroute/delete@1=lie", routes=HELD) as sandbox:
        outcomes = carried_out(sandbox, reorder())
        assert states(outcomes) == [APPLIED] * 4 + [FAILED]
        assert outcomes[4].error == f"{NOT_HELD}rest is still there"
        assert there(sandbox) == HALF_WAY
    assert next_run(sandbox) == DONE


def test_a_copy_that_has_another_id_by_now_is_renamed_by_that_one() -> None:
    outcomes, sandbox = meddled(add_again(COPY), after=4)
    assert states(outcomes) == [APPLIED] * 5
    assert sandbox.requests[-1].fields["id"] == "5"
    assert there(sandbox) == DONE


@pytest.mark.parametrize("fault", ["refuse", "status:503", "html", "reset"])
def test_nothing_is_renamed_where_the_pbx_does_not_answer_what_it_holds(fault: str) -> None:
    with pbx(f"outroute/query@2={fault}", routes=HELD) as sandbox:
        outcomes = carried_out(sandbox, reorder())
        assert states(outcomes) == [APPLIED] * 4 + [FAILED]
        assert str(outcomes[4].error).startswith(f"{NOT_ASKED}outroute/query: ")
        assert there(sandbox) == (WANTED[1], BRANCH, COPY)
    assert next_run(sandbox) == DONE


# --- ends on the way ---


@pytest.mark.parametrize("count", range(6))
def test_a_run_that_is_stopped_between_two_steps_can_be_taken_up_again(count: int) -> None:
    with pbx(routes=HELD) as sandbox, client(sandbox) as one:

        def sent() -> list[str]:
            return [call for call in calls(sandbox) if call != "query all"]

        outcomes = list(apply(reorder(), one, LiveLedger(one), lambda: len(sent()) >= count, known(*HELD)))
        assert states(outcomes) == [APPLIED] * count + [NOT_ATTEMPTED] * (5 - count)
        assert sent() == STEPS[:count]
    assert next_run(sandbox) == DONE


@pytest.mark.parametrize(("look", "done"), [(1, 3), (2, 4)])
def test_a_wish_to_stop_that_comes_while_the_pbx_is_looked_at_keeps_the_next_step_back(look: int, done: int) -> None:
    with pbx(routes=HELD) as sandbox, client(sandbox) as one:
        run = apply(reorder(), one, LiveLedger(one), lambda: calls(sandbox).count("query all") == look, known(*HELD))
        outcomes = list(run)
        assert states(outcomes) == [APPLIED] * done + [NOT_ATTEMPTED] * (5 - done)
        assert [outcome.moving for outcome in outcomes] == [None, None, "rest", "rest", "rest"]
        assert calls(sandbox) == LOOKS[: done + look]
    assert next_run(sandbox) == DONE


@AT_EACH
def test_a_step_that_the_pbx_refuses_ends_the_run_and_the_next_run_finishes(at: int) -> None:
    with pbx(f"{CALLS[at]}=refuse", routes=HELD) as sandbox:
        outcomes = carried_out(sandbox, reorder())
        assert states(outcomes) == [APPLIED] * at + [FAILED] + [NOT_ATTEMPTED] * (4 - at)
        assert [call for call in calls(sandbox) if call != "query all"] == STEPS[: at + 1]
    assert next_run(sandbox) == DONE


@AT_EACH
@pytest.mark.parametrize("fault", LOST)
def test_a_step_whose_answer_is_lost_is_found_done_and_the_run_goes_on(at: int, fault: str) -> None:
    with pbx(f"{CALLS[at]}=after:{fault}", routes=HELD) as sandbox:
        assert states(carried_out(sandbox, reorder())) == [APPLIED] * 5
        # Beside the looks there is the question what became of the step.
        asked = LOOKS.index(STEPS[at]) + 1
        assert calls(sandbox) == [*LOOKS[:asked], "query all", *LOOKS[asked:]]
        assert there(sandbox) == DONE


@AT_EACH
@pytest.mark.parametrize("fault", LOST)
def test_a_step_that_is_found_not_done_ends_the_run_and_is_not_sent_again(at: int, fault: str) -> None:
    with pbx(f"{CALLS[at]}=before:{fault}", routes=HELD) as sandbox:
        outcomes = carried_out(sandbox, reorder())
        assert states(outcomes) == [APPLIED] * at + [FAILED] + [NOT_ATTEMPTED] * (4 - at)
        assert "it is not sent again in this run; the next one asks the PBX afresh" in str(outcomes[at].error)
        assert [call for call in calls(sandbox) if call != "query all"] == STEPS[: at + 1]
    assert next_run(sandbox) == DONE


@AT_EACH
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_step_is_in_doubt_where_the_pbx_does_not_say_what_became_of_it(at: int, when: str) -> None:
    asked = max(1, at - 1)
    with pbx(f"{CALLS[at]}={when}:reset", f"outroute/query@{asked}=reset", routes=HELD) as sandbox:
        outcomes = carried_out(sandbox, reorder())
        assert states(outcomes) == [APPLIED] * at + [IN_DOUBT] + [NOT_ATTEMPTED] * (4 - at)
    assert next_run(sandbox) == DONE


# --- moves with a state file ---


@pytest.fixture
def held_file(tmp_path: Path) -> Iterator[StateFile]:
    state = StateFile.read(tmp_path / "state.json", pbx=URL, init=True)
    state.write(KnownState(URL, known(*HELD), str(state.path)))
    yield state
    state.close()


def on_file(file: StateFile) -> list[tuple[str, str | None]]:
    """The names and ids that the state file holds."""
    return [(one.route.name, one.id) for one in on_disk(file).routes]


def test_each_step_is_on_disk_before_the_next_and_the_look_brings_the_ids(held_file: StateFile) -> None:
    with pbx(routes=HELD) as sandbox, client(sandbox) as one:
        seen = [
            on_file(held_file)
            for _ in apply(reorder(), one, RecordedLedger(held_file), never, known(*HELD))
            if not on_disk(held_file).doubts
        ]
        assert seen == [
            [("rest", "1"), ("world", "2")],
            [("rest", "1"), ("world", "2"), ("branch", None)],
            [("rest", "1"), ("world", "2"), ("branch", None), ("rest~pbxsync", None)],
            [("world", "2"), ("branch", "3"), ("rest~pbxsync", "4")],
            [("world", "2"), ("branch", "3"), ("rest", "4")],
        ]
        assert on_disk(held_file).routes == one.query_routes()


def test_nothing_is_deleted_where_what_the_pbx_holds_cannot_be_recorded(held_file: StateFile) -> None:
    with pbx(routes=HELD) as sandbox, client(sandbox) as one:
        run = apply(reorder(), one, RecordedLedger(held_file), never, known(*HELD))
        outcomes = [next(run) for _ in range(3)]
        unwritable(held_file)
        outcomes += run
        assert states(outcomes) == [APPLIED, APPLIED, APPLIED, FAILED, NOT_ATTEMPTED]
        assert str(outcomes[3].error).startswith(f"not sent: {held_file.path}: the state file can't be written: ")
        assert calls(sandbox) == [*STEPS[:3], "query all"]


def test_a_look_that_finds_something_wrong_leaves_what_was_recorded(held_file: StateFile) -> None:
    with pbx("outroute/add@2=lie", routes=HELD) as sandbox, client(sandbox) as one:
        outcomes = list(apply(reorder(), one, RecordedLedger(held_file), never, known(*HELD)))
    assert states(outcomes)[3:] == [FAILED, NOT_ATTEMPTED]
    assert on_file(held_file) == [("rest", "1"), ("world", "2"), ("branch", None), ("rest~pbxsync", None)]


@AT_EACH
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_step_whose_answer_is_lost_is_in_doubt_in_the_file_and_once_settled_the_next_run_finishes(
    at: int, when: str, held_file: StateFile
) -> None:
    with pbx(f"{CALLS[at]}={when}:reset", routes=HELD) as sandbox, client(sandbox) as one:
        outcomes = list(apply(reorder(), one, RecordedLedger(held_file), never, known(*HELD)))
        assert states(outcomes) == [APPLIED] * at + [IN_DOUBT] + [NOT_ATTEMPTED] * (4 - at)
        (doubt,) = on_disk(held_file).doubts
        assert (doubt.change.action, doubt.change.name) == tuple(STEPS[at].split())
        held_file.settle(doubt.change, applied=when == "after")
        assert tuple(known.route for known in on_disk(held_file).routes) == there(sandbox)
        rest = differ.plan(desired(list(WANTED)), on_disk(held_file), PlanChoices(reorder=True))
        before = check_recorded(rest, on_disk(held_file).routes, one)
        assert before is not None
        check_sendable(rest)
        last = list(apply(rest, one, RecordedLedger(held_file), never, before))
        assert set(states(last)) <= {APPLIED}
        assert there(sandbox) == DONE


@pytest.mark.parametrize("routes", [(*HELD, OLD), HELD[::-1], (REST,), (REST, replace(WORLD, trunks=("t",))), ()])
def test_nothing_is_moved_by_a_file_that_does_not_hold_exactly_what_the_pbx_does(routes: tuple[Route, ...]) -> None:
    made = reorder((BRANCH, WORLD, REST), state="a b.json")
    with pbx(routes=routes) as sandbox, client(sandbox) as one:
        with pytest.raises(StaleState) as caught:
            check_recorded(made, known(*HELD), one)
        assert str(caught.value) == (
            "a b.json: the PBX holds other routes than the state file has recorded, or in another order, so nothing "
            "can be moved by it. Record them anew with: pbxsync refresh --state 'a b.json'"
        )
        assert calls(sandbox) == ["query all"]
    plain = differ.plan(desired([BRANCH]), KnownState(URL, known(*HELD), "a b.json"), PlanChoices())
    with pbx(routes=routes) as sandbox, client(sandbox) as one:
        assert check_recorded(plain, known(*HELD), one) is not None


def test_moves_go_ahead_by_a_file_that_holds_what_the_pbx_does_whatever_the_ids() -> None:
    made = reorder((BRANCH, WORLD, REST), state="state.json")
    with pbx(routes=HELD) as sandbox, client(sandbox) as one:
        assert check_recorded(made, (KnownRoute(REST, "7"), KnownRoute(WORLD)), one) == known(*HELD)


def test_an_update_beside_a_move_is_not_made_by_an_id_that_is_another_routes_by_now() -> None:
    made = differ.plan(
        desired(list(WANTED)),
        KnownState(URL, (KnownRoute(REST, "2"), KnownRoute(WORLD, "1")), "state.json"),
        PlanChoices(reorder=True),
    )
    with pbx(routes=HELD) as sandbox, client(sandbox) as one, pytest.raises(StaleState, match="has recorded of: world"):
        check_recorded(made, (KnownRoute(REST, "2"), KnownRoute(WORLD, "1")), one)


def test_no_move_is_made_where_the_pbx_cannot_be_asked() -> None:
    made = reorder((BRANCH, WORLD, REST), state="state.json")
    old = pbx(calls=["outroute/add", "outroute/update", "outroute/delete"], routes=HELD)
    with old, client(old) as one, pytest.raises(StaleState, match="nothing was sent: what the PBX holds has to be"):
        check_recorded(made, known(*HELD), one)


# --- the query at the end of a reorder ---


def test_a_reorder_that_went_to_its_end_has_no_findings_and_no_notes() -> None:
    with pbx(routes=HELD) as sandbox, client(sandbox) as one:
        outcomes = carried_out(sandbox, reorder())
        assert verify(known(*HELD), outcomes, one.query_routes()) == ((), ())


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("outroute/update@2=lie", "rest is not there"),
        ("outroute/update@2=alter:trunks=t", 'rest is not stored as it was sent: trunks was sent as "out" and stored'),
        ("outroute/update@2=drop-last", "rest is not there"),
    ],
)
def test_what_the_pbx_did_not_do_of_the_end_of_a_move_is_a_finding(fault: str, said: str) -> None:
    with pbx(fault, routes=HELD) as sandbox, client(sandbox) as one:
        outcomes = carried_out(sandbox, reorder())
        assert states(outcomes) == [APPLIED] * 5
        (finding,), _ = verify(known(*HELD), outcomes, one.query_routes())
    assert finding.message.startswith(said)


def test_a_rename_whose_old_name_another_route_took_over_is_no_finding() -> None:
    rename = Change(Action.UPDATE, A, replace(A, name="z"), id="1")
    add = Change(Action.ADD, None, A)
    assert verified(known(replace(A, name="z"), B, A), rename, add) == ((), ())
    assert verified(known(replace(A, name="z"), B, A), rename)[0] == (
        Finding("z", "the old name, a, is still there too"),
    )


def test_a_delete_that_failed_is_not_said_to_be_on_the_pbx_by_now() -> None:
    failed = Outcome(DELETE_B, FAILED, "lost")
    assert verify(known(A, B), [Outcome(ADD_C, APPLIED), failed], known(A, B, C)) == ((), ())
    findings, notes = verify(known(A, B), [Outcome(ADD_C, APPLIED), failed], known(A, replace(B, prefix="9"), C))
    assert (findings, notes) == ((), ("changed on the PBX by somebody else meanwhile: b",))


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
)
@settings(max_examples=100)
def test_live_a_reorder_that_is_struck_anywhere_leaves_what_some_of_its_steps_do_and_the_next_run_finishes(
    case: reordering.Case, choices: PlanChoices, call: str, number: int, mishap: str
) -> None:
    wanted, held = tuple(map(sendable, case.declared)), tuple(map(sendable, case.held))
    state = KnownState(URL, known(*held))
    made = differ.plan(desired(list(wanted)), state, choices)
    moments = [tuple(reordering.table(reordering.after(state, made, count))) for count in range(20)]
    with pbx(f"{call}@{number}={mishap}", routes=held) as sandbox:
        outcomes = carried_out(sandbox, made, held)
    done = states(outcomes).count(APPLIED)
    assert there(sandbox) in moments[done : done + 2]
    with pbx(routes=there(sandbox)) as healthy, client(healthy) as one:
        rest = differ.plan(desired(list(wanted)), KnownState(URL, one.query_routes()), choices)
        assert set(states(carried_out(healthy, rest, there(healthy)))) <= {APPLIED}
        assert there(healthy) == moments[-1]
