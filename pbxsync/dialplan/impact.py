"""Two route tables → what a change from the one to the other does to calls, in entries that a person can read."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pbxsync.dialplan.cover import TRIES, cover, short_cover
from pbxsync.dialplan.difference import Difference, compared, differences
from pbxsync.dialplan.regions import Regions
from pbxsync.dialplan.table import RouteTable
from pbxsync.model import CallExample, CallPath, Impact, NumberWords

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pbxsync.dialplan.numbers import Numbers
    from pbxsync.dialplan.regions import Partition
    from pbxsync.dialplan.shape import Shape
    from pbxsync.model import Route

#: Nobody reads more entries than this, so that no time goes into better words for them.
_READ = 100
_FEW_TRIES = 8
#: From so much effort on it is tried whether a person would rather say «this, but not that».
_MUCH = 3
#: How many patterns of other routes may take what is left out, at most.
_NEAR = 128


def impact(before: Iterable[Route], after: Iterable[Route]) -> tuple[Impact, ...]:
    """Every call whose trunks or digits sent change, or that is routed now or no longer; exact.

    The entries come in the order of the routes that took the calls; they don't overlap.
    """
    return entries(*compared(Regions(), RouteTable(before), RouteTable(after)))


def entries(old: Partition, new: Partition) -> tuple[Impact, ...]:
    """The impact of a change from the one table to the other, both of the same Regions."""

    def order(one: Difference) -> tuple[float, float, list[str]]:
        was = old.rows[one.before][0] if one.before is not None else math.inf
        now = new.rows[one.after][0] if one.after is not None else math.inf
        return was, now, [shape.text for shape in (*one.callers.match, *one.callers.but_not)]

    found = sorted(differences(old, new), key=order)
    return tuple(_entry(one, old, new, in_few_words=len(found) <= _READ) for one in found)


def _entry(one: Difference, old: Partition, new: Partition, *, in_few_words: bool) -> Impact:
    regions = old.regions
    hints = hints_of(one, regions)
    shapes = cover(one.numbers, hints, TRIES if in_few_words else _FEW_TRIES)
    dial = one.numbers.example() or ""
    was, now = _path(old, one.before), _path(new, one.after)
    numbers = tuple(shape.text for shape in shapes)
    return Impact(
        numbers=numbers,
        match=tuple(shape.text for shape in one.callers.match),
        but_not=tuple(shape.text for shape in one.callers.but_not),
        before=was,
        after=now,
        example=CallExample(dial, regions.callers.example(one.callers), _sends(was, dial), _sends(now, dial)),
        words=in_words(one.numbers, shapes, hints[0], near_in((old, new))) if in_few_words else NumberWords(numbers),
    )


def hints_of(one: Difference, regions: Regions) -> list[Shape]:
    """What a person has in mind: the pattern that took the calls, the one that takes them, what both have in common."""
    shapes = [regions.handlings[key].numbers for key in (one.before, one.after) if key is not None]
    both = shapes[0] & shapes[-1]
    return [both, *shapes] if both is not None else shapes


def near_in(tables: Sequence[Partition]) -> Callable[[Numbers], list[Shape]]:
    """What tells the patterns of the tables' routes that some of a set of numbers come to."""

    def near(numbers: Numbers) -> list[Shape]:
        keys = sorted({key for table in tables for key in table.keys_within(numbers)})
        return [tables[0].regions.handlings[key].numbers for key in keys]

    return near


def in_words(
    numbers: Numbers, shapes: Iterable[Shape], base: Shape, near: Callable[[Numbers], Iterable[Shape]]
) -> NumberWords:
    """The numbers as a person would say them: some patterns, or ``base`` but not some others.

    ``near`` tells the patterns that are likely to say what is left out of ``base``.
    """
    texts = tuple(shape.text for shape in shapes)
    if _effort(texts) < _MUCH:
        return NumberWords(texts)
    left_out = numbers.space.of(base) - numbers
    others = list(dict.fromkeys(both for shape in near(left_out) if (both := shape & base)))
    if len(others) > _NEAR:
        return NumberWords(texts)
    rest = short_cover(left_out, others, len(texts))
    if rest is None:
        return NumberWords(texts)
    but_not = tuple(sorted((shape.text for shape in rest), key=lambda text: (len(text), text)))
    words = NumberWords((base.text,), but_not)
    return words if _effort((*words.patterns, *but_not)) < _effort(texts) else NumberWords(texts)


def _effort(texts: Sequence[str]) -> int:
    """What it takes to read patterns: each of them, and each set with signs in it that hardly anybody dials."""
    return len(texts) + sum(text.count("*#+]") for text in texts)


def _path(table: Partition, key: int | None) -> CallPath | None:
    if key is None:
        return None
    row = table.rows[key][1]
    return CallPath(row.route.name, row.route.trunks, row.route.prepend, row.strip)


def _sends(path: CallPath | None, dial: str) -> str | None:
    return path.prepend + dial[path.strip :] if path is not None else None
