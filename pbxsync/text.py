"""Text for people: made safe to print, command lines to copy, places and lists of names in words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# What the log of a CI job takes for a command: GitHub's ``::command`` at the start of a line, after spaces or not, and
# its ``##[command`` anywhere in one, as Azure's ``##vso[command``. A dial pattern such as ##[1-9] is none.
_LEADING_COMMAND = re.compile("^( *):(?=:)")
_INNER_COMMAND = re.compile(r"##(?=[A-Za-z]*\[[A-Za-z])")

#: So many characters of a name are shown, which is five times what a PBX of this line keeps; and so many of a phrase.
LONGEST_NAME, LONGEST_PHRASE = 200, 2_000


def printable(text: str) -> str:
    """The text on one line, with what could act on a terminal, break it or stay unseen escaped, as JSON and Python do.

    That is what Unicode calls other or separator, but for the space: control and format characters, half surrogates.
    What a CI job's log would take for a command is escaped too, wherever on a line the text will stand.
    """
    if not text.isprintable():
        text = "".join(escaped(char) for char in text)
    if "::" in text or "##" in text:
        text = _INNER_COMMAND.sub(r"#\\x23", _LEADING_COMMAND.sub(r"\1\\x3a", text))
    return text


def escaped(char: str) -> str:
    """One character as JSON, YAML and Python can spell it: itself where it is printable, else its escape."""
    if char.isprintable():
        return char
    code = ord(char)
    if char in "\n\r\t":
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[char]
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def safe_json(json: str) -> str:
    """The same JSON with what `printable` escapes spelt as JSON's own escapes: what is read from it is the same."""
    if not json.replace("\n", "").isprintable():
        odd = {char for char in set(json) if not char.isprintable() and char != "\n"}
        json = json.translate({ord(char): _json_escape(char) for char in odd})
    return _INNER_COMMAND.sub(r"#\\u0023", json) if "##" in json else json


def _json_escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def command_line(*words: str) -> str:
    """A command to copy into a shell, with every word quoted that needs it."""
    import shlex  # here, since most runs show no command

    return shlex.join(words)


def ordinal(number: int) -> str:
    """A place in words: ``1st``, ``2nd``, ``3rd``, ``11th``, ``21st``."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def short(text: str, longest: int = LONGEST_NAME) -> str:
    """Return a name, or other text, as a message shows it: a PBX may answer with text of any length."""
    return text if len(text) <= longest else f"{text[:longest]}…"


def listed(items: Iterable[str], limit: int = 20, longest: int = LONGEST_NAME) -> str:
    """Return names with commas between them: ``limit`` names at most, and of each ``longest`` characters at most."""
    items = list(items)
    more = f", and {len(items) - limit} more" if len(items) > limit else ""
    return ", ".join(short(item, longest) for item in items[:limit]) + more


def numbers_in_words(patterns: Sequence[str], but_not: Sequence[str] = (), limit: int = 8) -> str:
    """Dial patterns with commas between them, cut where there are many: ``9X., 8X. (but not 911)``."""
    left_out = f" (but not {listed(but_not, limit)})" if but_not else ""
    return f"{listed(patterns, limit, LONGEST_PHRASE)}{left_out}"


def callers_in_words(match: Sequence[str], but_not: Sequence[str], limit: int = 8) -> str:
    """Which callers a set of calls is of, to follow numbers: `` from 20X but not 2001``; empty for everybody."""
    if not match:
        return f" from callers other than {listed(but_not, limit)}" if but_not else ""
    return f" from {' and '.join(match)}" + (f" but not {listed(but_not, limit)}" if but_not else "")
