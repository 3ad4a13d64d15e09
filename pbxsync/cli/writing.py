"""Files that a command writes for its user: whole, and open to whom the user's files are."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, text: str) -> None:
    """Put the text in place of the file. Raises OSError, with the old file untouched."""
    from pbxsync.whole_file import write_whole

    write_whole(path, text, mode=_mode(path))


def _mode(path: Path) -> int:
    """The permission bits of the file that is written anew, or those that any new file of this user gets."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
