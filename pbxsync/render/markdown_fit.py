"""Blocks of Markdown → one text of at most so many characters: what matters least, and stands last, is left out.

A block is text, or a list or table whose rows may be left out from the last on, which it says then. Where the whole is
too long, each block begins without rows. Then they all get a few, the gravest kind first, then some more, so that one
PBX with many doesn't keep the others' from being seen. Details get what is left, from the first on.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Of each block so many rows are shown before any gets more.
_ROUNDS = (3, 10, 30, 100, 300, 1000)


class Weight(IntEnum):
    """What a block's rows tell, the gravest first."""

    FAILURE = 0
    IMPACT = 1
    WARNING = 2
    REMARK = 3
    DETAIL = 4


@dataclass(frozen=True, slots=True)
class Block:
    """A text that is always shown, or rows between an opening and a closing that may be left out.

    ``more`` says how many are left out, and has ``{}`` for their number; ``none`` stands for the block if all are.
    """

    opening: str
    rows: tuple[str, ...] = ()
    closing: str = ""
    more: str = ""
    none: str = ""
    weight: Weight = Weight.FAILURE

    def text(self, shown: int) -> str:
        """The block with so many of its rows."""
        if self.rows and not shown:
            return self.none
        return f"{self.opening}{''.join(self.rows[:shown])}{self._more(shown)}{self.closing}"

    def growth(self, shown: int) -> int:
        """How many characters the next row makes the block longer."""
        if not shown:
            return len(self.text(1)) - len(self.none)
        return len(self.rows[shown]) + len(self._more(shown + 1)) - len(self._more(shown))

    def _more(self, shown: int) -> str:
        left = len(self.rows) - shown
        return self.more.format(left) if left else ""


@dataclass(frozen=True, slots=True)
class Document:
    """Blocks at the top, sections that are left out whole where need be, blocks at the bottom.

    ``notice`` says at the very end, with the number of sections left out, that something is missing and where it is.
    The top without rows, the bottom without rows and the notice must fit whatever the limit.
    """

    top: Sequence[Block]
    sections: Sequence[Sequence[Block]]
    bottom: Sequence[Block]
    notice: Callable[[int], Block]


def fitted(document: Document, limit: int) -> str:
    """The document, with a blank line between its blocks, in at most ``limit`` characters."""
    blocks = _blocks(document, document.sections, None)
    whole = _joined(blocks, [len(block.rows) for block in blocks])
    if len(whole) <= limit:
        return whole
    everything = len(document.sections)

    def with_first(kept: int) -> list[Block]:
        return _blocks(document, document.sections[:kept], document.notice(everything - kept))

    counts = range(1, everything + 1)
    blocks = with_first(bisect_right(counts, limit, key=lambda kept: _bare(with_first(kept))))
    return _joined(blocks, _shares(blocks, limit - _bare(blocks)))


def _blocks(document: Document, sections: Sequence[Sequence[Block]], notice: Block | None) -> list[Block]:
    return [
        *document.top,
        *(block for section in sections for block in section),
        *document.bottom,
        *([notice] if notice else []),
    ]


def _joined(blocks: Sequence[Block], shown: Sequence[int]) -> str:
    return "\n".join(block.text(rows) for block, rows in zip(blocks, shown, strict=True))


def _bare(blocks: Sequence[Block]) -> int:
    """How long the blocks are without rows, with a line's end between them."""
    return sum(len(block.text(0)) + 1 for block in blocks) - 1


def _shares(blocks: Sequence[Block], room: int) -> list[int]:
    """How many rows of each block are shown where there is room for so many characters more."""
    shown = [0] * len(blocks)
    for most in (*_ROUNDS, None):
        for weight in Weight:
            if weight is not Weight.DETAIL:
                room = _grown(blocks, shown, weight, most, room)
    _grown(blocks, shown, Weight.DETAIL, None, room)
    return shown


def _grown(blocks: Sequence[Block], shown: list[int], weight: Weight, most: int | None, room: int) -> int:
    """Give the blocks of this weight up to ``most`` rows each; what room is left then."""
    for at, block in enumerate(blocks):
        if block.weight is not weight:
            continue
        for row in range(shown[at], len(block.rows[:most])):
            growth = block.growth(row)
            if growth > room:
                if weight is Weight.DETAIL:
                    return room  # what comes behind a detail that is left out is left out too
                break
            room -= growth
            shown[at] += 1
    return room
