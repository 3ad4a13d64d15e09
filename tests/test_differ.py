"""Desired and known → plan: the laws, against a naive reference, and each rule on an example.

What is refused, and what hidden fields, shared ids and names that a PBX may take for one lead to: `test_matching`.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, replace
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxsync.changes import changed_fields
from pbxsync.differ import plan
from pbxsync.document import parse
from pbxsync.equal_names import may_be_equal
from pbxsync.errors import PlanRefused
from pbxsync.known_state import with_changes
from pbxsync.model import (
    Action,
    Behind,
    Change,
    Desired,
    Doubt,
    FieldChange,
    KnownRoute,
    KnownState,
    Location,
    Move,
    NumberWords,
    Plan,
    PlanChoices,
    PlanWarning,
    Route,
)
from pbxsync.names import is_copy, original
from pbxsync.quoting import quoted
from pbxsync.steps import steps
from pbxsync.validator import check
from tests import reordering
from tests.strategies import desired, known, routes, tables

if TYPE_CHECKING:
    from random import Random

PRUNE_ALL = PlanChoices(prune=True, max_deletes=1000)
PRUNE_MOVING = replace(PRUNE_ALL, reorder=True)
A = Route("a", "X.", ("t1",))
B = Route("b", "911", ("t1", "t2"), prefix="9")
C = Route("c", "NXX", ("t2",))


def after(state: KnownState, made: Plan) -> KnownState:
    """The known state once the PBX has carried out every change of the plan."""
    return replace(state, routes=with_changes(state.routes, made.changes))


def names(changes: tuple[Change, ...]) -> list[str]:
    return [f"{change.action} {change.name}" for change in changes]


def said(warnings: tuple[PlanWarning, ...]) -> list[str]:
    return [f"{warning.rule}: {warning.message}" for warning in warnings]


@given(tables())
def test_a_plan_from_a_state_to_itself_is_empty(table: list[Route]) -> None:
    made = plan(desired(table), known(table), PRUNE_ALL)
    assert made.changes == ()
    assert (made.unchanged, made.unmanaged, made.warnings) == (len(table), (), ())


def trunks_left(sent: tuple[str, ...], stored: tuple[str, ...]) -> bool:
    """Whether the stored trunks are the sent ones without some of them, found by trying."""
    choices = product([True, False], repeat=len(sent))
    return any(stored == tuple(trunk for trunk, kept in zip(sent, which, strict=True) if kept) for which in choices)


def pairs(wanted: list[Route], there: list[Route]) -> list[tuple[str, str]]:
    """Names of routes to be added, each with that of a route of the PBX that nobody declared and that may be the same.

    No PBX stores two of the texts in these tables alike.
    """
    declared, held = {route.name for route in wanted}, {route.name for route in there}
    return [
        (route.name, other.name)
        for route in wanted
        for other in there
        if route.name not in held
        and other.name not in declared
        and trunks_left(route.trunks, other.trunks)
        and replace(route, name="", trunks=()) == replace(other, name="", trunks=())
    ]


@given(tables(), tables())
def test_a_pruning_plan_applied_to_its_known_state_gives_the_desired_routes_but_for_those_that_it_refuses(
    wanted: list[Route], there: list[Route]
) -> None:
    state = known(there)
    result = after(state, plan(desired(wanted), state, PRUNE_ALL)).routes
    refused, twins = ({pair[side] for pair in pairs(wanted, there)} for side in (0, 1))
    stay = [route for route in there if route.name in twins]
    assert {one.route for one in result} == {route for route in wanted if route.name not in refused} | set(stay)
    kept = [route.name for route in there if route.name in {one.name for one in [*wanted, *stay]}]
    added = [route.name for route in wanted if route.name not in {*kept, *refused}]
    assert [one.route.name for one in result] == kept + added


@given(tables(), tables())
def test_without_prune_every_known_route_stays_and_the_declared_ones_are_as_declared_or_refused(
    wanted: list[Route], there: list[Route]
) -> None:
    state = known(there)
    made = plan(desired(wanted), state, PlanChoices())
    result = {one.route.name: one.route for one in after(state, made).routes}
    refused = {name for name, _ in pairs(wanted, there)}
    expected = {route.name: route for route in there}
    expected |= {route.name: route for route in wanted if route.name not in refused}
    assert result == expected
    assert list(made.unmanaged) == [route.name for route in there if route.name not in {one.name for one in wanted}]
    assert len(made.refusals) == len(refused)
    assert made.unchanged == sum(route in there for route in wanted)


@given(tables(), tables(), st.booleans())
def test_the_second_plan_is_empty_and_refuses_what_the_first_one_does(
    wanted: list[Route], there: list[Route], prune: bool
) -> None:
    choices = PlanChoices(prune=prune, max_deletes=1000)
    state = known(there)
    first = plan(desired(wanted), state, choices)
    second = plan(desired(wanted), after(state, first), choices)
    assert (second.changes, second.refusals) == ((), first.refusals)


@given(tables(), tables())
def test_the_plan_is_what_a_naive_comparison_by_name_and_fields_gives(wanted: list[Route], there: list[Route]) -> None:
    made = plan(desired(wanted), known(there), PRUNE_ALL)
    old = {route.name: route for route in there}
    new = {route.name: route for route in wanted}
    refused, twins = ({pair[side] for pair in pairs(wanted, there)} for side in (0, 1))
    assert names(made.changes) == [
        *(f"update {route.name}" for route in wanted if route.name in old and old[route.name] != route),
        *(f"add {route.name}" for route in wanted if route.name not in {*old, *refused}),
        *(f"delete {route.name}" for route in reversed(there) if route.name not in {*new, *twins}),
    ]


@given(tables(), tables(), st.randoms(use_true_random=False))
def test_the_order_of_keys_in_the_file_changes_nothing(wanted: list[Route], there: list[Route], random: Random) -> None:
    def text(shuffle: bool) -> bytes:
        entries = []
        for route in wanted:
            keys = [
                f"name: {quoted(route.name)}",
                f"matchpattern: {quoted(route.matchpattern)}",
                f"trunks: [{', '.join(map(quoted, route.trunks))}]",
                f"prefix: {quoted(route.prefix)}",
                f"prepend: {quoted(route.prepend)}",
                f"callerid: {quoted(route.callerid)}",
            ]
            if shuffle:
                random.shuffle(keys)
            entries.append(f"  - {{{', '.join(keys)}}}\n")
        return ("routes:\n" + "".join(entries) if entries else "routes: []\n").encode()

    plans = []
    for shuffle in (False, True):
        declared = check(parse(text(shuffle), "f.yaml")).desired
        assert declared is not None
        plans.append(plan(declared, known(there), PRUNE_ALL))
    assert plans[0] == plans[1]


@given(routes(), routes())
def test_the_fields_of_a_change_are_those_that_differ_with_both_values(before: Route, new: Route) -> None:
    expected = [
        (one.name, getattr(before, one.name), getattr(new, one.name))
        for one in fields(Route)
        if getattr(before, one.name) != getattr(new, one.name)
    ]
    found = [(one.field, one.before, one.after) for one in changed_fields(before, new)]
    assert sorted(found) == sorted(expected)


def test_the_order_of_trunks_is_a_change() -> None:
    made = plan(desired([replace(B, trunks=("t2", "t1"))]), known([B]), PlanChoices())
    (change,) = made.changes
    assert [(one.field, one.before, one.after) for one in change.fields] == [("trunks", ("t1", "t2"), ("t2", "t1"))]
    assert change.id == "1"


def test_updates_run_first_then_adds_in_file_order_then_deletes_from_the_last_route_of_the_pbx_up() -> None:
    made = plan(
        desired([C, replace(B, prefix=""), A]), known([Route("z", "1", ("t",)), B, Route("y", "1", ("t",))]), PRUNE_ALL
    )
    assert names(made.changes) == ["update b", "add c", "add a", "delete y", "delete z"]


def test_a_renamed_route_is_an_update_of_the_old_one_that_keeps_id_and_position() -> None:
    state = known([A, B, C])
    made = plan(desired([A, replace(B, name="new"), C], {"new": "b"}), state, PRUNE_ALL)
    (change,) = made.changes
    assert (change.action, change.id, change.name) == (Action.UPDATE, "2", "new")
    assert [one.field for one in change.fields] == ["name"]
    assert [one.route.name for one in after(state, made).routes] == ["a", "new", "c"]
    assert made.unmanaged == ()


def test_a_rename_that_is_done_changes_nothing_more() -> None:
    made = plan(desired([replace(B, name="new")], {"new": "b"}), known([replace(B, name="new")]), PRUNE_ALL)
    assert (made.changes, made.warnings) == ((), ())


def test_a_rename_whose_old_and_new_names_are_both_known_leaves_the_old_one_alone_and_warns() -> None:
    made = plan(desired([replace(B, name="new")], {"new": "b"}), known([B, replace(B, name="new")]), PlanChoices())
    assert (made.changes, made.unmanaged) == ((), ("b",))
    assert [warning.rule for warning in made.warnings] == ["rename-done"]


def test_a_rename_from_a_name_that_is_on_the_pbx_twice_neither_updates_nor_adds_and_is_a_failure() -> None:
    made = plan(desired([replace(B, name="new")], {"new": "b"}), known([B, B]), PRUNE_ALL)
    assert (made.changes, made.blocked, made.unmanaged, made.warnings) == ((), ("new",), (), ())
    assert said(made.failures) == [
        "doubled-on-pbx: the PBX has 2 routes called b, so none of them is changed, nor is new; delete or rename all "
        "but one on the PBX"
    ]


@pytest.mark.parametrize("declared", [[A], [B]], ids=["not declared", "declared"])
def test_two_known_routes_of_one_name_are_left_alone_a_failure_where_the_file_declares_them_and_else_a_warning(
    declared: list[Route],
) -> None:
    made = plan(desired(declared), known([replace(B, prefix="1"), A, B]), PRUNE_ALL)
    assert [change for change in made.changes if change.name == "b"] == []
    assert list(made.blocked) == [route.name for route in declared if route == B]
    message = (
        "doubled-on-pbx: the PBX has 2 routes called b, so none of them is changed; delete or rename all but one on "
        "the PBX"
    )
    assert (said(made.warnings), said(made.failures)) == (([message], []) if declared == [A] else ([], [message]))
    assert made.refusals == ()


@pytest.mark.parametrize("name", ["all", "ALL", "x,y", " x", "x ", "", "x\n", "x\x07"])
def test_prune_never_deletes_a_name_that_the_api_could_take_for_others(name: str) -> None:
    made = plan(desired([]), known([A, replace(B, name=name)]), PRUNE_ALL)
    assert names(made.changes) == ["delete a"]
    assert made.unmanaged == (name,)
    assert [warning.rule for warning in made.warnings] == ["cannot-delete"]


def test_prune_never_deletes_a_name_that_differs_from_another_only_in_case() -> None:
    made = plan(desired([A]), known([A, replace(B, name="A"), C]), PRUNE_ALL)
    assert names(made.changes) == ["delete c"]
    assert [warning.rule for warning in made.warnings] == ["cannot-delete"]


def test_more_deletions_than_allowed_are_refused_with_the_names_and_the_way_out() -> None:
    state = known([replace(A, name=f"old-{number}") for number in range(11)])
    with pytest.raises(PlanRefused) as refused:
        plan(desired([]), state, PlanChoices(prune=True))
    assert "11 routes" in str(refused.value)
    assert "old-0, old-1" in str(refused.value)
    assert "--max-deletes 11" in str(refused.value)
    assert len(plan(desired([]), state, PlanChoices(prune=True, max_deletes=11)).changes) == 11


def test_the_limit_counts_deletions_also_at_a_small_site() -> None:
    with pytest.raises(PlanRefused):
        plan(desired([]), known([A]), PlanChoices(prune=True, max_deletes=0))


def test_add_only_adds_and_lists_the_updates_as_skipped() -> None:
    wanted = [replace(A, prefix="7"), replace(B, name="new"), C]
    made = plan(desired(wanted, {"new": "b"}), known([A, B]), PlanChoices(add_only=True))
    assert names(made.changes) == ["add c"]
    assert names(made.skipped) == ["update a", "update new"]


def test_what_an_earlier_run_left_in_doubt_is_told_of_with_the_command_that_settles_it() -> None:
    odd = replace(A, name="-x; reboot")
    doubts = (Doubt(Change(Action.ADD, None, odd), "reset"), Doubt(Change(Action.DELETE, C, None, id="9"), "reset"))
    state = KnownState("https://192.0.2.10", (KnownRoute(C, "9"),), "hq.json", doubts)
    made = plan(desired([A, B]), state, PRUNE_ALL)
    assert made.in_doubt == doubts
    assert [warning.rule for warning in made.warnings] == ["in-doubt", "in-doubt"]
    assert "pbxsync resolve --state hq.json --applied -- '-x; reboot' (or" in made.warnings[0].message


def test_deepdiff_is_not_even_loaded_where_no_route_differs() -> None:
    program = """
