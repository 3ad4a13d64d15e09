"""Known routes → a routes file that declares them: the same text each time, and a plan from it is empty.

What no file may declare (a name that the API could take for other routes, a name that stands twice, a route without
trunks, a pattern that no number matches) is left out, with a comment where it stood.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pbxsync.lint_words import refusal
from pbxsync.names import control_character, route_fault, trunk_fault
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
    """The text of a routes file, and the routes that it leaves out."""

    text: str
    left_out: tuple[LeftOut, ...]


def export(known: KnownState, *, url: str | None, type: str) -> Export:
    """Write the routes in the PBX's order. ``url`` and ``type`` go into the file's ``pbx`` section."""
    count = Counter(route.route.name for route in known.routes)
    lines = [_HEAD + "version: 1", "pbx:"]
    lines += [f"  url: {quoted(url)}"] if url else []
    lines += [f"  type: {type}"]
    entries: list[str] = []
    left_out: list[LeftOut] = []
    declared = 0
    for one in known.routes:
        reason = _undeclarable(one.route, count[one.route.name])
        if reason is None:
            entries += _entry(one.route)
            declared += 1
        else:
            left_out.append(LeftOut(one.route.name, reason))
            entries.append(f"  # left out: {quoted(one.route.name)}: {reason}")
    lines += ["routes:" if declared else "routes: []", *entries]
    return Export("\n".join(lines) + "\n", tuple(left_out))


def _undeclarable(route: Route, count: int) -> str | None:
    """Why no file can declare the route; None where one can."""
    fault = route_fault(route.name)
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
