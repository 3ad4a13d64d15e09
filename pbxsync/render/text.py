"""Problems, plans and outcomes → text for a person."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from pbxsync.model import (
    Action,
    Applied,
    Change,
    Move,
    Outcome,
    Plan,
    PlanWarning,
    Problem,
    Route,
    Severity,
    Status,
)
from pbxsync.render.impact import impact_lines
from pbxsync.render.paint import Paint
from pbxsync.render.totals import Totals
from pbxsync.steps import HALF_DONE, STUCK, in_words
from pbxsync.text import LONGEST_PHRASE, callers_in_words, listed, numbers_in_words, printable, short

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PLAIN = Paint()
#: What is said of a move that was begun and not finished.
_BEGUN = (HALF_DONE, STUCK)
#: So many warnings of one rule are shown of each plan.
_WARNINGS = 10
_SIGNS = {Action.ADD: "+", Action.UPDATE: "~", Action.DELETE: "-", Action.MOVE: "↓"}
#: So many routes that a moved one must come after are named.
_BEHIND = 3


def problem_lines(problems: Iterable[Problem], paint: Paint = PLAIN) -> str:
    """One line a problem: ``file:line:column: error: message [rule-id]``."""
    lines = []
    for problem in problems:
        severity = paint.bad("error") if problem.severity is Severity.ERROR else paint.changed("warning")
        place = paint.strong(printable(str(problem.location)))
        lines.append(f"{place}: {severity}: {printable(problem.message)} {paint.faint(f'[{problem.rule}]')}\n")
    return "".join(lines)


def plan_text(plan: Plan, paint: Paint = PLAIN) -> str:
    """The plan of one PBX: what it is for, its changes, what it leaves alone, what it warns of, and the sum."""
    lines = [paint.strong(_headline(plan))]
    width = max((len(_name(change.name)) for change in (*plan.changes, *plan.skipped)), default=0)
    lines += [line for change in plan.changes for line in _change_lines(change, width, paint)]
    if plan.skipped:
        lines.append("  skipped, because of --add-only:")
        lines += [f"  {line}" for change in plan.skipped for line in _change_lines(change, width, paint)]
    if plan.unmanaged:
        names = ", ".join(f'"{name}"' if "," in name else name for name in map(_name, plan.unmanaged))
        lines.append(paint.faint(f"  unmanaged, left as they are: {names}"))
    if plan.ignored:
        lines.append(paint.faint(f"  ignored, as the file says: {', '.join(map(_name, plan.ignored))}"))
    if plan.changes:
        lines += impact_lines(plan.impact, paint)
    lines += _warning_lines(plan, paint)
    lines += [_error_line(refusal, paint) for refusal in (*plan.failures, *plan.refusals)]
    for verdict in plan.failed_tests:
        place = printable(str(verdict.claim.location))
        lines.append(f"  {paint.bad('✗ test')} {place}: {printable(verdict.message)}")
    return "\n".join([*lines, _sum(plan), *_tests_sum(plan)]) + "\n"


def _warning_lines(plan: Plan, paint: Paint) -> list[str]:
    """A line a warning; of those of one rule only so many, so that the others are seen."""
    lines = []
    shown: Counter[str] = Counter()
    for warning in plan.warnings:
        shown[warning.rule] += 1
        if shown[warning.rule] <= _WARNINGS:
            mark = paint.changed("warning")
            lines.append(f"  {mark}: {printable(warning.message)} {paint.faint(f'[{warning.rule}]')}")
    for rule, count in shown.items():
        if count > _WARNINGS:
            more = f"… and {count - _WARNINGS} more of this kind; --format json shows them all"
            lines.append(f"  {more} {paint.faint(f'[{rule}]')}")
    return lines


def _error_line(error: PlanWarning, paint: Paint) -> str:
    return f"  {paint.bad('✗ error')}: {printable(error.message)} {paint.faint(f'[{error.rule}]')}"


def _tests_sum(plan: Plan) -> list[str]:
    if plan.failed_tests:
        failed = f"{len(plan.failed_tests)} of {len(plan.tests or ())}"
        holds = "will hold" if plan.changes else "holds"
        return [f"Tests: {failed} fail on what the PBX {holds}; apply sends nothing."]
    if plan.tests is None:
        return ["Tests: not run, because of --no-tests."]
    return [f"Tests: {counted(len(plan.tests), 'test')} passed."] if plan.tests else []


def counted(count: int, noun: str, plural: str = "") -> str:
    """``1 route``, ``2 routes``."""
    return f"{count} {noun if count == 1 else plural or f'{noun}s'}"


def _headline(plan: Plan) -> str:
    name = f" ({plan.pbx_name})" if plan.pbx_name else ""
    source = "live" if plan.known_state == "live" else f"known from {printable(plan.known_state)}"
    return f"{printable(plan.file)} → {printable(plan.pbx_url or 'no PBX named')}{name}, {source}"


def _sum(plan: Plan) -> str:
    rest = f"{plan.unchanged} unchanged, {len(plan.unmanaged)} unmanaged"
    rest += f", {len(plan.ignored)} ignored" if plan.ignored else ""
    rest += f", {len(plan.blocked)} left alone" if plan.blocked else ""
    errors = counted(len(plan.refusals) + len(plan.failures), "error")
    if plan.refusals:
        return f"Refused: apply sends nothing of this plan, because of {errors}; {rest}."
    if plan.in_doubt:
        return f"Nothing of this is sent before what is in doubt ({len(plan.in_doubt)}) is settled: {rest}."
    if plan.failures and not plan.changes:
        return f"Nothing that can be done, because of {errors}: {rest}."
    if not plan.changes:
        return f"Nothing to do: {rest}."
    parts = [f"{plan.count(action)} to {action}" for action in Action]
    return f"Plan: {', '.join(parts)}; {rest}.{f' {errors}: see above.' if plan.failures else ''}"


def _change_lines(change: Change, width: int, paint: Paint) -> list[str]:
    colours = {
        Action.ADD: paint.good,
        Action.UPDATE: paint.changed,
        Action.DELETE: paint.bad,
        Action.MOVE: paint.changed,
    }
    sign = colours[change.action](f"{_SIGNS[change.action]} {change.action:<6}")
    name = _name(change.name).ljust(width)
    if change.move is not None:
        route = change.after or change.before
        return [f"  {sign}  {name}  {_why(change.move, route) if route else ''}"]
    if change.before is None or change.after is None:
        route = change.after or change.before
        return [f"  {sign}  {name}  {_described(route) if route else ''}"]
    lines = [f"  {sign}  {name}".rstrip()]
    for field in change.fields:
        before, after = paint.bad(_value(field.before)), paint.good(_value(field.after))
        lines.append(f"              {field.field}: {before} → {after}")
    return lines


def _why(move: Move, route: Route) -> str:
    """Why a route is moved: what it must come after, and for which calls; or what is left to do of a move."""
    names = list(dict.fromkeys(one.route for one in move.behind))
    parts = [
        f"{_name(one.route)}: "
        f"{printable(numbers_in_words(one.words.patterns, one.words.but_not))}"
        f"{printable(callers_in_words(one.match, one.but_not))}"
        for one in move.behind
        if one.route in names[:_BEHIND]
    ]
    more = len(names[_BEHIND:]) + move.others
    rest = f"; and {counted(more, 'route')} more" if more else ""
    why = f"must come after {'; '.join(parts)}{rest}" if parts else "stays where it is"
    if move.copy is not None and len(move.removals) == 1:
        return why
    gone = listed((_removal(one.before, route) for one in move.removals if one.before), longest=LONGEST_PHRASE)
    left = [f"deleted: {gone}"] if gone else []
    left += [f"{_name(move.rename.before.name)} gets its name"] if move.rename and move.rename.before else []
    return f"{why} (an earlier run began to move it; {'; '.join(left)})"


def _removal(old: Route, route: Route) -> str:
    """What is deleted of a moved route, with what it does if that is something else than the route does."""
    same = replace(old, name=route.name) == route
    return _name(old.name) if same else f"{_name(old.name)} ({_described(old)})"


def _value(value: str | tuple[str, ...]) -> str:
    if isinstance(value, str):
        return f'"{printable(short(value, LONGEST_PHRASE))}"'
    return f"[{', '.join(map(_name, value))}]"


def _described(route: Route) -> str:
    """A route in one line: what is dialled, by whom, what is put in front, which trunks carry it."""
    prefix = f"{_name(route.prefix)} | " if route.prefix else ""
    caller = f" from {_name(route.callerid)}" if route.callerid else ""
    prepend = f", {_name(route.prepend)} in front" if route.prepend else ""
    return f"{prefix}{_name(route.matchpattern)}{caller}{prepend} → {', '.join(map(_name, route.trunks))}"


def _name(name: str) -> str:
    return printable(short(name))


def outcome_line(outcome: Outcome, paint: Paint = PLAIN) -> str:
    """One outcome on one line, without the line's end."""
    change = outcome.change
    what = f"{change.action} {_name(change.name)}"
    if outcome.moving is not None:
        what = f"move {_name(outcome.moving)}: {printable(in_words(change))}"
    if outcome.status is Status.APPLIED:
        return f"  {paint.good('✓ applied')}  {what}"
    if outcome.status is Status.NOT_ATTEMPTED:
        return f"  {paint.faint('· not attempted')}  {what}"
    word = "✗ failed" if outcome.status is Status.FAILED else "? in doubt"
    return f"  {paint.bad(word)}  {what}: {printable(outcome.error or '')}"


