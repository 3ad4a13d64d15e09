"""Settings of a route that no query shows, and what a plan may do to them.

A route that was made in the PBX's web page can have a PIN or password, a time group, an emergency flag, music on hold,
further patterns. On this line of firmware an update replaces all patterns and may reset the rest, and a route that is
moved is a new one without any of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbxsync.model import Action, PlanWarning
from pbxsync.names import is_copy
from pbxsync.text import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pbxsync.model import Change, KnownState

_RULE = "hidden-fields"
_SETTINGS = "PIN or password, time group, emergency flag, music, and any pattern but the one shown"
_NONE = "no route of this PBX has any of these, write hidden_fields: none under pbx in the file"


def hidden_fields(
    changes: Iterable[Change], known: KnownState, *, looked: bool
) -> tuple[list[PlanWarning], list[PlanWarning]]:
    """Return what updates may lose, as warnings, and why routes are not moved, as refusals.

    ``looked`` says that somebody looked, and found no such settings. The embedded sandbox has none either.
    """
    if looked or (known.pbx or "").startswith("sandbox:"):
        return [], []
    changes = list(changes)
    updates = list(dict.fromkeys(change.before.name for change in changes if change.before and _updates_route(change)))
    moves = [change.name for change in changes if _replaces_route(change)]
    warnings, refusals = [], []
    if updates:
        may_lose, look = _words(updates, "may lose its", "may each lose their")
        message = f"updated, {may_lose}; no query shows these. Look at {look} in the PBX's web page. If {_NONE}"
        warnings.append(PlanWarning(_RULE, message))
    if moves:
        loses, look = _words(moves, "is not moved: a moved route loses its", "are not moved: a moved route loses its")
        message = (
            f"{loses}; no query shows these. Look at {look} in the PBX's web page. If {_NONE}; else move {look} there"
        )
        refusals.append(PlanWarning(_RULE, message))
    return warnings, refusals


def _words(names: Sequence[str], one: str, several: str) -> tuple[str, str]:
    """Say which routes lose the settings, and what to look at."""
    single = len(names) == 1
    return f"{listed(names, 10)} {one if single else several} {_SETTINGS}", "it" if single else "them"


def _updates_route(change: Change) -> bool:
    """Return whether a change updates a route, and not a copy, which pbxsync made without such settings."""
    return change.action is Action.UPDATE and not (change.before and is_copy(change.before.name))


def _replaces_route(change: Change) -> bool:
    """Return whether a move deletes the route itself, and not just copies of it."""
    return change.move is not None and not all(is_copy(removal.name) for removal in change.move.removals)
