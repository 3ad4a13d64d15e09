"""Where each route of a file is to stand: which of them must go to the end, behind what, and for which calls."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbxsync.dialplan.order import TOLD, Placed, Standing, placed
from pbxsync.model import Behind, NumberWords, Route
from tests import dialplan_strategies
from tests.dialplan_strategies import callers_between, callers_of, numbers_of, numbers_of_all, winners
from tests.naive_dialplan import sent
from tests.share import examples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.reordering import Call

NOWHERE = Standing()
UNKNOWN = Standing(known=False)
REST = Route("rest", "X.", ("out",))
WORLD = Route("world", "X.", ("intl",), prefix="9011")
BRANCH = Route("branch", "7XXX", ("to-branch",))


def at(*places: int) -> Standing:
    return Standing(places)


def fixed(*places: int) -> Standing:
    return Standing(places, fixed=True)


def places(declared: Sequence[Route], *standing: Standing) -> list[int | None]:
    return [one.place for one in placed(declared, standing)]


def reasons(one: Placed) -> list[tuple[str, tuple[str, ...]]]:
    """What a route must come behind, and the numbers why."""
    return [(behind.route, behind.numbers) for behind in one.behind]


# --- against a reference that tries every call --------------------------------------------------------------------


#: Patterns most of which have numbers in common, so that the order of their routes matters.
TEXTS = st.sampled_from(["X.", ".", "!", "0!", "1X", "XX", "N.", "[01]X!", "X[2-9]", "1[0-9*#+]!"])


@st.composite
def routes(draw: st.DrawFn) -> Route:
    """Routes that have calls in common, and some that are odd.

    None of them puts a 2 in front: in what is tried below it stands for all digits from 2 on.
    """
    route = draw(dialplan_strategies.routes())
    route = replace(route, prepend=route.prepend.replace("2", "1"))
    return replace(route, prefix="", matchpattern=draw(TEXTS)) if draw(st.integers(0, 3)) else route


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[Route], list[Standing]]:
    """A file's routes, each at no place, at one or at several; some can't be moved, of some it isn't known where."""
    drawn = draw(st.lists(routes(), min_size=2, max_size=5))
    named = [replace(route, name=name) for name, route in zip("abcde", drawn, strict=False)]
    free = iter(draw(st.permutations(range(15))))
    standing = []
    for _ in named:
        count = draw(st.sampled_from([0, 1, 1, 2, 3]))
        kind = draw(st.sampled_from(["movable"] * 6 + ["fixed", "unknown", "copied", "copied"]))
        own = tuple(sorted(next(free) for _ in range(count)))
        standing.append(Standing(own, fixed=kind == "fixed", known=kind != "unknown", copied=kind == "copied"))
    return named, standing


def conflicts(declared: Sequence[Route]) -> dict[tuple[int, int], set[Call]]:
    """For each upper and lower route the calls that the file gives to the upper one, and that the lower one matches and
    would send otherwise."""
    found: dict[tuple[int, int], set[Call]] = defaultdict(set)
    shapes = [(numbers_of(route.prefix + route.matchpattern), callers_of(route.callerid)) for route in declared]
    for number, by_caller in winners(declared).items():
        fates = [(route.trunks, sent(route, number)) for route in declared]
        lower = [at for at, (numbers, _) in enumerate(shapes) if number in numbers]
        for caller, winner in by_caller.items():
            for at in lower:
                if winner is not None and at > winner and fates[at] != fates[winner] and caller in shapes[at][1]:
                    found[winner, at].add((number, caller))
    return found


def expected(declared: Sequence[Route], standing: Sequence[Standing]) -> list[tuple[int | None, dict[str, set[Call]]]]:
    """The place of each route, and what it must come behind for which calls, route by route from the top."""
    found: list[tuple[int | None, dict[str, set[Call]]]] = []
    now: list[float] = []
    why = conflicts(declared)
    for lower, one in enumerate(standing):
        place = one.places[0] if one.places else None
        above: list[int] = []
        if place is not None:
            above = [upper for upper in range(lower) if now[upper] > place and (upper, lower) in why]
            needed = max((now[upper] for upper in above), default=-math.inf)
            lowest = place if one.copied else None
            stays = one.fixed or not one.known
            place = place if stays else next((other for other in one.places if other > needed), lowest)
        found.append((place, {declared[upper].name: why[upper, lower] for upper in above}))
        now.append(-math.inf if not one.known else math.inf if place is None else place)
    return found


