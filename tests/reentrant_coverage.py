"""A plugin of coverage.py that lets a signal's handler be measured.

At each call of a function coverage takes a lock, which is not reentrant. A signal that comes in between has its handler
run in the same thread; the handler's own calls then wait for that lock for ever. So here it is a reentrant one.
"""

from __future__ import annotations

import threading
from typing import Any

from coverage.collector import Collector


def coverage_init(_registry: object, _options: object) -> None:
    """Called by coverage before it measures, in each process that is measured."""
    reset = Collector.reset

    def reset_reentrant(self: Any) -> None:
        reset(self)
        self.data_lock = threading.RLock()

    Collector.reset = reset_reentrant  # type: ignore[method-assign]
