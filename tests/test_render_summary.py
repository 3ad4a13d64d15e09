"""The sentence that matters of a plan: what it does, which calls go elsewhere, and the same of several PBXs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxsync.model import Action, CallExample, CallPath, Change, Impact, NumberWords, Plan, Route
from pbxsync.render.impact import kinds_of_calls
from pbxsync.render.summary import elsewhere, sentence, total

REST = Route("rest", "X.", ("out",))
ADD = Change(Action.ADD, None, REST)
UPDATE = Change(Action.UPDATE, REST, replace(REST, prefix="9"))
DELETE = Change(Action.DELETE, REST, None)
MOVE = Change(Action.MOVE, REST, REST)
A, B = CallPath("a", ("a",), "", 0), CallPath("b", ("b",), "", 0)


def calls(before: CallPath | None, after: CallPath | None, pattern: str = "9X.", caller: str = "") -> Impact:
    example = CallExample("95", None, "95", "95")
    return Impact((pattern,), (caller,) if caller else (), (), before, after, example, NumberWords((pattern,)))


def plan(*changes: Change, impact: tuple[Impact, ...] | None = ()) -> Plan:
    return Plan("hq.yaml", "https://192.0.2.10", None, "live", changes, impact=impact)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (plan(), "Changes nothing."),
        (plan(impact=None), "Changes nothing."),
        (plan(ADD), "Adds 1 route; no call goes elsewhere."),
        (plan(UPDATE, UPDATE), "Changes 2 routes; no call goes elsewhere."),
        (plan(ADD, *[UPDATE] * 11), "Adds 1 route and changes 11; no call goes elsewhere."),
        (plan(*[ADD] * 11, UPDATE), "Adds 11 routes and changes 1; no call goes elsewhere."),
        (plan(MOVE, DELETE, UPDATE, ADD), "Adds 1 route, changes 1, deletes 1 and moves 1; no call goes elsewhere."),
        (plan(ADD, impact=None), "Adds 1 route; which calls go elsewhere was not worked out (--no-impact)."),
        (plan(DELETE, impact=(calls(A, None),)), "Deletes 1 route; 1 kind of call is no longer routed."),
    ],
)
def test_a_plan_is_said_in_one_sentence(made: Plan, said: str) -> None:
    assert sentence(made) == said


@pytest.mark.parametrize(
    ("impact", "said"),
    [
        ((calls(None, A),), "1 kind of call is newly routed"),
        ((calls(A, B), calls(B, A)), "2 kinds of calls are routed otherwise"),
        (
            (calls(None, A), calls(A, B), calls(A, None), calls(B, None)),
            "2 kinds of calls are no longer routed, 1 is routed otherwise and 1 is newly routed",
        ),
        (
            (calls(None, A), calls(None, B), calls(A, None)),
            "1 kind of call is no longer routed and 2 are newly routed",
        ),
    ],
)
def test_the_gravest_calls_are_said_first(impact: tuple[Impact, ...], said: str) -> None:
    assert elsewhere(impact) == said


def test_calls_of_which_the_same_is_noticed_are_one_kind_as_in_the_table_of_them() -> None:
    assert elsewhere([calls(A, B, "1X"), calls(A, B, "2X")]) == "1 kind of call is routed otherwise"
    assert elsewhere([calls(A, B, "1X"), calls(A, B, "2X", "201")]) == "2 kinds of calls are routed otherwise"


def test_the_total_counts_the_changes_of_all_pbxs_and_how_many_change() -> None:
    assert total([plan(), plan()]) == "Changes nothing on 2 PBXs."
    assert total([plan(), plan(ADD, DELETE), plan(ADD)]) == (
        "2 of 3 PBXs change: adds 2 routes and deletes 1; no call goes elsewhere."
    )
    assert total([plan(), plan(ADD, impact=(calls(None, A),))]) == (
        "1 of 2 PBXs changes: adds 1 route; 1 kind of call is newly routed."
    )


def test_in_the_total_the_same_calls_of_two_pbxs_are_two_kinds() -> None:
    lost = plan(DELETE, impact=(calls(A, None),))
    assert total([lost, lost]).endswith("; 2 kinds of calls are no longer routed.")


def test_the_total_says_on_how_many_pbxs_it_was_not_worked_out_which_calls_go_elsewhere() -> None:
    unknown = "which calls go elsewhere was not worked out (--no-impact)."
    assert total([plan(ADD, impact=None), plan(ADD, impact=None)]) == f"2 of 2 PBXs change: adds 2 routes; {unknown}"
    assert total([plan(ADD, impact=None), plan(ADD)]).endswith(f"; no call goes elsewhere; on 1 PBX {unknown}")
    assert total([plan(impact=None), plan(ADD)]).endswith("adds 1 route; no call goes elsewhere.")


@given(st.lists(st.tuples(st.sampled_from([None, A, B]), st.sampled_from([None, A, B]), st.sampled_from("123"))))
def test_as_many_kinds_are_counted_as_are_listed(drawn: list[tuple[CallPath | None, CallPath | None, str]]) -> None:
    impact = [calls(before, after, pattern) for before, after, pattern in drawn]
    said = elsewhere(impact)
    assert sum(int(word) for word in said.split() if word.isdigit()) == len(kinds_of_calls(impact))
