"""A declared route and what the PBX has of it → the changes that make the one the other. The only user of deepdiff.

Of one route the PBX may have more than one: while a route is being moved there is a copy of it, named as `names.COPY`
says, and an interrupted run leaves it there. A route that is half moved keeps the names that it has, whatever else
changes, until all the rest is done: by them the next run knows it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pbxsync.matching import There
from pbxsync.model import FIELDS, Action, Change, FieldChange, KnownRoute, Move, Route
from pbxsync.names import copy_name, is_copy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pbxsync.dialplan.order import Placed
    from pbxsync.matching import Found
    from pbxsync.model import DeclaredRoute


def changes(found: Found, placed: Placed, *, moving: bool) -> Iterator[Change]:
    """What is to be done, in this order: nothing, an add, an update, a move, or an update and a move.

    Without ``moving`` nothing is moved, and a half-moved route stays so. Then the route and its copies are updated:
    calls that the upper one no longer takes would go to the lower one.
    """
    declared = found.declared
    if found.blocked or found.refused:
        return
    if not found.there:
        yield Change(Action.ADD, None, declared.route, location=declared.location)
        return
    kept = next((one for one in found.there if one.place == placed.place), found.there[0])
    others = [one for one in found.there if one is not kept]
    half_moved = bool(others) or is_copy(kept.name)
    only_a_name = half_moved and not others  # moves nothing, so it can always be done
    moves = (moving or only_a_name) and not found.stuck and (half_moved or placed.place is None)

    def wanted(there: There) -> Route:
        return replace(declared.route, name=there.name) if half_moved else declared.route

    for there in (kept,) if moves else found.there:
        if wanted(there) != there.known.route:
            yield _update(there, wanted(there), declared)
    if moves:
        yield _move(declared, There(kept.place, replace(kept.known, route=wanted(kept))), others, placed)


def _update(there: There, wanted: Route, declared: DeclaredRoute) -> Change:
    before = there.known.route
    fields = changed_fields(before, wanted)
    return Change(Action.UPDATE, before, wanted, fields, there.known.id, declared.location, there.place)


def _move(declared: DeclaredRoute, kept: There, others: Sequence[There], placed: Placed) -> Change:
    """Put a copy at the end where the one that is kept can't stay, delete all but one, and give that one its name."""
    route = declared.route
    copy, last, gone = None, kept.known, list(others)
    if placed.place is None:
        gone.append(kept)
        last = KnownRoute(replace(route, name=copy_name(kept.name)))
        copy = Change(Action.ADD, None, last.route, location=declared.location)
    rename = None
    if last.route.name != route.name:
        fields = changed_fields(last.route, route)
        rename = Change(Action.UPDATE, last.route, route, fields, last.id, declared.location)
    removals = tuple(Change(Action.DELETE, one.known.route, None, id=one.known.id, place=one.place) for one in gone)
    move = Move(copy, removals, rename, placed.behind, placed.others)
    return Change(Action.MOVE, route, route, (), kept.known.id, declared.location, kept.place, move)


def changed_fields(before: Route, after: Route) -> tuple[FieldChange, ...]:
    """The fields in which two routes differ, with both values, in the order of FIELDS."""
    from deepdiff import DeepDiff

    changed = DeepDiff(before.fields(), after.fields()).affected_root_keys
    return tuple(FieldChange(name, getattr(before, name), getattr(after, name)) for name in FIELDS if name in changed)