import sys
from pbxsync.differ import plan
from pbxsync.model import PlanChoices, Route
from tests import reordering
from tests.strategies import desired, known
table = [Route(f"r{number}", "X.", ("t",)) for number in range(1000)]
assert plan(desired(table), known(table), PlanChoices()).unchanged == 1000
assert "deepdiff" not in sys.modules
plan(desired([Route("r1", "N.", ("t",))]), known(table), PlanChoices())
assert "deepdiff" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


# --- moves ----------------------------------------------------------------------------------------------------------

REORDER = PlanChoices(reorder=True)
BRANCH = Route("branch", "7XXX", ("to-branch",))
WORLD = Route("world", "X.", ("intl",), prefix="9011")
REST = Route("rest", "X.", ("out",))
HALF_DONE = "an earlier run was interrupted while it moved routes: the PBX still holds "


def copy(route: Route, more: str = "") -> Route:
    """The copy of a route that a reorder makes; with ``more`` one that an earlier version made."""
    return replace(route, name=f"{route.name}~pbxsync{more}")


def moved(made: Plan) -> list[str]:
    return [change.name for change in made.changes if change.action is Action.MOVE]


def warnings(made: Plan, rule: str) -> list[str]:
    return [warning.message for warning in made.warnings if warning.rule == rule]


