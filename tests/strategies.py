"""Hypothesis strategies for what flows through pbxsync, shared by the property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from pbxsync.model import DeclaredRoute, Desired, KnownRoute, KnownState, Location, Route

NAMES = st.sampled_from(["a", "b", "c", "d", "e", "911", "to16", "Ä", "x y", "no"])
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
    """What a file with these routes declares; ``renamed`` maps names to former names."""
    former = renamed or {}
    return Desired(
        "routes.yaml",
        tuple(
            DeclaredRoute(route, Location("routes.yaml", line, 5), former.get(route.name))
            for line, route in enumerate(table, start=1)
        ),
    )
