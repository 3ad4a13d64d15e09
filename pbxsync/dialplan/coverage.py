"""How the routes of a table stand to each other: which get no call, or lose calls to a broader one above them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from pbxsync.dialplan.blame import Blame, blame
from pbxsync.dialplan.callers import Callers
from pbxsync.dialplan.cover import cover
from pbxsync.dialplan.crowds import crowded
from pbxsync.dialplan.digits import sent_the_same
from pbxsync.dialplan.pattern import Tail, callerid_text
from pbxsync.dialplan.regions import Regions
from pbxsync.dialplan.shape import shape_of
from pbxsync.dialplan.table import LAST_REACHED, RouteTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pbxsync.dialplan.numbers import Numbers
    from pbxsync.dialplan.regions import Chain, Handling
    from pbxsync.dialplan.shape import Shape
    from pbxsync.dialplan.table import Row
    from pbxsync.model import Route

#: Of so many routes it is told which numbers each takes.
_TOLD = 3


@dataclass(frozen=True, slots=True)
class NoCaller:
    """No caller id matches the route's callerid, and so the route takes no call."""

    index: int
    blame: Blame


@dataclass(frozen=True, slots=True)
class Unreachable:
    """No call reaches the route, since these above it take all that it would, by their indexes.

    ``twin`` tells that there is one, for the same numbers and callers.
    """

    index: int
    takers: tuple[int, ...]
    twin: bool


@dataclass(frozen=True, slots=True)
class Loss:
    """Numbers, as dial patterns, that a broader route takes, which stands above, by its index."""

    by: int
    numbers: tuple[str, ...]
    example: str


@dataclass(frozen=True, slots=True)
class Shadowed:
    """The route loses calls to broader ones above it: the first of them, and how many there are besides.

    Calls that go to the same trunks with the same digits either way are not lost.
    """

    index: int
    losses: tuple[Loss, ...]
    more: int


@dataclass(frozen=True, slots=True)
class BeyondLimit:
    """So many routes, from this one on, stand where a call may not come to."""

    index: int
    count: int


TableFinding: TypeAlias = NoCaller | Unreachable | Shadowed | BeyondLimit


def table_findings(table: RouteTable) -> Iterator[TableFinding]:
    """What is odd in how the routes stand to each other. A route that no number matches is passed over."""
    if len(table.rows) > LAST_REACHED:
        yield BeyondLimit(LAST_REACHED, len(table.rows) - LAST_REACHED)
    coverage = _Coverage(table)
    for index, row in enumerate(table.rows):
        finding = coverage.finding(index, row)
        if finding is not None:
            yield finding


def route_findings(routes: Sequence[Route]) -> Iterator[TableFinding]:
    """The same of routes that are no table yet, of which only those are looked at closely that may share a call."""
    if len(routes) > LAST_REACHED:
        yield BeyondLimit(LAST_REACHED, len(routes) - LAST_REACHED)
    indexes = crowded(routes)
    for finding in table_findings(RouteTable(routes[at] for at in indexes)):
        if isinstance(finding, BeyondLimit):
            continue
        if isinstance(finding, Unreachable):
            finding = replace(finding, takers=tuple(indexes[at] for at in finding.takers))
        elif isinstance(finding, Shadowed):
            finding = replace(finding, losses=tuple(replace(loss, by=indexes[loss.by]) for loss in finding.losses))
        yield replace(finding, index=indexes[finding.index])


