"""What a PBX holds, against what was sent to it: what was stored otherwise, lost, doubled or put elsewhere."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from pbxsync.known_state import with_changes
from pbxsync.model import Change, Finding, KnownRoute, Outcome, Route, Status
from pbxsync.names import folded
from pbxsync.text import listed

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence


def stored_fault(change: Change, routes: Iterable[KnownRoute]) -> str | None:
    """Hold the PBX's routes against a change that it should have carried out; what is wrong in words, or None."""
    return _fault(change, _by_name(routes), ())


class Seen:
    """The routes that a PBX has shown, for questions about many of them."""

    def __init__(self, routes: Iterable[KnownRoute]) -> None:
        self._by_name: dict[str, list[KnownRoute]] = {}
        for known in routes:
            self._by_name.setdefault(folded(known.route.name), []).append(known)

    def once(self, route: Route) -> bool:
        """Whether the PBX holds exactly one route like this, by this very name."""
        return sum(known.route == route for known in self._by_name.get(folded(route.name), ())) == 1

    def id(self, change: Change) -> str | None:
        """The PBX's id of the route that a change updates or deletes, which must be there."""
        named = self._by_name[folded(change.before.name)] if change.before else []
        return next(known.id for known in named if known.route == change.before)

    def removal_fault(self, change: Change) -> str | None:
        """Why a route must not be deleted any more: it is not what was planned, or not alone.

        A PBX may delete by a name that it compares without regard to case.
        """
        named = self._by_name.get(folded(change.name), [])
        if len(named) > 1:
            count = len(named)
            return f"the PBX holds {count} routes by the name {change.name}, in whatever case, and may delete them all"
        if [known.route for known in named] != [change.before]:
            return f"{change.name} was changed on the PBX by somebody else meanwhile, and is not deleted"
        return None


