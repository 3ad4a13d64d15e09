"""The JSON item of a plan, as `pbxsync.render.json` writes it, back into the plan that it was written of.

The item has been held against ``schema/plan.schema.json`` before. What it doesn't have is left empty: the places of
routes on the PBX, and of a test what it claims.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pbxsync.model import (
    FIELDS,
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


def plan_of(item: Any) -> Plan:
    """The plan of one PBX. Of what is in doubt only the action, the name and the reason are there to be read."""
    summary = item["summary"]
    return Plan(
        file=item["file"],
        pbx_url=item["pbx"]["url"],
        pbx_name=item["pbx"]["name"],
        known_state=item["known_state"],
        changes=tuple(map(_change, item["changes"])),
        unchanged=summary["unchanged"],
        unmanaged=tuple(item["unmanaged"]),
        blocked=tuple(item["blocked"]),
        skipped=tuple(map(_change, item["skipped"])),
        in_doubt=tuple(map(_doubt, item["in_doubt"])),
        ignored=tuple(item.get("ignored", ())),
        warnings=_warnings(item["warnings"]),
        refusals=_warnings(item.get("refusals", ())),
        failures=_warnings(item.get("failures", ())),
        impact=None if item["impact"] is None else tuple(map(_impact, item["impact"])),
        tests=None if item["tests"] is None else tuple(map(_verdict, item["tests"])),
    )


def applied_of(item: Any) -> Applied:
    """What an apply did to one PBX. That it was interrupted is seen by what was not attempted."""
    plan = plan_of(item)
    outcomes = zip(plan.changes, item["outcomes"], strict=True)
    return Applied(
        plan,
        tuple(Outcome(change, Status(one["status"]), one["error"]) for change, one in outcomes),
        tuple(Finding(one["name"], one["message"]) for one in item["verification"]),
        tuple(item["notes"]),
        error=item["error"],
        elsewhere=_elsewhere(item.get("impact_now")),
    )


def _elsewhere(impact: Any) -> tuple[Impact, ...] | None:
    return None if impact is None else tuple(map(_impact, impact))


def _warnings(items: Any) -> tuple[PlanWarning, ...]:
    return tuple(PlanWarning(item["rule"], item["message"]) for item in items)


def problem_of(item: Any) -> Problem:
    """A problem of a file."""
    location = Location(item["file"], item["line"], item["column"])
    return Problem(location, item["path"], Severity(item["severity"]), item["rule"], item["message"])


def _doubt(item: Any) -> Doubt:
    action, route = Action(item["action"]), Route(item["name"], "", ())
    before = None if action is Action.ADD else route
    return Doubt(Change(action, before, None if action is Action.DELETE else route), item["reason"])


def _change(item: Any) -> Change:
    at = item["location"]
    location = Location(at["file"], at["line"], at["column"]) if at else None
    change = _step(item, location)
    return replace(change, location=location, move=_move(item["move"], location) if item["move"] else None)


def _move(item: Any, location: Location | None) -> Move:
    steps = [_step(step, location) for step in item["steps"]]
    one_of = {step.action: step for step in steps}
    return Move(
        one_of.get(Action.ADD),
        tuple(step for step in steps if step.action is Action.DELETE),
        one_of.get(Action.UPDATE),
        tuple(map(_behind, item["behind"])),
        item["others"],
    )


def _step(item: Any, location: Location | None) -> Change:
    """One call. Its fields are worked out, not read: what is shown is what is sent."""
    before, after = _route(item["before"]), _route(item["after"])
    fields: tuple[FieldChange, ...] = ()
    if before is not None and after is not None:
        old, new = before.fields(), after.fields()
        fields = tuple(FieldChange(name, old[name], new[name]) for name in FIELDS if old[name] != new[name])
    return Change(
        Action(item["action"]), before, after, fields, id=item["id"], location=location if after is not None else None
    )


def _behind(item: Any) -> Behind:
    callers = item["callers"]
    numbers = tuple(item["numbers"])
    words = _words(item["words"], numbers)
    return Behind(item["route"], numbers, tuple(callers["match"]), tuple(callers["not"]), words)


def _impact(item: Any) -> Impact:
    callers, example, numbers = item["callers"], item["example"], tuple(item["numbers"])
    return Impact(
        numbers,
        tuple(callers["match"]),
        tuple(callers["not"]),
        _path(item["before"]),
        _path(item["after"]),
        CallExample(example["dial"], example["callerid"], example["sends_before"], example["sends_after"]),
        _words(item["words"], numbers),
    )


def _words(item: Any, numbers: tuple[str, ...]) -> NumberWords:
    return NumberWords(numbers) if item is None else NumberWords(tuple(item["patterns"]), tuple(item["but_not"]))


def _path(item: Any) -> CallPath | None:
    return None if item is None else CallPath(item["route"], tuple(item["trunks"]), item["prepend"], item["strip"])


def _verdict(item: Any) -> Verdict:
    claim = Claim(Location(item["file"], item["line"], item["column"]), item["dial"], item["callerid"] or "")
    return Verdict(claim, item["message"] or "", item["counterexample"], item["counterexample_callerid"])


def _route(item: Any) -> Route | None:
    return None if item is None else Route(**{name: _value(item[name]) for name in FIELDS})


def _value(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
