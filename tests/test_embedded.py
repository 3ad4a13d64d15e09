"""Route tables as data: what a small walker finds in it is what the table itself decides."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pbxsync.dialplan.embedded import ENDS, NOWHERE, Embedded, embedded
from pbxsync.dialplan.table import RouteTable
from pbxsync.model import Route
from tests.strategies import odd_tables_and_calls

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What an automaton knows of is the text of its tables; any text at all may be dialled.
TEXTS = st.text("019*#+-.![]XNZa é号😀\ud800", max_size=6)
TABLES = st.lists(st.builds(Route, st.just("a"), TEXTS, st.just(("t",)), TEXTS, TEXTS, st.just("") | TEXTS), max_size=5)


def walk(data: Embedded, start: int, text: str) -> bool:
    """Whether the automaton takes a text that begins at this node."""
    signs = text[: data.longest].replace("-", "")
    if start == NOWHERE:
        return False
    at = 0
    while start >= len(ENDS):
        place, start = data.nodes[start]
        runs = data.places[place]
        if at == len(signs):
            return False
        if not any(low <= ord(signs[at]) <= high for low, high in zip(runs[::2], runs[1::2], strict=True)):
            return False
        at += 1
    return (at == len(signs), at < len(signs), True)[start]


def decided(data: Embedded, table: int, number: str, caller: str | None) -> tuple[int, str] | None:
    """The place of the route that takes the call, and what is sent, found by the data alone."""
    for index, key in enumerate(data.tables[table]):
        action = data.actions[key]
        takes_caller = action.callers is None or (bool(caller) and walk(data, action.callers, caller or ""))
        if walk(data, action.start, number) and takes_caller:
            return index, action.prepend + number[: data.longest][action.strip :]
    return None


def expected(table: Sequence[Route], number: str, caller: str | None) -> tuple[int, str] | None:
    decision = RouteTable(table).decide(number, caller)
    return (decision.index, decision.sends) if decision else None


@given(TABLES, TABLES, TEXTS | st.text(max_size=4), st.none() | TEXTS)
@example([Route("a", "!", ("t",))], [Route("b", "[]", ("t",))], "", None)
@example([Route("a", "😀.", ("t",), "", "", "é!")], [], "😀1", "é")
@example([Route("a", "X" * 79, ("t",))], [Route("a", "X" * 80, ("t",))], "1" * 1000, None)
def test_any_call_comes_to_what_each_table_decides(
    before: list[Route], after: list[Route], number: str, caller: str | None
) -> None:
    data = embedded([before, after])
    assert decided(data, 0, number, caller) == expected(before, number, caller)
    assert decided(data, 1, number, caller) == expected(after, number, caller)


@given(odd_tables_and_calls())
def test_calls_near_the_patterns_come_to_what_the_table_decides(
    drawn: tuple[list[Route], list[tuple[str, str | None]]],
) -> None:
    table, calls = drawn
    data = embedded([table])
    for number, caller in calls:
        assert decided(data, 0, number, caller) == expected(table, number, caller)


def test_patterns_that_end_alike_share_their_nodes() -> None:
    one = embedded([[Route("a", "NXXXXXX", ("t",), "9")]])
    more = embedded([[Route(f"r{digit}", "NXXXXXX", ("t",), str(digit)) for digit in range(10)]])
    assert len(more.nodes) == len(one.nodes) + 9


def test_a_route_that_stands_in_both_tables_is_there_once() -> None:
    route = Route("a", "X.", ("t",))
    data = embedded([[route], [Route("b", "911", ("t",)), route]])
    assert data.tables == ((0,), (1, 0))
    assert len(data.actions) == len(data.routes) == 2


@pytest.mark.parametrize("sets", ["[0-4]", "[1-9*]", "[02468]"])
def test_the_data_of_patterns_that_overlap_everywhere_grows_no_faster_than_their_text(sets: str) -> None:
    table = [Route(str(at), "X" * at + sets + "X" * (19 - at) + "!", ("t",)) for at in range(20)]
    data = embedded([table])
    assert len(data.nodes) <= 20 * 20 + len(ENDS)
    assert len(json.dumps(data.nodes)) < 5_000
