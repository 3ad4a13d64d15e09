"""A shared automaton: a value for every number, kept small by keeping equal parts once.

A node stands for what has been dialled so far. It says which value a number has that ends there, and where each next
sign leads. Two nodes that mean the same are one object, so equal parts are found by identity and never walked twice.
The only circles are the uniform nodes: one value for the number that ends there and for all that go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from pbxsync.dialplan.pattern import MAX_NUMBER
from pbxsync.dialplan.shape import EVERY

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

A = TypeVar("A")
B = TypeVar("B")
V = TypeVar("V")
_L = TypeVar("_L", bound="Hashable")


class Node(Generic[V]):
    """``here`` is the value of the number that ends here; ``arcs`` are pairs of a set of signs and where they lead.

    The sets don't overlap, together they are all signs, and no two lead to the same node.
    """

    __slots__ = ("arcs", "here")

    def __init__(self, here: V, arcs: tuple[tuple[int, Node[V]], ...]) -> None:
        self.here = here
        self.arcs = arcs

    @property
    def uniform(self) -> bool:
        """Whether every number from here on has one value."""
        return self.arcs[0][1] is self


class Space(Generic[V]):
    """The nodes of automata with one type of values, each node once.

    ``nothing`` is the value of what is no number: the empty text, and all that is longer than a number can be.
    """

    def __init__(self, nothing: V) -> None:
        self._nodes: dict[tuple[V, frozenset[tuple[Node[V], int]]], Node[V]] = {}
        self._uniform: dict[V, Node[V]] = {}
        self.nothing = nothing
        self.empty = self.uniform(nothing)

    def uniform(self, value: V) -> Node[V]:
        """The node at which everything has this value."""
        node = self._uniform.get(value)
        if node is None:
            node = self._uniform[value] = Node(value, ())
            node.arcs = ((EVERY, node),)
        return node

    def node(self, here: V, arcs: Mapping[Node[V], int]) -> Node[V]:
        """The node with these arcs: for each node that a sign may lead to, the set of signs that do."""
        if len(arcs) == 1:
            (child,) = arcs
            if child.uniform and child.here == here:
                return child
        key = (here, frozenset(arcs.items()))
        node = self._nodes.get(key)
        if node is None:
            node = Node(here, tuple(sorted(((signs, child) for child, signs in arcs.items()), key=_lowest_sign)))
            self._nodes[key] = node
        return node

    def end(self, here: V) -> Node[V]:
        """The node of a number that can't go on: it has all the signs that a number can have."""
        return self.node(here, {self.empty: EVERY})

    def combine(
        self,
        value: Callable[[A, B], V],
        a: Node[A],
        b: Node[B],
        shortcut: Callable[[Node[A], Node[B]], Node[V] | None] = lambda _a, _b: None,
    ) -> Node[V]:
        """The automaton of ``value`` of both values of each number.

        ``shortcut`` may know at once what two nodes come to.
        """
        known: dict[tuple[Node[A], Node[B], int], Node[V]] = {}

        def combined(a: Node[A], b: Node[B], depth: int) -> Node[V]:
            quick = shortcut(a, b)
            if quick is not None:
                return quick
            key = (a, b, depth)
            found = known.get(key)
            if found is None:
                here = value(a.here, b.here) if depth else self.nothing
                if depth == MAX_NUMBER:
                    found = self.end(here)
                elif a.uniform and b.uniform and depth:
                    found = self.uniform(here)
                else:
                    arcs: dict[Node[V], int] = {}
                    for a_signs, a_child in a.arcs:
                        for b_signs, b_child in b.arcs:
                            signs = a_signs & b_signs
                            if signs:
                                child = combined(a_child, b_child, depth + 1)
                                arcs[child] = arcs.get(child, 0) | signs
                    found = self.node(here, arcs)
                known[key] = found
            return found

        return combined(a, b, 0)


def _lowest_sign(arc: tuple[int, object]) -> int:
    return arc[0] & -arc[0]


def split(space: Space[bool], node: Node[V], labels: Callable[[V], Iterable[_L]]) -> dict[_L, Node[bool]]:
    """For each label, the numbers whose value has it. A value may have several labels, or none."""
    known: dict[Node[V], dict[_L, Node[bool]]] = {}

    def parts(node: Node[V]) -> dict[_L, Node[bool]]:
        found = known.get(node)
        if found is None:
            here = set(labels(node.here))
            if node.uniform:
                found = {label: space.uniform(True) for label in here}
            else:
                arcs: dict[_L, dict[Node[bool], int]] = {label: {} for label in here}
                for signs, child in node.arcs:
                    for label, part in parts(child).items():
                        into = arcs.setdefault(label, {})
                        into[part] = into.get(part, 0) | signs
                for into in arcs.values():
                    rest = EVERY & ~sum(into.values())
                    if rest:
                        into[space.empty] = rest
                found = {label: space.node(label in here, into) for label, into in arcs.items()}
            known[node] = found
        return found

    return parts(node)


def values(node: Node[V]) -> set[V]:
    """The values of all nodes that can be reached from here."""
    seen: set[Node[V]] = set()
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting += [child for _, child in node.arcs]
    return {node.here for node in seen}
