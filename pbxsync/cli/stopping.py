"""Ctrl-C and SIGTERM while changes are sent: the call in flight is finished and recorded, the rest is not attempted."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


class Stop:
    """A wish to stop: ``event`` is set once there is one, ``signal`` is the number of the signal that brought it."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.signal: int | None = None

    @contextlib.contextmanager
    def on_signals(self) -> Iterator[None]:
        """While the block runs, a first SIGINT or SIGTERM asks to stop; a second one acts as it would elsewhere."""
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

        def stop(number: int, _frame: FrameType | None) -> None:
            self.signal = number
            self.event.set()
            restore()
            click.echo("pbxsync: stopping; the call in flight is finished and recorded first", err=True)

        def restore() -> None:
            for number, handler in before.items():
                signal.signal(number, handler)

        for number in before:
            signal.signal(number, stop)
        try:
            yield
        finally:
            restore()
