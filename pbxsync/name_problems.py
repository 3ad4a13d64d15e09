"""What is wrong or odd in the names of a file's routes and trunks → problems at their place in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from pbxsync.document import Scalar
from pbxsync.model import Severity
from pbxsync.name_clashes import (
    Likeness,
    name_clashes,
    name_fault,
    odd_name,
    odd_trunk,
    rename_clashes,
    rename_fault,
)
from pbxsync.names import COPY, ignored
from pbxsync.nodes import problem_at, scalar, sequence
from pbxsync.quoting import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pbxsync.document import Mapping, Node
    from pbxsync.model import Problem
    from pbxsync.name_clashes import Clash

#: The routes of a file that are mappings, with their indexes.
Entries: TypeAlias = "list[tuple[int, Mapping]]"
_Values: TypeAlias = "list[Scalar | None]"


def name_problems(file: str, entries: Entries, ignore: Sequence[Scalar]) -> Iterator[Problem]:
    """Give what is wrong or odd in the names of routes and trunks; ``ignore`` are the patterns of ignored names."""
    names = [scalar(route, "name") for _, route in entries]
    former = [scalar(route, "renamed_from") for _, route in entries]
    for (n, _), name in zip(entries, names, strict=True):
        if name:
            for fault in odd_name(name.text):
                yield problem_at(file, name, ("routes", n, "name"), fault, Severity.WARNING)
    yield from _copies(file, entries, former)
    yield from _clashes(file, entries, "name", name_clashes(_texts(names)), (names, names), name_fault)
    own = [old if old and not _is_of_a_copy(old.text) else None for old in former]
    clashes = rename_clashes(_texts(names), _texts(own))
    yield from _clashes(file, entries, "renamed_from", clashes, (own, names), rename_fault)
    for key, values in (("name", names), ("renamed_from", former)) if ignore else ():
        yield from _ignored(file, entries, key, values, ignore)
    yield from _trunks(file, entries)


def _texts(values: _Values) -> list[str | None]:
    return [value.text if value else None for value in values]


def _clashes(
    file: str,
    entries: Entries,
    key: str,
    clashes: Iterator[Clash],
    values: tuple[_Values, _Values],
    fault_of: Callable[[Clash, str], tuple[str, str, Severity]],
) -> Iterator[Problem]:
    """Give a problem for each clash; ``values`` are those that are at the key, and those that they clash with."""
    for clash in clashes:
        value, other = values[0][clash.index], values[0 if clash.former else 1][clash.other]
        if value is None or other is None:
            continue
        at: Node = value
        where = f"in line {other.line}"
        if clash.likeness is Likeness.SAME and _place(value) == _place(other):
            at = entries[clash.index][1]  # an alias or a merge brought both
            where = f"by the alias or merge here, and {where}"
        rule, message, severity = fault_of(clash, where)
        yield problem_at(file, at, ("routes", entries[clash.index][0], key), (rule, message), severity)


def _place(value: Scalar) -> tuple[int, int]:
    return value.line, value.column


def _is_of_a_copy(name: str) -> bool:
    return name.lower().endswith(COPY)


def _copies(file: str, entries: Entries, former: _Values) -> Iterator[Problem]:
    for (n, _), old in zip(entries, former, strict=True):
        if old and _is_of_a_copy(old.text):
            message = (
                f"renamed_from is {shown(old.text)}, the name of a copy that pbxsync made to move a route; write the "
                "name that the route had in the file"
            )
            yield problem_at(file, old, ("routes", n, "renamed_from"), ("reserved-name", message))


def _ignored(file: str, entries: Entries, key: str, values: _Values, ignore: Sequence[Scalar]) -> Iterator[Problem]:
    lines = {pattern.text: pattern.line for pattern in reversed(ignore)}
    for (n, _), value in zip(entries, values, strict=True):
        pattern = ignored(value.text, lines) if value else None
        if value and pattern is not None:
            fault = ignored_fault(key, value.text, pattern, f"in line {lines[pattern]}")
            yield problem_at(file, value, ("routes", n, key), fault)


def ignored_fault(key: str, name: str, pattern: str, where: str) -> tuple[str, str]:
    """Return rule id and message for a name that ``ignore`` leaves alone by a pattern, which is ``where``."""
    is_there = f"a route is called {shown(name)}" if key == "name" else f"renamed_from is {shown(name)}"
    return (
        "ignored-name",
        f"{is_there}, and ignore has {shown(pattern)} {where}, which leaves it alone; remove one of the two",
    )


def _trunks(file: str, entries: Entries) -> Iterator[Problem]:
    odd: set[str] = set()
    for n, route in entries:
        trunks = sequence(route, "trunks")
        seen: set[str] = set()
        for m, trunk in enumerate(trunks.items if trunks else ()):
            if not isinstance(trunk, Scalar):
                continue
            path = ("routes", n, "trunks", m)
            if trunk.text in seen:
                message = f"{shown(trunk.text)} is in this list twice, so a call is tried over it twice; remove one"
                yield problem_at(file, trunk, path, ("repeated-trunk", message), Severity.WARNING)
            seen.add(trunk.text)
            fault = odd_trunk(trunk.text) if trunk.text not in odd else None
            if fault:
                odd.add(trunk.text)  # once a file, however many routes have it
                yield problem_at(file, trunk, path, fault, Severity.WARNING)
