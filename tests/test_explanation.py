"""What `explain` says of a call: the answer, how it comes about, and why the routes above don't take it."""

from __future__ import annotations

import json

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pbxsync import schemas
from pbxsync.dialplan.table import RouteTable
from pbxsync.model import Location, Problem, Route, Severity
from pbxsync.render.explanation import Call, answer, call_document, call_text, calls_document
from pbxsync.render.paint import Paint
from tests.strategies import tables

EMERGENCY = Route("emergency", "911", ("carrier-a", "analog-line"))
FAX = Route("fax", "X.", ("analog-line",), prefix="9", callerid="250X")
INTERNATIONAL = Route("international", "X.", ("carrier-intl", "carrier-b", "carrier-c"), prefix="9011", prepend="00")
TABLE = RouteTable([EMERGENCY, FAX, INTERNATIONAL])
VALIDATOR = Draft202012Validator(schemas.load("explain"))


def explained(route: Route, dial: str, callerid: str | None = None) -> list[str]:
    """What is said of a call and a table of this one route, line by line."""
    return call_text(RouteTable([route]), Call(dial, callerid), "hq.yaml").splitlines()


def reason(route: Route, dial: str, callerid: str | None = None) -> str:
    """Why the route does not take the call."""
    lines = explained(route, dial, callerid)
    assert lines[1] == "  → not routed: no route takes this call"
    assert lines[-2] == "  passed over, 1 route:"
    return lines[-1].removeprefix("    1  r  ").split("  ")[-1]


def matching(text: str, callerid: str = "", prefix: str = "") -> Route:
    return Route("r", text, ("carrier-a",), prefix=prefix, callerid=callerid)


def notes(route: Route, dial: str, callerid: str | None = None) -> list[str]:
    return [line.removeprefix("  note: ") for line in explained(route, dial, callerid) if line.startswith("  note: ")]


def test_the_answer_comes_first_then_how_then_the_routes_that_are_passed_over() -> None:
    assert call_text(TABLE, Call("9011442079460000", "2001"), "hq.yaml") == (
        "9011442079460000 from 2001 (hq.yaml)\n"
        "  → international, the 3rd route: 9011 | X.\n"
        "    9011 is taken off the front, 00 is put in front: 00442079460000\n"
        "    carrier-intl gets 00442079460000; if that fails, carrier-b, then carrier-c get the same\n"
        "  passed over, 2 routes:\n"
        "    1  emergency  911               the 2nd digit of the number is 0, not 1\n"
        "    2  fax        9 | X. from 250X  the number matches, but the 2nd digit of the caller id is 0, not 5\n"
    )


def test_a_number_that_is_sent_as_it_was_dialled_is_said_so() -> None:
    assert call_text(TABLE, Call("911"), "hq.yaml") == (
        "911 without a caller id (hq.yaml)\n"
        "  → emergency, the 1st route: 911\n"
        "    the number stays as it is: 911\n"
        "    carrier-a gets 911; if that fails, analog-line gets the same\n"
    )


def test_a_call_that_no_route_takes_is_said_to_be_not_routed() -> None:
    lines = call_text(TABLE, Call("5"), "hq.yaml").splitlines()
    assert lines[1:3] == ["  → not routed: no route takes this call", "  passed over, 3 routes:"]
    assert call_text(RouteTable([]), Call("5"), "hq.yaml").splitlines()[1:] == ["  → not routed: there are no routes"]


def test_a_number_of_which_nothing_is_left_is_called_empty() -> None:
    assert explained(matching("!", prefix="91"), "91")[2:] == [
        "    91 is taken off the front: an empty number",
        "    carrier-a gets an empty number",
    ]


def test_a_route_without_trunks_is_said_to_send_to_none() -> None:
    assert explained(Route("r", "X.", (), prepend="0"), "12")[2:] == [
        "    0 is put in front: 012",
        "    no trunk gets 012",
    ]


