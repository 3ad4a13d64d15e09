"""The digits that go to the trunk, for whole sets of numbers: ``prepend`` and the number without what is stripped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbxsync.dialplan.pattern import MAX_NUMBER, Pattern, Tail
from pbxsync.dialplan.shape import EVERY, SIGNS, Shape, bits, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIGNS = frozenset(SIGNS)


def sent_the_same(strip: int, prepend: str, other_strip: int, other_prepend: str) -> tuple[Shape, ...]:
    """The numbers of which two routes send the same digits, each with what it strips and prepends."""
    if strip > other_strip:
        return sent_the_same(other_strip, other_prepend, strip, prepend)
    return tuple(_sent_the_same(strip, prepend, other_strip, other_prepend))


def _sent_the_same(strip: int, prepend: str, more_strip: int, longer: str) -> Iterator[Shape]:
    extra = longer.removeprefix(prepend)
    if longer.startswith(prepend) and _SIGNS.issuperset(extra) and strip + len(extra) <= MAX_NUMBER:
        # What the one route strips beyond the other must be what its prepend has beyond the other's.
        places = (*(EVERY,) * strip, *(bits(sign) for sign in extra))
        if len(extra) == more_strip - strip:
            yield Shape(places, Tail.ANY)
        elif places and len(extra) < more_strip - strip:
            yield Shape(places)
    if prepend == longer:
        yield from _shorter_than(strip)


def _shorter_than(length: int) -> Iterator[Shape]:
    """Every number with fewer signs."""
    for shorter in range(1, min(length, MAX_NUMBER + 1)):
        yield Shape((EVERY,) * shorter)


def sending(strip: int, prepend: str, wanted: Pattern) -> tuple[Shape, ...]:
    """The numbers of which a route that strips and prepends this sends digits that the pattern takes."""
    rest = _behind(wanted, prepend)
    if rest is None:
        return ()
    found = []
    whole = shape_of(Pattern((*(_SIGNS,) * strip, *rest.places), rest.tail))
    if whole is not None:
        found.append(whole)
    if not rest.places and rest.tail is not Tail.SOME:
        found += _shorter_than(strip)
    return tuple(found)


def takes(wanted: Pattern, digits: str) -> bool:
    """Whether the pattern takes these digits, the whole of them and however many they are."""
    rest = _behind(wanted, digits)
    return rest is not None and not rest.places and rest.tail is not Tail.SOME


def _behind(pattern: Pattern, text: str) -> Pattern | None:
    """What may follow the text in what the pattern takes; None where nothing of it begins with the text."""
    for sign, place in zip(text, pattern.places, strict=False):
        if sign not in place:
            return None
    beyond = len(text) - len(pattern.places)
    if beyond <= 0:
        return Pattern(pattern.places[len(text) :], pattern.tail)
    return None if pattern.tail is Tail.NOTHING else Pattern((), Tail.ANY)
