"""What is checked before the first change of a plan is sent; each check raises, and then nothing is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbxsync.equal_names import NameIndex, may_be_equal
from pbxsync.errors import (
    AnswerLost,
    CallUnknown,
    DoubtOpen,
    NotSent,
    PbxError,
    PlanRefused,
    Refused,
    StaleState,
    TestsFailed,
)
from pbxsync.listing import batches, settled_table
from pbxsync.model import Action, Change, KnownRoute, Plan, Route
from pbxsync.steps import steps
from pbxsync.stored import may_be_stored_as, stored_key
from pbxsync.text import command_line, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pbxsync.listing import Queries

#: No PBX has a route of this name: what comes back for it comes back for any.
_NOBODY = "pbxsync-asks-for-no-route"


def resolve_command(state: str, name: str) -> str:
    """Return the command that settles an outcome in doubt."""
    return command_line("pbxsync", "resolve", "--state", state, "--applied", "--", name)


def check_sendable(plan: Plan) -> None:
    """Refuse a plan that can't be sent to its end.

    Raises DoubtOpen where an earlier run left an outcome in doubt: what comes after it in the file may not go first,
    for the PBX puts each new route at the end. Raises PlanRefused where the plan itself says why, and for an update of
    a route whose id nobody knows.
    """
    if plan.in_doubt:
        raise DoubtOpen(
            f"{plan.known_state}: nothing is sent while an outcome is in doubt: "
            f"{listed(f'{doubt.change.action} {doubt.change.name}' for doubt in plan.in_doubt)}. Look on the PBX, then "
            f"run for each: {resolve_command(plan.known_state, 'NAME')} (or with --not-applied)"
        )
    if plan.refusals:
        more = f" (and {len(plan.refusals) - 1} more)" if len(plan.refusals) > 1 else ""
        raise PlanRefused(f"{plan.file}: nothing was sent: {plan.refusals[0].message}{more}")
    nameless = [change.name for change in plan.changes if change.action is Action.UPDATE and not change.id]
    if nameless:
        record = f"Record the ids with: {command_line('pbxsync', 'refresh', '--state', plan.known_state)}"
        way_out = "" if plan.known_state == "live" else f"{record}; or, where the PBX can't be queried: "
        raise PlanRefused(
            f"{plan.file}: an update needs the PBX's id of the route, which is not known for: {listed(nameless)}. "
            f"{way_out}change these routes on the PBX, and use --add-only"
        )


def check_tested(plan: Plan) -> None:
    """Refuse a plan that breaks tests of its file. Raises TestsFailed."""
    failed = plan.failed_tests
    if failed:
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        raise TestsFailed(
            f"{plan.file}: nothing was sent, since tests fail on what the PBX will hold: "
            f"line {failed[0].claim.location.line}: {failed[0].message}{more}. "
            "Correct the routes or the tests; --reorder helps where a route is too low on the PBX, and --no-tests "
            "sends all the same"
        )


def check_recorded(
    plan: Plan,
    recorded: Sequence[KnownRoute],
    calls: Queries,
    wait: Callable[[float], object],
    *,
    add_only: bool = False,
) -> tuple[KnownRoute, ...] | None:
    """Before a plan made from a state file is sent, see that the PBX still holds what was recorded.

    The file may be old, or a copy: an add would then make a route a second time, and an update by an old id overwrite
    another route. Return the PBX's routes, or None where its firmware can't be asked, and then the file alone counts:
    where the PBX says that it doesn't know the call, or where the user says it, by ``add_only``, and no answer was ever
    recorded. Raises StaleState where the PBX holds something else, and where it does not answer.
    """
    names = [change.name for change in plan.changes]
    try:
        routes = settled_table(calls, wait, names)
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
    record = command_line("pbxsync", "refresh", "--state", plan.known_state)
    if any(change.move for change in plan.changes) and _fields(routes) != _fields(recorded):
        raise StaleState(
            f"{plan.known_state}: the PBX holds other routes than the state file has recorded, or in another order, so "
            f"nothing can be moved by it. Record them again with: {record}"
        )
    on_pbx = _OnPbx(routes, recorded)
    stale = [name for change in plan.changes for name in on_pbx.stale(change)]
    if stale:
        raise StaleState(
            f"{plan.known_state}: the PBX holds something else than the state file has recorded of: {listed(stale)}. "
            f"Record it again with: {record}"
        )
    return routes


def _fields(routes: Iterable[KnownRoute]) -> list[Route]:
    return [known.route for known in routes]


class _OnPbx:
    """What the PBX holds, against what was recorded of it."""

    def __init__(self, routes: Sequence[KnownRoute], recorded: Iterable[KnownRoute]) -> None:
        self._by_name: dict[str, list[KnownRoute]] = {}
        for known in routes:
            self._by_name.setdefault(known.route.name, []).append(known)
        known_names = {known.route.name for known in recorded}
        unrecorded = [known.route for known in routes if known.route.name not in known_names]
        self._equal = NameIndex((route.name, route) for route in unrecorded)
        self._alike: dict[tuple[str, ...], list[Route]] = {}
        for route in unrecorded:
            self._alike.setdefault(stored_key(route), []).append(route)

    def stale(self, change: Change) -> Iterator[str]:
        """Give the names of routes that a change can't be made for."""
        if change.move:
            return  # it was compared as a whole
        before, after = change.before, change.after
        if before is not None:
            named = self._by_name.get(before.name, ())
            if len(named) != 1 or named[0].route != before or change.id not in (None, named[0].id):
                yield before.name
        if after is not None and (before is None or before.name != after.name):
            twin = self._twin(after, new=before is None)
            if twin is not None:
                yield after.name if twin == after.name else f"{after.name} (which may be {twin} there)"

    def _twin(self, route: Route, *, new: bool) -> str | None:
        """The name of a route that the PBX has and that may be the one that is sent."""
        if route.name in self._by_name:
            return route.name
        equal = [name for name, _ in self._equal.equal_to(route.name)]
        alike = self._alike.get(stored_key(route), ()) if new else ()
        names = (*equal, *(other.name for other in alike if may_be_stored_as(route, other)))
        return names[0] if names else None


