"""A file's order against a PBX's: the calls that another route takes there than the file says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pbxsync.dialplan.cover import cover
from pbxsync.dialplan.difference import differences
from pbxsync.dialplan.impact import hints_of, in_words, near_in

if TYPE_CHECKING:
    from pbxsync.dialplan.regions import Partition
    from pbxsync.model import NumberWords, Route


@dataclass(frozen=True, slots=True)
class Overtaken:
    """Calls that the file gives to ``route``, and that ``by`` takes, which stands above it on the PBX.

    ``match`` and ``but_not`` say of which callers, as in an Impact; ``example`` is a number of theirs.
    """

    route: Route
    by: Route
    numbers: NumberWords
    match: tuple[str, ...]
    but_not: tuple[str, ...]
    example: str


def overtaken(declared: Partition, held: Partition) -> tuple[Overtaken, ...]:
    """Where the order of what the PBX holds sends calls elsewhere than the file's order does, in the file's order.

    Only routes that the PBX holds as the file declares them count: what is not there at all is no matter of order.
    """
    found = []
    for one in differences(declared, held):
        if one.before is None or one.after is None or one.before not in held.rows:
            continue
        hints = hints_of(one, declared.regions)
        words = in_words(one.numbers, cover(one.numbers, hints), hints[0], near_in((declared, held)))
        who = one.callers
        place, row = declared.rows[one.before]
        above, other = held.rows[one.after]
        text = tuple(tuple(shape.text for shape in shapes) for shapes in (who.match, who.but_not))
        line = Overtaken(row.route, other.route, words, text[0], text[1], one.numbers.example() or "")
        found.append(((place, above, text), line))
    return tuple(line for _, line in sorted(found, key=lambda pair: pair[0]))
