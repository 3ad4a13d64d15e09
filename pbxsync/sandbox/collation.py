"""Which names a database takes for equal.

The rules follow the collations of MySQL and MariaDB that databases of this line have, as far as a route's name can
show the difference:

- ``exact``: nothing but the same text (a binary collation);
- ``case``: case, and spaces at the end;
- ``accents``: also accents, composed or not, full width, invisible characters, no-break spaces;
- ``german``: all that, ``ß`` as ``ss``, and all emoji alike (``utf8mb4_unicode_ci``);
- ``general``: case, spaces at the end, composed accents, ``ß`` as ``s``, all emoji alike (``utf8mb4_general_ci``);
- ``swedish``: case, spaces at the end, composed accents but ``å``, ``ä`` and ``ö``, and ``ü`` as ``y``
  (``latin1_swedish_ci``).
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pbxsync.sandbox.firmware import EqualNames


@lru_cache(maxsize=65536)
def folded(name: str, rule: EqualNames) -> str:
    """Return the text that all names have in common which the rule takes for equal."""
    return name if rule == "exact" else _FOLDS[rule](name).rstrip(" ")


def _case(name: str) -> str:
    """Return the name in lower case; ``ß``, which has no single letter in upper case, stays what it is."""
    return "".join(char.lower() if len(char.lower()) == 1 else char for char in name)


def _accents(name: str) -> str:
    kept = (char for char in unicodedata.normalize("NFKD", name) if unicodedata.category(char) not in ("Mn", "Cf"))
    return _case("".join(kept))


def _german(name: str) -> str:
    return _emoji_alike(_accents(name)).replace("ß", "ss")


def _general(name: str) -> str:
    return _case("".join(_letter(char) for char in _emoji_alike(name))).replace("ß", "s")


def _swedish(name: str) -> str:
    return "".join(char if char in "åäö" else "y" if char == "ü" else _letter(char) for char in _case(name))


def _letter(char: str) -> str:
    """Return the letter under the accents of one composed character."""
    return unicodedata.normalize("NFD", char)[0]


def _emoji_alike(name: str) -> str:
    return "".join("\ufffd" if ord(char) > 0xFFFF else char for char in name)


_FOLDS: dict[EqualNames, Callable[[str], str]] = {
    "case": _case,
    "accents": _accents,
    "german": _german,
    "general": _general,
    "swedish": _swedish,
}
