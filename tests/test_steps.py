"""A plan → its calls in their order, what is left once they are done, and what became of each change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pbxsync.differ import plan
from pbxsync.model import Action, Change, Outcome, Plan, PlanChoices, Route, Status
from pbxsync.steps import HALF_DONE, STUCK, Stage, outcomes, remaining, steps
from tests.reordering import PRUNE, REORDER
from tests.strategies import desired, known

APPLIED, FAILED, IN_DOUBT, NOT_ATTEMPTED = Status.APPLIED, Status.FAILED, Status.IN_DOUBT, Status.NOT_ATTEMPTED

BRANCH = Route("branch", "7XXX", ("to-branch",))
WORLD = Route("world", "X.", ("intl",), prefix="9011")
LOCAL = Route("local", "N.", ("local",))
REST = Route("rest", "X.", ("out",))
OLD, OLDER = (Route(name, "8X.", (f"to-{name}",)) for name in ("old", "older"))


def copy(route: Route, more: str = "") -> Route:
    """The copy of a route that a reorder makes."""
    return replace(route, name=f"{route.name}~pbxsync{more}")


def planned(wanted: list[Route], there: list[Route], choices: PlanChoices = REORDER) -> Plan:
    return plan(desired(wanted), known(there), choices)


def in_order(made: Plan) -> list[str]:
    """The steps of a plan in words: the stage, what is changed, what it is then."""
    return [" ".join([step.stage.name, *_names(step.change)]) for step in steps(made)]


def _names(change: Change) -> list[str]:
    return [route.name for route in (change.before, change.after) if route is not None]


def change_of(made: Plan, name: str) -> Change:
    (found,) = (change for change in made.changes if change.name == name and change.action is Action.MOVE)
    return found


# --- the order ----------------------------------------------------------------------------------------------------


def test_updates_come_first_then_adds_and_copies_then_deletes_from_the_bottom_up_and_renames_last() -> None:
    new = Route("new", "[2-7]XXX", ("n",))
    wanted = [BRANCH, replace(WORLD, trunks=("w",)), LOCAL, new, REST]
    assert in_order(planned(wanted, [OLD, LOCAL, REST, WORLD, OLDER], PRUNE)) == [
        "UPDATE world world",
        "ADD branch",
        "ADD local~pbxsync",
        "ADD new",
        "ADD rest~pbxsync",
        "DELETE older",
        "DELETE rest",
        "DELETE local",
        "DELETE old",
        "RENAME local~pbxsync local",
        "RENAME rest~pbxsync rest",
    ]


def test_without_moves_each_change_is_one_step_in_the_order_of_the_plan() -> None:
    made = planned([replace(WORLD, trunks=("w",)), REST, BRANCH], [OLD, WORLD, OLDER], PRUNE)
    assert [step.change for step in steps(made)] == [step.of for step in steps(made)] == list(made.changes)
    assert [step.stage for step in steps(made)] == [Stage.UPDATE, Stage.ADD, Stage.ADD, Stage.DELETE, Stage.DELETE]


def test_without_moves_the_order_of_the_changes_is_kept_whatever_it_is() -> None:
    changes = (Change(Action.ADD, None, BRANCH), Change(Action.DELETE, OLD, None), Change(Action.UPDATE, REST, REST))
    made = Plan("routes.yaml", None, None, "live", changes)
    assert [step.change for step in steps(made)] == list(changes)


def test_a_plan_without_changes_has_no_steps() -> None:
    assert steps(planned([], [OLD])) == ()


def test_each_step_belongs_to_its_change_and_the_copies_and_removals_to_their_move() -> None:
    made = planned([BRANCH, LOCAL, REST], [OLD, LOCAL, REST], PRUNE)
    assert [(step.change.name, step.of.action, step.of.name) for step in steps(made)] == [
        ("branch", Action.ADD, "branch"),
        ("local~pbxsync", Action.MOVE, "local"),
        ("rest~pbxsync", Action.MOVE, "rest"),
        ("rest", Action.MOVE, "rest"),
        ("local", Action.MOVE, "local"),
        ("old", Action.DELETE, "old"),
        ("local", Action.MOVE, "local"),
        ("rest", Action.MOVE, "rest"),
    ]


def test_a_move_that_an_earlier_run_began_is_ended_without_another_copy() -> None:
    assert in_order(planned([BRANCH, REST], [REST, BRANCH, copy(REST)])) == ["DELETE rest", "RENAME rest~pbxsync rest"]


def test_a_copy_above_its_route_that_has_its_place_already_is_deleted_and_nothing_renamed() -> None:
    assert in_order(planned([BRANCH, REST], [copy(REST), BRANCH, REST])) == ["DELETE rest~pbxsync"]


def test_copies_that_are_in_the_way_themselves_go_with_their_route_from_the_bottom_up_among_the_other_deletes() -> None:
    held = [OLD, REST, OLDER, copy(REST, "~pbxsync"), BRANCH, copy(REST)]
    assert in_order(planned([BRANCH, REST], held, PRUNE)) == [
        "DELETE rest~pbxsync~pbxsync",
        "DELETE older",
        "DELETE rest",
        "DELETE old",
        "RENAME rest~pbxsync rest",
    ]


def test_where_the_only_copy_is_in_the_way_nothing_is_moved() -> None:
    made = planned([BRANCH, REST], [OLD, REST, OLDER, copy(REST), BRANCH], PRUNE)
    assert in_order(made) == ["DELETE older", "DELETE old"]


# --- what remains -------------------------------------------------------------------------------------------------


def test_of_a_move_its_copy_remains_until_the_rename() -> None:
    assert remaining(change_of(planned([BRANCH, REST], [REST]), "rest")) == copy(REST)


def test_of_a_move_that_an_earlier_run_began_the_copy_of_that_run_remains() -> None:
    assert remaining(change_of(planned([BRANCH, REST], [REST, BRANCH, copy(REST)]), "rest")) == copy(REST)


def test_of_a_route_whose_copy_alone_goes_the_route_itself_remains() -> None:
    assert remaining(change_of(planned([BRANCH, REST], [BRANCH, REST, copy(REST)]), "rest")) == REST


def test_what_is_not_moved_leaves_nothing_that_must_be_seen() -> None:
    made = planned([BRANCH, replace(WORLD, trunks=("w",))], [WORLD, OLD], PRUNE)
    assert [change.action for change in made.changes] == [Action.UPDATE, Action.ADD, Action.DELETE]
    assert [remaining(change) for change in made.changes] == [None, None, None]


# --- what became of each change -----------------------------------------------------------------------------------

#: Two moves between an update and a delete: update world, two copies, three deletes, two renames.
MOVES = planned([BRANCH, replace(WORLD, trunks=("w",)), LOCAL, REST], [LOCAL, REST, BRANCH, WORLD, OLD], PRUNE)


def became(*statuses: Status, stuck: bool = False) -> list[tuple[str, Status, str | None]]:
    """What became of each change where the first steps came to these ends, and the others were not attempted."""
    parts = [Outcome(step.change, NOT_ATTEMPTED) for step in steps(MOVES)]
    for at, status in enumerate(statuses):
        parts[at] = replace(parts[at], status=status, error=None if status is APPLIED else f"of {at}")
    found = outcomes(MOVES, parts, stuck=stuck)
    assert [one.change for one in found] == list(MOVES.changes)
    return [(one.change.name, one.status, one.error) for one in found]


def test_the_example_has_the_steps_that_the_tests_below_count() -> None:
    assert in_order(MOVES) == [
        "UPDATE world world",
        "ADD local~pbxsync",
        "ADD rest~pbxsync",
        "DELETE old",
        "DELETE rest",
        "DELETE local",
        "RENAME local~pbxsync local",
        "RENAME rest~pbxsync rest",
    ]


def test_a_move_is_applied_once_all_its_steps_are() -> None:
    assert became(*[APPLIED] * 8) == [(name, APPLIED, None) for name in ("world", "local", "rest", "old")]


def test_a_move_of_which_no_step_was_sent_is_not_attempted() -> None:
    assert became(APPLIED) == [
        ("world", APPLIED, None),
        ("local", NOT_ATTEMPTED, None),
        ("rest", NOT_ATTEMPTED, None),
        ("old", NOT_ATTEMPTED, None),
    ]


@pytest.mark.parametrize("count", [3, 4, 5, 6])
def test_a_move_that_the_run_did_not_end_has_failed_and_says_that_a_copy_is_there(count: int) -> None:
    found = became(*[APPLIED] * count)
    assert found[1:3] == [("local", FAILED, HALF_DONE), ("rest", FAILED, HALF_DONE)]
    assert found[3] == ("old", APPLIED if count > 3 else NOT_ATTEMPTED, None)


def test_of_two_moves_one_may_be_done_and_the_other_not() -> None:
    assert became(*[APPLIED] * 7)[1:3] == [("local", APPLIED, None), ("rest", FAILED, HALF_DONE)]
    assert became(*[APPLIED] * 2)[1:3] == [("local", FAILED, HALF_DONE), ("rest", NOT_ATTEMPTED, None)]


@pytest.mark.parametrize("status", [FAILED, IN_DOUBT])
def test_what_a_step_of_a_move_ended_in_the_move_ended_in_with_its_error(status: Status) -> None:
    more = ". The move is half done: run again to finish it" if status is FAILED else ""
    assert became(*[APPLIED] * 4, status)[1:] == [
        ("local", FAILED, HALF_DONE),
        ("rest", status, f"of 4 (the step: delete rest where it was){more}"),
        ("old", APPLIED, None),
    ]
    assert became(APPLIED, status)[1:3] == [
        ("local", status, "of 1 (the step: add a copy, local~pbxsync)"),
        ("rest", NOT_ATTEMPTED, None),
    ]


@pytest.mark.parametrize("count", [3, 4, 5, 6])
def test_of_a_move_that_another_run_would_not_end_it_is_not_said_that_it_would(count: int) -> None:
    found = became(*[APPLIED] * count, stuck=True)
    assert found[1:3] == [("local", FAILED, STUCK), ("rest", FAILED, STUCK)]
    found = became(*[APPLIED] * 4, FAILED, stuck=True)
    assert found[2] == ("rest", FAILED, "of 4 (the step: delete rest where it was)")


def test_what_became_of_a_change_that_is_one_step_is_what_became_of_that_step() -> None:
    assert became(*[APPLIED] * 3, IN_DOUBT)[3] == ("old", IN_DOUBT, "of 3")


def test_outcomes_of_too_few_steps_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        outcomes(MOVES, [Outcome(step.change, APPLIED) for step in steps(MOVES)[:-1]])


def test_two_changes_that_are_the_same_each_have_their_own_outcome() -> None:
    add = Change(Action.ADD, None, BRANCH)
    made = Plan("routes.yaml", None, None, "live", (add, replace(add)))
    found = outcomes(made, [Outcome(add, APPLIED), Outcome(add, FAILED, "refused")])
    assert [one.status for one in found] == [APPLIED, FAILED]