def rules(made: Plan) -> list[str]:
    return [warning.rule for warning in made.warnings]


def test_a_move_adds_a_copy_deletes_the_route_by_its_id_and_place_and_renames_the_copy() -> None:
    made = plan(desired([BRANCH, REST]), known([WORLD, REST, BRANCH]), REORDER)
    here = Location("routes.yaml", 2, 5)
    renamed = FieldChange("name", "rest~pbxsync", "rest")
    behind = Behind("branch", ("7XXX",), (), (), NumberWords(("7XXX",)))
    (change,) = made.changes
    assert change == Change(
        Action.MOVE,
        REST,
        REST,
        id="2",
        location=here,
        move=Move(
            Change(Action.ADD, None, copy(REST), location=here),
            (Change(Action.DELETE, REST, None, id="2"),),
            Change(Action.UPDATE, copy(REST), REST, (renamed,), location=here),
            (behind,),
        ),
    )
    assert change.move is not None
    assert (change.place, [removal.place for removal in change.move.removals]) == (1, [1])
    assert (made.unchanged, made.unmanaged, made.warnings) == (1, ("world",), ())


def test_of_many_routes_that_one_must_come_behind_the_first_are_told_and_the_others_counted() -> None:
    many = [Route(f"branch-{n}", f"7{n:02}", ("t",)) for n in range(23)]
    *_, change = plan(desired([*many, REST]), known([REST]), REORDER).changes
    assert change.move is not None
    assert [one.route for one in change.move.behind] == [route.name for route in many[:20]]
    assert change.move.others == 3


def test_only_with_reorder_is_anything_moved() -> None:
    assert plan(desired([BRANCH, REST]), known([REST, BRANCH]), PlanChoices()).changes == ()
    assert names(plan(desired([BRANCH, REST]), known([REST]), PlanChoices()).changes) == ["add branch"]


def test_moves_are_among_the_adds_in_the_order_of_the_file_after_the_updates_and_before_the_deletes() -> None:
    new = Route("new", "[2-7]XXX", ("n",))
    wanted = [BRANCH, REST, replace(WORLD, matchpattern="N."), Route("last", "X.", ("l",)), new]
    made = plan(desired(wanted), known([C, REST, WORLD]), PlanChoices(reorder=True, prune=True))
    assert names(made.changes) == [
        "update world",
        "add branch",
        "move rest",
        "move world",
        "add last",
        "add new",
        "delete c",
    ]