@pytest.mark.parametrize(
    ("pattern", "dial", "said"),
    [
        ("911", "91", "the number is too short: 2 digits, not 3"),
        ("911", "9115", "the number is too long: 4 digits, not 3"),
        ("9X.", "91", "the number is too short: 2 digits, not 3 or more"),
        ("9X.", "9", "the number is too short: 1 digit, not 3 or more"),
        ("9XX!", "91", "the number is too short: 2 digits, not 3 or more"),
        ("NXX", "105", "the 1st digit of the number is 1, not 2-9"),
        ("ZXX", "1*5", "the 2nd character of the number is *, not 0-9"),
        ("9[2-57]", "96", "the 2nd digit of the number is 6, not one of 2-5, 7"),
        ("9[35]", "96", "the 2nd digit of the number is 6, not one of 3, 5"),
        ("9[ab]", "9 1", 'the 2nd character of the number is " ", not one of a, b'),
        ("9[ a]", "96", 'the 2nd digit of the number is 6, not one of " ", a'),
        ("9[\x1b]", "96", "the 2nd digit of the number is 6, not \\x1b"),
        ("1-2-4", "12-3", "the 3rd digit of the number is 3, not 4"),
        ("9[5-", "95", "no number matches: a [ of the pattern has no ]"),
        ("", "95", "no number matches: the pattern is empty"),
        ("9[9-1]", "99", "no number matches: a set in the pattern has no member"),
        ("9[]", "9", "no number matches: a set in the pattern has no member"),
    ],
)
def test_why_a_pattern_does_not_match_the_number_is_said_in_words(pattern: str, dial: str, said: str) -> None:
    assert reason(matching(pattern), dial) == said


@pytest.mark.parametrize(
    ("callerid", "caller", "said"),
    [
        ("250X", None, "the call shows no caller id"),
        ("250X", "2001", "the 2nd digit of the caller id is 0, not 5"),
        ("250X", "25011", "the caller id is too long: 5 digits, not 4"),
        ("(250) X", "250", "the caller id is too short: 3 digits, not 4"),
        ("()", "250", "no caller id matches: the pattern is empty"),
        ("[2", "250", "no caller id matches: a [ of the pattern has no ]"),
        ("[9-1]", "250", "no caller id matches: a set in the pattern has no member"),
    ],
)
def test_why_a_route_is_not_for_the_caller_is_said_in_words(callerid: str, caller: str | None, said: str) -> None:
    assert reason(matching("X.", callerid), "12", caller) == f"the number matches, but {said}"


def test_of_a_long_table_only_those_that_take_the_number_are_shown_one_by_one() -> None:
    above = [matching("911")] * 30 + [Route("fax", "X.", ("a",), callerid="250X")]
    lines = call_text(RouteTable([*above, matching("5!")]), Call("55"), "hq.yaml").splitlines()
    assert lines[4:] == [
        "  passed over, 31 routes:",
        "   31  fax  X. from 250X  the number matches, but the call shows no caller id",
        "       30 whose pattern does not match the number",
    ]


def test_a_long_table_that_is_for_other_callers_is_cut() -> None:
    table = RouteTable([matching("X.", "250X")] * 45)
    lines = call_text(table, Call("55"), "hq.yaml").splitlines()
    assert len(lines) == 2 + 1 + 20 + 1
    assert lines[-1] == "       25 more for certain callers only"


def test_all_of_twenty_routes_that_are_passed_over_are_shown() -> None:
    lines = call_text(RouteTable([matching("911")] * 20), Call("55"), "hq.yaml").splitlines()
    assert lines[-1] == "   20  r  911  the 1st digit of the number is 5, not 9"
    assert len(lines) == 2 + 1 + 20


def test_a_route_so_far_down_that_a_pbx_may_never_reach_it_is_noted() -> None:
    note = "  note: a PBX gives up behind some 510 routes, so it may never reach this one\n"
    above = [matching("911")] * 509
    assert note not in call_text(RouteTable([*above, matching("5!")]), Call("55"), "hq.yaml")
    text = call_text(RouteTable([*above, matching("911"), matching("5!")]), Call("55"), "hq.yaml")
    assert "  → r, the 511th route: 5!\n" in text
    assert note in text


