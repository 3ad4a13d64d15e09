"""Desired and known → plan: which routes to add, update and delete, and why nothing else. The only user of deepdiff.

Routes are compared first, by name; DeepDiff is asked only about those that differ, and only which of their fields do.
Nothing here touches the PBX, a file or a terminal.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from pbxsync.errors import PlanRefused
from pbxsync.model import (
    FIELDS,
    Action,
    Change,
    DeclaredRoute,
    Desired,
    FieldChange,
    KnownRoute,
    KnownState,
    Plan,
    PlanChoices,
    PlanWarning,
    Route,
)
from pbxsync.names import route_fault

if TYPE_CHECKING:
    from collections.abc import Iterable


def plan(desired: Desired, known: KnownState, choices: PlanChoices) -> Plan:
    """Compare what a file declares with what is known to be on its PBX.

    The changes come in the order in which they run: updates in the file's order, then adds in the file's order, then
    deletes in the PBX's. Raises PlanRefused where ``choices.prune`` would delete more than ``choices.max_deletes``.
    """
    comparison = _Comparison(known)
    for declared in desired.routes:
        comparison.declare(declared)
    deletes = comparison.prune() if choices.prune else []
    if len(deletes) > choices.max_deletes:
        raise PlanRefused(_too_many(desired.file, deletes, choices.max_deletes))
    settled = comparison.without_doubts(known)
    updates = [change for change in settled.updates if not choices.add_only]
    skipped = [change for change in settled.updates if choices.add_only]
    deletes = [change for change in deletes if (change.action, change.name) not in settled.doubtful]
    return Plan(
        file=desired.file,
        pbx_url=known.pbx,
        pbx_name=desired.name,
        known_state=known.source,
        changes=(*updates, *settled.adds, *deletes),
        unchanged=comparison.unchanged,
        unmanaged=tuple(comparison.unmanaged(deletes)),
        skipped=tuple(skipped),
        in_doubt=known.doubts,
        warnings=tuple(comparison.warnings),
    )


@dataclass(slots=True)
class _Settled:
    """The changes that no open doubt stands against, and the (action, name) of the doubts."""

    updates: list[Change]
    adds: list[Change]
    doubtful: set[tuple[Action, str]]


@dataclass(slots=True)
class _Comparison:
    """What comes out as one declared route after the other is held against the known ones."""

    known: KnownState
    updates: list[Change] = field(default_factory=list)
    adds: list[Change] = field(default_factory=list)
    warnings: list[PlanWarning] = field(default_factory=list)
    unchanged: int = 0
    _by_name: dict[str, KnownRoute] = field(default_factory=dict)
    _count: Counter[str] = field(default_factory=Counter)
    _folded: Counter[str] = field(default_factory=Counter)
    _claimed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._count = Counter(known.route.name for known in self.known.routes)
        self._by_name = {known.route.name: known for known in self.known.routes}
        self._folded = Counter(name.strip().casefold() for name in self._by_name)
        for name, count in self._count.items():
            if count > 1:
                message = (
                    f"the PBX has {count} routes called {name}, so none of them is changed; "
                    "delete or rename all but one on the PBX"
                )
                self.warnings.append(PlanWarning("doubled-on-pbx", message))

    def declare(self, declared: DeclaredRoute) -> None:
        """Compare one route of the file."""
        name, old = declared.route.name, declared.renamed_from
        self._claimed.add(name)
        if self._count[name] > 1:
            return
        if self._count[name] == 1:
            self._compare(declared, self._by_name[name])
            if old is not None and self._count[old]:
                message = f"{name} is on the PBX, and so is {old}: the rename is done or never was; {old} is left alone"
                self.warnings.append(PlanWarning("rename-done", message))
        elif old is not None and self._count[old] > 1:
            self._claimed.add(old)
            message = f"{name} is not renamed from {old}, nor added: it can't be told which of the routes is meant"
            self.warnings.append(PlanWarning("doubled-on-pbx", message))
        elif old is not None and self._count[old] == 1:
            self._claimed.add(old)
            self._compare(declared, self._by_name[old])
        else:
            self.adds.append(Change(Action.ADD, None, declared.route, location=declared.location))

    def _compare(self, declared: DeclaredRoute, known: KnownRoute) -> None:
        if declared.route == known.route:
            self.unchanged += 1
            return
        fields = changed_fields(known.route, declared.route)
        change = Change(Action.UPDATE, known.route, declared.route, fields, known.id, declared.location)
        self.updates.append(change)

    def prune(self) -> list[Change]:
        """Deletes of the known routes that nobody declares, but for those that can't be deleted safely."""
        deletes = []
        for known in self.known.routes:
            name = known.route.name
            if name in self._claimed or self._count[name] > 1:
                continue
            reason = self._unsafe_to_delete(name)
            if reason:
                message = f"{name} is not deleted: {reason}; delete it on the PBX"
                self.warnings.append(PlanWarning("cannot-delete", message))
            else:
                deletes.append(Change(Action.DELETE, known.route, None, id=known.id))
        return deletes

    def _unsafe_to_delete(self, name: str) -> str | None:
        fault = route_fault(name)
        if fault:
            return fault[1]
        if self._folded[name.strip().casefold()] > 1:
            return "another route's name differs only in case, and the PBX may delete both"
        return None

    def unmanaged(self, deletes: Iterable[Change]) -> list[str]:
        """Names of the known routes that nobody declares and that stay, in the PBX's order, each once."""
        deleted = {change.name for change in deletes}
        names = dict.fromkeys(known.route.name for known in self.known.routes)
        return [name for name in names if name not in self._claimed and name not in deleted]

    def without_doubts(self, known: KnownState) -> _Settled:
        """Take out what an earlier run has in doubt: it is not sent again before somebody settles it."""
        doubtful = {(doubt.change.action, doubt.change.name) for doubt in known.doubts}
        for doubt in known.doubts:
            action = f"{doubt.change.action} {doubt.change.name}"
            message = (
                f"whether {action} was carried out is in doubt ({doubt.reason}); look on the PBX, then run: "
                f"pbxsync resolve {doubt.change.name} --state {known.source} --applied (or --not-applied)"
            )
            self.warnings.append(PlanWarning("in-doubt", message))
        return _Settled(
            [change for change in self.updates if (change.action, change.name) not in doubtful],
            [change for change in self.adds if (change.action, change.name) not in doubtful],
            doubtful,
        )


def changed_fields(before: Route, after: Route) -> tuple[FieldChange, ...]:
    """The fields in which two routes differ, with both values, in the order of FIELDS."""
    from deepdiff import DeepDiff

    changed = DeepDiff(asdict(before), asdict(after)).affected_root_keys
    return tuple(FieldChange(name, getattr(before, name), getattr(after, name)) for name in FIELDS if name in changed)


def _too_many(file: str, deletes: list[Change], limit: int) -> str:
    names = ", ".join(change.name for change in deletes[:10]) + (", …" if len(deletes) > 10 else "")
    return (
        f"{file}: --prune would delete {len(deletes)} routes, more than --max-deletes {limit} allows: {names}. "
        f"If all of them are to go, use --max-deletes {len(deletes)}"
    )