def test_a_route_that_is_updated_and_moved_is_updated_in_place_first_and_moved_as_it_is_then() -> None:
    new = replace(REST, trunks=("other",))
    made = plan(desired([BRANCH, new]), known([REST]), REORDER)
    assert names(made.changes) == ["update rest", "add branch", "move rest"]
    update, _, move = made.changes
    assert (update.before, update.after, update.id, update.place) == (REST, new, "1", 0)
    assert (move.before, move.after) == (new, new)
    assert move.move is not None
    assert move.move.removals == (Change(Action.DELETE, new, None, id="1"),)
    assert move.move.copy is not None
    assert move.move.copy.after == copy(new)


def test_where_a_route_is_wrongly_placed_only_as_it_is_now_and_not_as_declared_it_is_not_moved() -> None:
    made = plan(desired([BRANCH, replace(REST, matchpattern="8X.")]), known([REST, BRANCH]), REORDER)
    assert names(made.changes) == ["update rest"]


def test_a_renamed_route_is_renamed_in_place_and_then_moved_under_its_new_name() -> None:
    made = plan(desired([BRANCH, replace(REST, name="new")], {"new": "rest"}), known([REST]), REORDER)
    assert names(made.changes) == ["update new", "add branch", "move new"]
    move = made.changes[-1].move
    assert move is not None
    assert [removal.name for removal in move.removals] == ["new"]
    assert move.copy is not None
    assert move.copy.name == "new~pbxsync"


def test_add_only_lists_the_moves_that_complete_a_reorder_as_skipped_and_begins_none() -> None:
    choices = PlanChoices(add_only=True)
    last = Route("last", "X.", ("last",))
    made = plan(desired([BRANCH, REST, last]), known([REST, BRANCH, copy(REST)]), choices)
    assert (names(made.changes), names(made.skipped)) == (["add last"], ["move rest"])
    assert warnings(made, "half-done-reorder") == [f"{HALF_DONE}rest~pbxsync; run without --add-only to clear that up"]
    assert plan(desired([BRANCH, REST]), known([REST]), PlanChoices(add_only=True, reorder=True)).skipped == ()


# --- what an interrupted reorder left ---


def test_a_copy_in_the_right_place_is_kept_and_the_route_deleted_also_without_reorder() -> None:
    made = plan(desired([BRANCH, REST]), known([REST, BRANCH, copy(REST)]), PlanChoices())
    (change,) = made.changes
    assert (change.action, change.name, change.id, change.place) == (Action.MOVE, "rest", "3", 2)
    move = change.move
    assert move is not None
    assert move.copy is None
    assert [(removal.name, removal.id, removal.place) for removal in move.removals] == [("rest", "1", 0)]
    assert move.rename is not None
    assert (move.rename.before, move.rename.after, move.rename.id) == (copy(REST), REST, "3")
    assert [behind.route for behind in move.behind] == ["branch"]
    assert made.unmanaged == ()
    assert warnings(made, "half-done-reorder") == [f"{HALF_DONE}rest~pbxsync; this plan clears that up"]


def test_where_a_copy_is_left_all_that_must_move_moves_also_without_reorder() -> None:
    long = Route("long", "9X.", ("l",))
    state = known([long, REST, BRANCH, WORLD, copy(REST)])
    file = desired([BRANCH, WORLD, REST, long])
    made = plan(file, state, PlanChoices())
    assert moved(made) == ["rest", "long"]
    clears = f"{HALF_DONE}rest~pbxsync; this plan clears that up"
    assert warnings(made, "half-done-reorder") == [
        f"{clears}, and brings the rest of the order to the PBX too, as with --reorder"
    ]
    assert warnings(plan(file, state, REORDER), "half-done-reorder") == [clears]


def test_a_copy_whose_route_is_gone_already_is_renamed_where_it_is() -> None:
    made = plan(desired([BRANCH, REST]), known([BRANCH, copy(REST)]), PlanChoices())
    (change,) = made.changes
    rename = Change(
        Action.UPDATE, copy(REST), REST, (FieldChange("name", "rest~pbxsync", "rest"),), "2", change.location
    )
    assert (change.action, change.id, change.move) == (Action.MOVE, "2", Move(None, (), rename))
    assert rules(made) == ["half-done-reorder"]


@pytest.mark.parametrize("choices", [PlanChoices(), REORDER])
def test_a_copy_whose_route_is_gone_already_and_that_is_too_high_is_renamed_alone_and_moved_by_the_next_run(
    choices: PlanChoices,
) -> None:
    long = Route("long", "9X.", ("l",))
    file = desired([BRANCH, WORLD, long, REST])
    state = known([long, copy(REST), WORLD, BRANCH])
    made = plan(file, state, choices)
    (change,) = made.changes
    assert change.move is not None
    assert (change.name, change.move.copy, change.move.removals) == ("rest", None, ())
    assert change.move.rename is not None
    assert (change.move.rename.before, change.move.rename.after, change.move.rename.id) == (copy(REST), REST, "2")
    assert warnings(made, "cannot-move") == [
        "rest must come after branch, world, long, and the PBX has nothing of it but a copy, rest~pbxsync. This plan "
        "gives that its name, and moves nothing else; run again to move it"
    ]
    assert warnings(made, "half-done-reorder") == [f"{HALF_DONE}rest~pbxsync; this plan clears that up"]
    assert moved(plan(file, reordering.after(state, made), REORDER)) == ["long", "rest"]