def calls_of(one: Behind) -> set[Call]:
    callers = callers_between(one.match, one.but_not)
    return {(number, caller) for number in numbers_of_all(one.numbers) for caller in callers}


@given(tables())
@settings(max_examples=examples(300))
def test_places_and_reasons_are_those_that_a_simple_reference_finds_by_trying_every_call(
    table: tuple[list[Route], list[Standing]],
) -> None:
    found = []
    for one in placed(*table):
        calls: dict[str, set[Call]] = {}
        for behind in one.behind:
            these = calls_of(behind)
            assert these, f"no call at all: {behind}"
            assert not these & calls.setdefault(behind.route, set()), f"told twice: {behind}"
            calls[behind.route] |= these
        assert one.others == 0
        found.append((one.place, calls))
    assert found == expected(*table)


@given(tables())
def test_what_a_route_must_come_behind_is_told_from_the_top_of_the_file_and_its_words_say_the_same_numbers(
    table: tuple[list[Route], list[Standing]],
) -> None:
    for one in placed(*table):
        names = [behind.route for behind in one.behind]
        assert names == sorted(names)
        for behind in one.behind:
            words = numbers_of_all(behind.words.patterns) - numbers_of_all(behind.words.but_not)
            assert words == numbers_of_all(behind.numbers)


@given(st.lists(routes(), max_size=6), st.data())
def test_where_all_stand_as_in_the_file_and_the_missing_ones_come_last_all_stay(
    declared: list[Route], data: st.DataObject
) -> None:
    count = data.draw(st.integers(0, len(declared)))
    standing = [Standing((3 * place, 3 * place + 1)) for place in range(count)] + [NOWHERE] * (len(declared) - count)
    assert placed(declared, standing) == [Placed(one.places[0] if one.places else None) for one in standing]


# --- which routes go to the end -----------------------------------------------------------------------------------


def test_a_route_whose_calls_a_lower_one_would_take_makes_that_one_come_behind_it() -> None:
    new, world, rest = placed([BRANCH, WORLD, REST], [NOWHERE, at(0), at(1)])
    assert (new, world) == (Placed(None), Placed(0))
    assert rest == Placed(None, (Behind("branch", ("7XXX",), (), (), NumberWords(("7XXX",))),))


def test_what_must_come_behind_a_route_that_goes_to_the_end_goes_there_too() -> None:
    middle, last = Route("middle", "[78]XXX", ("m",)), Route("last", "8X.", ("l",))
    aside = Route("aside", "6X.", ("a",))
    found = placed([BRANCH, middle, last, aside], [NOWHERE, at(0), at(1), at(2)])
    assert [one.place for one in found] == [None, None, None, 2]
    assert [reasons(one) for one in found] == [[], [("branch", ("7XXX",))], [("middle", ("8XXX",))], []]


def test_a_route_is_left_where_it_stands_below_all_that_it_must_come_behind() -> None:
    assert places([BRANCH, WORLD, REST], at(2), at(1), at(3)) == [2, 1, 3]
    assert places([BRANCH, WORLD, REST], at(2), at(3), at(1)) == [2, 3, None]
    assert places([BRANCH, WORLD, REST], at(1), at(3), at(2)) == [1, 3, None]


def test_a_route_that_takes_no_call_in_the_file_is_no_reason() -> None:
    dead = Route("dead", "7123", ("d",))
    assert places([BRANCH, dead, REST], at(0), NOWHERE, at(1)) == [0, None, 1]
    assert places([BRANCH, replace(BRANCH, name="again"), REST], at(0), NOWHERE, at(1)) == [0, None, 1]


def test_a_route_that_no_call_can_match_stays_and_is_no_reason() -> None:
    broken = Route("broken", "9[", ("c",))
    assert places([BRANCH, broken, REST], at(1), at(0), at(2)) == [1, 0, 2]
    assert places([broken, REST], NOWHERE, at(0)) == [None, 0]


def test_digits_that_are_sent_the_same_to_the_same_trunks_are_no_reason() -> None:
    assert places([replace(WORLD, trunks=("out",), prepend="9011"), REST], NOWHERE, at(0)) == [None, 0]
    assert places([replace(WORLD, prepend="9011"), REST], NOWHERE, at(0)) == [None, None]
    assert places([replace(BRANCH, trunks=("out",)), REST], NOWHERE, at(0)) == [None, 0]


