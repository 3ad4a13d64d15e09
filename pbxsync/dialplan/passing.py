"""The steps of a change → the calls that one of the moments in between sends where they neither went nor will go.

Every moment is looked at together: a route that was there from one step to another lies in the automaton as any other
does, and what each set of calls comes to is then told moment by moment.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from pbxsync.dialplan.automaton import split
from pbxsync.dialplan.callers import Callers, Taker, outcomes
from pbxsync.dialplan.cover import cover
from pbxsync.dialplan.difference import alike, noticed
from pbxsync.dialplan.impact import in_words
from pbxsync.dialplan.layering import layered
from pbxsync.dialplan.numbers import Numbers
from pbxsync.dialplan.regions import Regions
from pbxsync.dialplan.table import row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pbxsync.dialplan.regions import Chain, Handling
    from pbxsync.dialplan.shape import Shape
    from pbxsync.model import NumberWords, Route


@dataclass(frozen=True, slots=True)
class Version:
    """A route as it is on the PBX while so many steps are done: ``begins`` of them or more, but fewer than ``ends``."""

    route: Route
    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class Passing:
    """Calls that go elsewhere while ``begins`` steps or more, but fewer than ``ends``, are done.

    ``before``, ``meanwhile`` and ``after`` are the routes that take them; None is no route. The calls are those to
    ``numbers``, by the callers of ``match`` and ``but_not``, as in an Impact; ``example`` is one of the numbers.
    """

    begins: int
    ends: int
    before: Route | None
    meanwhile: Route | None
    after: Route | None
    numbers: NumberWords
    match: tuple[str, ...]
    but_not: tuple[str, ...]
    example: str


def passing(versions: Iterable[Version], last: int, changing: Sequence[Route] = ()) -> tuple[Passing, ...]:
    """The calls that some moment between the first and the last sends elsewhere than both do; exact.

    ``versions`` are in the order of the PBX's table, ``last`` is the number of all steps. Where ``changing`` names
    routes, only calls that one of them matches are looked at.
    """
    return tuple(_Timeline(versions, last).found(changing))


class _Cell(NamedTuple):
    """When, from which version to which over which, and who calls."""

    begins: int
    ends: int
    before: int | None
    meanwhile: int | None
    after: int | None
    callers: Callers


class _Timeline:
    """The versions that some call can match, and what they do to it."""

    def __init__(self, versions: Iterable[Version], last: int) -> None:
        self._last = last
        self._regions = Regions()
        self._versions: list[Version] = []
        self._handlings: list[Handling] = []
        for version in versions:
            handling = self._regions.handling(row(version.route))
            if handling is not None:
                self._versions.append(version)
                self._handlings.append(handling)
        self._keys = [self._regions.key(handling) for handling in self._handlings]
        self._of_chains: dict[Chain, tuple[_Cell, ...]] = {}

    def found(self, changing: Sequence[Route]) -> Iterator[Passing]:
        """What is passing, in the order of the moments."""
        regions = self._regions
        handlings = [regions.handling(row(route)) for route in changing]
        shapes = [handling.numbers for handling in handlings if handling is not None]
        focus = regions.numbers.of(*shapes).node if changing else None
        layers = [
            (handling.numbers, handling.callers is None and self._always(index))
            for index, handling in enumerate(self._handlings)
        ]
        node = layered(regions.chains, layers, self._chain, focus)
        cells = split(regions.numbers, node, self._cells)
        for cell in sorted(cells, key=lambda cell: (cell.begins, cell.ends, repr(cell))):
            numbers = Numbers(regions.numbers, cells[cell])
            for one in (cell.before, cell.after):
                numbers = noticed(regions, self._key(one), self._key(cell.meanwhile), numbers)
            if numbers:
                yield self._told(cell, numbers)

    def _always(self, index: int) -> bool:
        version = self._versions[index]
        return version.begins <= 0 and version.ends > self._last

    def _chain(self, layers: tuple[int, ...]) -> Chain:
        """The versions that take a number, in order; none where nothing happens to it."""
        return () if all(map(self._always, layers)) else layers

    def _key(self, index: int | None) -> int | None:
        return None if index is None else self._keys[index]

    def _takers(self, chain: Chain, moment: int) -> list[Taker]:
        there = [at for at in chain if self._versions[at].begins <= moment < self._versions[at].ends]
        return [Taker(at, self._handlings[at].callers) for at in there]

    def _cells(self, chain: Chain) -> tuple[_Cell, ...]:
        """Who is sent elsewhere meanwhile, of those who call a number that these versions take."""
        found = self._of_chains.get(chain)
        if found is None:
            found = self._of_chains[chain] = tuple(self._joined(self._worked_out(chain)))
        return found

    def _worked_out(self, chain: Chain) -> Iterator[_Cell]:
        steps = {step for at in chain for step in (self._versions[at].begins, self._versions[at].ends)}
        moments = sorted(step for step in steps if 0 < step < self._last)
        first, last = self._takers(chain, 0), self._takers(chain, self._last)
        for begins, ends in pairwise([*moments, self._last]):
            takers = self._takers(chain, begins)
            if takers in (first, last):
                continue
            space = self._regions.callers
            for before, meanwhile, callers in outcomes(space, first, takers):
                if self._alike(before, meanwhile):
                    continue
                for after, same, who in outcomes(space, last, takers, callers):
                    if not self._alike(after, same):
                        yield _Cell(begins, ends, before, meanwhile, after, who)

    def _alike(self, one: int | None, other: int | None) -> bool:
        return alike(self._regions, self._key(one), self._key(other))

    def _joined(self, cells: Iterable[_Cell]) -> list[_Cell]:
        """One cell for what lasts from one moment on over the next ones."""
        found: dict[tuple[object, ...], list[_Cell]] = {}
        for cell in cells:
            run = found.setdefault(cell[2:], [])
            if run and run[-1].ends == cell.begins:
                run[-1] = cell._replace(begins=run[-1].begins)
            else:
                run.append(cell)
        return [cell for run in found.values() for cell in run]

    def _route(self, index: int | None) -> Route | None:
        return None if index is None else self._versions[index].route

    def _told(self, cell: _Cell, numbers: Numbers) -> Passing:
        indexes = (cell.before, cell.meanwhile, cell.after)
        hints = [self._handlings[at].numbers for at in indexes if at is not None]
        # The calls are in each of them, so all have some numbers in common.
        both = functools.reduce(lambda one, other: one & other or one, hints)
        words = in_words(numbers, cover(numbers, [both, *hints]), both, self._near)
        return Passing(
            cell.begins,
            cell.ends,
            self._route(cell.before),
            self._route(cell.meanwhile),
            self._route(cell.after),
            words,
            tuple(shape.text for shape in cell.callers.match),
            tuple(shape.text for shape in cell.callers.but_not),
            numbers.example() or "",
        )

    def _near(self, numbers: Numbers) -> list[Shape]:
        """The patterns of all versions that take some of these numbers."""
        return [one.numbers for one in self._handlings if numbers & self._regions.numbers.of(one.numbers)]
