"""Why a text takes no number, or no caller id, and which part of it is to blame."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from pbxsync.dialplan.pattern import parse, unclosed
from pbxsync.dialplan.shape import bits, shape_of

#: A set, or one character outside of sets.
PIECE = re.compile(r"\[[^\]]*\]|.", re.DOTALL)


class Cause(Enum):
    """Why a text takes no number."""

    UNCLOSED = auto()
    BACKWARDS = auto()
    LETTERS = auto()
    CHARACTER = auto()
    BAR = auto()
    EMPTY_SET = auto()
    TOO_LONG = auto()
    NOTHING_LEFT = auto()


@dataclass(frozen=True, slots=True)
class Blame:
    """Why a text takes no number, and which part of it, from ``at`` on, is to blame; the part may be empty."""

    cause: Cause
    part: str
    at: int


def blame(text: str) -> Blame | None:
    """Why no number, or caller id, matches the text; None where one does."""
    pattern = parse(text)
    if shape_of(pattern) is not None:
        return None
    at = unclosed(text)
    if at is not None:
        return Blame(Cause.UNCLOSED, text[at:], at)
    if pattern is None or not (pattern.places or pattern.tail.value):
        return Blame(Cause.NOTHING_LEFT, "", len(text))
    if all(bits(place) for place in pattern.places):
        return Blame(Cause.TOO_LONG, "", len(text))
    faults = [Blame(cause, piece[0], piece.start()) for piece in PIECE.finditer(text) if (cause := _fault(piece[0]))]
    return _run(faults) if faults else Blame(Cause.EMPTY_SET, "[]", text.rindex("[]"))


def _fault(piece: str) -> Cause | None:
    """Why a set, or a character outside of sets, takes no sign of a number; None where it takes one, or is dropped."""
    pattern = parse(piece) if piece != "[]" else None
    place = pattern.places[0] if pattern and pattern.places else None
    if place is None or bits(place):
        return None
    if len(piece) == 1:
        return Cause.CHARACTER
    return Cause.LETTERS if place else Cause.BACKWARDS


def _run(faults: list[Blame]) -> Blame:
    """The first fault; where it is a character, with all that follow it at once, so that a word is told of as one."""
    first = faults[0]
    part = first.part
    for fault in faults[1:]:
        if not first.cause is fault.cause is Cause.CHARACTER or fault.at > first.at + len(part):
            break
        part += fault.part
    return Blame(first.cause, part, first.at)
