"""What asks to end: before the first change the run does; from then on the call in flight is finished and recorded.

That is Ctrl-C, SIGTERM, and SIGHUP, which a terminal sends that is closed. A second signal ends the process at once,
wherever it is. What was ignored when the process began, such as SIGHUP under ``nohup``, stays so.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, NoReturn

from pbxsync.cli.streams import at_once, said
from pbxsync.threads import ENDING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType


#: The exit codes of what a signal other than Ctrl-C has ended.
TERMINATED = tuple(128 + number for number in ENDING if number != signal.SIGINT)

#: The signal that came, if it raised. It may have done so where Python drops what is raised, so it is noted too.
_came: list[int] = []


def raise_on_signals(document: Callable[[str], str]) -> None:
    """From now on the first SIGINT raises KeyboardInterrupt, another signal SystemExit.

    A second signal ends the process at once. ``document`` makes what is printed then, of a message, unless the run's
    own was.
    """

    def handle(number: int, _frame: FrameType | None) -> NoReturn:
        if _came:
            if not said():
                at_once(sys.stdout, document("interrupted" if _came[0] == signal.SIGINT else "terminated"))
            os._exit(128 + _came[0])
        _came.append(number)
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    _handle(handle)


def ignore_signals() -> None:
    """From now on no signal changes any more what the run has come to; it is about to end anyway."""
    _handle(signal.SIG_IGN)


def _handle(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> dict[int, Any]:
    """Have the signals handled so, where they are not ignored; what handled them before."""
    before: dict[int, Any] = {}
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, handler)
    return before


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
        """While the block runs, a first signal asks to stop, and a second one ends the process at once.

        At once is without a word more to the PBX or to the state file, where the call in flight is recorded as in doubt
        since before it was sent. So does the first one end it once the run has come to its exit code.
        """

        def stop(number: int, _frame: FrameType | None) -> None:
            if self.code is not None:
                self._end(self.code)
            if self.signal is not None:
                self._leave(number)
            self.signal = number
            self.event.set()
            at_once(sys.stderr, "pbxsync: stopping; the call in flight is finished and recorded first\n")

        before = _handle(stop)
        if _came:
            self.signal = _came[0]
            self.event.set()
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler if self.code is None else signal.SIG_IGN)

    @contextlib.contextmanager
    def telling(self, code: int) -> Iterator[None]:
        """While the block runs, the run has come to this code and is telling it, which a first signal does not cut."""
        asked = False

        def wait(_number: int, _frame: FrameType | None) -> None:
            nonlocal asked
            if asked:
                self._end(code)
            asked = True

        before = _handle(wait)
        try:
            yield
        finally:
            self.code = code
            for number, handler in before.items():
                signal.signal(number, handler)

    def _leave(self, number: int) -> NoReturn:
        message, document = self.last_words()
        at_once(sys.stderr, f"{_cursor()}\npbxsync: {message}\n")
        if not said():
            at_once(sys.stdout, document)
        os._exit(128 + number)

    def _end(self, code: int) -> NoReturn:
        at_once(sys.stderr, _cursor())
        os._exit(code)


def _cursor() -> str:
    """What shows the cursor again, which a progress bar hides."""
    return "\x1b[?25h" if sys.stderr.isatty() else ""
