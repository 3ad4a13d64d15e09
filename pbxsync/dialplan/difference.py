"""Two route tables → the calls that the one treats otherwise than the other.

What counts is what the caller and the trunk notice: the trunks, in order, and the digits that they are sent. Which
route does it, and what it is called, doesn't.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pbxsync.dialplan.automaton import Space, split
from pbxsync.dialplan.callers import Callers, outcomes
from pbxsync.dialplan.digits import sent_the_same
from pbxsync.dialplan.numbers import Numbers

if TYPE_CHECKING:
    from pbxsync.dialplan.automaton import Node
    from pbxsync.dialplan.regions import Chain, Partition, Regions
    from pbxsync.dialplan.table import RouteTable


@dataclass(frozen=True, slots=True)
class Difference:
    """Calls to ``numbers`` by ``callers`` that one route took and now another does, by their keys; None is no route."""

    before: int | None
    after: int | None
    callers: Callers
    numbers: Numbers


def differences(before: Partition, after: Partition) -> list[Difference]:
    """Every call whose trunks or digits differ, each in one Difference. Both tables are of the same Regions."""
    return _Comparison(before.regions).compared(before, after)


def compared(regions: Regions, before: RouteTable, after: RouteTable) -> tuple[Partition, Partition]:
    """Both tables, as far as calls may go elsewhere: to numbers that a route takes which changed, or moved.

    Where both tables have the same routes in the same order, they do the same, so that need not be looked at.
    """
    old, new = (list(dict.fromkeys(map(regions.key, regions.handlings_of(table)))) for table in (before, after))
    kept = set(_in_step(old, new))
    both = dict.fromkeys([*old, *new])
    touched = [key for key in both if key not in kept]
    if 2 * len(touched) > len(both):
        return regions.partition(before), regions.partition(after)  # to look at everything takes less then
    focus = regions.numbers.of(*(regions.handlings[key].numbers for key in touched))
    return regions.partition(before, focus), regions.partition(after, focus)


def _in_step(old: list[int], new: list[int]) -> list[int]:
    """As many keys as possible that stand in both lists in the same order."""
    place = {key: at for at, key in enumerate(new)}
    # The longest rising run of places, by patience: piles, the last place of each, and what lay left of it.
    tops: list[int] = []
    top_keys: list[int] = []
    left_of: dict[int, int | None] = {}
    for key in old:
        if key in place:
            pile = bisect_left(tops, place[key])
            left_of[key] = top_keys[pile - 1] if pile else None
            tops[pile : pile + 1] = [place[key]]
            top_keys[pile : pile + 1] = [key]
    run = []
    last = top_keys[-1] if top_keys else None
    while last is not None:
        run.append(last)
        last = left_of[last]
    return run


_Cell = tuple[int | None, int | None, Callers]


class _Comparison:
    def __init__(self, regions: Regions) -> None:
        self._regions = regions
        self._cells: dict[_Cell, int] = {}
        self._of_chains: dict[tuple[Chain, Chain], tuple[int, ...]] = {}

    def compared(self, before: Partition, after: Partition) -> list[Difference]:
        space: Space[tuple[int, ...]] = Space(())

        def shortcut(a: Node[Chain], b: Node[Chain]) -> Node[tuple[int, ...]] | None:
            return space.empty if a is b else None

        node = space.combine(self._cells_of, before.node, after.node, shortcut)
        parts = split(self._regions.numbers, node, lambda cells: cells)
        found = []
        for (one, other, callers), cell in self._cells.items():
            numbers = Numbers(self._regions.numbers, parts.get(cell, self._regions.numbers.empty))
            numbers = noticed(self._regions, one, other, numbers)
            if numbers:
                found.append(Difference(one, other, callers, numbers))
        return found

    def _cells_of(self, before: Chain, after: Chain) -> tuple[int, ...]:
        """What differs for a number that these routes take: sets of callers, each as the number of its cell."""
        key = (before, after)
        found = self._of_chains.get(key)
        if found is None:
            takers = self._regions.takers
            who = outcomes(self._regions.callers, takers(before), takers(after)) if before != after else ()
            cells = [cell for cell in who if not alike(self._regions, cell[0], cell[1])]
            found = tuple(self._cells.setdefault(cell, len(self._cells)) for cell in cells)
            self._of_chains[key] = found
        return found


def alike(regions: Regions, before: int | None, after: int | None) -> bool:
    """Whether two routes, by their keys, surely do the same with any number: the same trunks, the same digits."""
    if before is None or after is None:
        return before is after
    one, other = regions.handlings[before], regions.handlings[after]
    return (one.trunks, one.prepend, one.strip) == (other.trunks, other.prepend, other.strip)


def noticed(regions: Regions, before: int | None, after: int | None, numbers: Numbers) -> Numbers:
    """The numbers without those of which two routes, by their keys, send the same digits to the same trunks."""
    if before is None or after is None:
        return numbers
    one, other = regions.handlings[before], regions.handlings[after]
    if one.trunks != other.trunks:
        return numbers
    same = sent_the_same(one.strip, one.prepend, other.strip, other.prepend)
    return numbers - regions.numbers.of(*same) if same else numbers
