"""The example plans: each folder's ``known.yaml`` and ``routes.yaml`` give the text and the JSON beside them.

A folder without ``routes.yaml`` is planned for ``routes.example.yaml``. In folders whose names begin with ``prune``
unmanaged routes are deleted, in those that begin with ``reorder`` routes are moved. But for one of these, somebody
looked, and the PBX has no hidden fields. Where the PBX holds what no file may declare (copies, two routes of one name),
its routes are those of a state file, ``known.json``.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from pbxsync import differ, schemas
from pbxsync.dialplan.table import RouteTable
from pbxsync.document import parse
from pbxsync.effects import foreseen
from pbxsync.known_state import StateFile, with_changes
from pbxsync.model import Action, Desired, KnownRoute, KnownState, Plan, PlanChoices
from pbxsync.render import json as json_render
from pbxsync.render import text
from pbxsync.steps import steps
from pbxsync.validator import check
from tests.naive_dialplan import sent, takes, winner

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pbxsync.model import Route

ROOT = Path(__file__).resolve().parent.parent
#: What the file of each example ignores.
IGNORED = ("lab-*",)
FOLDERS = sorted(path for path in (ROOT / "tests" / "examples" / "plans").iterdir() if path.is_dir())


def declared(path: Path) -> Desired:
    checked = check(parse(path.read_bytes(), path.name))
    assert checked.desired is not None, text.problem_lines(checked.problems)
    return checked.desired


def planned(folder: Path) -> tuple[Plan, KnownState, Desired]:
    own = folder / "routes.yaml"
    desired = declared(own if own.exists() else ROOT / "routes.example.yaml")
    known = KnownState("https://192.0.2.10", tuple(held(folder)))
    reorder = folder.name.startswith("reorder")
    choices = PlanChoices(prune=folder.name.startswith("prune"), reorder=reorder)
    desired = replace(desired, no_hidden_fields=reorder and folder.name != "reorder-hidden-fields", ignore=IGNORED)
    return foreseen(differ.plan(desired, known, choices), desired, known, choices), known, desired


def held(folder: Path) -> Iterator[KnownRoute]:
    """What the PBX of an example holds."""
    state = folder / "known.json"
    if state.exists():
        yield from StateFile.read(state, pbx="https://192.0.2.10").state.routes
        return
    for number, one in enumerate(declared(folder / "known.yaml").routes, start=1):
        yield KnownRoute(one.route, str(number))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_an_example_plan_reads_as_the_text_beside_it(folder: Path) -> None:
    assert text.plan_text(planned(folder)[0]) == (folder / "plan.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_an_example_plan_is_the_json_beside_it_and_keeps_to_the_schema(folder: Path) -> None:
    document: dict[str, Any] = json.loads(json_render.plans_document([planned(folder)[0]]))

    Draft202012Validator(schemas.load("plan")).validate(document)
    assert document == json.loads((folder / "plan.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
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


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
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
    plan, known, desired = planned(next(folder for folder in FOLDERS if folder.name == "reorder-catch-all"))
    assert (len(known.routes), len(desired.routes)) == (40, 41)
    assert [(change.action, change.name) for change in plan.changes] == [
        (Action.ADD, "branch-7"),
        (Action.MOVE, "rest"),
    ]
    assert plan.warnings == ()


def test_there_are_example_plans() -> None:
    assert len(FOLDERS) >= 17
