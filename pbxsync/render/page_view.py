"""A preview → what the page of a plan shows of one PBX, in the order in which it shows it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pbxsync.dialplan.embedded import embedded
from pbxsync.dialplan.table import LAST_REACHED
from pbxsync.model import Action
from pbxsync.render.comparison import Line, lines
from pbxsync.render.drawing import FEW, Drawing, drawing, shown
from pbxsync.render.impact import kinds_of_calls
from pbxsync.render.summary import sentence
from pbxsync.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pbxsync.dialplan.embedded import EmbeddedRoute
    from pbxsync.model import CallPath, Impact, NumberWords, Plan, Preview, Route

#: So many rows of an impact are in the page; the first of them stand there unfolded.
IMPACT_ROWS, IMPACT_OPEN = 400, 40


class Kind(StrEnum):
    """What becomes of some calls, the gravest first."""

    LOST = "No longer routed"
    ELSEWHERE = "Other trunks"
    DIGITS = "Other digits"
    NEW = "Newly routed"


@dataclass(frozen=True, slots=True)
class ImpactRow:
    """Calls of which the same is noticed, what that is, and how they are told from others.

    ``numbers`` are the patterns of their numbers; ``others`` are such as are best said by what they leave out.
    ``before`` and ``after`` are the names of the routes that took and will take them. ``entry`` is an example.
    """

    kind: Kind
    entry: Impact
    numbers: tuple[str, ...]
    others: tuple[NumberWords, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlanView:
    """All that the page shows of one PBX.

    ``picture`` is the drawing that is seen at once, ``whole`` that of all routes where the first leaves some out.
    ``data`` is what the page needs to follow a number.
    """

    id: str
    title: str
    plan: Plan
    sentence: str
    impact: tuple[ImpactRow, ...] | None
    impact_more: int
    lines: tuple[Line, ...]
    picture: Drawing | None
    whole: Drawing | None
    data: dict[str, Any]


def plan_views(previews: Sequence[Preview]) -> list[PlanView]:
    """The views of these PBXs; those that would have one title have their files in it."""
    titles = Counter(_title(preview.plan) for preview in previews)
    return [_plan_view(preview, number, titles) for number, preview in enumerate(previews, 1)]


def _title(plan: Plan) -> str:
    return plan.pbx_name or plan.pbx_url or plan.file


def _plan_view(preview: Preview, number: int, titles: Counter[str]) -> PlanView:
    plan = preview.plan
    title = _title(plan)
    rows = lines(preview)
    cut = plan.changes and len(rows) > FEW
    impact = _impact_rows(plan.impact) if plan.impact is not None else None
    return PlanView(
        id=f"pbx-{number}",
        title=title if titles[title] == 1 else f"{title} ({plan.file})",
        plan=plan,
        sentence=sentence(plan),
        impact=impact[:IMPACT_ROWS] if impact is not None else None,
        impact_more=max(0, len(impact or ()) - IMPACT_ROWS),
        lines=rows,
        picture=drawing(shown(rows) if cut else rows, rows) if plan.changes else None,
        whole=drawing(rows, rows) if cut and any(isinstance(item, int) for item in shown(rows)) else None,
        data=_data(preview),
    )


def is_quiet(plan: Plan) -> bool:
    """Return whether there is nothing to say of a PBX but that nothing changes."""
    said = (plan.changes, plan.skipped, plan.blocked, plan.in_doubt, plan.warnings, plan.failed_tests)
    return not any((*said, plan.refusals, plan.failures))


def _impact_rows(impact: Sequence[Impact]) -> tuple[ImpactRow, ...]:
    kinds = list(Kind)
    rows = [_impact_row(group) for group in kinds_of_calls(impact)]
    return tuple(sorted(rows, key=lambda row: kinds.index(row.kind)))


def _impact_row(group: Sequence[Impact]) -> ImpactRow:
    words = [entry.words for entry in group]
    first = group[0]
    return ImpactRow(
        kind=_kind(first.before, first.after),
        entry=first,
        numbers=tuple(pattern for one in words if not one.but_not for pattern in one.patterns),
        others=tuple(one for one in words if one.but_not),
        before=_names(entry.before for entry in group),
        after=_names(entry.after for entry in group),
    )


def _names(paths: Iterable[CallPath | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(path.route for path in paths if path is not None))


def _kind(before: CallPath | None, after: CallPath | None) -> Kind:
    if after is None:
        return Kind.LOST
    if before is None:
        return Kind.NEW
    return Kind.DIGITS if before.trunks == after.trunks else Kind.ELSEWHERE


def _data(preview: Preview) -> dict[str, Any]:
    """The tables before and after, as lists, with the names as they are shown."""
    tables = embedded([preview.before, preview.after])
    before, after = tables.tables
    actions = zip(tables.routes, tables.actions, strict=True)
    return {
        "longest": tables.longest,
        "reached": LAST_REACHED,
        "places": tables.places,
        "nodes": tables.nodes,
        "routes": [_route(route, action) for route, action in actions],
        "before": before,
        "after": after,
    }


def _route(route: Route, action: EmbeddedRoute) -> list[Any]:
    trunks = [printable(trunk) for trunk in route.trunks]
    return [action.start, action.callers, action.strip, action.prepend, printable(route.name), trunks]


SIGNS = {Action.ADD: "+", Action.UPDATE: "~", Action.DELETE: "−", Action.MOVE: "↓"}
