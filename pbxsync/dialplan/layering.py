"""Dial patterns that lie in layers upon each other → the automaton of which of them take each number.

This is where tables of thousands of routes become small: a layer is forgotten as soon as it can't matter any more,
because the number left it, or because one above it takes whatever it would take from there on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from pbxsync.dialplan.pattern import MAX_NUMBER, Tail
from pbxsync.dialplan.shape import EVERY, MEMBERS, SIGNS, Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pbxsync.dialplan.automaton import Node, Space

V = TypeVar("V")

#: How many of the layers above, the broadest, a layer is compared with to see whether one of them takes all of it.
_COMPARED = 4
#: It is only worth the time where so many layers are in play.
_MANY = 8


def layered(
    space: Space[V],
    layers: Sequence[tuple[Shape, bool]],
    value: Callable[[tuple[int, ...]], V],
    focus: Node[bool] | None = None,
) -> Node[V]:
    """The automaton in which a number's value is ``value`` of the indexes of the layers that take it, from the top.

    What lies under a layer that is marked as closed is not looked at where that one takes the number. With ``focus``,
    the automaton of a set, only its numbers have a value, and the rest is not even looked at.
    """
    return _Layering(space, layers, value).node(0, tuple(range(len(layers))), focus)


class _Layering(Generic[V]):
    """The work on one ``layered``: what each set of layers that are still in play comes to, at each depth."""

    def __init__(
        self, space: Space[V], layers: Sequence[tuple[Shape, bool]], value: Callable[[tuple[int, ...]], V]
    ) -> None:
        self._space = space
        self._closed = [closed for _, closed in layers]
        self._value = value
        self._rests = _Rests()
        rests = [self._rests.of(shape) for shape, _ in layers]
        deepest = max(map(len, rests), default=1)
        #: What is left of each layer's shape at each depth; below the last row nothing changes any more.
        self._rows = [[self._rests.behind(one, depth) for one in rests] for depth in range(deepest + 1)]
        self._known: dict[tuple[int, tuple[int, ...], Node[bool] | None], Node[V]] = {}

    def _row(self, depth: int) -> list[int]:
        return self._rows[min(depth, len(self._rows) - 1)]

    def node(self, depth: int, playing: Sequence[int], focus: Node[bool] | None) -> Node[V]:
        """The node at this depth where these layers have taken every sign so far."""
        layers = self._mattering(depth, playing)
        key = (depth, layers, focus)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._made(depth, layers, focus)
        return found

    def _mattering(self, depth: int, playing: Sequence[int]) -> tuple[int, ...]:
        """The layers without those of which a closed one above takes all that is left."""
        if len(playing) < 2:
            return tuple(playing)
        row, holds, breadth, closed = self._row(depth), self._rests.holds, self._rests.breadth, self._closed
        compare = len(playing) >= _MANY
        kept = []
        covered: set[int] = set()
        broad: list[int] = []
        for layer in playing:
            rest = row[layer]
            if rest in covered or (compare and any(holds(above, rest) for above in broad)):
                continue
            kept.append(layer)
            if closed[layer]:
                covered.add(rest)
                if compare:
                    broad.append(rest)
                    if len(broad) > _COMPARED:
                        broad.remove(min(broad, key=breadth.__getitem__))
        return tuple(kept)

    def _made(self, depth: int, layers: tuple[int, ...], focus: Node[bool] | None) -> Node[V]:
        space, rests, row = self._space, self._rests, self._row(depth)
        ending = self._down_to_closed(layer for layer in layers if rests.ends(row[layer]))
        here = self._value(ending) if depth and (focus is None or focus.here) else space.nothing
        going_on = [layer for layer in layers if row[layer] != rests.NOTHING]
        if depth == MAX_NUMBER:
            return space.end(here)
        if focus is None and all(rests.open(row[layer]) for layer in going_on):
            return space.node(here, {space.uniform(self._value(self._down_to_closed(going_on))): EVERY})
        arcs: dict[Node[V], int] = {}
        parted = self._parted(depth, going_on)
        for wanted, behind in focus.arcs if focus is not None else ((EVERY, None),):
            if behind is not None and behind.uniform and not behind.here:
                arcs[space.empty] = arcs.get(space.empty, 0) | wanted
                continue
            inside = None if behind is None or behind.uniform else behind
            for still, signs in parted.items():
                if signs & wanted:
                    child = self.node(depth + 1, still, inside)
                    arcs[child] = arcs.get(child, 0) | signs & wanted
        return space.node(here, arcs)

    def _down_to_closed(self, taking: Iterable[int]) -> tuple[int, ...]:
        """Of layers that all take a number, those that are looked at."""
        found = []
        for layer in taking:
            found.append(layer)
            if self._closed[layer]:
                break
        return tuple(found)

    def _parted(self, depth: int, layers: Sequence[int]) -> dict[tuple[int, ...], int]:
        """The layers that take each next sign, with the signs for which they are the same."""
        # Layers are told apart by bits, as many as there are layers; few places differ, so few sets are ever joined.
        row, places = self._row(depth), self._rests.places
        by_place: dict[int, int] = {}
        for bit, layer in enumerate(layers):
            place = places[row[layer]]
            by_place[place] = by_place.get(place, 0) | 1 << bit
        by_sign = [0] * len(SIGNS)
        for place, taking in by_place.items():
            for sign in MEMBERS[place]:
                by_sign[sign] |= taking
        alike: dict[int, int] = {}
        for sign, taking in enumerate(by_sign):
            alike[taking] = alike.get(taking, 0) | 1 << sign
        return {
            tuple(layer for layer, bit in zip(layers, reversed(f"{taking:b}"), strict=False) if bit == "1"): signs
            for taking, signs in alike.items()
        }


class _Rests:
    """What can be left of a shape behind some signs, each as one number, so that equal rests are equal numbers."""

    NOTHING, SOME, ANY = range(3)

    def __init__(self) -> None:
        #: The signs that may come next in each rest, and the rest behind such a sign.
        self.places = [0, EVERY, EVERY]
        self._next = [self.NOTHING, self.ANY, self.ANY]
        self._numbers: dict[tuple[int, int], int] = {}
        self._held: dict[tuple[int, int], bool] = {}
        #: How much a rest takes, roughly, to find those that are likely to hold others.
        self.breadth = [0, 1000, 1001]

    def of(self, shape: Shape) -> list[int]:
        """The rests of a shape behind no sign, one sign, and so on to its last place."""
        rest = {Tail.NOTHING: self.NOTHING, Tail.SOME: self.SOME, Tail.ANY: self.ANY}[shape.tail]
        found = [rest]
        for place in reversed(shape.places):
            part = (place, rest)
            known = self._numbers.get(part)
            if known is None:
                known = self._numbers[part] = len(self.places)
                self.places.append(place)
                self._next.append(rest)
                self.breadth.append(self.breadth[rest] + place.bit_count() - len(SIGNS))
            rest = known
            found.append(rest)
        return found[::-1]

    def behind(self, rests: list[int], depth: int) -> int:
        """What is left of a shape, by its rests, behind so many signs that it takes."""
        if depth < len(rests):
            return rests[depth]
        return self.NOTHING if rests[-1] == self.NOTHING else self.ANY

    def ends(self, rest: int) -> bool:
        """Whether a number may end here."""
        return rest in (self.NOTHING, self.ANY)

    def open(self, rest: int) -> bool:
        """Whether every number that goes on is taken."""
        return rest in (self.SOME, self.ANY)

    def holds(self, rest: int, other: int) -> bool:
        """Whether the one takes all that the other takes, as far as comparing them place by place tells."""
        if rest == other or rest == self.ANY:
            return True
        if other in (self.NOTHING, self.ANY) or rest == self.NOTHING:
            return False
        key = (rest, other)
        found = self._held.get(key)
        if found is None:
            found = not self.places[other] & ~self.places[rest] and self.holds(self._next[rest], self._next[other])
            self._held[key] = found
        return found
