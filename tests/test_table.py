"""A route table: which route takes a call, what is sent, and why the routes above don't take it.

`dialplan_cases.jsonl` holds facts, not expectations: 1,002 calls that a real Asterisk 20 was given, with the contexts
that a FreePBX-style PBX writes for the routes, and what it did with each. A line has the `routes` in order, the number
`dialled`, the `callerid` (`""`: none), the `winner` (an index, or null), what was `sent`, and whether such a PBX would
have stored the fields unchanged (`storable`).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from pbxsync.dialplan.table import LAST_REACHED, Decision, PassedOver, Reason, RouteTable, row
from pbxsync.model import Route
from tests import naive_dialplan
from tests.share import examples
from tests.strategies import odd_tables_and_calls

TRUNKS = ("carrier-a", "carrier-b")
CASES: list[dict[str, Any]] = [
    json.loads(line)
    for line in Path(__file__).with_name("dialplan_cases.jsonl").read_text(encoding="utf-8").splitlines()
]
PAGE = Path(__file__).resolve().parent.parent / "docs" / "patterns.md"


def route(matchpattern: str, prefix: str = "", prepend: str = "", callerid: str = "") -> Route:
    """A route whose name is its text."""
    return Route(f"{prefix}{matchpattern}", matchpattern, TRUNKS, prefix, prepend, callerid)


def case_routes(case: dict[str, Any]) -> list[Route]:
    return [Route(str(n), trunks=TRUNKS, **fields) for n, fields in enumerate(case["routes"])]


def winner(routes: list[Route], number: str, callerid: str | None = None) -> str | None:
    decision = RouteTable(routes).decide(number, callerid)
    return decision.route.name if decision else None


# --- facts ----------------------------------------------------------------------------------------------------------


def test_every_call_that_a_real_asterisk_was_given_goes_where_it_went_there() -> None:
    wrong = []
    for case in CASES:
        decision = RouteTable(case_routes(case)).decide(case["dialled"], case["callerid"] or None)
        found = (decision.index, decision.sends) if decision else (None, None)
        if found != (case["winner"], case["sent"]):
            wrong.append((case, found))
    assert wrong == []
    assert len(CASES) == 1002


def test_the_reference_too_gets_every_call_of_the_real_asterisk_right() -> None:
    wrong = []
    for case in CASES:
        routes = case_routes(case)
        index = naive_dialplan.winner(routes, case["dialled"], case["callerid"])
        sent = None if index is None else naive_dialplan.sent(routes[index], case["dialled"])
        if (index, sent) != (case["winner"], case["sent"]):
            wrong.append((case, index, sent))
    assert wrong == []


def test_the_reference_knows_which_fields_such_a_pbx_would_have_stored_unchanged() -> None:
    for case in CASES:
        fields = [text for fields in case["routes"] for text in fields.values()]
        assert all(naive_dialplan.stored(text) == text for text in fields) is case["storable"], case


# --- which route ----------------------------------------------------------------------------------------------------


def test_the_first_route_that_matches_takes_the_call_however_broad_it_is() -> None:
    broad, exact = route("X."), route("911")
    assert winner([broad, exact], "911") == "X."
    assert winner([exact, broad], "911") == "911"
    assert winner([exact, broad], "912") == "X."


def test_of_two_routes_that_are_alike_the_first_takes_the_call() -> None:
    decision = RouteTable([route("911"), route("911")]).decide("911")
    assert decision is not None
    assert decision.index == 0


def test_where_no_route_matches_there_is_no_decision() -> None:
    assert RouteTable([]).decide("911") is None
    assert RouteTable([route("911"), route("9.")]).decide("9") is None


def test_a_set_may_begin_in_the_prefix_and_end_in_the_matchpattern() -> None:
    table = RouteTable([route("2-4]X", prefix="9[1")])
    assert [number for number in ("91", "915", "924", "935", "945", "955") if table.decide(number)] == [
        "915",
        "924",
        "935",
        "945",
    ]


def test_a_prefix_with_a_dot_takes_all_that_is_longer_whatever_the_matchpattern_says() -> None:
    assert winner([route("765!", prefix=".")], "1") == ".765!"


@pytest.mark.parametrize(("prefix", "matchpattern"), [("", ""), ("[", "X."), ("9", "[1"), ("[9-1]", "X"), ("", "[]")])
def test_a_route_that_can_take_no_call_is_passed_over(prefix: str, matchpattern: str) -> None:
    assert winner([route(matchpattern, prefix=prefix), route("!")], "91") == "!"


def test_a_table_is_made_of_any_iterable_and_gives_its_routes_back_in_order() -> None:
    routes = (route("911"), route("X."), route("[", prefix="-"))
    assert RouteTable(one for one in routes).routes == routes


# --- caller ids -----------------------------------------------------------------------------------------------------


def test_a_route_with_a_caller_id_takes_only_the_calls_of_those_that_match_it() -> None:
    routes = [route("X.", callerid="20X"), route("!")]
    assert [winner(routes, "911", caller) for caller in ("201", "2-01", "301", "2011", "20", None, "")] == [
        "X.",
        "X.",
        *["!"] * 5,
    ]


@pytest.mark.parametrize("callerid", [".", "!", "X.", "X!", "[0-9]!", "201"])
@pytest.mark.parametrize("caller", [None, ""])
def test_a_call_without_an_id_matches_no_caller_id_at_all(callerid: str, caller: str | None) -> None:
    assert winner([route("X.", callerid=callerid)], "911", caller) is None


@pytest.mark.parametrize(
    ("callerid", "caller"),
    [
        (".", "1"),
        ("!", "anonymous"),
        ("(201) 555.1212", "2015551212"),
        ("2-0-1", "201"),
        ("[1-3]-0X", "309"),
        ("[1- 3]", "2"),
        ("[1.3]", "3"),
        ("[.-9]", "9"),
        ("[.]5", "5"),
        ("20.", "201"),
        ("2.0.", "2012"),
        ("+1NXX", "+1234"),
        ("nxx", "234"),
        ("!", "-"),
    ],
)
def test_a_caller_id_is_compared_without_what_is_dropped(callerid: str, caller: str) -> None:
    assert winner([route("X.", callerid=callerid)], "911", caller) == "X."


@pytest.mark.parametrize(
    ("callerid", "caller"),
    [
        ("20.)", "201"),
        ("2.0", "2x0"),
        ("[1.3]", "."),
        ("[1.3]", "2"),
        ("[.-9]", "5"),
        ("[12", "1"),
        ("[]", "1"),
        ("()", "1"),
        ("-", "1"),
        ("_201", "201"),
        ("201", "0201"),
    ],
)
def test_a_caller_id_takes_nobody_else(callerid: str, caller: str) -> None:
    assert winner([route("X.", callerid=callerid)], "911", caller) is None


def test_the_caller_id_of_a_call_is_cut_and_freed_of_dashes_as_a_number_is() -> None:
    assert winner([route("X.", callerid="X" * 79)], "911", "1" * 90) == "X."
    assert winner([route("X.", callerid="11")], "911", "-1-1-") == "X."


# --- what is sent ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefix", "matchpattern", "prepend", "dialled", "sends"),
    [
        ("", "X.", "", "5551234", "5551234"),
        ("9", "X.", "", "95551234", "5551234"),
        ("9", "X.", "+1", "95551234", "+15551234"),
        ("[19]", "X.", "0", "95551234", "05551234"),
        ("*[1-3]", "X.", "", "*25551234", "5551234"),
        ("9-", "X.", "", "95551234", "551234"),
        ("9 ", "X.", "", "95551234", "551234"),
        ("1[]2", "X.", "", "125551234", "551234"),
        ("9[1", "2]X.", "", "915551234", "551234"),
        ("9011", "", "", "9011", ""),
        ("9", "X.", "", "9-555-1234", "-555-1234"),
        ("", "-!", "7", "--", "7--"),
    ],
)
def test_the_prefix_is_taken_off_by_the_length_of_its_text_and_the_prepend_put_in_front(
    prefix: str, matchpattern: str, prepend: str, dialled: str, sends: str
) -> None:
    one = route(matchpattern, prefix, prepend)
    assert RouteTable([one]).decide(dialled) == Decision(one, 0, sends, TRUNKS)
    assert naive_dialplan.sent(one, dialled) == sends


def test_what_is_sent_is_of_the_79_signs_that_are_left_of_a_long_number() -> None:
    decision = RouteTable([route("X.", prefix="9", prepend="0")]).decide("9" + "1" * 90)
    assert decision is not None
    assert decision.sends == "0" + "1" * 78


def test_the_trunks_of_a_decision_are_those_of_the_route_in_their_order() -> None:
    decision = RouteTable([Route("a", "X.", ("t2", "t1"))]).decide("12")
    assert decision is not None
    assert decision.trunks == ("t2", "t1")


# --- why not --------------------------------------------------------------------------------------------------------


def test_the_routes_above_the_winner_are_told_with_why_they_do_not_take_the_call() -> None:
    routes = [route("X.", callerid="201"), route("8X."), route("[", callerid="9"), route("911"), route("X!")]
    assert list(RouteTable(routes).passed_over("911", "301")) == [
        PassedOver(routes[0], 0, Reason.CALLERID),
        PassedOver(routes[1], 1, Reason.NUMBER),
        PassedOver(routes[2], 2, Reason.NUMBER),
    ]


def test_where_no_route_takes_the_call_every_route_is_passed_over() -> None:
    routes = [route("1"), route("2", callerid="5")]
    assert [(over.index, over.reason) for over in RouteTable(routes).passed_over("2")] == [
        (0, Reason.NUMBER),
        (1, Reason.CALLERID),
    ]


def test_a_route_that_fits_neither_the_number_nor_the_caller_is_passed_over_for_the_number() -> None:
    assert row(route("1", callerid="5")).refuses("2", "6") is Reason.NUMBER


def test_a_call_that_the_first_route_takes_passes_none_over() -> None:
    assert list(RouteTable([route("!"), route("1")]).passed_over("1")) == []


def test_a_table_of_more_routes_than_a_pbx_visits_is_read_to_its_end() -> None:
    routes = [route(str(number)) for number in range(1000, 2000)]
    assert winner(routes, "1999") == "1999"
    assert LAST_REACHED == 510


# --- against the reference, and the page ----------------------------------------------------------------------------


@settings(max_examples=examples(500))
@given(odd_tables_and_calls())
def test_a_table_of_odd_routes_does_with_every_call_what_the_reference_does(
    example: tuple[list[Route], list[tuple[str, str | None]]],
) -> None:
    routes, calls = example
    table = RouteTable(routes)
    for number, caller in calls:
        decision = table.decide(number, caller)
        index = naive_dialplan.winner(routes, number, caller)
        assert (decision.index if decision else None) == index
        if decision is not None:
            assert decision.route is routes[decision.index]
            assert decision.sends == naive_dialplan.sent(decision.route, number)
            assert decision.trunks == decision.route.trunks


@settings(max_examples=examples(500))
@given(odd_tables_and_calls())
def test_the_routes_that_are_passed_over_are_those_above_the_winner_with_true_reasons(
    example: tuple[list[Route], list[tuple[str, str | None]]],
) -> None:
    routes, ((number, caller), *_) = example
    over = list(RouteTable(routes).passed_over(number, caller))
    index = naive_dialplan.winner(routes, number, caller)
    above = routes if index is None else routes[:index]
    assert [(one.index, one.route) for one in over] == list(enumerate(above))
    for one in over:
        takes_number = naive_dialplan.takes(one.route.prefix + one.route.matchpattern, number)
        assert takes_number is (one.reason is Reason.CALLERID)
        assert one.reason is Reason.NUMBER or not naive_dialplan.takes_caller(one.route.callerid, caller)


def test_what_the_page_on_patterns_says_is_sent_is_sent() -> None:
    table = re.search(r"^\| `prefix` \| .*\n\|[-|]+\n((?:\|.*\n)+)", PAGE.read_text(encoding="utf-8"), flags=re.M)
    assert table is not None
    for line in table[1].splitlines():
        cells = ["".join(re.findall(r"`([^`]+)`", cell)) for cell in line.split("|")[1:-1]]
        prefix, matchpattern, prepend, dialled, sends = cells[:5]
        decision = RouteTable([route(matchpattern, prefix, prepend)]).decide(dialled)
        assert decision is not None, line
        assert decision.sends == sends, line
