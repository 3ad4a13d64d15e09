"""How much of the largest tests a run has: all with PBXSYNC_TEST_FULL=1, as ``make soak`` sets it, else a part.

A part still has every way to fail, every call and every property; it has fewer combinations and fewer examples of them.
"""

from __future__ import annotations

import os
from itertools import product
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")

FULL = os.environ.get("PBXSYNC_TEST_FULL") == "1"


def examples(full: int) -> int:
    """Return how many of so many examples of a property are tried: all, or a quarter of them and at least 15."""
    return full if FULL else min(full, max(15, full // 4))


def crossed(first: Iterable[T], second: Iterable[T], at: int) -> list[tuple[T, T]]:
    """Return the pairs of two lists that row ``at`` of a table tries: all, or one, another one for each row."""
    pairs = list(product(first, second))
    return pairs if FULL else [pairs[(at + at // len(pairs)) % len(pairs)]]