def test_a_copy_that_is_no_longer_needed_is_deleted() -> None:
    made = plan(desired([BRANCH, REST]), known([BRANCH, REST, copy(REST)]), PlanChoices())
    (change,) = made.changes
    assert change.move == Move(None, (Change(Action.DELETE, copy(REST), None, id="3"),), None)


def test_a_route_below_its_copy_is_the_one_that_is_kept_where_the_copy_is_too_high() -> None:
    made = plan(desired([BRANCH, REST]), known([copy(REST), BRANCH, REST]), PlanChoices())
    (change,) = made.changes
    move = change.move
    assert move is not None
    assert (change.id, move.copy, [one.name for one in move.removals], move.rename) == (
        "3",
        None,
        ["rest~pbxsync"],
        None,
    )


#: What the PBX holds where a copy did not go to the end: on top of all, or sorted by name.
WRONG = [
    [copy(REST), REST, BRANCH, WORLD],
    [REST, copy(REST), BRANCH, WORLD],
    [BRANCH, REST, copy(REST), WORLD],
    [REST, copy(REST), copy(REST, "~pbxsync"), BRANCH, WORLD],
]


@pytest.mark.parametrize("held", WRONG)
@pytest.mark.parametrize("choices", [PlanChoices(), REORDER, PlanChoices(reorder=True, prune=True)])
def test_where_a_copy_is_too_high_no_other_is_made_and_nothing_is_moved(
    held: list[Route], choices: PlanChoices
) -> None:
    made = plan(desired([BRANCH, WORLD, REST]), known(held), choices)
    assert (made.changes, made.unchanged, made.unmanaged) == ((), 3, ())
    (message,) = warnings(made, "cannot-move")
    copies = ", ".join(route.name for route in held if is_copy(route.name))
    assert message.endswith(
        f" and is half moved ({copies} is on the PBX), and can't be moved, so that nothing is moved: an earlier run "
        f"made {copies}, which is not where this file needs it, and no other copy is made; delete {copies} on the PBX. "
        "If the PBX puts new routes at the end of its list, run again to move rest; if not, move it in the web page"
    )
    assert rules(made) == ["cannot-move"]


@pytest.mark.parametrize("held", WRONG)
def test_a_copy_that_is_too_high_is_left_where_it_is_and_updated_as_its_route_is(held: list[Route]) -> None:
    new, wanted = Route("new", "6X", ("n",)), replace(REST, prepend="0")
    made = plan(desired([BRANCH, new, replace(WORLD, prepend="1"), wanted]), known([*held, C]), PRUNE_MOVING)
    half_moved = [(Action.UPDATE, route.name) for route in held if original(route.name) == "rest"]
    assert [(change.action, change.before and change.before.name) for change in made.changes] == [
        (Action.UPDATE, "world"),
        *half_moved,
        (Action.ADD, None),
        (Action.DELETE, "c"),
    ]


def test_a_copy_in_the_right_place_of_another_route_is_not_said_to_be_wrong() -> None:
    held = [REST, copy(REST), WIDE, BRANCH, SPECIAL, copy(WIDE)]
    made = plan(desired([BRANCH, SPECIAL, WIDE, REST]), known(held), REORDER)
    assert made.changes == ()
    (message,) = warnings(made, "cannot-move")
    assert message.startswith("rest must come after branch, special, wide and is half moved (rest~pbxsync")
    assert warnings(made, "half-done-reorder") == [
        f"{HALF_DONE}wide~pbxsync; nothing is done about wide~pbxsync as long as a route that must be moved can't be"
    ]


def test_a_copy_that_is_kept_is_brought_to_what_the_file_says_and_renamed_once_its_name_is_free() -> None:
    new = replace(REST, trunks=("other",))
    made = plan(desired([BRANCH, new]), known([REST, BRANCH, copy(REST)]), PlanChoices())
    update, move = made.changes
    assert (update.before, update.after, update.id) == (copy(REST), copy(new), "3")
    assert (move.before, move.after) == (new, new)
    assert move.move is not None
    assert [removal.before for removal in move.move.removals] == [REST]
    assert move.move.rename is not None
    assert (move.move.rename.before, move.move.rename.after) == (copy(new), new)


def test_the_copies_of_a_route_that_was_renamed_in_the_file_meanwhile_are_its_own_and_renamed_last() -> None:
    wanted = desired([BRANCH, replace(REST, name="new")], {"new": "rest"})
    (change,) = plan(wanted, known([REST, BRANCH, copy(REST)]), PlanChoices()).changes
    assert (change.name, change.id, change.move and change.move.copy) == ("new", "3", None)
    assert change.move is not None
    assert [one.name for one in change.move.removals] == ["rest"]
    assert change.move.rename is not None
    assert (change.move.rename.before, change.move.rename.name) == (copy(REST), "new")
    (change,) = plan(wanted, known([copy(REST), BRANCH]), REORDER).changes
    assert change.move is not None
    assert (change.name, change.move.copy, change.move.removals) == ("new", None, ())
    assert change.move.rename is not None
    assert (change.move.rename.before, change.move.rename.name) == (copy(REST), "new")


LONG = replace(REST, name="the-rest-of-the-world-and-of-the-country")


def test_a_copy_s_name_is_cut_so_that_it_fits_and_is_known_again() -> None:
    short = replace(LONG, name="the-rest-of-the-world-and-of-the~pbxsync")
    made = plan(desired([BRANCH, LONG]), known([LONG, BRANCH]), REORDER)
    move = made.changes[0].move
    assert move is not None
    assert (move.copy and move.copy.after, [removal.name for removal in move.removals]) == (short, [LONG.name])
    for held in ([LONG, BRANCH, short], [BRANCH, short], [BRANCH, copy(LONG)]):
        again = plan(desired([BRANCH, LONG]), known(held), PlanChoices())
        assert (names(again.changes), again.unmanaged) == ([f"move {LONG.name}"], ())
        assert rules(again) == ["half-done-reorder"]
        done = reordering.after(known(held), again)
        assert [known_route.route for known_route in done.routes] == [BRANCH, LONG]


