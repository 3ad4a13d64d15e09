"""Problems, plans and outcomes → the JSON documents of ``schema/``. Additions raise FORMAT_VERSION's minor."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pbxsync.model import (
    Action,
    Applied,
    CallPath,
    Change,
    Impact,
    Move,
    NumberWords,
    Plan,
    PlanWarning,
    Problem,
    Route,
    Verdict,
)
from pbxsync.render.totals import Totals
from pbxsync.render.verdicts import verdict_item
from pbxsync.text import safe_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FORMAT_VERSION = "1.1"


def problems_document(problems: Iterable[Problem]) -> str:
    """What ``validate --format json`` prints."""
    return document(problems=[problem_item(problem) for problem in problems])


def plans_document(
    plans: Iterable[Plan | Applied], problems: Iterable[Problem] = (), errors: Iterable[tuple[str | None, str]] = ()
) -> str:
    """What ``plan`` and ``apply --format json`` print.

    ``errors`` are pairs of a file and what kept it from being planned or applied; a file of None stands for all.
    """
    return document(**plan_parts(plans, problems, errors))


def plan_parts(
    plans: Iterable[Plan | Applied], problems: Iterable[Problem], errors: Iterable[tuple[str | None, str]]
) -> dict[str, Any]:
    """The parts of the document of `plans_document`."""
    plans, errors = list(plans), list(errors)
    return {
        "plans": [_applied(plan) if isinstance(plan, Applied) else _plan(plan) for plan in plans],
        **_other_parts(problems, errors, Totals(plans)),
    }


def _other_parts(
    problems: Iterable[Problem], errors: Iterable[tuple[str | None, str]], totals: Totals
) -> dict[str, Any]:
    errors = list(errors)
    return {
        "problems": [problem_item(problem) for problem in problems],
        "errors": [{"file": file, "message": message} for file, message in errors],
        "summary": totals.item(file for file, _ in errors),
    }


def plan_text(plan: Plan | Applied) -> str:
    """A plan as it stands in the document of `plans_document`, for `plans_chunks`."""
    return _text(_applied(plan) if isinstance(plan, Applied) else _plan(plan))


def plans_chunks(
    plans: Iterable[str], problems: Iterable[Problem], errors: Iterable[tuple[str | None, str]], totals: Totals
) -> Iterator[str]:
    """The document of `plans_document` piece by piece, of plans that `plan_text` made, so that it is never whole."""
    yield f'{{\n  "format_version": "{FORMAT_VERSION}",\n  "plans": ['
    empty = True
    for plan in plans:
        yield ("\n" if empty else ",\n") + _indented(plan, "    ")
        empty = False
    yield "]" if empty else "\n  ]"
    for name, part in _other_parts(problems, errors, totals).items():
        yield f',\n  "{name}": {_indented(_text(part), "  ").lstrip(" ")}'
    yield "\n}\n"


def _indented(text: str, indent: str) -> str:
    return indent + text.replace("\n", f"\n{indent}")  # no line end stands within a value: JSON escapes it


def verdicts_document(verdicts: Iterable[Verdict], problems: Iterable[Problem]) -> str:
    """What ``test --format json`` prints; ``problems`` are those of the files."""
    return document(
        tests=[verdict_item(verdict) for verdict in verdicts],
        problems=[problem_item(problem) for problem in problems],
    )


def document(**parts: object) -> str:
    """A document of these parts, with the version before them."""
    return _text({"format_version": FORMAT_VERSION, **parts}) + "\n"


def _text(value: object) -> str:
    return safe_json(json.dumps(value, indent=2, ensure_ascii=False))


def problem_item(problem: Problem) -> dict[str, Any]:
    """A problem as every document has it."""
    return {
        "file": problem.location.file,
        "line": problem.location.line,
        "column": problem.location.column,
        "path": problem.path,
        "severity": str(problem.severity),
        "rule": problem.rule,
        "message": problem.message,
    }


def _route(route: Route | None) -> dict[str, Any] | None:
    if route is None:
        return None
    return {name: _value(value) for name, value in route.fields().items()}


def _change(change: Change) -> dict[str, Any]:
    at = change.location
    return {
        "action": str(change.action),
        "name": change.name,
        "id": change.id,
        "before": _route(change.before),
        "after": _route(change.after),
        "fields": [
            {"field": field.field, "before": _value(field.before), "after": _value(field.after)}
            for field in change.fields
        ],
        "location": {"file": at.file, "line": at.line, "column": at.column} if at else None,
        "move": _move(change.move) if change.move else None,
    }


def _move(move: Move) -> dict[str, Any]:
    return {
        "copy": move.copy.name if move.copy else None,
        "deletes": [removal.name for removal in move.removals],
        "renames": move.rename.before.name if move.rename and move.rename.before else None,
        "steps": [_step(step) for step in (move.copy, *move.removals, move.rename) if step is not None],
        "behind": [
            {
                "route": one.route,
                "numbers": list(one.numbers),
                "callers": {"match": list(one.match), "not": list(one.but_not)},
                "words": _words(one.words, one.numbers),
            }
            for one in move.behind
        ],
        "others": move.others,
    }


def _step(change: Change) -> dict[str, Any]:
    return {
        "action": str(change.action),
        "id": change.id,
        "before": _route(change.before),
        "after": _route(change.after),
    }


def _words(words: NumberWords, numbers: tuple[str, ...]) -> dict[str, Any] | None:
    """Numbers in fewer words; None where there are no fewer."""
    if words == NumberWords(numbers):
        return None
    return {"patterns": list(words.patterns), "but_not": list(words.but_not)}


def _value(value: str | tuple[str, ...]) -> str | list[str]:
    return value if isinstance(value, str) else list(value)


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "file": plan.file,
        "pbx": {"url": plan.pbx_url, "name": plan.pbx_name},
        "known_state": plan.known_state,
        "changes": [_change(change) for change in plan.changes],
        "skipped": [_change(change) for change in plan.skipped],
        "in_doubt": [
            {"action": str(doubt.change.action), "name": doubt.change.name, "reason": doubt.reason}
            for doubt in plan.in_doubt
        ],
        "unmanaged": list(plan.unmanaged),
        "ignored": list(plan.ignored),
        "blocked": list(plan.blocked),
        "summary": {
            **{str(action): plan.count(action) for action in Action},
            "unchanged": plan.unchanged,
            "unmanaged": len(plan.unmanaged),
        },
        "impact": [_impact(entry) for entry in plan.impact] if plan.impact is not None else None,
        "warnings": _said(plan.warnings),
        "refusals": _said(plan.refusals),
        "failures": _said(plan.failures),
        "tests": [verdict_item(verdict) for verdict in plan.tests] if plan.tests is not None else None,
    }


def _said(warnings: Iterable[PlanWarning]) -> list[dict[str, str]]:
    return [{"rule": warning.rule, "message": warning.message} for warning in warnings]


def _impact(entry: Impact) -> dict[str, Any]:
    example = entry.example
    return {
        "numbers": list(entry.numbers),
        "callers": {"match": list(entry.match), "not": list(entry.but_not)},
        "words": _words(entry.words, entry.numbers),
        "before": _path(entry.before),
        "after": _path(entry.after),
        "example": {
            "dial": example.dial,
            "callerid": example.callerid,
            "sends_before": example.sends_before,
            "sends_after": example.sends_after,
        },
    }


def _path(path: CallPath | None) -> dict[str, Any] | None:
    if path is None:
        return None
    return {"route": path.route, "trunks": list(path.trunks), "prepend": path.prepend, "strip": path.strip}


def _applied(applied: Applied) -> dict[str, Any]:
    return {
        **_plan(applied.plan),
        "outcomes": [
            {
                "action": str(outcome.change.action),
                "name": outcome.change.name,
                "status": str(outcome.status),
                "error": outcome.error,
            }
            for outcome in applied.outcomes
        ],
        "verification": [{"name": finding.name, "message": finding.message} for finding in applied.findings],
        "impact_now": [_impact(entry) for entry in applied.elsewhere] if applied.elsewhere is not None else None,
        "notes": list(applied.notes),
        "error": applied.error,
    }