def check_names(plan: Plan, known: Sequence[KnownRoute], calls: Queries) -> None:
    """Ask the PBX by name for all routes that the plan adds, renames to or deletes.

    Which names are equal is the PBX's to say. What it answers besides the routes that are known by exactly those names
    is a route that it takes for one of them, or that its list left out. Raises StaleState then. Firmware that does not
    answer such a query as documented (API manual, outroute/query) is noticed, and passes.
    """
    changes = [step.change for step in steps(plan)]
    names = [change.name for change in changes if change.action is not Action.UPDATE or change.renames]
    renamed = {change.id for change in changes if change.renames and change.id is not None}
    there = {(route.route.name, route.id) for route in known}
    for group in batches(names):
        found = [route for route in _named(group, known, calls) if route.id not in renamed]
        hidden = [route for route in found if route.route.name in group and (route.route.name, route.id) not in there]
        if hidden:
            raise StaleState(
                f"nothing was sent: the PBX finds {hidden[0].route.name} by name, but its list of all routes does not "
                "show it, so the list is not whole. Look at the routes in the PBX's web page"
            )
        others = [route for route in found if route.route.name not in group]
        if others and not _answers_with_all(calls):
            raise StaleState(_equal(others[0].route.name, group, known, calls))


def _named(names: Sequence[str], known: Iterable[KnownRoute], calls: Queries) -> Sequence[KnownRoute]:
    """The PBX's answer for the names; nothing where it is not one to these names."""
    try:
        found = calls.query_named(names)
    except NotSent:
        raise
    except PbxError:
        return ()
    wanted = {route.route.name for route in known} & set(names)
    # Without a route that is surely there, the answer is none, or one to the first of the names.
    return found if wanted <= {route.route.name for route in found} else ()


def _answers_with_all(calls: Queries) -> bool:
    """Whether the PBX answers with its routes whatever name it is asked for."""
    try:
        return bool(calls.query_named([_NOBODY]))
    except PbxError:
        return False


def _equal(name: str, names: Sequence[str], known: Iterable[KnownRoute], calls: Queries) -> str:
    """Why the plan stops: the PBX takes ``name``, a route that it has, for one of the others."""
    asked = _asked(name, names, calls)
    if any(route.route.name == asked for route in known):
        way_out = f"a delete of {asked} could take both. Delete it in the PBX's web page, or rename one of them there"
    else:
        way_out = f"is it the same route? Then write name: {name}. If not, choose another name"
    return f"nothing was sent: the PBX takes {name}, which it has, for {asked}: to it the two names are one; {way_out}"


def _asked(name: str, names: Sequence[str], calls: Queries) -> str:
    """The one of the names for which the PBX answers with the route called ``name``."""
    for asked in sorted(names, key=lambda asked: not may_be_equal(asked, name)):
        try:
            if any(found.route.name == name for found in calls.query_named([asked])):
                return asked
        except PbxError:
            break
    return listed(names, 3)
