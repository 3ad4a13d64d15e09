"""Settings that no query shows: what updates may lose, and moves that are refused until somebody looked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pbxsync.differ import plan
from pbxsync.model import Plan, PlanChoices, Route
from tests.strategies import desired, known
from tests.test_differ import REORDER, copy, names, said

BRANCH, WORLD = Route("branch", "7XXX", ("to-branch",)), Route("world", "X.", ("intl",), prefix="9011")
REST = Route("rest", "X.", ("out",))
SETTINGS = "PIN or password, time group, emergency flag, music, and any pattern but the one shown; no query shows these"
NONE = "If no route of this PBX has any of these, write hidden_fields: none under pbx in the file"


def planned(
    wanted: list[Route],
    held: list[Route],
    choices: PlanChoices = REORDER,
    *,
    renamed: dict[str, str] | None = None,
    looked: bool = False,
    pbx: str = "https://192.0.2.10",
) -> Plan:
    file, state = replace(desired(wanted, renamed), no_hidden_fields=looked), replace(known(held), pbx=pbx)
    return plan(file, state, choices)


def test_of_updates_and_renames_it_is_said_once_what_they_may_lose() -> None:
    made = planned([replace(REST, prepend="0")], [REST])
    assert said(made.warnings) == [
        f"hidden-fields: updated, rest may lose its {SETTINGS}. Look at it in the PBX's web page. {NONE}"
    ]
    made = planned([replace(REST, prepend="0"), replace(BRANCH, name="new")], [REST, BRANCH], renamed={"new": "branch"})
    assert said(made.warnings) == [
        f"hidden-fields: updated, rest, branch may each lose their {SETTINGS}. Look at them in the PBX's web page. "
        f"{NONE}"
    ]
    assert (names(made.changes), made.refusals) == (["update rest", "update new"], ())


def test_of_many_updates_ten_are_named() -> None:
    held = [replace(REST, name=f"r{number}") for number in range(14)]
    (warning,) = planned([replace(route, prepend="0") for route in held], held).warnings
    assert "updated, r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, and 4 more may each lose their PIN" in warning.message


def test_a_move_is_shown_and_refused_with_what_to_look_at_and_to_write() -> None:
    made = planned([BRANCH, REST], [REST])
    assert names(made.changes) == ["add branch", "move rest"]
    assert said(made.refusals) == [
        f"hidden-fields: rest is not moved: a moved route loses its {SETTINGS}. Look at it in the PBX's web page. "
        f"{NONE}; else move it there"
    ]
    made = planned([BRANCH, replace(WORLD, prefix=""), REST], [REST, replace(WORLD, prefix="")])
    assert made.refusals[0].message.startswith("world, rest are not moved: a moved route loses its PIN")
    assert made.refusals[0].message.endswith("; else move them there")


@pytest.mark.parametrize("choices", [PlanChoices(), PlanChoices(reorder=True, prune=True), PlanChoices(add_only=True)])
def test_adds_and_deletes_need_no_look(choices: PlanChoices) -> None:
    made = planned([BRANCH, WORLD], [BRANCH, REST], choices)
    assert (made.warnings, made.refusals) == ((), ())


def test_updates_and_moves_that_are_skipped_need_no_look() -> None:
    made = planned([BRANCH, replace(REST, prepend="0")], [REST, BRANCH, copy(REST)], PlanChoices(add_only=True))
    assert names(made.skipped) == ["update rest~pbxsync", "move rest"]
    assert [warning.rule for warning in made.warnings] == ["half-done-reorder"]
    assert made.refusals == ()


@pytest.mark.parametrize(
    ("held", "refused"),
    [
        ([BRANCH, copy(REST)], []),
        ([BRANCH, REST, copy(REST)], []),
        ([copy(REST), BRANCH, REST], []),
        ([REST, BRANCH, copy(REST)], ["hidden-fields"]),
    ],
)
def test_what_an_earlier_run_left_is_cleared_up_without_a_look_as_long_as_the_route_itself_is_kept(
    held: list[Route], refused: list[str]
) -> None:
    made = planned([BRANCH, REST], held, PlanChoices())
    assert names(made.changes) == ["move rest"]
    assert [refusal.rule for refusal in made.refusals] == refused


def test_a_copy_has_no_hidden_fields_to_lose() -> None:
    made = planned([BRANCH, replace(REST, prepend="0")], [BRANCH, copy(REST)], PlanChoices())
    assert names(made.changes) == ["update rest~pbxsync", "move rest"]
    assert [warning.rule for warning in made.warnings] == ["half-done-reorder"]


@pytest.mark.parametrize("pbx", ["https://192.0.2.10", "http://127.0.0.1:8080", "sandbox.example.com"])
def test_where_somebody_looked_and_in_the_embedded_sandbox_nothing_is_said(pbx: str) -> None:
    wanted, held = [BRANCH, replace(REST, prepend="0")], [REST, BRANCH]
    made = planned(wanted, held, looked=True, pbx=pbx)
    assert (names(made.changes), made.warnings, made.refusals) == (["update rest", "move rest"], (), ())
    made = planned(wanted, held, pbx="sandbox:.pbxsync/sandbox.json")
    assert (made.warnings, made.refusals) == ((), ())
    made = planned(wanted, held, pbx=pbx)
    assert [warning.rule for warning in (*made.warnings, *made.refusals)] == ["hidden-fields", "hidden-fields"]