def verify(
    known: Iterable[KnownRoute], outcomes: Iterable[Outcome], actual: Sequence[KnownRoute]
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Hold what the PBX has after a run against what it had before and what the run did.

    Gives the failures (what was not stored as sent, what was lost, doubled or put elsewhere), and notes of what
    somebody else changed.
    """
    outcomes = list(outcomes)
    applied = [outcome.change for outcome in outcomes if outcome.status is Status.APPLIED]
    expected = with_changes(known, applied)
    before, after = _by_name(expected), _by_name(actual)
    findings = list(_unlike_sent(applied, after, before))
    touched = {change.name for change in applied}
    findings += [
        Finding(name, f"{name} is gone from the PBX, though this run did not delete it")
        for name, routes in before.items()
        if name not in touched and len(after.get(name, ())) < len(routes)
    ]
    reordered = []
    for name, higher in _misplaced(expected, actual):
        if touched.isdisjoint([name, *higher]):
            reordered.append(f"put above {name} on the PBX by somebody else meanwhile: {listed(higher)}")
        else:
            message = f"{listed(higher, 3)} stands above {name} on the PBX, belongs behind it, and may take its calls"
            findings.append(Finding(higher[0], f"{message}; put it in its place on the PBX"))
    gone = {change.before.name for change in applied if change.before}
    # A delete that is carried out late leaves nothing to see.
    failed = {one.change.name for one in outcomes if one.status is Status.FAILED and one.change.after}
    return tuple(findings), (*_notes(before, after, touched | gone, failed), *reordered)


def doubled(
    known: Iterable[KnownRoute], outcomes: Iterable[Outcome], actual: Iterable[KnownRoute]
) -> tuple[Finding, ...]:
    """The names of routes that are there more often than before, though the run did not send them; see `verify`."""
    sent = {outcome.change.name for outcome in outcomes if outcome.status is Status.APPLIED}
    before = Counter(one.route.name for one in known)
    after = Counter(one.route.name for one in actual)
    return tuple(
        Finding(name, f"{name} is there {count} times, and this run did not send it; delete all but one on the PBX")
        for name, count in after.items()
        if count > max(1, before[name]) and name not in sent
    )


def _unlike_sent(
    applied: Iterable[Change], there: Mapping[str, list[Route]], expected: Mapping[str, list[Route]]
) -> Iterator[Finding]:
    """What the PBX did not store as it was sent, for each change that counts at the end."""
    faults = [(change, fault) for change in _last(applied) if (fault := _fault(change, there, expected))]
    missing = [change.after for change, _ in faults if change.after and change.name not in there]
    strangers = [one for name in there if missing and name not in expected for one in there[name]]
    renamed = {replace(one, name=""): one.name for one in strangers}
    for change, fault in faults:
        if change.after in missing:
            only = strangers[0] if len(missing) == len(strangers) == 1 else None
            fault += _elsewhere(change.after, renamed, only)
        yield Finding(change.name, fault)


def _elsewhere(sent: Route, renamed: Mapping[Route, str], only: Route | None) -> str:
    """Under which other name the PBX may hold a route that is not there; ``only`` is its one new route of no change."""
    name = renamed.get(replace(sent, name=""))
    if name is not None:
        return f'; the PBX has stored its fields under the name "{name}"'
    if only is None:
        return ""
    return f'; a new route, "{only.name}", may be what the PBX made of it: {_fields_unlike(sent, only)}'


def _last(applied: Iterable[Change]) -> Iterable[Change]:
    """The changes without those of which a later one took over: a copy's add, once the copy has its final name."""
    last: dict[str, Change] = {}
    for change in applied:
        if change.before:
            last.pop(change.before.name, None)
        last[change.name] = change
    return last.values()


def _by_name(routes: Iterable[KnownRoute]) -> dict[str, list[Route]]:
    """The routes of each name in their order; there may be two of one name."""
    found: dict[str, list[Route]] = {}
    for known in routes:
        found.setdefault(known.route.name, []).append(known.route)
    return found


def _fault(change: Change, there: Mapping[str, list[Route]], expected: Container[str]) -> str | None:
    """What is wrong with the routes of a change's names; another route may be ``expected`` to have the old name."""
    named = there.get(change.name, [])
    if change.after is None:
        return f"{change.name} is still there" if named else None
    if not named:
        return f"{change.name} is not there"
    faults = [f"{change.name} is there {len(named)} times"] if len(named) > 1 else []
    before = change.before
    if before and before.name != change.name and before.name in there and before.name not in expected:
        faults.append(f"the old name, {before.name}, is still there too")
    faults += [_difference(change.after, stored) for stored in dict.fromkeys(named) if stored != change.after]
    return "; ".join(faults) or None


def _difference(sent: Route, stored: Route) -> str:
    return f"{sent.name} is not stored as it was sent: {_fields_unlike(sent, stored)}"


def _fields_unlike(sent: Route, stored: Route) -> str:
    got = stored.fields()
    fields = [
        f'{name} was sent as "{_shown(value)}" and stored as "{_shown(got[name])}"'
        for name, value in sent.fields().items()
        if value != got[name]
    ]
    return "; ".join(fields)


def _shown(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else ",".join(value)


def _misplaced(expected: Iterable[KnownRoute], actual: Sequence[KnownRoute]) -> Iterable[tuple[str, Sequence[str]]]:
    """Names of routes, each with those that stand above it and belong behind it."""
    there = _by_name(actual)
    place = {known.route.name: n for n, known in enumerate(actual) if len(there[known.route.name]) == 1}
    above: dict[str, list[str]] = {}
    last: str | None = None
    for known in expected:
        name = known.route.name
        if name not in place:
            continue
        if last is not None and place[name] < place[last]:
            above.setdefault(last, []).append(name)
        else:
            last = name
    return above.items()


def _notes(
    before: Mapping[str, list[Route]], after: Mapping[str, list[Route]], own: set[str], failed: set[str]
) -> Iterator[str]:
    """What changed on the PBX and was none of this run's doing, or that the run did not know of."""
    unsure = failed - own
    late = [name for name in after if name in unsure and after[name] != before.get(name)]
    if late:
        yield f"sent by this run and called failed, but on the PBX by now: {listed(late)}; plan again to see"
    known = own | failed
    rest = [name for name in after if name not in known]
    changed = [name for name in rest if name in before and after[name] != before[name]]
    changed = [name for name in changed if len(after[name]) == len(before[name])]
    if changed:
        yield f"changed on the PBX by somebody else meanwhile: {listed(changed)}"
    new = [name for name in rest if name not in before]
    if new:
        yield f"added on the PBX by somebody else meanwhile: {listed(new)}"
