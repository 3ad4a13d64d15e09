"""How far an apply is, for one that is ended at once: what is done, what may be, what was not attempted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbxsync.model import Applied, Outcome, Status
from pbxsync.steps import outcomes, steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbxsync.model import Plan

_STOPPED = "pbxsync was stopped at once, while this was on its way; look on the PBX, or plan again to see"


class SoFar:
    """What became of each step of some plans by now. Threads that apply tell it; a signal's handler asks at any time.

    ``plans`` come in the order of the run's document.
    """

    def __init__(self, plans: Sequence[Plan]) -> None:
        self._plans = plans
        self._outcomes: dict[str, list[Outcome]] = {plan.file: [] for plan in plans}
        self._in_flight: set[str] = set()
        self._ended: dict[str, Applied] = {}

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

    def results(self) -> list[Applied]:
        """What became of every plan; of one that is being applied, the call in flight is in doubt."""
        return [self._ended.get(plan.file) or self._until_now(plan) for plan in self._plans]

    def _until_now(self, plan: Plan) -> Applied:
        found = list(self._outcomes[plan.file])
        in_flight = plan.file in self._in_flight
        for step in steps(plan)[len(found) :]:
            found.append(Outcome(step.change, *((Status.IN_DOUBT, _STOPPED) if in_flight else (Status.NOT_ATTEMPTED,))))
            in_flight = False
        return Applied(plan, outcomes(plan, found))
