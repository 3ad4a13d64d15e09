"""Known routes → a routes file that declares them: the same text each time, and a plan from it is empty.

What no file may declare (a name that the API could take for other routes, a name that stands twice, a route without
trunks, a pattern that no number matches) is left out, with a comment where it stood. Of a route that an interrupted
reorder has left half moved there is more than one on the PBX: it is declared once, where the first of them stands,
since that one takes its calls.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pbxsync.lint_words import refusal
from pbxsync.names import control_character, declared_fault, is_copy, original, trunk_fault
from pbxsync.quoting import quoted

if TYPE_CHECKING:
    from pbxsync.model import KnownState, Route

_HEAD = """\
# yaml-language-server: $schema=routes.schema.json
# The line above is for editors; it names the file that this writes: pbxsync schema routes > routes.schema.json
"""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A route of the PBX that a file can't declare, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Export:
    """The text of a routes file, and how many routes it declares.

    ``left_out`` are routes that it doesn't declare, ``copies`` the names of those that a reorder has left: each is
    declared as the route that it is a copy of.
    """

    text: str
    declared: int
    left_out: tuple[LeftOut, ...]
    copies: tuple[str, ...]


def export(known: KnownState, *, url: str | None, type: str) -> Export:
    """Write the routes in the PBX's order. ``url`` and ``type`` go into the file's ``pbx`` section."""
    count = Counter(one.route.name for one in known.routes)
    first: dict[str, Route] = {}
    copies = []
    lines = [_HEAD + "version: 1", "pbx:"]
    lines += [f"  url: {quoted(url)}"] if url else []
    lines += [f"  type: {type}"]
    entries: list[str] = []
    left_out: list[LeftOut] = []
    declared = 0
    for one in known.routes:
        name = one.route.name
        route = replace(one.route, name=original(name)) if count[name] == 1 and is_copy(name) else one.route
        reason = _undeclarable(route, max(count[name], count[route.name])) or _differs(
            route, first.get(route.name, route)
        )
        if reason is not None:
            left_out.append(LeftOut(name, reason))
            entries.append(f"  # left out: {quoted(name)}: {reason}")
            continue
        if is_copy(name):
            copies.append(name)
        if route.name not in first:
            first[route.name] = route
            entries += _entry(route)
            declared += 1
    lines += ["routes:" if declared else "routes: []", *entries]
    return Export("\n".join(lines) + "\n", declared, tuple(left_out), tuple(copies))


def _differs(route: Route, first: Route) -> str | None:
    """Why a route can't count as the same as one above it, of which it is a copy, or which is a copy of it."""
    if route == first:
        return None
    return f"it is of a half-done reorder, and differs from {quoted(first.name)} above; the next plan takes it away"


def _undeclarable(route: Route, count: int) -> str | None:
    """Why no file can declare the route; None where one can."""
    fault = declared_fault(route.name)
    if fault:
        return f"no route of a file can have this name: {fault[1]}"
    if count > 1:
        return f"the PBX has {count} routes of this name"
    if not route.trunks:
        return "it has no trunk"
    if not route.matchpattern:
        return "its matchpattern is empty"
    for trunk in route.trunks:
        fault = trunk_fault(trunk)
        if fault:
            return f"no trunk of a file can have the name {quoted(trunk)}: {fault[1]}"
    for text in (route.matchpattern, route.prefix, route.prepend, route.callerid):
        character = control_character(text)
        if character:
            return f"one of its fields holds the control character {character}"
    return refusal(route)


def _entry(route: Route) -> list[str]:
    lines = [f"  - name: {quoted(route.name)}"]
    lines += [f"    prefix: {quoted(route.prefix)}"] if route.prefix else []
    lines += [f"    matchpattern: {quoted(route.matchpattern)}"]
    lines += [f"    prepend: {quoted(route.prepend)}"] if route.prepend else []
    lines += [f"    callerid: {quoted(route.callerid)}"] if route.callerid else []
    return [*lines, f"    trunks: [{', '.join(quoted(trunk) for trunk in route.trunks)}]"]
