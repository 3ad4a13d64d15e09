"""What became of a change whose answer was lost: the PBX is asked.

An answer to that may be short too, so it counts once two in a row agree.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from pbxsync.errors import PbxError, UnreliableTable
from pbxsync.known_state import with_changes
from pbxsync.listing import Queries, settled_table
from pbxsync.model import Action, Change, KnownRoute, Outcome, Status
from pbxsync.verification import stored_fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pbxsync.errors import AnswerLost

log = logging.getLogger("pbxsync.settling")

#: Seconds between two looks for a change.
_PAUSE = 1.0


class Asked(Queries, Protocol):
    """What is asked, and how long its answers take; `pbxsync.client.Client` is one."""

    @property
    def timeout(self) -> float:
        """How many seconds a whole answer may take."""

    @property
    def longest_call(self) -> float:
        """How many seconds the longest call so far took."""


class Settling:
    """Settles lost answers by queries. ``wait`` waits so many seconds, less once ``stopped`` says True."""

    def __init__(self, asked: Asked, wait: Callable[[float], object], stopped: Callable[[], bool]) -> None:
        self._asked = asked
        self._wait = wait
        self._stopped = stopped

    def never_arrived(self, known: Iterable[KnownRoute], done: Iterable[Outcome]) -> bool:
        """Return whether a change never reached the PBX, so that it may be sent again.

        That takes a ``silent`` answer (see `AnswerLost`), and two queries that show the table as it was: at least a
        second apart, and twice as long as the longest call took. ``known`` are the PBX's routes before the run,
        ``done`` the run's outcomes before this change.
        """
        before = with_changes(known, [outcome.change for outcome in done if outcome.status is Status.APPLIED])
        try:
            if not self._shows(before):
                return False
            self._wait(max(_PAUSE, 2 * self._asked.longest_call))
            return not self._stopped() and self._shows(before)
        except (PbxError, UnreliableTable):
            return False

    def _shows(self, routes: Sequence[KnownRoute]) -> bool:
        """Whether the PBX has exactly these routes. The ids of new ones are not known yet."""
        shown = settled_table(self._asked, self._wait)
        return [known.route for known in shown] == [known.route for known in routes]

    def settled(self, change: Change, lost: AnswerLost) -> Outcome:
        """Return what became of the change: applied, failed, or in doubt."""
        log.info("%s %s: %s; asking the PBX what it holds", change.action, change.name, lost)
        waited = 0.0
        try:
            fault = self._fault(change)
            # The PBX may still be at work on a change that came in: it gets as long again as its answer had.
            while fault and lost.late and waited < self._asked.timeout and not self._stopped():
                pause = min(_PAUSE, self._asked.timeout - waited)
                self._wait(pause)
                waited += pause
                fault = self._fault(change)
        except (PbxError, UnreliableTable) as error:
            message = f"{lost}; asked again, the PBX does not say whether it was carried out ({error}). It is in doubt"
            return Outcome(change, Status.IN_DOUBT, message)
        if fault is None:
            return Outcome(change, Status.APPLIED)
        if lost.late:
            twice = ": a run right away could make it twice" if change.action is Action.ADD else ""
            later = "after a wish to stop" if self._stopped() else f"{waited:.3g} s later"
            message = (
                f"{lost}; a query {later} says: {fault}. The PBX may still be at work on it, so it is in doubt{twice}"
            )
            return Outcome(change, Status.IN_DOUBT, message)
        message = (
            f"{lost}; a query right after says: {fault}. The PBX may still be at work on it, so it is not sent again "
            "in this run; the next run asks the PBX first"
        )
        return Outcome(change, Status.FAILED, message)

    def _fault(self, change: Change) -> str | None:
        """What is wrong with what the PBX shows of the change; None where it shows it carried out."""
        return stored_fault(change, settled_table(self._asked, self._wait, [change.name]))
