"""Plan and client → outcomes, one by one: does what the plan says, in its order, and nothing else.

One call at a time. The first failure ends the run; all later steps are reported as not attempted. What the PBX shows
counts, not what was sent: it is queried after updates that it may not have stored, after the first add, after each
copy of a route that is moved, and before the first delete and the first rename. What became of a change whose answer
was lost is for `settling`.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from pbxsync.errors import AnswerLost, NotSent, PbxError, PbxsyncError, StaleState, StateError, UnreliableTable
from pbxsync.listing import batches, settled_table
from pbxsync.model import Action, Change, KnownRoute, Outcome, Plan, Route, Status
from pbxsync.settling import Asked, Settling
from pbxsync.steps import Stage, Step, remaining, steps
from pbxsync.stored import may_be_stored_as
from pbxsync.verification import Snapshot, Verified, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pbxsync.ledger import Ledger


log = logging.getLogger("pbxsync.applier")

_FRESH = "from now on each call has a connection of its own, as with --fresh-connections"


class Calls(Asked, Protocol):
    """The calls to the PBX that an apply needs; `pbxsync.client.Client` has them."""

    def add_route(self, route: Route) -> None:
        """Add a route at the end of those that exist."""

    def update_route(self, id: str, route: Route) -> None:
        """Replace all fields of the route with this id."""

    def delete_route(self, name: str) -> None:
        """Delete the route of this name."""

    def use_fresh_connections(self) -> None:
        """From now on use a connection of its own for each call."""


def apply(
    plan: Plan,
    calls: Calls,
    ledger: Ledger,
    stopped: Callable[[], bool],
    wait: Callable[[float], object],
    known: Iterable[KnownRoute] | None,
    sending: Callable[[], None] = lambda: None,
) -> Iterator[Outcome]:
    """Send the plan's steps in order and yield an outcome for each of them.

    ``stopped`` is asked before every call; once it says True, nothing more is sent. ``wait`` waits so many seconds,
    less after a wish to stop. ``known`` are the PBX's routes as they were before; None where the PBX can't be queried.
    ``sending`` is called right before a step is sent.
    """
    run = _Run(plan, calls, ledger, stopped, wait, None if known is None else tuple(known), sending)
    going = True
    for step in run.steps:
        going = going and not stopped()
        outcome = run.sent(step) if going else Outcome(step.change, Status.NOT_ATTEMPTED)
        going = outcome.status is Status.APPLIED
        run.done.append(replace(outcome, moving=step.of.name if step.of.move else None))
        yield run.done[-1]


class _Run:
    """One apply: the steps, what became of those that are done, and the looks at the PBX between them."""

    def __init__(
        self,
        plan: Plan,
        calls: Calls,
        ledger: Ledger,
        stopped: Callable[[], bool],
        wait: Callable[[float], object],
        known: tuple[KnownRoute, ...] | None,
        sending: Callable[[], None],
    ) -> None:
        self.steps = steps(plan)
        self.done: list[Outcome] = []
        self._calls = calls
        self._ledger = ledger
        self._stopped = stopped
        self._wait = wait
        self._known = known
        self._sending = sending
        #: What each step sends; after a look with the ids by which the PBX knows the routes.
        self._changes = [step.change for step in self.steps]
        self._settling = Settling(calls, wait, stopped)
        #: The kinds of steps before the first of which the PBX is looked at.
        self._looks = {Stage.DELETE, Stage.RENAME}
        #: Whether no look has shown yet where the PBX puts new routes, and whether it has any to show that by.
        self._place_unseen = True
        self._has_routes = bool(known)

    def sent(self, step: Step) -> Outcome:
        """Look at the PBX where that is due, and send the step."""
        at = len(self.done)
        try:
            if at == 0:
                self._ledger.begin(self._changes)
            self._look(step)
        except PbxsyncError as error:
            return Outcome(step.change, Status.FAILED, f"not sent: {error}", unsent=True)
        change = self._changes[at]
        if self._stopped():  # while the PBX was looked at
            return Outcome(change, Status.NOT_ATTEMPTED)
        self._sending()
        return self._attempt(change)

    # The looks.

    def _look(self, step: Step) -> None:
        """Look at the PBX, if it is due before this step. Raises PbxsyncError where the step must not go."""
        if self._known is None:
            return
        if not (self._after_add() or self._after_updates(step) or step.stage in self._looks):
            return
        self._looks.discard(step.stage)
        seen = self._seen()
        there = Snapshot(seen)
        if step.stage in (Stage.DELETE, Stage.RENAME):
            for at in range(len(self.done), len(self.steps)):
                later = self.steps[at]
                if later.stage is step.stage:
                    _check_there(later, there)
                    self._changes[at] = replace(later.change, id=there.id(later.change))
        self._ledger.begin(self._changes[len(self.done) :], seen)

    def _after_add(self) -> bool:
        """Whether the step before is an add after which a look is due: the first to a table with routes, and each copy.

        An add to an empty table does not show where the PBX puts new routes.
        """
        last = self.steps[len(self.done) - 1] if self.done else None
        if last is None or last.stage is not Stage.ADD:
            return False
        due = self._place_unseen and self._has_routes
        self._place_unseen, self._has_routes = self._place_unseen and not due, True
        return due or last.of.move is not None

    def _after_updates(self, step: Step) -> bool:
        """Whether the step is the first after updates of which the PBX may have stored what was there before."""
        at = len(self.done)
        if at == 0 or self.steps[at - 1].stage is not Stage.UPDATE or step.stage is Stage.UPDATE:
            return False
        updates = [(update.change.before, update.change.after) for update in self.steps[:at]]
        return any(before and after and may_be_stored_as(after, before) for before, after in updates)

    def _seen(self) -> tuple[KnownRoute, ...]:
        """What the PBX shows, where it is what this run should have left. Raises StaleState where it is not."""
        try:
            seen, looked = looked_at(self._calls, self._wait, self._known or (), self.done)
        except (PbxError, UnreliableTable) as error:
            raise StaleState(f"the PBX has to show first what it holds, and asking it fails: {error}") from None
        if looked.findings:
            more = f" (and {len(looked.findings) - 1} more)" if len(looked.findings) > 1 else ""
            raise StaleState(f"the PBX is not as it should be: {looked.findings[0].message}{more}")
        return seen

    # The call.

    def _attempt(self, change: Change) -> Outcome:
        """Send a change, once that it is sent is on record."""
        try:
            self._ledger.sending(change)
        except StateError as error:
            return Outcome(change, Status.FAILED, f"not sent: {error}", unsent=True)
        return self._call(change)

    def _call(self, change: Change, *, again: bool = False) -> Outcome:
        try:
            self._send(change)
        except AnswerLost as error:
            if again or not self._never_arrived(error):
                return self._lost(change, error)
        except PbxError as error:
            return self._recorded(Outcome(change, Status.FAILED, str(error), unsent=isinstance(error, NotSent)))
        else:
            return self._recorded(Outcome(change, Status.APPLIED))
        # The one case in which a change goes out again.
        log.info("%s %s never arrived, and is sent again; %s", change.action, change.name, _FRESH)
        self._calls.use_fresh_connections()
        return self._call(change, again=True)

    def _never_arrived(self, error: AnswerLost) -> bool:
        return error.silent and self._known is not None and self._settling.never_arrived(self._known, self.done)

    def _send(self, change: Change) -> None:
        if change.after is None:
            self._calls.delete_route(change.name)
        elif change.action is Action.ADD:
            self._calls.add_route(change.after)
        else:
            self._calls.update_route(change.id or "", change.after)

    def _lost(self, change: Change, error: AnswerLost) -> Outcome:
        if self._known is None:
            return self._in_doubt(change, str(error))
        settled = self._settling.settled(change, error)
        if settled.status is Status.IN_DOUBT:
            return self._in_doubt(change, settled.error or "")
        return self._recorded(settled)

    def _in_doubt(self, change: Change, reason: str) -> Outcome:
        try:
            return self._ledger.doubt(change, reason)
        except StateError as error:
            return Outcome(change, Status.IN_DOUBT, f"{reason}; and the doubt can't be recorded: {error}")

    def _recorded(self, outcome: Outcome) -> Outcome:
        applied = outcome.status is Status.APPLIED
        try:
            self._ledger.settled(outcome.change, applied=applied)
        except StateError as error:
            # What the file says of this change is still «sent, answer unknown», so that is what the run says too.
            known = "carried out" if applied else f"not carried out ({outcome.error})"
            return Outcome(outcome.change, Status.IN_DOUBT, f"the PBX says {known}, but it can't be recorded: {error}")
        return outcome


def looked_at(
    calls: Calls, wait: Callable[[float], object], known: Sequence[KnownRoute], done: Sequence[Outcome]
) -> tuple[tuple[KnownRoute, ...], Verified]:
    """Query the PBX's table and hold it against what a run should have left there.

    Where something seems wrong it is asked again until two answers agree, for an answer may be short while the PBX
    saves. A route that the list does not show is asked for by name. Raises PbxError and UnreliableTable.
    """
    seen = calls.query_table().routes
    looked = verify(known, done, seen)
    if looked.findings:
        seen = settled_table(calls, wait, [route.route.name for route in known])
        looked = verify(known, done, seen)
    unlisted = _found_by_name(calls, looked.unlisted)
    if unlisted is not None:
        raise UnreliableTable(
            f"the PBX finds {unlisted} by name, but its list of all routes, {len(seen)} long, does not show it. The "
            "list is not whole (a first page?), so nothing can be kept in sync by it. Look in the PBX's web page"
        )
    return seen, looked


def _found_by_name(calls: Calls, names: Sequence[str]) -> str | None:
    """The first of the names that a query by name finds; None where it finds none, or is not answered."""
    groups = list(batches(names))
    # Some firmware answers to a single name alone.
    for group in (*groups, *(group[:1] for group in groups[:1] if group[1:])):
        try:
            found = {known.route.name for known in calls.query_named(group)}
        except PbxError:
            continue
        if not found.isdisjoint(group):
            return next(name for name in group if name in found)
    return None


def _check_there(step: Step, there: Snapshot) -> None:
    """Raises StaleState where the PBX no longer holds what a step deletes or renames, or what stays of its route."""
    stays = remaining(step.of)
    fault = there.removal_fault(step.change) if step.stage is Stage.DELETE else None
    if fault is None and stays is not None and not there.once(stays):
        fault = f"{stays.name} was changed on the PBX by somebody else meanwhile, so {step.of.name} is not moved"
    if fault is not None:
        raise StaleState(fault)
