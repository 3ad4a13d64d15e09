"""One PBX from its known state over the plan to the outcomes; several sessions run side by side."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pbxsync import differ
from pbxsync.applier import apply, looked_at
from pbxsync.cli.reach import NO_PBX, connected
from pbxsync.collecting import held_off
from pbxsync.errors import (
    CallUnknown,
    PbxError,
    PlanFileError,
    SettingsError,
    StaleState,
    StateError,
    UnreliableTable,
)
from pbxsync.known_state import StateFile, with_changes
from pbxsync.ledger import LiveLedger, RecordedLedger
from pbxsync.listing import settled_table, table_once
from pbxsync.model import Applied, KnownState, Outcome, Preview, Status
from pbxsync.preflight import check_names, check_recorded, check_sendable, check_tested
from pbxsync.steps import outcomes, steps
from pbxsync.urls import same_pbx_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType

    from pbxsync.cli.files import Declared
    from pbxsync.cli.options import Reach
    from pbxsync.cli.reach import Target
    from pbxsync.cli.stopping import Stop
    from pbxsync.client import Client
    from pbxsync.ledger import Ledger
    from pbxsync.model import Finding, Impact, KnownRoute, Plan, PlanChoices
    from pbxsync.saved_plan import SavedPlan


@dataclass(frozen=True, slots=True)
class Job:
    """What a session works on: a file, the PBX, and how the user wants it done."""

    declared: Declared
    target: Target
    state: Path | None
    init: bool
    choices: PlanChoices
    reach: Reach
    saved: Saved | None = None

    @property
    def file(self) -> str:
        """The file's name."""
        return self.declared.file


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved plan that is to be applied, and the checksum of its file."""

    plan: SavedPlan
    checksum: str


#: What a run says that had to send a change again.
_DROPPED = (
    "a change never arrived, since the PBX had closed the connection without a word, and was sent again over one of "
    "its own, as all later calls were; --fresh-connections, or fresh_connections: true under pbx, does so at once"
)
_UNCHECKED = "this PBX can't be asked for its routes, so what it held before and what it stored was not checked"


class Session:
    """The work on one PBX: ``plan`` comes first, ``apply`` may follow, where the session is ``to_apply``.

    A context manager: the end of the block logs out, closes the connection and gives the locks back.
    """

    def __init__(
        self, job: Job, stop: Stop, called: Callable[[], None] = lambda: None, *, to_apply: bool = False
    ) -> None:
        self.job = job
        self._to_apply = to_apply
        self._called = called
        self._stop = stop
        self._open = contextlib.ExitStack()
        self._connected = contextlib.ExitStack()
        self._client: Client | None = None
        self._file: StateFile | None = None
        self._known = KnownState(None, ())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    @property
    def locks(self) -> list[str]:
        """What `lock` locks, sorted."""
        return sorted(lockable(self.job.target, self.job.state))

    def lock(self, timeout: float) -> None:
        """Keep this user's other processes off the PBX and the state file. Raises LockHeld and SettingsError."""
        from pbxsync.locks import hold

        self._open.enter_context(hold(self.locks, timeout))

    def plan(self) -> Plan:
        """Read what is known, compare, and work out what the plan does to calls. Raises PbxsyncError.

        A saved plan is taken as it is, where what is known is what it was made from.
        """
        from pbxsync.effects import foreseen

        job = self.job
        if job.state is not None:
            if job.saved is not None and not job.init:
                _check_there(job.state)
            self._file = StateFile.read(job.state, pbx=job.target.address, init=job.init)
            self._open.callback(self._file.close)
            self._known = self._file.state
        else:
            self._known = self._read_live()
        if job.saved is not None:
            return self._resumed(job.saved)
        desired = job.declared.desired()
        with held_off():
            plan = differ.plan(desired, self._known, job.choices)
        return foreseen(plan, desired, self._known, job.choices)

    def preview(self, plan: Plan) -> Preview:
        """The plan with the routes that the PBX holds, and those that it will hold."""
        after = with_changes(self._known.routes, [step.change for step in steps(plan)])
        return Preview(plan, tuple(one.route for one in self._known.routes), tuple(one.route for one in after))

    def save(self, plan: Plan) -> SavedPlan:
        """The plan with what it was made from."""
        from pbxsync.saved_plan import SavedPlan, known_digest

        job = self.job
        init = self._file is not None and not self._file.path.exists()
        return SavedPlan(
            plan, job.target.type, job.choices.add_only, job.declared.digest, known_digest(self._known), init
        )

    def _resumed(self, saved: Saved) -> Plan:
        """The saved plan. Raises PlanFileError where it was applied already, and StaleState."""
        if saved.checksum in self._known.applied_plans:
            raise PlanFileError(
                f"{saved.plan.plan.file}: {self._known.source} has recorded that this plan was applied already, and it "
                "is not applied a second time; plan again to see what is left to do"
            )
        saved.plan.check_file()
        plan = saved.plan.on(self._known)
        if self._file is not None:
            self._file.note_plan(saved.checksum)
        return plan

    def pause(self) -> None:
        """Close the connection while somebody thinks; the locks are kept."""
        if self._client is not None:
            self._connected.close()
            self._client = None

    def check_unchanged(self) -> None:
        """Read the PBX again after somebody thought the plan over. Raises StaleState where it is another by now."""
        if self._file is not None:
            return
        client, wait = self._connection(), self._stop.event.wait
        # One answer may be short, while the PBX saves its order.
        if client.query_table().routes != self._known.routes and settled_table(client, wait) != self._known.routes:
            raise StaleState(f"{self.job.file}: the PBX's routes changed since the plan was made; plan again")

    def apply(self, plan: Plan, sending: Callable[[], None], show: Callable[[Outcome], None]) -> Applied:
        """Carry the plan out. Raises PbxsyncError before any change.

        ``sending`` is told before each call that changes something, ``show`` of each outcome as it comes.
        """
        check_sendable(plan)
        check_tested(plan)
        if not plan.changes:
            return self._nothing_to_do(plan)
        if self._stop.event.is_set():
            return self.not_attempted(plan)
        client, stop = self._connection(), self._stop.event
        before: tuple[KnownRoute, ...] | None = self._known.routes
        ledger: Ledger = LiveLedger()
        if self._file is not None:
            before = check_recorded(plan, self._known.routes, client, stop.wait, add_only=self.job.choices.add_only)
            ledger = RecordedLedger(self._file)
        if before is not None:
            check_names(plan, before, client)
        sent = []
        for outcome in apply(plan, client, ledger, stop.is_set, stop.wait, before, sending):
            sent.append(outcome)
            show(outcome)
        rest = any(outcome.status is Status.NOT_ATTEMPTED for outcome in sent)
        notes = (_DROPPED,) if client.fresh and not self.job.target.fresh_connections else ()
        done = Applied(plan, outcomes(plan, sent), notes=notes, interrupted=self._stop.signal if rest else None)
        if before is None:
            return self._recorded(replace(done, notes=(*notes, _UNCHECKED)), None)
        return self._verified(done, before, sent)

    def not_attempted(self, plan: Plan) -> Applied:
        """What a plan came to of which nothing was sent, for there was a wish to stop."""
        waiting = tuple(Outcome(change, Status.NOT_ATTEMPTED) for change in plan.changes)
        return Applied(plan, waiting, interrupted=self._stop.signal if waiting else None)

    def _nothing_to_do(self, plan: Plan) -> Applied:
        if self._file is not None and not self._file.path.exists():
            if self._file.state.pbx is None:
                raise SettingsError(NO_PBX)
            self._file.write(self._file.state)  # what --init began is there for the next run, also when it is empty
        return Applied(plan, ())

    def _verified(self, done: Applied, before: tuple[KnownRoute, ...], sent: Sequence[Outcome]) -> Applied:
        """Ask the PBX at the end what it holds, also where nothing was applied: a failure may have done something."""
        in_doubt = any(outcome.status is Status.IN_DOUBT for outcome in sent)
        if all(outcome.status is Status.NOT_ATTEMPTED or outcome.unsent for outcome in sent):
            return self._recorded(done, None)
        try:
            actual, looked = looked_at(self._connection(), self._stop.event.wait, before, sent)
        except (PbxError, UnreliableTable) as error:
            message = f"what the PBX stored can't be checked: {error}; run pbxsync plan once the PBX answers"
            return self._recorded(replace(done, error=message), None)
        done = replace(
            done,
            outcomes=outcomes(done.plan, sent, stuck=bool(looked.findings)),
            findings=looked.findings,
            notes=(*done.notes, *looked.notes),
            elsewhere=self._elsewhere(before, actual, looked.findings),
        )
        return self._recorded(done, None if in_doubt else actual)

    def _elsewhere(
        self, before: Iterable[KnownRoute], actual: Iterable[KnownRoute], findings: Sequence[Finding]
    ) -> tuple[Impact, ...] | None:
        """Which calls go elsewhere than before the run, where that is not what the plan says."""
        from pbxsync.effects import calls_elsewhere

        return calls_elsewhere(before, actual) if findings and self.job.choices.impact else None

    def _recorded(self, done: Applied, actual: tuple[KnownRoute, ...] | None) -> Applied:
        """What became of each change is in the state file already; now it gets the form that it keeps.

        With what the PBX holds at the end, the ids of new routes are known, and the next plan shows what was stored
        otherwise.
        """
        try:
            if self._file is not None:
                self._file.end(actual)
        except StateError as error:
            return replace(done, error=f"{done.error}; {error}" if done.error else str(error))
        return done

    def _connection(self) -> Client:
        if self._client is None:
            job = self.job
            self._connected = self._open.enter_context(contextlib.ExitStack())
            self._client = self._connected.enter_context(
                connected(job.target, job.reach, self._stop.event, self._called)
            )
        return self._client

    def _read_live(self) -> KnownState:
        names = [declared.route.name for declared in self.job.declared.desired().routes]
        return read_live(self._connection(), self.job.target, self._stop.event.wait, names, settled=self._to_apply)


