"""Desired and known → plan: which routes to add, update, move and delete, and why nothing else.

Routes are compared by name. Where the order is to be mended, `dialplan.order` says which of them can't stay where they
are. Nothing here touches the PBX, a file or a terminal.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pbxsync.changes import Found, There, changes
from pbxsync.dialplan.order import Placed, Standing, placed
from pbxsync.errors import PlanRefused
from pbxsync.model import (
    Action,
    Change,
    DeclaredRoute,
    Desired,
    KnownState,
    Plan,
    PlanChoices,
    PlanWarning,
)
from pbxsync.names import folded, is_copy, original, route_fault
from pbxsync.text import command_line, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def plan(desired: Desired, known: KnownState, choices: PlanChoices) -> Plan:
    """Compare what a file declares with what is known to be on its PBX.

    The changes come in this order: updates in the file's order, then adds and moves in the file's order, then deletes
    from the PBX's last route up. Routes are moved with ``choices.reorder``, and where an earlier reorder left copies
    behind. Raises PlanRefused where ``choices.prune`` would delete more than ``choices.max_deletes``, and where a
    state file shows that the PBX can't be asked for what a move needs.
    """
    comparison = _Comparison(known)
    for declared in desired.routes:
        comparison.declare(declared)
    deletes = comparison.prune() if choices.prune else []
    if len(deletes) > choices.max_deletes:
        raise PlanRefused(_too_many(desired.file, deletes[::-1], choices.max_deletes))
    comparison.change(choices)
    if comparison.moves:
        _check_movable(desired.file, known, comparison.moves)
    comparison.warn_of_copies(choices)
    comparison.warn_of_doubts()
    return Plan(
        file=desired.file,
        pbx_url=known.pbx,
        pbx_name=desired.name,
        known_state=known.source,
        changes=(*comparison.updates, *comparison.appended, *deletes),
        unchanged=comparison.unchanged,
        unmanaged=tuple(comparison.unmanaged(deletes)),
        blocked=tuple(one.declared.route.name for one in comparison.found if one.blocked),
        skipped=tuple(comparison.skipped),
        in_doubt=known.doubts,
        warnings=tuple(comparison.warnings),
    )


@dataclass(slots=True)
class _Comparison:
    """What comes out as one declared route after the other is held against the known ones."""

    known: KnownState
    found: list[Found] = field(default_factory=list)
    updates: list[Change] = field(default_factory=list)
    appended: list[Change] = field(default_factory=list)
    skipped: list[Change] = field(default_factory=list)
    warnings: list[PlanWarning] = field(default_factory=list)
    unchanged: int = 0
    _there: dict[str, list[There]] = field(default_factory=dict)
    _count: Counter[str] = field(default_factory=Counter)
    _folded: Counter[str] = field(default_factory=Counter)
    _claimed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._count = Counter(known.route.name for known in self.known.routes)
        self._folded = Counter(folded(name) for name in self._count)
        for place, known in enumerate(self.known.routes):
            self._there.setdefault(original(known.route.name), []).append(There(place, known))
        for name, count in self._count.items():
            if count > 1:
                message = (
                    f"the PBX has {count} routes called {name}, so none of them is changed; "
                    "delete or rename all but one on the PBX"
                )
                self.warnings.append(PlanWarning("doubled-on-pbx", message))

    def declare(self, declared: DeclaredRoute) -> None:
        """Find what the PBX has of one route of the file."""
        name, old = declared.route.name, declared.renamed_from
        self._folded[folded(name)] += name not in self._count
        there = self._there.get(name, [])
        former = self._there.get(old, []) if old is not None else []
        found = Found(declared, tuple(there or former), self._doubled(there or former))
        if there and former and not found.blocked:
            message = f"renamed_from: {old} has no effect: {name} is on the PBX already, and so is {old}"
            self.warnings.append(PlanWarning("rename-done", message))
        elif former and not there and found.blocked:
            message = f"{name} is not renamed from {old}, nor added: it can't be told which of the routes is meant"
            self.warnings.append(PlanWarning("doubled-on-pbx", message))
        elif former and not there:
            self._folded[folded(former[0].known.route.name)] -= 1  # that name is free once it is renamed
        self._claimed.update(one.known.route.name for one in found.there)
        self.found.append(found)

    def _doubled(self, there: Iterable[There]) -> bool:
        return any(self._count[one.known.route.name] > 1 for one in there)

    def change(self, choices: PlanChoices) -> None:
        """Work out what to do with each route of the file."""
        self.found = [replace(one, fixed=self._unsafe_to_move(one)) for one in self.found]
        for found, place in zip(self.found, self._placed(choices), strict=True):
            made = list(changes(found, place))
            self.unchanged += not made and not found.blocked
            for change in made:
                if change.action is Action.ADD:
                    self.appended.append(change)
                elif choices.add_only:
                    self.skipped.append(change)
                else:
                    (self.updates if change.action is Action.UPDATE else self.appended).append(change)
            if found.fixed and not found.blocked and (place.behind or _half_moved(found)):
                self._warn_of_fixed(found, place)

    def _placed(self, choices: PlanChoices) -> list[Placed]:
        """Where each route of the file is to stand."""
        if choices.add_only or not (choices.reorder or any(map(_half_moved, self.found))):
            return [Placed(one.there[0].place) if one.there else Placed(None) for one in self.found]
        standing = [
            Standing(tuple(there.place for there in one.there), fixed=one.fixed is not None, known=not one.blocked)
            for one in self.found
        ]
        return placed([one.declared.route for one in self.found], standing)

    def _unsafe_to_move(self, found: Found) -> str | None:
        """Why a route can't be moved, which takes that it is deleted by its name; None where it can."""
        names = {found.declared.route.name, *(one.known.route.name for one in found.there)}
        return next((why for name in sorted(names) if (why := self._unsafe_to_delete(name))), None)

    @property
    def moves(self) -> list[Change]:
        """The moves among what was worked out."""
        return [change for change in self.appended if change.action is Action.MOVE]

    def prune(self) -> list[Change]:
        """Deletes of the known routes that nobody declares, but for those that can't be deleted safely."""
        deletes = []
        for place, known in enumerate(self.known.routes):
            name = known.route.name
            if name in self._claimed or self._count[name] > 1:
                continue
            reason = self._unsafe_to_delete(name)
            if reason:
                message = f"{name} is not deleted: {reason}; delete it on the PBX"
                self.warnings.append(PlanWarning("cannot-delete", message))
            else:
                deletes.append(Change(Action.DELETE, known.route, None, id=known.id, place=place))
        return deletes[::-1]

    def _unsafe_to_delete(self, name: str) -> str | None:
        fault = route_fault(name)
        if fault:
            return fault[1]
        if self._folded[folded(name)] > 1:
            return "another route's name differs only in case, and the PBX may delete both"
        return None

    def unmanaged(self, deletes: Iterable[Change]) -> list[str]:
        """Names of the known routes that nobody declares and that stay, in the PBX's order, each once."""
        deleted = {change.name for change in deletes}
        return [name for name in self._count if name not in self._claimed and name not in deleted]

    def _warn_of_fixed(self, found: Found, place: Placed) -> None:
        copies = [there.known.route.name for there in found.there if is_copy(there.known.route.name)]
        behind = listed(dict.fromkeys(one.route for one in place.behind), 5)
        why = [f"must come behind {behind}"] if behind else []
        why += [f"is half moved ({listed(copies)} is on the PBX)"] if copies else []
        message = (
            f"{found.declared.route.name} {' and '.join(why)}, and is not moved: {found.fixed}; give one of the two "
            "another name, or move it on the PBX"
        )
        self.warnings.append(PlanWarning("cannot-move", message))

    def warn_of_copies(self, choices: PlanChoices) -> None:
        """Say which copies an interrupted reorder has left, and what becomes of them."""
        movable = [there for one in self.found if not (one.blocked or one.fixed) for there in one.there]
        own = [there.known.route.name for there in movable if is_copy(there.known.route.name)]
        if own:
            what = "run without --add-only to clear that up" if choices.add_only else "this plan clears that up"
            message = f"an earlier run was interrupted while it moved routes: the PBX still holds {listed(own)}; {what}"
            self.warnings.append(PlanWarning("half-done-reorder", message))
        for name in self._count:
            if is_copy(name) and name not in self._claimed and not choices.prune:
                message = (
                    f"{name} is left of a reorder that was interrupted, and the file declares no {original(name)}: it "
                    f"stays as it is; declare {original(name)} to complete the move, or delete it, as --prune does"
                )
                self.warnings.append(PlanWarning("half-done-reorder", message))

    def warn_of_doubts(self) -> None:
        """Say what an earlier run has in doubt: nothing is sent before somebody settles it."""
        for doubt in self.known.doubts:
            name = doubt.change.name
            resolve = command_line("pbxsync", "resolve", "--state", self.known.source, "--applied", "--", name)
            message = (
                f"whether {doubt.change.action} {name} was carried out is in doubt ({doubt.reason}); look on the PBX, "
                f"then run: {resolve} (or with --not-applied)"
            )
            self.warnings.append(PlanWarning("in-doubt", message))


