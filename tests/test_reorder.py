"""The plan of a reorder: which routes move, what the table means then, and what each step does to each call."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from pbxsync.dialplan.callers import Callers
from pbxsync.dialplan.difference import differences
from pbxsync.dialplan.regions import Regions
from pbxsync.dialplan.table import RouteTable
from pbxsync.differ import plan
from pbxsync.document import parse
from pbxsync.effects import foreseen
from pbxsync.export import export
from pbxsync.model import Action, PlanChoices
from pbxsync.names import is_copy, original
from pbxsync.steps import steps
from pbxsync.validator import check
from tests.reordering import (
    PRUNE,
    REORDER,
    Case,
    after,
    breaks_rule,
    cases,
    complaints,
    fates,
    half_done,
    matching,
    must_move,
    table,
    updates,
)

if TYPE_CHECKING:
    from pbxsync.model import KnownState, Plan, Route

CHOICES = st.sampled_from([REORDER, PRUNE])


def moved(made: Plan) -> set[str]:
    return {change.name for change in made.changes if change.action is Action.MOVE}


def names(state: KnownState) -> list[str]:
    return [one.route.name for one in state.routes]


def copies(case: Case, state: KnownState) -> list[str]:
    """The names of the copies that the PBX holds of the file's routes."""
    declared = {route.name for route in case.declared}
    own = declared | {old for name, old in case.renamed if name in declared}
    return [name for name in names(state) if is_copy(name) and original(name) in own]


def updated(case: Case, made: Plan) -> list[Route]:
    """The PBX's table once the updates are done."""
    return table(after(case.known, made, updates(made)))


@given(cases())
def test_exactly_those_routes_move_that_the_rule_says_and_no_more(case: Case) -> None:
    made = case.plan()
    assert complaints(made) == []
    assert moved(made) == must_move(case.declared, updated(case, made))


@given(cases())
def test_to_leave_out_any_one_move_breaks_the_rule(case: Case) -> None:
    made = case.plan()
    held = updated(case, made)
    indexes = {at for at, route in enumerate(case.declared) if route.name in moved(made)}
    for one in indexes:
        assert one in breaks_rule(case.declared, held, indexes - {one})


@given(cases(), CHOICES)
def test_what_stays_keeps_its_order_and_what_is_added_or_moved_follows_in_the_order_of_the_file(
    case: Case, choices: PlanChoices
) -> None:
    made = case.plan(choices)
    behind = {change.name for change in made.changes if change.action in (Action.ADD, Action.MOVE)}
    deleted = {change.name for change in made.changes if change.action is Action.DELETE}
    result = [route.name for route in table(after(case.known, made))]
    assert result == [
        *(route.name for route in case.held if route.name not in behind | deleted),
        *(route.name for route in case.declared if route.name in behind),
    ]
    assert set(table(after(case.known, made))) >= set(case.declared)


@given(cases(unmanaged=False) | cases())
def test_without_unmanaged_routes_the_table_means_what_the_file_means(case: Case) -> None:
    made = case.plan(PRUNE)
    assert fates(table(after(case.known, made))) == fates(case.declared)


@given(cases())
def test_with_unmanaged_routes_every_call_goes_as_the_file_says_that_none_of_them_matches(case: Case) -> None:
    made = case.plan()
    strange = [route for route in case.held if route.name in made.unmanaged]
    theirs = set().union(*map(matching, strange))
    wanted, result = fates(case.declared), fates(table(after(case.known, made)))
    assert {call for call in wanted if wanted[call] != result[call]} <= theirs


@given(cases(most=4))
def test_the_plan_says_which_unmanaged_routes_keep_the_meaning_out_of_reach(case: Case) -> None:
    made = foreseen(case.plan(), case.desired, case.known, REORDER)
    wanted, result = fates(case.declared), fates(table(after(case.known, made)))
    lost = {call for call in wanted if wanted[call] is not None and wanted[call] != result[call]}
    orders = [warning.message for warning in made.warnings if warning.rule == "order"]
    assert bool(orders) == bool(lost)
    assert all("unmanaged so far" in message and "--reorder" not in message for message in orders)


@given(cases(), CHOICES)
def test_after_each_step_from_the_updates_on_each_call_goes_as_before_or_as_after(
    case: Case, choices: PlanChoices
) -> None:
    made = case.plan(choices)
    regions = Regions()
    states = [
        regions.partition(RouteTable(table(after(case.known, made, count))))
        for count in range(updates(made), len(steps(made)) + 1)
    ]
    for at, state in enumerate(states[1:-1], start=1):
        from_after = differences(states[-1], state)
        for one in differences(states[0], state):
            for other in from_after:
                match = (*one.callers.match, *other.callers.match)
                callers = Callers(match, (*one.callers.but_not, *other.callers.but_not))
                numbers = one.numbers & other.numbers
                assert not numbers or not regions.callers.anybody(callers), (at, numbers.example(), callers)


@given(cases(most=4), CHOICES)
def test_after_each_step_each_single_call_goes_as_before_or_as_after(case: Case, choices: PlanChoices) -> None:
    made = case.plan(choices)
    counts = range(updates(made), len(steps(made)) + 1)
    all_fates = [fates(table(after(case.known, made, count))) for count in counts]
    for now in all_fates:
        assert all(now[call] in (all_fates[0][call], all_fates[-1][call]) for call in now)


