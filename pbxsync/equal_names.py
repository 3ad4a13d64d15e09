"""Which route names a PBX may take for the same one.

A PBX of this line keeps its routes in an SQL database. The database's collation decides which names are equal for a
query or a delete: case and trailing spaces always, and by collation also accents, full-width forms, invisible
characters, `ß` and `ss`, `ü` and `y`, emoji. A name may also be cut after 40 characters or bytes, or stored with HTML
entities. What one PBX does is not known before it is asked. So two names count as equal here as soon as some PBX of
the line may take them for equal.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: So many characters of a name FreePBX's own table keeps; on a latin1 database so many bytes.
NAME_LIMIT = 40

# Far more characters than 40 take, also with an HTML entity for each of them: an answer may hold any name.
_LONGEST = 2_000

_T = TypeVar("_T")

_ENTITY = re.compile("&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_SHARP_S = re.compile("[ßẞ]")
_SPACES = re.compile(r"\s+")
# A letter u with diaeresis, composed or not: two collations sort it with y.
_U_WITH_DIAERESIS = re.compile("[üÜ]|[uU]\u0308")


def surely_equal_key(name: str) -> str:
    """Return one key for all names that differ in case, accents, width, spaces or invisible characters alone.

    Names that agree up to the 40th character have one key too.
    """
    if name.isascii():
        return _ascii_key(name)
    return _folded(name[:NAME_LIMIT])


@lru_cache(maxsize=4096)
def equal_keys(name: str) -> frozenset[str]:
    """Return all keys of a name. A PBX may take two names for equal if they share a key.

    Besides `surely_equal_key` these are guesses: HTML entities, and for names that are not ASCII `ß` as `s` or `ss`,
    `ü` as `y`, a dotless `i`, all emoji alike or the end of the name, a cut after 40 bytes.
    """
    plain = _unescaped(name[:_LONGEST])
    if name.isascii() and plain.isascii():
        return frozenset({_ascii_key(name), _ascii_key(plain)})
    guessed = set()
    for text in {plain[:NAME_LIMIT], _first_bytes(plain), *_before_emoji(plain)}:
        for sharp_s in ("ss", "s"):
            for umlaut in ("u", "y"):
                guess = _U_WITH_DIAERESIS.sub(umlaut, _SHARP_S.sub(sharp_s, text)).replace("ı", "i")
                guessed.add("".join("\ufffd" if _is_emoji(char) else char for char in guess))
    return frozenset({surely_equal_key(name), *map(_folded, guessed)})


def may_be_equal(one: str, other: str) -> bool:
    """Tell whether some PBX may take the two names for one. A name is equal to itself."""
    return not equal_keys(one).isdisjoint(equal_keys(other))


class NameIndex(Generic[_T]):
    """Values by name, found by any name that a PBX may take for equal."""

    def __init__(self, items: Iterable[tuple[str, _T]] = ()) -> None:
        self._by_key: dict[str, list[tuple[str, _T]]] = {}
        for name, value in items:
            self.add(name, value)

    def add(self, name: str, value: _T) -> None:
        """Add a value under its name."""
        item = (name, value)
        for key in equal_keys(name):
            self._by_key.setdefault(key, []).append(item)

    def equal_to(self, name: str) -> Iterator[tuple[str, _T]]:
        """Give each name that may be equal to this one, with its value; also this name itself."""
        seen: set[int] = set()
        for key in equal_keys(name):
            for item in self._by_key.get(key, ()):
                if id(item) not in seen:
                    seen.add(id(item))
                    yield item


_CASE, _ACCENTS, _WIDTH, _SPACING = "case", "accents", "width", "spaces"
_UNSEEN, _CUT = "invisible characters", f"what follows the {NAME_LIMIT}th character"


def differences(one: str, other: str) -> tuple[str, ...]:
    """Return in what two names with one `surely_equal_key` differ, in words; nothing where they look the same."""
    needed = [_CASE, _ACCENTS, _WIDTH, _SPACING, _UNSEEN, _CUT]
    for kind in reversed(needed):
        rest = [other_kind for other_kind in needed if other_kind != kind]
        if _without(one, rest) == _without(other, rest):
            needed = rest
    return tuple(needed)


def guesses(one: str, other: str) -> tuple[str, ...]:
    """Return what a PBX does, in words, that takes two names for equal which are not so by `surely_equal_key`."""
    found = []
    for pattern, words in _GUESSES.items():
        if pattern.findall(one) != pattern.findall(other):
            found.append(words)
    if any(_unescaped(name) != name for name in (one, other)):
        found.append("stores names with HTML entities")
    if [char for char in one if _is_emoji(char)] != [char for char in other if _is_emoji(char)]:
        found.append("takes all emoji for one, or ends a name at the first")
    if any(len(name.encode("utf-8", "replace")) > NAME_LIMIT for name in (one, other)):
        found.append(f"keeps {NAME_LIMIT} bytes of a name")
    return tuple(found)


_GUESSES = {_SHARP_S: "reads ß as ss or s", _U_WITH_DIAERESIS: "reads ü as y", re.compile("ı"): "reads ı as i"}


def _without(name: str, kinds: Iterable[str]) -> str:
    """Return the name without these kinds of differences, accents as characters of their own."""
    kinds = set(kinds)
    text = name[:NAME_LIMIT] if _CUT in kinds else name[:_LONGEST]
    if _CASE in kinds:
        text = "ß".join(part.casefold() for part in _SHARP_S.split(text))
    left_out = {_ACCENTS: ("Mn", "Me"), _UNSEEN: ("Cf",)}
    categories = {category for kind in kinds for category in left_out.get(kind, ())}
    fillers = _INVISIBLE if _UNSEEN in kinds else ()
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD" if _WIDTH in kinds else "NFD", text)
        text = "".join(
            char for char in decomposed if unicodedata.category(char) not in categories and char not in fillers
        )
    return _SPACES.sub(" ", text).strip() if _SPACING in kinds else text


def _ascii_key(name: str) -> str:
    return _SPACES.sub(" ", name[:NAME_LIMIT].lower()).strip()


def _folded(text: str) -> str:
    """Return the text without case, accents, width, invisible characters and runs of spaces."""
    text = "ß".join(part.casefold() for part in _SHARP_S.split(unicodedata.normalize("NFKC", text)))
    letters = [
        char
        for char in unicodedata.normalize("NFD", text)
        if unicodedata.category(char) not in ("Mn", "Me", "Cf") and char not in _INVISIBLE
    ]
    return _SPACES.sub(" ", "".join(letters)).strip()


# Letters by category, and nothing to see: fillers of Hangul and Khmer, the blank pattern of Braille.
_INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0\u17b4\u17b5\u2800")


def _unescaped(name: str) -> str:
    """Return the name without HTML entities, also where it was escaped twice."""
    for _ in range(3):
        plain = _ENTITY.sub(lambda entity: html.unescape(entity[0]), name)
        if plain == name:
            break
        name = plain
    return name


def _first_bytes(name: str) -> str:
    return name.encode("utf-8", "replace")[:NAME_LIMIT].decode("utf-8", "ignore")


def _before_emoji(name: str) -> Iterator[str]:
    """Give what MySQL's `utf8` of three bytes keeps: it ends before the first character of four."""
    kept = next((name[:at] for at, char in enumerate(name) if ord(char) > 0xFFFF), "")
    if kept.strip():
        yield kept[:NAME_LIMIT]


def _is_emoji(char: str) -> bool:
    return ord(char) > 0xFFFF or unicodedata.category(char) == "So"
