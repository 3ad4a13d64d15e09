"""Files that a command writes for its user: whole, and open to whom the user's files are."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pbxsync.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def write(path: Path, text: str) -> None:
    """Put the text in place of the file. Raises OSError, with the old file untouched.

    Into a pipe or a device it is written: those are not replaced, which root could do to ``/dev/null``.
    """
    from pbxsync.whole_file import write_whole

    if _is_no_file(path):
        with path.open("wb") as file:
            file.write(text.encode("utf-8"))
        return
    write_whole(path, text, mode=_mode(path))


def refuse_loss(outputs: Iterable[tuple[str, Path]], kept: Iterable[Path]) -> None:
    """Raise SettingsError where an output, by its option, would take the place of a kept file or of another output."""
    taken = {os.path.realpath(path): f"{path}, which this command reads" for path in kept}
    for name, path in outputs:
        if _is_no_file(path):
            continue  # a device or a pipe takes all; a folder takes nothing, which is said when it is written
        there = os.path.realpath(path)
        if there in taken:
            raise SettingsError(f"{name}: {path}: would be written over {taken[there]}; name another file")
        taken[there] = f"what {name} writes"


def _is_no_file(path: Path) -> bool:
    """Whether a device, a pipe or a folder is there."""
    try:
        return path.exists() and not path.is_file()
    except OSError:
        return False  # such as a name that is too long: writing will tell


def _mode(path: Path) -> int:
    """The permission bits of the file that is written anew, or those that any new file of this user gets."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
