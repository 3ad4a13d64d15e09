"""Desired and known → plan: which routes to add, update, move and delete, and why nothing else.

Where the order is to be put right, `dialplan.order` says which routes can't stay where they are. Nothing here touches
the PBX, a file or a terminal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pbxsync.changes import changes
from pbxsync.dialplan.order import Placed, Standing, placed
from pbxsync.errors import PlanRefused
from pbxsync.hidden_fields import hidden_fields
from pbxsync.matching import Found, Matching
from pbxsync.model import Action, Change, Desired, KnownState, Plan, PlanChoices, PlanWarning
from pbxsync.names import copy_stem, is_copy, original
from pbxsync.text import command_line, listed, short

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


def plan(desired: Desired, known: KnownState, choices: PlanChoices) -> Plan:
    """Compare what a file declares with what is known to be on its PBX.

    The changes come in this order: updates in the file's order, then adds and moves in the file's order, then deletes
    from the PBX's last route up. Routes are moved with ``choices.reorder``, and where an earlier reorder left copies.
    Raises PlanRefused where ``choices.prune`` would delete more than ``choices.max_deletes``, and where a
    state file shows that the PBX has never been asked for what a move needs.
    """
    matching = Matching(desired, known.routes, add_only=choices.add_only)
    work = _Work()
    places = list(_places(matching, choices))
    # A route that is moved goes below one that ought to precede it and can't: better all stays as it is.
    hindered = any(place.behind and found.immovable for found, place in places)
    work.unchanged = len(matching.found) - len(places)
    immovable: list[PlanWarning] = []
    for found, place in places:
        made = changes(found, _first_place(found) if hindered else place, moving=not hindered)
        work.take(found, list(made), add_only=choices.add_only)
        immovable += _immovable(matching, found, place)
    warnings = list(matching.warnings)
    deletes = list(_prune(matching, warnings)) if choices.prune else []
    if len(deletes) > choices.max_deletes:
        raise PlanRefused(_too_many(desired.file, deletes[::-1], choices.max_deletes))
    moves = [change for change in work.appended if change.move]
    if moves and not was_asked(known):
        raise PlanRefused(_never_asked(desired.file, known, moves, choices))
    warnings += [*immovable, *_copies(matching, choices, moves, hindered=hindered), *_doubts(known)]
    planned = (*work.updates, *work.appended, *deletes)
    hidden, unmovable = hidden_fields(planned, known, looked=desired.no_hidden_fields)
    managed = {*matching.claimed, *matching.ignored, *(change.name for change in deletes)}
    return Plan(
        file=desired.file,
        pbx_url=known.pbx,
        pbx_name=desired.name,
        known_state=known.source,
        changes=planned,
        unchanged=work.unchanged,
        unmanaged=tuple(name for name in matching.names if name not in managed),
        ignored=tuple(name for name in matching.names if name in matching.ignored),
        blocked=tuple(found.declared.route.name for found in matching.found if found.blocked),
        skipped=tuple(work.skipped),
        in_doubt=known.doubts,
        warnings=(*warnings, *hidden),
        refusals=(*_refusals(matching, planned), *unmovable),
        failures=tuple(matching.failures),
    )


def _refusals(matching: Matching, planned: Iterable[Change]) -> Iterator[PlanWarning]:
    """Say why nothing of the plan may be sent: a route that must not be added, an id that several routes have."""
    yield from (found.refused for found in matching.found if found.refused)
    for change in planned:
        if change.place is None or not _goes_by_id(change):
            continue
        known = matching.known[change.place]
        shared = matching.shares_id(known)
        if shared:
            message = (
                f"{short(known.route.name)} is not updated: the PBX shows {listed(shared, 3)} with the same id, "
                f"{short(known.id or '')}, and an update goes by id. Delete or rename these routes in the PBX's web "
                "page"
            )
            yield PlanWarning("shared-id", message)


def _goes_by_id(change: Change) -> bool:
    """Return whether a change updates the route that it is about, or gives a copy that is there its name."""
    move = change.move
    return change.action is Action.UPDATE or (move is not None and move.copy is None and move.rename is not None)


@dataclass(slots=True)
class _Work:
    """What comes out as one declared route after the other is looked at."""

    updates: list[Change] = field(default_factory=list)
    appended: list[Change] = field(default_factory=list)
    skipped: list[Change] = field(default_factory=list)
    unchanged: int = 0

    def take(self, found: Found, made: list[Change], *, add_only: bool) -> None:
        """Put the changes of one route to those of the others."""
        self.unchanged += not made and not found.blocked and not found.refused
        for change in made:
            if add_only and change.action is not Action.ADD:
                self.skipped.append(change)
            else:
                (self.updates if change.action is Action.UPDATE else self.appended).append(change)


def _places(matching: Matching, choices: PlanChoices) -> Iterator[tuple[Found, Placed]]:
    """The place for each route of the file, but for those that are as they should be and stay where they are."""
    found = matching.found
    half_done = any(route.copies and not route.stuck for route in found)
    if not (half_done or (choices.reorder and not choices.add_only)):
        yield from ((route, _first_place(route)) for route in found if not route.done)
        return
    places = _placed(found)
    for route, place in zip(found, places, strict=True):
        if place.behind and route.copies and place.place == route.there[0].place and not route.fixed:
            matching.bar_second_copy(route)
    yield from (
        (route, place)
        for route, place in zip(found, places, strict=True)
        if not route.done or place.place is None or place.behind
    )


def _placed(found: Sequence[Found]) -> list[Placed]:
    standing = [
        Standing(
            tuple(there.place for there in route.there),
            fixed=route.fixed is not None,
            known=not route.blocked,
            copied=bool(route.copies),
        )
        for route in found
    ]
    return placed([route.declared.route for route in found], standing)


def _first_place(found: Found) -> Placed:
    return Placed(found.there[0].place if found.there else None)


def was_asked(known: KnownState) -> bool:
    """Whether the PBX is known to answer a query: ids come from there alone."""
    return known.source == "live" or any(one.id is not None for one in known.routes)


def _prune(matching: Matching, warnings: list[PlanWarning]) -> Iterator[Change]:
    """Deletes of the known routes that nobody declares, from the last up, but for what can't be deleted safely."""
    for place, known in reversed(list(enumerate(matching.known))):
        name = known.route.name
        if name in matching.claimed or name in matching.ignored or len(matching.names[name]) > 1:
            continue
        reason = matching.unsafe_to_delete(name)
        if reason and name not in matching.twins:  # of a twin the refusal says it
            message = f"{short(name)} is not deleted: {reason}; delete it on the PBX"
            warnings.append(PlanWarning("cannot-delete", message))
        elif not reason:
            yield Change(Action.DELETE, known.route, None, id=known.id, place=place)


