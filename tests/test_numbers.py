"""Sets of numbers: every operation against plain Python sets of all numbers that matter, and exact up to 79 signs."""

from __future__ import annotations

from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxsync.dialplan.numbers import Numbers, NumberSpace
from pbxsync.dialplan.shape import SIGNS
from tests.dialplan_strategies import NUMBERS, TEXTS, TIDY_TEXTS, numbers_of, numbers_of_all, shape

Made: TypeAlias = tuple[Numbers, frozenset[str]]


@st.composite
def sets(draw: st.DrawFn, space: NumberSpace) -> Made:
    """Sets made of patterns by some operations, each as Numbers and as a Python set of NUMBERS."""
    texts = draw(st.lists(TIDY_TEXTS, max_size=3))
    found, reference = space.of_patterns(*texts), numbers_of_all(texts)
    for operation, text in draw(st.lists(st.tuples(st.sampled_from("|&-"), TIDY_TEXTS), max_size=3)):
        other, others = space.of_patterns(text), numbers_of(text)
        if operation == "|":
            found, reference = found | other, reference | others
        elif operation == "&":
            found, reference = found & other, reference & others
        else:
            found, reference = found - other, reference - others
    return found, reference


def two_sets() -> st.SearchStrategy[tuple[Made, Made]]:
    """Two sets of one space."""
    return st.builds(NumberSpace).flatmap(lambda space: st.tuples(sets(space), sets(space)))


def listed(numbers: Numbers) -> frozenset[str]:
    return frozenset(number for number in NUMBERS if number in numbers)


@given(st.lists(TEXTS, max_size=4))
def test_a_set_of_patterns_holds_the_numbers_that_one_of_them_takes(texts: list[str]) -> None:
    assert listed(NumberSpace().of_patterns(*texts)) == numbers_of_all(texts)


@given(two_sets())
def test_union_common_part_and_difference_are_those_of_the_numbers(two: tuple[Made, Made]) -> None:
    (one, ones), (other, others) = two
    assert (listed(one), listed(other)) == (ones, others)
    assert listed(one | other) == ones | others
    assert listed(one & other) == ones & others
    assert listed(one - other) == ones - others


@given(two_sets())
def test_sets_compare_as_their_numbers_do(two: tuple[Made, Made]) -> None:
    (one, ones), (other, others) = two
    assert (one <= other) is (ones <= others)
    assert (one == other) is (ones == others)
    assert bool(one) is bool(ones)
    assert (one.node is other.node) is (ones == others)


@given(two_sets())
def test_what_is_taken_apart_and_put_together_again_is_the_same(two: tuple[Made, Made]) -> None:
    (one, _), (other, _) = two
    assert (one - other) | (one & other) == one
    assert not (one - other) & other
    assert one | other == other | one
    everything = one.space.all()
    assert everything - (everything - one) == one


@given(two_sets())
def test_the_example_is_a_number_of_the_set_and_the_same_for_equal_sets(two: tuple[Made, Made]) -> None:
    (one, ones), (other, others) = two
    example = one.example()
    assert (example is None) is (not ones)
    if example is not None:
        assert example in one
        assert set(example) <= set(SIGNS)
    if ones == others:
        assert other.example() == example


@pytest.mark.parametrize(
    ("texts", "but_not", "example"),
    [
        (["NXXNXXXXXX"], [], "2345678923"),
        (["X."], [], "23456789234"),
        (["!"], [], "23456789234"),
        (["0X"], [], "03"),
        (["1"], [], "1"),
        (["*XX"], [], "*34"),
        (["[*#]"], [], "*"),
        (["911", "9"], [], "9"),
        (["XX"], ["23", "[2-7]X"], "83"),
        (["NXX"], ["NXX"], None),
        ([], [], None),
        (["A"], [], None),
    ],
)
def test_an_example_looks_like_a_number_that_somebody_dials(
    texts: list[str], but_not: list[str], example: str | None
) -> None:
    space = NumberSpace()
    assert (space.of_patterns(*texts) - space.of_patterns(*but_not)).example() == example


