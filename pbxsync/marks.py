"""Single characters of a file, changed in place: on disk at once, and as fast in a big file as in a small one.

One byte lies in one sector of a disk: after a power cut it is what it was or what it was to be. And a byte that takes
another's place needs no room, so that a disk that is full by now is in nobody's way.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Where the system has no call that leaves times and the like for later, the one that writes all will do.
_sync = getattr(os, "fdatasync", os.fsync)


class Replaced(OSError):
    """The file is not the one that was opened, or not as it was: somebody else has written it."""


class Marks:
    """The characters at these ``places`` (bytes from its start) of the file at ``path``, each of one byte of ASCII.

    Every method raises OSError where the file can't be read or written.
    """

    def __init__(self, path: Path, places: Sequence[int]) -> None:
        self._path = path
        self._places = places
        self._file = path.open("r+b", buffering=0)

    def change(self, number: int, old: str, new: str) -> None:
        """Write ``new`` where ``old`` stands, at the place of this number; on disk when the call returns.

        Raises Replaced where somebody else has written the file.
        """
        if not os.path.samestat(os.fstat(self._file.fileno()), self._path.stat()) or not self._holds(number, old):
            raise Replaced
        self._file.seek(self._places[number])
        self._file.write(new.encode("ascii"))
        _sync(self._file.fileno())

    def _holds(self, number: int, sign: str) -> bool:
        self._file.seek(self._places[number])
        return self._file.read(1) == sign.encode("ascii")

    def close(self) -> None:
        """Close the file."""
        self._file.close()
