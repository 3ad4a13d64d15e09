"""A plan → the calls that carry it out, in their order; and what became of the calls → what became of each change.

Updates come first, in place. Then what is added, and the copies of what is moved, in the file's order, each at the end
of the PBX's table. Then what is deleted, from the bottom up; renames come last. So from the updates on each call goes,
whatever step comes next, where it went before or where it will go after: until its old route is deleted nothing takes
it away from there, and at that moment all routes below are those of the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from pbxsync.model import Action, Change, Outcome, Status
from pbxsync.names import COPY
from pbxsync.text import short

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pbxsync.model import Plan, Route


class Stage(IntEnum):
    """What kind of step, in the order in which they come."""

    UPDATE = 0
    ADD = 1
    DELETE = 2
    RENAME = 3


@dataclass(frozen=True, slots=True)
class Step:
    """One call to the PBX: an add, an update or a delete. ``of`` is the plan's change that it belongs to."""

    stage: Stage
    change: Change
    of: Change


_STAGES = {Action.UPDATE: Stage.UPDATE, Action.ADD: Stage.ADD, Action.DELETE: Stage.DELETE}

#: Why a move is not done of which some steps are.
HALF_DONE = f"begun, and not finished: the PBX holds a copy, with {COPY} after its name; run again to finish it"
#: The same where another run would come to the same end.
STUCK = f"begun, and not finished: the PBX holds a copy, with {COPY} after its name, and is not as it should be"


def steps(plan: Plan) -> tuple[Step, ...]:
    """The steps of a plan, in the order in which they run."""

    def order(step: Step) -> tuple[int, int]:
        return step.stage, -(step.change.place or 0) if step.stage is Stage.DELETE else 0

    found = [step for change in plan.changes for step in _steps_of(change)]
    # Without moves the plan's own order is the order already.
    return tuple(sorted(found, key=order) if plan.count(Action.MOVE) else found)


def _steps_of(change: Change) -> Iterator[Step]:
    move = change.move
    if move is None:
        yield Step(_STAGES[change.action], change, change)
        return
    if move.copy is not None:
        yield Step(Stage.ADD, move.copy, change)
    for removal in move.removals:
        yield Step(Stage.DELETE, removal, change)
    if move.rename is not None:
        yield Step(Stage.RENAME, move.rename, change)


def remaining(change: Change) -> Route | None:
    """What the PBX holds of a moved route once the other steps are done but the rename; None for other changes."""
    move = change.move
    if move is None:
        return None
    if move.copy is not None:
        return move.copy.after
    return move.rename.before if move.rename is not None else change.after


def outcomes(plan: Plan, of_steps: Sequence[Outcome], *, stuck: bool = False) -> tuple[Outcome, ...]:
    """What became of each change of the plan, by what became of its steps, which come in their order.

    ``stuck`` says that another run would not finish a move that was begun.
    """
    by_change: dict[int, list[Outcome]] = {id(change): [] for change in plan.changes}
    for step, outcome in zip(steps(plan), of_steps, strict=True):
        by_change[id(step.of)].append(outcome)
    return tuple(_together(change, by_change[id(change)], stuck=stuck) for change in plan.changes)


def _together(change: Change, parts: Iterable[Outcome], *, stuck: bool) -> Outcome:
    by_status: dict[Status, Outcome] = {}
    for part in parts:
        by_status.setdefault(part.status, part)
    for status in (Status.IN_DOUBT, Status.FAILED):
        if status in by_status:
            resumable = Status.APPLIED in by_status and not stuck
            return Outcome(change, status, _why(change, by_status[status], resumable=resumable))
    if len(by_status) > 1:
        return Outcome(change, Status.FAILED, STUCK if stuck else HALF_DONE)
    return Outcome(change, next(iter(by_status)))


def _why(change: Change, part: Outcome, *, resumable: bool) -> str | None:
    """Why a change came to no good end: of a move also at which step, and whether another run finishes it."""
    if change.move is None:
        return part.error
    left = ". The move is half done: run again to finish it" if resumable and part.status is Status.FAILED else ""
    return f"{part.error} (the step: {in_words(part.change)}){left}"


def in_words(change: Change) -> str:
    """What a step of a move does."""
    if change.action is Action.ADD:
        return f"add a copy, {short(change.name)}"
    if change.action is Action.DELETE:
        return f"delete {short(change.name)} where it was"
    return "give the copy its name"
