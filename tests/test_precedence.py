"""A file's order against a PBX's: held against a simple reference by trying every call, and on examples."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from hypothesis import assume, given
from hypothesis import strategies as st

from pbxsync.dialplan.difference import compared
from pbxsync.dialplan.precedence import Overtaken, overtaken
from pbxsync.dialplan.regions import Regions
from pbxsync.dialplan.table import RouteTable
from pbxsync.model import Route
from tests import naive_dialplan
from tests.dialplan_strategies import (
    CALLERS,
    NUMBERS,
    PREPENDS,
    TRUNKS,
    callers_between,
    callers_of,
    numbers_of,
    numbers_of_all,
    routes,
    winners,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

Calls: TypeAlias = set[tuple[str, str | None]]

#: What becomes on the PBX of a route that the file declares.
KINDS = ["as declared", "as declared", "as declared", "respelt", "otherwise", "renamed", "missing"]

SPECIAL = Route("special", "9011X.", ("intl",))
LOCAL = Route("local", "9NXXXXXX", ("a",))
REST = Route("rest", "9.", ("b",))


def found(declared: Sequence[Route], held: Sequence[Route]) -> tuple[Overtaken, ...]:
    return overtaken(*compared(Regions(), RouteTable(declared), RouteTable(held)))


def does(route: Route) -> tuple[object, ...]:
    """What a route does to calls, whatever it is called and however that is spelt."""
    text = route.prefix + route.matchpattern
    left = len(naive_dialplan.sent(replace(route, prepend=""), "5" * 79))
    return (numbers_of(text), callers_of(route.callerid), left, route.prepend, route.trunks)


def treated(route: Route, number: str) -> tuple[object, ...]:
    return route.trunks, naive_dialplan.sent(route, number)


def as_a_reference_says(declared: Sequence[Route], held: Sequence[Route]) -> dict[tuple[Route, Route], Calls]:
    """For each route of the file, and each that overtakes it, the calls, found by trying every one."""
    there = set(map(does, held))
    calls: dict[tuple[Route, Route], Calls] = defaultdict(set)
    wanted, actual = winners(declared), winners(held)
    for number in NUMBERS:
        for caller in CALLERS:
            ours, theirs = wanted[number][caller], actual[number][caller]
            if ours is None or theirs is None:
                continue
            route, by = declared[ours], held[theirs]
            if does(route) in there and treated(route, number) != treated(by, number):
                calls[route, by].add((number, caller))
    return calls


def respelt(text: str) -> str:
    """The pattern as somebody else might write it, who says otherwise that something follows."""
    return f"{text[:-1]}[0-9*#+]!" if text.endswith(".") else text


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[Route], list[Route]]:
    """A file's routes, and what a PBX may hold of them: in another order, not all as declared, others in between."""
    declared = draw(st.lists(routes(), min_size=1, max_size=5))
    held = []
    for route in draw(st.permutations(declared)):
        kind = draw(st.sampled_from(KINDS))
        if kind == "as declared":
            held.append(route)
        elif kind == "renamed":
            held.append(replace(route, name=f"{route.name}-old"))
        elif kind == "respelt":
            held.append(replace(route, matchpattern=respelt(route.matchpattern), callerid=respelt(route.callerid)))
        elif kind == "otherwise":
            held.append(replace(route, trunks=draw(TRUNKS), prepend=draw(PREPENDS)))
    for unmanaged in draw(st.lists(routes(), max_size=2)):
        held.insert(draw(st.integers(0, len(held))), replace(unmanaged, name=f"{unmanaged.name}-theirs"))
    return declared, held


@given(tables())
def test_exactly_the_calls_that_a_simple_reference_finds_are_overtaken(both: tuple[list[Route], list[Route]]) -> None:
    declared, held = both
    calls: dict[tuple[Route, Route], Calls] = defaultdict(set)
    for one in found(declared, held):
        numbers = numbers_of_all(one.numbers.patterns) - numbers_of_all(one.numbers.but_not)
        these = {(number, caller) for number in numbers for caller in callers_between(one.match, one.but_not)}
        assert these, f"no call at all: {one}"
        assert not these & calls[one.route, one.by], f"told of twice: {one}"
        assert any(naive_dialplan.takes(text, one.example) for text in one.numbers.patterns)
        assert not any(naive_dialplan.takes(text, one.example) for text in one.numbers.but_not)
        calls[one.route, one.by] |= these
    assert calls == as_a_reference_says(declared, held)


@given(tables())
def test_what_is_overtaken_comes_in_the_order_of_the_file_and_then_of_the_pbx(
    both: tuple[list[Route], list[Route]],
) -> None:
    declared, held = both
    places = [(declared.index(one.route), held.index(one.by)) for one in found(declared, held)]
    assert places == sorted(places)


@given(st.lists(routes(), max_size=6), st.lists(routes(), max_size=2))
def test_nothing_is_overtaken_where_the_routes_stand_as_in_the_file_and_others_below_them(
    declared: list[Route], unmanaged: list[Route]
) -> None:
    assert found(declared, [*declared, *unmanaged]) == ()


