"""What the plans of a run come to together, counted one after the other, so that none of them need be kept."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from pbxsync.model import Action, Applied, Plan, Status
from pbxsync.text import listed, printable

if TYPE_CHECKING:
    from collections.abc import Iterable


class Totals:
    """The sums over the plans, and where they were applied the outcomes, of one run."""

    def __init__(self, results: Iterable[Plan | Applied] = ()) -> None:
        #: How many PBXs were planned.
        self.planned = 0
        self._files: set[str] = set()
        self._changing = 0
        self._idle = 0
        self._actions: Counter[Action] = Counter()
        self._unchanged = 0
        self._unmanaged = 0
        self._outcomes: Counter[Status] | None = None
        self._faulty: set[str] = set()
        self._broken: list[str] = []
        self._errors: list[str] = []
        for result in results:
            self.take(result)

    def take(self, result: Plan | Applied) -> None:
        """Count one more PBX."""
        plan = result.plan if isinstance(result, Applied) else result
        self.planned += 1
        self._files.add(plan.file)
        self._changing += bool(plan.changes)
        self._actions.update(change.action for change in plan.changes)
        self._unchanged += plan.unchanged
        self._unmanaged += len(plan.unmanaged)
        errors = bool(plan.refusals or plan.failures)
        self._idle += not plan.changes and not errors
        if errors:
            self._errors.append(plan.file)
        if errors or plan.in_doubt or plan.failed_tests:
            self._faulty.add(plan.file)
        if plan.failed_tests:
            self._broken.append(plan.file)
        if isinstance(result, Applied):
            self._outcomes = (self._outcomes or Counter()) + Counter(one.status for one in result.outcomes)
            if result.error or result.findings or self._unfinished(result):
                self._faulty.add(plan.file)

    def include(self, other: Totals) -> None:
        """Count what others come to, too."""
        self.planned += other.planned
        self._files |= other._files
        self._changing += other._changing
        self._idle += other._idle
        self._actions += other._actions
        self._unchanged += other._unchanged
        self._unmanaged += other._unmanaged
        self._faulty |= other._faulty
        self._broken += other._broken
        self._errors += other._errors
        if other._outcomes is not None:
            self._outcomes = (self._outcomes or Counter()) + other._outcomes

    @staticmethod
    def _unfinished(applied: Applied) -> bool:
        return any(outcome.status is not Status.APPLIED for outcome in applied.outcomes)

    def short(self) -> str:
        """The changes in a few words: ``2 to add, 1 to move``."""
        parts = [f"{count} to {action}" for action in Action if (count := self._actions[action])]
        parts += ["errors"] if self._errors else []
        return ", ".join(parts) or "nothing to do"

    def line(self) -> str:
        """One line over the plans, for a person."""
        parts = [f"{self._actions[action]} to {action}" for action in Action]
        errors = f" With errors: {listed(map(printable, self._errors))}." if self._errors else ""
        tests = f" Tests fail: {listed(map(printable, self._broken))}." if self._broken else ""
        return f"{self.planned} PBXs: {', '.join(parts)}; {self._idle} with nothing to do.{errors}{tests}\n"

    def applied_line(self, errors: Iterable[str | None]) -> str:
        """One line over what became of the changes, for a person; ``errors`` are the files of what failed."""
        outcomes = self._outcomes or Counter()
        counts = ", ".join(f"{outcomes[status]} {str(status).replace('_', ' ')}" for status in Status)
        failed = self._failed(errors)
        bad = f"; {len(failed)} PBXs not done: {listed(map(printable, sorted(failed)), 20)}" if failed else ""
        return f"{self.planned + len(failed - self._files)} PBXs: {counts}{bad}.\n"

    def item(self, errors: Iterable[str | None]) -> dict[str, Any]:
        """The same for a document."""
        failed = self._failed(errors)
        outcomes = self._outcomes
        return {
            "pbxs": self.planned + len(failed - self._files),
            "planned": self.planned,
            "changing": self._changing,
            "failed": len(failed),
            **{str(action): self._actions[action] for action in Action},
            "unchanged": self._unchanged,
            "unmanaged": self._unmanaged,
            "outcomes": None if outcomes is None else {str(status): outcomes[status] for status in Status},
        }

    def _failed(self, errors: Iterable[str | None]) -> set[str]:
        return self._faulty | {file for file in errors if file is not None}
