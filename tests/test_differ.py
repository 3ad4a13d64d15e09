"""Desired and known → plan: the laws, against a naive reference, and each rule on an example."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxsync.changes import changed_fields
from pbxsync.differ import plan
from pbxsync.document import parse
from pbxsync.errors import PlanRefused
from pbxsync.known_state import with_changes
from pbxsync.model import Action, Change, Doubt, KnownRoute, KnownState, Plan, PlanChoices, Route
from pbxsync.quoting import quoted
from pbxsync.validator import check
from tests.strategies import desired, known, routes, tables

if TYPE_CHECKING:
    from random import Random

PRUNE_ALL = PlanChoices(prune=True, max_deletes=1000)
A = Route("a", "X.", ("t1",))
B = Route("b", "911", ("t1", "t2"), prefix="9")
C = Route("c", "NXX", ("t2",))


def after(state: KnownState, made: Plan) -> KnownState:
    """The known state once the PBX has carried out every change of the plan."""
    return replace(state, routes=with_changes(state.routes, made.changes))


def names(changes: tuple[Change, ...]) -> list[str]:
    return [f"{change.action} {change.name}" for change in changes]


@given(tables())
def test_a_plan_from_a_state_to_itself_is_empty(table: list[Route]) -> None:
    made = plan(desired(table), known(table), PRUNE_ALL)
    assert made.changes == ()
    assert (made.unchanged, made.unmanaged, made.warnings) == (len(table), (), ())


@given(tables(), tables())
def test_a_pruning_plan_applied_to_its_known_state_gives_the_desired_routes(
    wanted: list[Route], there: list[Route]
) -> None:
    state = known(there)
    result = after(state, plan(desired(wanted), state, PRUNE_ALL)).routes
    assert {one.route for one in result} == set(wanted)
    kept = [route.name for route in there if route.name in {one.name for one in wanted}]
    added = [route.name for route in wanted if route.name not in kept]
    assert [one.route.name for one in result] == kept + added


@given(tables(), tables())
def test_without_prune_every_known_route_stays_and_the_declared_ones_are_as_declared(
    wanted: list[Route], there: list[Route]
) -> None:
    state = known(there)
    made = plan(desired(wanted), state, PlanChoices())
    result = {one.route.name: one.route for one in after(state, made).routes}
    expected = {route.name: route for route in there} | {route.name: route for route in wanted}
    assert result == expected
    assert list(made.unmanaged) == [route.name for route in there if route.name not in {one.name for one in wanted}]


@given(tables(), tables(), st.booleans())
def test_the_second_plan_is_empty(wanted: list[Route], there: list[Route], prune: bool) -> None:
    choices = PlanChoices(prune=prune, max_deletes=1000)
    state = known(there)
    once = after(state, plan(desired(wanted), state, choices))
    assert plan(desired(wanted), once, choices).changes == ()


@given(tables(), tables())
def test_the_plan_is_what_a_naive_comparison_by_name_gives(wanted: list[Route], there: list[Route]) -> None:
    made = plan(desired(wanted), known(there), PRUNE_ALL)
    old = {route.name: route for route in there}
    new = {route.name: route for route in wanted}
    assert names(made.changes) == [
        *(f"update {route.name}" for route in wanted if route.name in old and old[route.name] != route),
        *(f"add {route.name}" for route in wanted if route.name not in old),
        *(f"delete {route.name}" for route in reversed(there) if route.name not in new),
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


def test_a_rename_from_a_name_that_stands_twice_on_the_pbx_neither_updates_nor_adds() -> None:
    made = plan(desired([replace(B, name="new")], {"new": "b"}), known([B, B]), PRUNE_ALL)
    assert (made.changes, made.blocked) == ((), ("new",))
    assert [warning.rule for warning in made.warnings] == ["doubled-on-pbx", "doubled-on-pbx"]


@pytest.mark.parametrize("declared", [[A], [B]], ids=["not declared", "declared"])
def test_two_known_routes_of_one_name_are_told_of_and_neither_is_changed(declared: list[Route]) -> None:
    made = plan(desired(declared), known([replace(B, prefix="1"), A, B]), PRUNE_ALL)
    assert [change for change in made.changes if change.name == "b"] == []
    assert list(made.blocked) == [route.name for route in declared if route == B]
    assert [warning.rule for warning in made.warnings] == ["doubled-on-pbx"]
    assert "2 routes called b" in made.warnings[0].message


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


def test_prune_never_deletes_a_name_that_differs_only_in_case_from_one_that_the_plan_adds() -> None:
    made = plan(desired([replace(A, name="to16")]), known([replace(A, name="TO16")]), PRUNE_ALL)
    assert names(made.changes) == ["add to16"]
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
from tests.strategies import desired, known
table = [Route(f"r{number}", "X.", ("t",)) for number in range(1000)]
assert plan(desired(table), known(table), PlanChoices()).unchanged == 1000
assert "deepdiff" not in sys.modules
plan(desired([Route("r1", "N.", ("t",))]), known(table), PlanChoices())
assert "deepdiff" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
