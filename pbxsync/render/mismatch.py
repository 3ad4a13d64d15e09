"""Why a route does not take a call, in words."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from pbxsync.dialplan.pattern import Tail, callerid_text, compared
from pbxsync.dialplan.table import Reason
from pbxsync.render.text import counted
from pbxsync.text import listed, ordinal, printable

if TYPE_CHECKING:
    from pbxsync.dialplan.pattern import Pattern
    from pbxsync.dialplan.table import Row
    from pbxsync.model import Route

_DIGITS = frozenset("0123456789")


def taken(route: Route) -> str:
    """What a route takes, in short: its prefix, its matchpattern and, if it has one, its caller id."""
    prefix = f"{printable(route.prefix)} | " if route.prefix else ""
    caller = f" from {printable(route.callerid)}" if route.callerid else ""
    return f"{prefix}{printable(route.matchpattern)}".strip() + caller


def why(row: Row, reason: Reason, dial: str, callerid: str | None) -> str:
    """Why the route does not take the call: what of the number, or of the caller id, is not as the route wants it."""
    if reason is Reason.NUMBER:
        return _difference(row.pattern, row.route.prefix + row.route.matchpattern, dial, "number")
    if not callerid:
        return "the number matches, but the call shows no caller id"
    return "the number matches, but " + _difference(
        row.callers, callerid_text(row.route.callerid), callerid, "caller id"
    )


def _difference(pattern: Pattern | None, text: str, number: str, what: str) -> str:
    """How a number differs from what the pattern takes; ``what`` is the kind of number."""
    if pattern is None:
        return f"no {what} matches: " + ("a [ of the pattern has no ]" if text else "the pattern is empty")
    if not all(pattern.places):
        return f"no {what} matches: a set in the pattern has no member"
    signs, wanted = compared(number), len(pattern.places)
    noun = "digit" if _DIGITS.issuperset(signs) else "character"
    at = pattern.mismatch(number)
    if at is not None and at < min(len(signs), wanted):
        return f"the {ordinal(at + 1)} {noun} of the {what} is {_shown(signs[at])}, not {_members(pattern.places[at])}"
    length = counted(len(signs), noun)
    if len(signs) > wanted:
        return f"the {what} is too long: {length}, not {wanted}"
    least = wanted + 1 if pattern.tail is Tail.SOME else wanted
    return f"the {what} is too short: {length}, not {least}{'' if pattern.tail is Tail.NOTHING else ' or more'}"


def _members(place: frozenset[str]) -> str:
    """The members of a set, three and more in a row as a range: ``2-5``, ``one of 1, 7-9``."""
    parts: list[str] = []
    for _, run in groupby(enumerate(sorted(place)), lambda item: ord(item[1]) - item[0]):
        signs = [_shown(sign) for _, sign in run]
        parts += [f"{signs[0]}-{signs[-1]}"] if len(signs) > 2 else signs
    return f"{'one of ' if len(parts) > 1 else ''}{listed(parts)}"


def _shown(sign: str) -> str:
    return '" "' if sign == " " else printable(sign)
