"""What a PBX shows, against what was sent to it: what it stored otherwise, lost, doubled or put elsewhere."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pbxsync.equal_names import NameIndex
from pbxsync.known_state import with_changes
from pbxsync.model import Finding, KnownRoute, Status
from pbxsync.names import is_copy, original
from pbxsync.pairing import displaced, listed_routes, pair
from pbxsync.stored import may_be_stored_as, what_to_write
from pbxsync.text import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pbxsync.model import Change, Outcome, Route
    from pbxsync.pairing import Displaced, Listed


@dataclass(frozen=True, slots=True)
class Verified:
    """The result of a look at the PBX.

    ``findings`` are failures: what is not as this run should have left it. ``notes`` are what somebody else did.
    ``unlisted`` are routes that should be there, and that the PBX's list does not show under any name.
    """

    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()


class Snapshot:
    """The routes that a PBX has shown, for questions about single ones."""

    def __init__(self, routes: Iterable[KnownRoute]) -> None:
        self._routes = tuple(routes)
        self._by_name = NameIndex((known.route.name, known) for known in self._routes)
        self._ids = Counter(known.id for known in self._routes)

    def named(self, name: str) -> list[KnownRoute]:
        """Return the routes of this very name."""
        return [known for other, known in self._by_name.equal_to(name) if other == name]

    def once(self, route: Route) -> bool:
        """Return whether the PBX holds exactly one route like this, by this very name."""
        return [known.route for known in self.named(route.name)] == [route]

    def id(self, change: Change) -> str | None:
        """Return the PBX's id of the route that a change updates or deletes; the route must be there."""
        named = self.named(change.before.name) if change.before else []
        return next(known.id for known in named if known.route == change.before)

    def removal_fault(self, change: Change) -> str | None:
        """Return why a route must not be deleted any more: it is not what was planned, or not alone."""
        name = change.name
        equal = sorted({other for other, _ in self._by_name.equal_to(name)} - {name})
        if equal:
            return f"{name} is not deleted: the PBX holds {listed(equal, 3)} too, and may take both for one"
        named = self.named(name)
        if len(named) > 1:
            return f"{name} is not deleted: the PBX holds {len(named)} routes of this name, and may delete them all"
        if [known.route for known in named] != [change.before]:
            return f"{name} was changed on the PBX by somebody else meanwhile, and is not deleted"
        if change.id is not None and named[0].id != change.id:
            return f"{name} has another id on the PBX than before ({named[0].id}, not {change.id}), and is not deleted"
        if named[0].id is not None and self._ids[named[0].id] > 1:
            return f"{name} is not deleted: the PBX shows another route with its id ({named[0].id})"
        return None


def stored_fault(change: Change, routes: Iterable[KnownRoute]) -> str | None:
    """Return what is wrong with what the PBX holds of a change that it should have carried out; None where nothing."""
    there = listed_routes(routes)
    named = [route for route in there if route.name == change.name]
    if change.after is None:
        return f"{change.name} is still there" if named else None
    if not named:
        return f"{change.name} is not there"
    if len(named) > 1:
        return f"{change.name} is there {len(named)} times"
    if named[0].items != (change.after,):
        return _unlike(change, change.after, named[0])
    if change.renames and any(route.name == _old_name(change) for route in there):
        return f"the old name, {_old_name(change)}, is still there too"
    return None


def verify(known: Iterable[KnownRoute], outcomes: Iterable[Outcome], actual: Sequence[KnownRoute]) -> Verified:
    """Hold what the PBX shows against what it had before a run, ``known``, and what the run did to it."""
    run = _Run(known, outcomes, actual)
    look = _Look(run, listed_routes(actual))
    findings = [*look.unlike_sent(), *look.left_over(), *look.misplaced(), *look.lost(), *look.doubled()]
    changed, moved = look.changed(), look.moved()
    notes = [*run.carried_out, *look.added()]
    if run.unsure:  # a change that was carried out in part may have done it
        findings += [Finding(name, f"{name} was changed {_DURING}") for name in changed]
        findings += [Finding(name, f"{what} {_DURING}") for name, what in moved]
    else:
        notes += [f"changed on the PBX by somebody else meanwhile: {listed(changed)}"] if changed else []
        notes += [f"{what} on the PBX by somebody else meanwhile" for _, what in moved]
    return Verified(tuple(findings), tuple(notes), tuple(route.name for route in look.missing))


_DURING = "on the PBX during this run, which did not send that"


