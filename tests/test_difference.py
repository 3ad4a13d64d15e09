"""What two tables treat differently: by trying every number and caller that matters, against the reference."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from pbxsync.dialplan.difference import Difference, compared, differences
from pbxsync.dialplan.regions import Partition, Regions
from pbxsync.dialplan.table import RouteTable
from pbxsync.model import Route
from tests import naive_dialplan
from tests.dialplan_strategies import CALLERS, NUMBERS, callers_between, changes, routes, tables, winners
from tests.share import examples

Table: TypeAlias = list[Route]
#: What a call and its caller notice: the trunks and the digits that they are sent; None is no route.
Notice: TypeAlias = tuple[tuple[str, ...], str] | None
Call: TypeAlias = tuple[str, str | None]


def noticed(table: Table, index: int | None, number: str) -> Notice:
    return (table[index].trunks, naive_dialplan.sent(table[index], number)) if index is not None else None


def expected(before: Table, after: Table) -> dict[Call, tuple[int | None, int | None]]:
    """The calls that are treated differently, with the index of the route that takes each in both tables."""
    old, new = winners(before), winners(after)
    calls: dict[Call, tuple[int | None, int | None]] = {}
    for number in NUMBERS:
        was = {index: noticed(before, index, number) for index in {*old[number].values()}}
        now = {index: noticed(after, index, number) for index in {*new[number].values()}}
        differing = {(one, other) for one in was for other in now if was[one] != now[other]}
        if differing:
            pairs = ((caller, (old[number][caller], new[number][caller])) for caller in CALLERS)
            calls |= {(number, caller): pair for caller, pair in pairs if pair in differing}
    return calls


def found(differing: list[Difference], old: Partition, new: Partition) -> dict[Call, tuple[int | None, int | None]]:
    """The calls of some differences, with the index of each one's route; no two may have a call in common."""
    calls: dict[Call, tuple[int | None, int | None]] = {}
    for one in differing:
        callers = callers_between([shape.text for shape in one.callers.match], [s.text for s in one.callers.but_not])
        was = old.rows[one.before][0] if one.before is not None else None
        now = new.rows[one.after][0] if one.after is not None else None
        new_calls = {(number, caller): (was, now) for number in NUMBERS if number in one.numbers for caller in callers}
        assert one.numbers
        assert not calls.keys() & new_calls.keys()
        calls |= new_calls
    return calls


@given(changes())
def test_a_call_is_in_one_difference_exactly_if_its_trunks_or_digits_differ(change: tuple[Table, Table]) -> None:
    before, after = change
    regions = Regions()
    old, new = regions.partition(RouteTable(before)), regions.partition(RouteTable(after))
    assert found(differences(old, new), old, new) == expected(before, after)


@given(changes())
def test_to_look_only_at_what_changed_finds_the_same(change: tuple[Table, Table]) -> None:
    before, after = change
    old, new = compared(Regions(), RouteTable(before), RouteTable(after))
    assert found(differences(old, new), old, new) == expected(before, after)


@settings(max_examples=examples(40))
@given(tables(8), routes(), st.integers(0, 8), st.integers(0, 8))
def test_a_route_added_or_moved_in_a_long_table_makes_the_differences_that_it_makes(
    table: Table, route: Route, at: int, to: int
) -> None:
    more = [*table[:at], route, *table[at:]]
    moved = [*table[:to], route, *table[to:]]
    for before, after in ((table, more), (more, table), (more, moved)):
        old, new = compared(Regions(), RouteTable(before), RouteTable(after))
        assert found(differences(old, new), old, new) == expected(before, after)


@given(tables(), st.sampled_from("xyz"))
def test_what_routes_are_called_makes_no_difference(table: Table, name: str) -> None:
    renamed = [replace(route, name=name) for route in table]
    old, new = compared(Regions(), RouteTable(table), RouteTable(renamed))
    assert differences(old, new) == []


def test_calls_that_no_changed_route_takes_are_not_even_looked_at() -> None:
    table = [Route(str(number), f"{number}X.", ("t",)) for number in range(10, 30)]
    changed = [*table[:5], replace(table[5], prepend="0"), *table[6:]]
    old, new = compared(Regions(), RouteTable(table), RouteTable(changed))
    assert set(old.within(old.regions.numbers.all())) == {(), (5,)}
    assert len(new.within(new.regions.numbers.all())) == 2


def test_a_table_turned_around_is_looked_at_as_a_whole() -> None:
    table = [Route(str(number), f"{number}X.", ("t",)) for number in range(10, 20)]
    old, new = compared(Regions(), RouteTable(table), RouteTable(table[::-1]))
    assert len(old.within(old.regions.numbers.all())) == 11
    assert differences(old, new) == []


def test_trunks_that_get_the_same_digits_another_way_make_no_difference() -> None:
    old = [Route("a", "16X", ("t",)), Route("b", "NX", ("t",))]
    new = [Route("a", "X", ("t",), prefix="16", prepend="16"), Route("b", "NX", ("u",))]
    old_parts, new_parts = compared(Regions(), RouteTable(old), RouteTable(new))
    (one,) = differences(old_parts, new_parts)
    assert one.numbers == one.numbers.space.of_patterns("NX")