@given(cases(), CHOICES, st.data())
def test_stopped_after_any_step_and_planned_again_it_comes_to_the_same_table(
    case: Case, choices: PlanChoices, data: st.DataObject
) -> None:
    made = case.plan(choices)
    wanted = table(after(case.known, made))
    state = case.known
    for _ in range(4):
        state = after(state, made, data.draw(st.integers(0, len(steps(made)))))
        made = plan(case.desired, state, choices)
    assert table(after(state, made)) == wanted


@given(half_done(), CHOICES, st.data())
def test_what_was_half_done_comes_to_the_same_table_wherever_it_is_stopped_again(
    case: Case, choices: PlanChoices, data: st.DataObject
) -> None:
    made = case.plan(choices)
    if complaints(made):
        return
    wanted = table(after(case.known, made))
    state = case.known
    without = replace(choices, reorder=False)
    for _ in range(3):
        state = after(state, made, data.draw(st.integers(0, len(steps(made)))))
        made = plan(case.desired, state, choices)
        assert not complaints(made)
        if copies(case, state):
            assert plan(case.desired, state, without).changes == made.changes
    assert table(after(state, made)) == wanted


@given(half_done(), CHOICES)
def test_of_what_was_half_done_every_step_from_the_updates_on_sends_each_call_as_before_or_as_after(
    case: Case, choices: PlanChoices
) -> None:
    made = case.plan(choices)
    counts = range(updates(made), len(steps(made)) + 1)
    all_fates = [fates(table(after(case.known, made, count))) for count in counts]
    for now in all_fates:
        assert all(now[call] in (all_fates[0][call], all_fates[-1][call]) for call in now)


@given(half_done(), CHOICES)
def test_what_was_half_done_is_cleared_up_in_one_run_unless_it_is_complained_of(
    case: Case, choices: PlanChoices
) -> None:
    made = case.plan(choices)
    if complaints(made):
        return
    state = after(case.known, made)
    assert plan(case.desired, state, choices).changes == ()
    assert {route.name for route in case.declared} <= set(names(state))
    assert copies(case, state) == []


@given(half_done(), CHOICES)
def test_where_a_copy_is_in_the_wrong_place_no_route_is_moved_nor_lost_and_lone_copies_get_their_names(
    case: Case, choices: PlanChoices
) -> None:
    made = case.plan(choices)
    if not complaints(made):
        return
    for move in (change.move for change in made.changes if change.move):
        assert (move.copy, move.removals) == (None, ())
    state = after(case.known, made)
    assert {route.name for route in case.declared} <= {original(name) for name in names(state)} | {
        new for new, old in case.renamed if old in map(original, names(state))
    }
    doubled = {original(name) for name in copies(case, state)}
    assert all(sum(original(name) == one for name in names(state)) > 1 for one in doubled)


@given(half_done(), CHOICES)
def test_where_every_complaint_is_of_a_lone_copy_the_second_run_is_the_last_but_one_to_change_anything(
    case: Case, choices: PlanChoices
) -> None:
    first = case.plan(choices)
    if not complaints(first) or not all("run again to move it" in message for message in complaints(first)):
        return
    state = after(case.known, first)
    second = plan(case.desired, state, choices)
    assert not any("run again to move it" in message for message in complaints(second))
    last = after(state, second)
    assert plan(case.desired, last, choices).changes == ()
    assert complaints(second) or copies(case, last) == []


@given(half_done(), CHOICES, st.data())
def test_no_run_ever_makes_a_copy_of_a_route_of_which_there_is_one(
    case: Case, choices: PlanChoices, data: st.DataObject
) -> None:
    state = case.known
    for _ in range(4):
        made = plan(case.desired, state, choices)
        there = {original(name) for name in copies(case, state)}
        new = {original(change.move.copy.name) for change in made.changes if change.move and change.move.copy}
        former = {old for name, old in case.renamed if name in new}
        assert not there & (new | former)
        state = after(state, made, data.draw(st.integers(0, len(steps(made)))))


@given(cases() | half_done(), CHOICES)
def test_a_second_plan_is_empty_unless_the_first_one_complains(case: Case, choices: PlanChoices) -> None:
    made = case.plan(choices)
    assert (made.refusals, made.failures) == ((), ())
    again = plan(case.desired, after(case.known, made), choices)
    assert again.changes == () or complaints(made)
    assert not complaints(again) or complaints(made)


@given(cases(), CHOICES)
def test_a_reorder_leaves_no_copy_and_every_step_does_something(case: Case, choices: PlanChoices) -> None:
    made = case.plan(choices)
    assert not any(is_copy(route.name) for route in table(after(case.known, made)))
    for count in range(len(steps(made))):
        assert table(after(case.known, made, count)) != table(after(case.known, made, count + 1))


@given(cases(), CHOICES, st.data())
def test_an_export_of_what_a_reorder_left_half_done_plans_to_taking_copies_away_and_moves_no_call(
    case: Case, choices: PlanChoices, data: st.DataObject
) -> None:
    made = case.plan(choices)
    state = after(case.known, made, data.draw(st.integers(updates(made), len(steps(made)))))
    exported = check(parse(export(state, url=None, type="json").text.encode(), "exported.yaml")).desired
    assert exported is not None
    own = {one.route.name for one in exported.routes}
    again = foreseen(plan(exported, state, PlanChoices()), exported, state, PlanChoices())
    assert not again.impact
    assert not any(change.action is Action.ADD or (change.move and change.move.copy) for change in again.changes)
    assert not any(is_copy(name) and original(name) in own for name in names(after(state, again)))


@given(cases(unmanaged=False, changed=False))
def test_where_the_order_is_the_file_s_already_nothing_moves(case: Case) -> None:
    assert not moved(Case(case.declared, case.declared).plan())
