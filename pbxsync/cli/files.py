"""The FILE arguments of a command: finds the files, reads and checks each of them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pbxsync.document import MAX_BYTES, parse
from pbxsync.errors import InputError, SettingsError
from pbxsync.model import Location, Problem, Severity
from pbxsync.validator import Checked, check

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pbxsync.model import Desired

STDIN = "<stdin>"


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read: its name as the user gave it, and its stem, which names its state file in a folder."""

    name: str
    stem: str
    path: Path | None


def sources(arguments: Iterable[str]) -> list[Source]:
    """The files that the arguments stand for, each once: ``-`` is standard input, a folder its *.yaml and *.yml.

    Raises SettingsError for a folder that holds no such file.
    """
    found: dict[object, Source] = {}
    for argument in arguments:
        if argument == "-":
            found.setdefault("-", Source(STDIN, "stdin", None))
            continue
        path = Path(argument)
        paths = _in_folder(path) if path.is_dir() else [path]
        for one in paths:
            found.setdefault(one.resolve(), Source(str(one), one.stem, one))
    return list(found.values())


def _in_folder(folder: Path) -> list[Path]:
    paths = sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml") and path.name[0] != ".")
    if not paths:
        raise SettingsError(f"{folder}: the folder holds no routes file (*.yaml, *.yml)")
    return paths


def check_source(source: Source) -> Checked:
    """Read and check one file; a file that can't be read is a problem of its first line."""
    try:
        data = _read(source)
    except OSError as error:
        reason = error.strerror or str(error)
        where = Location(source.name, 1, 1)
        message = f"the file can't be read: {reason}"
        return Checked(source.name, None, (Problem(where, "", Severity.ERROR, "unreadable", message),))
    return check(parse(data, source.name))


def _read(source: Source) -> bytes:
    # One byte more than a file may have tells the document that it has too many.
    if source.path is None:
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with source.path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def check_all(arguments: Iterable[str]) -> tuple[list[tuple[Source, Checked]], list[Problem]]:
    """Read and check every file: each with what came of it, and all problems of all of them, sorted."""
    checked = [(source, check_source(source)) for source in sources(arguments)]
    problems = sorted((problem for _, one in checked for problem in one.problems), key=lambda problem: problem.order)
    return checked, problems


def load_all(arguments: Iterable[str]) -> tuple[list[tuple[Source, Desired]], list[Problem]]:
    """The routes of every file, and the warnings. Raises InputError, with every problem, where one has an error."""
    checked, problems = check_all(arguments)
    if any(problem.severity is Severity.ERROR for problem in problems):
        raise InputError(problems)
    return [(source, one.desired) for source, one in checked if one.desired is not None], problems