@pytest.mark.parametrize("ending", ["-2", "-\u00e9", " at night"])
def test_routes_whose_copies_would_have_one_name_are_not_moved(ending: str) -> None:
    other = replace(BRANCH, name=LONG.name[:34] + ending)
    for file, held in (([BRANCH, other, LONG], [LONG, BRANCH, other]), ([BRANCH, LONG], [LONG, BRANCH, other])):
        made = plan(desired(file), known(held), REORDER)
        assert made.changes == ()
        (message,) = warnings(made, "cannot-move")
        assert (
            f"its copy would be called the-rest-of-the-world-and-of-the~pbxsync, for lack of room, and so would that "
            f"of {other.name}; "
        ) in message


def test_a_copy_that_may_be_of_two_routes_is_neither_s_and_is_said_to_be_left() -> None:
    other = replace(BRANCH, name=LONG.name[:34] + "-2")
    short = replace(LONG, name="the-rest-of-the-world-and-of-the~pbxsync")
    made = plan(desired([BRANCH, other, LONG]), known([LONG, BRANCH, other, short]), REORDER)
    assert (made.changes, made.unmanaged) == ((), (short.name,))
    assert warnings(made, "half-done-reorder") == [
        f"{short.name} is left of a reorder that was interrupted, and may be a copy of {other.name}, {LONG.name}: it "
        "is left alone; rename it in the PBX's web page, or delete it, as --prune does"
    ]
    gone = plan(desired([BRANCH, other, LONG]), known([BRANCH, other, short]), PRUNE_MOVING)
    assert gone.changes == ()
    assert said(gone.refusals) == [
        f"same-fields: {LONG.name} is not added, and {short.name} is left as it is: the PBX has {short.name} with the "
        "same fields, and the file does not declare it. It is a copy that pbxsync made to move a route: rename or "
        f"delete {short.name} in the PBX's web page"
    ]


def test_of_two_copies_whose_names_a_pbx_may_take_for_one_none_is_made() -> None:
    other = replace(BRANCH, name="The-Rest-of-the-world-and-of-the-2")
    made = plan(desired([BRANCH, other, LONG]), known([LONG, BRANCH, other]), REORDER)
    assert made.changes == ()
    (message,) = warnings(made, "cannot-move")
    assert "for lack of room, and so would that of The-Rest-" in message


@pytest.mark.parametrize("prune", [False, True])
def test_a_copy_of_a_route_that_no_file_declares_stays_and_is_told_of_unless_it_is_pruned(prune: bool) -> None:
    made = plan(desired([BRANCH]), known([BRANCH, copy(REST)]), PlanChoices(prune=prune))
    assert names(made.changes) == (["delete rest~pbxsync"] if prune else [])
    assert made.unmanaged == (() if prune else ("rest~pbxsync",))
    assert warnings(made, "half-done-reorder") == (
        []
        if prune
        else [
            "rest~pbxsync is left of a reorder that was interrupted, and the file declares no rest: it is left alone; "
            "declare rest to complete the move, or delete it, as --prune does"
        ]
    )


def test_what_is_called_as_a_copy_of_nothing_is_a_route_like_any_other() -> None:
    made = plan(desired([BRANCH]), known([replace(REST, name="~pbxsync"), BRANCH]), REORDER)
    assert (made.changes, made.unmanaged, made.warnings) == ((), ("~pbxsync",), ())


@pytest.mark.parametrize("held", [[REST, copy(REST), copy(REST), BRANCH], [REST, REST, copy(REST), BRANCH]])
def test_where_a_route_or_its_copy_is_there_twice_neither_is_changed(held: list[Route]) -> None:
    made = plan(desired([BRANCH, REST]), known(held), PlanChoices(reorder=True, prune=True))
    assert (made.changes, made.blocked, made.unmanaged) == ((), ("rest",), ())
    (message,) = said(made.failures)
    assert message.startswith("doubled-on-pbx: ")
    assert ("so none of them is changed, nor is rest; delete" in message) == (held[0] != held[1])
    assert rules(made) == ["cannot-move"]


def test_nothing_is_moved_on_account_of_a_route_that_is_there_twice() -> None:
    assert plan(desired([BRANCH, REST]), known([REST, BRANCH, BRANCH]), REORDER).changes == ()


#: Names on a PBX, some of them alike: of routes and of copies, of what a file declares and of others.
ALIKE = st.sampled_from(
    ["a", "a", "A", " a", "b", "c", "d", *(f"{name}~pbxsync" for name in "aabcA"), "a~pbxsync~pbxsync"]
)
TEXTS = st.sampled_from(["X.", "1X", "[1-3]X.", "."])


@st.composite
def muddles(draw: st.DrawFn) -> tuple[Desired, KnownState]:
    """A file, and a PBX that holds its routes, their copies and others in whatever order, some of them twice."""
    wanted = draw(
        st.lists(
            st.builds(Route, st.sampled_from("aAbd"), TEXTS, st.sampled_from([("t",), ("u",)])), min_size=2, max_size=4
        )
    )
    wanted = list({route.name: route for route in wanted}.values())
    by_name = {route.name: route for route in wanted}
    held = []
    unique = draw(st.sampled_from([True, True, True, False]))
    for name in draw(st.lists(ALIKE, max_size=6, unique=unique)):
        same = by_name.get(original(name), REST)
        held.append(replace(same if draw(st.booleans()) else REST, name=name, matchpattern=same.matchpattern))
    former = {route.name: "c" for route in wanted[: draw(st.integers(0, 1))]}
    return desired(wanted, former), known(held)


