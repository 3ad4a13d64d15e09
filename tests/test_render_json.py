"""Every JSON document holds to its schema, whatever the names in it, and says what the values say."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pbxsync import schemas
from pbxsync.model import (
    Action,
    Applied,
    Behind,
    CallExample,
    CallPath,
    Change,
    Claim,
    Doubt,
    FieldChange,
    Finding,
    Impact,
    Location,
    Move,
    NumberWords,
    Outcome,
    Plan,
    PlanWarning,
    Problem,
    Route,
    Severity,
    Status,
    Verdict,
)
from pbxsync.plan_values import applied_of, plan_of
from pbxsync.render.json import plan_text, plans_chunks, plans_document, problems_document, verdicts_document
from pbxsync.render.totals import Totals

TEXT = st.text(st.characters(exclude_categories=()), max_size=6)
ROUTES = st.builds(Route, TEXT, TEXT, st.lists(TEXT, max_size=2).map(tuple), prefix=TEXT, prepend=TEXT, callerid=TEXT)
PLACES = st.builds(Location, TEXT, st.integers(1, 9), st.integers(1, 9))
FIELDS = st.builds(FieldChange, st.just("trunks"), st.just(("a", "b")), st.just(("b",)))
#: Single calls, as a run may leave in doubt.
CALLS = st.one_of(
    st.builds(Change, st.just(Action.ADD), st.none(), ROUTES, location=PLACES),
    st.builds(Change, st.just(Action.UPDATE), ROUTES, ROUTES, st.tuples(FIELDS), st.just("7"), PLACES),
    st.builds(Change, st.just(Action.DELETE), ROUTES, st.none(), id=st.just("7")),
)
PATTERN = st.sampled_from(["911", "9[0-8*#+]X.", "!"])
PATTERNS = st.lists(PATTERN, max_size=2).map(tuple)
COPIES = st.builds(Change, st.just(Action.ADD), st.none(), ROUTES)
REMOVALS = st.builds(Change, st.just(Action.DELETE), ROUTES.filter(lambda route: route.name != ""), st.none())
RENAMES = st.builds(Change, st.just(Action.UPDATE), ROUTES, ROUTES, st.tuples(FIELDS))
BEHIND = st.builds(
    Behind,
    TEXT,
    st.lists(PATTERN, min_size=1, max_size=2).map(tuple),
    PATTERNS,
    PATTERNS,
    st.just(NumberWords(("9.",), ("911",))),
)
HOW = st.builds(
    Move,
    st.none() | COPIES,
    st.lists(REMOVALS, max_size=2).map(tuple),
    st.none() | RENAMES,
    st.lists(BEHIND, max_size=2).map(tuple),
    st.integers(0, 9),
)
CHANGES = CALLS | st.builds(
    lambda route, place, how: Change(Action.MOVE, route, route, id="7", location=place, move=how), ROUTES, PLACES, HOW
)
PATHS = st.builds(CallPath, TEXT, st.lists(TEXT, max_size=2).map(tuple), TEXT, st.integers(0, 9))
IMPACT = st.builds(
    Impact,
    st.lists(PATTERN, min_size=1, max_size=2).map(tuple),
    PATTERNS,
    PATTERNS,
    st.none() | PATHS,
    st.none() | PATHS,
    st.builds(CallExample, st.sampled_from(["911", "9*#+"]), st.none() | TEXT, st.none() | TEXT, st.none() | TEXT),
    st.just(NumberWords(("9.",), ("911",))),
)
VERDICTS = st.builds(
    Verdict, st.builds(Claim, PLACES, TEXT, TEXT), TEXT, st.none() | TEXT, counterexample_callerid=st.none() | TEXT
)
SAID = st.lists(st.builds(PlanWarning, st.sampled_from(["in-doubt", "equal-name"]), TEXT), max_size=2).map(tuple)
PLANS = st.builds(
    Plan,
    TEXT,
    st.one_of(st.none(), TEXT),
    st.one_of(st.none(), TEXT),
    st.sampled_from(["live", "hq.json"]),
    st.lists(CHANGES, max_size=3).map(tuple),
    unchanged=st.integers(0, 9),
    unmanaged=st.lists(TEXT, max_size=2).map(tuple),
    skipped=st.lists(CHANGES, max_size=1).map(tuple),
    in_doubt=st.lists(st.builds(Doubt, CALLS, TEXT), max_size=1).map(tuple),
    ignored=st.lists(TEXT, max_size=2).map(tuple),
    warnings=SAID,
    refusals=SAID,
    failures=SAID,
    impact=st.none() | st.lists(IMPACT, max_size=2).map(tuple),
    tests=st.none() | st.lists(VERDICTS, max_size=2).map(tuple),
)
APPLIED = st.builds(
    Applied,
    PLANS,
    st.lists(st.builds(Outcome, CHANGES, st.sampled_from(Status), st.one_of(st.none(), TEXT)), max_size=2).map(tuple),
    findings=st.lists(st.builds(Finding, TEXT, TEXT), max_size=1).map(tuple),
    notes=st.lists(TEXT, max_size=1).map(tuple),
    error=st.one_of(st.none(), TEXT),
    elsewhere=st.none() | st.lists(IMPACT, max_size=2).map(tuple),
)
PROBLEMS = st.lists(st.builds(Problem, PLACES, TEXT, st.sampled_from(Severity), st.just("not-text"), TEXT), max_size=2)
ERRORS = st.lists(st.tuples(st.one_of(st.none(), TEXT), TEXT), max_size=2)


def parsed(name: str, text: str) -> Any:
    """The document, once it has passed its schema and could be written as UTF-8."""
    document = json.loads(text.encode("utf-8"))
    Draft202012Validator(schemas.load(name)).validate(document)
    assert next(iter(document.items())) == ("format_version", "1.1")
    return document


def move(how: Move | None) -> dict[str, Any] | None:
    """How a route is moved, as the document says it: the names of what is added, deleted and renamed, and why."""
    if how is None:
        return None
    return {
        "copy": how.copy and how.copy.name,
        "deletes": [one.name for one in how.removals],
        "renames": how.rename and how.rename.before and how.rename.before.name,
        "steps": [step(one) for one in (how.copy, *how.removals, how.rename) if one],
        "behind": [
            {
                "route": one.route,
                "numbers": list(one.numbers),
                "callers": {"match": list(one.match), "not": list(one.but_not)},
                "words": {"patterns": list(one.words.patterns), "but_not": list(one.words.but_not)},
            }
            for one in how.behind
        ],
        "others": how.others,
    }


def step(change: Change) -> dict[str, Any]:
    """One call of a move."""
    return {
        "action": change.action.value,
        "id": change.id,
        "before": six_fields(change.before),
        "after": six_fields(change.after),
    }


def six_fields(route: Route | None) -> dict[str, Any] | None:
    if route is None:
        return None
    return {name: list(value) if isinstance(value, tuple) else value for name, value in route.fields().items()}


@given(st.lists(PLANS, max_size=2), PROBLEMS, ERRORS)
def test_a_plan_document_holds_to_its_schema(
    plans: list[Plan], problems: list[Problem], errors: list[tuple[str | None, str]]
) -> None:
    document = parsed("plan", plans_document(plans, problems, errors))
    assert [one["file"] for one in document["plans"]] == [plan.file for plan in plans]
    for plan, shown in zip(plans, document["plans"], strict=True):
        assert [change["action"] for change in shown["changes"]] == [change.action for change in plan.changes]
        assert shown["summary"]["add"] == sum(change.action is Action.ADD for change in plan.changes)
        assert shown["summary"]["move"] == sum(change.action is Action.MOVE for change in plan.changes)
        assert [change["move"] for change in shown["changes"]] == [move(change.move) for change in plan.changes]
        assert [entry["numbers"] for entry in shown["impact"] or ()] == [list(one.numbers) for one in plan.impact or ()]
        assert (shown["impact"] is None) == (plan.impact is None)
        failed = [test["status"] == "failed" for test in shown["tests"] or ()]
        assert failed == [not test.passed for test in plan.tests or ()]
        assert (shown["tests"] is None) == (plan.tests is None)
        assert shown["ignored"] == list(plan.ignored)
        for part in ("warnings", "refusals", "failures"):
            assert [(one["rule"], one["message"]) for one in shown[part]] == [
                (one.rule, one.message) for one in getattr(plan, part)
            ]
    assert [(one["file"], one["message"]) for one in document["errors"]] == errors


@given(PLANS)
def test_what_is_said_of_a_plan_is_read_back_from_its_document(plan: Plan) -> None:
    (item,) = parsed("plan", plans_document([plan]))["plans"]
    again = plan_of(item)
    for part in ("warnings", "refusals", "failures", "ignored", "unmanaged", "blocked", "unchanged", "impact"):
        assert getattr(again, part) == getattr(plan, part)


def test_a_document_of_an_earlier_minor_version_has_no_refusals_failures_or_ignored_names() -> None:
    (item,) = parsed("plan", plans_document([Plan("hq.yaml", None, None, "live", ())]))["plans"]
    for part in ("refusals", "failures", "ignored"):
        del item[part]
    again = plan_of(item)
    assert (again.refusals, again.failures, again.ignored) == ((), (), ())


@given(st.lists(APPLIED, max_size=2))
def test_an_apply_document_holds_to_its_schema(applied: list[Applied]) -> None:
    document = parsed("apply", plans_document(applied))
    for one, shown in zip(applied, document["plans"], strict=True):
        assert [outcome["status"] for outcome in shown["outcomes"]] == [outcome.status for outcome in one.outcomes]
        assert (shown["impact_now"] is None) == (one.elsewhere is None)
        assert [entry["numbers"] for entry in shown["impact_now"] or ()] == [
            list(entry.numbers) for entry in one.elsewhere or ()
        ]


@given(APPLIED)
def test_which_calls_go_elsewhere_now_is_read_back_from_an_apply_document(applied: Applied) -> None:
    outcomes = tuple(Outcome(change, Status.APPLIED) for change in applied.plan.changes)
    (item,) = parsed("apply", plans_document([replace(applied, outcomes=outcomes)]))["plans"]
    assert applied_of(item).elsewhere == applied.elsewhere


@given(PLANS)
def test_a_plan_that_is_refused_or_has_failures_counts_as_failed(plan: Plan) -> None:
    summary = parsed("plan", plans_document([plan]))["summary"]
    failed = bool(plan.refusals or plan.failures or plan.in_doubt or plan.failed_tests)
    assert (summary["failed"], summary["changing"]) == (failed, bool(plan.changes))
    assert Totals([plan]).short().endswith("nothing to do") == (not (plan.changes or plan.refusals or plan.failures))


@given(st.lists(PLANS | APPLIED, max_size=3), PROBLEMS, ERRORS)
def test_a_document_in_pieces_is_the_whole_one(
    results: list[Plan | Applied], problems: list[Problem], errors: list[tuple[str | None, str]]
) -> None:
    totals = Totals()
    for result in results:
        totals.include(Totals([result]))
    pieces = plans_chunks(map(plan_text, results), problems, errors, totals)
    assert "".join(pieces) == plans_document(results, problems, errors)


@given(st.lists(APPLIED, max_size=3))
def test_a_summary_counts_what_became_of_the_changes(applied: list[Applied]) -> None:
    summary = parsed("apply", plans_document(applied))["summary"]
    statuses = [outcome.status for one in applied for outcome in one.outcomes]
    assert summary["planned"] == summary["pbxs"] == len(applied)
    assert summary["outcomes"] == ({str(status): statuses.count(status) for status in Status} if applied else None)
    assert summary["add"] == sum(one.plan.count(Action.ADD) for one in applied)


@given(PROBLEMS)
def test_a_validate_document_holds_to_its_schema(problems: list[Problem]) -> None:
    document = parsed("validate", problems_document(problems))
    assert [problem["message"] for problem in document["problems"]] == [problem.message for problem in problems]


@given(st.lists(VERDICTS, max_size=2), PROBLEMS)
def test_a_test_document_holds_to_its_schema(verdicts: list[Verdict], problems: list[Problem]) -> None:
    document = parsed("test", verdicts_document(verdicts, problems))
    assert [test["status"] == "passed" for test in document["tests"]] == [one.passed for one in verdicts]
    assert [problem["message"] for problem in document["problems"]] == [problem.message for problem in problems]
