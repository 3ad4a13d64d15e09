"""The sentence that matters of a plan: what is added, changed, deleted and moved, and which calls go elsewhere.

Plain text, neither escaped nor coloured: that is the business of whoever puts it into a form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbxsync.model import Action

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pbxsync.model import Impact, Plan

_VERBS = {Action.ADD: "adds", Action.UPDATE: "changes", Action.DELETE: "deletes", Action.MOVE: "moves"}


def sentence(plan: Plan) -> str:
    """What a plan does, in one sentence, such as: Adds 1 route and changes 2; no call goes elsewhere."""
    if not plan.changes:
        return "Changes nothing."
    counts = [(verb, plan.count(action)) for action, verb in _VERBS.items()]
    parts = [f"{verb} {count}" for verb, count in counts if count]
    first, *rest = parts
    noun = "route" if first.endswith(" 1") else "routes"
    does = _in_a_row([f"{first} {noun}", *rest])
    return f"{does[0].upper()}{does[1:]}; {elsewhere(plan.impact)}."


def elsewhere(impact: Iterable[Impact] | None) -> str:
    """Which calls go elsewhere, in a clause: how many sets of calls, and of which nobody takes them any more."""
    if impact is None:
        return "which calls go elsewhere was not worked out (--no-impact)"
    entries = list(impact)
    if not entries:
        return "no call goes elsewhere"
    lost = sum(entry.after is None for entry in entries)
    new = sum(entry.before is None for entry in entries)
    other = len(entries) - lost - new
    parts = [
        f"{count} {'kind' if count == 1 else 'kinds'} of calls {'is' if count == 1 else 'are'} {what}"
        for count, what in ((lost, "no longer routed"), (other, "routed otherwise"), (new, "newly routed"))
        if count
    ]
    return _in_a_row(parts)


def _in_a_row(parts: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
