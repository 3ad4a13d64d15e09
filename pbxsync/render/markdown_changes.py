"""Changes and the calls that go elsewhere → the rows of their tables in Markdown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pbxsync.model import Action
from pbxsync.render.impact import kinds_of_calls, numbers_of
from pbxsync.render.markdown_text import code, codes, table_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pbxsync.model import CallPath, Change, Impact, Move, NumberWords, Route

CHANGES_HEAD = table_row("Change", "Route", "Field", "Before", "After") + table_row(*["---"] * 5)
IMPACT_HEAD = table_row("Numbers", "Callers", "Before", "After", "Example") + table_row(*["---"] * 5)

_SIGNS = {Action.ADD: "+", Action.UPDATE: "~", Action.DELETE: "-", Action.MOVE: "↓"}
#: So many patterns of a row are shown, and so many routes that a moved one must come after.
_PATTERNS = 8
_BEHIND = 3


def change_rows(change: Change) -> str:
    """A row a field: of an added or deleted route those that are not empty, of a moved one why it is moved."""
    first = (f"`{_SIGNS[change.action]}` {change.action}", code(change.name))
    rows = _fields(change) or [("", "", "")]
    return "".join(table_row(*(first if at == 0 else ("", "")), *row) for at, row in enumerate(rows))


def _fields(change: Change) -> list[tuple[str, str, str]]:
    """Field, before and after of each row."""
    route = change.after or change.before
    if change.move is not None and route is not None:
        return [("place", "", _why(change.move, route))]
    if change.before is not None and change.after is not None:
        return [(code(field.field), _value(field.before), _value(field.after)) for field in change.fields]
    if route is None:
        return []
    own = {field: value for field, value in route.fields().items() if value and field != "name"}
    if change.after is None:
        return [(code(field), _value(value), "") for field, value in own.items()]
    return [(code(field), "", _value(value)) for field, value in own.items()]


def _value(value: str | tuple[str, ...]) -> str:
    return code(value) if isinstance(value, str) else codes(value) or "no trunk"


def _why(move: Move, route: Route) -> str:
    """Why a route is moved: what it must come after, and for which calls; or what is left to do of a move."""
    names = list(dict.fromkeys(one.route for one in move.behind))
    parts = [
        f"{code(one.route)}: {_numbers([one.words])}"
        f"{_callers(one.match, one.but_not, ' from ', ' from callers other than ')}"
        for one in move.behind[: 2 * _BEHIND]
        if one.route in names[:_BEHIND]
    ]
    more = len(names[_BEHIND:]) + move.others
    rest = f"; and {more} more" if more else ""
    why = f"must come after {'; '.join(parts)}{rest}" if parts else "stays where it is"
    if move.copy is not None and len(move.removals) == 1:
        return why
    gone = [_removal(one.before, route) for one in move.removals[:_PATTERNS] if one.before]
    others = f", and {len(move.removals) - _PATTERNS} more" if len(move.removals) > _PATTERNS else ""
    left = [f"deleted: {', '.join(gone)}{others}"] if gone else []
    left += [f"{code(move.rename.before.name)} gets its name"] if move.rename and move.rename.before else []
    return f"{why} (an earlier run began to move it; {'; '.join(left)})"


def _removal(old: Route, route: Route) -> str:
    """What is deleted of a moved route, with what differs if it does something else than the route does."""
    own = route.fields()
    other = [
        f"{field} {_value(value)}"
        for field, value in replace(old, name=route.name).fields().items()
        if value != own[field]
    ]
    return f"{code(old.name)} ({', '.join(other)})" if other else code(old.name)


def impact_rows(impact: Iterable[Impact]) -> tuple[str, ...]:
    """A row for all calls of which the same is noticed, the gravest first."""
    return tuple(_impact_row(group) for group in kinds_of_calls(impact))


def _impact_row(group: Sequence[Impact]) -> str:
    first = group[0]
    example = first.example
    caller = f" from {code(example.callerid)}" if example.callerid is not None else ""
    return table_row(
        _numbers(numbers_of(group)),
        _callers(first.match, first.but_not).strip() or "all",
        _goes_to(first.before),
        _goes_to(first.after),
        f"{code(example.dial)}{caller}{_sent(first)}",
    )


def _sent(entry: Impact) -> str:
    """The digits that are sent in the example, where they are news."""
    example = entry.example
    before, after = (code(digits or "") for digits in (example.sends_before, example.sends_after))
    if entry.after is None:
        return ""
    if entry.before is None:
        return f", sent as {after}" if example.sends_after != example.dial else ""
    return f", sent as {after}, was {before}" if example.sends_after != example.sends_before else ""


def _goes_to(path: CallPath | None) -> str:
    return "**not routed**" if path is None else codes(path.trunks) or "no trunk"


def _numbers(sets: Sequence[NumberWords]) -> str:
    each = [codes(words.patterns) + _but_not(words.but_not) for words in sets[:_PATTERNS]]
    more = f", and {len(sets) - _PATTERNS} more" if len(sets) > _PATTERNS else ""
    return ", ".join(each) + more


def _callers(match: Sequence[str], but_not: Sequence[str], lead: str = "", others: str = "all but ") -> str:
    """Which callers a set of calls is of; empty for everybody."""
    if not match:
        return f"{others}{codes(but_not)}" if but_not else ""
    shown = " and ".join(map(code, match[:_PATTERNS]))
    more = f" and {len(match) - _PATTERNS} more" if len(match) > _PATTERNS else ""
    return f"{lead}{shown}{more}" + (f" but not {codes(but_not)}" if but_not else "")


def _but_not(patterns: Sequence[str]) -> str:
    return f" (but not {codes(patterns)})" if patterns else ""
