"""Names of one file that are equal, or that a PBX may take for equal, and names that firmware may not keep as they are.

Found by keys and not by pairs: a file may have ten thousand routes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from pbxsync.equal_names import NAME_LIMIT, differences, equal_keys, guesses, surely_equal_key
from pbxsync.model import Severity
from pbxsync.quoting import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_Fault = tuple[str, str]  # rule id, message

# HTML's signs and the escape of SQL: some firmware stores an entity, a doubled sign or nothing for one of them.
_ODD = re.compile(r"[&<>\"'\\]")


class Likeness(Enum):
    """How alike two names are: one text, equal for many a PBX, equal by a guess."""

    SAME = auto()
    EQUAL = auto()
    SIMILAR = auto()


@dataclass(frozen=True, slots=True)
class Clash:
    """The name at ``index`` and the name that is found for it at ``other``, with the names themselves.

    ``former`` says that the other is a name that a route is renamed from.
    """

    index: int
    other: int
    likeness: Likeness
    name: str
    other_name: str
    former: bool = False


class _Index:
    """Names by what they may be equal to, each with its index."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._same: dict[str, int] = {}
        self._sure: dict[str, list[int]] = {}
        self._guessed: dict[str, list[int]] = {}

    def add(self, name: str, index: int) -> None:
        self._names[index] = name
        self._same.setdefault(name, index)
        sure = surely_equal_key(name)
        self._sure.setdefault(sure, []).append(index)
        if not _is_plain(name):
            for key in equal_keys(name) - {sure}:
                self._guessed.setdefault(key, []).append(index)

    def find(self, name: str, own: int) -> Iterator[tuple[int, Likeness, str]]:
        """Give the name most like this one, if any; not that at ``own``, unless it is the same text."""
        same = self._same.get(name)
        if same is not None:
            yield same, Likeness.SAME, name
            return
        sure = surely_equal_key(name)
        likeness = Likeness.EQUAL
        other = _first((sure,), (self._sure,), own)
        if other is None:
            likeness = Likeness.SIMILAR
            keys = {sure} if _is_plain(name) else equal_keys(name)
            other = _first(keys, (self._sure, self._guessed), own)
        if other is not None:
            yield other, likeness, self._names[other]


def _first(keys: Iterable[str], indexes: Iterable[dict[str, list[int]]], own: int) -> int | None:
    """Return the first index that is found by one of the keys, and is not ``own``."""
    found = (next((n for n in index.get(key, ()) if n != own), None) for index in indexes for key in keys)
    return min((n for n in found if n is not None), default=None)


def _is_plain(name: str) -> bool:
    """Return whether a name has one key alone: it is ASCII and has no HTML entity."""
    return name.isascii() and "&" not in name


def name_clashes(names: Sequence[str | None]) -> Iterator[Clash]:
    """Give each name that a PBX may take for one before it; None is a name that can't be read."""
    if _plainly_differ(names):
        return
    index = _Index()
    for n, name in enumerate(names):
        if name is not None:
            for other, likeness, other_name in index.find(name, n):
                yield Clash(n, other, likeness, name, other_name)
            index.add(name, n)


def _plainly_differ(names: Sequence[str | None]) -> bool:
    """Return at one look whether all names are plain ASCII, short and different, as in nearly all files."""
    text = "\n".join(name or "" for name in names).lower()
    parts = text.split("\n")
    if not text.isascii() or "&" in text or "  " in text or any(part != part.strip() for part in parts):
        return False
    return len(set(parts)) == len(names) and max(map(len, parts)) <= NAME_LIMIT


def rename_clashes(names: Sequence[str | None], former: Sequence[str | None]) -> Iterator[Clash]:
    """Give each former name that a PBX may take for a route's name, or for a former name before it.

    A route may be renamed from a name that is equal to its own, such as one in another case.
    """
    if not any(former):
        return
    declared, taken = _Index(), _Index()
    for n, name in enumerate(names):
        if name is not None:
            declared.add(name, n)
    for n, old in enumerate(former):
        if old is None:
            continue
        found = [
            Clash(n, other, likeness, old, other_name, is_former)
            for index, is_former in ((declared, False), (taken, True))
            for other, likeness, other_name in index.find(old, n)
        ]
        if found:
            yield min(found, key=lambda clash: clash.likeness.value)
        if all(clash.likeness is Likeness.SIMILAR for clash in found):
            taken.add(old, n)