def _immovable(matching: Matching, found: Found, place: Placed) -> Iterator[PlanWarning]:
    """Warn of a route that should be moved and can't be."""
    name, copies = short(found.declared.route.name), listed(found.copies)
    after = listed(dict.fromkeys(behind.route for behind in place.behind), 5)
    why = [f"must come after {after}"] if after else []
    if found.copies and found.stuck and not found.blocked:
        why.append(f"is half moved ({copies} is on the PBX)")
    if not why or not found.immovable:
        return
    if after:
        matching.keep_copies(found)
    if found.is_lone_copy:
        message = (
            f"{name} {why[0]}, and the PBX has nothing of it but a copy, {copies}. This plan gives that its name, and "
            "moves nothing else; run again to move it"
        )
    else:
        nothing = ", so that nothing is moved" if after else ""
        fix = "change that on the PBX, or move the route there"
        if matching.has_wrong_copy(found):
            fix = (
                f"delete {copies} on the PBX. If the PBX puts new routes at the end of its list, run again to move "
                f"{name}; if not, move it in the web page"
            )
        message = f"{name} {' and '.join(why)}, and can't be moved{nothing}: {found.immovable}; {fix}"
    yield PlanWarning("cannot-move", message)


def _copies(
    matching: Matching, choices: PlanChoices, moves: Iterable[Change], *, hindered: bool
) -> Iterator[PlanWarning]:
    """Say which copies an interrupted reorder has left, and what becomes of them."""
    own = [found for found in matching.found if found.copies and not found.stuck and not found.refused]
    names = [name for found in own for name in found.copies]
    waiting = [name for found in own if not found.is_lone_copy for name in found.copies] if hindered else []
    if own:
        what = "this plan clears that up"
        if choices.add_only:
            what = "run without --add-only to clear that up"
        elif waiting:
            what = f"nothing is done about {listed(waiting)} as long as a route that must be moved can't be"
        elif not choices.reorder and any(change.move and change.move.copy for change in moves):
            what += ", and brings the rest of the order to the PBX too, as with --reorder"
        message = f"an earlier run was interrupted while it moved routes: the PBX still holds {listed(names)}; {what}"
        yield PlanWarning("half-done-reorder", message)
    for name in matching.names:
        known = name in matching.claimed or name in matching.ignored or name in matching.twins
        if is_copy(name) and not known and not choices.prune:
            yield PlanWarning("half-done-reorder", _left_over(matching, name))


def _left_over(matching: Matching, name: str) -> str:
    of, shown = original(name), short(name)
    left = f"{shown} is left of a reorder that was interrupted"
    own = [found.declared.route.name for found in matching.found if copy_stem(found.declared.route.name) == of]
    if own:
        return (
            f"{left}, and may be a copy of {listed(own, 3)}: it is left alone; rename it in the PBX's web page, or "
            "delete it, as --prune does"
        )
    return (
        f"{left}, and the file declares no {short(of)}: it is left alone; declare {short(of)} to complete the move, or "
        "delete it, as --prune does"
    )


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
    names = listed((change.name for change in deletes), 10)
    return (
        f"{file}: --prune would delete {len(deletes)} routes, more than --max-deletes {limit} allows: {names}. "
        f"If all of them are to go, use --max-deletes {len(deletes)}"
    )
