"""Hypothesis strategies for what flows through pbxsync, shared by the property tests."""

from __future__ import annotations

import re

from hypothesis import strategies as st

from pbxsync.model import DeclaredRoute, Desired, KnownRoute, KnownState, Location, Route

NAMES = st.sampled_from(["a", "b", "c", "d", "e", "911", "to16", "Ö", "x y", "no"])
TRUNKS = st.lists(st.sampled_from(["carrier-a", "carrier-b", "line 3"]), min_size=1, max_size=3).map(tuple)
PATTERNS = st.sampled_from(["X.", "911", "NXXXXXX", "[2-5]!", "1"])
OPTIONAL = st.sampled_from(["", "9", "011", "20X"])


def routes(names: st.SearchStrategy[str] = NAMES) -> st.SearchStrategy[Route]:
    """Routes that a file may declare."""
    return st.builds(
        Route, names, PATTERNS, TRUNKS, prefix=OPTIONAL, prepend=st.sampled_from(["", "0"]), callerid=OPTIONAL
    )


def tables(max_size: int = 8) -> st.SearchStrategy[list[Route]]:
    """Tables of routes with unique names."""
    return st.lists(routes(), max_size=max_size, unique_by=lambda route: route.name)


def known(table: list[Route]) -> KnownState:
    """A live known state that holds these routes, with ids as the PBX gives them."""
    return KnownState(
        "https://192.0.2.10", tuple(KnownRoute(route, str(number)) for number, route in enumerate(table, start=1))
    )


def desired(table: list[Route], renamed: dict[str, str] | None = None) -> Desired:
    """What a file with these routes declares for a PBX without hidden fields; ``renamed`` maps new names to old."""
    former = renamed or {}
    return Desired(
        "routes.yaml",
        tuple(
            DeclaredRoute(route, Location("routes.yaml", line, 5), former.get(route.name))
            for line, route in enumerate(table, start=1)
        ),
        no_hidden_fields=True,
    )


#: What an odd dial pattern is made of: sets whole and broken, classes, tails, signs that are dropped or mean nothing.
_PIECES = st.sampled_from(
    [*"0129XxZzNn[]-.!*#+ A_^()", "[1-9]", "[]", "[9-1]", "[5-]", "[1-3-5]", "[-0]", "[X]", "[[]", "[2 ]", "[.1]"]
)
_TIDY_PIECES = st.sampled_from([*"012XZN.!*#- ", "[1-3]", "[12]", "[.2-5]", "[]"])
#: Texts that a PBX might hold in a route's fields, most of them odd, many broken.
ODD_TEXTS = st.lists(_PIECES, max_size=7).map("".join) | st.lists(_TIDY_PIECES, max_size=4).map("".join)
#: Numbers to dial, and caller ids, with some signs that no phone can dial.
ODD_NUMBERS = st.text("0129*#+-5A_. ", min_size=1, max_size=6) | st.text("12", min_size=78, max_size=81)


@st.composite
def numbers_near(draw: st.DrawFn, text: str) -> str:
    """Numbers that a pattern may well take: for each sign of the text one that it may stand for, with slips."""
    number = ""
    for part in re.findall(r"\[[^\]]*\]|.", text):
        inside = part[1:-1]
        likely = {".": "12", "!": "", "-": "", " ": ""}.get(part, "2" if part in "XxZzNn" else part)
        slip = st.sampled_from(["", "-", "5", "2"])
        number += draw(st.sampled_from(inside) if inside else st.just("" if part == "[]" else likely) | slip)
    return number or "1"


def patterns_and_numbers() -> st.SearchStrategy[tuple[str, list[str]]]:
    """Odd texts, each with numbers of which some are near it."""
    return ODD_TEXTS.flatmap(
        lambda text: st.tuples(st.just(text), st.lists(numbers_near(text) | ODD_NUMBERS, min_size=1, max_size=8))
    )


def odd_routes() -> st.SearchStrategy[Route]:
    """Routes as a PBX might hold them, whose patterns are most of them odd."""
    callerid = st.just("") | ODD_TEXTS
    return st.builds(Route, NAMES, ODD_TEXTS, TRUNKS, ODD_TEXTS, st.sampled_from(["", "0", "+1"]), callerid)


@st.composite
def calls_near(draw: st.DrawFn, table: list[Route]) -> tuple[str, str | None]:
    """Calls, as number and caller id, that one of the table's routes may well take."""
    callers = st.none() | st.just("") | ODD_NUMBERS
    if not table:
        return draw(ODD_NUMBERS), draw(callers)
    route = draw(st.sampled_from(table))
    number = draw(numbers_near(route.prefix + route.matchpattern) | ODD_NUMBERS)
    return number, draw(numbers_near(route.callerid) | callers)


def odd_tables_and_calls() -> st.SearchStrategy[tuple[list[Route], list[tuple[str, str | None]]]]:
    """Tables of odd routes, with calls of which some are near one of the routes."""
    return st.lists(odd_routes(), max_size=6).flatmap(
        lambda table: st.tuples(st.just(table), st.lists(calls_near(table), min_size=1, max_size=6))
    )
