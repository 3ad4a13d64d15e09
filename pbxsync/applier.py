"""Plan and client → outcomes, one by one: does what the plan says, in its order, and nothing else.

One call at a time. The first failure ends the run; whatever comes behind it is reported as not attempted. A change
whose answer was lost is never sent again here: a `Ledger` settles what became of it, by a query where the PBX is the
known state, and by writing the doubt down where a state file is. Where routes are moved, the PBX is asked before
anything is deleted: what has not been seen there as it was sent keeps every old route where it is.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from pbxsync.errors import (
    AnswerLost,
    CallUnknown,
    DoubtOpen,
    PbxError,
    PbxsyncError,
    PlanRefused,
    Refused,
    StaleState,
    StateError,
    TestsFailed,
)
from pbxsync.model import Action, Change, KnownRoute, Outcome, Plan, Route, Status
from pbxsync.steps import Stage, Step, remaining, steps
from pbxsync.text import command_line, listed
from pbxsync.verification import Seen, stored_fault, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pbxsync.known_state import StateFile


log = logging.getLogger("pbxsync.applier")


class Calls(Protocol):
    """The calls to the PBX that an apply needs; `pbxsync.client.Client` has them."""

    def add_route(self, route: Route) -> None:
        """Add a route behind those that exist."""

    def update_route(self, id: str, route: Route) -> None:
        """Replace all fields of the route with this id."""

    def delete_route(self, name: str) -> None:
        """Delete the route of this name."""

    def query_routes(self) -> Sequence[KnownRoute]:
        """Every route in the PBX's order."""


class Ledger(Protocol):
    """Where outcomes are recorded, and how one whose answer was lost is settled."""

    def begin(self, changes: Iterable[Change], routes: Sequence[KnownRoute] | None = None) -> None:
        """Note what is going to be sent, in its order, and what the PBX answered that it holds, if it was asked.

        Raises StateError, and then nothing is sent.
        """

    def sending(self, change: Change) -> None:
        """Note that the change is about to be sent. Raises StateError, and then it is not."""

    def settled(self, change: Change, *, applied: bool) -> None:
        """Note what became of it. Raises StateError."""

    def lost(self, change: Change, reason: str) -> Outcome:
        """Say what became of a change whose answer was lost."""


def check_sendable(plan: Plan) -> None:
    """Refuse, before anything is sent, a plan that can't be sent to its end.

    Raises DoubtOpen where an earlier run left an outcome in doubt: what comes behind it in the file may not go first,
    for the PBX puts each new route at the end. Raises PlanRefused for an update of a route whose id nobody knows.
    """
    if plan.in_doubt:
        raise DoubtOpen(
            f"{plan.known_state}: nothing is sent while an outcome is in doubt: "
            f"{listed(f'{doubt.change.action} {doubt.change.name}' for doubt in plan.in_doubt)}. Look on the PBX, then "
            f"run for each: {_resolve(plan.known_state, 'NAME')} (or with --not-applied)"
        )
    nameless = [change.name for change in plan.changes if change.action is Action.UPDATE and not change.id]
    if nameless:
        record = f"Record the ids with: {command_line('pbxsync', 'refresh', '--state', plan.known_state)}"
        way_out = "" if plan.known_state == "live" else f"{record}; or, where the PBX can't be queried: "
        raise PlanRefused(
            f"{plan.file}: an update needs the PBX's id of the route, which is not known for: {listed(nameless)}. "
            f"{way_out}change these routes on the PBX, and use --add-only"
        )


def check_tested(plan: Plan) -> None:
    """Refuse, before anything is sent, a plan that breaks tests of its file. Raises TestsFailed."""
    failed = plan.failed_tests
    if failed:
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        raise TestsFailed(
            f"{plan.file}: nothing was sent, since tests fail on what the PBX will hold: "
            f"line {failed[0].claim.location.line}: {failed[0].message}{more}. "
            "Mend the routes or the tests; --reorder helps where a route stands too low on the PBX, and --no-tests "
            "sends all the same"
        )


