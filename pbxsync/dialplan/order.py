"""A file's order and where its routes stand on a PBX → which routes may stay there, and which must go to the end.

A route must come behind another one exactly if it matches calls that the file gives to the other, and would send them
otherwise. What the PBX is told to add goes to the end of its table, so what must come behind that goes there as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pbxsync.dialplan.callers import Taker, outcomes
from pbxsync.dialplan.cover import cover
from pbxsync.dialplan.difference import alike, noticed
from pbxsync.dialplan.impact import in_words, near_in
from pbxsync.dialplan.regions import Regions
from pbxsync.dialplan.table import RouteTable
from pbxsync.model import Behind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pbxsync.dialplan.callers import Callers
    from pbxsync.dialplan.numbers import Numbers
    from pbxsync.dialplan.regions import Chain, Handling, Partition
    from pbxsync.model import Route

#: So many routes that one must come behind are told, with their numbers; a catch-all may have thousands.
TOLD = 20


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a route of the file stands on the PBX: nowhere, at one place, or with copies of it at several, in order.

    One that is ``fixed`` is not moved, whatever follows. With ``known`` False it is not known where the route stands,
    or which of several it is: then nothing is moved on its account.
    """

    places: tuple[int, ...] = ()
    fixed: bool = False
    known: bool = True


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
    return list(_Placing(routes, standing).all())


class _Placing:
    """The way down through a file's routes; what lies above the one at hand is placed already."""

    def __init__(self, routes: Sequence[Route], standing: Sequence[Standing]) -> None:
        self._standing = standing
        self._regions = Regions()
        self._table = RouteTable(routes)
        self._partition: Partition | None = None
        #: The place of each route so far: the end is behind every place, and what isn't known before any.
        self._places: list[float] = []

    def all(self) -> Iterator[Placed]:
        lowest = -math.inf
        for index, standing in enumerate(self._standing):
            first = standing.places[0] if standing.places else math.inf
            found = Placed(int(first)) if standing.places else Placed(None)
            if standing.known and lowest > first:
                found = self._placed(index, standing)
            place = math.inf if found.place is None else found.place
            self._places.append(place if standing.known else -math.inf)
            lowest = max(lowest, self._places[-1])
            yield found

    def _placed(self, index: int, standing: Standing) -> Placed:
        handling = self._regions.handling(self._table.rows[index])
        first = standing.places[0]
        conflicts = self._conflicts(index, handling, first) if handling is not None else {}
        if handling is None or not conflicts:
            return Placed(first)
        needed = max(self._places[other] for other in conflicts)
        place = first if standing.fixed else next((one for one in standing.places if one > needed), None)
        told = sorted(conflicts)[:TOLD]
        behind = [one for other in told for one in self._behind(other, handling, conflicts[other])]
        return Placed(place, tuple(behind), len(conflicts) - len(told))

    def _conflicts(self, index: int, handling: Handling, place: int) -> dict[int, dict[Callers, set[Chain]]]:
        """The routes above that stand below this place and that this one must come behind: whose calls, which chains.

        It is told by chains, not numbers, since a broad route may have thousands of such routes above it.
        """
        partition = self._whole()
        own = Taker(self._regions.key(handling), handling.callers)
        numbers = self._regions.numbers.of(handling.numbers)
        found: dict[int, dict[Callers, set[Chain]]] = {}
        for chain in partition.chains_within(numbers):
            later = {key for key in chain if partition.rows[key][0] < index and self._after(key, place)}
            if not any(not alike(self._regions, key, own.key) for key in later):
                continue
            for key, other, callers in outcomes(self._regions.callers, self._regions.takers(chain), [own]):
                if key in later and other == own.key and self._differ(key, handling, chain):
                    found.setdefault(partition.rows[key][0], {}).setdefault(callers, set()).add(chain)
        return found

    def _after(self, key: int, place: int) -> bool:
        return self._places[self._whole().rows[key][0]] > place

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
        return self._whole().where(self._regions.numbers.of(*[both] if both else []), chains.__contains__)

    def _behind(self, other: int, handling: Handling, conflicts: dict[Callers, set[Chain]]) -> Iterator[Behind]:
        key, route = next((key, row.route) for key, (index, row) in self._whole().rows.items() if index == other)
        shape = self._regions.handlings[key].numbers
        both = shape & handling.numbers
        hints = [*([both] if both is not None else []), shape, handling.numbers]
        for callers, chains in sorted(conflicts.items(), key=lambda item: repr(item[0])):
            numbers = noticed(self._regions, key, self._regions.key(handling), self._numbers(key, handling, chains))
            shapes = cover(numbers, hints)
            yield Behind(
                route.name,
                tuple(shape.text for shape in shapes),
                tuple(shape.text for shape in callers.match),
                tuple(shape.text for shape in callers.but_not),
                in_words(numbers, shapes, hints[0], near_in([self._whole()])),
            )

    def _whole(self) -> Partition:
        """What the file's routes take; made only where the order is in question."""
        if self._partition is None:
            self._partition = self._regions.partition(self._table)
        return self._partition
