"""Which names the PBX's API can carry without harm, and which texts its bodies can hold at all.

The API joins names with commas and reads the name ``all`` as every route (API manual, ``outroute/query`` and
``outroute/delete``), so a name of that kind must never be sent. pbxsync itself gives names that end in `COPY`, to the
copies of routes that it moves; no file may declare such a name.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from pbxsync.equal_names import NAME_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable

# Control characters, line ends that YAML or an editor would take for one, lone surrogates, and what XML can't hold.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")

# What draws nothing by itself, so that nobody sees it: format characters, spaces that are not the plain one, fillers,
# joiners, and what Unicode keeps for more of them. A variation selector is a part of the sign before it, such as an
# emoji, but not of a letter or digit of ASCII, unless that is on a keycap.
_HIDDEN = re.compile(
    "[\u00a0\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u1680\u17b4\u17b5\u180e"
    "\u2000-\u200f\u202a-\u202f\u205f-\u206f\u2800\u3000\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
    "|(?<![^\x00-\x7f])[\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]+(?!\u20e3)"
)
#: So many characters are named in one message.
_NAMED = 3

#: What a copy's name ends in while the route that it is a copy of is being moved.
COPY = "~pbxsync"


def control_character(text: str) -> str | None:
    """The first character that no field may hold, as ``U+0007``; None where there is none."""
    found = _CONTROL.search(text)
    return f"U+{ord(found[0]):04X}" if found else None


def hidden_characters(text: str) -> str | None:
    """Return the characters of a text that nobody sees, as ``U+200B ZERO WIDTH SPACE``, or None."""
    found = list(dict.fromkeys("".join(_HIDDEN.findall(text))))
    if not found:
        return None
    names = [in_words(char) for char in found[:_NAMED]]
    more = [f"{len(found) - _NAMED} more"] if len(found) > _NAMED else []
    *first, last = [*names, *more]
    return f"{', '.join(first)} and {last}" if first else last


def in_words(char: str) -> str:
    """Return a character by its code point and its Unicode name."""
    return f"U+{ord(char):04X} {unicodedata.name(char, '')}".rstrip()


def without_hidden(text: str) -> str:
    """Return the text with a plain space for each odd space, and without all else that nobody sees."""
    while _HIDDEN.search(text):  # what is taken out may have hidden what follows it
        text = _HIDDEN.sub(lambda found: " " if found[0].isspace() else "", text)
    return text


def text_fault(text: str) -> tuple[str, str] | None:
    """Return why no field of a file may hold this text, as (rule id, reason), or None."""
    character = control_character(text)
    if character:
        return "control-character", f"it holds the control character {character}"
    hidden = hidden_characters(text)
    return ("hidden-character", f"it holds {hidden}, which nobody sees") if hidden else None


def trunk_fault(name: str) -> tuple[str, str] | None:
    """Return why no file may declare a trunk of this name, as (rule id, reason), or None."""
    return text_fault(name) or _api_fault(name)


def _api_fault(name: str) -> tuple[str, str] | None:
    """Return why the API can't carry this name, as (rule id, reason), or None."""
    if not name:
        return "empty-value", "it is empty"
    character = control_character(name)
    if character:
        return "control-character", f"it holds the control character {character}"
    if "," in name:
        return "comma", "it holds a comma, which separates names for the PBX"
    if name != name.strip():
        return "outer-space", "it begins or ends with a space"
    return None


def route_fault(name: str) -> tuple[str, str] | None:
    """Why a route can't bear this name, as (rule id, reason); None where it can."""
    if name.lower() == "all":
        return "reserved-name", "the PBX's API reads it as every route"
    return _api_fault(name)


def declared_fault(name: str) -> tuple[str, str] | None:
    """Why no file may declare a route of this name, as (rule id, reason); None where one may."""
    if name.lower().endswith(COPY):
        return "reserved-name", f"names that end in {COPY} are those of copies that pbxsync makes to move routes"
    return text_fault(name) or route_fault(name)


def ignored(name: str, patterns: Iterable[str]) -> str | None:
    """Return the first pattern that matches the whole name as written, or None. ``*`` is any characters or none."""
    return next((pattern for pattern in patterns if _matches(name, pattern)), None)


def _matches(name: str, pattern: str) -> bool:
    """Tell whether a pattern matches; in time that grows with the name and not with its powers."""
    first, *between = pattern.split("*")
    if not between:
        return name == pattern
    last = between.pop()
    at, end = len(first), len(name) - len(last)
    if at > end or not name.startswith(first) or not name.endswith(last):
        return False
    for part in between:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def is_copy(name: str) -> bool:
    """Return whether the name is that of a copy which pbxsync made to move a route."""
    return original(name) != name


def original(name: str) -> str:
    """Return the name of the route that a copy is of, without `COPY`; any other name is its own.

    A long name was cut to make room for `COPY`: see `copy_stem`.
    """
    end = len(name)
    while name.endswith(COPY, 0, end):
        end -= len(COPY)
    return name[:end] or name


def copy_stem(name: str) -> str:
    """Return the name as far as a copy's name has room for it.

    With `COPY` it fits into 40 characters and into 40 bytes of UTF-8: FreePBX's table keeps so many, of which kind
    depends on its database.
    """
    return name.encode("utf-8", "surrogatepass")[: NAME_LIMIT - len(COPY)].decode("utf-8", "ignore").rstrip()


def copy_name(name: str) -> str:
    """Return the name for a copy of the route of this name."""
    return copy_stem(name) + COPY