MOVING = st.sampled_from([REORDER, PlanChoices(), PRUNE_MOVING])


@given(muddles(), MOVING)
def test_each_step_finds_its_own_route_alone_and_makes_no_name_that_a_pbx_may_take_for_another(
    muddle: tuple[Desired, KnownState], choices: PlanChoices
) -> None:
    file, state = muddle
    routes = state.routes
    made = plan(file, state, choices)
    for step in steps(made) if not made.refusals else ():
        before, after = step.change.before, step.change.after
        if after is None:
            assert [one.route for one in routes if may_be_equal(one.route.name, step.change.name)] == [before]
        elif before is not None:
            assert [one.route for one in routes if one.route.name == before.name] == [before]
        if after is not None and (before is None or before.name != after.name):
            assert [one for one in routes if may_be_equal(one.route.name, after.name) and one.route != before] == []
        routes = with_changes(routes, [step.change])
        assert len(routes) == len(set(routes))


@given(muddles(), MOVING)
def test_what_a_plan_does_not_complain_of_is_as_the_file_says_after_it_and_leaves_nothing_to_do(
    muddle: tuple[Desired, KnownState], choices: PlanChoices
) -> None:
    file, state = muddle
    made = plan(file, state, choices)
    if made.refusals or made.failures or {"cannot-move", "cannot-delete", "doubled-on-pbx"} & set(rules(made)):
        return
    done = reordering.after(state, made)
    held = {one.route.name: one.route for one in done.routes}
    assert all(held[one.route.name] == one.route for one in file.routes)
    own = {one.route.name for one in file.routes}
    assert not [name for name in held if is_copy(name) and original(name) in own]
    again = plan(file, done, choices)
    assert (again.changes, again.refusals, again.failures) == ((), (), ())


@given(muddles(), MOVING)
def test_no_copy_is_made_of_a_route_of_which_there_is_one(
    muddle: tuple[Desired, KnownState], choices: PlanChoices
) -> None:
    file, state = muddle
    there = {original(one.route.name) for one in state.routes if is_copy(one.route.name)}
    former = {one.route.name: one.renamed_from for one in file.routes}
    for step in steps(plan(file, state, choices)):
        if step.change.before is None and is_copy(step.change.name):
            name = original(step.change.name)
            assert not there & {name, former.get(name, name)}


# --- what can't be moved ---

CASE = "a PBX may take REST for the same name, and delete both"
BY_HAND = "; change that on the PBX, or move the route there"
SO_NOTHING = ", and can't be moved, so that nothing is moved: "


@pytest.mark.parametrize("choices", [REORDER, PlanChoices(reorder=True, prune=True)])
def test_a_route_whose_name_differs_only_in_case_from_another_is_not_moved(choices: PlanChoices) -> None:
    made = plan(desired([BRANCH, WORLD, REST]), known([REST, replace(C, name="REST"), BRANCH, WORLD]), choices)
    assert (made.changes, made.unchanged) == ((), 3)
    assert warnings(made, "cannot-move") == [f"rest must come after branch, world{SO_NOTHING}{CASE}{BY_HAND}"]


def test_of_many_routes_that_one_must_come_after_five_are_named_each_once() -> None:
    many = [Route(f"step-{n}", f"{n}XX", ("s",)) for n in range(7)]
    # Of step-1 it takes two sets of callers to say which calls are meant.
    only = Route("only", "11X", ("out",), callerid="20X")
    held = [REST, *many, only, replace(C, name="REST")]
    (message,) = warnings(plan(desired([only, *many, REST]), known(held), REORDER), "cannot-move")
    assert message.startswith(
        "rest must come after step-0, step-1, step-2, step-3, step-4, and 2 more, and can't be moved, so"
    )


def test_a_route_of_such_a_name_that_need_not_move_is_not_warned_of() -> None:
    made = plan(desired([BRANCH, REST]), known([BRANCH, REST, replace(C, name="REST")]), REORDER)
    assert (made.changes, made.warnings) == ((), ())


@pytest.mark.parametrize("name", ["REST~pbxsync", "rest~PBXSYNC", "r\u00e9st~pbxsync", "rest~pbxsync "])
def test_a_route_whose_copy_may_be_taken_for_another_route_is_not_moved(name: str) -> None:
    made = plan(desired([BRANCH, REST]), known([REST, BRANCH, replace(C, name=name)]), REORDER)
    assert made.changes == ()
    why = f"its copy would be called rest~pbxsync, and a PBX may take {name} for the same name"
    assert warnings(made, "cannot-move") == [f"rest must come after branch{SO_NOTHING}{why}{BY_HAND}"]


def test_a_half_moved_route_of_such_a_name_keeps_its_copies_and_it_is_said() -> None:
    made = plan(desired([BRANCH, REST]), known([BRANCH, REST, copy(REST), replace(C, name="REST")]), REORDER)
    assert (made.changes, made.unmanaged) == ((), ("REST",))
    assert warnings(made, "cannot-move") == [
        f"rest is half moved (rest~pbxsync is on the PBX), and can't be moved: {CASE}{BY_HAND}"
    ]
    assert rules(made) == ["cannot-move"]


