"""One PBX from its known state over the plan to the outcomes; several sessions run side by side."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from pbxsync import differ
from pbxsync.applier import LiveLedger, RecordedLedger, apply, check_recorded, check_sendable, verify
from pbxsync.cli.reach import connected
from pbxsync.errors import CallUnknown, PbxError, PbxsyncError, StaleState
from pbxsync.known_state import StateFile
from pbxsync.model import Applied, KnownState, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pbxsync.cli.options import Reach
    from pbxsync.cli.reach import Target
    from pbxsync.cli.stopping import Stop
    from pbxsync.client import Client
    from pbxsync.model import Desired, Outcome, Plan, PlanChoices

_T = TypeVar("_T")
_R = TypeVar("_R")


@dataclass(frozen=True, slots=True)
class Job:
    """What a session works on: a file's routes, the PBX, and how the user wants it done."""

    desired: Desired
    target: Target
    state: Path | None
    init: bool
    choices: PlanChoices
    reach: Reach


class Session:
    """The work on one PBX. ``plan`` comes first, ``apply`` may follow, ``close`` ends it and gives the locks back."""

    def __init__(self, job: Job, stop: Stop) -> None:
        self.job = job
        self._stop = stop
        self._open = contextlib.ExitStack()
        self._client: Client | None = None
        self._file: StateFile | None = None
        self._known = KnownState(None, ())

    def lock(self, timeout: float) -> None:
        """Keep other processes of this machine off the PBX and the state file. Raises LockHeld."""
        from pbxsync.locks import hold

        things = [self.job.target.address or ""]
        if self.job.state is not None:
            things.append(str(self.job.state.resolve()))
        self._open.enter_context(hold([thing for thing in things if thing], timeout))

    def plan(self) -> Plan:
        """Read what is known and compare. Raises PbxsyncError."""
        job = self.job
        if job.state is not None:
            self._file = StateFile.read(job.state, pbx=job.target.address, init=job.init)
            self._known = self._file.state
        else:
            self._known = self._read_live()
        return differ.plan(job.desired, self._known, job.choices)

    def check_unchanged(self) -> None:
        """Read the PBX again after somebody thought the plan over. Raises StaleState where it is another by now."""
        if self._file is None and self._read_live().routes != self._known.routes:
            raise StaleState(f"{self.job.desired.file}: the PBX's routes changed since the plan was made; plan again")

    def apply(self, plan: Plan, show: Callable[[Outcome], None]) -> Applied:
        """Carry the plan out; ``show`` is told of each outcome as it comes. Raises PbxsyncError before any call."""
        check_sendable(plan)
        client = self._connection()
        ledger = LiveLedger(client) if self._file is None else RecordedLedger(self._file)
        if self._file is not None:
            check_recorded(plan, client)
        outcomes = []
        for outcome in apply(plan, client, ledger, self._stop.event.is_set):
            outcomes.append(outcome)
            show(outcome)
        rest = any(outcome.status is Status.NOT_ATTEMPTED for outcome in outcomes)
        done = Applied(plan, tuple(outcomes), interrupted=self._stop.signal if rest else None)
        return done if self._file is not None or done.interrupted else self._verified(done)

    def _verified(self, done: Applied) -> Applied:
        """Ask the PBX at the end what it stored. Where the run was not even begun there is nothing to ask."""
        if not done.count(Status.APPLIED) or done.count(Status.IN_DOUBT):
            return done
        try:
            actual = self._connection().query_routes()
        except PbxError as error:
            message = f"what the PBX stored can't be checked: {error}; plan again to see"
            return Applied(done.plan, done.outcomes, error=message)
        findings, notes = verify(self._known.routes, done.outcomes, actual)
        return Applied(done.plan, done.outcomes, findings, notes)

    def close(self) -> None:
        """Log out, close the connection, give the locks back."""
        self._open.close()

    def _connection(self) -> Client:
        if self._client is None:
            self._client = self._open.enter_context(connected(self.job.target, self.job.reach, self._stop.event))
        return self._client

    def _read_live(self) -> KnownState:
        return read_live(self._connection(), self.job.target)


def read_live(client: Client, target: Target) -> KnownState:
    """Ask the PBX for its routes. Raises PbxError, with the way out where the firmware can't be asked."""
    try:
        return KnownState(target.address, client.query_routes())
    except CallUnknown as error:
        message = (
            f"{error}. Firmware that can't be asked for its routes is kept in sync by what pbxsync records: "
            "use --state FILE, and --init the first time"
        )
        raise CallUnknown(error.call, message, error.errno) from None


def side_by_side(items: Sequence[_T], work: Callable[[_T], _R], parallel: int) -> list[_R | PbxsyncError]:
    """Do the work for each item, at most ``parallel`` at once; the results, or what was raised, in the items' order."""

    def guarded(item: _T) -> _R | PbxsyncError:
        try:
            return work(item)
        except PbxsyncError as error:
            return error

    if len(items) <= 1:
        return [guarded(item) for item in items]
    with ThreadPoolExecutor(max_workers=min(parallel, len(items))) as pool:
        return list(pool.map(guarded, items))
