"""Holds Python's cyclic garbage collector off while many values are made, all of which are kept.

It would look through all of them again and again, and find nothing: of 10,000 routes that is half of the time.
"""

from __future__ import annotations

import contextlib
import gc
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_guard = threading.Lock()
_held = 0
_was_on = False


@contextlib.contextmanager
def held_off() -> Iterator[None]:
    """While the block runs, in whichever threads, no garbage is collected; then as it was before."""
    global _held, _was_on
    with _guard:
        if not _held:
            _was_on = gc.isenabled()
            gc.disable()
        _held += 1
    try:
        yield
    finally:
        with _guard:
            _held -= 1
            if not _held and _was_on:
                gc.enable()