def _check_there(state: Path) -> None:
    """Raise StateError where the state file of a saved plan is missing: the ways out are others than without one."""
    try:
        state.stat()
    except FileNotFoundError:
        where = "" if state.is_absolute() else f" in {Path.cwd()}"
        raise StateError(
            f"{state}: there is no such state file{where}, and the plan was made from it: apply it where that file is, "
            "by the same path, or plan again"
        ) from None
    except OSError:
        pass  # reading it tells


def lockable(target: Target, state: Path | None) -> list[str]:
    """What nobody else may work on meanwhile. A PBX is the same one over http and https."""
    pbx = str(target.store.resolve()) if target.store is not None else same_pbx_key(target.address or "")
    return [thing for thing in (pbx, os.path.realpath(state) if state is not None else "") if thing]


def read_live(
    client: Client, target: Target, wait: Callable[[float], object], names: Iterable[str] = (), *, settled: bool = True
) -> KnownState:
    """Ask the PBX for its routes: once, or, ``settled``, until two answers in a row agree.

    ``names`` are routes that may be there; see `pbxsync.listing`. Raises PbxError, with the way out where the firmware
    can't be asked, and UnreliableTable.
    """
    try:
        routes = (settled_table if settled else table_once)(client, wait, names)
    except CallUnknown as error:
        if error.call != "outroute/query":
            raise
        message = (
            f"{error}. Firmware that can't be asked for its routes is kept in sync by what pbxsync records: plan and "
            "apply with --state FILE, and --init the first time"
        ).replace("?.", "?")
        raise CallUnknown(error.call, message, error.errno) from None
    return KnownState(target.address, routes)