def check_recorded(
    plan: Plan, recorded: Iterable[KnownRoute], calls: Calls, *, add_only: bool = False
) -> tuple[KnownRoute, ...] | None:
    """Before a plan made from a state file is sent, see that the PBX still holds what was recorded.

    The file may be old, or a copy: an add would then make a route a second time, and an update by an old id overwrite
    another route. Gives the PBX's routes, or None where its firmware can't be asked, and then the file alone counts:
    where the PBX says that it doesn't know the call, or where the user says it, by ``add_only``, and no answer was ever
    recorded. Raises StaleState where the PBX holds something else, and where it does not answer.
    """
    try:
        routes = tuple(calls.query_routes())
    except (Refused, AnswerLost) as error:
        if error.call != "outroute/query":
            raise
        # Ids come from the PBX's own answer alone: where one is recorded, the firmware knows the call.
        asked_before = any(known.id is not None for known in recorded)
        can_not = isinstance(error, CallUnknown) or (add_only and not asked_before)
        if not can_not or any(change.before is not None for change in plan.changes):
            raise StaleState(
                f"nothing was sent: what the PBX holds has to be known first, and asking it fails: {error}. Try again, "
                "or, where its firmware can't be asked, use --add-only"
            ) from None
        return None
    if any(change.move for change in plan.changes) and _fields(routes) != _fields(recorded):
        raise StaleState(
            f"{plan.known_state}: the PBX holds other routes than the state file has recorded, or in another order, so "
            "nothing can be moved by it. Record them anew with: "
            f"{command_line('pbxsync', 'refresh', '--state', plan.known_state)}"
        )
    by_name: dict[str, list[KnownRoute]] = {}
    for known in routes:
        by_name.setdefault(known.route.name, []).append(known)
    stale = [name for change in plan.changes for name in _stale(change, by_name)]
    if stale:
        raise StaleState(
            f"{plan.known_state}: the PBX holds something else than the state file has recorded of: {listed(stale)}. "
            f"Record it anew with: {command_line('pbxsync', 'refresh', '--state', plan.known_state)}"
        )
    return routes


def _fields(routes: Iterable[KnownRoute]) -> list[Route]:
    return [known.route for known in routes]


def _stale(change: Change, there: Mapping[str, Sequence[KnownRoute]]) -> Iterator[str]:
    """The names of routes that a change can't be made for, given what the PBX holds."""
    if change.move:
        return  # it was compared as a whole
    before, after = change.before, change.after
    if before is not None:
        named = there.get(before.name, ())
        if len(named) != 1 or named[0].route != before or change.id not in (None, named[0].id):
            yield before.name
    new = after is not None and (before is None or before.name != after.name)
    if after is not None and new and after.name in there:
        yield after.name


def apply(
    plan: Plan,
    calls: Calls,
    ledger: Ledger,
    stopped: Callable[[], bool],
    known: Iterable[KnownRoute] = (),
    sending: Callable[[], None] = lambda: None,
) -> Iterator[Outcome]:
    """Send the plan's steps in order and yield an outcome for each of them.

    ``stopped`` is asked before every call; once it says True, nothing more is sent. ``known`` are the PBX's routes as
    they were before; where the plan moves routes, they are what the PBX must hold besides what was sent. ``sending`` is
    told right before a step is sent.
    """
    done: list[Outcome] = []
    guard = _Guard(plan, calls, ledger, tuple(known))
    going = True
    for step in guard.steps:
        going = going and not stopped()
        outcome = Outcome(step.change, Status.NOT_ATTEMPTED)
        if going:
            outcome = _sent(step, guard, stopped, done, sending)
            going = outcome.status is Status.APPLIED
        done.append(replace(outcome, moving=step.of.name if step.of.move else None))
        yield done[-1]


def _sent(
    step: Step, guard: _Guard, stopped: Callable[[], bool], done: Sequence[Outcome], sending: Callable[[], None]
) -> Outcome:
    try:
        change = guard.checked(step, done)
    except PbxsyncError as error:
        return Outcome(step.change, Status.FAILED, f"not sent: {error}")
    if stopped():  # while the PBX was looked at
        return Outcome(change, Status.NOT_ATTEMPTED)
    sending()
    return _attempt(change, guard.calls, guard.ledger)


class _Guard:
    """What has to be before a step goes out: what will go is noted, and where routes are moved, the PBX is looked at.

    The first step that deletes has the PBX asked, whether every copy is there, and what goes is still what it was. So
    has the first that renames: a copy must not get the name of a route that is still there. The steps behind them go
    by the same answer.
    """

    def __init__(self, plan: Plan, calls: Calls, ledger: Ledger, known: Sequence[KnownRoute]) -> None:
        self.calls = calls
        self.ledger = ledger
        self.steps = steps(plan)
        self._known = known
        self._looks = {Stage.DELETE, Stage.RENAME} if any(change.move for change in plan.changes) else set()
        #: What each step sends; where the PBX was looked at, with the ids by which it knows the routes.
        self._changes = [step.change for step in self.steps]

    def checked(self, step: Step, done: Sequence[Outcome]) -> Change:
        """What the step sends, which comes behind those that are done. Raises PbxsyncError where it must not go."""
        if not done:
            self.ledger.begin(self._changes)
        if step.stage in self._looks:
            self._look(step.stage, done)
            self._looks.remove(step.stage)
        return self._changes[len(done)]

    def _look(self, stage: Stage, done: Sequence[Outcome]) -> None:
        seen = self._asked(done)
        there = Seen(seen)
        for n, step in enumerate(self.steps):
            if step.stage is stage:
                _check_there(step, there)
                self._changes[n] = replace(step.change, id=there.id(step.change))
        self.ledger.begin(self._changes[len(done) :], seen)

    def _asked(self, done: Sequence[Outcome]) -> Sequence[KnownRoute]:
        try:
            seen = self.calls.query_routes()
        except PbxError as error:
            raise StaleState(
                f"nothing is deleted or renamed before the PBX has shown what it holds, and asking it fails: {error}"
            ) from None
        findings, _ = verify(self._known, done, seen)
        if findings:
            more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
            raise StaleState(
                f"nothing more is deleted or renamed, since the PBX is not as it should be: {findings[0].message}{more}"
            )
        return seen