def name_fault(clash: Clash, where: str) -> tuple[str, str, Severity]:
    """Return rule id, message and severity for two names of routes; ``where`` is the place of the other one."""
    if clash.likeness is Likeness.SAME:
        message = f"a route is called {shown(clash.name)} {where} already; names are unique"
        return "duplicate-name", message, Severity.ERROR
    if clash.likeness is Likeness.EQUAL:
        return "equal-name", _words(clash, where), Severity.ERROR
    return "similar-name", _words(clash, where), Severity.WARNING


def rename_fault(clash: Clash, where: str) -> tuple[str, str, Severity]:
    """Return rule id, message and severity for a former name; ``where`` is the place of the other name."""
    if clash.likeness is Likeness.SIMILAR:
        return "similar-name", f"renamed_from: {_words(clash, where)}", Severity.WARNING
    if clash.likeness is Likeness.EQUAL:
        message = f"renamed_from: {_words(clash, where)}"
    elif clash.former:
        message = f"a route is renamed from {shown(clash.name)} {where} already; only one can be"
    else:
        message = f"renamed_from is {shown(clash.name)}, the name of a route {where}; remove it"
    return "rename-clash", message, Severity.ERROR


def _words(clash: Clash, where: str) -> str:
    """Return why a PBX may take a name for another one, and what to do."""
    if clash.likeness is Likeness.EQUAL:
        kinds = _joined(differences(clash.name, clash.other_name)) or "how their accents are stored"
        why = f": they differ in {kinds} alone"
    else:
        why = f", if it {_joined(guesses(clash.name, clash.other_name)) or 'sorts some of their letters alike'}"
    names = f"{shown(clash.name)} for {shown(clash.other_name)} {where}"
    return f"a PBX may take {names}{why}; choose names that differ in more"


def _joined(words: Sequence[str]) -> str:
    *first, last = words or ("",)
    return f"{', '.join(first)} and {last}" if first else last


# --- names by themselves ------------------------------------------------------------------------------------------


def is_odd(name: str) -> bool:
    """Return whether there is anything to say about a route's name by itself."""
    return len(name) > NAME_LIMIT or _ODD.search(name) is not None or _bytes_of(name) > NAME_LIMIT


def _bytes_of(name: str) -> int:
    return len(name) if name.isascii() else len(name.encode("utf-8", "replace"))


def odd_name(name: str) -> Iterator[_Fault]:
    """Give what firmware may do to a route's name."""
    bytes_ = _bytes_of(name)
    if len(name) > NAME_LIMIT:
        has = f"{shown(name)} has {len(name)} characters"
        yield "long-name", f"{has}, and a PBX may keep {NAME_LIMIT} or refuse the route; shorten it"
    elif bytes_ > NAME_LIMIT:
        has = f"{shown(name)} has {bytes_} bytes, and a PBX may keep {NAME_LIMIT}"
        yield "long-name", f"{has}: half a character can make its list of routes unreadable; shorten it"
    if _ODD.search(name):
        yield "stored-otherwise", f"{_holds(name)}; choose a name without"


def odd_trunk(name: str) -> _Fault | None:
    """Return what firmware may do to a trunk's name, or None."""
    if not _ODD.search(name):
        return None
    return "stored-otherwise", f"{_holds(name)}, and the route would name no trunk; rename the trunk on the PBX"


def _holds(name: str) -> str:
    signs = " ".join(dict.fromkeys(_ODD.findall(name)))
    stored = " (& as &amp;)" if "&" in name else ""
    return f"{shown(name)} holds {signs}, which some firmware stores otherwise{stored}"
