"""The FILE arguments of a command: finds the files, reads and checks each of them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pbxsync.errors import InputError
from pbxsync.loading import check_file, check_stream, unreadable
from pbxsync.model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pbxsync.model import Desired, Problem
    from pbxsync.validator import Checked

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


def check_source(source: Source, *, table: bool = False) -> Checked:
    """Read and check one file; a file that can't be read is a problem of its first line.

    With ``table`` also how its routes stand to each other.
    """
    if source.fault:
        return unreadable(source.name, source.fault)
    if source.path is not None:
        return check_file(source.path, source.name, table=table)
    if sys.stdin is None:
        return unreadable(source.name, "standard input is closed")
    return check_stream(sys.stdin.buffer, source.name, table=table)


def check_all(arguments: Iterable[str], *, table: bool = False) -> tuple[list[tuple[Source, Checked]], list[Problem]]:
    """Read and check every file: each with what came of it, and all problems of all of them, sorted.

    With ``table`` also how the routes of each stand to each other.
    """
    checked = [(source, check_source(source, table=table)) for source in sources(arguments)]
    problems = sorted((problem for _, one in checked for problem in one.problems), key=lambda problem: problem.order)
    return checked, problems


def load_all(arguments: Iterable[str]) -> tuple[list[tuple[Source, Desired]], list[Problem]]:
    """The routes of every file, and the warnings. Raises InputError, with every problem, where one has an error."""
    checked, problems = check_all(arguments)
    if any(problem.severity is Severity.ERROR for problem in problems):
        raise InputError(problems)
    return [(source, one.desired) for source, one in checked if one.desired is not None], problems