def test_a_set_equals_nothing_but_sets() -> None:
    assert NumberSpace().all() != "."


def test_only_numbers_are_in_a_set() -> None:
    everything = NumberSpace().all()
    assert [text in everything for text in ("1", "*#+", "1-2", "", "-", "A", "1A", "1 2")] == [
        *(True, True, True),
        *(False, False, False, False, False),
    ]


@given(TIDY_TEXTS)
def test_every_number_there_is_holds_all_that_any_pattern_takes(text: str) -> None:
    space = NumberSpace()
    assert space.of_patterns(text) <= space.all()
    assert space.of(shape(text)) == space.of_patterns(text)
    assert space.of(shape(text)).node is space.of(shape(text), shape(text)).node


# --- the bound of 79 signs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("places", range(77, 82))
@pytest.mark.parametrize("tail", ["", ".", "!"])
def test_a_set_of_long_numbers_holds_those_of_at_most_79_signs(places: int, tail: str) -> None:
    numbers = NumberSpace().of_patterns("X" * places + tail)
    lengths = {"": [places], ".": list(range(places + 1, 80)), "!": list(range(places, 80))}[tail]
    lengths = [length for length in lengths if length < 80]
    assert [length for length in range(70, 80) if "5" * length in numbers] == lengths
    assert bool(numbers) is bool(lengths)
    example = numbers.example()
    assert (len(example) if example else None) == (lengths[0] if lengths else None)


def test_of_a_longer_number_the_first_79_signs_count() -> None:
    numbers = NumberSpace().of_patterns("X" * 79)
    assert "1" * 80 in numbers
    assert "1" * 79 + "*" in numbers
    assert "1" * 78 not in numbers


EQUAL_AT_THE_BOUND = [
    ("X" * 78 + ".", "X" * 78 + "[0-9*#+]"),
    ("X" * 79 + "!", "X" * 79),
    ("X" * 77 + ".", "X" * 77 + "[0-9*#+]!"),
    ("X" * 80, "A"),
    ("X" * 79 + ".", "A"),
]


@pytest.mark.parametrize(("one", "other"), EQUAL_AT_THE_BOUND)
def test_patterns_that_differ_only_behind_79_signs_are_equal_sets(one: str, other: str) -> None:
    space = NumberSpace()
    assert space.of_patterns(one) == space.of_patterns(other)
    assert not space.of_patterns(one) - space.of_patterns(other)
    assert space.of_patterns(one) | space.of_patterns(other) == space.of_patterns(one)
    assert space.of_patterns(one) & space.of_patterns(other) == space.of_patterns(other)


#: What a number of 77 to 79 digits can end with; the pieces below tell no other ends apart.
ENDS = ["", "1", "2", "*", "11", "12", "1*", "21", "22", "2*", "*1", "*2", "**"]
END_TEXTS = st.lists(st.sampled_from(["1", "X", "[02-9]", "[*#+]", "[0-9*#+]"]), max_size=3).flatmap(
    lambda places: st.sampled_from(["", ".", "!"]).map(lambda tail: "".join(places) + tail)
)


@given(END_TEXTS, END_TEXTS, END_TEXTS)
def test_operations_are_exact_at_the_bound(one: str, other: str, third: str) -> None:
    def held(numbers: Numbers) -> set[str]:
        return {end for end in ENDS if "5" * 77 + end in numbers}

    space = NumberSpace()
    a, b, c = (space.of_patterns("5" * 77 + end) for end in (one, other, third))
    assert held(a | b) == held(a) | held(b)
    assert held((a - b) | c) == (held(a) - held(b)) | held(c)
    assert held((a - b) & (c | b)) == (held(a) - held(b)) & (held(c) | held(b))
    assert bool(a - b) is bool(held(a) - held(b))
    assert bool((a & b) - c) is bool((held(a) & held(b)) - held(c))
    assert (a - b == c) is (held(a) - held(b) == held(c))
    example = (a - b).example()
    assert (example is None) is (not held(a) - held(b))
    assert example is None or (example in a and example not in b and len(example) < 80)
