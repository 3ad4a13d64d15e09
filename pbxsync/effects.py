"""A plan and the known state → what the plan does to calls: its impact, where order goes wrong, which tests fail."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from pbxsync.dialplan.claims import verdicts
from pbxsync.dialplan.difference import compared
from pbxsync.dialplan.impact import entries
from pbxsync.dialplan.precedence import Overtaken, overtaken
from pbxsync.dialplan.regions import Regions
from pbxsync.dialplan.table import LAST_REACHED, RouteTable
from pbxsync.differ import was_asked
from pbxsync.known_state import with_changes
from pbxsync.matching import Matching
from pbxsync.meanwhile import meanwhile
from pbxsync.model import Action, Plan, PlanWarning
from pbxsync.names import original
from pbxsync.steps import steps
from pbxsync.text import LONGEST_PHRASE, callers_in_words, listed, numbers_in_words, short

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pbxsync.matching import Found
    from pbxsync.model import Change, Desired, Impact, KnownRoute, KnownState, PlanChoices, Route


def foreseen(plan: Plan, desired: Desired, known: KnownState, choices: PlanChoices) -> Plan:
    """The plan, with what it does to calls, as far as ``choices`` asks for it.

    Before is what is known to be on the PBX, after is that with the plan's changes: updates in place, adds at the end,
    deletes taken out.
    """
    before = [one.route for one in known.routes]
    calls = [step.change for step in steps(plan)]
    after = [one.route for one in with_changes(known.routes, calls)]
    declared = [one.route for one in desired.routes]
    if desired.tests:
        plan = replace(plan, tests=verdicts(RouteTable(after), desired.tests) if choices.tests else None)
    warnings = [*plan.warnings, *_too_many(after), *_too_many_meanwhile(plan, known, calls)]
    if not choices.impact:
        return replace(plan, warnings=tuple(warnings))
    regions = Regions()
    held = RouteTable(after)
    impact = entries(*compared(regions, RouteTable(before), held)) if plan.changes else ()
    if after != declared:
        found = overtaken(*compared(regions, RouteTable(declared), held))
        # What overtakes a route under its own name is doubled, or not as declared; moving it would change nothing.
        wrong = [one for one in found if one.route.name != one.by.name]
        can_move = was_asked(known) and not (choices.add_only or choices.reorder)
        order = _Order(plan, Matching(desired, known.routes).found, can_move=can_move)
        warnings += [order.warning(name, list(those)) for name, those in groupby(wrong, key=lambda one: one.route.name)]
    warnings += meanwhile(known.routes, calls)
    return replace(plan, impact=impact, warnings=tuple(warnings))


def calls_elsewhere(before: Iterable[KnownRoute], after: Iterable[KnownRoute]) -> tuple[Impact, ...]:
    """Return which calls go elsewhere by the routes that a PBX holds after a run than by those before it."""
    tables = (RouteTable([known.route for known in routes]) for routes in (before, after))
    return entries(*compared(Regions(), *tables))


def _too_many(after: Sequence[Route]) -> Iterator[PlanWarning]:
    beyond = after[LAST_REACHED:]
    if beyond:
        message = (
            f"of {len(after)} routes on the PBX calls may never reach those beyond the {LAST_REACHED}th, since "
            f"Asterisk gives up there: {listed((route.name for route in beyond), 10)}"
        )
        yield PlanWarning("beyond-limit", message)


def _too_many_meanwhile(plan: Plan, known: KnownState, calls: Sequence[Change]) -> Iterator[PlanWarning]:
    """Warn where copies are so low for a moment that calls may not reach them."""
    if not plan.count(Action.MOVE):
        return
    most = len(with_changes(known.routes, [call for call in calls if call.action is not Action.DELETE]))
    if most > LAST_REACHED:
        message = (
            f"while routes are moved the PBX holds up to {most} routes, and calls may never reach those beyond the "
            f"{LAST_REACHED}th, since Asterisk gives up there: for a moment some calls may not be routed; move fewer "
            "routes at a time, or apply when nobody calls"
        )
        yield PlanWarning("beyond-limit", message)


class _Order:
    """What there is to say of routes that lose calls to others above them on the PBX."""

    def __init__(self, plan: Plan, found: Sequence[Found], *, can_move: bool) -> None:
        self._appended = {change.name for change in plan.changes if change.action in (Action.ADD, Action.MOVE)}
        self._declared = {one.declared.route.name for one in found} | {one.name for own in found for one in own.there}
        self._ignored = set(plan.ignored)
        self._unmovable = {one.declared.route.name for one in found if one.immovable}
        hindered = any(warning.rule == "cannot-move" for warning in plan.warnings)
        self._can_move = can_move and not hindered and not plan.count(Action.MOVE)

    def warning(self, name: str, those: Sequence[Overtaken]) -> PlanWarning:
        """Return the warning of one route of the file, with all above it on the PBX that take its calls."""
        by = list(dict.fromkeys(overtaken.by.name for overtaken in those))
        own = [route for route in by if route in self._declared]
        strange = list(dict.fromkeys(original(route) for route in by if route not in self._declared | self._ignored))
        ignored = [route for route in by if route in self._ignored]
        remedies = []
        if own or ignored:
            hand = f"move {short(name)} above {short((own + ignored)[0])} on the PBX"
            helps = own and self._can_move and not self._unmovable.intersection(own)
            remedies.append(f"use --reorder, which moves {listed(own, 5)} below it, or {hand}" if helps else hand)
        if strange:
            # Perhaps they are right: nobody has said yet where they belong.
            remedies.append(
                f"declare {listed(strange, 5)}, unmanaged so far, in the file where it belongs, or delete it"
            )
        where = f"{'will be' if name in self._appended else 'is'} below {listed(by, 5)} on the PBX"
        taken = listed(map(_takes, those), 5, LONGEST_PHRASE)
        message = (
            f"{short(name)} {where}, and loses calls there that the file gives to it: {taken}; {'; '.join(remedies)}"
        )
        return PlanWarning("order", message)


def _takes(one: Overtaken) -> str:
    numbers = numbers_in_words(one.numbers.patterns, one.numbers.but_not)
    example = "" if one.example == numbers else f" (such as {one.example})"
    return f"{short(one.by.name)} takes {numbers}{callers_in_words(one.match, one.but_not)}{example}"
