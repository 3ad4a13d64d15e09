"""Where an apply records what it sends and what became of it: in a state file, or nowhere for a live PBX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pbxsync.model import Change, KnownRoute, Outcome, Status
from pbxsync.preflight import resolve_command

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pbxsync.known_state import StateFile


class Ledger(Protocol):
    """Where outcomes are recorded. Every method raises StateError."""

    def begin(self, changes: Iterable[Change], routes: Sequence[KnownRoute] | None = None) -> None:
        """Record what is going to be sent, in its order, and what the PBX answered that it holds, if it was asked.

        Where it raises, nothing is sent.
        """

    def sending(self, change: Change) -> None:
        """Record that the change is about to be sent. Where it raises, the change is not sent."""

    def settled(self, change: Change, *, applied: bool) -> None:
        """Record what became of it."""

    def doubt(self, change: Change, reason: str) -> Outcome:
        """Record that nobody knows what became of it; return that as an outcome, with what to do."""


class RecordedLedger:
    """Outcomes go into a state file: that a call is sent before it, and what became of it after it."""

    def __init__(self, file: StateFile) -> None:
        self._file = file

    def begin(self, changes: Iterable[Change], routes: Sequence[KnownRoute] | None = None) -> None:
        """Record what is going to be sent; with the PBX's routes come the ids of what was added."""
        self._file.begin(changes, routes)

    def sending(self, change: Change) -> None:
        """Record the change as in doubt, which it is until its answer is here."""
        self._file.sending(change)

    def settled(self, change: Change, *, applied: bool) -> None:
        """Record what became of it."""
        self._file.settle(change, applied=applied)

    def doubt(self, change: Change, reason: str) -> Outcome:
        """Leave it in doubt, with the reason."""
        self._file.doubt(change, reason)
        hint = (
            f"nothing is sent again before it is settled: look on the PBX, then run: "
            f"{resolve_command(str(self._file.path), change.name)} (or with --not-applied)"
        )
        return Outcome(change, Status.IN_DOUBT, f"{reason}; {hint}")


class LiveLedger:
    """The PBX itself is the record."""

    def begin(self, changes: Iterable[Change], routes: Sequence[KnownRoute] | None = None) -> None:
        """Record nothing."""

    def sending(self, change: Change) -> None:
        """Record nothing."""

    def settled(self, change: Change, *, applied: bool) -> None:
        """Record nothing."""

    def doubt(self, change: Change, reason: str) -> Outcome:
        """Return the doubt, with what to do."""
        return Outcome(change, Status.IN_DOUBT, f"{reason}; look on the PBX before the next apply")