@given(st.lists(routes(), max_size=5), st.data())
def test_nothing_is_overtaken_where_some_routes_are_missing_and_the_others_stand_as_in_the_file(
    declared: list[Route], data: st.DataObject
) -> None:
    missing = data.draw(st.sets(st.integers(0, 4)))
    held = [route for place, route in enumerate(declared) if place not in missing]
    assert found(declared, held) == ()


@given(st.permutations([SPECIAL, LOCAL, Route("other", "7XXX", ("c",)), Route("911", "911", ("c",))]))
def test_an_order_that_no_call_notices_is_no_matter(held: list[Route]) -> None:
    assert found([SPECIAL, LOCAL, Route("other", "7XXX", ("c",)), Route("911", "911", ("c",))], held) == ()


@given(routes(), routes())
def test_of_two_routes_that_changed_places_each_overtaken_call_is_one_that_both_take(one: Route, other: Route) -> None:
    assume(does(one) != does(other))
    for entry in found([one, other], [other, one]):
        assert (entry.route, entry.by) == (one, other)
        assert naive_dialplan.takes(one.prefix + one.matchpattern, entry.example)
        assert naive_dialplan.takes(other.prefix + other.matchpattern, entry.example)


def test_a_route_below_a_broader_one_is_overtaken_by_it() -> None:
    (entry,) = found([SPECIAL, REST], [REST, SPECIAL])
    assert (entry.route, entry.by, entry.numbers.patterns, entry.numbers.but_not) == (SPECIAL, REST, ("9011X.",), ())
    assert (entry.match, entry.but_not) == ((), ())
    assert naive_dialplan.takes("9011X.", entry.example)


def test_what_a_broader_route_loses_is_said_in_few_words() -> None:
    narrow = [Route(f"area-{n}", f"9{n}XX", ("a",)) for n in (201, 302, 403)]
    (entry,) = [one for one in found([*narrow, REST], [*narrow[:2], REST, narrow[2]]) if one.route.name == "area-403"]
    assert entry.numbers.patterns == ("9403XX",)
    catch_all = Route("all-calls", "X.", ("c",))
    (entry,) = found([REST, *narrow, catch_all], [*narrow, catch_all, REST])[-1:]
    assert (entry.by, entry.numbers.patterns) == (catch_all, ("9.",))
    assert set(entry.numbers.but_not) == {"9201XX", "9302XX", "9403XX"}


def test_the_callers_are_named_where_the_order_matters_to_some_alone() -> None:
    sales = Route("sales", "9.", ("s",), callerid="20X")
    (entry,) = found([sales, REST], [REST, sales])
    assert (entry.route, entry.by, entry.match, entry.but_not) == (sales, REST, ("20X",), ())
    boss = Route("boss", "9.", ("s",), callerid="201")
    (entry,) = found([boss, sales, REST], [boss, REST, sales])
    assert (entry.match, entry.but_not) == (("20X",), ("201",))


def test_a_route_that_the_pbx_lacks_or_holds_otherwise_is_no_matter_of_order() -> None:
    assert found([SPECIAL, REST], [REST]) == ()
    assert found([SPECIAL, REST], [REST, replace(SPECIAL, trunks=("a",))]) == ()
    assert found([SPECIAL, REST], [REST, replace(SPECIAL, prepend="00")]) == ()
    assert found([SPECIAL, REST], [REST, replace(SPECIAL, prefix="9011", matchpattern="X.")]) == ()


def test_a_route_counts_as_held_under_whatever_name() -> None:
    (entry,) = found([SPECIAL, REST], [replace(REST, name="r"), replace(SPECIAL, name="s")])
    assert (entry.route.name, entry.by.name) == ("special", "r")


def test_the_route_that_overtakes_may_be_one_that_the_file_does_not_declare() -> None:
    theirs = Route("theirs", "X.", ("c",))
    assert [(one.route, one.by) for one in found([SPECIAL, LOCAL], [theirs, SPECIAL, LOCAL])] == [
        (SPECIAL, theirs),
        (LOCAL, theirs),
    ]


def test_the_same_digits_to_the_same_trunks_are_no_matter_of_order() -> None:
    assert found([SPECIAL, replace(REST, trunks=SPECIAL.trunks)], [replace(REST, trunks=SPECIAL.trunks), SPECIAL]) == ()
    stripped = Route("stripped", "X.", ("b",), prefix="9", prepend="9")
    assert found([stripped, REST], [REST, stripped]) == ()
    (entry,) = found([replace(stripped, prepend="0"), REST], [REST, replace(stripped, prepend="0")])
    assert entry.numbers.patterns == ("9X.",)


def test_a_route_that_no_call_can_match_is_overtaken_by_nothing() -> None:
    broken = Route("broken", "9[", ("c",))
    assert found([broken, REST], [REST, broken]) == ()
    assert found([REST, broken], [broken, REST]) == ()
