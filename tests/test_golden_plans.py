"""The example plans: each is the JSON beside it, and reads as the text beside it; its calls go where it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from pbxsync import schemas
from pbxsync.dialplan.table import RouteTable
from pbxsync.known_state import with_changes
from pbxsync.model import Action
from pbxsync.render import text
from pbxsync.steps import steps
from tests.goldens import PLANS, document, plan_json, planned
from tests.naive_dialplan import sent, takes, winner

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pbxsync.model import Route

READ = [folder for folder in PLANS if (folder / "plan.txt").exists()]


@pytest.mark.parametrize("folder", READ, ids=lambda folder: folder.name)
def test_an_example_plan_reads_as_the_text_beside_it(folder: Path) -> None:
    assert text.plan_text(planned(folder)[0]) == (folder / "plan.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", PLANS, ids=lambda folder: folder.name)
def test_an_example_plan_is_the_json_beside_it_and_keeps_to_the_schema(folder: Path) -> None:
    plan = planned(folder)[0]
    Draft202012Validator(schemas.load("plan")).validate(document(plan))
    assert plan_json(plan) == (folder / "plan.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", PLANS, ids=lambda folder: folder.name)
def test_each_example_call_of_an_example_plan_goes_where_a_simple_reference_says(folder: Path) -> None:
    plan, known, _ = planned(folder)
    before = [one.route for one in known.routes]
    for entry in plan.impact or ():
        example = entry.example
        assert any(takes(pattern, example.dial) for pattern in entry.numbers)
        index = winner(before, example.dial, example.callerid)
        assert (None if index is None else before[index].name) == (entry.before.route if entry.before else None)
        if index is not None:
            assert sent(before[index], example.dial) == example.sends_before
            assert RouteTable(before).decide(example.dial, example.callerid) is not None


def fate(routes: Sequence[Route], dial: str, callerid: str | None) -> tuple[tuple[str, ...], str] | None:
    """The trunks that a call goes to, and the digits that they are sent."""
    index = winner(routes, dial, callerid)
    return None if index is None else (routes[index].trunks, sent(routes[index], dial))


@pytest.mark.parametrize("folder", PLANS, ids=lambda folder: folder.name)
def test_each_example_call_goes_at_every_step_as_before_or_as_after_unless_the_plan_warns_of_the_moment(
    folder: Path,
) -> None:
    plan, known, _ = planned(folder)
    calls = [step.change for step in steps(plan)]
    tables = [[one.route for one in with_changes(known.routes, calls[:count])] for count in range(len(calls) + 1)]
    examples = [(entry.example.dial, entry.example.callerid) for entry in plan.impact or ()]
    strays = [
        example
        for example in examples
        for table in tables
        if fate(table, *example) not in (fate(tables[0], *example), fate(tables[-1], *example))
    ]
    assert bool(strays) == any(warning.rule == "meanwhile" for warning in plan.warnings)


def test_a_branch_that_is_added_above_the_catch_all_of_forty_routes_moves_one_route() -> None:
    plan, known, desired = planned(next(folder for folder in PLANS if folder.name == "reorder-catch-all"))
    assert (len(known.routes), len(desired.routes)) == (40, 41)
    assert [(change.action, change.name) for change in plan.changes] == [
        (Action.ADD, "branch-7"),
        (Action.MOVE, "rest"),
    ]
    assert plan.warnings == ()


def test_there_are_example_plans() -> None:
    assert len(PLANS) >= 17
    assert len(READ) >= 9
