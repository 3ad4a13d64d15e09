"""A file's order and where its routes stand on a PBX → which routes may stay there, and which must go to the end.

A route must come behind another one exactly if it matches calls that the file gives to the other, and would send them
otherwise. What the PBX is told to add goes to the end of its table, so what must come behind that goes there as well.
"""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from pbxsync.dialplan.callers import Callers
from pbxsync.dialplan.cover import cover
from pbxsync.dialplan.difference import alike, noticed
from pbxsync.dialplan.impact import in_words, near_in
from pbxsync.dialplan.regions import Regions
from pbxsync.dialplan.table import RouteTable
from pbxsync.model import Behind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pbxsync.dialplan.numbers import Numbers
    from pbxsync.dialplan.regions import Chain, Handling
    from pbxsync.model import Route

#: So many routes that one must come behind are told, with their numbers; a catch-all may have thousands.
TOLD = 20
#: Of so many routes it takes less time to look at each than at all numbers.
_MANY = 64


@dataclass(frozen=True, slots=True)
class Standing:
    """The places of a route of the file on the PBX: none, one, or with copies of it several, in order.

    One that is ``fixed`` is not moved, whatever follows. With ``known`` False it is not known which of those at its
    places it is: it is not moved either, and no other is on its account. With ``copied`` no other copy of it may be
    put at the end: where none of its places will do, it is not moved.
    """

    places: tuple[int, ...] = ()
    fixed: bool = False
    known: bool = True
    copied: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a route is to stand: at ``place``, which is one of those where it stands, or with None at the end.

    ``behind`` says what it must come behind, if that is why it doesn't stay where it stands first (or, where it is
    fixed, why it should not); ``others`` is how many routes more there are.
    """

    place: int | None
    behind: tuple[Behind, ...] = ()
    others: int = 0


def placed(routes: Sequence[Route], standing: Sequence[Standing]) -> list[Placed]:
    """Where each route of a file is to stand; no route goes to the end that need not.

    ``routes`` are the file's, in its order, and ``standing`` is where each of them stands by now.
    """
    first = [_first(one) for one in standing]
    if all(above <= below for above, below in pairwise(first)):
        return [_staying(one) for one in standing]  # as on most days: the PBX's order is the file's
    return list(_Placing(routes, standing).all())


def _first(standing: Standing) -> float:
    """The place of the route, or of the first of its copies; the end is behind every place."""
    return standing.places[0] if standing.places else math.inf


def _staying(standing: Standing) -> Placed:
    return Placed(standing.places[0] if standing.places else None)


class _Placing:
    """The way down through a file's routes; what lies above the one at hand is placed already."""

    def __init__(self, routes: Sequence[Route], standing: Sequence[Standing]) -> None:
        self._standing = standing
        self._regions = Regions()
        self._table = RouteTable(routes)
        self._partition = self._regions.partition(self._table)
        #: The places of the routes so far that take calls, each with the route's key, from the top.
        self._by_place: list[tuple[float, int]] = []
        self._place: dict[int, float] = {}

    def all(self) -> Iterator[Placed]:
        """Place one route after the other."""
        for index, standing in enumerate(self._standing):
            handling = self._regions.handling(self._table.rows[index])
            if handling is None:
                yield _staying(standing)
                continue
            found = self._placed(handling, standing) if standing.places else _staying(standing)
            key = self._regions.key(handling)
            if (
                standing.known and self._partition.rows[key][0] == index
            ):  # another one that does the same never takes a call
                self._place[key] = math.inf if found.place is None else found.place
                insort(self._by_place, (self._place[key], key))
            yield found

    def _placed(self, handling: Handling, standing: Standing) -> Placed:
        conflicts = self._conflicts(handling, standing.places[0])
        if not conflicts:
            return _staying(standing)
        needed = max(self._place[other] for other in conflicts)
        later = next((place for place in standing.places if place > needed), None)
        told = sorted(conflicts, key=lambda other: self._partition.rows[other][0])[:TOLD]
        behind = [one for other in told for one in self._behind(other, handling, conflicts[other])]
        if standing.fixed or not standing.known or (standing.copied and later is None):
            later = standing.places[0]
        return Placed(later, tuple(behind), len(conflicts) - len(told))

    def _conflicts(self, handling: Handling, place: int) -> dict[int, dict[Callers, set[Chain]]]:
        """The routes, by their keys, that this one must come behind and that stand below this place, and whose calls.

        Of which numbers is told by their chains, since a broad route may have thousands of others above it.
        """
        later, numbers = self._later(handling, place)
        found: dict[int, dict[Callers, set[Chain]]] = {}
        for chain in self._partition.chains_within(numbers) if later else ():
            for key in later.intersection(chain):
                callers = self._callers(chain[: chain.index(key)], key, handling)
                if callers is not None and self._differ(key, handling, chain):
                    found.setdefault(key, {}).setdefault(callers, set()).add(chain)
        return found

    def _later(self, handling: Handling, place: int) -> tuple[set[int], Numbers]:
        """The keys of the routes so far that stand below a place, and the numbers that are worth a look."""
        shapes = self._regions.handlings
        below = self._by_place[bisect_right(self._by_place, (place, math.inf)) :]
        if len(below) > _MANY:
            return {key for _, key in below}, self._regions.numbers.of(handling.numbers)
        common = {key: both for _, key in below if (both := shapes[key].numbers & handling.numbers) is not None}
        return set(common), self._regions.numbers.of(*common.values())

    def _callers(self, above: Chain, key: int, handling: Handling) -> Callers | None:
        """The callers whom a route takes behind those above it, and whom the one at hand takes too; None is nobody."""
        conditions = [self._regions.handlings[one].callers for one in above]
        match = [one for one in (self._regions.handlings[key].callers, handling.callers) if one is not None]
        callers = Callers(tuple(match), tuple(one for one in conditions if one is not None))
        return self._regions.callers.simplest(callers) if self._regions.callers.anybody(callers) else None

    def _differ(self, key: int, handling: Handling, chain: Chain) -> bool:
        """Whether of some number of this chain the two routes send different digits, or to different trunks."""
        own = self._regions.key(handling)
        if alike(self._regions, key, own):
            return False
        if self._regions.handlings[key].trunks != handling.trunks:
            return True
        return bool(noticed(self._regions, key, own, self._numbers(key, handling, {chain})))

    def _numbers(self, key: int, handling: Handling, chains: set[Chain]) -> Numbers:
        """The numbers that both routes match and that have one of these chains."""
        both = self._regions.handlings[key].numbers & handling.numbers
        return self._partition.where(self._regions.numbers.of(*[both] if both else []), chains.__contains__)

    def _behind(self, key: int, handling: Handling, conflicts: dict[Callers, set[Chain]]) -> Iterator[Behind]:
        shape = self._regions.handlings[key].numbers
        both = shape & handling.numbers
        hints = [*([both] if both is not None else []), shape, handling.numbers]
        for callers, chains in sorted(conflicts.items(), key=lambda item: repr(item[0])):
            numbers = noticed(self._regions, key, self._regions.key(handling), self._numbers(key, handling, chains))
            shapes = cover(numbers, hints)
            yield Behind(
                self._partition.rows[key][1].route.name,
                tuple(shape.text for shape in shapes),
                tuple(shape.text for shape in callers.match),
                tuple(shape.text for shape in callers.but_not),
                in_words(numbers, shapes, hints[0], near_in([self._partition])),
            )
