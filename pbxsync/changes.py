"""A declared route and what the PBX has of it → the changes that make the one the other. The only user of deepdiff.

Of one route the PBX may have more than one: while a route is being moved there is a copy of it, named as `names.COPY`
says, and an interrupted run leaves it there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pbxsync.model import FIELDS, Action, Change, DeclaredRoute, FieldChange, KnownRoute, Move, Route
from pbxsync.names import copy_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pbxsync.dialplan.order import Placed


@dataclass(frozen=True, slots=True)
class There:
    """A route that the PBX has of a declared one, and its index there."""

    place: int
    known: KnownRoute


@dataclass(frozen=True, slots=True)
class Found:
    """A declared route, and what the PBX has of it, from the top: nothing, the route, copies of it.

    Where it is ``blocked`` nothing can be done, since it can't be told which of the PBX's routes is meant. Where it is
    ``fixed`` it can't be moved, since none of its names could be deleted safely: that is the reason why.
    """

    declared: DeclaredRoute
    there: tuple[There, ...] = ()
    blocked: bool = False
    fixed: str | None = None


def changes(found: Found, placed: Placed) -> Iterator[Change]:
    """What is to be done, in this order: nothing, an add, an update, a move, or an update and a move."""
    declared = found.declared
    if found.blocked:
        return
    if not found.there:
        yield Change(Action.ADD, None, declared.route, location=declared.location)
        return
    kept = next((one for one in found.there if one.place == placed.place), found.there[0])
    others = [one for one in found.there if one is not kept]
    # As long as another one has the route's name, the one that is kept can't take it.
    taken = any(one.known.route.name == declared.route.name for one in others)
    wanted = replace(declared.route, name=kept.known.route.name) if taken else declared.route
    if wanted != kept.known.route:
        yield _update(kept, wanted, declared)
    if placed.place is None or (others and not found.fixed):
        yield _move(declared, There(kept.place, replace(kept.known, route=wanted)), others, placed)


def _update(there: There, wanted: Route, declared: DeclaredRoute) -> Change:
    before = there.known.route
    fields = changed_fields(before, wanted)
    return Change(Action.UPDATE, before, wanted, fields, there.known.id, declared.location, there.place)


def _move(declared: DeclaredRoute, kept: There, others: list[There], placed: Placed) -> Change:
    """Put a copy at the end where the one that is kept can't stay, and delete all but one."""
    route = declared.route
    copy, last, gone = None, kept.known, others
    if placed.place is None:
        gone = [kept, *others]
        name = copy_name(route.name, [one.known.route.name for one in gone])
        last = KnownRoute(replace(route, name=name))
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
