"""Exact sets of numbers: union, what two have in common, difference, and one number of a set as an example.

A set is an automaton, so it is exact however many numbers it holds: none is listed, none is sampled. Sets that are used
together are made by one NumberSpace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbxsync.dialplan.automaton import Space
from pbxsync.dialplan.layering import layered
from pbxsync.dialplan.pattern import compared, parse
from pbxsync.dialplan.shape import MEMBERS, SIGNS, Shape, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pbxsync.dialplan.automaton import Node

#: An example of an open set is made this long, as long as a number with its prefix often is.
_EXAMPLE_LENGTH = 11


class Numbers:
    """A set of numbers, or of caller ids, each 1 to 79 of the signs ``0-9 * # +``.

    Sets compare equal where they are known to hold the same; ``bool`` tells whether a set holds any number.
    """

    __slots__ = ("node", "space")

    def __init__(self, space: NumberSpace, node: Node[bool]) -> None:
        self.space = space
        self.node = node

    def __bool__(self) -> bool:
        return self.node is not self.space.empty

    def __contains__(self, number: str) -> bool:
        node = self.node
        for sign in compared(number):
            index = SIGNS.find(sign)
            if index < 0:
                return False
            node = next(child for signs, child in node.arcs if signs >> index & 1)
        return node.here and bool(number)

    def __or__(self, other: Numbers) -> Numbers:
        return Numbers(self.space, self.space.union(self.node, other.node))

    def __and__(self, other: Numbers) -> Numbers:
        return Numbers(self.space, self.space.common(self.node, other.node))

    def __sub__(self, other: Numbers) -> Numbers:
        return Numbers(self.space, self.space.difference(self.node, other.node))

    def __le__(self, other: Numbers) -> bool:
        return not self - other

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Numbers) and self <= other <= self

    def example(self) -> str | None:
        """A number of the set that looks like one; None where there is none. Always the same for the same set."""
        if not self:
            return None
        signs: list[str] = []
        node = self.node
        while not node.here or (node.uniform and len(signs) < _EXAMPLE_LENGTH):
            choices = [(signs_, child) for signs_, child in node.arcs if child is not self.space.empty]
            index, node = _likely(choices, len(signs))
            signs.append(SIGNS[index])
        return "".join(signs)


def _likely(choices: list[tuple[int, Node[bool]]], at: int) -> tuple[int, Node[bool]]:
    """The sign that a person would dial next, as an index, and where it leads: 2 to 9 in turn where any may come."""
    children = {index: child for signs, child in choices for index in MEMBERS[signs]}
    turn = (2 + (at + step) % 8 for step in range(8))
    index = next((digit for digit in turn if digit in children), min(children))
    return index, children[index]


class NumberSpace(Space[bool]):
    """What sets of numbers are made in; sets of different spaces can't be combined."""

    def __init__(self) -> None:
        super().__init__(nothing=False)
        self.full = self.uniform(True)
        self._shapes: dict[Shape, Node[bool]] = {}

    def of(self, *shapes: Shape) -> Numbers:
        """The numbers that one of these shapes takes."""
        if len(shapes) != 1:
            return Numbers(self, self._one_of(shapes))
        node = self._shapes.get(shapes[0])
        if node is None:
            node = self._shapes[shapes[0]] = self._one_of(shapes)
        return Numbers(self, node)

    def of_patterns(self, *texts: str) -> Numbers:
        """The numbers that one of these dial patterns takes, each any text at all."""
        return self.of(*(shape for text in texts if (shape := shape_of(parse(text)))))

    def all(self) -> Numbers:
        """Every number there is."""
        return self.of_patterns("!")

    def _one_of(self, shapes: Iterable[Shape]) -> Node[bool]:
        return layered(self, [(shape, True) for shape in shapes], bool)

    def union(self, a: Node[bool], b: Node[bool]) -> Node[bool]:
        """The node of what is in one or both."""
        return self.combine(lambda x, y: x or y, a, b, self._union_shortcut)

    def common(self, a: Node[bool], b: Node[bool]) -> Node[bool]:
        """The node of what is in both."""
        return self.combine(lambda x, y: x and y, a, b, self._common_shortcut)

    def difference(self, a: Node[bool], b: Node[bool]) -> Node[bool]:
        """The node of what is in the first and not in the second."""
        return self.combine(lambda x, y: x and not y, a, b, self._difference_shortcut)

    def _union_shortcut(self, a: Node[bool], b: Node[bool]) -> Node[bool] | None:
        if a is b or b is self.empty or a is self.full:
            return a
        return b if a is self.empty or b is self.full else None

    def _common_shortcut(self, a: Node[bool], b: Node[bool]) -> Node[bool] | None:
        if a is b or a is self.empty or b is self.full:
            return a
        return b if b is self.empty or a is self.full else None

    def _difference_shortcut(self, a: Node[bool], b: Node[bool]) -> Node[bool] | None:
        if a is b or b is self.full:
            return self.empty
        return a if a is self.empty or b is self.empty else None
