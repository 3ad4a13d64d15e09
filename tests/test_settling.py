"""What became of a change whose answer was lost: nothing is sent twice, and nothing falsely claimed."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from pbxsync.answers import RouteAnswer
from pbxsync.client import Credentials
from pbxsync.errors import AnswerLost
from pbxsync.ledger import LiveLedger, RecordedLedger
from pbxsync.listing import PAUSE
from pbxsync.sandbox import Firmware
from pbxsync.settling import Settling
from pbxsync.verification import Verified
from tests.applying import (
    A2,
    ADD_C,
    ADD_D,
    APPLIED,
    CASES,
    DELETE_B,
    FAILED,
    HEARD,
    HELD,
    IN_DOUBT,
    LOST,
    NOT_ATTEMPTED,
    QUERY,
    SILENT,
    UPDATE_A,
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
    live,
    made_way,
    never,
    on_disk,
    pbx,
    plan,
    state_file,
    states,
    there,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from pbxsync.known_state import StateFile
    from pbxsync.model import Change, KnownRoute, Outcome
    from pbxsync.sandbox import Sandbox
    from tests.applying import Caller


@pytest.fixture(params=WAYS, ids="-".join)
def way(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Way]:
    with made_way(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Iterator[StateFile]:
    with state_file(tmp_path, A, B) as state:
        yield state


def doubts(way: Way) -> list[str]:
    return [] if way.file is None else [doubt.change.name for doubt in on_disk(way.file).doubts]


# --- answers that are lost ---


@CASES
@pytest.mark.parametrize("fault", LOST)
def test_a_change_that_is_found_as_it_was_sent_counts_and_the_run_goes_on(
    change: Change, call: str, fault: str
) -> None:
    with pbx(f"outroute/{call}@1=after:{fault}") as sandbox:
        assert states(live(sandbox, change, ADD_D)) == [APPLIED, APPLIED]
        assert changing(sandbox) == [f"{call} {change.name}", "add d"]


@CASES
@pytest.mark.parametrize("fault", ["cut-body", "status:500"])
def test_that_is_so_in_json_and_xml_live_and_with_a_state_file(change: Change, call: str, fault: str, way: Way) -> None:
    with pbx(f"outroute/{call}@1=after:{fault}") as sandbox:
        assert states(way.run(sandbox, plan(change, ADD_D))) == [APPLIED, APPLIED]
        assert changing(sandbox) == [f"{call} {change.name}", "add d"]
        # Two equal answers settle it; the other queries are looks at the PBX.
        asked = calls(sandbox).index(f"{call} {change.name}") + 1
        assert calls(sandbox)[asked : asked + 2] == [QUERY] * 2
        assert doubts(way) == []


#: The first call over a connection can't have come too late for it.
STOPS = [(change, call, fault) for change, call in CASES.args[1] for fault in HEARD] + [
    (change, call, fault) for change, call in CASES.args[1][:2] for fault in SILENT
]


@pytest.mark.parametrize(("change", "call", "fault"), STOPS)
def test_a_change_that_is_not_found_is_not_sent_again_and_the_run_stops(change: Change, call: str, fault: str) -> None:
    with pbx(f"outroute/{call}@1=before:{fault}") as sandbox:
        outcomes = live(sandbox, change, ADD_D)
        assert states(outcomes) == [FAILED, NOT_ATTEMPTED]
        assert changing(sandbox) == [f"{call} {change.name}"]
        assert calls(sandbox)[-3:] == [f"{call} {change.name}", QUERY, QUERY]
        assert there(sandbox) == (A, B)
    said = {"update": "a is as it was before the update", "add": "c is not there", "delete": "b is still there"}[call]
    assert f"; a query right after says: {said}. The PBX may still be at work on it" in str(outcomes[0].error)
    assert str(outcomes[0].error).endswith("is not sent again in this run; the next run asks the PBX first")


@CASES
@pytest.mark.parametrize("fault", ["cut-head", "html"])
def test_it_is_not_in_doubt_with_a_state_file_either(change: Change, call: str, fault: str, way: Way) -> None:
    with pbx(f"outroute/{call}@1=before:{fault}") as sandbox:
        assert states(way.run(sandbox, plan(change, ADD_D))) == [FAILED, NOT_ATTEMPTED]
        assert there(sandbox) == (A, B)
    assert doubts(way) == []
    if way.file is not None:
        assert on_disk(way.file).routes == HELD


@CASES
@pytest.mark.parametrize("fault", ["reset", "status:500", "refuse:10003", "empty"])
def test_a_change_is_in_doubt_where_the_query_is_not_answered_either(
    change: Change, call: str, fault: str, way: Way
) -> None:
    first = 2 if call == "delete" else 1  # before a delete there is a look
    with pbx(f"outroute/{call}@1=after:html", f"outroute/query@{first}-={fault}") as sandbox:
        outcomes = way.run(sandbox, plan(change, ADD_D))
        assert states(outcomes) == [IN_DOUBT, NOT_ATTEMPTED]
        assert changing(sandbox) == [f"{call} {change.name}"]
        assert calls(sandbox)[-1] == QUERY
    assert str(outcomes[0].error).startswith(f"outroute/{call}: the PBX answered with ")
    assert "; asked again, the PBX does not say whether it was carried out (outroute/query: " in str(outcomes[0].error)
    next_step = "look on the PBX before the next apply" if way.file is None else "pbxsync resolve --state"
    assert next_step in str(outcomes[0].error)
    assert doubts(way) == ([] if way.file is None else [change.name])


def test_a_change_is_in_doubt_where_the_table_is_another_at_each_query(way: Way) -> None:
    faults = [f"outroute/query@{number}=short:{number % 2}" for number in range(1, 9)]
    with pbx("outroute/add@1=after:html", *faults) as sandbox:
        outcomes = way.run(sandbox, plan(ADD_C))
    assert states(outcomes) == [IN_DOUBT]
    assert "(the PBX's table is changing: 5 queries" in str(outcomes[0].error)


@CASES
def test_a_short_answer_settles_nothing(change: Change, call: str, way: Way) -> None:
    number = 2 if call == "delete" else 1
    for when, status in (("before", FAILED), ("after", APPLIED)):
        with pbx(f"outroute/{call}@1={when}:html", f"outroute/query@{number}=short:0") as sandbox:
            assert states(way.run(sandbox, plan(change))) == [status]
            assert doubts(way) == []


def test_an_add_that_the_pbx_carried_out_twice_is_no_success() -> None:
    with pbx("outroute/add@1=twice") as sandbox, client(sandbox) as caller:
        caller.add_route(C)
        outcome = Settling(caller, Waits(), never).settled(ADD_C, AnswerLost("outroute/add", "reset"))
    assert outcome.status is FAILED
    assert "c is there 2 times" in str(outcome.error)


def test_an_add_that_was_stored_otherwise_is_no_success(way: Way) -> None:
    sent = replace(C, matchpattern="x.")
    with pbx("outroute/add@1=after:html", firmware=Firmware(filter_fields=True)) as sandbox:
        outcomes = way.run(sandbox, plan(add(sent), ADD_D))
        assert states(outcomes) == [FAILED, NOT_ATTEMPTED]
        assert 'c is not stored as it was sent: matchpattern was sent as "x." and stored as "X."' in str(
            outcomes[0].error
        )
        (finding,) = way.looked(sandbox, outcomes).findings
        assert finding.message.endswith('Write matchpattern: "X." in the file')


def test_a_change_whose_login_was_lost_has_failed_and_is_not_in_doubt(way: Way) -> None:
    with pbx("login@*=after:reset") as sandbox:
        outcomes = way.run(sandbox, plan(ADD_C, ADD_D), credentials=Credentials(username="admin", password="sandbox"))
        assert states(outcomes) == [FAILED, NOT_ATTEMPTED]
        assert outcomes[0].unsent
        assert calls(sandbox) == ["login"]
    assert doubts(way) == []


def test_a_request_that_never_left_has_failed(way: Way) -> None:
    with pbx() as sandbox:
        pass
    outcomes = way.run(sandbox, plan(ADD_C, ADD_D))
    assert states(outcomes) == [FAILED, NOT_ATTEMPTED]
    assert outcomes[0].unsent
    assert "can't reach" in str(outcomes[0].error)
    assert doubts(way) == []


# --- answers that come too late ---


@dataclass
class Slow:
    """A PBX whose time limit and longest call a test chooses; it holds ``routes``."""

    routes: tuple[KnownRoute, ...] = HELD
    timeout: float = 0.2
    longest_call: float = 0.0
    queries: list[float] = field(default_factory=list)

    def query_table(self) -> RouteAnswer:
        return RouteAnswer(self.routes)

    def query_named(self, names: Sequence[str]) -> Sequence[KnownRoute]:
        return ()


LATE = AnswerLost("outroute/add", "outroute/add: no whole answer within 2.5 s", late=True)


def test_a_change_that_came_too_late_is_looked_for_as_long_again_and_then_is_in_doubt() -> None:
    waits = Waits()
    outcome = Settling(Slow(timeout=2.5), waits, never).settled(ADD_C, LATE)
    assert outcome.status is IN_DOUBT
    assert outcome.error == (
        "outroute/add: no whole answer within 2.5 s; a query 2.5 s later says: c is not there. The PBX may still be at "
        "work on it, so it is in doubt: a run right away could make it twice"
    )
    assert [seconds for seconds in waits.seconds if seconds != PAUSE] == [1.0, 1.0, 0.5]


def test_a_wish_to_stop_ends_the_search_and_the_message_says_so() -> None:
    waits = Waits()
    outcome = Settling(Slow(timeout=2.5), waits, lambda: True).settled(ADD_C, LATE)
    assert outcome.status is IN_DOUBT
    assert "within 2.5 s; a query after a wish to stop says: c is not there. The PBX may still be" in str(outcome.error)
    assert waits.seconds == [PAUSE]


def test_an_update_that_came_too_late_can_not_be_made_twice() -> None:
    outcome = Settling(Slow(), Waits(), never).settled(UPDATE_A, LATE)
    assert outcome.status is IN_DOUBT
    assert str(outcome.error).endswith("The PBX may still be at work on it, so it is in doubt")


@CASES
def test_a_change_without_an_answer_in_time_is_in_doubt_and_nothing_more_is_sent(
    change: Change, call: str, way: Way
) -> None:
    with pbx(f"outroute/{call}@1=before:hang:30") as sandbox:
        outcomes = way.run(sandbox, plan(change, ADD_D), timeout=0.2)
        assert states(outcomes) == [IN_DOUBT, NOT_ATTEMPTED]
        assert changing(sandbox) == [f"{call} {change.name}"]
    assert f"outroute/{call}: no whole answer within 0.2 s (see --timeout); a query 0.2 s later says: " in str(
        outcomes[0].error
    )
    assert doubts(way) == ([] if way.file is None else [change.name])


@CASES
def test_a_change_without_an_answer_in_time_that_was_carried_out_counts(change: Change, call: str, way: Way) -> None:
    with pbx(f"outroute/{call}@1=after:hang:30") as sandbox:
        assert states(way.run(sandbox, plan(change, ADD_D), timeout=0.2)) == [APPLIED, APPLIED]
        assert changing(sandbox) == [f"{call} {change.name}", "add d"]
    assert doubts(way) == []


def struck(
    sandbox: Sandbox,
    way: Way,
    changes: Sequence[Change],
    meanwhile: Callable[[Caller], object],
    *,
    timeout: float = 5.0,
) -> list[Outcome]:
    """Carry changes out; the first time that the run waits for longer than between two queries, something happens."""
    way.holds(A, B)
    with client(sandbox, way.kind, timeout) as caller, client(sandbox) as somebody:
        happened: list[float] = []

        def wait(seconds: float) -> None:
            if seconds > PAUSE and not happened:
                happened.append(seconds)
                meanwhile(somebody)

        outcomes = list(apply(plan(*changes), caller, way.ledger(), wait=wait))
        assert happened
        return outcomes


def test_an_add_that_shows_a_little_later_counts_and_the_run_goes_on(way: Way) -> None:
    with pbx("outroute/add@1=before:hang:30") as sandbox:
        outcomes = struck(sandbox, way, [ADD_C, ADD_D], lambda somebody: somebody.add_route(C), timeout=0.3)
        assert states(outcomes) == [APPLIED, APPLIED]
        assert there(sandbox) == (A, B, C, D)
    assert doubts(way) == []


def test_a_query_that_fails_while_a_change_is_looked_for_leaves_it_in_doubt(way: Way) -> None:
    with pbx("outroute/add@1=before:hang:30", "outroute/query@3=status:500") as sandbox:
        outcomes = way.run(sandbox, plan(ADD_C), timeout=0.2)
    assert states(outcomes) == [IN_DOUBT]
    assert "no whole answer within 0.2 s (see --timeout); asked again, the PBX does not say" in str(outcomes[0].error)


def test_a_wish_to_stop_ends_the_look_for_a_change() -> None:
    waits = Waits()
    settling = Settling(Slow(timeout=60), waits, lambda: len(waits.seconds) > 3)
    assert settling.settled(ADD_C, LATE).status is IN_DOUBT
    assert sum(waits.seconds) < 3


def test_in_real_time_an_add_that_is_carried_out_after_its_time_limit_is_there_once() -> None:
    event = threading.Event()
    with pbx("outroute/add@1=before:hang:30") as sandbox, client(sandbox, timeout=0.5) as caller:
        with client(sandbox) as somebody:
            timer = threading.Timer(0.8, somebody.add_route, [C])
            timer.start()
            outcomes = list(apply(plan(ADD_C, ADD_D), caller, LiveLedger(), wait=event.wait))
            timer.join()
        assert there(sandbox)[:3] == (A, B, C)
        assert len(there(sandbox)) == 3 + (outcomes[0].status is APPLIED)
        assert outcomes[0].status in (APPLIED, IN_DOUBT)


# --- kept-alive connections that end without a word ---

#: Changes of which the second goes over a connection that has been used.
USED = pytest.mark.parametrize("last", [ADD_D, DELETE_B, UPDATE_A], ids=["add", "delete", "update"])
FIRST = replace(C, name="e", prefix="5")


def silently(
    sandbox: Sandbox,
    way: Way,
    *changes: Change,
    waits: Waits | None = None,
    stopped: Callable[[], bool] = never,
) -> tuple[list[Outcome], int]:
    """Carry changes out; return the outcomes, and how often the client was asked to use fresh connections."""
    way.holds(A, B)
    with client(sandbox, way.kind) as caller:
        outcomes = list(apply(plan(*changes), caller, way.ledger(), stopped, wait=waits))
        return outcomes, caller.asked_fresh


def call_of(change: Change) -> str:
    return f"{change.action} {change.name}"


@USED
@pytest.mark.parametrize("fault", SILENT)
def test_a_change_that_never_arrived_is_sent_again_once_over_a_connection_of_its_own(
    last: Change, fault: str, way: Way
) -> None:
    number = 2 if last is ADD_D else 1
    waits = Waits()
    with pbx(f"outroute/{last.action}@{number}=before:{fault}") as sandbox:
        outcomes, fresh = silently(sandbox, way, add(FIRST), last, ADD_C, waits=waits)
        assert states(outcomes) == [APPLIED] * 3
        assert changing(sandbox) == ["add e", call_of(last), call_of(last), "add c"]
        between = calls(sandbox)[calls(sandbox).index(call_of(last)) :]
        assert between[1:6] == [QUERY] * 4 + [call_of(last)]
    assert fresh == 1
    assert [seconds for seconds in waits.seconds if seconds != PAUSE] == [1.0]
    assert doubts(way) == []


def test_the_two_queries_are_twice_as_long_apart_as_the_longest_call_took() -> None:
    waits = Waits()
    assert Settling(Slow(longest_call=4.5), waits, never).never_arrived(HELD, [])
    assert waits.seconds == [PAUSE, 9.0, PAUSE]


@pytest.mark.parametrize("fault", SILENT)
def test_it_is_not_sent_a_third_time(fault: str, way: Way) -> None:
    with pbx(f"outroute/add@2-3=before:{fault}") as sandbox:
        outcomes, fresh = silently(sandbox, way, add(FIRST), ADD_C, ADD_D)
        assert states(outcomes) == [APPLIED, FAILED, NOT_ATTEMPTED]
        assert changing(sandbox) == ["add e", "add c", "add c"]
        assert there(sandbox) == (A, B, FIRST)
    assert "the next run asks the PBX first" in str(outcomes[1].error)
    assert (fresh, doubts(way)) == (1, [])


@USED
@pytest.mark.parametrize("fault", SILENT)
def test_a_change_that_was_carried_out_is_not_sent_again(last: Change, fault: str, way: Way) -> None:
    number = 2 if last is ADD_D else 1
    with pbx(f"outroute/{last.action}@{number}=after:{fault}") as sandbox:
        outcomes, fresh = silently(sandbox, way, add(FIRST), last, ADD_C)
        assert states(outcomes) == [APPLIED] * 3
        assert changing(sandbox) == ["add e", call_of(last), "add c"]
    assert (fresh, doubts(way)) == (0, [])


def test_a_change_that_shows_a_second_later_is_not_sent_again(way: Way) -> None:
    with pbx("outroute/add@1=before:close") as sandbox:
        outcomes = struck(sandbox, way, [UPDATE_A, ADD_C], lambda somebody: somebody.add_route(C))
        assert states(outcomes) == [APPLIED] * 2
        assert there(sandbox)[2:] == (C,)
        assert calls(sandbox).count("add c") == 2  # the lost one, and that of the PBX


def test_nothing_is_sent_again_where_the_table_changed_otherwise_meanwhile(way: Way) -> None:
    with pbx("outroute/add@1=before:close") as sandbox:
        outcomes = struck(sandbox, way, [UPDATE_A, ADD_C], lambda somebody: somebody.delete_route("b"))
        assert states(outcomes) == [APPLIED, FAILED]
        assert changing(sandbox) == ["update a", "add c", "delete b"]


def test_nothing_is_sent_again_after_a_wish_to_stop(way: Way) -> None:
    waits = Waits()
    with pbx("outroute/add@1=before:close") as sandbox:
        outcomes, _ = silently(sandbox, way, UPDATE_A, ADD_C, waits=waits, stopped=lambda: 1.0 in waits.seconds)
        assert states(outcomes) == [APPLIED, FAILED]
        assert changing(sandbox) == ["update a", "add c"]
    assert doubts(way) == []


def test_nothing_is_sent_again_where_the_pbx_does_not_say_what_it_holds(way: Way) -> None:
    with pbx("outroute/add@1=before:close", "outroute/query@*=status:500") as sandbox:
        outcomes, _ = silently(sandbox, way, UPDATE_A, ADD_C)
        assert states(outcomes) == [APPLIED, IN_DOUBT]
        assert changing(sandbox) == ["update a", "add c"]
    assert doubts(way) == ([] if way.file is None else ["c"])


def test_a_short_answer_does_not_keep_a_change_from_being_sent_again(way: Way) -> None:
    with pbx("outroute/add@1=before:close", "outroute/query@1=short:1", "outroute/query@5=short:1") as sandbox:
        outcomes, _ = silently(sandbox, way, UPDATE_A, ADD_C)
        assert states(outcomes) == [APPLIED] * 2
        assert there(sandbox) == (A2, B, C)


def test_firmware_that_can_not_be_queried_leaves_each_lost_answer_in_doubt(file: StateFile) -> None:
    for fault in ("before:close", "after:close", "before:html"):
        file.write(replace(file.state, routes=HELD, doubts=()))
        with pbx(f"outroute/add@2={fault}") as sandbox, client(sandbox) as caller:
            outcomes = list(apply(plan(add(FIRST), ADD_C, ADD_D), caller, RecordedLedger(file), before=None))
            assert states(outcomes) == [APPLIED, IN_DOUBT, NOT_ATTEMPTED]
            assert calls(sandbox) == ["add e", "add c"]
        assert [doubt.change for doubt in on_disk(file).doubts] == [ADD_C]


@pytest.mark.parametrize("firmware", [Firmware(close_after=1), Firmware(close_after=3), Firmware(close_idle=0.02)])
def test_thirty_adds_to_a_pbx_that_drops_its_connections_are_all_there_once(firmware: Firmware, way: Way) -> None:
    routes = [replace(C, name=f"r{number}", prefix=str(number)) for number in range(30)]
    with pbx(firmware=firmware) as sandbox:
        outcomes = way.run(sandbox, plan(*map(add, routes)))
        assert states(outcomes) == [APPLIED] * 30
        assert there(sandbox) == (A, B, *routes)
        assert way.looked(sandbox, outcomes) == Verified()
    assert doubts(way) == []
