"""What a PBX may make of a route when it stores it, and what to write in the file then.

Measured on the line of firmware that this API belongs to: a field is set in upper case, all but `0-9*#+-.[]XNZ` is
taken out, and it is cut after 60 characters (prepend after 100); an unknown trunk may be left out. Names are the
subject of `equal_names`.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from pbxsync.dialplan.pattern import callerid_text, parse, stripped
from pbxsync.equal_names import NAME_LIMIT, may_be_equal
from pbxsync.names import declared_fault
from pbxsync.text import listed

if TYPE_CHECKING:
    from pbxsync.model import Route

_NOT_KEPT = re.compile(r"[^0-9*#+\-.\[\]XNZ]")
_FIELD, _PREPEND = 60, 100
#: So much of a field is looked at. An answer may hold any text, and no PBX keeps more.
_LONGEST = 2_000


def stored_key(route: Route) -> tuple[str, ...]:
    """Return what all routes have in common that a PBX may store alike; trunks and name are left out."""
    return (_kept(route.prefix), _kept(route.matchpattern), _kept(route.prepend, _PREPEND), _kept(route.callerid))


def may_be_stored_as(sent: Route, stored: Route) -> bool:
    """Return whether the fields of ``stored`` are those of ``sent``, or what a PBX may make of them; names aside."""
    return stored_key(sent) == stored_key(stored) and _trunks_left(sent.trunks, stored.trunks)


def _kept(text: str, limit: int = _FIELD) -> str:
    return _NOT_KEPT.sub("", html.unescape(text[:_LONGEST]).upper())[:limit]


def _trunks_left(sent: tuple[str, ...], stored: tuple[str, ...]) -> bool:
    """Return whether the stored trunks are the sent ones in their order, without some of them perhaps."""
    rest = iter(sent)
    return len(stored) <= len(sent) and all(any(may_be_equal(trunk, other) for other in rest) for trunk in stored)


def name_stored_as(sent: str, stored: str) -> str | None:
    """Return how the PBX came from one name to the other, in words; None where it is not plain."""
    if sent == stored:
        return None
    if sent.startswith(stored):
        sizes = {len(stored): "characters", len(stored.encode("utf-8", "replace")): "bytes"}
        return f"cut to {NAME_LIMIT} {sizes[NAME_LIMIT]}" if NAME_LIMIT in sizes else "cut short"
    if html.unescape(stored) == sent:
        return "with HTML entities"
    if " ".join(sent.split()) == stored:
        return "with other spaces"
    return None


def what_to_write(sent: Route, stored: Route) -> str:
    """Return what to write in the file where the PBX stored a route otherwise than it was sent."""
    advice = []
    if sent.name != stored.name:
        how = name_stored_as(sent.name, stored.name)
        fault = declared_fault(stored.name)
        kept = f'write name: "{stored.name}" in the file'
        if fault is not None:
            kept = f'delete "{stored.name}" on the PBX, and choose a name that it keeps'
        advice.append(kept + (f" (the name was stored {how})" if how else ""))
    fields = [name for name in _TEXTS if getattr(sent, name) != getattr(stored, name)]
    if fields and _takes(sent) == _takes(stored):
        advice.append("write " + ", ".join(f'{name}: "{getattr(stored, name)}"' for name in fields) + " in the file")
    elif fields:
        advice.append(f"with that the route does something else: write {listed(fields)} in signs that the PBX keeps")
    if sent.trunks != stored.trunks:
        advice.append("write the trunks as the PBX has them (pbxsync ping shows them)")
    text = "; ".join(advice)
    return text[:1].upper() + text[1:]


_TEXTS = ("prefix", "matchpattern", "prepend", "callerid")


def _takes(route: Route) -> tuple[object, ...]:
    """What a route takes and sends: equal for two routes that do the same."""
    callers = parse(callerid_text(route.callerid)) if route.callerid else ""
    return parse(route.prefix + route.matchpattern), stripped(route.prefix), route.prepend, callers
