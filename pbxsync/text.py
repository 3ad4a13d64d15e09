"""Text for people: made safe to print, command lines to copy, and lists of names in words."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_HALF_SURROGATE = re.compile("[\ud800-\udfff]")


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


def encodable(json: str) -> str:
    """JSON text that UTF-8 can hold: half of a surrogate pair, which JSON can spell, is spelt as its escape."""
    return _HALF_SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", json)


def command_line(*words: str) -> str:
    """A command to copy into a shell, with every word quoted that needs it."""
    return shlex.join(words)


def listed(names: Iterable[str], limit: int = 20) -> str:
    """Names with commas between them, cut where there are more than ``limit``."""
    names = list(names)
    more = f", and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
