"""Sets of numbers as few dial patterns: exactly those numbers, and what a person would write."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxsync.dialplan.cover import cover, short_cover
from pbxsync.dialplan.numbers import Numbers, NumberSpace
from tests.dialplan_strategies import TIDY_TEXTS, numbers_of_all, shape

if TYPE_CHECKING:
    from pbxsync.dialplan.shape import Shape

TEXTS = st.lists(TIDY_TEXTS, max_size=4)
HINTS = st.lists(TIDY_TEXTS.map(shape), max_size=3)


def texts(numbers: Numbers, *hints: str) -> list[str]:
    return [one.text for one in cover(numbers, [shape(hint) for hint in hints])]


def less(some: str, *but_not: str) -> Numbers:
    """The numbers of a pattern without those of others."""
    space = NumberSpace()
    return space.of_patterns(some) - space.of_patterns(*but_not)


@given(TEXTS, TEXTS, HINTS)
def test_the_patterns_take_exactly_the_numbers_of_the_set(
    some: list[str], but_not: list[str], hints: list[Shape]
) -> None:
    space = NumberSpace()
    numbers = space.of_patterns(*some) - space.of_patterns(*but_not)
    found = cover(numbers, hints)
    assert space.of(*found) == numbers
    assert numbers_of_all(one.text for one in found) == numbers_of_all(some) - numbers_of_all(but_not)


@given(TEXTS, TEXTS, HINTS)
def test_a_hint_that_lies_in_the_set_is_told_whole_or_lies_in_a_broader_one(
    some: list[str], but_not: list[str], hints: list[Shape]
) -> None:
    space = NumberSpace()
    numbers = space.of_patterns(*some) - space.of_patterns(*but_not)
    found = cover(numbers, hints)
    for hint in hints:
        if space.of(hint) <= numbers:
            assert any(hint & one == hint for one in found)
    assert len(set(found)) == len(found)


@given(TIDY_TEXTS, HINTS)
def test_a_set_that_is_one_pattern_is_that_pattern_where_it_is_hinted_at(text: str, hints: list[Shape]) -> None:
    space = NumberSpace()
    whole = space.of(shape(text))
    (found,) = cover(whole, [*hints, shape(text)])
    assert found in [shape(text), *(hint for hint in hints if space.of(hint) == whole)]


@given(TEXTS, HINTS)
def test_the_same_set_is_told_the_same_way_however_it_came_about(some: list[str], hints: list[Shape]) -> None:
    space = NumberSpace()
    numbers = space.of_patterns(*some)
    again = space.all() - (space.all() - space.of_patterns(*some[::-1]))
    assert cover(numbers, hints) == cover(again, hints)


@pytest.mark.parametrize(
    ("numbers", "hints", "expected"),
    [
        (less("NXX", "911"), [], ["[2-8]XX", "9[02-9]X", "91[02-9]"]),
        (less("X.", "911"), [], ["[0-8].", "9[02-9*#+]!", "91", "91[02-9*#+]!", "911."]),
        (
            less("NXXNXXXXXX", "800NXXXXXX", "900NXXXXXX"),
            ["NXXNXXXXXX"],
            ["[2-7]XXNXXXXXX", "[89]0ZNXXXXXX", "[89]ZXNXXXXXX"],
        ),
        (less("9X.", "9911"), ["9X."], ["9[0-8].", "99[02-9*#+]!", "991", "991[02-9*#+]!", "9911."]),
        (less("X!", "X."), [], ["X"]),
        (less(".", "X."), ["X."], ["X", "[*#+]!"]),
        (less("1X", "12"), ["1X"], ["1[013-9]"]),
        (less("!"), [], ["."]),
        (less("NXX", "N.."), [], []),
    ],
)
def test_a_set_is_told_as_a_person_would_write_it(numbers: Numbers, hints: list[str], expected: list[str]) -> None:
    assert texts(numbers, *hints) == expected


@pytest.mark.parametrize(
    ("patterns", "hints", "expected"),
    [
        (["911", "NXXNXXXXXX"], [], ["911", "NXXNXXXXXX"]),
        (["911", "9XX"], ["911", "9XX"], ["9XX"]),
        (["1[2-5]", "1[3-7]"], [], ["1[2-7]"]),
        (["2X", "X2"], [], ["2X", "[013-9]2"]),
        (["2X", "X2"], ["X2"], ["X2", "2[013-9]"]),
        (["2X", "X2"], ["2X", "X2"], ["2X", "X2"]),
        (["0.", "[1-9*#+].", "X", "[*#+]"], [], ["."]),
        (["16!", "16X."], ["16", "16X.", "16!"], ["16!"]),
    ],
)
def test_patterns_together_are_told_as_a_person_would_write_them(
    patterns: list[str], hints: list[str], expected: list[str]
) -> None:
    assert sorted(texts(NumberSpace().of_patterns(*patterns), *hints)) == sorted(expected)


def test_many_patterns_are_told_as_they_are_and_still_exactly() -> None:
    pick = random.Random(7)  # noqa: S311 - the same draw in every run is what is wanted
    space = NumberSpace()
    numbers = space.of_patterns(*(f"{pick.randrange(10_000):04}" for _ in range(200)))
    found = cover(numbers)
    assert len(found) > 64
    assert space.of(*found) == numbers


@given(TEXTS, TEXTS, HINTS, st.integers(0, 5))
def test_a_cover_that_is_to_be_short_is_the_cover_where_it_is_not_long(
    some: list[str], but_not: list[str], hints: list[Shape], at_most: int
) -> None:
    space = NumberSpace()
    numbers = space.of_patterns(*some) - space.of_patterns(*but_not)
    assert short_cover(numbers, hints, at_most) == cover(numbers, hints)


def test_no_time_goes_into_a_cover_that_would_be_far_too_long() -> None:
    numbers = NumberSpace().of_patterns(*(f"{number * 37:05}" for number in range(200)))
    found = cover(numbers)
    assert len(found) > 100
    assert short_cover(numbers, [], 3) is None
    assert short_cover(numbers, [], len(found)) == found
    assert short_cover(numbers, [shape(f"{number * 37:05}") for number in range(200)], 3) is not None


@pytest.mark.parametrize("text", ["X" * 79, "X" * 78 + ".", "X" * 78 + "[*#+]", "1" * 79])
def test_patterns_of_79_signs_are_covered_exactly(text: str) -> None:
    space = NumberSpace()
    everything = space.all()
    for numbers in (space.of_patterns(text), everything - space.of_patterns(text)):
        assert space.of(*cover(numbers, [shape(text)])) == numbers


def test_an_empty_set_needs_no_pattern() -> None:
    assert cover(NumberSpace().of(), [shape("X.")]) == ()