class _Run:
    """What a run did to a PBX, by its outcomes, and the routes that the PBX should hold after it.

    A change that counts as failed, or is in doubt, was carried out where the PBX shows it so. Else it is ``unsure``: it
    may have been carried out in part.
    """

    def __init__(self, known: Iterable[KnownRoute], outcomes: Iterable[Outcome], actual: Sequence[KnownRoute]) -> None:
        applied: list[Change] = []
        self.unsure: list[Change] = []
        self.carried_out: list[str] = []
        for outcome in outcomes:
            change = outcome.change
            if outcome.status is Status.APPLIED:
                applied.append(change)
            elif outcome.status is Status.NOT_ATTEMPTED or outcome.unsent:
                continue
            elif stored_fault(change, actual) is None:
                applied.append(change)
                counts = "is in doubt" if outcome.status is Status.IN_DOUBT else "counts as failed"
                self.carried_out.append(f"{change.action} {change.name} {counts}, but the PBX has carried it out")
            else:
                self.unsure.append(change)
        last = _last(applied)
        #: Adds and updates that may have been carried out in part, by the name that the PBX should have for the route.
        self.in_part = {_old_name(change): change for change in self.unsure if change.after}
        #: Adds and updates that were carried out, by name.
        self.sent = {name: change for name, change in last.items() if change.after and name not in self.in_part}
        #: Names that should not be there any more, with what is wrong where they are.
        self.taken = dict(_taken((*last.values(), *self.unsure)))
        perhaps = [KnownRoute(change.after) for change in self.unsure if change.after and not change.before]
        self.expected = [self._with_id(route) for route in listed_routes([*with_changes(known, applied), *perhaps])]
        #: The place of the first new route: they come after all others.
        self.first_new = len(self.expected) - len(perhaps) - sum(not change.before for change in applied)

    def _with_id(self, route: Listed) -> Listed:
        """The route with the id that its update was sent with: no query before the run has shown that of a copy."""
        change = self.change(route)
        return replace(route, id=change.id) if change and not route.id else route

    def change(self, route: Listed) -> Change | None:
        """Return the add or update that was sent for a route, and carried out or perhaps so in part."""
        return self.in_part.get(route.name) or self.sent.get(route.name)

    def may_be_missing(self, route: Listed) -> bool:
        """Return whether it is no wonder that the PBX does not show a route: its add failed."""
        change = self.in_part.get(route.name)
        return change is not None and not change.before


class _Look:
    """What a PBX shows, held against what it should hold after a run."""

    def __init__(self, run: _Run, shown: Sequence[Listed]) -> None:
        self._run = run
        self._shown = shown
        own = dict.fromkeys(run.sent, True) | dict.fromkeys(run.in_part, False)
        self._pairing = pair(run.expected, shown, own)
        self._others = [both for both in self._pairing.pairs if not run.change(both[0])]
        #: Routes that the PBX should hold, and does not show.
        self.missing = [route for route in self._pairing.missing if not run.may_be_missing(route)]
        expected = {route.name for route in run.expected}
        #: Names that should not be there, and those of them that this run has nothing to do with.
        self._new = list(dict.fromkeys(route.name for route in self._pairing.new if route.name not in expected))
        self._strangers = [name for name in self._new if name not in run.taken]

    # The routes of this run.

    def unlike_sent(self) -> Iterator[Finding]:
        """Find routes that are not stored as they were sent."""
        for route, found in self._pairing.pairs:
            change = self._run.change(route)
            if change is None or change.after is None or route.items == found.items:
                continue
            if route.name in self._run.sent:
                guess = route.place in self._pairing.guessed
                yield Finding(change.name, _unlike(change, change.after, found, guess=guess))
            elif change.before is None:
                yield Finding(change.name, _difference(change.after, found))
            elif not _lost_pattern(route, found):
                fields = _fields(change.after, found)
                yield Finding(change.name, f"{change.name} is neither as it was nor as it was sent: {fields}")
        for route in self.missing:
            if route.name in self._run.sent:
                perhaps = self._strangers if self._is_new(route) else []
                more = f"; new on the PBX, and perhaps what it made of it: {listed(perhaps, 5)}" if perhaps else ""
                yield Finding(route.name, f"{route.name} is not there{more}")

    def left_over(self) -> list[Finding]:
        """Find names that this run took from the PBX, and that are still there."""
        return [self._run.taken[name] for name in self._new if name in self._run.taken]

    def misplaced(self) -> Iterator[Finding]:
        """Find routes that are not in their place."""
        own = self._run.sent.keys() | self._run.in_part.keys()
        for moved in displaced(self._pairing.pairs, self._run.first_new, own):
            place = f"place {moved.found.place + 1} of {len(self._shown)}"
            yield Finding(moved.route.name, _misplacement(moved, place, new=self._is_new(moved.route)))

    def _is_new(self, route: Listed) -> bool:
        return route.place >= self._run.first_new

    # Routes that this run did not send.

    def lost(self) -> Iterator[Finding]:
        """Find routes that are gone, or take no call any more."""
        for route in self.missing:
            if route.name not in self._run.sent:
                yield Finding(route.name, f"{route.name} is gone from the PBX, though this run did not delete it")
        for route, found in self._pairing.pairs:
            if route.name not in self._run.sent and _lost_pattern(route, found):
                yield Finding(route.name, f"{route.name} has lost its pattern on the PBX, and takes no call now")

    def doubled(self) -> Iterator[Finding]:
        """Find names that are there more often than they should be."""
        more = {route.name for route in self._pairing.new}
        for name, count in Counter(route.name for route in self._shown).items():
            if count > 1 and name in more:
                sent = "" if name in self._run.sent or name in self._run.in_part else ", and this run did not send it"
                yield Finding(name, f"{name} is there {count} times{sent}; delete all but one on the PBX")

    def changed(self) -> list[str]:
        """Return the names of routes whose fields are not what they were, and that take calls."""
        return [
            route.name
            for route, found in self._others
            if route.items != found.items and not _lost_pattern(route, found)
        ]

    def moved(self) -> Iterator[tuple[str, str]]:
        """Find the first place where the order is another, as the name of a route and words."""
        shown = sorted(self._others, key=lambda both: both[1].place)
        for (route, _), (now, _) in zip(self._others, shown, strict=True):
            if now is not route:
                yield now.name, f"{now.name} was put above {route.name}"
                break

    def added(self) -> Iterator[str]:
        """Find what is new."""
        names = listed(self._strangers)
        perhaps = [route.name for route in self._pairing.missing if self._is_new(route)]
        if names and not perhaps:
            yield f"added on the PBX by somebody else meanwhile: {names}"
        elif names and not any(name in self._run.sent for name in perhaps):
            yield f"new on the PBX: {names}; perhaps what it made of {listed(perhaps)}, whose add counts as failed"


