"""A file's tests, held against a route table: whether each claim is true of every call that it speaks of.

A claim about one call is decided as that call is. One with a pattern is decided on sets of numbers and callers, so it
is exact however many calls it speaks of: none is a sample.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

from pbxsync.dialplan.automaton import Space, split
from pbxsync.dialplan.callers import EVERYBODY, Callers, Taker, outcomes
from pbxsync.dialplan.claim_texts import callers_meant, numbers_meant, numbers_sending, sent_as_claimed
from pbxsync.dialplan.complaints import Fault, Kind, complaint
from pbxsync.dialplan.numbers import Numbers
from pbxsync.dialplan.pattern import compared
from pbxsync.dialplan.regions import Regions
from pbxsync.dialplan.shape import EVERY, SIGNS, Shape, bits, shape_of
from pbxsync.dialplan.table import RouteTable
from pbxsync.model import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pbxsync.dialplan.regions import Chain, Partition
    from pbxsync.dialplan.table import Row
    from pbxsync.model import Claim

#: So many places of a pattern tell at a glance that it has no number in common with most others.
_HEAD = 4


def verdicts(table: RouteTable, claims: Iterable[Claim]) -> tuple[Verdict, ...]:
    """What becomes of each claim, in order."""
    judging = _Judging(table)
    return tuple(judging.verdict(claim) for claim in claims)


@dataclass(frozen=True, slots=True)
class _ByDigits:
    """What is said of calls before their digits are looked at: the claim holds if what is sent is as claimed."""

    strip: int
    prepend: str


#: Whether a claim holds of calls, or what that hangs on.
_Holds: TypeAlias = "bool | _ByDigits"


class _Judging:
    """A table, and what was found out of it for one claim that the next may use too."""

    def __init__(self, table: RouteTable) -> None:
        self._table = table
        self._regions = Regions()
        self._index = _Index(table)
        self._partitions: dict[tuple[tuple[int, ...], bool], Partition] = {}

    def verdict(self, claim: Claim) -> Verdict:
        numbers, callers = numbers_meant(claim.dial), callers_meant(claim.callerid)
        if numbers is None:
            return Verdict(claim, f"no number matches {claim.dial or 'an empty text'}: the test proves nothing")
        if callers is None:
            return Verdict(claim, f"no caller id matches {claim.callerid}: the test proves nothing")
        if not claim.no_route and all(one is None for one in (claim.route, claim.trunks, claim.sends)):
            return Verdict(claim, "the test claims nothing")
        if isinstance(numbers, str):
            faults, holds = self._of_number(claim, numbers, callers)
        else:
            breaking, holds = self._breaking(claim, numbers, callers)
            faults = [fault for number in breaking for fault in self._of_number(claim, number, callers)[0]]
        if not faults:
            return Verdict(claim)
        first = min(faults, key=_order)
        one = isinstance(numbers, str) and isinstance(callers, str)
        return Verdict(claim, complaint(claim, first, self._table, one=one, holds=holds), first.number, first.callerid)

    def _of_number(self, claim: Claim, number: str, callers: str | Shape) -> tuple[list[Fault], bool]:
        """The calls to one number for which the claim does not hold, one for each row, and whether it does for some."""
        faults = []
        holds = False
        for index, callerid in self._takers(number, callers):
            row = self._table.rows[index] if index is not None else None
            kind = _broken(claim, row)
            if kind is None and row is not None and not sent_as_claimed(claim.sends, row.sends(number)):
                kind = Kind.SENDS
            if kind is None:
                holds = True
            else:
                faults.append(Fault(kind, index, number, callerid))
        return faults, holds

    def _takers(self, number: str, callers: str | Shape) -> Iterator[tuple[int | None, str | None]]:
        """The rows that take calls to the number, each with such a caller; None is no row, and no caller id."""
        rows = self._table.rows
        near = self._index.near_number(number)
        if isinstance(callers, str):
            yield next((index for index in near if rows[index].refuses(number, callers) is None), None), callers or None
            return
        taking = [
            Taker(index, shape_of(row.callers) if row.limited else None)
            for index in near
            if (row := rows[index]).pattern is not None and row.pattern.matches(number) and self._asks(row, callers)
        ]
        space = self._regions.callers
        for taker, _, who in outcomes(space, taking, (), Callers((callers,))):
            yield taker, space.example(who)

    def _breaking(self, claim: Claim, shape: Shape, callers: str | Shape) -> tuple[list[str], bool]:
        """Numbers of the shape for which the claim does not hold, if any, and whether it holds for others."""
        numbers = self._regions.numbers
        found: list[Numbers] = []
        holds = False
        for label, some in self._parted(claim, shape, callers).items():
            if isinstance(label, _ByDigits):
                good = numbers.of(*numbers_sending(claim.sends or "", label.strip, label.prepend))
                found.append(some - good)
                holds = holds or bool(some & good)
            elif label:
                holds = True
            else:
                found.append(some)
        return [number for some in found if (number := some.example()) is not None], holds

    def _parted(self, claim: Claim, shape: Shape, callers: str | Shape) -> dict[_Holds, Numbers]:
        """The shape's numbers by what is said of calls to them; a number may be in several parts, by its callers.

        Of the table only those rows are looked at that take some of the calls.
        """
        rows = self._table.rows
        indices = tuple(index for index in self._index.near(shape) if self._asks(rows[index], callers))
        partition = self._partition(indices, of_one=isinstance(callers, str))
        who = EVERYBODY if isinstance(callers, str) else Callers((callers,))

        @cache
        def labels(chain: Chain) -> tuple[_Holds, ...]:
            alone = not chain or self._regions.handlings[chain[0]].callers is None
            keys = (chain[:1] or (None,)) if alone else {key for key, _ in partition.taken(chain, who)}
            taking = [rows[indices[partition.rows[key][0]]] if key is not None else None for key in keys]
            return tuple(dict.fromkeys(_label(claim, row) for row in taking))

        space: Space[tuple[_Holds, ...]] = Space(())
        numbers = self._regions.numbers
        node = space.combine(
            lambda chain, inside: labels(chain) if inside else (),
            partition.node,
            numbers.of(shape).node,
            lambda _, inside: space.empty if inside is numbers.empty else None,
        )
        return {label: Numbers(numbers, part) for label, part in split(numbers, node, lambda found: found).items()}

    def _asks(self, row: Row, callers: str | Shape) -> bool:
        """Whether the row takes calls of one of these callers, or of everybody."""
        if not row.limited:
            return True
        if isinstance(callers, str):
            return bool(callers) and row.callers is not None and row.callers.matches(callers)
        shape = shape_of(row.callers)
        return shape is not None and self._regions.callers.common(shape, callers) is not None

    def _partition(self, indices: tuple[int, ...], *, of_one: bool) -> Partition:
        """The regions of these rows; those for some callers take the calls of everybody if they are for one caller."""
        found = self._partitions.get((indices, of_one))
        if found is None:
            routes = [self._table.rows[index].route for index in indices]
            table = RouteTable(replace(route, callerid="") if of_one else route for route in routes)
            found = self._partitions[indices, of_one] = self._regions.partition(table)
        return found


class _Index:
    """The rows of a table by the first places of their patterns, to find those that take some numbers."""

    def __init__(self, table: RouteTable) -> None:
        self._count = len(table.rows)
        self._heads: dict[tuple[int, ...], list[tuple[int, Shape]]] = defaultdict(list)
        for index, row in enumerate(table.rows):
            shape = shape_of(row.pattern)
            if shape is not None:
                self._heads[_head(shape)].append((index, shape))

    def near(self, numbers: Shape) -> list[int]:
        """The indexes of the rows that take a number of the shape, in order."""
        wanted = _head(numbers)
        found = []
        for head, rows in self._heads.items():
            if all(a & b for a, b in zip(head, wanted, strict=True)):
                found += [index for index, shape in rows if shape & numbers is not None]
        return sorted(found)

    def near_number(self, number: str) -> Sequence[int]:
        """The indexes of the rows that may take the number, whatever its text, in order."""
        signs = compared(number)
        if not signs or not set(signs) <= set(SIGNS):
            return range(self._count)
        return self.near(Shape(tuple(bits(sign) for sign in signs)))


def _head(shape: Shape) -> tuple[int, ...]:
    """The shape's first places."""
    return (*shape.places[:_HEAD], *(EVERY,) * (_HEAD - len(shape.places)))


def _label(claim: Claim, row: Row | None) -> _Holds:
    """What is said of calls that the row takes; None is no row."""
    if _broken(claim, row) is not None:
        return False
    return True if row is None or claim.sends is None else _ByDigits(row.strip, row.route.prepend)


def _broken(claim: Claim, row: Row | None) -> Kind | None:
    """What of the claim the row breaks whatever number it takes; None is no row."""
    if row is None:
        if claim.route is not None:
            return Kind.ROUTE
        return Kind.TRUNKS if claim.trunks is not None else Kind.SENDS if claim.sends is not None else None
    if claim.no_route:
        return Kind.NO_ROUTE
    if claim.route is not None and claim.route != row.route.name:
        return Kind.ROUTE
    return Kind.TRUNKS if claim.trunks is not None and claim.trunks != row.route.trunks else None


def _order(fault: Fault) -> tuple[float, str, str]:
    """The fault to show of several: that of the topmost route."""
    return fault.index if fault.index is not None else math.inf, fault.number, fault.callerid or ""
