"""Saved plans: what is read is what was written, and what was made of them by hand is refused."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pbxsync import differ, schemas
from pbxsync.errors import PlanFileError, StaleState
from pbxsync.model import Action, Change, Doubt, KnownRoute, KnownState, Move, Plan, PlanChoices, Route
from pbxsync.saved_plan import SavedPlan, known_digest, read_plans, saved_text
from pbxsync.steps import steps
from tests.cli.process import PATIENCE
from tests.goldens import PLANS, planned
from tests.strategies import desired, known, routes

if TYPE_CHECKING:
    from collections.abc import Callable

A = Route("a", "1X.", ("t1", "t2"), prefix="9")
B = Route("b", "2X.", ("t1",), callerid="20X")
KNOWN = KnownState("https://192.0.2.10", (KnownRoute(A, "1"), KnownRoute(B, "2")))
PLAN = Plan("hq.yaml", "https://192.0.2.10", "hq", "live", (Change(Action.ADD, None, replace(B, name="c")),))


def saved(plan: Plan = PLAN, state: KnownState = KNOWN) -> SavedPlan:
    return SavedPlan(plan, "json", add_only=False, file_digest="0" * 64, known_digest=known_digest(state))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "plan.json"
    path.write_text(saved_text([saved()]), encoding="utf-8")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(PlanFileError) as caught:
        read_plans(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("folder", PLANS, ids=lambda folder: folder.name)
def test_a_plan_is_read_as_it_was_saved_and_sends_the_same_calls_in_the_same_order(
    folder: Path, tmp_path: Path
) -> None:
    plan, held, _ = planned(folder)
    plan = replace(plan, in_doubt=(), refusals=())
    path = tmp_path / "plan.json"
    text = saved_text([saved(plan, held)])
    path.write_text(text, encoding="utf-8")
    read = read_plans(path)
    (found,) = read.plans
    again = found.on(held)
    assert steps(again) == steps(plan)
    assert [step.change.place for step in steps(again)] == [step.change.place for step in steps(plan)]
    assert saved_text([replace(found, plan=again)]) == text
    assert replace(again, tests=None) == replace(plan, tests=None)
    assert [one.message for one in again.failed_tests] == [one.message for one in plan.failed_tests]
    Draft202012Validator(schemas.load("plan")).validate(json.loads(text))


@given(st.lists(routes(), max_size=4), st.lists(routes(), max_size=2))
def test_any_routes_are_read_as_they_were_saved(added: list[Route], others: list[Route]) -> None:
    import tempfile

    changes = tuple(Change(Action.ADD, None, route) for route in added)
    changes += tuple(Change(Action.DELETE, route, None, id="7") for route in others)
    plan = replace(PLAN, changes=changes)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plan.json"
        path.write_text(saved_text([saved(plan)]), encoding="utf-8")
        assert read_plans(path).plans[0].plan == plan


def test_a_plan_that_finishes_the_move_of_a_route_that_was_renamed_since_then_is_read_as_it_was_saved(
    tmp_path: Path,
) -> None:
    rest = Route("rest", "X.", ("t3",))
    held = known([rest, A, replace(rest, name="rest~pbxsync")])
    plan = differ.plan(desired([A, replace(rest, name="new")], {"new": "rest"}), held, PlanChoices())
    assert [step.change.name for step in steps(plan)] == ["rest", "new"]
    path = tmp_path / "plan.json"
    path.write_text(saved_text([saved(plan, held)]), encoding="utf-8")
    assert read_plans(path).plans[0].on(held) == plan


def test_several_plans_and_what_could_not_be_planned_are_kept_together(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    other = saved(replace(PLAN, file="b.yaml", pbx_url="https://192.0.2.11"))
    path.write_text(saved_text([saved(), other], errors=[("c.yaml", "can't reach it")]), encoding="utf-8")
    read = read_plans(path)
    assert [one.plan.file for one in read.plans] == ["hq.yaml", "b.yaml"]
    assert read.errors == (("c.yaml", "can't reach it"),)


def test_two_plans_have_two_checksums_and_the_same_plan_has_one(path: Path) -> None:
    first = read_plans(path).checksum
    path.write_text(saved_text([saved()]), encoding="utf-8")
    assert read_plans(path).checksum == first
    path.write_text(saved_text([replace(saved(), add_only=True)]), encoding="utf-8")
    assert read_plans(path).checksum != first


def test_a_plan_without_what_it_was_made_from_is_no_saved_one(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    del document["saved"]
    path.write_text(json.dumps(document), encoding="utf-8")
    assert "this is what plan --format json prints, which can't be applied; save it again with: " in refusal(path)


def test_a_plan_of_a_later_major_version_is_refused_and_one_of_a_later_minor_is_not_for_that(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    document["format_version"] = "2.0"
    path.write_text(json.dumps(document), encoding="utf-8")
    assert "its format_version is 2.0, and this pbxsync reads 1.1: apply it with the pbxsync that made it" in refusal(
        path
    )


def test_a_plan_of_an_earlier_minor_version_is_read_with_what_it_has(path: Path) -> None:
    def older(plan: dict[str, Any]) -> None:
        for part in ("refusals", "failures", "ignored"):
            del plan[part]

    forged(path, older)
    assert read_plans(path).plans[0].plan == PLAN


def every_edit(value: Any) -> list[Callable[[], None]]:
    """Edits by hand, one at each place of the value: another value there, or none at all."""
    edits: list[Callable[[], None]] = []
    places: list[Any] = [value]
    while places:
        place = places.pop()
        for key in list(place) if isinstance(place, dict) else range(len(place)):
            if isinstance(place[key], dict | list):
                places.append(place[key])
            edits += [partial(place.__setitem__, key, "edited"), partial(place.__delitem__, key)]
    return edits


def test_a_plan_that_was_edited_anywhere_is_refused(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    count = len(every_edit(json.loads(text)))
    assert count > 80
    for number in range(count):
        document = json.loads(text)
        every_edit(document)[number]()
        path.write_text(json.dumps(document), encoding="utf-8")
        refusal(path)


def test_a_plan_cut_short_anywhere_is_refused(path: Path) -> None:
    data = path.read_bytes().rstrip()
    for length in range(0, len(data), 7):
        path.write_bytes(data[:length])
        assert "not a saved plan" in refusal(path)


def test_a_forged_checksum_does_not_let_nonsense_in(path: Path) -> None:
    from pbxsync.saved_plan import _checksum

    document = json.loads(path.read_text(encoding="utf-8"))
    document["plans"][0]["changes"][0]["after"]["trunks"] = "t1"
    document["saved"]["checksum"] = _checksum(document, document["saved"])
    path.write_text(json.dumps(document), encoding="utf-8")
    assert "not a saved plan: $.plans[0].changes[0].after" in refusal(path)


@pytest.mark.parametrize("content", [b"", b"[]", b"7", b"\xff\xfe", b"[" * 100_000, b'{"format_version": "1.0"}', b"{"])
def test_what_is_no_plan_at_all_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert "not a saved plan" in refusal(path)


@pytest.mark.parametrize("depth", [101, 5_000, 100_000])
def test_a_plan_nested_too_deep_is_refused_whatever_the_depth(path: Path, depth: int) -> None:
    path.write_text('{"format_version": "1.0", "plans": ' + "[" * (depth - 1) + "]" * (depth - 1) + "}")
    assert refusal(path) == f"{path}: not a saved plan: it is nested too deep; save it again with: pbxsync plan --out"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_plan_that_is_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    said: list[str] = []
    reading = threading.Thread(target=lambda: said.append(refusal(tmp_path / "pipe")), daemon=True)
    reading.start()
    reading.join(PATIENCE)
    assert said == [f"{tmp_path}/pipe: the saved plan can't be read: it is a pipe, not a regular file"]


def test_a_plan_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    assert "the saved plan can't be read: No such file" in refusal(tmp_path / "none.json")


@pytest.mark.parametrize(
    "other",
    [
        replace(KNOWN, routes=KNOWN.routes[::-1]),
        replace(KNOWN, routes=KNOWN.routes[:1]),
        replace(KNOWN, routes=()),
        replace(KNOWN, routes=(KnownRoute(A, "7"), KNOWN.routes[1])),
        replace(KNOWN, routes=(KnownRoute(replace(A, trunks=("t2", "t1")), "1"), KNOWN.routes[1])),
        replace(KNOWN, doubts=(Doubt(PLAN.changes[0], "lost"),)),
    ],
)
def test_a_plan_is_stale_where_anything_is_known_otherwise(other: KnownState) -> None:
    assert saved().on(KNOWN) == PLAN
    with pytest.raises(StaleState, match=r"hq\.yaml: stale plan: the PBX holds something else than it was made from"):
        saved().on(other)
    with pytest.raises(StaleState, match=r"stale plan: state\.json has recorded something else"):
        saved(replace(PLAN, known_state="state.json")).on(other)


def test_a_plan_that_was_made_of_nothing_is_stale_once_there_is_something() -> None:
    empty = saved(state=KnownState(None, ()))
    with pytest.raises(StaleState):
        empty.on(KNOWN)


def test_what_is_planned_again_after_a_plan_was_begun_is_another_plan() -> None:
    begun = replace(KNOWN, applied_plans=("a" * 64,))
    assert known_digest(begun) != known_digest(KNOWN)
    assert saved_text([saved(state=begun)]) != saved_text([saved()])
    with pytest.raises(StaleState):
        saved().on(begun)


def forged(path: Path, edit: Callable[[Any], None]) -> None:
    """Edit what the file of a plan says, and make a checksum that fits."""
    from pbxsync.saved_plan import _checksum

    document = json.loads(path.read_text(encoding="utf-8"))
    edit(document["plans"][0])
    document["saved"]["checksum"] = _checksum(document, document["saved"])
    path.write_text(json.dumps(document), encoding="utf-8")


@pytest.mark.parametrize(
    "edit",
    [
        lambda plan: plan["changes"][0].update(action="update"),
        lambda plan: plan["changes"][0].update(action="update", before=plan["changes"][0]["after"], after=None),
        lambda plan: plan["changes"][0].update(action="delete"),
        lambda plan: plan["changes"][0].update(action="move", before=plan["changes"][0]["after"]),
        lambda plan: plan["changes"][0].update(name="other"),
        lambda plan: plan["changes"][0]["fields"].append({"field": "prefix", "before": "", "after": "9"}),
        lambda plan: plan["changes"].append(plan["changes"][0]),
        lambda plan: plan["in_doubt"].append({"action": "add", "name": "a", "reason": "lost"}),
        lambda plan: plan["refusals"].append({"rule": "equal-name", "message": "a is not added"}),
    ],
)
def test_a_plan_that_would_send_something_else_than_it_shows_is_refused(
    path: Path, edit: Callable[[Any], None]
) -> None:
    forged(path, edit)
    assert "not a saved plan" in refusal(path)


@pytest.mark.parametrize(
    "edit",
    [
        lambda steps: steps[0]["after"].update(prefix="0"),
        lambda steps: steps[0]["after"].update(name="emergency"),
        lambda steps: steps[0]["after"].update(name="a~pbxsync~pbxsync"),
        lambda steps: steps[1]["before"].update(name="emergency"),
        lambda steps: steps[2]["after"].update(trunks=["premium"]),
    ],
)
def test_a_move_whose_steps_are_about_something_else_is_refused(
    tmp_path: Path, edit: Callable[[list[Any]], None]
) -> None:
    copy, path = replace(A, name="a~pbxsync"), tmp_path / "plan.json"
    move = Move(
        Change(Action.ADD, None, copy), (Change(Action.DELETE, A, None, id="1"),), Change(Action.UPDATE, copy, A)
    )
    path.write_text(saved_text([saved(replace(PLAN, changes=(Change(Action.MOVE, A, A, move=move),)))]))
    assert [step.change.name for step in steps(read_plans(path).plans[0].plan)] == ["a~pbxsync", "a", "a"]
    forged(path, lambda plan: edit(plan["changes"][0]["move"]["steps"]))
    assert "not a saved plan: it would send something else than it shows" in refusal(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_routes_file_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    one = saved(replace(PLAN, file=str(tmp_path / "pipe")))
    waiting = threading.Thread(target=one.check_file, daemon=True)
    waiting.start()
    waiting.join(PATIENCE)
    assert not waiting.is_alive()


def test_a_plan_is_stale_where_its_routes_file_has_changed_and_needs_none_to_be_there(tmp_path: Path) -> None:
    path = tmp_path / "hq.yaml"
    one = saved(replace(PLAN, file=str(path)))
    one.check_file()
    path.write_text("routes: []\n", encoding="utf-8")
    with pytest.raises(StaleState, match="stale plan: the file has changed since it was planned"):
        one.check_file()
