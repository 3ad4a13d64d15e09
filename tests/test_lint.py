"""The lint of one route's texts: what matches nothing, what the PBX takes otherwise than it is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxsync.dialplan.blame import Cause, blame
from pbxsync.dialplan.lint import Effect, FieldFinding, Rule, field_findings, stored
from tests import naive_dialplan
from tests.dialplan_strategies import CALLERIDS, TEXTS, numbers_of
from tests.strategies import ODD_TEXTS


def found(prefix: str | None = "", matchpattern: str | None = "X.", prepend: str = "", callerid: str = "") -> list[str]:
    """Field and rule of each finding."""
    return [f"{one.field}: {one.rule}" for one in field_findings(prefix, matchpattern, prepend, callerid)]


def one(prefix: str = "", matchpattern: str = "X.", prepend: str = "", callerid: str = "") -> FieldFinding:
    """The only finding."""
    (finding,) = field_findings(prefix, matchpattern, prepend, callerid)
    return finding


@pytest.mark.parametrize(
    ("prefix", "matchpattern", "callerid"),
    [
        ("", "911", ""),
        ("9", "NXXXXXX", ""),
        ("9011", "X.", ""),
        ("", ".", "."),
        ("*72", "X.", "20XX"),
        ("", "#31#", ""),
        ("+", "44X.", "+44."),
        ("9[1", "2]X", ""),  # a set that begins in the prefix ends in the matchpattern
        ("[0-9]", "[2-5]XX", "[1-3]X"),
        ("9[1-", "3]X", ""),  # a dash in a set is no sign of the prefix
        ("", "1-800-NXX-XXXX", "201-555-1212"),
        ("X" * 19, "X" * 60, ""),
        ("X" * 19, "X" * 59 + ".", ""),
        ("", "X" * 59 + ".", "2" * 60),
        ("", "[]1", ""),
        ("", "[5-]", "[1-3-5]"),
    ],
)
def test_nothing_is_odd_about_patterns_that_a_pbx_takes_as_they_are(
    prefix: str, matchpattern: str, callerid: str
) -> None:
    assert found(prefix, matchpattern, "+*#0", callerid) == []


# --- nothing matches ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "cause", "part"),
    [
        ("[9-1]X", Cause.BACKWARDS, "[9-1]"),
        ("1[5-2][9-1]", Cause.BACKWARDS, "[5-2]"),
        ("[9- ]", Cause.BACKWARDS, "[9- ]"),
        ("[X]1", Cause.LETTERS, "[X]"),
        ("[A-D]", Cause.LETTERS, "[A-D]"),
        ("[!.]", Cause.LETTERS, "[!.]"),
        ("9A", Cause.CHARACTER, "A"),
        ("1800FLOWERS", Cause.CHARACTER, "FLOWERS"),
        ("9_1", Cause.CHARACTER, "_"),
        ("12]", Cause.CHARACTER, "]"),
        ("A[B]", Cause.CHARACTER, "A"),
        ("A1B", Cause.CHARACTER, "A"),
        ("[A]B", Cause.LETTERS, "[A]"),
        ("٣", Cause.CHARACTER, "٣"),
        ("5[]", Cause.EMPTY_SET, "[]"),
        ("[]5[] -", Cause.EMPTY_SET, "[]"),
        ("X" * 80, Cause.TOO_LONG, ""),
        ("X" * 79 + ".", Cause.TOO_LONG, ""),
        ("-", Cause.NOTHING_LEFT, ""),
        (" - ", Cause.NOTHING_LEFT, ""),
        ("", Cause.NOTHING_LEFT, ""),
        ("9[12", Cause.UNCLOSED, "[12"),
        ("[1][", Cause.UNCLOSED, "["),
        ("9.[", Cause.UNCLOSED, "["),
        ("1[2[3]", Cause.UNCLOSED, "[2[3]"),
        ("[[]X", Cause.UNCLOSED, "[[]X"),
    ],
)
def test_a_text_that_takes_no_number_is_blamed_on_the_part_at_fault(text: str, cause: Cause, part: str) -> None:
    fault = blame(text)
    assert fault is not None
    assert (fault.cause, fault.part) == (cause, part)
    assert text[fault.at :].startswith(part)


def test_what_stands_behind_the_tail_is_not_to_blame_for_anything() -> None:
    assert blame("9.A[9-1]") is None


@pytest.mark.parametrize(
    ("prefix", "matchpattern", "expected"),
    [
        ("[9-1]", "X", ["prefix: matches-nothing"]),
        ("9", "[9-1]", ["matchpattern: matches-nothing"]),
        ("9A", "BX", ["prefix: matches-nothing", "matchpattern: stored-otherwise"]),
        ("X" * 40, "X" * 40, ["matchpattern: matches-nothing"]),
        ("9[1", "2X", ["prefix: unclosed-set"]),
        ("[1]", "[2", ["matchpattern: unclosed-set"]),
    ],
)
def test_the_fault_is_told_of_the_field_that_it_stands_in(prefix: str, matchpattern: str, expected: list[str]) -> None:
    assert found(prefix, matchpattern) == expected


def test_where_a_set_is_not_closed_nothing_else_is_told_of_that_number() -> None:
    assert found("_9-", "x.5[", "0", "20x") == ["matchpattern: unclosed-set", "callerid: stored-otherwise"]


def test_a_caller_id_is_an_error_only_where_its_set_is_not_closed() -> None:
    assert found(callerid="20[1") == ["callerid: unclosed-set"]
    assert found(callerid="_(20[1-") == ["callerid: unclosed-set"]
    assert found(callerid="[9-1]") == []  # no call reaches the route: that is told with the whole table


@given(TEXTS, st.integers(0, 5))
def test_a_pattern_is_an_error_exactly_if_it_takes_no_number(text: str, cut: int) -> None:
    rules = {one.rule for one in field_findings(text[:cut], text[cut:], "", "")}
    assert bool(rules & {Rule.MATCHES_NOTHING, Rule.UNCLOSED_SET}) == (not numbers_of(text))


@given(ODD_TEXTS)
def test_the_part_to_blame_takes_nothing_wherever_it_stands(text: str) -> None:
    fault = blame(text)
    if fault is not None and fault.cause in (Cause.BACKWARDS, Cause.LETTERS, Cause.CHARACTER):
        assert blame(f"1{fault.part}2") is not None
        assert blame(f"1{fault.part}2.") is not None


# --- a leading underscore -----------------------------------------------------------------------------------------


def test_a_leading_underscore_is_told_beside_that_nothing_matches() -> None:
    assert found("", "_9X.") == ["matchpattern: matches-nothing", "matchpattern: leading-underscore"]
    assert found("_9", "_X.") == [
        "prefix: matches-nothing",
        "prefix: leading-underscore",
        "matchpattern: leading-underscore",
    ]
    assert list(field_findings("", "_9X.", "", ""))[1].instead == "9X."


def test_an_underscore_alone_is_not_what_is_stored_otherwise_too() -> None:
    assert found(callerid="_20X") == ["callerid: leading-underscore"]
    assert found(callerid="__20x") == ["callerid: leading-underscore", "callerid: stored-otherwise"]
    assert found(callerid="2_0") == ["callerid: stored-otherwise"]
    assert found(callerid="_") == ["callerid: leading-underscore"]


# --- text behind the tail, signs in the prefix --------------------------------------------------------------------


def test_text_behind_the_tail_is_told_and_what_is_left_without_it() -> None:
    assert one("9", "X.5") == FieldFinding("matchpattern", Rule.TEXT_AFTER_TAIL, "5", "X.")
    assert found("", "X!5") == ["matchpattern: text-after-tail", "matchpattern: stored-otherwise"]
    assert one("", "X.5", callerid="").part == "5"
    assert one(callerid="(20)1..") == FieldFinding(
        "callerid", Rule.STORED_OTHERWISE, "(20)1..", "201..", None, Effect.NONE
    )


def test_in_a_caller_id_only_what_is_left_when_it_is_compared_can_stand_behind_the_tail() -> None:
    assert found(callerid="20.1.") == []  # only the last . is one
    assert found(callerid="20! ") == ["callerid: stored-otherwise"]
    assert found(callerid="20!5") == ["callerid: text-after-tail", "callerid: stored-otherwise"]


def test_what_the_pbx_would_delete_behind_the_tail_is_not_told_twice() -> None:
    assert found("", "1.e") == ["matchpattern: text-after-tail"]
    assert found("", "x.e") == ["matchpattern: text-after-tail", "matchpattern: stored-otherwise"]


@pytest.mark.parametrize(
    ("prefix", "sign", "instead"),
    [
        ("9-", "-", "9"),
        ("9.", ".", "9"),
        ("9!", "!", "9"),
        ("1-9.", ".", "19"),
        ("[1-3]-", "-", "[1-3]"),
        ("-", "-", ""),
    ],
)
def test_a_sign_in_the_prefix_that_takes_a_digit_too_many_off_is_told(prefix: str, sign: str, instead: str) -> None:
    assert one(prefix, "X") == FieldFinding("prefix", Rule.SIGN_IN_PREFIX, sign, instead)


def test_that_the_match_ends_in_the_prefix_is_not_told_again_of_the_matchpattern() -> None:
    assert found("9.", "X.5") == ["prefix: sign-in-prefix"]


def test_a_mark_in_the_prefix_is_not_what_is_stored_otherwise_too_unless_more_is() -> None:
    assert found("9!", "X") == ["prefix: sign-in-prefix"]
    assert found("9!x", "X") == ["prefix: sign-in-prefix", "prefix: stored-otherwise"]
    assert found("[1!]9", "X") == ["prefix: set-member"]


# --- long fields ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefix", "matchpattern", "prepend", "callerid", "expected"),
    [
        ("", "X" * 61, "", "", ["matchpattern: long-field"]),
        ("", "X" * 78 + ".", "", "", ["matchpattern: long-field"]),
        ("1" * 61, "X.", "", "", ["prefix: long-field"]),
        ("", "X.", "0" * 100, "", []),
        ("", "X.", "0" * 101, "", ["prepend: long-field"]),
        ("", "X.", "", "2" * 61, ["callerid: long-field"]),
        ("", "X" * 80, "", "", ["matchpattern: matches-nothing"]),
        ("1" * 61, "X" * 61, "", "", ["matchpattern: matches-nothing"]),
        (None, "X" * 61, None, None, ["matchpattern: long-field"]),
    ],
)
def test_a_field_that_is_longer_than_a_pbx_keeps_is_reported(
    prefix: str | None, matchpattern: str, prepend: str | None, callerid: str | None, expected: list[str]
) -> None:
    assert [f"{one.field}: {one.rule}" for one in field_findings(prefix, matchpattern, prepend, callerid)] == expected


# --- stored otherwise ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefix", "matchpattern", "kept", "effect"),
    [
        ("", "nxx", "NXX", Effect.NONE),
        ("", " NXX XXXX ", "NXXXXXX", Effect.NONE),
        ("", "9!", "9", Effect.OTHER_NUMBERS),
        ("", "!", "", Effect.NO_NUMBER),
        ("9 ", "X", "9", Effect.OTHER_STRIP),
        ("z", "X", "Z", Effect.NONE),
    ],
)
def test_a_number_that_is_stored_otherwise_is_told_with_what_that_means(
    prefix: str, matchpattern: str, kept: str, effect: Effect
) -> None:
    finding = one(prefix, matchpattern)
    assert (finding.rule, finding.instead, finding.effect) == (Rule.STORED_OTHERWISE, kept, effect)


@pytest.mark.parametrize(
    ("callerid", "kept", "effect"),
    [
        ("20x", "20X", Effect.NONE),
        ("(201) 555-1212", "201555-1212", Effect.NONE),
        ("20!", "20", Effect.OTHER_CALLERS),
        ("A20", "20", Effect.OTHER_CALLERS),
        ("anonymous", "NN", Effect.OTHER_CALLERS),
        ("[5]:]", "[5]]", None),
        ("20A!", "20", Effect.OTHER_CALLERS),
        ("!-", "-", Effect.NO_CALLER),
        ("()", "", Effect.EVERY_CALLER),
    ],
)
def test_a_caller_id_that_is_stored_otherwise_is_told_with_what_that_means(
    callerid: str, kept: str, effect: Effect | None
) -> None:
    finding = one(callerid=callerid)
    assert (finding.rule, finding.instead, finding.effect) == (Rule.STORED_OTHERWISE, kept, effect)


def test_other_digits_are_sent_if_a_prepend_is_stored_otherwise() -> None:
    finding = FieldFinding("prepend", Rule.STORED_OTHERWISE, "0w", "0", None, Effect.OTHER_DIGITS)
    assert one(prepend="0w") == finding


def test_a_field_that_is_at_fault_already_is_not_what_is_stored_otherwise_too_but_the_other_may_be() -> None:
    assert found("", "9A") == ["matchpattern: matches-nothing"]
    assert found("n", "9A") == ["matchpattern: matches-nothing", "prefix: stored-otherwise"]
    assert list(field_findings("n", "9A", "", ""))[1].effect is None


def test_of_a_field_that_cannot_be_read_nothing_is_told_but_what_the_others_say_by_themselves() -> None:
    assert found(None, "[9-1]") == []
    assert found("9-", None) == []
    assert found(None, "_nxx") == ["matchpattern: leading-underscore", "matchpattern: stored-otherwise"]
    assert list(field_findings(None, None, None, None)) == []


@given(ODD_TEXTS)
def test_stored_is_what_the_reference_stores(text: str) -> None:
    assert stored(text) == naive_dialplan.stored(text)


_SLIPS = st.sampled_from(["", " ", "x", "!", "A", "[0:]", "n"])


@given(_SLIPS, st.sampled_from(["", "1", "X", "[01]", "[]", "-", "."]), _SLIPS)
def test_what_is_said_of_a_stored_matchpattern_is_so(before: str, between: str, behind: str) -> None:
    text = before + between + behind
    for finding in field_findings("", text, "", ""):
        if finding.rule is Rule.STORED_OTHERWISE:
            assert finding.instead == naive_dialplan.stored(text) != text
            takes, then_takes = numbers_of(text), numbers_of(finding.instead)
            assert (finding.effect is Effect.NONE) == (takes == then_takes)
            assert (finding.effect is Effect.NO_NUMBER) == (not then_takes)


@given(st.sampled_from(["", "(", " ", "!"]), CALLERIDS, st.sampled_from(["", ")", " ", "!", "."]))
def test_what_is_said_of_a_stored_caller_id_is_so(before: str, callerid: str, behind: str) -> None:
    callerid = before + callerid + behind
    for finding in field_findings("", "X.", "", callerid):
        if finding.rule is Rule.STORED_OTHERWISE:
            assert finding.instead == naive_dialplan.stored(callerid) != callerid
            assert (finding.effect is Effect.EVERY_CALLER) == (finding.instead == "")
            compared = (naive_dialplan.compared_callerid(one) for one in (callerid, finding.instead))
            takes, then_takes = map(numbers_of, compared)
            if finding.instead:
                assert (finding.effect in (Effect.NONE, None)) == (takes == then_takes)
            assert finding.effect is not Effect.NO_CALLER or not then_takes
