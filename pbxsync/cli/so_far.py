"""How far an apply is, for one that is ended at once: what is done, what may be, what was not attempted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbxsync.model import Applied, Outcome, Status
from pbxsync.steps import outcomes, steps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pbxsync.model import Plan

_STOPPED = "pbxsync was stopped at once, while this was on its way; look on the PBX, or plan again to see"


class SoFar:
    """What became of each step of some plans by now. Threads that apply tell it; a signal's handler asks at any time.

    ``plans`` come in the order of the run's document; others may be told of later.
    """

    def __init__(self, plans: Iterable[Plan] = ()) -> None:
        self._plans: dict[str, Plan] = {}
        self._outcomes: dict[str, list[Outcome]] = {}
        self._in_flight: set[str] = set()
        self._ended: dict[str, Applied] = {}
        for plan in plans:
            self.planned(plan)

    def planned(self, plan: Plan) -> None:
        """One plan more, of which nothing was sent yet."""
        self._outcomes[plan.file] = []
        self._plans[plan.file] = plan

    def sending(self, plan: Plan) -> None:
        """From now on its next step may be on its way."""
        self._in_flight.add(plan.file)

    def ended_one(self, plan: Plan, outcome: Outcome) -> None:
        """One more of its steps has come to an end, or was not attempted."""
        self._outcomes[plan.file].append(outcome)
        self._in_flight.discard(plan.file)

    def ended(self, applied: Applied) -> None:
        """Nothing more is sent to its PBX."""
        self._ended[applied.plan.file] = applied

    def forget(self, file: str) -> None:
        """What became of this one is kept elsewhere."""
        for kept in (self._plans, self._ended, self._outcomes):
            kept.pop(file, None)

    def result(self, file: str) -> Applied | None:
        """What became of a file's plan; None where there is none, or it is forgotten."""
        plan = self._plans.get(file)
        return None if plan is None else self._ended.get(file) or self._until_now(plan)

    def results(self) -> list[Applied]:
        """What became of every plan; of one that is being applied, the call in flight is in doubt."""
        return [found for file in list(self._plans) if (found := self.result(file)) is not None]

    def _until_now(self, plan: Plan) -> Applied:
        found = list(self._outcomes.get(plan.file, ()))
        in_flight = plan.file in self._in_flight
        for step in steps(plan)[len(found) :]:
            found.append(Outcome(step.change, *((Status.IN_DOUBT, _STOPPED) if in_flight else (Status.NOT_ATTEMPTED,))))
            in_flight = False
        return Applied(plan, outcomes(plan, found))
