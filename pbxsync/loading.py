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
from pbxsync.model import Location, Problem, Severity
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


def check_file(path: Path, name: str, *, table: bool = False) -> Checked:
    """Read and check one file; ``name`` is what its problems call it. That it can't be read is a problem too.

    With ``table`` also how its routes stand to each other.
    """
    try:
        with path.open("rb") as file:
            return check_stream(file, name, table=table)
    except OSError as error:
        return unreadable(name, error)


def check_stream(stream: BinaryIO, name: str, *, table: bool = False) -> Checked:
    """Read and check what a stream holds, as check_file does."""
    try:
        # One byte more than a file may have tells the document that it has too many.
        data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        return unreadable(name, error)
    with held_off():
        checked = check(parse(data, name), table=table)
    if checked.desired is None:
        return checked
    return replace(checked, desired=replace(checked.desired, digest=hashlib.sha256(data).hexdigest()))


def unreadable(name: str, reason: OSError | str) -> Checked:
    """What the check of a file comes to that can't be read: a problem of its first line."""
    why = reason if isinstance(reason, str) else reason.strerror or reason
    problem = Problem(Location(name, 1, 1), "", Severity.ERROR, "unreadable", f"this can't be read: {why}")
    return Checked(name, None, (problem,))
