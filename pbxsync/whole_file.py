"""Writes a file whole or not at all: whoever reads it, even after a power cut, sees the old content or the new."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from pathlib import Path


def write_whole(path: Path, text: str, *, mode: int = 0o600) -> None:
    """Put ``text`` (as UTF-8) in place of the file at ``path``, with these permission bits.

    A temporary file in the same folder is written, synced to disk and renamed onto the path; then the folder is
    synced as far as the system can. Raises OSError, with the old file untouched, where the rest fails, and where the
    old file may not be written: whoever made it read-only meant it, though the folder would let it be replaced.
    """
    path = Path(os.path.realpath(path))  # which, unlike Path.resolve, a loop of links can't break
    # By the bits, since nothing is forbidden to root, who runs many a CI job.
    if path.exists() and not (path.stat().st_mode & 0o222 and os.access(path, os.W_OK)):
        raise PermissionError(errno.EACCES, "it is read-only", str(path))
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system can: not every one lets a folder be opened or synced.

    The new file is in its place by now, so to fail here would say that the old one is.
    """
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
