"""The FILE arguments of a command: finds the files, reads and checks each of them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pbxsync.cli.workers import Workers
from pbxsync.errors import InputError, PbxsyncError, StaleState
from pbxsync.includes import Includes, included
from pbxsync.loading import check_file, check_stream, reader, unreadable
from pbxsync.model import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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


def check_source(source: Source, *, table: bool = False, includes: Includes | None = None) -> Checked:
    """Read and check one file; a file that can't be read is a problem of its first line.

    With ``table`` also how its routes stand to each other. ``includes`` keeps what several files include.
    """
    if source.fault:
        return unreadable(source.name, source.fault)
    if source.path is not None:
        return check_file(source.path, source.name, table=table, includes=includes)
    if sys.stdin is None:
        return unreadable(source.name, "standard input is closed")
    return check_stream(sys.stdin.buffer, source.name, table=table, includes=includes)


def check_all(arguments: Iterable[str], *, table: bool = False) -> tuple[list[tuple[Source, Checked]], list[Problem]]:
    """Read and check every file: each with what came of it, and all problems of all of them, sorted.

    With ``table`` also how the routes of each stand to each other.
    """
    includes = reader()
    checked = [(source, check_source(source, table=table, includes=includes)) for source in sources(arguments)]
    return checked, gathered(one for _, one in checked)


def gathered(checked: Iterable[Checked]) -> list[Problem]:
    """The problems of all files, sorted; one in a file that many include is told once, and by how many."""
    found: list[Problem] = []
    shared: dict[Problem, list[str]] = {}
    for one in checked:
        theirs = {borrowed.told for borrowed in one.borrowed}
        found += [problem for problem in one.problems if problem not in theirs]
        for borrowed in one.borrowed:
            shared.setdefault(borrowed.there, []).append(borrowed.by)
    for problem, by in shared.items():
        more = f" and {len(by) - 1} more" if len(by) > 1 else ""
        found.append(replace(problem, message=included(problem.message, f"{by[0]}{more}")))
    return sorted(found, key=lambda problem: problem.order)


#: So many routes of all files together, or those of the first, are kept once they were checked; beyond, a file is read
#: again when its turn comes, so that a thousand of them take no more memory than those that are worked on.
_KEPT_ROUTES = 5_000


class Declared:
    """A file without an error: what it is for, and its routes once they are needed."""

    def __init__(self, source: Source, desired: Desired, *, keep: bool = True) -> None:
        self.source = source
        self.file = desired.file
        self.name = desired.name
        self.url = desired.url
        self.type = desired.type
        self.fresh_connections = desired.fresh_connections
        self.digest = desired.digest
        self.included = [Path(file) for file, _ in desired.included]
        # What comes from standard input can't be read again.
        self._desired = desired if keep or source.path is None else None

    def desired(self) -> Desired:
        """All that the file declares. Raises StaleState where it was changed since it was checked."""
        if self._desired is not None:
            return self._desired
        desired = check_source(self.source).desired
        if desired is None or desired.digest != self.digest:
            raise StaleState(f"{self.file}: the file was changed while this run was at work; run again")
        return desired


def load_all(arguments: Iterable[str], parallel: int = 1) -> tuple[list[Declared], list[Problem]]:
    """Every file, and the warnings. Raises InputError, with every problem, where one has an error.

    At most ``parallel`` files are read side by side.
    """
    declared: list[Declared] = []
    all_checked: list[Checked] = []
    includes = reader()
    routes = 0
    found = sources(arguments)

    def check(source: Source, deliver: Callable[[Checked], None]) -> None:
        deliver(check_source(source, includes=includes))

    for source, checked in zip(found, Workers(found, check, parallel).results(), strict=True):
        if isinstance(checked, PbxsyncError):
            raise checked
        all_checked.append(replace(checked, desired=None))
        desired = checked.desired
        if desired is not None:
            routes += len(desired.routes)
            declared.append(Declared(source, desired, keep=routes <= _KEPT_ROUTES or not declared))
    problems = gathered(all_checked)
    if any(problem.severity is Severity.ERROR for problem in problems):
        raise InputError(problems)
    return declared, problems
