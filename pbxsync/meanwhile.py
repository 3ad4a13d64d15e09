"""The calls of a plan → warnings of those moments in which a call goes neither where it went nor where it will go."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pbxsync.dialplan.passing import Passing, Version, passing
from pbxsync.dialplan.table import row
from pbxsync.model import Action, Change, PlanWarning
from pbxsync.text import callers_in_words, numbers_in_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pbxsync.model import KnownRoute, Route


def meanwhile(known: Iterable[KnownRoute], calls: Sequence[Change]) -> Iterator[PlanWarning]:
    """Warn of what routes that are updated in place do to calls before the calls behind them are carried out.

    Adds, copies, deletes and renames do no such thing, in the order in which they run (see `pbxsync.steps`), so that
    only calls are looked at that an updated route matches, as it was or as it will be.
    """
    updates = [one for one in calls if one.action is Action.UPDATE and not _is_rename(one)]
    changing = [route for one in updates for route in (one.before, one.after) if route is not None]
    if changing and len(calls) > 1:
        for one in passing(versions(known, calls), len(calls), changing):
            yield PlanWarning("meanwhile", _message(one, calls))


def _is_rename(change: Change) -> bool:
    return all(field.field == "name" for field in change.fields)


def versions(known: Iterable[KnownRoute], calls: Iterable[Change]) -> list[Version]:
    """Every route as it is from one call to another, in the order of the PBX's table."""
    table: list[list[Version]] = [[Version(one.route, 0, _NEVER)] for one in known]
    place: dict[str, list[Version]] = {slot[0].route.name: slot for slot in table}
    for done, change in enumerate(calls, start=1):
        slot = place.pop(change.before.name, None) if change.before else []
        if slot is None:
            continue
        if slot:
            slot[-1] = replace(slot[-1], ends=done)
        else:
            table.append(slot)
        if change.after is not None:
            slot.append(Version(change.after, done, _NEVER))
            place[change.after.name] = slot
    return [version for slot in table for version in slot]


_NEVER = 1 << 62


def _message(one: Passing, calls: Sequence[Change]) -> str:
    numbers = numbers_in_words(one.numbers.patterns, one.numbers.but_not)
    example = "" if one.example == numbers else f" (such as {one.example})"
    who = callers_in_words(one.match, one.but_not)
    begins, ends = (f"{calls[at - 1].action} of {calls[at - 1].name}" for at in (one.begins, one.ends))
    before, now, after = (_goes(route, one.example) for route in (one.before, one.meanwhile, one.after))
    return (
        f"for a moment, from the {begins} to the {ends}, calls to {numbers}{who}{example} go {now}; "
        f"before that {before}, afterwards {after}"
    )


def _goes(route: Route | None, dial: str) -> str:
    """Where a call goes, and the digits that are sent, if they are not the number."""
    if route is None:
        return "nowhere"
    sends = row(route).sends(dial)
    digits = "" if sends == dial else f" as {sends}" if sends else " without digits"
    return f"to {', '.join(route.trunks)}{digits} ({route.name})"
