"""Desired and known → plan: which routes to add, update, move and delete, and why nothing else.

Where the order is to be mended, `dialplan.order` says which routes can't stay where they are. Nothing here touches the
PBX, a file or a terminal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pbxsync.changes import changes
from pbxsync.dialplan.order import Placed, Standing, placed
from pbxsync.errors import PlanRefused
from pbxsync.matching import Found, Matching
from pbxsync.model import Action, Change, Desired, KnownState, Plan, PlanChoices, PlanWarning
from pbxsync.names import is_copy, original
from pbxsync.text import command_line, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


def plan(desired: Desired, known: KnownState, choices: PlanChoices) -> Plan:
    """Compare what a file declares with what is known to be on its PBX.

    The changes come in this order: updates in the file's order, then adds and moves in the file's order, then deletes
    from the PBX's last route up. Routes are moved with ``choices.reorder``, and where an earlier reorder left copies
    behind. Raises PlanRefused where ``choices.prune`` would delete more than ``choices.max_deletes``, and where a
    state file shows that the PBX has never been asked for what a move needs.
    """
    matching = Matching.of(desired, known.routes)
    warnings = list(matching.warnings)
    deletes = list(_prune(matching, warnings)) if choices.prune else []
    if len(deletes) > choices.max_deletes:
        raise PlanRefused(_too_many(desired.file, deletes[::-1], choices.max_deletes))
    work = _Work()
    places = list(_places(matching.found, choices))
    # A route that is moved lands behind one that ought to go before it and can't: better all stays as it is.
    hindered = any(place.behind and found.immovable for found, place in places)
    work.unchanged = len(matching.found) - len(places)
    for found, place in places:
        made = changes(found, _first_place(found) if hindered else place, moving=not hindered)
        work.take(found, list(made), add_only=choices.add_only)
        warnings += _immovable(found, place)
    moves = [change for change in work.appended if change.move]
    if moves and not was_asked(known):
        raise PlanRefused(_never_asked(desired.file, known, moves, choices))
    warnings += [*_copies(matching, choices, moves, hindered=hindered), *_doubts(known)]
    managed = matching.claimed | {change.name for change in deletes}
    return Plan(
        file=desired.file,
        pbx_url=known.pbx,
        pbx_name=desired.name,
        known_state=known.source,
        changes=(*work.updates, *work.appended, *deletes),
        unchanged=work.unchanged,
        unmanaged=tuple(name for name in matching.count if name not in managed),
        blocked=tuple(one.declared.route.name for one in matching.found if one.blocked),
        skipped=tuple(work.skipped),
        in_doubt=known.doubts,
        warnings=tuple(warnings),
    )


@dataclass(slots=True)
class _Work:
    """What comes out as one declared route after the other is looked at."""

    updates: list[Change] = field(default_factory=list)
    appended: list[Change] = field(default_factory=list)
    skipped: list[Change] = field(default_factory=list)
    unchanged: int = 0

    def take(self, found: Found, made: list[Change], *, add_only: bool) -> None:
        """Put the changes of one route to those of the others."""
        self.unchanged += not made and not found.blocked
        for change in made:
            if add_only and change.action is not Action.ADD:
                self.skipped.append(change)
            else:
                (self.updates if change.action is Action.UPDATE else self.appended).append(change)


def _places(found: Sequence[Found], choices: PlanChoices) -> Iterator[tuple[Found, Placed]]:
    """Where each route of the file is to stand, but for those that are as they should be and stay where they are."""
    half_done = any(one.copies and not one.stuck for one in found)
    if not (half_done or (choices.reorder and not choices.add_only)):
        yield from ((one, _first_place(one)) for one in found if not one.done)
        return
    standing = [
        Standing(tuple(there.place for there in one.there), fixed=one.fixed is not None, known=not one.blocked)
        for one in found
    ]
    places = placed([one.declared.route for one in found], standing)
    yield from (
        (one, place)
        for one, place in zip(found, places, strict=True)
        if not one.done or place.place is None or place.behind
    )


def _first_place(found: Found) -> Placed:
    return Placed(found.there[0].place if found.there else None)


def was_asked(known: KnownState) -> bool:
    """Whether the PBX is known to answer a query: ids come from there alone."""
    return known.source == "live" or any(one.id is not None for one in known.routes)


def _prune(matching: Matching, warnings: list[PlanWarning]) -> Iterator[Change]:
    """Deletes of the known routes that nobody declares, from the last up, but for what can't be deleted safely."""
    for place, known in reversed(list(enumerate(matching.known))):
        name = known.route.name
        if name in matching.claimed or matching.count[name] > 1:
            continue
        reason = matching.unsafe_to_delete(name)
        if reason:
            warnings.append(PlanWarning("cannot-delete", f"{name} is not deleted: {reason}; delete it on the PBX"))
        else:
            yield Change(Action.DELETE, known.route, None, id=known.id, place=place)


