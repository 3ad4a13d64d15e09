"""Text for people: made safe to print, and lists of names in words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Control characters, half surrogates, and the signs that turn the direction of text around: none of them may reach a
# terminal or a file from a name that somebody else chose.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufff9-\uffff]")


def printable(text: str) -> str:
    """The text on one line, with what could act on a terminal, or break it, escaped (ESC becomes 4 characters)."""
    return _UNSAFE.sub(lambda found: _escaped(found[0]), text)


def _escaped(char: str) -> str:
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char) or (
        f"\\x{ord(char):02x}" if ord(char) <= 0xFF else f"\\u{ord(char):04x}"
    )


def listed(names: Iterable[str], limit: int = 20) -> str:
    """Names with commas between them, cut where there are many."""
    names = list(names)
    more = f", and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
