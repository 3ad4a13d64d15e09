"""Sets of callers: those whose id matches some patterns and not some others, and who of them each route takes.

Which caller gets which route is worked out only where routes that take a number ask for the caller at all. So routes
for many callers cost no more than they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from pbxsync.dialplan.automaton import Space, values
from pbxsync.dialplan.layering import layered
from pbxsync.dialplan.numbers import NumberSpace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pbxsync.dialplan.shape import Shape


@dataclass(frozen=True, slots=True)
class Callers:
    """The callers whose id all of ``match`` take and none of ``but_not`` does.

    A caller without an id is one of them only where ``match`` is empty: no pattern takes such a call.
    """

    match: tuple[Shape, ...] = ()
    but_not: tuple[Shape, ...] = ()


EVERYBODY = Callers()


@dataclass(frozen=True, slots=True)
class Taker:
    """A route in the order in which routes ask for a call: ``key`` stands for it; None as callers takes everybody."""

    key: int
    callers: Shape | None


class CallerSpace:
    """Answers whether a set of callers holds anybody, and who that may be. It remembers what it was asked."""

    def __init__(self) -> None:
        self._ids = NumberSpace()
        self._common: dict[tuple[Shape, Shape], Shape] = {}
        self._anybody: dict[tuple[Shape, frozenset[Shape]], str | None] = {}

    def common(self, a: Shape, b: Shape) -> Shape | None:
        """The ids that both take."""
        # Most have none in common; to see that takes no longer than to remember it, and no memory.
        key = (a, b)
        found = self._common.get(key)
        if found is None:
            found = a & b
            if found is not None:
                self._common[key] = found
        return found

    def matched(self, callers: Callers) -> Shape | None:
        """The ids that all of ``match`` take, as one pattern; None where ``match`` is empty, or nobody is matched."""
        shape: Shape | None = None
        for one in callers.match:
            shape = one if shape is None else self.common(shape, one)
            if shape is None:
                break
        return shape

    def anybody(self, callers: Callers) -> bool:
        """Whether the set holds a caller."""
        return not callers.match or self.example(callers) is not None

    def asked(self, conditions: Sequence[Shape | None]) -> set[int]:
        """Which of these, asked one after the other, some id comes to, as indexes; None takes every id."""
        places = [at for at, one in enumerate(conditions) if one is not None]
        layers = [(one, True) for one in conditions if one is not None]
        node = layered(Space(-1), layers, lambda taking: taking[0] if taking else -1)
        return {places[at] for at in values(node) if at >= 0}

    def example(self, callers: Callers) -> str | None:
        """The id of a caller of the set; None for a call without an id, or where the set is empty.

        Where ``match`` is empty the set holds the calls without an id, and those are its example.
        """
        shape = self.matched(callers)
        if shape is None:
            return None
        others = frozenset(both for one in callers.but_not if (both := self.common(shape, one)) is not None)
        key = (shape, others)
        if key not in self._anybody:
            ids = self._ids.of(shape)
            for one in sorted(others, key=lambda one: one.narrowness):
                ids -= self._ids.of(one)
                if not ids:
                    break
            self._anybody[key] = ids.example()
        return self._anybody[key]

    def simplest(self, callers: Callers) -> Callers:
        """The same callers without the conditions that say nothing, in an order of their own."""
        shape = self.matched(callers)
        match = sorted(set(callers.match), key=_text)
        for one in sorted(match, key=lambda one: one.narrowness):
            others = [other for other in match if other != one]
            if others and self.matched(Callers(tuple(others))) == shape:
                match = others
        but_not: dict[Shape, Shape] = {}
        for _, alike in groupby(sorted(callers.but_not, key=lambda one: one.narrowness), lambda one: one.narrowness):
            broader = tuple(but_not.values())  # what is as broad can't hold it
            for one in alike:
                refused = one if shape is None else self.common(shape, one)
                if refused is not None and not any(self.common(refused, other) == refused for other in broader):
                    but_not[one] = refused
        return Callers(tuple(match), tuple(sorted(but_not, key=_text)))


def _text(shape: Shape) -> str:
    return shape.text


def outcomes(
    space: CallerSpace, before: Sequence[Taker], after: Sequence[Taker], callers: Callers = EVERYBODY
) -> Iterator[tuple[int | None, int | None, Callers]]:
    """Who of the callers gets which taker of the one list and which of the other, as keys; None is no taker.

    The sets of callers don't overlap. Callers whom the same taker takes out of both lists at once may be left out.
    """
    walk = _Walk(space, before, after, [_Asking(0, 0, callers.match, dict.fromkeys(callers.but_not))])
    while walk.waiting:
        yield from walk.followed(walk.waiting.pop())


@dataclass(slots=True)
class _Asking:
    """Callers on their way through two lists of takers: how far they are, and what is known of their ids."""

    i: int
    j: int
    match: tuple[Shape, ...]
    but_not: dict[Shape, None]


class _Walk:
    """The way of all callers through two lists of takers."""

    def __init__(
        self, space: CallerSpace, before: Sequence[Taker], after: Sequence[Taker], waiting: list[_Asking]
    ) -> None:
        self._space = space
        self._before = before
        self._after = after
        self._in_before = set(before)
        self.waiting = waiting

    def followed(self, some: _Asking) -> Iterator[tuple[int | None, int | None, Callers]]:
        """Follow those whom each taker refuses, to the end; those whom one takes wait for their turn."""
        before, after = self._before, self._after
        shape = self._space.matched(Callers(some.match))
        while not some.match or self._space.anybody(Callers(some.match, tuple(some.but_not))):
            some.i, asked = self._next(some, shape, before, some.i)
            some.j, also_asked = self._next(some, shape, after, some.j)
            # What only the other list has is asked first: so the lists keep step where they have the same routes.
            alone = also_asked is not None and after[some.j] not in self._in_before
            condition = also_asked if alone else asked or also_asked
            if condition is None:
                one = before[some.i].key if some.i < len(before) else None
                other = after[some.j].key if some.j < len(after) else None
                yield one, other, self._space.simplest(Callers(some.match, tuple(some.but_not)))
                return
            if not (asked and also_asked and before[some.i] == after[some.j]):
                self.waiting.append(_Asking(some.i, some.j, (*some.match, condition), dict(some.but_not)))
            some.but_not[condition] = None

    def _next(self, some: _Asking, shape: Shape | None, takers: Sequence[Taker], at: int) -> tuple[int, Shape | None]:
        """The first taker from ``at`` on that takes one of these callers, and what it asks of them, if anything."""
        while at < len(takers):
            wanted = takers[at].callers
            if wanted is None or (shape is not None and self._space.common(shape, wanted) == shape):
                return at, None
            if wanted not in some.but_not and (shape is None or self._space.common(shape, wanted) is not None):
                return at, wanted
            at += 1
        return at, None
