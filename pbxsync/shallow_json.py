"""JSON read within a depth of pbxsync's own: what one version of Python reads, no other refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: The most levels of lists and objects; no document of pbxsync has more than ten.
MAX_DEPTH = 100


class TooDeep(ValueError):
    """A text with more levels of lists and objects than any document has."""


def loads(text: str | bytes, object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """Return the value that a JSON text holds. Raises TooDeep, and ValueError where it is no JSON.

    ``object_pairs_hook`` makes a value of each object; one that keeps further values is a tuple of its pairs.
    """
    try:
        value = json.loads(text, object_pairs_hook=object_pairs_hook)
    except RecursionError:  # long after MAX_DEPTH, but before all of the text was read
        raise TooDeep("it is nested too deep") from None
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [part for whole in level for part in _parts(whole) if type(part) in _CONTAINERS]
        if not level:
            return value
    raise TooDeep("it is nested too deep")


def _parts(whole: Any) -> Iterable[Any]:
    """Return the values inside a list or an object."""
    if type(whole) is list:
        return whole
    if type(whole) is dict:
        return whole.values()
    return [part for _, part in whole] if type(whole) is tuple else ()


_CONTAINERS = frozenset({list, dict, tuple})
