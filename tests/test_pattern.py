"""One dial pattern: each rule of `docs/patterns.md` on examples, and the engine against a naive reference."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from pbxsync.dialplan.pattern import MAX_NUMBER, Pattern, Tail, callerid_text, compared, parse, stripped, unclosed
from tests import naive_dialplan
from tests.share import examples
from tests.strategies import ODD_TEXTS, patterns_and_numbers

if TYPE_CHECKING:
    from collections.abc import Iterable

PAGE = Path(__file__).resolve().parent.parent / "docs" / "patterns.md"
SIGNS = "0123456789*#+"


def takes(text: str, number: str) -> bool:
    pattern = parse(text)
    return pattern is not None and pattern.matches(number)


def taken(text: str, numbers: Iterable[str]) -> list[str]:
    """Those of the numbers that the text takes."""
    return [number for number in numbers if takes(text, number)]


# --- one sign -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("X", "0123456789"),
        ("x", "0123456789"),
        ("Z", "123456789"),
        ("z", "123456789"),
        ("N", "23456789"),
        ("n", "23456789"),
    ],
)
def test_a_class_takes_its_digits_and_never_another_sign(text: str, digits: str) -> None:
    assert "".join(taken(text, f"{SIGNS}XxZzNnA_-. ")) == digits


@pytest.mark.parametrize("sign", "0*#+Aa_^(]/,")
def test_any_other_sign_takes_itself_alone(sign: str) -> None:
    assert taken(sign, [*SIGNS, *"AaXx_^()]/,", sign * 2]) == [sign]


def test_letters_are_compared_with_their_case() -> None:
    assert taken("1aB", ["1aB", "1ab", "1AB"]) == ["1aB"]


def test_a_plus_is_a_plus_and_repeats_nothing() -> None:
    assert taken("X+", ["1+", "1", "11", "1++"]) == ["1+"]
    assert taken("+1", ["+1", "1", "++1"]) == ["+1"]


def test_an_underscore_that_a_user_wrote_is_a_sign_of_the_number() -> None:
    assert taken("_9X", ["91", "_91"]) == ["_91"]


# --- sets -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("[129]", "129"),
        ("[2-4]", "234"),
        ("[5-]", "5"),
        ("[-5]", "5"),
        ("[1-3-5]", "1235"),
        ("[1-35-7]", "123567"),
        ("[5-5]", "5"),
        ("[7-75]", "57"),
        ("[0-9*#]", "0123456789*#"),
        ("[*-3]", "0123*+"),
        ("[9-14]", "4"),
    ],
)
def test_a_set_takes_one_of_its_signs_and_a_range_goes_by_character_code(text: str, members: str) -> None:
    assert sorted(taken(text, SIGNS)) == sorted(members)
    assert not takes(text, members[:1] * 2)


@pytest.mark.parametrize("sign", "XZNxzn.! (^A_")
def test_every_sign_in_a_set_is_literal(sign: str) -> None:
    assert taken(f"[{sign}5]", [*SIGNS, *"XZNxzn.! ([^A_"]) == ["5", sign]


def test_a_set_has_no_negation() -> None:
    assert taken("[^5]", ["5", "^", "6"]) == ["5", "^"]


def test_a_set_ends_at_the_first_bracket_that_closes() -> None:
    assert taken("[1]2]", ["12]", "1", "2"]) == ["12]"]


@pytest.mark.parametrize("text", ["[9-1]", "2[9-1]", "[9-1]2", "[9-1].", "[9-1]!", "[5--]"])
def test_a_range_that_runs_backwards_has_no_member_so_the_pattern_takes_nothing(text: str) -> None:
    assert taken(text, every_number(3)) == []


def test_an_empty_set_is_skipped_in_the_middle() -> None:
    assert taken("1[]2", ["12", "1", "2", "112"]) == ["12"]
    assert taken("[]5X", ["53", "5", "153"]) == ["53"]
    assert taken("1[].", ["1", "12", "123"]) == ["12", "123"]


@pytest.mark.parametrize("text", ["[]", "5[]", "5[][]", "X[]", "5[]-", "5[] ", "5[]- -"])
def test_an_empty_set_at_the_end_takes_nothing_also_before_signs_that_are_dropped(text: str) -> None:
    assert taken(text, every_number(3)) == []


@pytest.mark.parametrize("text", ["[", "9[", "9[12", "[1-9", "9[1]X[", "9.[", "9![1", ".[", "9.X[5"])
def test_a_bracket_that_is_not_closed_loses_the_route_also_behind_a_dot(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize("text", ["[[]", "[[]1", "1[2[3]", "[[5]", "9[[1]2", "[1]][", "[[1]].["])
def test_brackets_are_counted_in_sets_too(text: str) -> None:
    assert parse(text) is None


def test_brackets_that_are_even_in_number_are_a_set_up_to_the_first_that_closes() -> None:
    assert taken("[[5]]", ["5]", "[]", "5", "[5]"]) == ["5]", "[]"]
    assert taken("5]", ["5]", "5"]) == ["5]"]
    assert taken("]]1[2]", ["]]12", "12"]) == ["]]12"]


@pytest.mark.parametrize(
    ("text", "place"),
    [("", None), ("9X", None), ("[1]", None), ("9]", None), ("9[", 1), ("1[2[3]", 1), ("[1][2", 3), ("[[]]", None)],
)
def test_the_bracket_to_blame_is_the_first_without_one_that_closes_it(text: str, place: int | None) -> None:
    assert unclosed(text) == place


# --- the end of a pattern -------------------------------------------------------------------------------------------


def test_a_dot_takes_one_or_more_signs_of_any_kind() -> None:
    assert taken("9.", ["9", "91", "9*", "9#+", "9123456", "8", "9A"]) == ["91", "9*", "9#+", "9123456", "9A"]
    assert taken(".", ["1", "123", "-"]) == ["1", "123"]


def test_an_exclamation_mark_takes_none_or_more() -> None:
    assert taken("9!", ["9", "91", "9*#", "8", "89"]) == ["9", "91", "9*#"]
    assert taken("!", ["1", "123", "-"]) == ["1", "123", "-"]


@pytest.mark.parametrize("text", ["9.5", "9.X", "9..", "9.!", "9.[]", "9.[9-1]"])
def test_what_follows_a_dot_is_not_compared(text: str) -> None:
    assert parse(text) == parse("9.")


@pytest.mark.parametrize("text", ["9!5", "9!X", "9!.", "9!!", "9![]", "9![9-1]"])
def test_what_follows_an_exclamation_mark_is_not_compared(text: str) -> None:
    assert parse(text) == parse("9!")


def test_without_a_tail_the_whole_number_must_match() -> None:
    assert taken("9XX", ["9", "91", "911", "9111", "811"]) == ["911"]


# --- what is dropped ------------------------------------------------------------------------------------------------


def test_a_dash_outside_of_sets_is_dropped_from_the_pattern_and_from_the_number() -> None:
    assert taken("9-1-1", ["911", "9-1-1", "-911-", "91-", "91"]) == ["911", "9-1-1", "-911-"]
    assert taken("911", ["9-11", "--9--1--1--"]) == ["9-11", "--9--1--1--"]
    assert taken("X.", ["1-", "1-2"]) == ["1-2"]


def test_a_space_is_dropped_from_the_pattern_and_not_from_the_number() -> None:
    assert taken(" 9 1 1 ", ["911", "9 11"]) == ["911"]


def test_in_a_set_a_space_is_a_sign_and_may_be_the_end_of_a_range() -> None:
    assert taken("9[1- 3]", ["91", "92", "93", "9 "]) == ["93"]
    assert taken("9[1 3]", ["91", "92", "93", "9 "]) == ["91", "93", "9 "]


def test_a_pattern_of_dropped_signs_alone_takes_only_a_number_of_dashes() -> None:
    assert taken("- -", ["1", "-", "---", "*"]) == ["-", "---"]


def test_a_number_of_dashes_alone_is_an_empty_one() -> None:
    assert compared("---") == ""
    assert [text for text in ("X", ".", "!", "9!", "[1-9]", "-", "[]", "[-]") if takes(text, "--")] == ["!", "-"]


# --- literal numbers, and no text -----------------------------------------------------------------------------------


def test_a_literal_number_takes_itself() -> None:
    assert taken("*72+0", ["*72+0", "*72", "*72+00", "*72+1"]) == ["*72+0"]


@pytest.mark.parametrize("text", ["12#", "#", "*#06#", "1#2"])
def test_a_text_with_a_hash_is_no_literal_but_means_the_same(text: str) -> None:
    assert parse(text) == Pattern(tuple(frozenset(sign) for sign in text))
    assert taken(text, [text, f"{text}1", text[:-1]]) == [text]


def test_an_empty_text_takes_nothing() -> None:
    assert parse("") is None


# --- the number -----------------------------------------------------------------------------------------------------


def test_a_number_is_cut_to_79_signs_before_it_is_compared() -> None:
    longest = "1" * MAX_NUMBER
    assert MAX_NUMBER == 79
    assert taken("X" * 79, [longest, longest + "1", longest + "*" * 9, longest[1:]]) == [
        longest,
        longest + "1",
        longest + "*" * 9,
    ]
    assert taken("X" * 80, [longest, longest + "1"]) == []
    assert taken("X" * 79 + ".", [longest, longest + "1"]) == []
    assert taken("X" * 79 + "!", [longest, longest + "1"]) == [longest, longest + "1"]


def test_dashes_count_among_the_79_signs() -> None:
    assert compared("-" * 78 + "12") == "1"
    assert takes("1", "-" * 78 + "12")


@pytest.mark.parametrize(
    ("text", "number", "place"),
    [
        ("911", "911", None),
        ("911", "921", 1),
        ("911", "91", 2),
        ("911", "9111", 3),
        ("911", "", 0),
        ("9-1-1", "9--2", 1),
        ("X.", "1", 1),
        ("X.", "*", 0),
        ("X!", "1", None),
        ("X.", "12", None),
        ("1[]2", "13", 1),
        ("5[]", "5", 1),
        ("5[]", "51", 1),
        ("[9-1]", "1", 0),
    ],
)
def test_a_mismatch_is_the_place_at_which_the_number_stops_to_match(text: str, number: str, place: int | None) -> None:
    pattern = parse(text)
    assert pattern is not None
    assert pattern.mismatch(number) == place


def test_a_parsed_text_is_its_places_and_its_tail() -> None:
    assert parse("1[2-3].5") == Pattern((frozenset("1"), frozenset("23")), Tail.SOME)
    assert parse("1[]!") == Pattern((frozenset("1"),), Tail.ANY)
    assert parse("[]") == Pattern((frozenset(),))


# --- caller ids -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("callerid", "left"),
    [
        ("", ""),
        ("201", "201"),
        ("(201) 555-12.12", "2015551212"),
        ("1-0-1", "101"),
        ("20.", "20."),
        ("2.0.", "20."),
        ("20. ", "20"),
        ("20.)", "20"),
        (".", "."),
        ("..", "."),
        ("[1-3]-0X", "[1-3]0X"),
        ("[1-(3)]", "[1-3]"),
        ("[1- 3]", "[1-3]"),
        ("[1.3]", "[13]"),
        ("[.-9]", "[-9]"),
        ("[.]5", "[]5"),
        ("[13].", "[13]."),
        ("[[1-3]", "[[1-3]"),
        ("20X!", "20X!"),
        ("()", ""),
        ("-", ""),
        ("_20X", "_20X"),
    ],
)
def test_a_caller_id_loses_what_is_dropped_before_it_is_compared(callerid: str, left: str) -> None:
    assert callerid_text(callerid) == left
    assert naive_dialplan.compared_callerid(callerid) == left


# --- what is taken off ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefix", "count"),
    [
        ("", 0),
        ("9", 1),
        ("011", 3),
        ("9X", 2),
        ("9-", 2),
        ("9 ", 2),
        ("9.", 2),
        ("!", 1),
        ("_9", 2),
        ("[19]", 1),
        ("*[1-3]", 2),
        ("[12][34]", 2),
        ("1[]2", 3),
        ("[[]9", 2),
        ("1[2", 3),
        ("[1][2", 3),
        ("9]", 2),
        ("]9[", 3),
    ],
)
def test_a_prefix_strips_as_many_signs_as_its_text_has_with_a_set_for_one(prefix: str, count: int) -> None:
    assert stripped(prefix) == count


# --- against the reference, and the page ----------------------------------------------------------------------------


def every_number(length: int, signs: str = "12*5-") -> list[str]:
    """Every number of up to this length of these signs."""
    return ["".join(number) for size in range(1, length + 1) for number in product(signs, repeat=size)]


def test_every_text_of_up_to_four_signs_takes_what_the_reference_takes() -> None:
    numbers = every_number(3, "12-")
    texts = ["".join(text) for size in range(5) for text in product("1X[]-.! ", repeat=size)]
    wrong = []
    for text in texts:
        pattern = parse(text)
        for number in numbers:
            found = pattern is not None and pattern.matches(number)
            if found is not naive_dialplan.takes(text, number):
                wrong.append((text, number, found))
    assert wrong == []


@settings(max_examples=examples(500))
@given(patterns_and_numbers())
def test_an_odd_text_takes_what_the_reference_takes(example: tuple[str, list[str]]) -> None:
    text, numbers = example
    assert taken(text, numbers) == [number for number in numbers if naive_dialplan.takes(text, number)]


@settings(max_examples=examples(500))
@given(patterns_and_numbers())
def test_there_is_no_mismatch_exactly_where_the_text_takes_the_number(example: tuple[str, list[str]]) -> None:
    text, numbers = example
    pattern = parse(text)
    for number in numbers:
        place = pattern.mismatch(number) if pattern else 0
        assert (place is None) is naive_dialplan.takes(text, number)
        assert place is None or 0 <= place <= len(compared(number))


@settings(max_examples=examples(500))
@given(ODD_TEXTS, ODD_TEXTS)
def test_a_caller_id_and_a_prefix_are_read_as_the_reference_reads_them(callerid: str, prefix: str) -> None:
    assert stripped(prefix) == len(re.sub(r"\[[^\]]*\]", "?", prefix))
    read = parse(callerid_text(callerid))
    # A caller id with a set that is not closed takes no call, whatever is left of it.
    assert read is None or callerid_text(callerid) == naive_dialplan.compared_callerid(callerid)


def rows(header: str) -> list[list[list[str]]]:
    """The rows of the page's tables with this header: for each cell what stands there as code."""
    tables = re.findall(
        rf"^{re.escape(header)}.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE.read_text(encoding="utf-8"), flags=re.M
    )
    assert tables
    return [
        [re.findall(r"`([^`]+)`", cell) for cell in line.split("|")[1:-1]]
        for text in tables
        for line in text.splitlines()
    ]


def test_the_examples_on_the_page_take_and_do_not_take_what_it_says() -> None:
    for (text,), right, wrong, *_ in rows("| pattern | takes | does not take |"):
        assert taken(text, right) == right, text
        assert taken(text, wrong) == [], text


def test_the_caller_ids_on_the_page_take_and_do_not_take_whom_it_says() -> None:
    for (callerid,), right, wrong, *_ in rows("| `callerid` | takes | does not take |"):
        assert taken(callerid_text(callerid), right) == right, callerid
        assert taken(callerid_text(callerid), wrong) == [], callerid


def test_what_the_page_says_is_stored_is_what_such_a_pbx_stores() -> None:
    for (written,), kept, *_ in rows("| written | stored |"):
        assert [naive_dialplan.stored(written)] == (kept or [""])
