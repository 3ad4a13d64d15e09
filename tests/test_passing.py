"""Moments between the steps of a change: the calls that one of them sends elsewhere, and what is said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from pbxsync.dialplan.passing import Passing, Version, passing
from pbxsync.differ import plan
from pbxsync.known_state import with_changes
from pbxsync.meanwhile import meanwhile, versions
from pbxsync.model import Change, PlanChoices, Route
from pbxsync.steps import steps
from tests import dialplan_strategies
from tests.dialplan_strategies import NUMBERS, callers_between, numbers_of_all
from tests.naive_dialplan import sent
from tests.reordering import PRUNE, REORDER, Case, cases, fates
from tests.strategies import desired, known

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.reordering import Call, Fate

LAST = 4
CHOICES = st.sampled_from([PlanChoices(), REORDER, PRUNE])


@st.composite
def lives(draw: st.DrawFn) -> list[Version]:
    """Routes that come and go while four steps are done."""
    found = []
    for route in draw(dialplan_strategies.tables(max_size=5)):
        begins = draw(st.integers(0, LAST))
        found.append(Version(route, begins, draw(st.integers(begins + 1, LAST + 1))))
    return found


def there(lived: Sequence[Version], moment: int) -> list[Route]:
    return [one.route for one in lived if one.begins <= moment < one.ends]


def numbers_of(one: Passing) -> frozenset[str]:
    return numbers_of_all(one.numbers.patterns) - numbers_of_all(one.numbers.but_not)


def fate(route: Route | None, number: str) -> Fate:
    return None if route is None else (route.trunks, sent(route, number))


@given(lives())
def test_every_call_that_passes_is_told_at_each_moment_and_no_other(lived: list[Version]) -> None:
    found = passing(lived, LAST)
    first, last = fates(there(lived, 0)), fates(there(lived, LAST))
    for moment in range(LAST + 1):
        now = fates(there(lived, moment))
        told: dict[Call, Passing] = {}
        for one in found:
            if one.begins <= moment < one.ends:
                for number in numbers_of(one):
                    for caller in callers_between(one.match, one.but_not):
                        assert (number, caller) not in told
                        told[number, caller] = one
        assert told.keys() == {call for call in now if now[call] not in (first[call], last[call])}
        for (number, caller), one in told.items():
            fated = [fate(route, number) for route in (one.before, one.meanwhile, one.after)]
            assert fated == [first[number, caller], now[number, caller], last[number, caller]]


@given(lives())
def test_the_example_is_one_of_the_numbers_and_what_lasts_is_told_once(lived: list[Version]) -> None:
    found = passing(lived, LAST)
    for one in found:
        assert 0 < one.begins < one.ends <= LAST
        assert numbers_of_all([one.example]) <= numbers_of(one) or one.example not in NUMBERS
    ends = {(one.ends, one.before, one.meanwhile, one.after, one.match, one.but_not, one.numbers) for one in found}
    begins = {(one.begins, one.before, one.meanwhile, one.after, one.match, one.but_not, one.numbers) for one in found}
    assert not ends & begins


@given(cases(), CHOICES)
def test_the_versions_of_a_plan_are_what_the_pbx_holds_at_each_moment(case: Case, choices: PlanChoices) -> None:
    calls = calls_of(case, choices)
    lived = versions(case.known.routes, calls)
    for moment in range(len(calls) + 1):
        held = [one.route for one in with_changes(case.known.routes, calls[:moment])]
        assert there(lived, moment) == held


@given(cases(most=4), CHOICES)
def test_a_plan_warns_exactly_where_some_moment_sends_a_call_elsewhere(case: Case, choices: PlanChoices) -> None:
    calls = calls_of(case, choices)
    moments = [
        fates([one.route for one in with_changes(case.known.routes, calls[:at])]) for at in range(len(calls) + 1)
    ]
    elsewhere = any(now[call] not in (moments[0][call], moments[-1][call]) for now in moments for call in now)
    assert bool(list(meanwhile(case.known.routes, calls))) == elsewhere


def calls_of(case: Case, choices: PlanChoices) -> list[Change]:
    return [step.change for step in steps(case.plan(choices))]


def warnings_of(wanted: list[Route], held: list[Route]) -> list[str]:
    made = plan(desired(wanted), known(held), REORDER)
    found = meanwhile(known(held).routes, [step.change for step in steps(made)])
    return [warning.message for warning in found if warning.rule == "meanwhile"]


A = Route("sales", "2XX", ("to-sales",))
B = Route("support", "3XX", ("to-support",))
A_AS_B = Route("sales", "3XX", ("to-sales",))
B_AS_A = Route("support", "2XX", ("to-support",))


def test_two_routes_that_swap_patterns_leave_a_moment_that_is_told_with_its_numbers() -> None:
    assert warnings_of([A_AS_B, B_AS_A], [A, B]) == [
        "for a moment, from the update of sales to the update of support, calls to 2XX (such as 234) go nowhere; "
        "before that to to-sales (sales), afterwards to to-support (support)"
    ]


def test_an_update_of_a_route_that_is_then_moved_tells_of_the_moment_between() -> None:
    rest = Route("rest", "X.", ("a",))
    branch = Route("branch", "7XXX", ("to-branch",))
    assert warnings_of([branch, Route("rest", "X.", ("b",))], [rest]) == [
        "for a moment, from the update of rest to the delete of rest, calls to 7XXX (such as 7345) go to b (rest); "
        "before that to a (rest), afterwards to to-branch (branch)"
    ]


def test_a_single_update_and_updates_that_have_no_call_in_common_leave_no_such_moment() -> None:
    assert warnings_of([A_AS_B], [A]) == []
    assert warnings_of([Route("sales", "2XX", ("b",)), Route("support", "3XX", ("b",))], [A, B]) == []


def test_the_callers_of_a_moment_are_told() -> None:
    mine, yours = Route("mine", "2XX", ("a",), callerid="20X"), Route("yours", "3XX", ("b",), callerid="20X")
    swapped = [Route("mine", "3XX", ("a",), callerid="20X"), Route("yours", "2XX", ("b",), callerid="20X")]
    (message,) = warnings_of(swapped, [mine, yours])
    assert "calls to 2XX from 20X (such as 234) go nowhere" in message


def test_digits_that_are_sent_otherwise_are_told() -> None:
    held = [Route("a", "2X", ("t",)), Route("b", "2.", ("t",), prepend="0")]
    wanted = [Route("a", "3X", ("t",)), Route("b", "2.", ("t",), prepend="9")]
    assert warnings_of(wanted, held) == [
        "for a moment, from the update of a to the update of b, calls to 2X (such as 23) go to t as 023 (b); "
        "before that to t (a), afterwards to t as 923 (b)"
    ]
