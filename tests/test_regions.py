"""Route tables as regions: by trying every number and caller that matters, against plain first match."""

from __future__ import annotations

from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxsync.dialplan.callers import EVERYBODY, Callers
from pbxsync.dialplan.regions import Handling, Partition, Regions
from pbxsync.dialplan.table import RouteTable, row
from pbxsync.model import Route
from tests import naive_dialplan
from tests.dialplan_strategies import (
    CALLERS,
    NUMBERS,
    TIDY_CALLERIDS,
    TIDY_TEXTS,
    callers_between,
    callers_of,
    numbers_of,
    numbers_of_all,
    routes,
    shape,
    tables,
    winners,
)

Table: TypeAlias = list[Route]
TEXTS = st.lists(TIDY_TEXTS, max_size=3)


def partition(table: Table) -> Partition:
    return Regions().partition(RouteTable(table))


def asked(table: Table, number: str) -> list[int]:
    """The indexes of the routes that may take a call to the number, down to the first that takes it whoever calls."""
    found = []
    for index, route in enumerate(table):
        if number in numbers_of(route.prefix + route.matchpattern) and callers_of(route.callerid):
            found.append(index)
            if not route.callerid:
                break
    return found


def callers_meant(callers: Callers) -> frozenset[str | None]:
    return callers_between([one.text for one in callers.match], [one.text for one in callers.but_not])


def reached(table: Table) -> set[int | None]:
    """The indexes of the routes that take some call."""
    return {index for by_caller in winners(table).values() for index in by_caller.values()} - {None}


@given(tables(), TEXTS, TEXTS)
def test_the_parts_of_some_numbers_are_all_of_them_each_once(table: Table, some: list[str], but_not: list[str]) -> None:
    made = partition(table)
    space = made.regions.numbers
    numbers = space.of_patterns(*some) - space.of_patterns(*but_not)
    parts = made.within(numbers)
    seen: list[str] = []
    for chain, part in parts.items():
        assert part
        assert len(set(chain)) == len(chain)
        seen += [number for number in NUMBERS if number in part]
    assert sorted(seen) == sorted(numbers_of_all(some) - numbers_of_all(but_not))


@given(tables())
def test_a_number_s_chain_has_the_routes_that_may_take_it_down_to_one_for_everybody(table: Table) -> None:
    made = partition(table)
    place = {key: index for key, (index, _) in made.rows.items()}
    for chain, part in made.within(made.regions.numbers.all()).items():
        for number in (number for number in NUMBERS if number in part):
            indexes = [place[key] for key in chain]
            assert indexes == sorted(indexes)
            assert set(indexes) <= set(asked(table, number))
            assert all(made.regions.handlings[key].callers is not None for key in chain[:-1])


@given(tables(), st.lists(TIDY_CALLERIDS, max_size=2), st.lists(TIDY_CALLERIDS, max_size=2))
def test_every_call_gets_the_route_that_the_reference_gives_it(
    table: Table, match: list[str], but_not: list[str]
) -> None:
    made = partition(table)
    expected = winners(table)
    callers = Callers(tuple(map(shape, match)), tuple(map(shape, but_not)))
    wanted = callers_meant(callers)
    for chain, part in made.within(made.regions.numbers.all()).items():
        taken: dict[str | None, int | None] = {}
        for key, who in made.taken(chain, callers):
            some = callers_meant(who)
            assert not some & taken.keys()
            taken |= dict.fromkeys(some, made.rows[key][0] if key is not None else None)
        for number in (number for number in NUMBERS if number in part):
            assert taken == {caller: index for caller, index in expected[number].items() if caller in wanted}


@given(tables())
def test_the_routes_that_are_reached_are_those_that_take_some_call(table: Table) -> None:
    made = partition(table)
    assert {made.rows[key][0] for key in made.reached()} == reached(table)


@given(tables(), TEXTS)
def test_the_routes_that_some_numbers_come_to_are_those_of_their_chains(table: Table, texts: list[str]) -> None:
    made = partition(table)
    numbers = made.regions.numbers.of_patterns(*texts)
    parts = made.within(numbers)
    assert made.keys_within(numbers) == {key for chain in parts for key in chain}
    assert made.chains_within(numbers) == parts.keys() - {()}


@given(tables(), TEXTS)
def test_the_numbers_whose_chain_is_such_are_those_parts(table: Table, texts: list[str]) -> None:
    made = partition(table)
    numbers = made.regions.numbers.of_patterns(*texts)
    expected = made.regions.numbers.of()
    for chain, part in made.within(numbers).items():
        if len(chain) == 1:
            expected |= part
    assert made.where(numbers, lambda chain: len(chain) == 1) == expected


