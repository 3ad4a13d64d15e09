"""Files and PBX tables that share routes in whatever order, and what a reorder must make of them, in plain words.

The reference tries every call that the small patterns of `tests.dialplan_strategies` can tell apart, one by one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from hypothesis import strategies as st

from pbxsync.differ import plan
from pbxsync.known_state import with_changes
from pbxsync.model import Action, KnownRoute, KnownState, PlanChoices, Route
from pbxsync.names import COPY
from pbxsync.steps import steps
from pbxsync.stored import may_be_stored_as
from tests import dialplan_strategies
from tests.dialplan_strategies import CALLERS, NUMBERS, callers_of, numbers_of, winners
from tests.naive_dialplan import sent
from tests.strategies import desired

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pbxsync.model import Desired, Plan

REORDER = PlanChoices(reorder=True)
PRUNE = PlanChoices(reorder=True, prune=True, max_deletes=1000)

#: What is sent where for a call; None where it isn't routed.
Fate: TypeAlias = tuple[tuple[str, ...], str] | None
Call: TypeAlias = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Case:
    """What a file declares, and the routes that its PBX has."""

    declared: tuple[Route, ...]
    held: tuple[Route, ...]
    renamed: tuple[tuple[str, str], ...] = ()

    @property
    def desired(self) -> Desired:
        return desired(list(self.declared), dict(self.renamed))

    @property
    def known(self) -> KnownState:
        return known(self.held)

    def plan(self, choices: PlanChoices = REORDER) -> Plan:
        return plan(self.desired, self.known, choices)


def known(held: Iterable[Route]) -> KnownState:
    return with_ids(tuple(KnownRoute(route) for route in held))


def with_ids(routes: Sequence[KnownRoute]) -> KnownState:
    """What a query answers: those that have no id yet have got one."""
    used = {one.id for one in routes}
    fresh = (str(number) for number in range(1, 1000) if str(number) not in used)
    return KnownState("https://192.0.2.10", tuple(one if one.id else replace(one, id=next(fresh)) for one in routes))


def after(state: KnownState, made: Plan, count: int | None = None) -> KnownState:
    """What the PBX holds once so many of the plan's steps are done; all of them with None."""
    calls = [step.change for step in steps(made)]
    return with_ids(with_changes(state.routes, calls if count is None else calls[:count]))


def table(state: KnownState) -> list[Route]:
    return [one.route for one in state.routes]


def updates(made: Plan) -> int:
    """How many of the plan's steps change routes in place."""
    return sum(change.action is Action.UPDATE for change in made.changes)


def complaints(made: Plan) -> list[str]:
    """What a plan says of routes that must be moved and can't be."""
    return [warning.message for warning in made.warnings if warning.rule == "cannot-move"]


def fates(routes: Sequence[Route]) -> dict[Call, Fate]:
    """What becomes of every call."""
    found: dict[Call, Fate] = {}
    for number, by_caller in winners(routes).items():
        for caller, index in by_caller.items():
            found[number, caller] = None if index is None else (routes[index].trunks, sent(routes[index], number))
    return found


def matching(route: Route) -> set[Call]:
    """Every call that the route takes if none above it does."""
    numbers, callers = numbers_of(route.prefix + route.matchpattern), callers_of(route.callerid)
    return {(number, caller) for number in NUMBERS if number in numbers for caller in CALLERS if caller in callers}


def conflicts(declared: Sequence[Route]) -> set[tuple[int, int]]:
    """Pairs of an upper and a lower route of a file: the lower one matches calls that the upper one takes, and would
    send them otherwise."""
    found = set()
    taken = winners(declared)
    lower = [matching(route) for route in declared]
    for number, by_caller in taken.items():
        for caller, x in by_caller.items():
            if x is None:
                continue
            for y in range(x + 1, len(declared)):
                if (x, y) not in found and (number, caller) in lower[y]:
                    one, other = declared[x], declared[y]
                    if (one.trunks, sent(one, number)) != (other.trunks, sent(other, number)):
                        found.add((x, y))
    return found


def breaks_rule(declared: Sequence[Route], held: Sequence[Route], moved: Iterable[int]) -> set[int]:
    """The routes of the file, by index, that must be moved by the rule, given that these are."""
    place = {route.name: at for at, route in enumerate(held)}
    late = set(moved) | {at for at, route in enumerate(declared) if route.name not in place}
    return {
        y
        for x, y in conflicts(declared)
        if declared[y].name in place and (x in late or place[declared[x].name] > place[declared[y].name])
    }


def must_move(declared: Sequence[Route], held: Sequence[Route]) -> set[str]:
    """The names of the least set of routes that the rule is closed under, by trying until nothing is added."""
    moved: set[int] = set()
    while True:
        more = moved | breaks_rule(declared, held, moved)
        if more == moved:
            return {declared[at].name for at in moved}
        moved = more


@st.composite
def cases(draw: st.DrawFn, *, changed: bool = True, unmanaged: bool = True, most: int = 5) -> Case:
    """Files and PBX tables: some routes of the file are missing on the PBX, it has others, and all in another order.

    With ``changed`` some of those that are on both differ.
    """
    pools = st.lists(dialplan_strategies.routes(), min_size=1, max_size=most)
    pool = [replace(route, name=name) for name, route in zip("abcdefgh", draw(pools), strict=False)]
    declared = [route for route in pool if draw(st.integers(0, 4))] if unmanaged else pool
    held = draw(st.permutations([route for route in pool if draw(st.integers(0, 3))]))
    if changed:
        other = st.one_of(st.none(), st.none(), dialplan_strategies.routes())
        held = [replace(new, name=route.name) if (new := draw(other)) else route for route in held]
    # A route with the fields of another one may be that one, and then nothing is done about it.
    held = [route for route in held if not any(may_be_one(route, other) for other in (*pool, *held))]
    return Case(tuple(declared), tuple(held))


def may_be_one(stored: Route, other: Route) -> bool:
    """Whether a route of a PBX may be another one, under another name."""
    return other.name != stored.name and may_be_stored_as(other, stored)


@st.composite
def moving(draw: st.DrawFn) -> Case:
    """Cases of which nearly all move routes: broad patterns, each route with its own trunk. A PBX takes all of them."""
    patterns = st.sampled_from(["X.", ".", "1.", "XX", "[01]X", "0X.", "1X", "!"])
    callerids = st.sampled_from(["", "", "", "1X", "X."])
    pool = [Route(name, draw(patterns), (f"to-{name}",), callerid=draw(callerids)) for name in "abcd"]
    declared = [route for route in pool if draw(st.integers(0, 5))]
    held = draw(st.permutations([route for route in pool if draw(st.integers(0, 4))]))
    return Case(tuple(declared), tuple(held))


@st.composite
def half_done(draw: st.DrawFn) -> Case:
    """Cases of which the PBX holds copies, anywhere, beside their routes or alone, and the file renames some routes."""
    case = draw(moving())
    copies = [
        replace(route, name=route.name + COPY * times)
        for route in case.held
        for times in draw(st.lists(st.sampled_from([1, 2]), max_size=2, unique=True))
    ]
    gone = draw(st.sets(st.sampled_from("abcd")))
    kept = [route for route in case.held if route.name not in gone]
    renamed = {name.upper() * 2: name for name in draw(st.sets(st.sampled_from("abcd"), max_size=2))}
    former = {old: new for new, old in renamed.items()}
    declared = [replace(route, name=former.get(route.name, route.name)) for route in case.declared]
    held = draw(st.permutations([*kept, *copies]))
    return Case(tuple(declared), tuple(held), tuple(renamed.items()))