def _half_moved(found: Found) -> bool:
    """Whether an interrupted reorder has left a copy of the route."""
    return any(is_copy(one.known.route.name) for one in found.there)


def _check_movable(file: str, known: KnownState, moves: Sequence[Change]) -> None:
    """Refuse moves on firmware that only adds."""
    # Ids come from the PBX's own answer alone: where there is none, it has never been asked, or can't be.
    if known.source == "live" or any(one.id is not None for one in known.routes):
        return
    names = listed((change.name for change in moves), 5)
    record = command_line("pbxsync", "refresh", "--state", known.source)
    raise PlanRefused(
        f"{file}: to bring the order to the PBX, {names} must be moved, and that takes outroute/query, outroute/update "
        f"and outroute/delete; {known.source} holds no id of a route, as on firmware that knows outroute/add alone. If "
        f"this PBX knows them, run: {record}. If not, move the routes on the PBX by hand, and plan without --reorder"
    )


def _too_many(file: str, deletes: list[Change], limit: int) -> str:
    names = ", ".join(change.name for change in deletes[:10]) + (", …" if len(deletes) > 10 else "")
    return (
        f"{file}: --prune would delete {len(deletes)} routes, more than --max-deletes {limit} allows: {names}. "
        f"If all of them are to go, use --max-deletes {len(deletes)}"
    )
