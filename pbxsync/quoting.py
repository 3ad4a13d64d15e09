"""Text as a YAML value in double quotes: as a message shows it, and as a user may write it."""

from __future__ import annotations

import re

from pbxsync.text import escaped, printable


def quoted(text: str) -> str:
    """The text as a YAML value in double quotes: what a message tells the user to write."""
    return f'"{_escape(text)}"'


def shown(text: str, limit: int = 60) -> str:
    """The text in double quotes, cut where it is long: how a message shows what stands in a file."""
    return quoted(text if len(text) <= limit else text[: limit - 1] + "…")


def masked(message: str) -> str:
    """The message without the user name and password of any address that it repeats from the file."""
    return _CREDENTIALS.sub("…", message)


def _escape(text: str) -> str:
    return printable("".join(_ESCAPES.get(char) or escaped(char) for char in text))


_CREDENTIALS = re.compile(r"(?<=://)[^\s/]*(?=@)")
_ESCAPES = {'"': '\\"', "\\": "\\\\"}
