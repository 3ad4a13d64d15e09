"""What a route table does with a call → text for a person at night, and the JSON document of ``explain``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pbxsync.dialplan.pattern import MAX_NUMBER, parse
from pbxsync.dialplan.table import LAST_REACHED, Reason
from pbxsync.render.json import document, problem_item
from pbxsync.render.mismatch import taken, why
from pbxsync.render.paint import Paint
from pbxsync.render.text import counted
from pbxsync.text import listed, ordinal, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pbxsync.dialplan.table import Decision, PassedOver, RouteTable, Row
    from pbxsync.model import Problem

PLAIN = Paint()
#: Up to so many routes that are passed over are all shown, and never more.
_MANY = 20
#: How wide a column may become to keep the next one straight.
_COLUMN = 30
_NUMBER = frozenset("0123456789*#+")


@dataclass(frozen=True, slots=True)
class Call:
    """One call to explain: what is dialled, and who calls; None is a call without a caller id."""

    dial: str
    callerid: str | None = None


# --- text -----------------------------------------------------------------------------------------------------------


def call_text(table: RouteTable, call: Call, source: str, paint: Paint = PLAIN) -> str:
    """What becomes of the call, how, and why no route above takes it; ``source`` says whose routes these are."""
    decision = table.decide(call.dial, call.callerid)
    passed = list(table.passed_over(call.dial, call.callerid))
    caller = f"from {printable(call.callerid)}" if call.callerid else "without a caller id"
    lines = [paint.strong(f"{printable(call.dial)} {caller} ({printable(source)})")]
    if decision is None:
        reason = "no route takes this call" if passed else "there are no routes"
        lines.append(f"  → {paint.bad('not routed')}: {reason}")
    else:
        lines += _taken_lines(table.rows[decision.index], decision, call.dial, paint)
    lines += [f"  {paint.changed('note')}: {note}" for note in _notes(table, decision, call)]
    lines += _passed_lines(table, passed, call, paint)
    return "\n".join(lines) + "\n"


def _taken_lines(row: Row, decision: Decision, dial: str, paint: Paint) -> list[str]:
    """Which route takes the call, what it makes of the number, and what each trunk gets."""
    sends = printable(decision.sends) or "an empty number"
    off, prepend = printable(dial[:MAX_NUMBER][: row.strip]), printable(row.route.prepend)
    steps = [f"{off} is taken off the front"] if off else []
    steps += [f"{prepend} is put in front"] if prepend else []
    first, *rest = map(printable, decision.trunks or ("no trunk",))
    then = f"; if that fails, {', then '.join(rest)} {'gets' if len(rest) == 1 else 'get'} the same" if rest else ""
    return [
        f"  → {paint.good(printable(row.route.name))}, the {ordinal(decision.index + 1)} route: {taken(row.route)}",
        f"    {', '.join(steps)}: {sends}" if steps else f"    the number stays as it is: {sends}",
        f"    {first} gets {sends}{then}",
    ]


def _notes(table: RouteTable, decision: Decision | None, call: Call) -> list[str]:
    """What is odd about the call, or about the route that takes it."""
    notes = [_odd("number", call.dial), _odd("caller id", call.callerid or "")]
    if "-" in call.dial:
        notes.append("a - in the number counts for nothing in matching, but is taken off or sent as any character is")
    if len(call.dial) > MAX_NUMBER:
        notes.append(f"the number is cut to its first {MAX_NUMBER} characters, as a PBX does")
    if decision is not None:
        notes += _notes_on_route(table.rows[decision.index], decision.index)
    return [note for note in notes if note]


def _odd(what: str, text: str) -> str:
    odd = [f'"{printable(sign)}"' for sign in sorted(set(text) - _NUMBER - {"-"})]
    return f"the {what} holds {listed(odd)}, and numbers are made of 0-9, *, # and +" if odd else ""


def _notes_on_route(row: Row, index: int) -> list[str]:
    prefix = row.route.prefix
    own = parse(prefix)
    notes = []
    if prefix and (own is None or len(own.places) != row.strip):
        length = counted(row.strip, "character")
        notes.append(f"the prefix {printable(prefix)} takes {length} off: its text counts, not what it matches")
    if index >= LAST_REACHED:
        notes.append(f"a PBX gives up behind some {LAST_REACHED} routes, so it may never reach this one")
    return notes


def _passed_lines(table: RouteTable, passed: Sequence[PassedOver], call: Call, paint: Paint) -> list[str]:
    """The routes above and why they don't take the call; of a long table those alone that take the number."""
    if not passed:
        return []
    shown, rest = _selected(passed)
    names = [printable(one.route.name) for one in shown]
    patterns = [taken(one.route) for one in shown]
    name_width, pattern_width = (min(_COLUMN, max(map(len, column), default=0)) for column in (names, patterns))
    lines = [f"  passed over, {counted(len(passed), 'route')}:"]
    for one, name, pattern in zip(shown, names, patterns, strict=True):
        reason = why(table.rows[one.index], one.reason, call.dial, call.callerid)
        place = paint.faint(f"{one.index + 1:>3}")
        lines.append(f"  {place}  {name:<{name_width}}  {pattern:<{pattern_width}}  {reason}")
    return lines + [f"       {line}" for line in rest]


def _selected(passed: Sequence[PassedOver]) -> tuple[Sequence[PassedOver], list[str]]:
    """The routes to show one by one, and what is said of the rest."""
    if len(passed) <= _MANY:
        return passed, []
    close = [one for one in passed if one.reason is Reason.CALLERID]
    more, others = len(close) - _MANY, len(passed) - len(close)
    rest = [f"{more} more for certain callers only"] if more > 0 else []
    rest += [f"{others} whose pattern does not match the number"] if others else []
    return close[:_MANY], rest


# --- JSON -----------------------------------------------------------------------------------------------------------


def answer(table: RouteTable, call: Call) -> dict[str, Any]:
    """What becomes of the call, as JSON values."""
    decision = table.decide(call.dial, call.callerid)
    return {
        "dial": call.dial,
        "callerid": call.callerid,
        "route": decision.route.name if decision else None,
        "index": decision.index if decision else None,
        "sends": decision.sends if decision else None,
        "trunks": list(decision.trunks) if decision else None,
        "passed_over": [
            {"route": one.route.name, "reason": str(one.reason)} for one in table.passed_over(call.dial, call.callerid)
        ],
    }


def call_document(table: RouteTable, call: Call) -> str:
    """What ``explain --format json`` prints of the one number on the command line."""
    return document(**answer(table, call))


def calls_document(
    answers: Sequence[dict[str, Any]], problems: Iterable[Problem] = (), errors: Iterable[str] = ()
) -> str:
    """What it prints of several numbers, or where it failed: ``problems`` of the file, or what else went wrong."""
    return document(
        calls=answers,
        problems=[problem_item(problem) for problem in problems],
        errors=[{"file": None, "message": message} for message in errors],
    )