def _attempt(change: Change, calls: Calls, ledger: Ledger) -> Outcome:
    try:
        ledger.sending(change)
    except StateError as error:
        return Outcome(change, Status.FAILED, f"not sent: {error}")
    try:
        _send(change, calls)
    except AnswerLost as error:
        return _lost(change, ledger, str(error))
    except PbxError as error:
        return _recorded(Outcome(change, Status.FAILED, str(error)), ledger)
    return _recorded(Outcome(change, Status.APPLIED), ledger)


def _send(change: Change, calls: Calls) -> None:
    if change.after is None:
        calls.delete_route(change.name)
    elif change.action is Action.ADD:
        calls.add_route(change.after)
    else:
        calls.update_route(change.id or "", change.after)


def _recorded(outcome: Outcome, ledger: Ledger) -> Outcome:
    applied = outcome.status is Status.APPLIED
    try:
        ledger.settled(outcome.change, applied=applied)
    except StateError as error:
        # What the file says of this change is still «sent, answer unknown», so that is what the run says too.
        known = "carried out" if applied else f"not carried out ({outcome.error})"
        return Outcome(outcome.change, Status.IN_DOUBT, f"the PBX says {known}, but it can't be recorded: {error}")
    return outcome


def _lost(change: Change, ledger: Ledger, reason: str) -> Outcome:
    try:
        return ledger.lost(change, reason)
    except StateError as error:
        return Outcome(change, Status.IN_DOUBT, f"{reason}; and the doubt can't be recorded: {error}")


def _check_there(step: Step, seen: Seen) -> None:
    """Raises StaleState where the PBX no longer holds what a step deletes or renames, or what stays of its route."""
    stays = remaining(step.of)
    fault = seen.removal_fault(step.change) if step.stage is Stage.DELETE else None
    if fault is None and stays is not None and not seen.once(stays):
        fault = f"{stays.name} was changed on the PBX by somebody else meanwhile, so {step.of.name} is not moved"
    if fault is not None:
        raise StaleState(fault)


class RecordedLedger:
    """Outcomes go into a state file: before each call that it is sent, after it what became of it."""

    def __init__(self, file: StateFile) -> None:
        self._file = file

    def begin(self, changes: Iterable[Change], routes: Sequence[KnownRoute] | None = None) -> None:
        """Record what is going to be sent; with the PBX's routes come the ids of what was added."""
        self._file.begin(changes, routes)

    def sending(self, change: Change) -> None:
        """Record the change as in doubt, which it is from now until its answer is here."""
        self._file.sending(change)

    def settled(self, change: Change, *, applied: bool) -> None:
        """Record what became of it."""
        self._file.settle(change, applied=applied)

    def lost(self, change: Change, reason: str) -> Outcome:
        """Leave it in doubt, with the reason: there may be nothing that could be asked."""
        self._file.doubt(change, reason)
        return Outcome(change, Status.IN_DOUBT, f"{reason}; {_resolve_hint(change, self._file)}")


def _resolve_hint(change: Change, file: StateFile) -> str:
    return (
        "whether it was carried out is in doubt, and nothing is sent again; look on the PBX, then run: "
        f"{_resolve(str(file.path), change.name)} (or with --not-applied)"
    )


def _resolve(state: str, name: str) -> str:
    return command_line("pbxsync", "resolve", "--state", state, "--applied", "--", name)


class LiveLedger:
    """The PBX itself is the record: what became of a change whose answer was lost, a query tells."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def begin(self, changes: Iterable[Change], routes: Sequence[KnownRoute] | None = None) -> None:
        """Nothing to note."""

    def sending(self, change: Change) -> None:
        """Nothing to note."""

    def settled(self, change: Change, *, applied: bool) -> None:
        """Nothing to note."""

    def lost(self, change: Change, reason: str) -> Outcome:
        """Ask the PBX: carried out as sent, or not; in doubt only where it does not answer."""
        log.info("%s %s: %s; asking the PBX what it holds", change.action, change.name, reason)
        try:
            routes = self._calls.query_routes()
        except PbxError as error:
            message = (
                f"{reason}; asked again, the PBX does not say whether it was carried out ({error}). It is in doubt: "
                "look on the PBX before the next apply"
            )
            return Outcome(change, Status.IN_DOUBT, message)
        fault = stored_fault(change, routes)
        if fault is None:
            return Outcome(change, Status.APPLIED)
        message = (
            f"{reason}; a query right after says: {fault}. The PBX may still be at work on it, so it is not sent again "
            "in this run; the next one asks the PBX afresh"
        )
        return Outcome(change, Status.FAILED, message)
