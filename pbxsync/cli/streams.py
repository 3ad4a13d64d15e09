"""What goes out in spite of signals, of readers that stall or went away, and of failing streams; one line of input."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import time
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: How many seconds a reader may let a process wait that is to end at once.
_PATIENCE = 2.0
#: What a pipe that can take anything takes without waiting (POSIX, ``PIPE_BUF``, is 512 at least).
_AT_ONCE = 512
#: After how many seconds without input a signal is looked for.
_LOOK = 0.1

_said = False


def begin() -> None:
    """Nothing was said yet."""
    global _said
    _said = False


def said() -> bool:
    """Whether the one document of this run went out, or a part of it."""
    return _said


def document(text: str) -> None:
    """Print the one document of a run, whole, whatever signals come meanwhile. Raises OSError where it can't be."""
    documents((text,))


def documents(pieces: Iterable[str]) -> None:
    """The same of a document in pieces."""
    global _said
    stream = sys.stdout
    stream.flush()
    for text in pieces:
        _said = True
        data = memoryview(text.encode(stream.encoding or "utf-8", "backslashreplace"))
        # An unbuffered stream writes less than it was given where a signal comes, and Python's text layer doesn't look.
        while data:
            data = data[stream.buffer.write(data) :]
    stream.flush()


def close() -> None:
    """Let go of what can't be written any more: Python would end with a code of its own where it fails to."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)


@contextlib.contextmanager
def unread() -> Iterator[None]:
    """What is told in the block may find no reader any more, and that changes nothing of what was done."""
    with contextlib.suppress(OSError):
        yield


def error_line(line: str) -> None:
    """A line on standard error, as far as there is one that can be written."""
    with unread():
        click.echo(line, err=True)


def typed_line() -> str:
    """Read a line from the terminal on standard input; nothing at its end.

    Python runs a signal's handler between its own instructions. A signal that arrives right before a read neither ends
    that read nor runs its handler: Ctrl-C, pressed as the question appears, would have no effect until the next key.
    So no wait for input lasts long.
    """
    if os.name != "nt":  # where only sockets can be waited for
        while not select.select((sys.stdin,), (), (), _LOOK)[0]:
            pass
    return sys.stdin.readline()


def at_once(stream: TextIO, text: str) -> None:
    """Write past the stream's own buffer, which may be at work: a signal comes at any time, in the middle of a line.

    It raises nothing, and it doesn't wait long for a reader that takes nothing.
    """
    end = time.monotonic() + _PATIENCE
    with contextlib.suppress(OSError, ValueError):  # the second is a stream without a file
        handle = stream.fileno()
        data = text.encode(stream.encoding or "utf-8", "backslashreplace")
        while data and _takes(handle, end - time.monotonic()):
            data = data[os.write(handle, data[:_AT_ONCE]) :]


def _takes(handle: int, seconds: float) -> bool:
    if os.name == "nt":  # where only sockets can be waited for
        return True
    return bool(select.select((), (handle,), (), max(0.0, seconds))[1])
