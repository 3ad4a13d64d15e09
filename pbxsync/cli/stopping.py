"""Ctrl-C and SIGTERM: before the first change the run ends; from then on the call in flight is finished and recorded.

A second signal ends the process at once, wherever it is. What was ignored when the process began, such as Ctrl-C under
``nohup``, stays so.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType


TERMINATED = 128 + signal.SIGTERM

#: The signal that came, if it raised. It may have done so where Python drops what is raised, so it is noted too.
_came: list[int] = []


def raise_on_signals() -> None:
    """From now on the first SIGINT raises KeyboardInterrupt, the first SIGTERM SystemExit."""
    _handle(_raise)


def ignore_signals() -> None:
    """From now on no signal changes any more what the run has come to; it is about to end anyway."""
    _handle(signal.SIG_IGN)


def _handle(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> dict[int, Any]:
    """Have both signals handled so, where they are not ignored; what handled them before."""
    before: dict[int, Any] = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, handler)
    return before


def _raise(number: int, _frame: FrameType | None) -> NoReturn:
    if _came:
        os._exit(128 + _came[0])
    _came.append(number)
    raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(TERMINATED)


class Stop:
    """A wish to stop: ``event`` is set once there is one, ``signal`` is the number of the signal that brought it."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.signal: int | None = None
        #: The exit code, once the run has come to one and only has to log out and close.
        self.code: int | None = None
        #: What to say where the process is ended at once: on standard error, and on standard output.
        self.last_words: Callable[[], tuple[str, str]] = lambda: ("stopped at once", "")

    @contextlib.contextmanager
    def on_signals(self) -> Iterator[None]:
        """While the block runs, a first SIGINT or SIGTERM asks to stop, and a second one ends the process at once.

        At once is without a word more to the PBX or to the state file, where the call in flight is recorded as in doubt
        since before it was sent. So does the first one end it once the run has come to its exit code.
        """

        def stop(number: int, _frame: FrameType | None) -> None:
            if self.signal is not None or self.code is not None:
                self._leave(number)
            self.signal = number
            self.event.set()
            click.echo("pbxsync: stopping; the call in flight is finished and recorded first", err=True)

        before = _handle(stop)
        if _came:
            self.signal = _came[0]
            self.event.set()
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler if self.code is None else signal.SIG_IGN)

    def _leave(self, number: int) -> NoReturn:
        code = self.code
        show_cursor = "\x1b[?25h" if sys.stderr.isatty() else ""  # which a progress bar hides
        message, document = self.last_words() if code is None else ("", "")
        _write(sys.stderr, f"{show_cursor}\npbxsync: {message}\n" if message else show_cursor)
        _write(sys.stdout, document)
        os._exit(128 + number if code is None else code)


def _write(stream: TextIO, text: str) -> None:
    """Write past the stream's own buffer, which may be at work: a signal comes at any time, in the middle of a line."""
    with contextlib.suppress(OSError, RuntimeError):
        stream.flush()
    with contextlib.suppress(OSError):
        data = text.encode(stream.encoding, "backslashreplace")
        while data:
            data = data[os.write(stream.fileno(), data) :]
