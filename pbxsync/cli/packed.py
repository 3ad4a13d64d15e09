"""Text that is kept until the end of a run, in little memory."""

from __future__ import annotations

import zlib


class Packed:
    """A text, compressed: plans of a thousand PBXs repeat themselves a lot."""

    __slots__ = ("_data",)

    def __init__(self, text: str) -> None:
        self._data = zlib.compress(text.encode("utf-8", "surrogatepass"), 1)

    def text(self) -> str:
        """The text."""
        return zlib.decompress(self._data).decode("utf-8", "surrogatepass")