def _immovable(found: Found, place: Placed) -> Iterator[PlanWarning]:
    """Warn of a route that should be moved and can't be."""
    behind = listed(dict.fromkeys(one.route for one in place.behind), 5)
    why = [f"must come behind {behind}"] if behind else []
    why += (
        [f"is half moved ({listed(found.copies)} is on the PBX)"]
        if found.copies and found.stuck and not found.blocked
        else []
    )
    if why and found.immovable:
        nothing = ", so that nothing is moved" if behind else ""
        message = (
            f"{found.declared.route.name} {' and '.join(why)}, and can't be moved{nothing}: {found.immovable}; mend "
            "that on the PBX, or move the route there"
        )
        yield PlanWarning("cannot-move", message)


def _copies(
    matching: Matching, choices: PlanChoices, moves: Iterable[Change], *, hindered: bool
) -> Iterator[PlanWarning]:
    """Say which copies an interrupted reorder has left, and what becomes of them."""
    own = [name for found in matching.found if not found.stuck for name in found.copies]
    if own:
        what = "this plan clears that up"
        if choices.add_only:
            what = "run without --add-only to clear that up"
        elif hindered:
            what = "nothing is done about it as long as a route that must be moved can't be"
        elif not choices.reorder and any(change.move and change.move.copy for change in moves):
            what += ", and brings the rest of the order to the PBX too, as with --reorder"
        message = f"an earlier run was interrupted while it moved routes: the PBX still holds {listed(own)}; {what}"
        yield PlanWarning("half-done-reorder", message)
    for name in matching.count:
        if is_copy(name) and name not in matching.claimed and not choices.prune:
            message = (
                f"{name} is left of a reorder that was interrupted, and the file declares no {original(name)}: it is "
                f"left alone; declare {original(name)} to complete the move, or delete it, as --prune does"
            )
            yield PlanWarning("half-done-reorder", message)


def _doubts(known: KnownState) -> Iterator[PlanWarning]:
    """Say what an earlier run has in doubt: nothing is sent before somebody settles it."""
    for doubt in known.doubts:
        name = doubt.change.name
        resolve = command_line("pbxsync", "resolve", "--state", known.source, "--applied", "--", name)
        message = (
            f"whether {doubt.change.action} {name} was carried out is in doubt ({doubt.reason}); look on the PBX, "
            f"then run: {resolve} (or with --not-applied)"
        )
        yield PlanWarning("in-doubt", message)


def _never_asked(file: str, known: KnownState, moves: Sequence[Change], choices: PlanChoices) -> str:
    names = listed((change.name for change in moves), 5)
    record = command_line("pbxsync", "refresh", "--state", known.source)
    without = ", and plan without --reorder" if choices.reorder else ""
    return (
        f"{file}: to bring the order to the PBX, {names} must be moved, and that takes outroute/query, outroute/update "
        f"and outroute/delete; {known.source} holds no id of a route, as on firmware that knows outroute/add alone. If "
        f"this PBX knows them, run: {record}. If not, move the routes on the PBX by hand{without}"
    )


def _too_many(file: str, deletes: list[Change], limit: int) -> str:
    names = ", ".join(change.name for change in deletes[:10]) + (", …" if len(deletes) > 10 else "")
    return (
        f"{file}: --prune would delete {len(deletes)} routes, more than --max-deletes {limit} allows: {names}. "
        f"If all of them are to go, use --max-deletes {len(deletes)}"
    )