@pytest.mark.parametrize(
    ("route", "dial", "callerid", "noted"),
    [
        (matching("X."), "*72#+", "+1", []),
        (
            matching("!"),
            "9 (1)a",
            None,
            ['the number holds " ", "(", ")", "a", and numbers are made of 0-9, *, # and +'],
        ),
        (
            matching("!"),
            "91",
            "Bob\x07",
            ['the caller id holds "\\x07", "B", "b", "o", and numbers are made of 0-9, *, # and +'],
        ),
        (
            matching("!"),
            "9-1",
            "1-2",
            ["a - in the number counts for nothing in matching, but is taken off or sent as any character is"],
        ),
        (matching("!"), "1" * 80, None, ["the number is cut to its first 79 characters, as a PBX does"]),
        (matching("X.", prefix="[12]9"), "1955", None, []),
        (
            matching("X.", prefix="9-"),
            "955",
            None,
            ["the prefix 9- takes 2 characters off: its text counts, not what it matches"],
        ),
        (
            matching("2]X.", prefix="[1"),
            "155",
            None,
            ["the prefix [1 takes 2 characters off: its text counts, not what it matches"],
        ),
    ],
)
def test_what_is_odd_about_a_call_is_noted(route: Route, dial: str, callerid: str | None, noted: list[str]) -> None:
    assert notes(route, dial, callerid) == noted


def test_what_is_sent_of_a_number_that_is_cut_is_what_is_left() -> None:
    assert explained(matching("!"), "1" * 78 + "23")[2] == f"    the number stays as it is: {'1' * 78}2"


def test_nothing_that_could_act_on_the_terminal_is_left_in_the_text() -> None:
    nasty = "\x1b]0;x\x07"
    routes = [
        Route(nasty, f"5[{nasty}]", (nasty,)),
        Route(nasty, "!", (nasty, nasty), prefix=f"[{nasty}]", prepend=nasty),
    ]
    for dial in (f"{nasty}5", "5"):
        text = call_text(RouteTable(routes), Call(dial, nasty), nasty)
        assert "\\x1b" in text
        assert not {"\x1b", "\x07"} & set(text)


def test_colour_only_marks_what_is_there_without_it() -> None:
    for call in (Call("9011442079460000", "2001"), Call("5-")):
        plain, coloured = call_text(TABLE, call, "hq.yaml"), call_text(TABLE, call, "hq.yaml", Paint(True))
        assert coloured != plain
        assert click.unstyle(coloured) == plain


def test_the_values_of_a_call_are_those_of_the_contract() -> None:
    assert answer(TABLE, Call("9011442", "2001")) == {
        "dial": "9011442",
        "callerid": "2001",
        "route": "international",
        "index": 2,
        "sends": "00442",
        "trunks": ["carrier-intl", "carrier-b", "carrier-c"],
        "passed_over": [{"route": "emergency", "reason": "number"}, {"route": "fax", "reason": "callerid"}],
    }


@given(tables(), st.text(st.sampled_from("0129*#-"), min_size=1, max_size=5), st.sampled_from([None, "9", "205"]))
def test_the_documents_hold_to_their_schema_and_the_text_names_the_same_route(
    routes: list[Route], dial: str, callerid: str | None
) -> None:
    table, call = RouteTable(routes), Call(dial, callerid)
    one = json.loads(call_document(table, call))
    several = json.loads(calls_document([answer(table, call)]))
    for document in (one, several):
        VALIDATOR.validate(document)
        assert next(iter(document.items())) == ("format_version", "1.1")
    assert {"format_version": "1.1", **several["calls"][0]} == one
    line = call_text(table, call, "hq.yaml").splitlines()[1]
    assert line.startswith(f"  → {one['route']}, " if one["route"] else "  → not routed: ")


def test_a_failure_is_a_document_without_calls() -> None:
    problem = Problem(Location("hq.yaml", 3, 5), "routes[0]", Severity.ERROR, "not-text", "9. is a number \ud800")
    document = json.loads(calls_document([], [problem], ["it is \x1b gone"]))
    VALIDATOR.validate(document)
    assert document["calls"] == []
    assert document["problems"][0]["message"] == "9. is a number \ud800"
    assert document["errors"] == [{"file": None, "message": "it is \x1b gone"}]


@pytest.mark.parametrize(
    "document",
    [
        {"format_version": "1.0"},
        {"format_version": "1.0", **answer(TABLE, Call("911")), "more": 1},
        {"format_version": "1.0", **answer(TABLE, Call("911")), "calls": [], "problems": [], "errors": []},
        {"format_version": "1.0", "calls": [{"dial": "1"}], "problems": [], "errors": []},
        {"format_version": "2.0", **answer(TABLE, Call("911"))},
    ],
)
def test_the_schema_refuses_what_is_neither_one_call_nor_several(document: dict[str, object]) -> None:
    assert not VALIDATOR.is_valid(document)