def test_a_half_moved_route_of_such_a_name_that_must_move_is_warned_of_once_with_both_reasons() -> None:
    made = plan(desired([BRANCH, REST]), known([REST, copy(REST), BRANCH, replace(C, name="REST")]), REORDER)
    assert made.changes == ()
    assert warnings(made, "cannot-move") == [
        f"rest must come after branch and is half moved (rest~pbxsync is on the PBX){SO_NOTHING}{CASE}{BY_HAND}"
    ]


def test_a_route_that_is_on_the_pbx_under_a_name_that_the_api_could_take_for_others_is_not_moved() -> None:
    made = plan(desired([BRANCH, REST], {"rest": "a,b"}), known([replace(REST, name="a,b"), BRANCH]), REORDER)
    assert names(made.changes) == ["update rest"]
    (message,) = warnings(made, "cannot-move")
    assert message == (
        f"rest must come after branch{SO_NOTHING}it holds a comma, which separates names for the PBX{BY_HAND}"
    )


SPECIAL, WIDE = Route("special", "61X", ("s",)), Route("wide", "6X.", ("w",))


def test_where_one_route_must_move_and_cannot_no_other_is_moved_and_what_is_updated_is() -> None:
    wanted = desired([BRANCH, SPECIAL, replace(WIDE, prepend="0"), REST])
    made = plan(wanted, known([REST, replace(C, name="REST"), WIDE, SPECIAL]), REORDER)
    assert names(made.changes) == ["update wide", "add branch"]
    assert rules(made) == ["cannot-move"]
    made = plan(wanted, known([REST, C, WIDE, SPECIAL]), REORDER)
    assert names(made.changes) == ["update wide", "add branch", "move wide", "move rest"]


def test_where_one_route_must_move_and_cannot_copies_of_others_are_left_and_updated() -> None:
    wanted = desired([BRANCH, SPECIAL, replace(WIDE, prepend="0"), REST])
    held = [REST, replace(C, name="REST"), WIDE, SPECIAL, BRANCH, copy(WIDE)]
    made = plan(wanted, known(held), REORDER)
    assert [(change.action, change.name, change.id) for change in made.changes] == [
        (Action.UPDATE, "wide", "3"),
        (Action.UPDATE, "wide~pbxsync", "6"),
    ]
    assert warnings(made, "half-done-reorder") == [
        f"{HALF_DONE}wide~pbxsync; nothing is done about wide~pbxsync as long as a route that must be moved can't be"
    ]


def test_a_route_that_is_there_twice_and_must_move_keeps_all_others_from_moving() -> None:
    made = plan(desired([BRANCH, SPECIAL, WIDE, REST]), known([REST, REST, WIDE, SPECIAL, BRANCH]), REORDER)
    assert (made.changes, made.blocked) == ((), ("rest",))
    assert warnings(made, "cannot-move") == [
        f"rest must come after branch, special, wide{SO_NOTHING}the PBX has several routes of one of its names{BY_HAND}"
    ]


def test_a_route_that_is_half_moved_for_good_in_its_right_place_keeps_no_other_from_moving() -> None:
    held = [BRANCH, copy(BRANCH), replace(C, name="BRANCH"), WIDE, SPECIAL]
    made = plan(desired([BRANCH, SPECIAL, WIDE]), known(held), REORDER)
    assert names(made.changes) == ["move wide"]
    assert warnings(made, "cannot-move") == [
        "branch is half moved (branch~pbxsync is on the PBX), and can't be moved: a PBX may take BRANCH for the same "
        f"name, and delete both{BY_HAND}"
    ]


def test_a_route_that_is_half_moved_and_there_twice_is_said_to_be_doubled_alone() -> None:
    held = [BRANCH, REST, REST, copy(REST), replace(C, name="REST")]
    made = plan(desired([BRANCH, REST]), known(held), REORDER)
    assert (rules(made), [failure.rule for failure in made.failures]) == ([], ["doubled-on-pbx"])


# --- firmware that only adds ---


def recorded(*held: KnownRoute) -> KnownState:
    return KnownState("https://192.0.2.10", held, "a b.json")


def test_moves_by_a_state_file_without_any_id_are_refused_with_the_ways_out() -> None:
    state = recorded(KnownRoute(REST), KnownRoute(WORLD))
    with pytest.raises(PlanRefused) as refused:
        plan(desired([BRANCH, WORLD, REST]), state, REORDER)
    assert str(refused.value) == (
        "routes.yaml: to bring the order to the PBX, rest must be moved, and that takes outroute/query, "
        "outroute/update and outroute/delete; a b.json holds no id of a route, as on firmware that knows outroute/add "
        "alone. If this PBX knows them, run: pbxsync refresh --state 'a b.json'. If not, move the routes on the PBX by "
        "hand, and plan without --reorder"
    )
    assert names(plan(desired([BRANCH, WORLD, REST]), state, PlanChoices()).changes) == ["add branch"]
    assert names(plan(desired([WORLD, BRANCH]), state, REORDER).changes) == ["add branch"]


def test_moves_that_complete_a_reorder_by_such_a_file_are_refused_too() -> None:
    with pytest.raises(PlanRefused) as refused:
        plan(desired([BRANCH, REST]), recorded(*map(KnownRoute, [REST, BRANCH, copy(REST)])), PlanChoices())
    assert str(refused.value).endswith("If not, move the routes on the PBX by hand")


def test_one_id_in_the_state_file_shows_that_the_pbx_can_be_asked() -> None:
    state = recorded(KnownRoute(REST), KnownRoute(WORLD, "7"))
    assert moved(plan(desired([BRANCH, WORLD, REST]), state, REORDER)) == ["rest"]
