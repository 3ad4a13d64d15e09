"""Which routes of a PBX are which of those that it should hold, and which are not in their place.

A PBX may store a route under another name, or with other fields, than it was sent. It is recognised by its id, its name
as a PBX may change it, its fields, and its place.
"""

from __future__ import annotations

from bisect import bisect
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from pbxsync.equal_names import equal_keys
from pbxsync.stored import may_be_stored_as, stored_key

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence

    from pbxsync.model import KnownRoute, Route

#: So many routes with one key are compared: with more of them the work would grow with their square.
_MOST = 20


@dataclass(frozen=True, slots=True)
class Listed:
    """One route as a query lists it: an item for each of its patterns, and its place among the routes, from 0."""

    items: tuple[Route, ...]
    id: str | None
    place: int

    @property
    def name(self) -> str:
        """The route's name, which all items have."""
        return self.items[0].name

    @property
    def takes_calls(self) -> bool:
        """Whether any of its items has a pattern."""
        return any(item.prefix or item.matchpattern for item in self.items)


def listed_routes(routes: Iterable[KnownRoute]) -> list[Listed]:
    """Return the routes of a query. Items of one name and one id are one route with several patterns."""
    items: dict[Hashable, list[Route]] = {}
    for number, known in enumerate(routes):
        items.setdefault((known.route.name, known.id) if known.id else number, []).append(known.route)
    return [
        Listed(tuple(found), key[1] if isinstance(key, tuple) else None, place)
        for place, (key, found) in enumerate(items.items())
    ]


@dataclass(frozen=True, slots=True)
class Pairing:
    """The routes that a PBX should hold, each with the one that it shows for it.

    ``missing`` are those without one; ``new`` is what the PBX shows besides. ``guessed`` are the places of expected
    routes that were recognised by nothing but their place.
    """

    pairs: tuple[tuple[Listed, Listed], ...]
    missing: tuple[Listed, ...]
    new: tuple[Listed, ...]
    guessed: frozenset[int]


def pair(expected: Collection[Listed], shown: Collection[Listed], sent: Mapping[str, bool]) -> Pairing:
    """Find each expected route among those that the PBX shows.

    ``sent`` are the names of expected routes that this run has sent, so that the PBX may have stored them otherwise;
    the value says whether the PBX surely has the route.
    """
    search = _Search(expected, shown)
    search.match(lambda route: [(route.name, route.id)] if route.id else [])
    search.match(lambda route: [(route.name, route.items)])
    search.match(lambda route: [route.name])
    sent_only = [route for route in search.missing if route.name in sent]
    guessed: list[Listed] = []
    if sent_only and search.new:
        search.match(lambda route: [route.id] if route.id else [], sent_only)
        search.match(lambda route: equal_keys(route.name), sent_only, _alike)
        search.match(lambda route: equal_keys(route.name), sent_only)
        search.match(lambda route: [stored_key(route.items[0])], sent_only, _alike)
        guessed = [route for route in search.missing if sent.get(route.name)]
        if len(guessed) != len(search.new):
            guessed = []
        for route, found in zip(guessed, list(search.new), strict=False):
            search.take(route, found)
    pairs = sorted(search.pairs, key=lambda found: found[0].place)
    return Pairing(tuple(pairs), tuple(search.missing), tuple(search.new), frozenset(route.place for route in guessed))


class _Search:
    """Routes that are looked for, and routes that are not taken yet."""

    def __init__(self, expected: Iterable[Listed], shown: Iterable[Listed]) -> None:
        self.pairs: list[tuple[Listed, Listed]] = []
        # In their order; dicts, since one can be taken out at once.
        self._missing = {route.place: route for route in expected}
        self._new = {route.place: route for route in shown}

    @property
    def missing(self) -> list[Listed]:
        """The routes that are not found."""
        return list(self._missing.values())

    @property
    def new(self) -> list[Listed]:
        """The routes that nobody looked for."""
        return list(self._new.values())

    def take(self, route: Listed, found: Listed) -> None:
        """Note that a route was found."""
        self.pairs.append((route, found))
        del self._missing[route.place], self._new[found.place]

    def match(
        self,
        keys: Callable[[Listed], Iterable[Hashable]],
        among: Iterable[Listed] | None = None,
        fits: Callable[[Listed, Listed], bool] | None = None,
    ) -> None:
        """Find routes by a key that both have, in their order; ``fits`` says which of those with a key may be it."""
        waiting: dict[Hashable, deque[Listed]] = {}
        for route in self._new.values():
            for key in keys(route):
                waiting.setdefault(key, deque()).append(route)
        for route in self.missing if among is None else list(among):
            if route.place not in self._missing:
                continue
            for key in keys(route):
                found = self._first(waiting.get(key), route, fits)
                if found is not None:
                    self.take(route, found)
                    break

    def _first(
        self, queue: deque[Listed] | None, route: Listed, fits: Callable[[Listed, Listed], bool] | None
    ) -> Listed | None:
        while queue and queue[0].place not in self._new:
            queue.popleft()
        free = (found for found in islice(queue or (), _MOST) if found.place in self._new)
        return next((found for found in free if fits is None or fits(route, found)), None)


def _alike(sent: Listed, found: Listed) -> bool:
    """Whether the fields of a route that was sent may be stored as those of the one that was found."""
    return may_be_stored_as(sent.items[0], found.items[0])


@dataclass(frozen=True, slots=True)
class Displaced:
    """A route that is above others that belong above it, or, with ``below``, below others that belong below it."""

    route: Listed
    found: Listed
    others: tuple[str, ...]
    below: bool = False


_Pair: TypeAlias = tuple[Listed, Listed]


def displaced(pairs: Sequence[_Pair], first_new: int, own: Collection[str]) -> list[Displaced]:
    """Find routes of this run, ``own``, that are not where they should be.

    ``pairs`` are in the order that is expected. Routes from the place ``first_new`` on are new, and belong below all
    old ones. Old routes are held against those that this run did not send.
    """
    old = [found for found in pairs if found[0].place < first_new]
    new = [found for found in pairs if found[0].place >= first_new]
    fixed = [found for found in old if found[0].name not in own]
    return [*_displaced([found for found in old if found[0].name in own], fixed), *_displaced(new, old)]


def _displaced(pairs: Sequence[_Pair], fixed: Sequence[_Pair]) -> Iterator[Displaced]:
    """Hold routes against others whose order is right, and against each other."""
    should_be = [route.place for route, _ in fixed]
    shown = sorted((found for _, found in fixed), key=_place)
    are, names = [found.place for found in shown], tuple(found.name for found in shown)
    right: list[_Pair] = []
    for route, found in pairs:
        above, now = bisect(should_be, route.place), bisect(are, found.place)
        if above == now:
            right.append((route, found))
        else:
            yield Displaced(route, found, names[min(above, now) : max(above, now)], below=now > above)
    lowest: _Pair | None = None
    for route, found in sorted(right, key=lambda both: both[1].place):
        if lowest is not None and route.place < lowest[0].place:
            yield Displaced(*lowest, (found.name,))
        else:
            lowest = (route, found)


def _place(route: Listed) -> int:
    return route.place
