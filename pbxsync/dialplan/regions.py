"""A route table as regions: which calls, of all there are, each of its routes takes.

The numbers of a table lie in an automaton whose value is, for each number, the routes that take it in order, down to
the first that takes it whoever calls. Tables that are compared share one Regions, so that what is the same in both is
there once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pbxsync.dialplan.automaton import Space, split, values
from pbxsync.dialplan.callers import CallerSpace, Taker, outcomes
from pbxsync.dialplan.layering import layered
from pbxsync.dialplan.numbers import Numbers, NumberSpace
from pbxsync.dialplan.shape import Shape, shape_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from pbxsync.dialplan.automaton import Node
    from pbxsync.dialplan.callers import Callers
    from pbxsync.dialplan.table import RouteTable, Row

#: The keys of the routes that take a number, in order; no route after one that takes it whoever calls.
Chain: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Handling:
    """What a route does to a call, whatever it is called: what it takes, what it sends, to which trunks."""

    numbers: Shape
    callers: Shape | None
    strip: int
    prepend: str
    trunks: tuple[str, ...]


class Regions:
    """What the regions of one or several tables are made in.

    Routes that do the same have one key, in whatever table they stand and whatever they are called.
    """

    def __init__(self) -> None:
        self.numbers = NumberSpace()
        self.callers = CallerSpace()
        self.chains: Space[Chain] = Space(())
        self.handlings: list[Handling] = []
        self._keys: dict[Handling, int] = {}

    def handling(self, row: Row) -> Handling | None:
        """What the row does to calls; None where no call can ever match it."""
        shape = shape_of(row.pattern)
        callers = shape_of(row.callers) if row.limited else None
        if shape is None or (row.limited and callers is None):
            return None
        return Handling(shape, callers, row.strip, row.route.prepend, row.route.trunks)

    def handlings_of(self, table: RouteTable) -> list[Handling]:
        """What the rows of a table do, in order, without those that no call can match."""
        return [handling for row in table.rows if (handling := self.handling(row)) is not None]

    def key(self, handling: Handling) -> int:
        """The number that stands for this handling in chains."""
        found = self._keys.get(handling)
        if found is None:
            found = self._keys[handling] = len(self.handlings)
            self.handlings.append(handling)
        return found

    def takers(self, chain: Chain) -> list[Taker]:
        """The chain, with what each of its routes asks of the caller."""
        return [Taker(key, self.handlings[key].callers) for key in chain]

    def partition(self, table: RouteTable, focus: Numbers | None = None) -> Partition:
        """Work out which of the table's routes take which calls; with ``focus`` only calls to those numbers."""
        return Partition(self, table, focus)


class Partition:
    """The calls of one table. ``rows`` are its routes by their keys: of several that do the same, the first."""

    def __init__(self, regions: Regions, table: RouteTable, focus: Numbers | None = None) -> None:
        self.regions = regions
        #: Index and row of each key.
        self.rows: dict[int, tuple[int, Row]] = {}
        layers: list[tuple[Shape, bool]] = []
        keys: list[int] = []
        for index, row in enumerate(table.rows):
            handling = regions.handling(row)
            key = regions.key(handling) if handling is not None else None
            if handling is not None and key is not None and key not in self.rows:
                self.rows[key] = (index, row)
                layers.append((handling.numbers, handling.callers is None))
                keys.append(key)
        self._keys = keys
        self.node = layered(regions.chains, layers, self._chain, focus.node if focus is not None else None)

    def _chain(self, layers: tuple[int, ...]) -> Chain:
        """The chain of these layers. A route that asks for the callers of one above it takes nobody."""
        chain = []
        seen: set[Shape | None] = set()
        for layer in layers:
            callers = self.regions.handlings[self._keys[layer]].callers
            if callers not in seen:
                chain.append(self._keys[layer])
                seen.add(callers)
        return tuple(chain)

    def within(self, numbers: Numbers) -> dict[Chain, Numbers]:
        """The chains of these numbers, and which of the numbers have each. Numbers without a route have ``()``."""
        chains, space = self.regions.chains, self.regions.numbers

        def shortcut(chain: Node[Chain], node: Node[bool]) -> Node[Chain] | None:
            if node is space.empty:
                return chains.empty
            return chain if node is space.full else None

        cut = chains.combine(lambda chain, inside: chain if inside else (), self.node, numbers.node, shortcut)
        found = {
            chain: Numbers(space, node) for chain, node in split(space, cut, lambda chain: [chain]).items() if chain
        }
        untaken = self.where(numbers, lambda chain: not chain)
        return found | {(): untaken} if untaken else found

    def where(self, numbers: Numbers, holds: Callable[[Chain], bool]) -> Numbers:
        """Those of the numbers whose chain is such."""
        space = numbers.space
        node = space.combine(
            lambda chain, inside: inside and holds(chain),
            self.node,
            numbers.node,
            lambda _, node: space.empty if node is space.empty else None,
        )
        return Numbers(space, node)

    def keys_within(self, numbers: Numbers) -> set[int]:
        """The keys of the routes that some of these numbers come to, whoever calls."""
        return set().union(*self.chains_within(numbers))

    def chains_within(self, numbers: Numbers) -> set[Chain]:
        """The chains that these numbers have, as ``within``, but for ``()``."""
        found: set[Chain] = set()
        seen: set[tuple[Node[Chain], Node[bool]]] = set()
        waiting = [(self.node, numbers.node)]
        while waiting:
            pair = waiting.pop()
            if pair in seen or pair[1] is numbers.space.empty:
                continue
            seen.add(pair)
            chain, inside = pair
            if inside.here or chain.uniform:
                found.add(chain.here)
            if inside.uniform:
                waiting += [(child, inside) for _, child in chain.arcs]
            elif not chain.uniform:
                waiting += [(a, b) for signs, a in chain.arcs for others, b in inside.arcs if signs & others]
        return found - {()}

    def reached(self) -> Collection[int]:
        """The keys of the routes that some call reaches."""
        found: set[int] = set()
        for chain in values(self.node):
            if found.issuperset(chain):
                continue
            # The first taker that asks for nothing in particular takes what is left: there is always a call without id.
            takers = self.regions.takers(chain)
            found.update(taker.key for taker in takers if taker.callers is None)
            if not found.issuperset(chain):
                found.update(takers[at].key for at in self.regions.callers.asked([one.callers for one in takers]))
        return found

    def taken(self, chain: Chain, callers: Callers) -> Iterator[tuple[int | None, Callers]]:
        """Who of the callers of a number with this chain gets which route, as its key; None is no route."""
        for key, _, who in outcomes(self.regions.callers, self.regions.takers(chain), (), callers):
            yield key, who