def applied_text(applied: Applied, paint: Paint = PLAIN) -> str:
    """What an apply came to: the findings of the query at the end, and the sum."""
    lines = [f"  {paint.bad('✗')} {printable(finding.message)}" for finding in applied.findings]
    if applied.elsewhere is not None:
        lines += impact_lines(applied.elsewhere, paint, head="Calls that go elsewhere now than before this run:")
    lines += [f"  {paint.changed('note')}: {printable(note)}" for note in applied.notes]
    if applied.error:
        lines.append(f"  {paint.bad('error')}: {printable(applied.error)}")
    begun = sum(1 for outcome in applied.outcomes if outcome.error in _BEGUN)
    parts = [f"{applied.count(Status.APPLIED)} applied", f"{applied.count(Status.FAILED) - begun} failed"]
    parts += [f"{begun} begun and not finished"] if begun else []
    parts += [f"{applied.count(Status.IN_DOUBT)} in doubt", f"{applied.count(Status.NOT_ATTEMPTED)} not attempted"]
    where = printable(applied.plan.file)
    stopped = " Interrupted: the rest was not attempted." if applied.interrupted else ""
    wrong = f" {len(applied.findings)} not as it should be on the PBX; see above." if applied.findings else ""
    return "\n".join([*lines, f"{where}: {', '.join(parts)}.{wrong}{stopped}"]) + "\n"