@given(tables(), TEXTS, TEXTS)
def test_with_a_focus_the_numbers_in_it_have_their_chains_and_others_none(
    table: Table, some: list[str], but_not: list[str]
) -> None:
    regions = Regions()
    focus = regions.numbers.of_patterns(*some) - regions.numbers.of_patterns(*but_not)
    whole, made = regions.partition(RouteTable(table)), regions.partition(RouteTable(table), focus)
    everything = regions.numbers.all()
    inside = {chain: part for chain, part in whole.within(focus).items() if chain}
    found = {chain: part for chain, part in made.within(everything).items() if chain}
    assert found.keys() == inside.keys()
    assert all(part == inside[chain] for chain, part in found.items())
    assert made.rows == whole.rows


@given(st.lists(routes(), max_size=4), st.integers(0, 3), st.sampled_from("xyz"))
def test_routes_that_do_the_same_have_one_key_whatever_they_are_called(table: Table, at: int, name: str) -> None:
    regions = Regions()
    renamed = [Route(name, one.matchpattern, one.trunks, one.prefix, one.prepend, one.callerid) for one in table]
    doubled = [*table, *renamed[at:]]
    one, other = regions.partition(RouteTable(table)), regions.partition(RouteTable(doubled))
    assert one.node is other.node
    assert [(key, index) for key, (index, _) in one.rows.items()] == [
        (key, index) for key, (index, _) in other.rows.items()
    ]


@given(routes())
def test_a_route_that_no_call_can_match_has_no_handling(one: Route) -> None:
    handling = Regions().handling(row(one))
    calls = [
        (number, caller) for number in numbers_of(one.prefix + one.matchpattern) for caller in callers_of(one.callerid)
    ]
    assert (handling is None) is (not calls)
    assert partition([one]).rows.keys() == ({0} if calls else set())


def test_a_route_s_handling_is_all_that_calls_notice_of_it() -> None:
    one = Route("a", "[5]NX", ("t", "u"), prefix="9[0-9]-", prepend="+1", callerid="(20) X.5")
    expected = Handling(shape("9X5NX"), shape("20X5"), 3, "+1", ("t", "u"))
    regions = Regions()
    assert regions.handling(row(one)) == expected
    assert regions.handlings_of(RouteTable([one, Route("b", "", ("t",)), one])) == [expected, expected]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ([("X.", ""), ("911", "")], {0}),
        ([("911", ""), ("X.", "")], {0, 1}),
        ([("[2-5]X", ""), ("[6-9]X", ""), ("NX", "")], {0, 1}),
        ([("0", ""), ("0.", ""), ("0!", "20X")], {0, 1}),
        ([("0!", "20X"), ("0", ""), ("0.", "")], {0, 1, 2}),
        ([("X.", "20X"), ("911", "201")], {0}),
        ([("X.", "20[0-4]"), ("X.", "20[5-9]"), ("X.", "20X")], {0, 1}),
        ([("X.", "!"), ("X.", "")], {0, 1}),
        ([("X.", ""), ("X.", "!")], {0}),
        ([("X" * 80, ""), ("X.", "A"), ("", ""), ("[", "")], set()),
        ([("X" * 79, ""), ("X" * 78 + ".", "")], {0, 1}),
        ([("X" * 78 + "[0-9*#+]", ""), ("X" * 78 + ".", "")], {0}),
        ([], set()),
    ],
)
def test_a_route_is_reached_unless_those_above_it_take_all_its_calls(
    table: list[tuple[str, str]], expected: set[int]
) -> None:
    made = partition([Route(str(n), text, ("t",), callerid=callerid) for n, (text, callerid) in enumerate(table)])
    assert {made.rows[key][0] for key in made.reached()} == expected


def test_an_empty_table_has_one_part_without_a_route() -> None:
    made = partition([])
    everything = made.regions.numbers.all()
    assert made.within(everything) == {(): everything}
    assert made.within(made.regions.numbers.of()) == {}
    assert list(made.taken((), EVERYBODY)) == [(None, EVERYBODY)]
    assert (set(made.reached()), made.rows) == (set(), {})


def test_the_reference_and_the_strategies_know_calls_that_each_kind_of_route_takes() -> None:
    assert naive_dialplan.winner([Route("a", "0X", ("t",), callerid="1X")], "01", "12") == 0
    assert {None, "1", "***"} < set(CALLERS)
