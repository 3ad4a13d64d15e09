"""Known routes → a routes file that declares them: the same text each time, and a plan from it is empty.

What no file may declare (a name that the API could take for other routes, two names that a PBX takes for one, a name
that is there twice, a route of several patterns or without trunks, a pattern that no number matches) is left out, with
a comment in its place. Of a route that an interrupted reorder has left half moved there is more than one on the PBX: it
is declared once, in the place of the first of them, since that one takes its calls.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pbxsync.equal_names import NameIndex, surely_equal_key
from pbxsync.lint_words import refusal
from pbxsync.names import copy_stem, declared_fault, is_copy, original, text_fault, trunk_fault
from pbxsync.quoting import quoted
from pbxsync.text import listed, short

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pbxsync.model import KnownRoute, KnownState, Route

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
    held = _Held(known.routes)
    first: dict[str, Route] = {}
    copies = []
    lines = [_HEAD + "version: 1", "pbx:"]
    lines += [f"  url: {quoted(url)}"] if url else []
    lines += [f"  type: {type}"]
    entries: list[str] = []
    left_out: list[LeftOut] = []
    without: set[str] = set()
    for one in known.routes:
        name = one.route.name
        route = held.declarable(one.route)
        reason = held.fault(one) or _differs(route, first.get(route.name, route))
        if is_copy(name) and route.name in without and reason is None:
            reason = f"it is of a half-done reorder, and {quoted(short(route.name))} above is left out"
        if reason is not None:
            without.add(name)
            if not held.has_patterns(name) or held.is_first(one):
                entries.append(f"  # left out: {quoted(short(name))}: {reason}")
            left_out.append(LeftOut(name, reason))
            continue
        if is_copy(name):
            copies.append(name)
        if route.name not in first:
            first[route.name] = route
            entries += _entry(route)
    lines += ["routes:" if first else "routes: []", *entries]
    return Export("\n".join(lines) + "\n", len(first), tuple(left_out), tuple(copies))


class _Held:
    """The routes of a PBX, each with the route that a file would declare for it, or why none can."""

    def __init__(self, routes: Iterable[KnownRoute]) -> None:
        self._items: dict[str, list[KnownRoute]] = {}
        for known in routes:
            self._items.setdefault(known.route.name, []).append(known)
        #: What the names of copies begin with, and the routes that these may be copies of.
        self._stems: dict[str, set[str]] = {}
        for name in self._items:
            for stem in (name, copy_stem(name)) if not is_copy(name) else ():
                self._stems.setdefault(stem, set()).add(name)
        self._index = NameIndex((name, name) for name in dict.fromkeys(map(self._declared, self._items)))
        #: Names to be declared, by what a PBX surely takes for one name.
        self._equal: dict[str, set[str]] = {}
        for known in routes:
            if self._own_fault(known) is None:
                name = self._declared(known.route.name)
                self._equal.setdefault(surely_equal_key(name), set()).add(name)

    def declarable(self, route: Route) -> Route:
        """Return the route as a file would declare it: a copy under the name of its route."""
        return replace(route, name=self._declared(route.name))

    def _declared(self, name: str) -> str:
        if len(self._items[name]) > 1 or not is_copy(name):
            return name
        own = self._stems.get(original(name), ())
        return next(iter(own)) if len(own) == 1 else original(name)

    def has_patterns(self, name: str) -> bool:
        """Return whether the PBX shows an item of one id for each pattern of the route of this name."""
        ids = {known.id for known in self._items[name]}
        return len(self._items[name]) > 1 and len(ids) == 1 and None not in ids

    def is_first(self, known: KnownRoute) -> bool:
        """Return whether no item of the same name is above this one."""
        return self._items[known.route.name][0] is known

    def fault(self, known: KnownRoute) -> str | None:
        """Return why no file can declare a route, or None."""
        name = self._declared(known.route.name)
        equal = self._equal.get(surely_equal_key(name), set()) - {name}
        shared = f"a PBX takes {_names(equal)} for the same name, and no file can declare both" if equal else None
        return self._own_fault(known) or shared

    def _own_fault(self, known: KnownRoute) -> str | None:
        name, route = known.route.name, self.declarable(known.route)
        for other in dict.fromkeys((name, route.name)):
            count = len(self._items.get(other, ()))
            if count > 1 and self.has_patterns(other):
                return f"it has {count} patterns, made in the PBX's web page, and a route of a file has one"
            if count > 1 and not declared_fault(other):
                return f"the PBX has {count} routes of this name"
        return _undeclarable(route) or (self._copy_fault(name) if is_copy(name) else None)

    def _copy_fault(self, name: str) -> str | None:
        """Return why a plan would not give a copy the name of its route."""
        own = self._stems.get(original(name), set())
        if len(own) > 1:
            return f"it is of a half-done reorder, and may be a copy of {_names(own)}"
        if own:
            return None  # its route is there
        equal = [other for other, _ in self._index.equal_to(original(name)) if other != original(name)]
        may = f"it is of a half-done reorder, and a PBX may take its name for that of {_names(equal)}"
        return may if equal else None


def _names(names: Iterable[str]) -> str:
    return listed(map(quoted, sorted(map(short, names))), 3)


def _differs(route: Route, first: Route) -> str | None:
    """Why a route can't count as the same as one above it, of which it is a copy, or which is a copy of it."""
    if route == first:
        return None
    return f"it is of a half-done reorder, and differs from {quoted(first.name)} above; the next plan takes it away"


def _undeclarable(route: Route) -> str | None:
    """Why no file can declare the route; None where one can."""
    fault = declared_fault(route.name)
    if fault:
        return f"no route of a file can have this name: {fault[1]}"
    if not route.trunks:
        return "it has no trunk"
    if not route.matchpattern:
        return "its matchpattern is empty"
    for trunk in route.trunks:
        fault = trunk_fault(trunk)
        if fault:
            return f"no trunk of a file can have the name {quoted(short(trunk))}: {fault[1]}"
    for text in (route.matchpattern, route.prefix, route.prepend, route.callerid):
        fault = text_fault(text)
        if fault:
            return f"one of its fields {fault[1].removeprefix('it ')}"
    return refusal(route)


def _entry(route: Route) -> list[str]:
    lines = [f"  - name: {quoted(route.name)}"]
    lines += [f"    prefix: {quoted(route.prefix)}"] if route.prefix else []
    lines += [f"    matchpattern: {quoted(route.matchpattern)}"]
    lines += [f"    prepend: {quoted(route.prepend)}"] if route.prepend else []
    lines += [f"    callerid: {quoted(route.callerid)}"] if route.callerid else []
    return [*lines, f"    trunks: [{', '.join(quoted(trunk) for trunk in route.trunks)}]"]
