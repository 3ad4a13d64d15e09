"""Problems, plans and outcomes → text for a person."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from pbxsync.model import Action, Applied, Change, Move, Outcome, Plan, Problem, Route, Severity, Status
from pbxsync.render.impact import impact_lines
from pbxsync.render.paint import Paint
from pbxsync.render.totals import Totals
from pbxsync.steps import HALF_DONE, in_words
from pbxsync.text import callers_in_words, listed, numbers_in_words, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PLAIN = Paint()
#: So many warnings of one rule are shown of each plan.
_WARNINGS = 10
_SIGNS = {Action.ADD: "+", Action.UPDATE: "~", Action.DELETE: "-", Action.MOVE: "↓"}
#: So many routes that a moved one must come behind are named.
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
    width = max((len(printable(change.name)) for change in (*plan.changes, *plan.skipped)), default=0)
    lines += [line for change in plan.changes for line in _change_lines(change, width, paint)]
    if plan.skipped:
        lines.append("  skipped, because of --add-only:")
        lines += [f"  {line}" for change in plan.skipped for line in _change_lines(change, width, paint)]
    if plan.unmanaged:
        names = ", ".join(f'"{name}"' if "," in name else name for name in map(printable, plan.unmanaged))
        lines.append(paint.faint(f"  unmanaged, left as they are: {names}"))
    if plan.changes:
        lines += impact_lines(plan.impact, paint)
    lines += _warning_lines(plan, paint)
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
    rest += f", {len(plan.blocked)} left alone (doubled on the PBX)" if plan.blocked else ""
    if plan.in_doubt:
        return f"Nothing of this is sent before what is in doubt ({len(plan.in_doubt)}) is settled: {rest}."
    if plan.blocked and not plan.changes:
        return f"Nothing that can be done: {rest}."
    if not plan.changes:
        return f"Nothing to do: {rest}."
    parts = [f"{plan.count(action)} to {action}" for action in Action]
    return f"Plan: {', '.join(parts)}; {rest}."


def _change_lines(change: Change, width: int, paint: Paint) -> list[str]:
    colours = {
        Action.ADD: paint.good,
        Action.UPDATE: paint.changed,
        Action.DELETE: paint.bad,
        Action.MOVE: paint.changed,
    }
    sign = colours[change.action](f"{_SIGNS[change.action]} {change.action:<6}")
    name = printable(change.name).ljust(width)
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
    """Why a route is moved: what it must come behind, and for which calls; or what is left to do of a move."""
    names = list(dict.fromkeys(one.route for one in move.behind))
    parts = [
        f"{printable(one.route)}: "
        f"{printable(numbers_in_words(one.words.patterns, one.words.but_not))}"
        f"{printable(callers_in_words(one.match, one.but_not))}"
        for one in move.behind
        if one.route in names[:_BEHIND]
    ]
    more = len(names[_BEHIND:]) + move.others
    rest = f"; and {counted(more, 'route')} more" if more else ""
    why = f"must come after {'; '.join(parts)}{rest}" if parts else "stays where it stands"
    if move.copy is not None and len(move.removals) == 1:
        return why
    gone = listed(_removal(one.before, route) for one in move.removals if one.before)
    left = [f"deleted: {gone}"] if gone else []
    left += [f"{printable(move.rename.before.name)} gets its name"] if move.rename and move.rename.before else []
    return f"{why} (an earlier run began to move it; {'; '.join(left)})"


def _removal(old: Route, route: Route) -> str:
    """What is deleted of a moved route, with what it does if that is something else than the route does."""
    same = replace(old, name=route.name) == route
    return printable(old.name) if same else f"{printable(old.name)} ({_described(old)})"


def _value(value: str | tuple[str, ...]) -> str:
    return f'"{printable(value)}"' if isinstance(value, str) else f"[{', '.join(printable(one) for one in value)}]"


def _described(route: Route) -> str:
    """A route in one line: what is dialled, by whom, what is put in front, which trunks carry it."""
    prefix = f"{printable(route.prefix)} | " if route.prefix else ""
    caller = f" from {printable(route.callerid)}" if route.callerid else ""
    prepend = f", {printable(route.prepend)} in front" if route.prepend else ""
    return f"{prefix}{printable(route.matchpattern)}{caller}{prepend} → {', '.join(map(printable, route.trunks))}"


def outcome_line(outcome: Outcome, paint: Paint = PLAIN) -> str:
    """One outcome on one line, without the line's end."""
    change = outcome.change
    what = f"{change.action} {printable(change.name)}"
    if outcome.moving is not None:
        what = f"move {printable(outcome.moving)}: {printable(in_words(change))}"
    if outcome.status is Status.APPLIED:
        return f"  {paint.good('✓ applied')}  {what}"
    if outcome.status is Status.NOT_ATTEMPTED:
        return f"  {paint.faint('· not attempted')}  {what}"
    word = "✗ failed" if outcome.status is Status.FAILED else "? in doubt"
    return f"  {paint.bad(word)}  {what}: {printable(outcome.error or '')}"


def applied_text(applied: Applied, paint: Paint = PLAIN) -> str:
    """What an apply came to: the findings of the query at the end, and the sum."""
    lines = [f"  {paint.bad('✗')} {printable(finding.message)}" for finding in applied.findings]
    lines += [f"  {paint.changed('note')}: {printable(note)}" for note in applied.notes]
    if applied.error:
        lines.append(f"  {paint.bad('error')}: {printable(applied.error)}")
    begun = sum(1 for outcome in applied.outcomes if outcome.error == HALF_DONE)
    parts = [f"{applied.count(Status.APPLIED)} applied", f"{applied.count(Status.FAILED) - begun} failed"]
    parts += [f"{begun} begun and not finished"] if begun else []
    parts += [f"{applied.count(Status.IN_DOUBT)} in doubt", f"{applied.count(Status.NOT_ATTEMPTED)} not attempted"]
    where = printable(applied.plan.file)
    stopped = " Interrupted: the rest was not attempted." if applied.interrupted else ""
    wrong = f" {len(applied.findings)} not as it should be on the PBX: plan again, and see." if applied.findings else ""
    return "\n".join([*lines, f"{where}: {', '.join(parts)}.{wrong}{stopped}"]) + "\n"


def faults(applied: Applied) -> list[str]:
    """What makes an apply fail, each on one line: where it stopped and why, or what the PBX stored otherwise."""
    stopped = [outcome for outcome in applied.outcomes if outcome.error not in (None, HALF_DONE)]
    lines = [_stopped(outcome, applied) for outcome in stopped]
    half = [outcome.change.name for outcome in applied.outcomes if outcome.error == HALF_DONE]
    lines += [f"move {listed(half)}: {HALF_DONE}"] if half else []
    lines += [finding.message for finding in applied.findings]
    return [*lines, applied.error] if applied.error else lines


def _stopped(outcome: Outcome, applied: Applied) -> str:
    what = f"{outcome.change.action} {outcome.change.name}"
    waiting = applied.count(Status.NOT_ATTEMPTED)
    stop = "" if (outcome.error or "").endswith("?") else "."
    left = f"{stop} {counted(waiting, 'change')} not attempted" if waiting else ""
    if outcome.status is Status.FAILED:
        again = "; once it is mended, run again to go on there" if left else ""
        return f"{what} failed: {outcome.error}{left}{again}"
    return f"{what} is in doubt: {outcome.error}{left}"


def totals(plans: Sequence[Plan]) -> str:
    """One line over the plans of several PBXs."""
    return Totals(plans).line()
