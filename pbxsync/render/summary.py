"""The sentence that matters of a plan: what is added, changed, deleted and moved, and which calls go elsewhere.

Plain text, neither escaped nor coloured: that is the business of whoever puts it into a form. It holds counts alone,
and no name of a file or a PBX.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pbxsync.model import Action
from pbxsync.render.impact import kinds_of_calls

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pbxsync.model import Impact, Plan

_VERBS = {Action.ADD: "adds", Action.UPDATE: "changes", Action.DELETE: "deletes", Action.MOVE: "moves"}
_LOST, _OTHER, _NEW = "no longer routed", "routed otherwise", "newly routed"
_UNKNOWN = "which calls go elsewhere was not worked out (--no-impact)"
_NONE = "no call goes elsewhere"


def sentence(plan: Plan) -> str:
    """What a plan does, in one sentence, such as: Adds 1 route and changes 2; no call goes elsewhere."""
    if not plan.changes:
        return "Changes nothing."
    does = _does([plan])
    return f"{does[0].upper()}{does[1:]}; {elsewhere(plan.impact)}."


def total(plans: Sequence[Plan]) -> str:
    """What the plans of several PBXs do together: 2 of 3 PBXs change: adds 4 routes; no call goes elsewhere."""
    changing = [plan for plan in plans if plan.changes]
    if not changing:
        return f"Changes nothing on {_counted(len(plans), 'PBX', 'PBXs')}."
    change = "changes" if len(changing) == 1 else "change"
    return f"{len(changing)} of {len(plans)} PBXs {change}: {_does(changing)}; {_elsewhere_together(changing)}."


def elsewhere(impact: Iterable[Impact] | None) -> str:
    """Which calls go elsewhere, in a clause: how many kinds of calls, those that nobody takes any more first."""
    return _UNKNOWN if impact is None else _of_kinds(_kinds(impact))


def _does(plans: Sequence[Plan]) -> str:
    counts = [(verb, sum(plan.count(action) for plan in plans)) for action, verb in _VERBS.items()]
    (verb, count), *rest = [(verb, count) for verb, count in counts if count]
    return _in_a_row([f"{verb} {_counted(count, 'route', 'routes')}", *(f"{verb} {count}" for verb, count in rest)])


def _elsewhere_together(plans: Sequence[Plan]) -> str:
    """Which calls of several PBXs go elsewhere; what was not worked out for some is not passed over."""
    worked_out = [plan.impact for plan in plans if plan.impact is not None]
    if not worked_out:
        return _UNKNOWN
    calls = _of_kinds(sum((_kinds(impact) for impact in worked_out), Counter()))
    missing = len(plans) - len(worked_out)
    return f"{calls}; on {_counted(missing, 'PBX', 'PBXs')} {_UNKNOWN}" if missing else calls


def _kinds(impact: Iterable[Impact]) -> Counter[str]:
    """How many kinds of calls come to each end."""
    firsts = [group[0] for group in kinds_of_calls(impact)]
    return Counter(_LOST if one.after is None else _NEW if one.before is None else _OTHER for one in firsts)


def _of_kinds(kinds: Counter[str]) -> str:
    (what, count), *rest = [(what, kinds[what]) for what in (_LOST, _OTHER, _NEW) if kinds[what]] or [("", 0)]
    if not count:
        return _NONE
    first = f"{_counted(count, 'kind of call is', 'kinds of calls are')} {what}"
    return _in_a_row([first, *(f"{count} {'is' if count == 1 else 'are'} {what}" for what, count in rest)])


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _in_a_row(parts: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