def faults(applied: Applied) -> list[str]:
    """What makes an apply fail, each on one line: where it stopped and why, or what the PBX stored otherwise."""
    stopped = [outcome for outcome in applied.outcomes if outcome.error not in (None, *_BEGUN)]
    lines = [_stopped(outcome, applied) for outcome in stopped]
    for why in _BEGUN:
        half = [outcome.change.name for outcome in applied.outcomes if outcome.error == why]
        lines += [f"move {listed(half)}: {why}"] if half else []
    lines += [finding.message for finding in applied.findings]
    lines += [failure.message for failure in applied.plan.failures]
    return [*lines, applied.error] if applied.error else lines


def _stopped(outcome: Outcome, applied: Applied) -> str:
    what = f"{outcome.change.action} {short(outcome.change.name)}"
    waiting = applied.count(Status.NOT_ATTEMPTED)
    stop = "" if (outcome.error or "").endswith("?") else "."
    left = f"{stop} {counted(waiting, 'change')} not attempted" if waiting else ""
    if outcome.status is Status.FAILED:
        again = "; once that is put right, run again to go on there" if left and not applied.findings else ""
        return f"{what} failed: {outcome.error}{left}{again}"
    return f"{what} is in doubt: {outcome.error}{left}"


def totals(plans: Sequence[Plan]) -> str:
    """One line over the plans of several PBXs."""
    return Totals(plans).line()
