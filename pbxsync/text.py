"""Text for people: made safe to print, command lines to copy, and lists of names in words."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

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


def listed(names: Iterable[str], limit: int = 20) -> str:
    """Names with commas between them, cut where there are more than ``limit``."""
    names = list(names)
    more = f", and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
