"""Strategies for odd patterns, tables and changes, so small that every call that matters can be tried one by one.

The texts tell four kinds of signs apart: `0`, `1`, the digits from 2 on, and `* # +`. One sign of each kind stands for
all of them, and no text has more than three places, so that a number longer than four signs tells nothing new. Caller
ids are the same with `1`, the other digits, and `* # +`, and two places.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, TypeVar

from hypothesis import strategies as st

from pbxsync.dialplan.pattern import parse
from pbxsync.dialplan.shape import SIGNS, Shape, shape_of
from pbxsync.model import Route
from tests import naive_dialplan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pbxsync.dialplan.automaton import Node


Value = TypeVar("Value")


def every_text(signs: str, longest: int) -> tuple[str, ...]:
    """Every text of these signs, from one sign on."""
    return tuple("".join(text) for length in range(1, longest + 1) for text in product(signs, repeat=length))


#: Every number that any of the texts below may tell from others.
NUMBERS = every_text("012*", 4)
#: Every caller that any of the caller ids below may tell from others; None is a call without an id.
CALLERS: tuple[str | None, ...] = (None, *every_text("12*", 3))

_PLACES = st.sampled_from([*"01XZN", "x", "[01]", "[2-9]", "[0-9*#+]", "[2-9#-+]", "[*#+]", "[1*#+]"])
_ODD = st.sampled_from(["-", " ", "[]", "[9-1]", "A", "[X]", "(", "["])
_TAILS = st.sampled_from(["", "", ".", ".", "!", ".1", "!X"])


def _texts(pieces: st.SearchStrategy[str], longest: int) -> st.SearchStrategy[str]:
    return st.builds(lambda parts, tail: "".join(parts) + tail, st.lists(pieces, max_size=longest), _TAILS)


#: Dial patterns of up to three places, as a person would write them.
TIDY_TEXTS = _texts(_PLACES, 3).filter(bool)
#: Dial patterns of up to three places, some of them odd or broken.
TEXTS = TIDY_TEXTS | TIDY_TEXTS | _texts(_PLACES | _ODD, 3)
_CALLER_PLACES = st.sampled_from([*"1X", "[02-9]", "[*#+]", "[0-9*#+]", "[1*#+]"])
#: Patterns for caller ids, of up to two places.
TIDY_CALLERIDS = _texts(_CALLER_PLACES, 2).filter(bool)
#: The text of a route's callerid, most often empty, and then for many routes the same.
CALLERIDS = st.just("") | st.sampled_from(["1X", "X.", "!", "[1*#+]X", "1."]) | _texts(_CALLER_PLACES | _ODD, 2)
TRUNKS = st.sampled_from([("t",), ("t",), ("u",), ("t", "u")])
PREPENDS = st.sampled_from(["", "", "0", "1", "2", "10", "A"])


@st.composite
def routes(draw: st.DrawFn) -> Route:
    """Routes whose prefix and matchpattern are one text, cut in two anywhere."""
    text = draw(TEXTS)
    cut = draw(st.integers(0, len(text)))
    name = draw(st.sampled_from("abcde"))
    return Route(name, text[cut:], draw(TRUNKS), text[:cut], draw(PREPENDS), draw(CALLERIDS))


def tables(max_size: int = 6) -> st.SearchStrategy[list[Route]]:
    """Tables of such routes; a name, and a route, may stand in one more than once."""
    return st.lists(routes(), max_size=max_size)


@st.composite
def changes(draw: st.DrawFn) -> tuple[list[Route], list[Route]]:
    """Two tables that have routes in common, in whatever order, some of them twice; now and then one is empty."""
    pool = draw(st.lists(routes(), min_size=2, max_size=6))
    some = st.lists(st.sampled_from(pool), min_size=2, max_size=6)
    empty = draw(st.integers(0, 19))
    return [] if empty == 18 else draw(some), [] if empty == 19 else draw(some)


def shape(text: str) -> Shape:
    """The shape of a dial pattern that takes some number."""
    found = shape_of(parse(text))
    assert found is not None
    return found


def value_at(node: Node[Value], number: str) -> Value:
    """The value that an automaton has for a number, found by going its way sign by sign."""
    for sign in number:
        (node,) = (child for signs, child in node.arcs if signs >> SIGNS.index(sign) & 1)
    return node.here


@lru_cache(maxsize=20_000)
def numbers_of(text: str) -> frozenset[str]:
    """The NUMBERS that a dial pattern takes."""
    return frozenset(number for number in NUMBERS if naive_dialplan.takes(text, number))


@lru_cache(maxsize=20_000)
def callers_of(callerid: str) -> frozenset[str | None]:
    """The CALLERS that a route's callerid takes."""
    return frozenset(caller for caller in CALLERS if naive_dialplan.takes_caller(callerid, caller))


def numbers_of_all(texts: Iterable[str]) -> frozenset[str]:
    """The NUMBERS that one of the dial patterns takes."""
    return frozenset().union(*map(numbers_of, texts))


def callers_between(match: Iterable[str], but_not: Iterable[str]) -> frozenset[str | None]:
    """The CALLERS that all of ``match`` and none of ``but_not`` take."""
    return frozenset(CALLERS).intersection(*map(callers_of, match)).difference(*map(callers_of, but_not))


def winners(table: Sequence[Route]) -> dict[str, dict[str | None, int | None]]:
    """For every number and caller the index of the route that takes the call; None is none."""
    takes = [(numbers_of(route.prefix + route.matchpattern), callers_of(route.callerid)) for route in table]
    known: dict[tuple[int, ...], dict[str | None, int | None]] = {}
    found = {}
    for number in NUMBERS:
        asked = tuple(index for index, (numbers, _) in enumerate(takes) if number in numbers)
        if asked not in known:
            known[asked] = {
                caller: next((index for index in asked if caller in takes[index][1]), None) for caller in CALLERS
            }
        found[number] = known[asked]
    return found
