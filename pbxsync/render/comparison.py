"""A PBX's routes before and after a plan → one list of lines, in which every route of both has its place."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pbxsync.model import FIELDS, Action, FieldChange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbxsync.model import Preview, Route


@dataclass(frozen=True, slots=True)
class Line:
    """One route: what it was and what it will be, at which places from 1, and what the plan does with it.

    A moved route has two lines: where it will stand, and ``gone``, where it stood.
    """

    action: Action | None
    before: Route | None
    after: Route | None
    was: int | None
    now: int | None
    gone: bool = False

    @property
    def route(self) -> Route:
        """The route as it will be, or as it was where it is deleted."""
        route = self.after or self.before
        assert route is not None  # noqa: S101 - a line without a route is never made
        return route

    @property
    def fields(self) -> tuple[FieldChange, ...]:
        """The fields in which a route differs from what it was."""
        if self.before is None or self.after is None:
            return ()
        old, new = self.before.fields(), self.after.fields()
        return tuple(FieldChange(name, old[name], new[name]) for name in FIELDS if old[name] != new[name])


def lines(preview: Preview) -> tuple[Line, ...]:
    """The routes in their order after the plan; what is deleted or moved away stands where it stood."""
    changes = preview.plan.changes
    moved = {change.name for change in changes if change.action is Action.MOVE}
    old_names = {change.name: change.before.name for change in changes if change.before}
    origins = _origins(preview.before, preview.after, old_names)
    found: list[tuple[tuple[int, int], Line]] = []
    staying: dict[int, int] = {}
    for now, route in enumerate(preview.after):
        was = origins.get(now)
        moves = was is not None and route.name in moved
        if was is not None and not moves:
            staying[was] = now
        before = preview.before[was] if was is not None else None
        line = Line(_action(before, route, moves=moves), before, route, _place(was), now + 1)
        found.append(((now, -1), line))
    anchor = -1
    kept = set(origins.values())
    for was, route in enumerate(preview.before):
        if was in staying:
            anchor = max(anchor, staying[was])
            continue
        moves = was in kept
        gone = Line(Action.MOVE if moves else Action.DELETE, route, None, was + 1, None, gone=moves)
        found.append(((anchor, was), gone))
    return tuple(line for _, line in sorted(found, key=lambda pair: pair[0]))


def _place(index: int | None) -> int | None:
    return index + 1 if index is not None else None


def _origins(before: Sequence[Route], after: Sequence[Route], old_names: dict[str, str]) -> dict[int, int]:
    """Which of the routes before each route after was, by their indexes; one that is new has none."""
    waiting: dict[str, deque[int]] = defaultdict(deque)
    for index, route in enumerate(before):
        waiting[route.name].append(index)
    found = {}
    for index, route in enumerate(after):
        named = waiting[route.name] or waiting[old_names.get(route.name, route.name)]
        if named:
            found[index] = named.popleft()
    return found


def _action(before: Route | None, after: Route, *, moves: bool) -> Action | None:
    if before is None:
        return Action.ADD
    if moves:
        return Action.MOVE
    return Action.UPDATE if before != after else None
