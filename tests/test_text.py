"""Text for people: safe to print, and lists in words."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxsync.text import callers_in_words, listed, numbers_in_words, ordinal, printable, short


@given(st.text(st.characters(exclude_categories=())))
def test_nothing_that_acts_on_a_terminal_or_ends_a_line_is_left(text: str) -> None:
    safe = printable(text)
    assert not any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in safe)
    assert not set(safe) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
    safe.encode("utf-8")
    assert len(safe.splitlines()) <= 1


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("to16", "to16"),
        ("Zürich ☎ \U0001f4de", "Zürich ☎ \U0001f4de"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\u202eback", "\\u202eback"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_could_act_is_escaped_and_the_rest_stays(text: str, safe: str) -> None:
    assert printable(text) == safe


def test_a_long_list_is_cut_and_says_how_many_more_there_are() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed([]) == ""
    assert listed((str(number) for number in range(25)), limit=3) == "0, 1, 2, and 22 more"


def test_of_a_name_200_characters_are_shown_and_of_a_phrase_more() -> None:
    assert listed(["a" * 200, "b" * 201]) == f"{'a' * 200}, {'b' * 200}…"
    assert short("c" * 2_000_000) == f"{'c' * 200}…"
    assert numbers_in_words(["1" * 300, "2" * 2_001]) == f"{'1' * 300}, {'2' * 2_000}…"


def test_a_place_in_words_has_the_ending_that_english_gives_it() -> None:
    shown = {1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 11: "11th", 12: "12th", 13: "13th", 21: "21st", 111: "111th"}
    assert {number: ordinal(number) for number in shown} == shown


@pytest.mark.parametrize(
    ("patterns", "but_not", "words"),
    [
        (["9X."], [], "9X."),
        (["9X.", "8X."], [], "9X., 8X."),
        (["9X."], ["911"], "9X. (but not 911)"),
        (["9X.", "8X."], ["911", "811"], "9X., 8X. (but not 911, 811)"),
        (["1", "2", "3", "4"], ["5", "6", "7", "8"], "1, 2, 3, and 1 more (but not 5, 6, 7, and 1 more)"),
    ],
)
def test_numbers_in_words_are_their_patterns_and_in_brackets_those_that_are_not_meant(
    patterns: list[str], but_not: list[str], words: str
) -> None:
    assert numbers_in_words(patterns, but_not, limit=3) == words


@pytest.mark.parametrize(
    ("match", "but_not", "words"),
    [
        ([], [], ""),
        (["20X"], [], " from 20X"),
        (["20X"], ["201"], " from 20X but not 201"),
        (["20.", "!X"], ["201", "202"], " from 20. and !X but not 201, 202"),
        ([], ["20X"], " from callers other than 20X"),
        ([], ["20X", "30X"], " from callers other than 20X, 30X"),
        (["X."], ["1", "2", "3", "4"], " from X. but not 1, 2, 3, and 1 more"),
        ([], ["1", "2", "3", "4", "5"], " from callers other than 1, 2, 3, and 2 more"),
    ],
)
def test_callers_in_words_can_stand_behind_numbers_and_everybody_needs_no_word(
    match: list[str], but_not: list[str], words: str
) -> None:
    assert callers_in_words(match, but_not, limit=3) == words


def test_eight_numbers_or_callers_are_named_unless_asked_for_more() -> None:
    nine = [str(number) for number in range(9)]
    assert numbers_in_words(nine).endswith("6, 7, and 1 more")
    assert callers_in_words([], nine).endswith("6, 7, and 1 more")
