"""The FILE arguments of a command: finds the files, reads and checks each of them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pbxsync.document import MAX_BYTES, parse
from pbxsync.errors import InputError
from pbxsync.model import Location, Problem, Severity
from pbxsync.validator import Checked, check

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pbxsync.model import Desired

STDIN = "<stdin>"


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read: its name as the user gave it, and its stem, which names its state file in a folder.

    ``path`` is None for standard input. ``fault`` says why there is nothing to read, such as a folder without files.
    """

    name: str
    stem: str
    path: Path | None
    fault: str | None = None


def sources(arguments: Iterable[str]) -> list[Source]:
    """The files that the arguments stand for, each once: ``-`` is standard input, a folder its *.yaml and *.yml."""
    found: dict[object, Source] = {}
    for argument in arguments:
        if argument == "-":
            found.setdefault("-", Source(STDIN, "stdin", None))
            continue
        path = Path(argument)
        try:
            paths = _in_folder(path) if path.is_dir() else [path]
        except OSError as error:
            # What is wrong with one argument must not hide what is wrong with the others.
            found.setdefault(path, Source(argument, path.stem, path, error.strerror or str(error)))
            continue
        if not paths:
            found.setdefault(path, Source(argument, path.stem, path, "the folder holds no *.yaml or *.yml"))
        for one in paths:
            found.setdefault(os.path.realpath(one), Source(str(one), one.stem, one))
    return list(found.values())


def _in_folder(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml") and path.name[0] != ".")


def check_source(source: Source) -> Checked:
    """Read and check one file; a file that can't be read is a problem of its first line."""
    try:
        data = _read(source)
    except OSError as error:
        where = Location(source.name, 1, 1)
        message = f"this can't be read: {error.strerror or error}"
        return Checked(source.name, None, (Problem(where, "", Severity.ERROR, "unreadable", message),))
    return check(parse(data, source.name))


def _read(source: Source) -> bytes:
    if source.fault:
        raise OSError(source.fault)
    # One byte more than a file may have tells the document that it has too many.
    if source.path is None:
        if sys.stdin is None:
            raise OSError("standard input is closed")
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
