"""What a person writes into a dial pattern by mistake: look-alikes, and sets as other tools have them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxsync.dialplan.lint import FieldFinding, Rule, field_findings, slips_in
from pbxsync.dialplan.slips import Slip, look_alikes, looks_like, set_slip, without_look_alikes
from pbxsync.lint_words import field_message
from tests import naive_dialplan

SIGNS = "0123456789*#+"


def numbers_in(part: str) -> set[str]:
    """The signs of numbers that a set takes, by the reference."""
    return {sign for sign in SIGNS if naive_dialplan.takes(part, sign)}


# --- look-alikes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("char", "sign"),
    [
        *((dash, "-") for dash in "‐‑‒–—―−﹣－"),
        *(("Х", "X"), ("х", "x"), ("Χ", "X"), ("×", "X"), ("Ｘ", "X"), ("Ｎ", "N"), ("Ζ", "Z")),
        *(("О", "0"), ("о", "0"), ("Ο", "0"), ("З", "3"), ("３", "3"), ("٣", "3"), ("²", "2")),
        *(("…", "."), ("．", "."), ("！", "!"), ("＊", "*"), ("∗", "*"), ("＃", "#"), ("＋", "+")),
        *(("［", "["), ("］", "]")),
    ],
)
def test_a_sign_of_another_script_or_width_looks_like_one_of_a_pattern(char: str, sign: str) -> None:
    assert looks_like(char) == sign
    assert look_alikes(f"9{char}9{char}") == char
    assert without_look_alikes(f"9{char}9") == f"9{sign}9"


@pytest.mark.parametrize("char", [*"X-9O|A", "é", "東", "Ａ", "½", "\u200b"])
def test_other_signs_look_like_none(char: str) -> None:
    assert looks_like(char) is None
    assert look_alikes(char) == ""


@given(st.text(max_size=8))
def test_without_its_look_alikes_a_text_has_none(text: str) -> None:
    assert look_alikes(without_look_alikes(text)) == ""


def only(prefix: str = "", matchpattern: str = "X.", prepend: str = "", callerid: str = "") -> FieldFinding:
    (finding,) = field_findings(prefix, matchpattern, prepend, callerid)
    return finding


@pytest.mark.parametrize(
    ("fields", "field", "instead"),
    [
        (("9", "[2–9]XXXXXX"), "matchpattern", "[2-9]XXXXXX"),
        (("", "1–800–NXX"), "matchpattern", "1-800-NXX"),
        (("9–", "X."), "prefix", "9"),
        (("[1–3]", "X."), "prefix", "[1-3]"),
        (("", "7ХХ"), "matchpattern", "7XX"),
        (("8", "9О0"), "matchpattern", "900"),
        (("", "7Хé"), "matchpattern", ""),  # what is right can't be known of all of it
        (("", "[2…9]X…"), "matchpattern", "[2-9]X."),
        (("", "[^2–4]X"), "matchpattern", "[015-9]X"),
        (("", "[2:–4]X"), "matchpattern", ""),
        (("", "X.", "00Ж–"), "prepend", ""),
        (("", "X.", "", "Отдел"), "callerid", ""),
        (("", "X.", "00–"), "prepend", "00-"),
        (("", "X.", "", "20Х!"), "callerid", "20X!"),
    ],
)
def test_a_field_with_look_alikes_is_said_to_have_them_and_nothing_else(
    fields: tuple[str, ...], field: str, instead: str
) -> None:
    finding = only(*fields)
    assert (finding.field, finding.rule, finding.instead) == (field, Rule.LOOK_ALIKE, instead)


def test_look_alikes_are_named_by_code_point_three_at_most() -> None:
    assert field_message(only("", "7ХХ")) == (
        'matchpattern holds U+0425 CYRILLIC CAPITAL LETTER HA, which looks like X; write matchpattern: "7XX"'
    )
    assert field_message(only("", "９é")).endswith("which looks like 9; write the sign itself")
    assert ", and 3 more; write" in field_message(only("", "［２－９］Ｘ"))


# --- sets -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "slip", "meant"),
    [
        ("[^9]", Slip.NEGATION, "[0-8]"),
        ("[!8]", Slip.NEGATION, "[0-79]"),
        ("[^0-4]", Slip.NEGATION, "[5-9]"),
        ("[^2 to 4]", Slip.NEGATION, "[015-9]"),
        ("[^0-9]", Slip.NEGATION, ""),
        ("[^9A]", Slip.NEGATION, ""),
        ("[2 to 9]", Slip.RANGE, "[2-9]"),
        ("[2 TO 4]", Slip.RANGE, "[2-4]"),
        ("[2..9]", Slip.RANGE, "[2-9]"),
        ("[2...9]", Slip.RANGE, "[2-9]"),
        ("[1 - 3]", Slip.RANGE, "[1-3]"),
        ("[1- 3]", Slip.RANGE, "[1-3]"),
        ("[0X]", Slip.CLASS, "[0-9]"),
        ("[1n]", Slip.CLASS, "[1-9]"),
        ("[*Z]", Slip.CLASS, "[1-9*]"),
        ("[XN]", Slip.CLASS, "[0-9]"),
        ("[x]", Slip.CLASS, "x"),
        ("[0X.]", Slip.CLASS, ""),
        ("[1,2,5]", Slip.OTHER, "[125]"),
        ("[1, 3-5]", Slip.OTHER, "[13-5]"),
        ("[1 or 2]", Slip.OTHER, "[12]"),
        ("[1|2]", Slip.OTHER, "[12]"),
        ("[A5]", Slip.OTHER, "[5]"),
        ("[5-:]", Slip.OTHER, "[5-9]"),
        ("[2.9]", Slip.OTHER, ""),
        ("[2:9]", Slip.OTHER, ""),
        ("[2é9]", Slip.OTHER, ""),
    ],
)
def test_what_was_meant_by_a_set_with_other_signs_is_proposed_where_it_can_be_known(
    part: str, slip: Slip, meant: str
) -> None:
    found = set_slip(part)
    assert found is not None
    assert (found.slip, found.meant) == (slip, meant)


@pytest.mark.parametrize("part", ["[]", "[1-9]", "[5-]", "[-5]", "[1-3-5]", "[*-9]", "[*#+]", "[9-1]"])
def test_a_set_of_signs_of_numbers_is_not_odd(part: str) -> None:
    assert set_slip(part) is None


INSIDES = st.text(st.sampled_from("01259-*AX^!., :to"), min_size=1, max_size=6)


@given(INSIDES)
def test_a_proposal_takes_what_the_set_takes_or_what_is_known_to_be_meant(inside: str) -> None:
    found = set_slip(f"[{inside}]")
    if found is None:
        return
    taken = numbers_in(found.part)
    assert numbers_in(found.numbers) == taken
    proposed = numbers_in(found.meant)
    if not found.meant or found.slip in (Slip.RANGE, Slip.CLASS):
        assert not found.meant or proposed
    elif found.slip is Slip.NEGATION:
        assert proposed == set("0123456789") - numbers_in(found.but)
    else:
        assert proposed == taken


@pytest.mark.parametrize(
    ("fields", "field", "instead"),
    [
        (("", "[^9]XX"), "matchpattern", "[0-8]XX"),
        (("", "[^9]x[1,2]"), "matchpattern", "[0-8]X[12]"),
        (("", "[^9]!"), "matchpattern", "[0-8]!"),
        (("[1!]9", "X"), "prefix", "[1]9"),
        (("9[1", "A]X"), "prefix", ""),  # it ends in the other field
        (("", "[1A][2.9]"), "matchpattern", ""),
        (("", "[1A]2.[2.9]"), "matchpattern", "[1]2.[2.9]"),
        (("", "X.", "", "[2..9]0"), "callerid", "[2-9]0"),
    ],
)
def test_a_field_with_an_odd_set_is_said_to_have_it_and_what_to_write_for_the_whole_field(
    fields: tuple[str, ...], field: str, instead: str
) -> None:
    found = [one for one in field_findings(*(*fields, "", "", "")[:4]) if one.field == field]
    assert [one.instead for one in found if one.rule is Rule.SET_MEMBER] == [instead]
    assert Rule.STORED_OTHERWISE not in {one.rule for one in found}


def test_a_set_after_the_end_of_the_match_or_with_no_sign_of_a_number_is_no_odd_set() -> None:
    assert [one.rule for one in field_findings("", "9.[1A]", "", "")] == [Rule.TEXT_AFTER_TAIL]
    assert [one.rule for one in field_findings("", "9[AB]", "", "")] == [Rule.MATCHES_NOTHING]
    assert list(field_findings("", "X.", "", "(20)[1-3]")) != []


@pytest.mark.parametrize(
    ("matchpattern", "message"),
    [
        (
            "[^9]XX",
            '"[^9]" is the set of 9 and ^, and no number has ^: there is no negation in dial patterns; for every digit '
            'but 9 write matchpattern: "[0-8]XX"',
        ),
        (
            "[2..9]X",
            '"[2..9]" is the set of 2, 9 and ., and no number has .: a range has a - between its ends; write '
            'matchpattern: "[2-9]X"',
        ),
        (
            "[2 to 9]X",
            '"[2 to 9]" is the set of 2, 9, a space, t and o, and no number has a space or t or o: a range has a - '
            'between its ends; write matchpattern: "[2-9]X"',
        ),
        (
            "[0X]X",
            '"[0X]" is the set of 0 and X, and no number has X: in a set X, Z and N are the letters; write '
            'matchpattern: "[0-9]X"',
        ),
        (
            "[2.9]X",
            '"[2.9]" is the set of 2, 9 and ., and no number has .; write it with 0-9 * # + alone, and - for a range',
        ),
        (
            "[^0-9]X",
            '"[^0-9]" is the set of 0-9 and ^, and no number has ^: there is no negation in dial patterns; write it '
            "with 0-9 * # + alone, and - for a range",
        ),
    ],
)
def test_an_odd_set_is_said_to_be_what_it_is(matchpattern: str, message: str) -> None:
    assert field_message(only("", matchpattern)) == message


def test_very_long_texts_are_answered() -> None:
    for text in ("[1A]" * 50_000, "[" + "A1" * 50_000 + "]", "Х" * 100_000, "9|" * 50_000, "[1 " + " " * 100_000 + "]"):
        assert len("".join(map(field_message, field_findings("", text, "", text)))) < 2_000_000


# --- a bar, and letters for digits ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefix", "matchpattern", "halves"),
    [
        ("", "9|X", "9|X"),
        ("8", "9|NXX.", "89|NXX."),
        ("9|", "X.", "9|X."),
        ("9", "|X", "9|X"),
        ("", "[12]|X", "[12]|X"),
    ],
)
def test_a_bar_gets_the_split_as_advice(prefix: str, matchpattern: str, halves: str) -> None:
    finding = only(prefix, matchpattern)
    assert (finding.rule, finding.part, finding.instead) == (Rule.MATCHES_NOTHING, "|", halves)
    before, after = halves.split("|")
    assert f'write prefix: "{before}", matchpattern: "{after}"; for one pattern or another write a route for each' in (
        field_message(finding)
    )


@pytest.mark.parametrize("matchpattern", ["|X", "9|", "9|1|X", "9|A", "[1|2]|[A]"])
def test_a_bar_that_separates_no_prefix_from_a_pattern_gets_none(matchpattern: str) -> None:
    assert "write prefix" not in "".join(map(field_message, field_findings("", matchpattern, "", "")))


@pytest.mark.parametrize(
    ("matchpattern", "instead"),
    [("9O0", "900"), ("l8OO", "1800"), ("9A", ""), ("O.", "0."), ("1800FLOWERS", ""), ("[X]1", "X1"), ("[X]1A", "")],
)
def test_letters_get_what_was_meant_as_advice_where_then_some_number_matches(matchpattern: str, instead: str) -> None:
    finding = only("", matchpattern)
    assert (finding.rule, finding.instead) == (Rule.MATCHES_NOTHING, instead)


# --- tests ----------------------------------------------------------------------------------------------------------


def test_a_pattern_that_belongs_to_no_route_is_looked_at_too() -> None:
    assert [(one.rule, one.instead) for one in slips_in("dial", "_[2–9]X")] == [(Rule.LOOK_ALIKE, "_[2-9]X")]
    assert [(one.rule, one.instead) for one in slips_in("dial", "_[^9]X")] == [(Rule.SET_MEMBER, "_[0-8]X")]
    assert list(slips_in("dial", "_9X.")) == []
