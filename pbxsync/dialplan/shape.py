"""One dial pattern over the signs that a call can hold, as bits: what sets of numbers are made of.

A number is 1 to 79 of the signs ``0-9 * # +``, and so is a caller id. Whatever else a pattern takes, no call brings it.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING

from pbxsync.dialplan.pattern import CLASSES, MAX_NUMBER, Pattern, Tail

if TYPE_CHECKING:
    from collections.abc import Iterable

#: All signs of a number. A set of them is an int: the bit at a sign's index tells whether it is in the set.
SIGNS = "0123456789*#+"
EVERY = (1 << len(SIGNS)) - 1
_DIGITS = (1 << 10) - 1
_BIT = {sign: 1 << index for index, sign in enumerate(SIGNS)}


def _members() -> tuple[tuple[int, ...], ...]:
    sets: list[tuple[int, ...]] = [()]
    for index in range(len(SIGNS)):
        sets += [(*members, index) for members in sets]
    return tuple(sets)


#: The signs of each set, as their indexes.
MEMBERS = _members()

#: What may follow two shapes of one length, by what may follow each; nothing and something can't both be.
_BOTH = {frozenset((tail,)): tail for tail in Tail} | {
    frozenset((Tail.ANY, Tail.SOME)): Tail.SOME,
    frozenset((Tail.ANY, Tail.NOTHING)): Tail.NOTHING,
}


@dataclass(frozen=True, slots=True)
class Shape:
    """A pattern that takes at least one number: for each place the set of its signs, none empty, and the tail."""

    places: tuple[int, ...]
    tail: Tail = Tail.NOTHING
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash(self.places))

    def __hash__(self) -> int:
        return self._hash  # shapes are looked up far more often than they are made

    @property
    def text(self) -> str:
        """The shape as a dial pattern, as a person would write it."""
        return "".join(map(_place_text, self.places)) + self.tail.value

    @property
    def narrowness(self) -> tuple[int, int, int]:
        """What is greater than another's, wherever the other takes all that the shape takes, and more."""
        signs = sum(place.bit_count() for place in self.places)
        return len(self.places), -signs, (Tail.ANY, Tail.SOME, Tail.NOTHING).index(self.tail)

    def __and__(self, other: Shape) -> Shape | None:
        """What both take, which is one shape again; None where they have no number in common."""
        if len(self.places) > len(other.places):
            return other & self
        if len(self.places) < len(other.places):
            tail = None if self.tail is Tail.NOTHING else other.tail
        else:
            tail = _BOTH.get(frozenset((self.tail, other.tail)))
        if tail is None:
            return None
        for one, another in zip(self.places, other.places, strict=False):
            if not one & another:
                return None
        return Shape(tuple(a & b for a, b in zip_longest(self.places, other.places, fillvalue=EVERY)), tail)

    def size(self, length: int) -> int:
        """How many numbers of this length it takes, as a person counts.

        A place that takes digits is not counted to take other signs, and what a tail takes are digits.
        """
        beyond = length - len(self.places)
        if beyond < 0 or (self.tail is Tail.NOTHING and beyond) or (self.tail is Tail.SOME and not beyond):
            return 0
        size: int = 10**beyond
        for place in self.places:
            size *= (place & _DIGITS or place).bit_count()
        return size


def shape_of(pattern: Pattern | None) -> Shape | None:
    """The pattern over the signs of a number; None where it takes no number at all."""
    if pattern is None:
        return None
    length = len(pattern.places)
    if not length and pattern.tail is Tail.NOTHING:
        return None
    if length > MAX_NUMBER or (length == MAX_NUMBER and pattern.tail is Tail.SOME):
        return None
    places = tuple(bits(place) for place in pattern.places)
    if not all(places):
        return None
    if pattern.tail is Tail.ANY and places[-1:] in ((), (EVERY,)):
        return Shape(places[:-1], Tail.SOME)  # one spelling for what means the same: a number has a sign at least
    return Shape(places, pattern.tail)


def bits(signs: Iterable[str]) -> int:
    """The set of these signs; characters that no number holds are left out."""
    found = 0
    for sign in signs:
        found |= _BIT.get(sign, 0)
    return found


_NAMES = {bits(members): letter for letter, members in CLASSES.items()} | {bit: sign for sign, bit in _BIT.items()}


@functools.cache
def _place_text(place: int) -> str:
    return _NAMES.get(place) or set_text(place)


def set_text(place: int) -> str:
    """Return a set of signs as it is written between brackets, and with them; empty for no sign."""
    others = "".join(SIGNS[index] for index in MEMBERS[place & ~_DIGITS])
    return f"[{_ranges(MEMBERS[place & _DIGITS])}{others}]" if place else ""


def _ranges(digits: tuple[int, ...]) -> str:
    """Digits in order, three and more in a row as a range: ``0-357``."""
    text = ""
    first = 0
    for at, digit in enumerate(digits):
        if at + 1 == len(digits) or digits[at + 1] != digit + 1:
            run = digits[first : at + 1]
            text += f"{run[0]}-{run[-1]}" if len(run) > 2 else "".join(map(str, run))
            first = at + 1
    return text
