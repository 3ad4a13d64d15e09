"""One dial pattern: which numbers a text takes, by the rules of the Asterisk that runs inside a PBX.

A route's text is ``prefix + matchpattern``, plainly joined. Any text is accepted here, odd or broken, since a PBX may
hold it. The rules were measured on Asterisk 20 and are on the page ``docs/patterns.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

#: Asterisk cuts a number to this many characters before it matches it (``AST_MAX_EXTENSION``).
MAX_NUMBER = 79

_LITERAL = frozenset("0123456789*+")
_DIGITS = "0123456789"
#: The letters that stand for a set of digits. Small ones mean the same.
CLASSES = {"X": frozenset(_DIGITS), "Z": frozenset(_DIGITS[1:]), "N": frozenset(_DIGITS[2:])}


class Tail(Enum):
    """What may follow the last place of a pattern."""

    NOTHING = ""
    SOME = "."
    ANY = "!"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text as Asterisk reads it: for each place the characters that it takes, and what may follow the last place.

    A place without a character takes none, so that the pattern never matches.
    """

    places: tuple[frozenset[str], ...]
    tail: Tail = Tail.NOTHING

    def matches(self, number: str) -> bool:
        """Whether the pattern takes the number, the whole of it."""
        return self.mismatch(number) is None

    def mismatch(self, number: str) -> int | None:
        """The place, from 0, at which the number stops to match; None where it matches.

        It is the number's length where the number is too short. Every ``-`` in the number counts for nothing, and so
        does all that stands behind its first 79 characters.
        """
        signs = compared(number)
        for at, (sign, place) in enumerate(zip(signs, self.places, strict=False)):
            if sign not in place:
                return at
        missing = len(signs) - len(self.places)
        if missing < 0 or (missing == 0 and self.tail is Tail.SOME):
            return len(signs)
        return len(self.places) if missing > 0 and self.tail is Tail.NOTHING else None


def compared(number: str) -> str:
    """What Asterisk compares of a dialled number or caller id: its first 79 characters, without every ``-``."""
    return number[:MAX_NUMBER].replace("-", "")


def parse(text: str) -> Pattern | None:
    """The pattern that Asterisk makes of a text; None where it makes none, and the route takes no call at all.

    None is the answer to an empty text and to an unclosed ``[``. A text all of ``0-9 * +`` is a literal number, and
    comes as a pattern of one character each.
    """
    if not text or unclosed(text) is not None:
        return None
    if _LITERAL.issuperset(text):
        return Pattern(tuple(frozenset(char) for char in text))
    places: list[frozenset[str]] = []
    at = 0
    while at < len(text):
        char = text[at]
        if char in ".!":
            return Pattern(tuple(places), Tail(char))
        if char == "[":
            end = text.index("]", at)
            # An empty set is skipped, but for one at the end: there it is a place that takes nothing.
            if end > at + 1 or not text[end + 1 :].strip("- "):
                places.append(_members(text[at + 1 : end]))
            at = end
        elif char not in "- ":
            places.append(CLASSES.get(char.upper(), frozenset(char)) if char in "XZNxzn" else frozenset(char))
        at += 1
    return Pattern(tuple(places))


def unclosed(text: str) -> int | None:
    """Return the place of the first ``[`` without a ``]`` of its own, or None.

    A set ends at its first ``]``. But when Asterisk reads its dial plan it counts brackets, and a ``[`` in a set counts
    too: ``[[]`` opens two sets and closes one. A ``]`` that closes nothing is not counted.
    """
    if "[" not in text:
        return None
    opened = []
    for at, char in enumerate(text):
        if char == "[":
            opened.append(at)
        elif char == "]" and opened:
            opened.pop()
    return opened[0] if opened else None


def _members(inside: str) -> frozenset[str]:
    """The characters of a set: ``a-b`` is a range by character code, everything else is itself."""
    members: set[str] = set()
    at = 0
    while at < len(inside):
        if inside[at + 1 : at + 2] == "-" and at + 2 < len(inside):
            members.update(map(chr, range(ord(inside[at]), ord(inside[at + 2]) + 1)))
            at += 3
        else:
            members.add(inside[at])
            at += 1
    return frozenset(members)


def callerid_text(callerid: str) -> str:
    """What Asterisk compares of a route's caller id: the text without what it drops before it matches.

    That is every ``(``, ``)`` and space, every ``.`` that is not the text's last character, and outside of ``[…]``
    every ``-``.
    """
    kept = []
    inside = False
    for at, char in enumerate(callerid):
        if char in "() " or (char == "-" and not inside) or (char == "." and at + 1 < len(callerid)):
            continue
        inside = char != "]" if inside else char == "["
        kept.append(char)
    return "".join(kept)


def stripped(prefix: str) -> int:
    """How many characters are taken off the front of a number: the prefix's length, with every ``[…]`` counted one.

    It is the text that counts, so ``9-`` takes two characters off, although it matches one.
    """
    count = at = 0
    while at < len(prefix):
        end = prefix.find("]", at) if prefix[at] == "[" else at
        at = (end if end >= 0 else at) + 1
        count += 1
    return count
