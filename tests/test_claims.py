"""A file's tests held against a route table: which claims hold, which call breaks one, and what is said of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbxsync.dialplan.claims import verdicts
from pbxsync.dialplan.table import RouteTable
from pbxsync.model import Claim, Location, Route, Verdict
from tests import naive_dialplan
from tests.dialplan_strategies import CALLERIDS, CALLERS, NUMBERS, TEXTS, TRUNKS, every_text, tables, winners
from tests.share import examples

PLACE = Location("hq.yaml", 12, 5)


def claim(dial: str, **claimed: object) -> Claim:
    return Claim(PLACE, dial, **claimed)  # type: ignore[arg-type]


# --- against the reference, call by call ----------------------------------------------------------------------------


def breaks(one: Claim, route: Route | None, number: str) -> bool:
    """Whether a call that the route takes, or none does, is not as the claim has it."""
    if route is None:
        return not one.no_route
    return (
        one.no_route
        or (one.route is not None and one.route != route.name)
        or (one.trunks is not None and one.trunks != route.trunks)
        or (one.sends is not None and not sends(one.sends, naive_dialplan.sent(route, number)))
    )


def sends(wanted: str, digits: str) -> bool:
    if not wanted.startswith("_"):
        return digits == wanted
    # A pattern of nothing but dashes takes an empty number, and as a claim means nothing.
    return naive_dialplan.takes(wanted[1:], digits) and (digits != "" or naive_dialplan.takes(wanted[1:], "1"))


def speaks_of_number(one: Claim, number: str) -> bool:
    return naive_dialplan.takes(one.dial[1:], number) if one.dial[0] == "_" else number == one.dial


def speaks_of_caller(one: Claim, caller: str | None) -> bool:
    if not one.callerid.startswith("_"):
        return (caller or "") == one.callerid
    return caller is not None and one.callerid != "_" and naive_dialplan.takes_caller(one.callerid[1:], caller)


MARKED = TEXTS.map(lambda text: f"_{text}")
CALLED = st.just("") | st.sampled_from([one for one in CALLERS if one]) | CALLERIDS.map(lambda text: f"_{text}")
#: What a claim of a call may be, at least one thing.
CLAIMED = st.one_of(
    st.just({"no_route": True}),
    st.fixed_dictionaries({"route": st.sampled_from("abcdef")}),
    st.fixed_dictionaries({"trunks": TRUNKS}),
    st.fixed_dictionaries({"sends": st.sampled_from(every_text("012", 3)) | st.just("") | MARKED}),
    st.fixed_dictionaries(
        {"route": st.sampled_from("abc"), "trunks": TRUNKS, "sends": MARKED | st.just("_.") | st.just("_!")}
    ),
)
CLAIMS = st.builds(
    lambda dial, callerid, claimed: claim(dial, callerid=callerid, **claimed),
    MARKED | st.sampled_from(NUMBERS) | st.sampled_from(["_.", "_X.", "_!", "_XX", "_[0-2*]"]),
    CALLED,
    CLAIMED,
)


@settings(max_examples=examples(300), deadline=None)
@given(tables(), st.lists(CLAIMS, min_size=1, max_size=6))
def test_a_claim_holds_only_if_it_does_call_by_call_and_what_breaks_it_is_a_call_that_does(
    table: list[Route], claims: list[Claim]
) -> None:
    takes = winners(table)
    for one in verdicts(RouteTable(table), claims):
        numbers = [number for number in NUMBERS if speaks_of_number(one.claim, number)]
        callers = [caller for caller in CALLERS if speaks_of_caller(one.claim, caller)]
        broken = [
            (number, caller)
            for number in numbers
            for caller in callers
            if breaks(one.claim, table[index] if (index := takes[number][caller]) is not None else None, number)
        ]
        if one.passed:
            assert numbers
            assert callers
            assert broken == []
            assert (one.counterexample, one.counterexample_callerid) == (None, None)
        elif one.counterexample is None:
            assert one.message.endswith(": the test proves nothing")
            assert not numbers or not callers
        else:
            check_counterexample(one, table)
            # It is never said that a claim never holds where it does.
            assert " never " not in one.message or len(broken) == len(numbers) * len(callers)


def check_counterexample(one: Verdict, table: list[Route]) -> None:
    number, caller = one.counterexample or "", one.counterexample_callerid
    assert speaks_of_number(one.claim, number)
    assert speaks_of_caller(one.claim, caller)
    index = naive_dialplan.winner(table, number, caller)
    assert breaks(one.claim, table[index] if index is not None else None, number)
    assert (f"{number} from {caller}" if caller else number) in one.message


# --- what a claim says ----------------------------------------------------------------------------------------------

ROUTES = (
    Route("emergency", "911", ("carrier-a", "analog-line")),
    Route("emergency-9", "911", ("carrier-a",), prefix="9", prepend="1"),
    Route("fax", "X.", ("analog-line",), prefix="9", callerid="25XX"),
    Route("premium", "X.", ("carrier-p",), prefix="9011900"),
    Route("international", "X.", ("carrier-intl",), prefix="9011", prepend="00"),
    Route("hidden", "900X.", ("carrier-p",), prefix="9011"),
)
TABLE = RouteTable(ROUTES)


def said(one: Claim, table: RouteTable = TABLE) -> str:
    """Why the claim fails; empty where it holds."""
    (verdict,) = verdicts(table, [one])
    return verdict.message


@pytest.mark.parametrize(
    ("one", "message"),
    [
        # One call: which route takes it, what that route does, or that none takes it; why the claimed one doesn't.
        (claim("911", route="emergency", trunks=("carrier-a", "analog-line"), sends="911"), ""),
        (claim("5551234", no_route=True), ""),
        (claim("911", no_route=True), "911 goes to emergency (911), and no route may take it"),
        (
            claim("9911", route="emergency"),
            "9911 goes to emergency-9 (9911) instead of emergency; emergency (911) does not match 9911",
        ),
        (
            claim("9911", callerid="2500", route="fax"),
            "9911 from 2500 goes to emergency-9 (9911) instead of fax; fax takes it too, but stands below",
        ),
        (
            claim("95551234", callerid="2000", route="fax"),
            "no route takes 95551234 from 2000; fax takes calls from 25XX only",
        ),
        (
            claim("911", route="emergancy"),
            "911 goes to emergency (911) instead of emergancy; there is no route emergancy",
        ),
        (
            claim("911", trunks=("carrier-a",)),
            "911 goes to emergency (911) with trunks [carrier-a, analog-line], not [carrier-a]",
        ),
        (claim("9911", sends="911"), "9911 goes to emergency-9 (9911), which sends 1911 to carrier-a, not 911"),
        (
            claim("9911", sends="_9X."),
            "9911 goes to emergency-9 (9911), which sends 1911 to carrier-a, not what 9X. matches",
        ),
        (claim("911", sends=""), "911 goes to emergency (911), which sends 911 to carrier-a, not an empty number"),
        (claim("5551234", trunks=("a", "b")), "no route takes 5551234; it must go to [a, b]"),
        (claim("5551234", sends="1"), "no route takes 5551234; it must go out as 1"),
        # Every call of a kind: whether that is always so or never, and one call that breaks it.
        (claim("_9011[1-8]X.", route="international", sends="_00[1-8]X."), ""),
        (claim("_9900NXXXXXX", no_route=True), ""),
        (
            claim("_9011X.", route="international"),
            "9011X. does not always go to international: 90119009234 goes to premium (9011900X.); "
            "international takes it too, but stands below",
        ),
        (
            claim("_9011900X.", route="international"),
            "9011900X. never goes to international: 90119009234 goes to premium (9011900X.); "
            "international takes it too, but stands below",
        ),
        (
            claim("_9011X.", trunks=("carrier-intl",)),
            "9011X. does not always go to [carrier-intl]: 90119009234 goes to premium (9011900X.) "
            "with trunks [carrier-p]",
        ),
        (
            claim("_9011X.", sends="_00."),
            "9011X. does not always send what 00. matches: 90119009234 goes to premium (9011900X.), "
            "which sends 9234 to carrier-p",
        ),
        (
            claim("_9011[2-8]X", sends="0"),
            "9011[2-8]X never sends 0: 901167 goes to international (9011X.), which sends 0067 to carrier-intl",
        ),
        (
            claim("_9911", callerid="_2[0-4]XX", sends="_X11"),
            "9911 from 2[0-4]XX never sends what X11 matches: 9911 from 2345 goes to emergency-9 (9911), "
            "which sends 1911 to carrier-a",
        ),
        (
            claim("_9900NXXXXXX", callerid="_.", no_route=True),
            "no route may take 9900NXXXXXX from any caller id: 99006789234 from 2545 goes to fax (9X. from 25XX)",
        ),
        (
            claim("9900", callerid="_2XXX", no_route=True),
            "no route may take 9900 from 2XXX: 9900 from 2545 goes to fax (9X. from 25XX)",
        ),
        (
            claim("911", callerid="_!", route="emergency-9"),
            "911 from any caller id never goes to emergency-9: 911 from 23456789234 goes to emergency (911); "
            "emergency-9 (9911) does not match 911",
        ),
        # A pattern that one number alone matches is that number.
        (
            claim("_911", callerid="_(2)-01", no_route=True),
            "911 from 201 goes to emergency (911), and no route may take it",
        ),
    ],
    ids=str,
)
def test_a_claim_that_fails_says_what_becomes_of_a_call_and_why(one: Claim, message: str) -> None:
    assert said(one) == message


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (claim("", no_route=True), "no number matches an empty text: the test proves nothing"),
        (claim("_", no_route=True), "no number matches _: the test proves nothing"),
        (claim("_[9-1]", no_route=True), "no number matches _[9-1]: the test proves nothing"),
        (claim("_9A", no_route=True), "no number matches _9A: the test proves nothing"),
        (claim(f"_{'X' * 80}", no_route=True), f"no number matches _{'X' * 80}: the test proves nothing"),
        (claim("1", callerid="_", no_route=True), "no caller id matches _: the test proves nothing"),
        (claim("_X", callerid="_(-)", no_route=True), "no caller id matches _(-): the test proves nothing"),
        (claim("911"), "the test claims nothing"),
        (claim("_X.", callerid="_."), "the test claims nothing"),
    ],
    ids=str,
)
def test_a_claim_that_speaks_of_no_call_or_says_nothing_of_it_never_passes(one: Claim, message: str) -> None:
    (verdict,) = verdicts(TABLE, [one])
    assert verdict == Verdict(one, message)


@pytest.mark.parametrize("dial", ["911", "_911!", "1", "_1X"])
@pytest.mark.parametrize(
    "more", [{"sends": "_!"}, {"sends": ""}, {"trunks": ("carrier-a", "analog-line")}, {"route": "emergency"}]
)
def test_that_no_route_takes_a_call_and_that_something_is_sent_is_never_both_so(
    dial: str, more: dict[str, object]
) -> None:
    assert said(claim(dial, no_route=True, **more)) != ""


@pytest.mark.parametrize("wanted", ["_[9-1]", "_[", "_", "_-"])
@pytest.mark.parametrize("dial", ["911", "_911!"])
def test_digits_that_there_are_none_of_are_never_sent(dial: str, wanted: str) -> None:
    empty = RouteTable([Route("empty", "X.", ("a",), prefix="911"), Route("r", "911", ("a",), prefix="")])
    assert said(claim(dial, sends=wanted), empty) != ""


def test_one_number_may_be_any_text_whoever_calls() -> None:
    table = RouteTable([Route("bob", "bob", ("a",), callerid="amy"), Route("long", "1" * 79, ("a",)), ROUTES[1]])
    for one in [
        claim("bob", callerid="amy", route="bob", sends="bob"),
        claim("bob", callerid="_.", no_route=True),
        claim("1" * 90, callerid="_2X", route="long", sends="1" * 79),
        claim("9-9-11", route="emergency-9", sends="1-9-11"),
        claim("9-9-11", callerid="_.", route="emergency-9", sends="_1911"),
    ]:
        assert said(one, table) == ""
    message = "9-911 goes to emergency-9 (9911), which sends 1-911 to carrier-a, not 1911"
    assert said(claim("9-911", sends="1911"), table) == message


def test_a_dash_in_what_is_sent_counts_where_it_is_spelt_out_and_not_for_a_pattern() -> None:
    table = RouteTable([Route("r", "NXX", ("a",), prefix="9", prepend="0-")])
    assert said(claim("_9NXX", sends="_0NXX"), table) == ""
    assert said(claim("9200", sends="_0NXX"), table) == ""
    assert said(claim("9200", sends="0-200"), table) == ""
    assert said(claim("_920[0]", sends="0-200"), table) == ""
    assert said(claim("_9[2]00!", sends="0-200"), table).startswith("9[2]00! does not always send 0-200: ")
    assert said(claim("_92[0]0", sends="0200"), table) == "9200 goes to r (9NXX), which sends 0-200 to a, not 0200"


def test_of_routes_that_do_the_same_the_first_takes_the_calls() -> None:
    table = RouteTable([Route("one", "9X", ("a",)), Route("two", "X", ("a",), prefix="9"), Route("two", "9X", ("a",))])
    assert said(claim("_9X", route="one"), table) == ""
    assert said(claim("_9X", route="two"), table).startswith("9X never goes to two: ")


def test_a_name_that_two_routes_of_a_pbx_have_is_either() -> None:
    table = RouteTable([Route("r", "9X", ("a",)), Route("r", "8X", ("a",))])
    assert said(claim("_[89]X", route="r"), table) == ""


def test_a_route_without_trunks_and_a_number_of_which_nothing_is_left_are_named() -> None:
    table = RouteTable([Route("r", "", (), prefix="9")])
    assert said(claim("9", sends="9"), table) == "9 goes to r (9), which sends an empty number to no trunk, not 9"
    assert said(claim("9", sends=""), table) == ""


@pytest.mark.parametrize(
    "one", [claim("_X.", no_route=True), claim("1", no_route=True), claim("1", callerid="_X", no_route=True)]
)
def test_an_empty_table_takes_no_call(one: Claim) -> None:
    assert said(one, RouteTable([])) == ""


def test_the_counterexample_of_a_claim_comes_with_its_caller() -> None:
    claims = [
        claim("_9900X", callerid="_2XXX", no_route=True),
        claim("9900", callerid="2500", no_route=True),
        claim("911", no_route=True),
    ]
    found = [(one.counterexample, one.counterexample_callerid) for one in verdicts(TABLE, claims)]
    assert found == [("99006", "2545"), ("9900", "2500"), ("911", None)]


def test_claims_about_thousands_of_routes_look_at_those_that_matter() -> None:
    routes = [Route(f"r{n}", "X.", ("a",), prefix=f"{n:05}", callerid="" if n % 7 else "20XX") for n in range(10_000)]
    table = RouteTable([*ROUTES, *routes])
    claims = [claim(f"_{n:05}X.", callerid=["", "2001", "_20XX"][n % 3], route=f"r{n}") for n in range(0, 9000, 300)]
    found = verdicts(table, [*claims, claim("_0.", callerid="_20XX", sends="_X.")])
    assert [one.claim.dial for one in found if not one.passed] == [
        f"_{n:05}X." for n in range(0, 9000, 300) if n % 7 == 0 and n % 3 == 0
    ] + ["_0."]