def test_only_the_numbers_that_are_sent_otherwise_are_a_reason() -> None:
    either = Route("either", "XX", ("out",), prefix="[89]", prepend="9")
    _, rest = placed([either, REST], [NOWHERE, at(0)])
    assert reasons(rest) == [("either", ("8XX",))]


def test_a_route_of_the_same_digits_may_stand_between_two_that_send_others() -> None:
    same = Route("same", "7XXX", ("out",))
    other = Route("other", "7[1-3]XX", ("o",))
    _, _, rest = placed([other, same, REST], [NOWHERE, NOWHERE, at(0)])
    assert reasons(rest) == [("other", ("7[1-3]XX",))]


# --- callers ------------------------------------------------------------------------------------------------------


def test_the_callers_for_whom_a_route_must_come_behind_are_told() -> None:
    boss = replace(REST, name="boss", trunks=("b",), callerid="201")
    sales = replace(REST, name="sales", trunks=("s",), callerid="20X")
    _, _, rest = placed([boss, sales, REST], [NOWHERE, NOWHERE, at(0)])
    assert [(one.route, one.match, one.but_not) for one in rest.behind] == [
        ("boss", ("201",), ()),
        ("sales", ("20X",), ("201",)),
    ]


def test_the_callers_are_told_without_conditions_that_say_nothing() -> None:
    support = replace(REST, name="support", trunks=("t",), callerid="30X")
    sales = replace(REST, name="sales", trunks=("s",), callerid="20X")
    also = replace(REST, name="also", trunks=("a",), callerid="20X")
    *_, rest = placed([support, sales, REST], [NOWHERE, NOWHERE, at(0)])
    assert [(one.route, one.match, one.but_not) for one in rest.behind] == [
        ("support", ("30X",), ()),
        ("sales", ("20X",), ()),
    ]
    _, also_ = placed([replace(sales, matchpattern="7X."), also], [NOWHERE, at(0)])
    assert [(one.route, one.match, one.but_not) for one in also_.behind] == [("sales", ("20X",), ())]


def test_routes_for_other_callers_are_no_reason_and_everybody_else_is_told_as_such() -> None:
    sales = replace(REST, name="sales", trunks=("s",), callerid="20X")
    support = replace(REST, name="support", trunks=("t",), callerid="30X")
    assert places([sales, support], NOWHERE, at(0)) == [None, 0]
    every = Route("every", ".", ("e",))
    _, rest, last = placed([sales, REST, every], [at(0), NOWHERE, at(1)])
    assert (rest.place, last.place) == (None, None)
    assert [(one.route, one.match, one.but_not) for one in last.behind] == [("rest", (), ("20X",))]


def test_a_caller_who_is_asked_for_above_in_other_words_is_no_reason() -> None:
    first = replace(REST, name="first", trunks=("s",), callerid="20X")
    hidden = replace(REST, name="hidden", trunks=("t",), callerid="20[0-9]")
    assert places([first, hidden, REST], at(0), NOWHERE, at(1)) == [0, None, 1]


# --- fixed, unknown, several places -------------------------------------------------------------------------------


def test_a_fixed_route_stays_and_it_is_told_what_it_should_come_behind() -> None:
    found = placed([BRANCH, REST], [NOWHERE, fixed(0)])
    assert [one.place for one in found] == [None, 0]
    assert reasons(found[1]) == [("branch", ("7XXX",))]


def test_what_must_come_behind_a_fixed_route_goes_by_where_that_one_stands() -> None:
    middle = Route("middle", "[78]XXX", ("m",))
    last = Route("last", "8X.", ("l",))
    assert places([BRANCH, middle, last], NOWHERE, fixed(0), at(1)) == [None, 0, 1]
    assert places([BRANCH, middle, last], NOWHERE, fixed(1), at(0)) == [None, 1, None]


def test_a_fixed_route_of_several_places_stays_at_the_first() -> None:
    assert places([BRANCH, REST], at(1), fixed(0, 2)) == [1, 0]


@pytest.mark.parametrize("standing", [UNKNOWN, Standing((0,), known=False), Standing((2, 3), known=False)])
def test_nothing_is_moved_on_account_of_a_route_of_which_it_is_not_known_where_it_stands(standing: Standing) -> None:
    assert places([BRANCH, WORLD, REST], standing, at(4), at(1)) == [
        standing.places[0] if standing.places else None,
        4,
        None,
    ]
    assert reasons(placed([BRANCH, WORLD, REST], [standing, at(4), at(1)])[2]) == [("world", ("9011X.",))]
    assert placed([BRANCH, REST], [standing, at(1)])[1] == Placed(1)


