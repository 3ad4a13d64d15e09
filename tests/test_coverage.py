"""How routes stand to each other: which of them no call reaches, which lose calls to a broader one above them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from pbxsync.dialplan.blame import Cause
from pbxsync.dialplan.coverage import (
    BeyondLimit,
    Loss,
    NoCaller,
    Shadowed,
    TableFinding,
    Unreachable,
    route_findings,
    table_findings,
)
from pbxsync.dialplan.crowds import crowded
from pbxsync.dialplan.pattern import Tail, parse
from pbxsync.dialplan.shape import Shape, shape_of
from pbxsync.dialplan.table import LAST_REACHED, RouteTable
from pbxsync.model import Route
from tests import naive_dialplan
from tests.dialplan_strategies import CALLERS, NUMBERS, callers_of, numbers_of, numbers_of_all, tables, winners


def table(*texts: str | tuple[str, str]) -> list[Route]:
    """Routes with these matchpatterns, or matchpatterns and callerids, each with trunks of its own."""
    pairs = [(text, "") if isinstance(text, str) else text for text in texts]
    return [Route(f"r{n}", text, (f"t{n}",), callerid=callerid) for n, (text, callerid) in enumerate(pairs)]


def found(*texts: str | tuple[str, str]) -> list[TableFinding]:
    return list(table_findings(RouteTable(table(*texts))))


# --- unreachable --------------------------------------------------------------------------------------------------


def test_a_route_below_one_that_takes_all_its_calls_is_unreachable() -> None:
    assert found("X.", "911") == [Unreachable(1, (0,), twin=False)]


def test_routes_that_cover_one_only_together_are_all_named_but_not_those_that_get_none_of_its_calls() -> None:
    assert found("8X", "[2-4]X", "30", "[5-9]X", "NX") == [
        Unreachable(2, (1,), twin=False),
        Unreachable(4, (0, 1, 3), twin=False),
    ]


@pytest.mark.parametrize("trunks", [("t",), ("u",)])
def test_the_second_of_two_routes_for_the_same_calls_is_a_twin_whatever_it_does_to_them(
    trunks: tuple[str, ...],
) -> None:
    routes = [Route("a", "NX", ("t",), "9", callerid="20"), Route("b", "[2-9]X", trunks, "9", callerid="20")]
    assert list(table_findings(RouteTable(routes))) == [Unreachable(1, (0,), twin=True)]
    other = Route("b", "9NX", trunks, callerid="2X")
    assert list(table_findings(RouteTable([routes[0], other]))) == []


def test_a_third_route_for_the_same_calls_names_the_first() -> None:
    assert found("1", "1", "1")[1] == Unreachable(2, (0,), twin=True)


def test_a_route_for_some_callers_is_unreachable_below_one_for_everybody_and_not_above_it() -> None:
    assert found("9.", ("9.", "20X")) == [Unreachable(1, (0,), twin=False)]
    assert found(("9.", "20X"), "9.") == []


def test_routes_for_some_callers_cover_one_for_other_callers_together() -> None:
    assert found(("9.", "20[0-4]"), ("9.", "20[5-9]"), ("9X", "20X")) == [Unreachable(2, (0, 1), twin=False)]
    assert found(("9.", "20[0-4]"), ("9.", "20[5-8]"), ("9X", "20X")) == []


def test_routes_for_all_caller_ids_leave_the_calls_without_one() -> None:
    assert found(("9.", "."), ("9.", "!"), "9X") == [Unreachable(1, (0,), twin=True)]


def test_a_route_whose_callerid_no_id_matches_says_so_and_what_is_to_blame() -> None:
    (finding,) = found(("9.", "20[9-1]"), "X.")
    assert isinstance(finding, NoCaller)
    assert (finding.index, finding.blame.cause, finding.blame.part) == (0, Cause.BACKWARDS, "[9-1]")


def test_a_route_that_no_number_matches_is_passed_over() -> None:
    assert found("[9-1]", ("9A", "20"), ("[", "_"), ("", "_"), "X.") == []


# --- shadowed -----------------------------------------------------------------------------------------------------


def test_a_broader_route_above_takes_a_part_of_a_narrower_one() -> None:
    assert found("9.", "[89]11") == [Shadowed(1, (Loss(0, ("911",), "911"),), more=0)]


@pytest.mark.parametrize(
    "texts",
    [
        ("1800.", "1NXXNXXXXXX"),  # narrower, of the length of the other
        ("[2-8]11", "NXX"),
        ("911", "9."),  # an exception
        ("9.", "8."),
        ("X11", "9XX"),  # as many
        ("[89]11", "9."),
        ("9XX.", "9X."),
        (("9.", "20X"), "[89]11"),  # for some callers alone
        (("9.", "20X"), ("[89]11", "2XX")),
        (("9.", "20X"), ("[89]11", "30X")),
    ],
)
def test_what_is_narrower_or_a_deliberate_exception_shadows_nothing(texts: tuple[str, ...]) -> None:
    assert found(*texts) == []


@pytest.mark.parametrize(
    "texts",
    [
        ("9.", "[89]11"),
        ("[7-9]X.", "[89*]XXX."),  # open both: of the first length that both take
        ("[7-9]X.", "[89*]X!"),
        (("9.", "20X"), ("[89]11", "201")),
        (("9.", "2XX"), ("[89]11", "20X")),
        ("9.", ("[89]11", "20X")),
        (("9.", "!"), ("[89]11", "20X")),
    ],
)
def test_a_broader_route_for_all_callers_of_the_narrower_one_shadows_it(texts: tuple[str, ...]) -> None:
    assert [(type(finding), finding.index) for finding in found(*texts)] == [(Shadowed, 1)]


def test_only_what_the_broader_route_really_takes_is_lost_to_it() -> None:
    assert found("911", "9.", "[89]11") == []
    assert found("911[0-4]", "9.", "[89]11X") == [Shadowed(2, (Loss(1, ("911[5-9]",), "9115"),), more=0)]
    # The callers that matter are those of the route that loses: who of them calls 911 gets another one.
    assert found(("911", "20X"), "9.", ("[89]11", "201")) == []


def test_up_to_three_routes_are_named_each_with_the_numbers_that_it_takes() -> None:
    (finding,) = found("1.", "2.", "3.", "4.", "5.", "[1-6]00")
    assert finding == Shadowed(
        5, (Loss(0, ("100",), "100"), Loss(1, ("200",), "200"), Loss(2, ("300",), "300")), more=2
    )


@pytest.mark.parametrize(
    "narrow",
    [
        Route("narrow", "11", ("t",), prefix="[89]"),
        Route("narrow", "1", ("t",), prefix="[89]1", prepend="1"),
    ],
)
def test_a_call_with_the_same_trunks_and_digits_either_way_is_not_lost(narrow: Route) -> None:
    assert list(table_findings(RouteTable([Route("broad", "X.", ("t",), prefix="9"), narrow]))) == []


def test_two_rows_of_a_block_list_that_overlap_lose_nothing() -> None:
    block = [Route("block-900", "1900XXXXXXX", ("dead",)), Route("block-976", "1NXX976XXXX", ("dead",))]
    assert list(table_findings(RouteTable(block))) == []


@pytest.mark.parametrize(
    "narrow",
    [
        Route("narrow", "11", ("u",), prefix="[89]"),
        Route("narrow", "11", ("t", "u"), prefix="[89]"),
        Route("narrow", "[89]11", ("t",)),
        Route("narrow", "11", ("t",), prefix="[89]", prepend="0"),
    ],
)
def test_a_call_with_other_trunks_or_digits_is_lost(narrow: Route) -> None:
    broad = Route("broad", "X.", ("t",), prefix="9")
    assert list(table_findings(RouteTable([broad, narrow]))) == [Shadowed(1, (Loss(0, ("911",), "911"),), more=0)]


def test_of_the_calls_that_a_broader_route_takes_those_with_other_digits_are_lost() -> None:
    routes = [Route("broad", "X.", ("t",), prefix="9"), Route("narrow", "1", ("t",), prefix="[89]X", prepend="1")]
    assert list(table_findings(RouteTable(routes))) == [Shadowed(1, (Loss(0, ("9[02-9]1",), "931"),), more=0)]


# --- the limit ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "expected"), [(510, []), (511, [BeyondLimit(510, 1)]), (600, [BeyondLimit(510, 90)])]
)
def test_what_stands_beyond_the_limit_is_told_once(count: int, expected: list[TableFinding]) -> None:
    assert LAST_REACHED == 510
    assert found(*(str(1000 + n) for n in range(count))) == expected


# --- against the reference ----------------------------------------------------------------------------------------


def _shape(route: Route) -> Shape:
    shape = shape_of(parse(route.prefix + route.matchpattern))
    assert shape is not None
    return shape


def _broader(one: Shape, other: Shape) -> bool:
    """Whether the one takes more numbers than the other, of the length at which they are comparable."""
    open_end = other.tail is not Tail.NOTHING
    length = max(len(one.places), len(other.places)) + 1 if open_end else len(other.places)
    return one.size(length) > other.size(length)


def _same_effect(one: Route, other: Route, number: str) -> bool:
    """Whether both routes send the number to the same trunks with the same digits."""
    return one.trunks == other.trunks and naive_dialplan.sent(one, number) == naive_dialplan.sent(other, number)


def _known_digits(routes: list[Route]) -> list[Route]:
    """The routes with prepends of digits that NUMBERS keep apart from all others: its 2 stands for all from 2 on."""
    return [replace(route, prepend=route.prepend.replace("2", "1")) for route in routes]


@given(tables().map(_known_digits))
def test_every_finding_is_so_and_none_is_missing(routes: list[Route]) -> None:
    takes = [numbers_of(route.prefix + route.matchpattern) for route in routes]
    asks = [callers_of(route.callerid) for route in routes]
    wins = winners(routes)
    findings = {finding.index: finding for finding in table_findings(RouteTable(routes))}
    for index, route in enumerate(routes):
        got = {wins[number][caller] for number in takes[index] for caller in asks[index]}
        finding = findings.pop(index, None)
        if not takes[index]:
            assert finding is None
        elif not asks[index]:
            assert isinstance(finding, NoCaller)
        elif index not in got:
            assert isinstance(finding, Unreachable)
            assert set(finding.takers) == got
            (first, *_) = finding.takers
            assert finding.twin == (len(got) == 1 and (takes[first], asks[first]) == (takes[index], asks[index]))
        else:
            lost: dict[int, set[str]] = {}
            for number in takes[index]:
                for caller in asks[index]:
                    winner = wins[number][caller]
                    if winner not in (None, index) and not _same_effect(routes[winner], route, number):
                        lost.setdefault(winner, set()).add(number)
            by = [
                above
                for above in sorted(lost)
                if not takes[above] <= takes[index]
                and asks[index] <= asks[above]
                and _broader(_shape(routes[above]), _shape(routes[index]))
            ]
            if not by:
                assert finding is None
                continue
            assert isinstance(finding, Shadowed)
            assert [loss.by for loss in finding.losses] == by[:3]
            assert finding.more == len(by[3:])
            for loss in finding.losses:
                assert numbers_of_all(loss.numbers) == lost[loss.by]
                assert loss.by in {naive_dialplan.winner(routes, loss.example, caller) for caller in CALLERS}
                assert naive_dialplan.takes(routes[index].prefix + routes[index].matchpattern, loss.example)
    assert findings == {}


def test_the_enumeration_holds_numbers_and_callers() -> None:
    assert len(NUMBERS) > 300
    assert None in CALLERS


# --- a quick look first -------------------------------------------------------------------------------------------


@given(tables())
def test_routes_that_plainly_share_no_call_are_passed_over_and_nothing_else_is(routes: list[Route]) -> None:
    assert list(route_findings(routes)) == list(table_findings(RouteTable(routes)))


@given(tables())
def test_a_route_that_is_not_crowded_takes_no_call_that_another_takes(routes: list[Route]) -> None:
    among = set(crowded(routes))
    for at in set(range(len(routes))) - among:
        others = [route for n, route in enumerate(routes) if n != at]
        for number in numbers_of_all(route.prefix + route.matchpattern for route in routes):
            if RouteTable([routes[at]]).decide(number) is not None:
                assert RouteTable(others).decide(number, "1") is None


def test_of_many_prefixes_those_alone_are_crowded_that_begin_with_another() -> None:
    routes = [Route(f"r{n}", "X.", ("t",), f"{n:03}") for n in range(100, 200)]
    assert crowded(routes) == []
    assert crowded([*routes, Route("some", "X.", ("t",), "15")]) == [*range(50, 60), 100]
    assert crowded([*routes, Route("callers", "X.", ("t",), "999", callerid="2X")]) == [100]
    assert crowded([*routes, Route("all", "X.", ("t",))]) == list(range(101))