def _last(applied: Iterable[Change]) -> dict[str, Change]:
    """The changes without those of which a later one took over: a copy's add, once the copy has its final name."""
    last: dict[str, Change] = {}
    for change in applied:
        last.pop(_old_name(change), None)
        last[change.name] = change
    return last


def _taken(changes: Iterable[Change]) -> Iterator[tuple[str, Finding]]:
    """The names that changes take from the PBX; of a rename that failed both names may be there."""
    for change in changes:
        if change.after is None:
            yield change.name, Finding(change.name, f"{change.name} is still there")
        elif change.renames:
            finding = Finding(change.name, f"the old name, {_old_name(change)}, is still there too")
            yield from ((_old_name(change), finding), (change.name, finding))


def _old_name(change: Change) -> str:
    """The name that a route has before its change; that of a new one is its own."""
    return change.before.name if change.before else change.name


# What is said of single routes.


def _lost_pattern(route: Listed, found: Listed) -> bool:
    return route.takes_calls and not found.takes_calls


def _unlike(change: Change, sent: Route, found: Listed, *, guess: bool = False) -> str:
    """What is wrong with a route that was sent; ``guess`` says that only its place speaks for it."""
    before = change.before
    # What the PBX makes of the fields that were sent may be just what was there before.
    if before and found.items == (before,) and (change.renames or not may_be_stored_as(sent, before)):
        still = f"not there: the PBX still has it as {before.name}" if change.renames else "as it was before the update"
        return f"{sent.name} is {still}"
    if guess:
        fields = f"{_fields(sent, found)}. {_advice(sent, found)}"
        return f'{sent.name} is not there; a new route, "{found.name}", may be what the PBX made of it: {fields}'
    return _difference(sent, found)


def _difference(sent: Route, found: Listed) -> str:
    return f"{sent.name} is not stored as it was sent: {_fields(sent, found)}. {_advice(sent, found)}"


def _fields(sent: Route, found: Listed) -> str:
    """The fields that differ, with both values."""
    got = _other(sent, found).fields()
    return "; ".join(
        f'{name} was sent as "{_text(value)}" and stored as "{_text(got[name])}"'
        for name, value in sent.fields().items()
        if value != got[name]
    )


def _other(sent: Route, found: Listed) -> Route:
    """The first of a route's items that is not as it was sent."""
    return next((item for item in found.items if item != sent), sent)


def _text(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else ",".join(value)


def _advice(sent: Route, found: Listed) -> str:
    if not is_copy(sent.name):
        return what_to_write(sent, _other(sent, found))
    route = original(sent.name)
    return (
        f'Delete "{found.name}" on the PBX, and move {route} in its web page: either somebody changed the copy there, '
        "or this PBX does not keep a copy as it is sent, and can't move the route by one"
    )


def _misplacement(moved: Displaced, place: str, *, new: bool) -> str:
    name, others = moved.route.name, listed(moved.others, 3)
    if not new:
        where = f"below {others}, and belongs above" if moved.below else f"above {others}, and belongs below"
        which = "they may take its calls" if moved.below else "it may take their calls"
        return f"{name} is at {place} on the PBX, {where}: {which}. Put it in its place in the PBX's web page"
    way_out = "Put it at the end in the PBX's web page, or delete it there"
    if is_copy(name):
        way_out = f"Delete it in the PBX's web page, and move {original(name)} there"
    return (
        f"the PBX put the new route {name} at {place}, above {others}, and not at the end: it may take their calls. "
        f"{way_out}"
    )
