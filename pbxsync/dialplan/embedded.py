"""Route tables → data that a program in another language can follow a call through, sign by sign, with no pattern read.

One automaton serves all tables. A node asks for the next sign of a number and leads to the node behind it; nodes that
ask for the same from there on are one, for numbers and caller ids alike. Every route has the node at which it begins,
so that the data grows with the tables' text and no faster, whatever patterns a PBX may hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from pbxsync.dialplan.pattern import MAX_NUMBER, Tail
from pbxsync.dialplan.table import row

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pbxsync.dialplan.pattern import Pattern
    from pbxsync.model import Route

#: The nodes at which a pattern ends: nothing may follow, something must, anything may.
ENDS = {Tail.NOTHING: 0, Tail.SOME: 1, Tail.ANY: 2}
#: Where a route begins that takes nothing.
NOWHERE = -1

#: Code points as first and last of each run, flat: ``(48, 57)`` is 0-9.
Place: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EmbeddedRoute:
    """What a route does to a call: where its number begins in the automaton, what it strips and prepends.

    ``callers`` is where the caller id begins, or None where the route takes everybody.
    """

    start: int
    strip: int
    prepend: str
    callers: int | None


@dataclass(frozen=True, slots=True)
class Embedded:
    """Some tables as data.

    To follow a number: cut it to ``longest`` code points, drop every ``-``, and begin at the route's ``start``. A node
    of ``nodes`` is a pair: the sign must be in that one of ``places``, and what is left goes to that node. The numbers
    of ENDS are ends instead. ``routes`` and ``actions`` are all routes, each once, and what they do; ``tables`` are the
    indexes of theirs, in order of precedence.
    """

    longest: int
    places: tuple[Place, ...]
    nodes: tuple[tuple[int, int], ...]
    routes: tuple[Route, ...]
    actions: tuple[EmbeddedRoute, ...]
    tables: tuple[tuple[int, ...], ...]


def embedded(tables: Iterable[Sequence[Route]]) -> Embedded:
    """The tables as data; a call that is followed through it comes to what `RouteTable.decide` says of it."""
    automaton = _Automaton()
    numbers: dict[Route, int] = {}
    kept = tuple(tuple(numbers.setdefault(route, len(numbers)) for route in table) for table in tables)
    actions = tuple(map(automaton.action, numbers))
    return Embedded(MAX_NUMBER, tuple(automaton.places), tuple(automaton.nodes), tuple(numbers), actions, kept)


class _Automaton:
    """The places and nodes so far, each once, with its number."""

    def __init__(self) -> None:
        self.places: dict[Place, int] = {}
        #: The ends come first, and ask for no sign.
        self.nodes: dict[tuple[int, int], int] = {(NOWHERE, end): end for end in ENDS.values()}
        self._known: dict[frozenset[str], int] = {}

    def action(self, route: Route) -> EmbeddedRoute:
        """The route, with its pattern and its callers' in the automaton."""
        read = row(route)
        callers = self._start(read.callers) if read.limited else None
        return EmbeddedRoute(self._start(read.pattern), read.strip, route.prepend, callers)

    def _start(self, pattern: Pattern | None) -> int:
        if pattern is None:
            return NOWHERE
        node = ENDS[pattern.tail]
        for place in reversed(pattern.places):
            node = self.nodes.setdefault((self._place(place), node), len(self.nodes))
        return node

    def _place(self, signs: frozenset[str]) -> int:
        found = self._known.get(signs)
        if found is None:
            found = self._known[signs] = self.places.setdefault(_runs(signs), len(self.places))
        return found


def _runs(signs: Iterable[str]) -> Place:
    codes = sorted(map(ord, signs))
    if not codes:
        return ()
    breaks = [code for one, other in pairwise(codes) if other > one + 1 for code in (one, other)]
    return (codes[0], *breaks, codes[-1])
