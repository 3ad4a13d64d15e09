"""A set of numbers → few dial patterns that a person can read, exactly those numbers and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbxsync.dialplan.pattern import Tail
from pbxsync.dialplan.shape import EVERY, Shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pbxsync.dialplan.automaton import Node
    from pbxsync.dialplan.numbers import Numbers, NumberSpace

#: Up to so many shapes it is tried whether fewer do.
TRIES = 64


def cover(numbers: Numbers, hints: Sequence[Shape] = (), tries: int = TRIES) -> tuple[Shape, ...]:
    """Shapes that together take exactly these numbers.

    ``hints`` are shapes that a person has in mind, such as those of routes: one that lies in the set is kept whole.
    Where it takes up to ``tries`` of them, it is tried whether fewer do: the time for that grows with the square.
    """
    alone = _alone(numbers.space, numbers.node)
    if alone is not None and alone in hints:
        return (alone,)  # as it is with a route that is new
    kept, rest = _kept(numbers, hints)
    paths = _paths(numbers.space, rest.node)
    if 1 < len(paths) <= tries:
        paths = min(paths, _fewer(numbers, rest, paths), key=len)
    return (*kept, *paths)


def short_cover(numbers: Numbers, hints: Sequence[Shape], at_most: int) -> tuple[Shape, ...] | None:
    """The cover, if it is worth its time: None where it would need clearly more shapes than ``at_most``."""
    rest = _kept(numbers, hints)[1]
    return cover(numbers, hints) if _count(numbers.space, rest.node) <= max(at_most, TRIES) else None


def _kept(numbers: Numbers, hints: Sequence[Shape]) -> tuple[list[Shape], Numbers]:
    """The hints that lie in the set, the largest of those that hold each other, and the rest of the set."""
    inside = [hint for hint in _largest_first(hints) if _inside(numbers.node, hint)]
    kept = [hint for at, hint in enumerate(inside) if not any(hint & other == hint for other in inside[:at])]
    return kept, numbers - numbers.space.of(*kept) if kept else numbers


def _largest_first(shapes: Iterable[Shape]) -> list[Shape]:
    unique = dict.fromkeys(shapes)
    return sorted(unique, key=lambda shape: shape.narrowness)


def _alone(space: NumberSpace, node: Node[bool]) -> Shape | None:
    """The shape that takes all of the numbers, where there is one way through the automaton."""
    places: list[int] = []
    while node is not space.full and node.arcs != ((EVERY, space.full),):
        ways = [(signs, child) for signs, child in node.arcs if child is not space.empty]
        if node.here or len(ways) != 1:
            return Shape(tuple(places), Tail.NOTHING) if node.here and not ways else None
        places.append(ways[0][0])
        node = ways[0][1]
    return Shape(tuple(places), Tail.ANY if node is space.full else Tail.SOME)


def _paths(space: NumberSpace, root: Node[bool]) -> list[Shape]:
    """A shape for each way through the automaton; no two take the same number."""
    known: dict[Node[bool], list[tuple[tuple[int, ...], Tail]]] = {space.empty: [], space.full: [((), Tail.ANY)]}

    def ways(node: Node[bool]) -> list[tuple[tuple[int, ...], Tail]]:
        found = known.get(node)
        if found is None:
            if node.arcs == ((EVERY, space.full),):
                found = [((), Tail.SOME)]
            else:
                found = [((), Tail.NOTHING)] if node.here else []
                for signs, child in node.arcs:
                    found += [((signs, *places), tail) for places, tail in ways(child)]
            known[node] = found
        return found

    return [Shape(places, tail) for places, tail in ways(root)]


def _count(space: NumberSpace, root: Node[bool]) -> int:
    """How many shapes ``_paths`` would give."""
    known = {space.empty: 0, space.full: 1}

    def ways(node: Node[bool]) -> int:
        if node not in known:
            through = node.arcs == ((EVERY, space.full),)
            known[node] = 1 if through else node.here + sum(ways(child) for _, child in node.arcs)
        return known[node]

    return ways(root)


def _inside(root: Node[bool], shape: Shape) -> bool:
    """Whether the set holds every number of the shape."""
    nodes = {root}
    for place in shape.places:
        nodes = {child for node in nodes for signs, child in node.arcs if signs & place}
    if shape.tail is Tail.NOTHING:
        return all(node.here for node in nodes)
    if shape.tail is Tail.ANY:
        return all(node.uniform and node.here for node in nodes)
    return all(child.uniform and child.here for node in nodes for _, child in node.arcs)


def _fewer(numbers: Numbers, rest: Numbers, paths: Sequence[Shape]) -> list[Shape]:
    """Other shapes for the rest of the set: each made as wide as the set allows, the widest first, none twice."""
    space = numbers.space
    wide = _largest_first(_widened(numbers.node, path, paths) for path in paths)
    found: list[Shape] = []
    for shape in wide:
        if not rest:
            break
        if rest & space.of(shape):
            found.append(shape)
            rest -= space.of(shape)
    return found


def _widened(root: Node[bool], shape: Shape, others: Sequence[Shape]) -> Shape:
    """The shape with each place as wide as places of the others make it, as long as the set holds all of it."""
    for at in range(len(shape.places)):
        for place in {other.places[at] for other in others if len(other.places) > at}:
            wider = Shape((*shape.places[:at], shape.places[at] | place, *shape.places[at + 1 :]), shape.tail)
            if wider != shape and _inside(root, wider):
                shape = wider
    return shape
