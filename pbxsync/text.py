"""Text for people: made safe to print, command lines to copy, places and lists of names in words."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# What JSON may hold raw and a terminal acts on, or UTF-8 can't hold: DEL and C1, line ends, signs that turn the
# direction of text, half surrogates.
_TO_ESCAPE = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """The text on one line, with what could act on a terminal, break it or stay unseen escaped, as JSON and Python do.

    That is what Unicode calls other or separator, but for the space: control and format characters, half surrogates.
    """
    if text.isprintable():
        return text
    return "".join(escaped(char) for char in text)


def escaped(char: str) -> str:
    """One character as JSON, YAML and Python can spell it: itself where it is printable, else its escape."""
    if char.isprintable():
        return char
    code = ord(char)
    if char in "\n\r\t":
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[char]
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def safe_json(json: str) -> str:
    """The same JSON with what could act on a terminal, or UTF-8 can't hold, spelt as its escape."""
    return _TO_ESCAPE.sub(lambda half: f"\\u{ord(half[0]):04x}", json)


def command_line(*words: str) -> str:
    """A command to copy into a shell, with every word quoted that needs it."""
    return shlex.join(words)


def ordinal(number: int) -> str:
    """A place in words: ``1st``, ``2nd``, ``3rd``, ``11th``, ``21st``."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def listed(names: Iterable[str], limit: int = 20) -> str:
    """Names with commas between them, cut where there are more than ``limit``."""
    names = list(names)
    more = f", and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def numbers_in_words(patterns: Sequence[str], but_not: Sequence[str] = (), limit: int = 8) -> str:
    """Dial patterns with commas between them, cut where there are many: ``9X., 8X. (but not 911)``."""
    left_out = f" (but not {listed(but_not, limit)})" if but_not else ""
    return f"{listed(patterns, limit)}{left_out}"


def callers_in_words(match: Sequence[str], but_not: Sequence[str], limit: int = 8) -> str:
    """Which callers a set of calls is of, to stand behind numbers: `` from 20X but not 2001``; empty for everybody."""
    if not match:
        return f" from callers other than {listed(but_not, limit)}" if but_not else ""
    return f" from {' and '.join(match)}" + (f" but not {listed(but_not, limit)}" if but_not else "")
