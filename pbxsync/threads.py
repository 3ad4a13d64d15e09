"""Threads that leave signals to the main one.

Python handles a signal in the main thread, wherever the system delivers it. Delivered to another one, it does not end
what the main thread waits for, such as a PBX's answer: Ctrl-C would be heard once that is over.
"""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


#: What asks a program to end: Ctrl-C, ``kill``, and a terminal or connection that was closed.
ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextlib.contextmanager
def without_signals() -> Iterator[None]:
    """Threads that are started while the block runs, and theirs, are delivered none of the signals that ask to end."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows has nothing of the kind
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
