"""What the texts of a claim stand for: numbers, caller ids, digits; behind a ``_`` stands a pattern."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbxsync.dialplan.digits import sending, takes
from pbxsync.dialplan.pattern import Pattern, Tail, callerid_text, parse
from pbxsync.dialplan.shape import shape_of

if TYPE_CHECKING:
    from pbxsync.dialplan.shape import Shape

#: What a claim begins a pattern with.
MARK = "_"


def numbers_meant(dial: str) -> str | Shape | None:
    """What a claim's ``dial`` stands for: one number, or all that a pattern takes; None where there is none."""
    return _meant(dial.removeprefix(MARK)) if dial.startswith(MARK) else dial or None


def callers_meant(callerid: str) -> str | Shape | None:
    """What a claim's ``callerid`` stands for: one id, all that a pattern takes, or none at all where it is empty.

    None where there is no such id. What Asterisk drops of a route's callerid is dropped of a pattern here too.
    """
    return _meant(callerid_text(callerid.removeprefix(MARK))) if callerid.startswith(MARK) else callerid


def _meant(text: str) -> str | Shape | None:
    """What a pattern takes of all that there is; the text itself where that is one number."""
    shape = shape_of(parse(text))
    single = shape is not None and shape.tail is Tail.NOTHING and all(place.bit_count() == 1 for place in shape.places)
    return shape.text if shape is not None and single else shape


def digits_meant(sends: str) -> Pattern | None:
    """What a claim's ``sends`` stands for, as a pattern that takes it; None where no digits are such."""
    if not sends.startswith(MARK):
        return Pattern(tuple(frozenset(sign) for sign in sends))
    pattern = parse(sends.removeprefix(MARK))
    return pattern if pattern is not None and all(pattern.places) and (pattern.places or pattern.tail.value) else None


def sent_as_claimed(sends: str | None, digits: str) -> bool:
    """Whether these digits are what is claimed. A pattern passes over dashes, as it does in any number."""
    if sends is None:
        return True
    wanted = digits_meant(sends)
    return wanted is not None and takes(wanted, _compared(sends, digits))


def numbers_sending(sends: str, strip: int, prepend: str) -> tuple[Shape, ...]:
    """The numbers of which a route that strips and prepends this sends what is claimed."""
    wanted = digits_meant(sends)
    return sending(strip, _compared(sends, prepend), wanted) if wanted is not None else ()


def _compared(sends: str, digits: str) -> str:
    return digits.replace("-", "") if sends.startswith(MARK) else digits