def test_a_route_of_which_it_is_not_known_where_it_stands_is_not_moved_itself() -> None:
    found = placed([BRANCH, REST], [NOWHERE, Standing((0, 1), known=False)])
    assert found[1].place == 0
    assert reasons(found[1]) == [("branch", ("7XXX",))]


def test_of_several_places_the_first_one_counts_that_is_below_all_that_must_come_before() -> None:
    assert places([BRANCH, WORLD, REST], at(1), at(3), at(0, 2, 4, 6)) == [1, 3, 4]
    assert places([BRANCH, WORLD, REST], at(1), at(3), at(0, 2)) == [1, 3, None]
    assert places([BRANCH, WORLD, REST], at(1), at(3), at(4, 5)) == [1, 3, 4]


def test_a_route_at_several_places_is_where_it_was_placed_to_those_below_it() -> None:
    middle, last = Route("middle", "[78]XXX", ("m",)), Route("last", "8X.", ("l",))
    assert places([BRANCH, middle, last], at(1), at(0, 3), at(2)) == [1, 3, None]
    assert places([BRANCH, middle, last], at(1), at(0, 3), at(4)) == [1, 3, 4]
    assert places([BRANCH, middle, last], at(1), at(2, 4), at(3)) == [1, 2, 3]


def test_a_route_that_stays_at_its_first_place_is_behind_nothing_though_its_copy_stands_lower() -> None:
    assert placed([BRANCH, REST], [at(0), at(1, 2)])[1] == Placed(1)
    assert reasons(placed([BRANCH, REST], [at(1), at(0, 2)])[1]) == [("branch", ("7XXX",))]


def test_a_route_of_which_there_is_a_copy_never_goes_to_the_end_but_may_be_where_the_copy_is() -> None:
    copied = Standing((0, 2), copied=True)
    assert places([BRANCH, REST], at(1), copied) == [1, 2]
    for found in (placed([BRANCH, REST], [at(3), copied]), placed([BRANCH, REST], [NOWHERE, copied])):
        assert found[1].place == 0
        assert reasons(found[1]) == [("branch", ("7XXX",))]
    last = Route("last", ".", ("l",))
    assert places([BRANCH, REST, last], at(3), copied, at(1)) == [3, 0, None]
    assert places([REST, last], copied, at(1)) == [0, 1]


# --- many ---------------------------------------------------------------------------------------------------------


def branches(count: int) -> list[Route]:
    return [Route(f"branch-{n}", f"7{n:03}", (f"to-{n}",)) for n in range(count)]


@pytest.mark.parametrize(("count", "others"), [(TOLD - 1, 0), (TOLD, 0), (TOLD + 1, 1), (TOLD + 80, 80)])
def test_of_more_routes_than_are_told_the_first_of_the_file_are_told_and_the_others_counted(
    count: int, others: int
) -> None:
    # The PBX has them the other way round, and the file's last above all: what is told is the order of the file.
    standing = [at(place) for place in range(count, 0, -1)]
    *rest, last = placed([*branches(count), REST], [*standing, at(0)])
    assert all(one == Placed(at.places[0]) for one, at in zip(rest, standing, strict=True))
    assert (last.place, last.others) == (None, others)
    assert reasons(last) == [(f"branch-{n}", (f"7{n:03}",)) for n in range(min(count, TOLD))]


def test_of_many_routes_only_those_that_stand_below_and_send_otherwise_are_a_reason() -> None:
    many = branches(200)
    standing = [at(n if n < 100 else n + 1) for n in range(200)]
    same = [replace(route, trunks=REST.trunks) if n % 2 else route for n, route in enumerate(many)]
    *_, last = placed([*same, REST], [*standing, at(100)])
    assert last.others == 50 - TOLD
    assert [one.route for one in last.behind] == [f"branch-{n}" for n in range(100, 140, 2)]


def test_the_same_digits_to_other_trunks_in_all_are_a_reason() -> None:
    assert places([replace(WORLD, trunks=("out", "more"), prepend="9011"), REST], NOWHERE, at(0)) == [None, None]
    assert places([replace(BRANCH, trunks=("more", "out")), REST], NOWHERE, at(0)) == [None, None]


def test_a_route_that_has_nothing_in_common_with_many_that_stand_below_it_stays() -> None:
    many = branches(200)
    aside = Route("aside", "8X.", ("a",))
    assert places([*many, aside], *[at(n + 1) for n in range(200)], at(0))[-1] == 0
