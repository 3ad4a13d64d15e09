"""The calls of a plan → what there is to say of the moments between them."""

from __future__ import annotations

from dataclasses import replace

from pbxsync import differ
from pbxsync.changes import changed_fields
from pbxsync.dialplan.passing import Version, passing
from pbxsync.meanwhile import meanwhile, versions
from pbxsync.model import Action, Change, PlanChoices, Route
from pbxsync.steps import steps
from tests.strategies import desired, known

SALES = Route("sales", "2XX", ("to-sales",))
SUPPORT = Route("support", "3XX", ("to-support",))
REST = Route("rest", "X.", ("out",))
COPY = replace(REST, name="rest~pbxsync")


def update(before: Route, after: Route) -> Change:
    return Change(Action.UPDATE, before, after, changed_fields(before, after))


def add(route: Route) -> Change:
    return Change(Action.ADD, None, route)


def delete(route: Route) -> Change:
    return Change(Action.DELETE, route, None)


def lived(held: list[Route], *calls: Change) -> list[tuple[Route, int, int]]:
    """Each route as it is at some moment, from when to when; no moment is later than the last call."""
    return [(one.route, one.begins, min(one.ends, len(calls) + 1)) for one in versions(known(held).routes, calls)]


def messages(held: list[Route], *calls: Change) -> list[str]:
    found = list(meanwhile(known(held).routes, calls))
    assert {warning.rule for warning in found} <= {"meanwhile"}
    return [warning.message for warning in found]


# --- what is there from when to when ------------------------------------------------------------------------------


def test_a_route_that_is_updated_or_renamed_stays_where_it_stands_and_what_is_added_is_last() -> None:
    wide, named = replace(SALES, matchpattern="2X."), replace(SUPPORT, name="named")
    assert lived([SALES, SUPPORT], update(SALES, wide), add(REST), update(SUPPORT, named)) == [
        (SALES, 0, 1),
        (wide, 1, 4),
        (SUPPORT, 0, 3),
        (named, 3, 4),
        (REST, 2, 4),
    ]


def test_a_route_that_is_moved_is_there_twice_until_it_is_deleted() -> None:
    assert lived([REST, SALES], add(COPY), delete(REST), update(COPY, REST)) == [
        (REST, 0, 2),
        (SALES, 0, 4),
        (COPY, 1, 3),
        (REST, 3, 4),
    ]


def test_a_call_for_a_route_that_is_not_there_does_nothing() -> None:
    assert lived([SALES], delete(REST), update(REST, SUPPORT), delete(SALES), update(SALES, REST)) == [(SALES, 0, 3)]


# --- what is said of it -------------------------------------------------------------------------------------------


def test_renames_alone_are_not_looked_at_since_no_call_notices_them() -> None:
    one, other = replace(SALES, name="one"), replace(SUPPORT, name="other")
    assert messages([SALES, SUPPORT], update(SALES, one), update(SUPPORT, other)) == []
    assert messages([REST], add(COPY), delete(REST), update(COPY, REST)) == []


def test_a_route_that_is_renamed_and_changed_at_once_is_looked_at() -> None:
    new = replace(SALES, name="new", matchpattern="3XX")
    (message,) = messages([SALES, SUPPORT], update(SALES, new), update(SUPPORT, replace(SUPPORT, matchpattern="2XX")))
    assert message == (
        "for a moment, from the update of new to the update of support, calls to 2XX (such as 234) go nowhere; "
        "before that to to-sales (sales), afterwards to to-support (support)"
    )


def test_a_single_number_needs_no_example_and_what_goes_nowhere_is_said_so() -> None:
    other = Route("other", "911", ("o",))
    taking = replace(SALES, matchpattern="911")
    assert messages([SALES], update(SALES, taking), update(taking, SALES), add(other)) == [
        "for a moment, from the update of sales to the update of sales, calls to 2XX (such as 234) go nowhere; "
        "before that to to-sales (sales), afterwards to to-sales (sales)",
        "for a moment, from the update of sales to the update of sales, calls to 911 go to to-sales (sales); "
        "before that nowhere, afterwards to o (other)",
    ]


def test_digits_that_are_left_out_are_said_to_be() -> None:
    bare = Route("bare", "", ("t",), prefix="2XX")
    there = replace(bare, prefix="3XX")
    (message,) = messages(
        [there, SALES], update(there, bare), update(bare, replace(there, prefix="4XX")), delete(SALES)
    )
    assert "calls to 2XX (such as 234) go to t without digits (bare); before that to to-sales (sales)" in message


def test_an_update_of_a_copy_that_an_earlier_run_left_is_told_of_too() -> None:
    new = replace(REST, trunks=("new",))
    file, state = desired([SALES, new]), known([REST, SALES, COPY])
    calls = [step.change for step in steps(differ.plan(file, state, PlanChoices()))]
    assert [call.name for call in calls] == ["rest~pbxsync", "rest", "rest"]
    # What the copy does is noticed only once the route above it is gone.
    assert messages([REST, SALES, COPY], *calls) == []


# --- moments told apart -------------------------------------------------------------------------------------------


def told(last: int, *lived: Version) -> list[tuple[int, int, str | None, tuple[str, ...]]]:
    """From when to when calls go elsewhere, to which route, and to which numbers they are."""
    return [
        (one.begins, one.ends, one.meanwhile.name if one.meanwhile else None, one.numbers.patterns)
        for one in passing(lived, last)
    ]


def test_what_happens_again_after_a_while_is_told_again() -> None:
    first, again, between, last = (replace(SALES, name=name, trunks=(name,)) for name in ("f", "again", "between", "l"))
    lived = Version(first, 0, 1), Version(between, 2, 3), Version(again, 1, 4), Version(last, 4, 5)
    assert told(4, *lived) == [
        (1, 2, "again", ("2XX",)),
        (2, 3, "between", ("2XX",)),
        (3, 4, "again", ("2XX",)),
    ]


def test_of_a_moment_that_sends_the_same_digits_as_before_or_as_after_to_some_numbers_the_others_are_told() -> None:
    plain = Route("plain", "[89]X", ("t",))
    # To the same trunk, and of the numbers that begin with 9 the same digits.
    nines = Route("nines", "X", ("t",), prefix="[89]", prepend="9")
    other = replace(plain, name="other", trunks=("o",))
    assert told(2, Version(other, 0, 1), Version(plain, 1, 2), Version(nines, 2, 3)) == [(1, 2, "plain", ("8X",))]
    assert told(2, Version(nines, 0, 1), Version(plain, 1, 2), Version(other, 2, 3)) == [(1, 2, "plain", ("8X",))]
