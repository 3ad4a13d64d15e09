"""The PBX's table, read so that it can be relied on: two equal answers, uncertain ones, and names in batches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pbxsync.answers import RouteAnswer
from pbxsync.errors import AnswerLost, Refused, UnreliableTable
from pbxsync.listing import PAUSE, TIMES, batches, settled_table, table_once
from pbxsync.sandbox import Firmware
from tests.applying import HELD, KINDS, QUERY, A, B, C, Waits, calls, client, known, pbx

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbxsync.model import KnownRoute

EMPTY = RouteAnswer(())
#: An answer of nothing, which may be that of a PBX without routes.
NOTHING = RouteAnswer((), certain=False)
TABLE = RouteAnswer(HELD)


@dataclass
class Answers:
    """A PBX that gives these answers in turn, the last one from then on, and finds some routes by name."""

    answers: list[RouteAnswer]
    by_name: Sequence[KnownRoute] = ()
    refuses: bool = False
    queries: list[str] = field(default_factory=list)

    def query_table(self) -> RouteAnswer:
        self.queries.append("all")
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def query_named(self, names: Sequence[str]) -> Sequence[KnownRoute]:
        self.queries.append(",".join(names))
        if self.refuses:
            raise Refused("outroute/query", "no")
        return [found for found in self.by_name if found.route.name in names]


@KINDS
def test_a_table_is_known_once_two_answers_in_a_row_agree(kind: str) -> None:
    waits = Waits()
    with pbx() as sandbox, client(sandbox, kind) as caller:
        assert settled_table(caller, waits) == HELD
        assert calls(sandbox) == [QUERY] * 2
    assert waits.seconds == [PAUSE]


@KINDS
@pytest.mark.parametrize(
    ("short", "asked"),
    [
        (["outroute/query@1=short:1"], 3),
        (["outroute/query@2=short:1"], 4),
        (["outroute/query@1=short:1", "outroute/query@2=short:2"], 4),
        (["outroute/query@1=short:1", "outroute/query@3=short:2"], 5),
    ],
)
def test_a_short_answer_is_asked_again(short: list[str], asked: int, kind: str) -> None:
    waits = Waits()
    with pbx(*short, routes=(A, B, C)) as sandbox, client(sandbox, kind) as caller:
        assert settled_table(caller, waits) == known(A, B, C)
        assert calls(sandbox) == [QUERY] * asked
    assert waits.seconds == [PAUSE] * (asked - 1)


@KINDS
def test_a_table_that_is_another_at_each_query_is_refused_after_five(kind: str) -> None:
    faults = [f"outroute/query@{number}=short:{number % 2}" for number in range(1, 9)]
    with pbx(*faults) as sandbox, client(sandbox, kind) as caller:
        with pytest.raises(UnreliableTable) as caught:
            settled_table(caller, Waits())
        assert calls(sandbox) == [QUERY] * TIMES
    assert str(caught.value) == (
        "the PBX's table is changing: 5 queries, 0.2 s apart, brought no two equal answers in a row. Does somebody "
        "work on it? Try again in a moment"
    )


def test_a_query_that_fails_is_an_error_of_the_pbx() -> None:
    with pbx("outroute/query@2=cut-body") as sandbox, client(sandbox) as caller, pytest.raises(AnswerLost):
        settled_table(caller, Waits())


@KINDS
def test_a_plan_asks_once(kind: str) -> None:
    waits = Waits()
    with pbx(routes=()) as sandbox, client(sandbox, kind) as caller:
        assert table_once(caller, waits, ["a"]) == ()
        assert calls(sandbox) == [QUERY]
    assert waits.seconds == []


# --- answers of nothing ---


@pytest.mark.parametrize(
    ("answers", "queries", "found"),
    [
        ([NOTHING], ["all", "all", "a,b"], ()),
        ([NOTHING, EMPTY], ["all", "all"], ()),
        ([EMPTY, NOTHING], ["all", "all", "a,b"], ()),
        ([NOTHING, TABLE], ["all", "all", "all"], HELD),
    ],
)
def test_an_answer_of_nothing_is_an_empty_table_where_two_say_so_and_no_name_is_found(
    answers: list[RouteAnswer], queries: list[str], found: tuple[KnownRoute, ...]
) -> None:
    asked = Answers(answers)
    assert settled_table(asked, Waits(), ["a", "b"]) == found
    assert asked.queries == queries


@pytest.mark.parametrize(
    ("answers", "queries", "found"),
    [
        ([NOTHING], ["all", "all", "a"], ()),
        ([NOTHING, TABLE], ["all", "all", "all", "all"], HELD),
        ([TABLE], ["all"], HELD),
        ([EMPTY], ["all"], ()),
    ],
)
def test_a_plan_asks_again_after_an_answer_of_nothing(
    answers: list[RouteAnswer], queries: list[str], found: tuple[KnownRoute, ...]
) -> None:
    asked = Answers(answers)
    assert table_once(asked, Waits(), ["a"]) == found
    assert asked.queries == queries


def test_a_table_of_nothing_is_refused_where_a_route_is_found_by_name() -> None:
    for read in (settled_table, table_once):
        with pytest.raises(UnreliableTable) as caught:
            read(Answers([NOTHING], by_name=HELD), Waits(), ["a", "b", "c"])
        assert str(caught.value) == (
            "outroute/query: the PBX shows no routes, but knows some by name (a, b), so its list can't be relied on. "
            "Look at the routes in the PBX's web page"
        )


def test_a_query_by_name_that_is_refused_shows_nothing() -> None:
    assert settled_table(Answers([NOTHING], by_name=HELD, refuses=True), Waits(), ["a"]) == ()


@pytest.mark.parametrize(
    ("kind", "empty"), [*(("json", how) for how in ("null", "text", "object")), ("json", "item"), ("xml", "item")]
)
def test_a_pbx_that_shows_nothing_in_its_own_way_is_asked_by_name_too(kind: str, empty: Any) -> None:
    with pbx(routes=(), firmware=Firmware(empty_as=empty)) as sandbox, client(sandbox, kind) as caller:
        assert settled_table(caller, Waits(), ["a", "b"]) == ()
        assert calls(sandbox) == [QUERY, QUERY, "query a,b"]
    lost = [f"outroute/query@{number}=lost-list:{empty}" for number in (1, 2)]
    with pbx(*lost) as sandbox, client(sandbox, kind) as caller, pytest.raises(UnreliableTable, match="some by name"):
        settled_table(caller, Waits(), ["a", "b"])


# --- names for one query ---


def test_names_go_into_queries_of_at_most_2000_characters() -> None:
    names = [f"{number:0>39}" for number in range(120)]
    groups = list(batches(names))
    assert [name for group in groups for name in group] == names
    assert [len(",".join(group)) for group in groups] == [1999, 1999, 799]


def test_a_name_that_the_api_can_not_carry_is_not_asked_for() -> None:
    assert list(batches(["a", "all", "b,c", " d", "", "a", "e"])) == [["a", "e"]]
    assert list(batches([])) == []
    assert list(batches(["x" * 3000, "y"])) == [["x" * 3000], ["y"]]
