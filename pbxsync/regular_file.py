"""Reads regular files only, within a bound: a pipe, device, socket or folder is refused at once."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO

_KINDS = (
    (stat.S_ISLNK, "a link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
# Windows has none of the others, and needs O_BINARY.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)


def open_regular(path: str | os.PathLike[str], *, follow: bool = True) -> BinaryIO:
    """Open a regular file for reading. Raises OSError, with a readable ``strerror``, for anything else.

    It never waits: opening a named pipe would block until somebody writes to it. Without ``follow`` a link is refused
    too.
    """
    # First by name, since opening a device can have an effect of its own; then what was opened, since the name may
    # have got another file in between.
    try:
        _check((Path(path).stat() if follow else Path(path).lstat()).st_mode)
        handle = os.open(path, _FLAGS if follow else _FLAGS | getattr(os, "O_NOFOLLOW", 0))
    except ValueError:  # a NUL, or half a surrogate
        raise OSError(errno.EINVAL, "its name holds a character that no file name has") from None
    try:
        _check(os.fstat(handle).st_mode)
    except OSError:
        os.close(handle)
        raise
    return os.fdopen(handle, "rb")


def read_regular(path: Path, limit: int) -> bytes:
    """Return the content of a regular file of at most ``limit`` bytes. Raises OSError as `open_regular` does.

    Of a larger file nothing is returned: OSError says the limit.
    """
    with open_regular(path) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        most = f"{limit >> 20} MiB" if limit >> 20 else f"{limit} bytes"
        raise OSError(errno.EFBIG, f"it is larger than {most}")
    return data


def _check(mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    what = next((name for is_kind, name in _KINDS if is_kind(mode)), "something else")
    raise OSError(errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL, f"it is {what}, not a regular file")