class _Coverage:
    """A table as regions, and what was found out of it for one route that the next may use too."""

    def __init__(self, table: RouteTable) -> None:
        self._regions = Regions()
        self._partition = self._regions.partition(table)
        self._reached = self._partition.reached()
        self._broader_than: dict[Shape, list[int]] = {}
        self._takers_of: dict[tuple[Chain, Shape | None], set[int]] = {}

    def finding(self, index: int, row: Row) -> TableFinding | None:
        handling = self._regions.handling(row)
        if handling is None:
            why = blame(callerid_text(row.route.callerid)) if row.limited and shape_of(row.pattern) else None
            return NoCaller(index, why) if why is not None else None
        key = self._regions.key(handling)
        if key not in self._reached or self._index(key) != index:
            return self._unreachable(index, handling)
        return self._shadowed(index, handling)

    def _index(self, key: int) -> int:
        return self._partition.rows[key][0]

    def _unreachable(self, index: int, handling: Handling) -> Unreachable:
        chains = self._partition.chains_within(self._regions.numbers.of(handling.numbers))
        takers = {key for chain in chains for key in self._takers(chain, handling.callers)}
        twin = len(takers) == 1 and all(self._same(handling, self._regions.handlings[key]) for key in takers)
        return Unreachable(index, tuple(sorted(map(self._index, takers))), twin)

    def _same(self, one: Handling, other: Handling) -> bool:
        """Whether both take the same calls."""
        numbers = self._regions.numbers.of
        callers = self._all_of(one.callers, other.callers) and self._all_of(other.callers, one.callers)
        return callers and numbers(one.numbers) == numbers(other.numbers)

    def _takers(self, chain: Chain, callers: Shape | None) -> set[int]:
        """The routes that get calls of these callers to a number with this chain."""
        found = self._takers_of.get((chain, callers))
        if found is None:
            found = self._takers_of[chain, callers] = set(self._takers_in(chain, callers))
        return found

    def _takers_in(self, chain: Chain, callers: Shape | None) -> Iterator[int]:
        # One of them asks for no less than these callers, for they are those of a route that takes the number.
        asked = [self._regions.handlings[key].callers for key in chain]
        last = next(at for at, one in enumerate(asked) if self._all_of(callers, one))
        for at, key in enumerate(chain[: last + 1]):
            match = tuple(one for one in (callers, asked[at]) if one is not None)
            but_not = tuple(one for one in asked[:at] if one is not None)
            if self._regions.callers.anybody(Callers(match, but_not)):
                yield key

    def _shadowed(self, index: int, handling: Handling) -> Shadowed | None:
        losses: list[tuple[int, Shape, Numbers]] = []
        for key in sorted(self._broader(handling.numbers), key=self._index):
            other = self._regions.handlings[key]
            common = handling.numbers & other.numbers
            if common and self._index(key) < index and self._all_of(handling.callers, other.callers):
                lost = self._taken(key, common, handling.callers) - self._sent_alike(handling, other)
                losses += [(self._index(key), common, lost)] if lost else []
        told = tuple(_loss(*one) for one in losses[:_TOLD])
        return Shadowed(index, told, len(losses) - len(told)) if losses else None

    def _taken(self, key: int, shape: Shape, callers: Shape | None) -> Numbers:
        """The numbers of the shape for which the route gets calls of these callers."""
        numbers = self._regions.numbers.of(shape)
        return self._partition.where(numbers, lambda chain: key in chain and key in self._takers(chain, callers))

    def _sent_alike(self, one: Handling, other: Handling) -> Numbers:
        """Return the numbers that both routes send to the same trunks with the same digits."""
        if one.trunks != other.trunks:
            return self._regions.numbers.of()
        return self._regions.numbers.of(*sent_the_same(one.strip, one.prepend, other.strip, other.prepend))

    def _broader(self, shape: Shape) -> list[int]:
        """The routes that take some of the shape's numbers, and are broader: no mere exceptions to it."""
        found = self._broader_than.get(shape)
        if found is None:
            keys = self._partition.keys_within(self._regions.numbers.of(shape))
            shapes = {self._regions.handlings[key].numbers for key in keys}
            broader = {other for other in shapes if _is_broader(other, shape)}
            found = [key for key in keys if self._regions.handlings[key].numbers in broader]
            self._broader_than[shape] = found
        return found

    def _all_of(self, callers: Shape | None, others: Shape | None) -> bool:
        """Whether the others are all of these callers, or more."""
        if others is None or callers is None:
            return others is None
        return not self._regions.callers.anybody(Callers((callers,), (others,)))


def _loss(by: int, common: Shape, numbers: Numbers) -> Loss:
    return Loss(by, tuple(shape.text for shape in cover(numbers, [common])), numbers.example() or "")


def _is_broader(one: Shape, other: Shape) -> bool:
    length = len(other.places)
    if other.tail is not Tail.NOTHING:
        length = max(length, len(one.places)) + 1
    return one.size(length) > other.size(length) and one & other != one
