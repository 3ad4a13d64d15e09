"""Desired and known → plan: which routes to add, update and delete, and why nothing else. The only user of deepdiff.

Routes are compared first, by name; DeepDiff is asked only about those that differ, and only which of their fields do.
Nothing here touches the PBX, a file or a terminal.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
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
from pbxsync.text import command_line

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
    comparison.warn_of_doubts()
    updates, skipped = ([], comparison.updates) if choices.add_only else (comparison.updates, [])
    return Plan(
        file=desired.file,
        pbx_url=known.pbx,
        pbx_name=desired.name,
        known_state=known.source,
        changes=(*updates, *comparison.adds, *deletes),
        unchanged=comparison.unchanged,
        unmanaged=tuple(comparison.unmanaged(deletes)),
        blocked=tuple(comparison.blocked),
        skipped=tuple(skipped),
        in_doubt=known.doubts,
        warnings=tuple(comparison.warnings),
    )


@dataclass(slots=True)
class _Comparison:
    """What comes out as one declared route after the other is held against the known ones."""

    known: KnownState
    updates: list[Change] = field(default_factory=list)
    adds: list[Change] = field(default_factory=list)
    warnings: list[PlanWarning] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    unchanged: int = 0
    _by_name: dict[str, KnownRoute] = field(default_factory=dict)
    _count: Counter[str] = field(default_factory=Counter)
    _folded: Counter[str] = field(default_factory=Counter)
    _claimed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._count = Counter(known.route.name for known in self.known.routes)
        self._by_name = {known.route.name: known for known in self.known.routes}
        self._folded = Counter(_folded(name) for name in self._by_name)
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
        self._folded[_folded(name)] += name not in self._by_name
        if self._count[name] > 1:
            self.blocked.append(name)
            return
        if self._count[name] == 1:
            self._compare(declared, self._by_name[name])
            if old is not None and self._count[old]:
                message = f"renamed_from: {old} has no effect: {name} is on the PBX already, and so is {old}"
                self.warnings.append(PlanWarning("rename-done", message))
        elif old is not None and self._count[old] > 1:
            self._claimed.add(old)
            self.blocked.append(name)
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
        if self._folded[_folded(name)] > 1:
            return "another route's name differs only in case, and the PBX may delete both"
        return None

    def unmanaged(self, deletes: Iterable[Change]) -> list[str]:
        """Names of the known routes that nobody declares and that stay, in the PBX's order, each once."""
        deleted = {change.name for change in deletes}
        names = dict.fromkeys(known.route.name for known in self.known.routes)
        return [name for name in names if name not in self._claimed and name not in deleted]

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


def changed_fields(before: Route, after: Route) -> tuple[FieldChange, ...]:
    """The fields in which two routes differ, with both values, in the order of FIELDS."""
    from deepdiff import DeepDiff

    changed = DeepDiff(before.fields(), after.fields()).affected_root_keys
    return tuple(FieldChange(name, getattr(before, name), getattr(after, name)) for name in FIELDS if name in changed)


def _folded(name: str) -> str:
    """A name as a PBX may compare it that keeps its routes in a database which looks at neither case nor spaces."""
    return name.strip().casefold()


def _too_many(file: str, deletes: list[Change], limit: int) -> str:
    names = ", ".join(change.name for change in deletes[:10]) + (", …" if len(deletes) > 10 else "")
    return (
        f"{file}: --prune would delete {len(deletes)} routes, more than --max-deletes {limit} allows: {names}. "
        f"If all of them are to go, use --max-deletes {len(deletes)}"
    )
