"""What a person writes into a dial pattern by mistake: signs that look like others, sets as other tools have them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

from pbxsync.dialplan.pattern import CLASSES, parse
from pbxsync.dialplan.shape import SIGNS, bits, set_text

#: Signs of other scripts and of typesetting, by the sign of a dial pattern that they look like.
_LOOK_ALIKES = {
    "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2043\u02d7\u00af\u2e3a\u30fc",
    "X": "\u0425\u03a7\u00d7\u2715\u2716\u2573",
    "x": "\u0445\u03c7",
    "Z": "\u0396",
    "N": "\u039d",
    "0": "\u041e\u043e\u039f\u03bf\u00d8",
    "1": "\u0406\u0399\u04cf",
    "3": "\u0417",
    "*": "\u2217\u204e\u2731\u22c6",
    "#": "\u266f",
    "+": "\u2795",
    ".": "\u2026\u2024\u00b7\u2022\u3002",
    "!": "\u01c3\u00a1",
    "[": "\u3010\u3014",
    "]": "\u3011\u3015",
}
_LOOKS_LIKE = {char: sign for sign, chars in _LOOK_ALIKES.items() for char in chars}
_PATTERN_SIGNS = frozenset(SIGNS + "XZNxzn-.![]")
_SET = re.compile(r"\[[^\]]*\]")
#: Letters that are written for digits.
_LETTERS_FOR_DIGITS = str.maketrans("OoIl", "0011")


@lru_cache(maxsize=1024)
def looks_like(char: str) -> str | None:
    """Return the sign of a dial pattern that a character of another script or width looks like, or None."""
    if char.isascii():
        return None
    decimal = unicodedata.decimal(char, None)
    plain = _LOOKS_LIKE.get(char) or (str(decimal) if decimal is not None else unicodedata.normalize("NFKC", char))
    return plain if plain in _PATTERN_SIGNS else None


def look_alikes(text: str) -> str:
    """Return the characters of a text that only look like signs of a dial pattern, each once."""
    return "" if text.isascii() else "".join(dict.fromkeys(char for char in text if looks_like(char)))


def without_look_alikes(text: str) -> str:
    """Return the text with each such character as the sign that it looks like, and ``…`` in a set as two dots."""
    text = _SET.sub(lambda found: found[0].replace("\u2026", ".."), text)
    return "".join(looks_like(char) or char for char in text)


def with_digits_for_letters(text: str) -> str:
    """Return the text with 0 for the letter O, and 1 for I and l."""
    return text.translate(_LETTERS_FOR_DIGITS)


class Slip(Enum):
    """What was most likely meant by a set with characters that no number has."""

    NEGATION = auto()
    RANGE = auto()
    CLASS = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class SetSlip:
    """A set with characters that no number has: all that it holds of numbers, those characters, what was meant.

    ``meant`` is what to write for the set, empty where nobody can know it; ``but`` is what a negation leaves out.
    """

    part: str
    numbers: str
    odd: str
    slip: Slip
    meant: str = ""
    but: str = ""


_RANGE_WORDS = re.compile(r"(?<=[0-9])\s*(?:to|thru|through|until|bis|\.{2,}|~)\s*(?=[0-9])", re.IGNORECASE)
_HYPHEN = re.compile(r"(?<=[0-9])\s+-\s*(?=[0-9])|(?<=[0-9])-\s+(?=[0-9])")
_LIST_WORDS = re.compile(r"(?<=[0-9])\s*(?:and|or|und|oder|[,;|/ ])\s*(?=[0-9])", re.IGNORECASE)
_CLASS = re.compile(r"(?<!-)[XZNxzn](?!-)")
_ODD_BETWEEN = re.compile(r"[0-9*#+-][^0-9*#+-]+[0-9*#+-]")


def set_slip(part: str) -> SetSlip | None:
    """Return what is odd in a set, brackets included, or None. The ``-`` of a range that has no end is not odd."""
    inside = part[1:-1]
    if inside.upper() in CLASSES:
        return SetSlip(part, "", inside, Slip.CLASS, inside)
    odd = "".join(dict.fromkeys(char for char in inside if char not in SIGNS and char != "-"))
    if not odd:
        return None
    numbers = _members(inside)
    negated = inside[0] in "^!" and bool(inside[1:])
    meant = inside[1:] if negated else inside
    listed = _LIST_WORDS.sub("", meant)
    ranged = _HYPHEN.sub("-", _RANGE_WORDS.sub("-", listed))
    spelt = _CLASS.sub(lambda found: _range_of(found[0]), ranged)
    slip = Slip.CLASS if spelt != ranged else Slip.RANGE if ranged != listed else Slip.OTHER
    slip = Slip.NEGATION if negated else slip
    signs = _members(spelt)
    if any(char not in SIGNS and char != "-" for char in spelt):
        # Something is left that no number has: at an end of the set it can go, between two signs it may mean anything.
        known = slip is Slip.OTHER and not _ODD_BETWEEN.search(spelt)
        signs = numbers if known else 0
    if negated and signs:
        return SetSlip(part, set_text(numbers), odd, slip, set_text(bits("0123456789") & ~signs), set_text(signs))
    return SetSlip(part, set_text(numbers), odd, slip, set_text(signs))


def _members(inside: str) -> int:
    """Return the signs of numbers that a set with this between its brackets has."""
    pattern = parse(f"[{inside}]") if inside else None
    return bits(pattern.places[0]) if pattern and pattern.places else 0


def _range_of(letter: str) -> str:
    digits = sorted(CLASSES[letter.upper()])
    return f"{digits[0]}-{digits[-1]}"
