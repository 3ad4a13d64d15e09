"""The digits that are sent, for sets of numbers: against plain strings, number by number."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pbxsync.dialplan.digits import sending, sent_the_same, takes
from pbxsync.dialplan.numbers import NumberSpace
from pbxsync.dialplan.pattern import Pattern, parse
from tests.dialplan_strategies import every_text

#: All numbers of up to five of two signs: prepends and patterns below are as short, so that they tell no more apart.
NUMBERS = every_text("12", 5)
STRIPS = st.integers(0, 6)
PREPENDS = st.text("12", max_size=4) | st.sampled_from(["A", "1A", "A1", "1-", " ", "ü"])
WANTED = st.lists(st.sampled_from(["1", "2", "X", "[A1]", "A", "[0-9*#+]"]), max_size=4).flatmap(
    lambda places: st.sampled_from(["", ".", "!"]).map(lambda tail: "".join(places) + tail)
)


def pattern(text: str) -> Pattern:
    found = parse(text)
    return found if found is not None else Pattern(())


def plainly_takes(wanted: Pattern, digits: str) -> bool:
    """Whether the pattern takes the digits as they stand, with nothing dropped and nothing cut off."""
    beyond = len(digits) - len(wanted.places)
    follows = {"": beyond == 0, ".": beyond > 0, "!": beyond >= 0}[wanted.tail.value]
    return follows and all(sign in place for sign, place in zip(digits, wanted.places, strict=False))


@given(STRIPS, PREPENDS, STRIPS, PREPENDS)
@example(strip=0, prepend="", other_strip=2, other="12")
@example(strip=0, prepend="1", other_strip=2, other="121")
@example(strip=3, prepend="A", other_strip=6, other="A12")
def test_the_numbers_of_which_two_routes_send_the_same_are_those_whose_texts_are_equal(
    strip: int, prepend: str, other_strip: int, other: str
) -> None:
    numbers = NumberSpace().of(*sent_the_same(strip, prepend, other_strip, other))
    for number in NUMBERS:
        assert (number in numbers) is (prepend + number[strip:] == other + number[other_strip:])


@given(STRIPS, PREPENDS, STRIPS, PREPENDS)
def test_who_of_two_routes_comes_first_makes_no_difference(strip: int, prepend: str, other: int, and_: str) -> None:
    space = NumberSpace()
    assert space.of(*sent_the_same(strip, prepend, other, and_)) == space.of(
        *sent_the_same(other, and_, strip, prepend)
    )


@given(STRIPS, PREPENDS)
def test_what_does_the_same_sends_the_same_of_every_number(strip: int, prepend: str) -> None:
    space = NumberSpace()
    assert space.of(*sent_the_same(strip, prepend, strip, prepend)) == space.all()


def test_to_strip_what_is_put_back_sends_the_same_as_to_strip_nothing() -> None:
    assert [shape.text for shape in sent_the_same(0, "", 2, "16")] == ["16!"]
    assert [shape.text for shape in sent_the_same(2, "16", 0, "")] == ["16!"]


@pytest.mark.parametrize("strip", [77, 78, 79, 80, 100])
def test_a_route_that_strips_whole_numbers_sends_its_prepend_alone(strip: int) -> None:
    space = NumberSpace()
    same = space.of(*sent_the_same(strip, "9", strip + 5, "9"))
    expected = ["1" * length for length in range(1, 80) if length <= strip]
    assert [number for number in ("1" * length for length in range(1, 80)) if number in same] == expected
    longer = space.of(*sent_the_same(strip, "", strip + 1, "2"))
    assert [length for length in range(1, 80) if "2" * length in longer] == list(range(strip + 1, 80))
    assert bool(longer) is (strip < 79)


@given(STRIPS, PREPENDS, WANTED)
@example(strip=3, prepend="12", wanted="12")
@example(strip=3, prepend="12", wanted="1.")
@example(strip=0, prepend="", wanted="")
@example(strip=2, prepend="", wanted="!")
@example(strip=2, prepend="", wanted="")
def test_the_numbers_of_which_a_route_sends_digits_that_a_pattern_takes_are_those_whose_text_it_takes(
    strip: int, prepend: str, wanted: str
) -> None:
    one = pattern(wanted)
    numbers = NumberSpace().of(*sending(strip, prepend, one))
    for number in NUMBERS:
        assert (number in numbers) is plainly_takes(one, prepend + number[strip:])


@pytest.mark.parametrize("strip", [0, 1, 78, 79, 80])
def test_digits_of_numbers_up_to_79_signs_are_told_apart(strip: int) -> None:
    space = NumberSpace()
    lengths = range(1, 80)
    sets = {wanted: space.of(*sending(strip, "", pattern(wanted))) for wanted in ("X", ".", "!", "X" * 79, "X" * 80)}
    for wanted, numbers in sets.items():
        found = [length for length in lengths if "1" * length in numbers]
        assert found == [length for length in lengths if plainly_takes(pattern(wanted), ("1" * length)[strip:])]


@given(st.text("12A", max_size=5), WANTED)
def test_a_pattern_takes_digits_as_they_stand(digits: str, wanted: str) -> None:
    assert takes(pattern(wanted), digits) is plainly_takes(pattern(wanted), digits)


def test_digits_longer_than_a_number_are_not_cut() -> None:
    assert takes(pattern("X" * 80), "1" * 80)
    assert not takes(pattern("X" * 79), "1" * 80)
    assert takes(pattern("X" * 79 + "."), "1" * 80)
    (shape,) = sending(0, "1" * 70, pattern("1" * 70 + "X" * 10))
    assert shape.text == "X" * 10
