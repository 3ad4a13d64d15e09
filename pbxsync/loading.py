"""One file → the routes that it declares, or every problem that keeps it from being used."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pbxsync.collecting import held_off
from pbxsync.document import MAX_BYTES, parse
from pbxsync.errors import InputError
from pbxsync.includes import Includes, whole
from pbxsync.model import Location, Problem, Severity
from pbxsync.quick_read import quick_read
from pbxsync.regular_file import open_regular
from pbxsync.validator import Checked, check

if TYPE_CHECKING:
    from typing import BinaryIO

    from pbxsync.model import Route


def load(path: str | os.PathLike[str]) -> tuple[Route, ...]:
    """The routes of a file in order of precedence.

    Raises InputError, with every problem, where the file has an error or can't be read.
    """
    checked = check_file(Path(path), os.fspath(path))
    if checked.desired is None:
        raise InputError(checked.problems)
    return tuple(declared.route for declared in checked.desired.routes)


def check_file(path: Path, name: str, *, table: bool = False, includes: Includes | None = None) -> Checked:
    """Read and check one file, with those that it includes; ``name`` is what its problems call it.

    That it can't be read is a problem too. With ``table`` also how its routes stand to each other. ``includes`` keeps
    what several files include.
    """
    return whole(_check_alone(path, name, table=table), path, includes or reader(), table=table)


def check_stream(stream: BinaryIO, name: str, *, table: bool = False, includes: Includes | None = None) -> Checked:
    """Read and check what a stream holds, as check_file does; what it includes is sought from the current folder."""
    return whole(_check(stream, name, table=table), Path(name), includes or reader(), table=table)


def reader() -> Includes:
    """What reads included files."""
    return Includes(_check_alone)


def digest_of(path: Path) -> str | None:
    """The digest of a file with those that it includes, as ``Desired`` has it; None where one of them has an error."""
    desired = check_file(path, str(path)).desired
    return desired.digest if desired is not None else None


def _check_alone(path: Path, name: str, *, table: bool = False) -> Checked:
    try:
        with open_regular(path) as file:
            return _check(file, name, table=table)
    except OSError as error:
        return unreadable(name, error)


def _check(stream: BinaryIO, name: str, *, table: bool) -> Checked:
    try:
        with held_off():
            # One byte more than a file may have tells the document that it has too many.
            data = stream.read(MAX_BYTES + 1)
            # How routes stand to each other is told with their values' places, which only the long way keeps.
            quick = quick_read(data, name) if not table else None
            if quick is not None:
                desired = replace(quick[0], digest=hashlib.sha256(data).hexdigest())
                return Checked(name, desired, (), pbx=quick[1])
            document = parse(data, name)
            checked = check(document, table=table)
    except OSError as error:
        return unreadable(name, error)
    if checked.desired is None:
        return checked
    return replace(checked, desired=replace(checked.desired, digest=document.digest))


def unreadable(name: str, reason: OSError | str) -> Checked:
    """What the check of a file comes to that can't be read: a problem of its first line."""
    why = reason if isinstance(reason, str) else reason.strerror or reason
    problem = Problem(Location(name, 1, 1), "", Severity.ERROR, "unreadable", f"this can't be read: {why}")
    return Checked(name, None, (problem,))
