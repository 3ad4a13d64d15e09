"""The example plans: each folder's ``known.yaml`` and ``routes.yaml`` give the text and the JSON beside them.

A folder without ``routes.yaml`` is planned for ``routes.example.yaml``. In the folder ``prune`` unmanaged routes go.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pbxsync import differ, schemas
from pbxsync.dialplan.table import RouteTable
from pbxsync.document import parse
from pbxsync.effects import foreseen
from pbxsync.model import Desired, KnownRoute, KnownState, Plan, PlanChoices
from pbxsync.render import json as json_render
from pbxsync.render import text
from pbxsync.validator import check
from tests.naive_dialplan import sent, takes, winner

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = sorted(path for path in (ROOT / "tests" / "examples" / "plans").iterdir() if path.is_dir())


def declared(path: Path) -> Desired:
    checked = check(parse(path.read_bytes(), path.name))
    assert checked.desired is not None, text.problem_lines(checked.problems)
    return checked.desired


def planned(folder: Path) -> tuple[Plan, KnownState, Desired]:
    own = folder / "routes.yaml"
    desired = declared(own if own.exists() else ROOT / "routes.example.yaml")
    held = (one.route for one in declared(folder / "known.yaml").routes)
    known = KnownState("https://192.0.2.10", tuple(KnownRoute(route, str(n)) for n, route in enumerate(held, 1)))
    choices = PlanChoices(prune=folder.name == "prune")
    return foreseen(differ.plan(desired, known, choices), desired, known, choices), known, desired


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


def test_there_are_example_plans() -> None:
    assert len(FOLDERS) >= 8
