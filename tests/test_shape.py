"""Dial patterns as sets of signs: held against the reference on every number that matters, and at the 79-sign bound."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxsync.dialplan.pattern import Tail, parse
from pbxsync.dialplan.shape import EVERY, MEMBERS, SIGNS, Shape, bits, shape_of
from tests import naive_dialplan
from tests.dialplan_strategies import NUMBERS, TEXTS, TIDY_TEXTS, numbers_of, shape
from tests.strategies import ODD_TEXTS, patterns_and_numbers

#: Shapes as patterns have them: where every sign may stand in the last place, and anything behind it, the tail says so.
SHAPES = st.builds(
    Shape, st.lists(st.integers(1, EVERY), min_size=1, max_size=4).map(tuple), st.sampled_from(Tail)
).filter(lambda one: one.tail is not Tail.ANY or one.places[-1] != EVERY)


def takes(one: Shape, number: str) -> bool:
    """Whether the shape takes the number, by what its fields mean."""
    beyond = len(number) - len(one.places)
    follows = {Tail.NOTHING: beyond == 0, Tail.SOME: beyond > 0, Tail.ANY: beyond >= 0}[one.tail]
    return follows and all(SIGNS.index(sign) in MEMBERS[place] for sign, place in zip(number, one.places, strict=False))


def taken(one: Shape | None) -> set[str]:
    return {number for number in NUMBERS if takes(one, number)} if one is not None else set()


@given(TEXTS)
def test_the_shape_of_a_text_takes_what_the_reference_takes(text: str) -> None:
    assert taken(shape_of(parse(text))) == numbers_of(text)


@given(patterns_and_numbers())
def test_so_it_does_where_each_digit_counts_and_for_text_of_any_length(example: tuple[str, list[str]]) -> None:
    text, dialled = example
    found = shape_of(parse(text))
    for number in ("".join(sign for sign in one if sign in SIGNS)[:79] for one in dialled):
        assert (found is not None and number != "" and takes(found, number)) is (
            number != "" and naive_dialplan.takes(text, number)
        )


@given(ODD_TEXTS)
def test_a_text_has_no_shape_exactly_where_it_has_no_place_or_one_that_no_sign_fills(text: str) -> None:
    pattern = parse(text)
    places = pattern.places if pattern is not None else ()
    ends = pattern is None or pattern.tail is Tail.NOTHING
    empty = (not places and ends) or any(not place & set(SIGNS) for place in places)
    assert (shape_of(pattern) is None) is empty


@given(SHAPES)
def test_a_shape_s_text_is_a_pattern_of_the_same_shape(one: Shape) -> None:
    assert shape_of(parse(one.text)) == one


def test_what_takes_the_same_numbers_has_one_shape_and_what_takes_others_another() -> None:
    places = ("", "1", "X", "[*#+]", "[0-9*#+]", "[1*#+]")
    texts = ["".join(parts) for parts in product(places, places, places, ("", "!", "."))]
    shapes: dict[frozenset[str], set[Shape]] = {}
    for text in filter(None, texts):
        shapes.setdefault(numbers_of(text), set()).add(shape(text))
    assert all(len(same) == 1 for same in shapes.values())
    assert len(set().union(*shapes.values())) == len(shapes)


def test_every_set_of_signs_has_a_text_that_takes_exactly_these_signs() -> None:
    for place in range(1, EVERY + 1):
        text = Shape((place,)).text
        assert {sign for sign in SIGNS if naive_dialplan.takes(text, sign)} == {
            SIGNS[index] for index in MEMBERS[place]
        }


@pytest.mark.parametrize(
    ("signs", "text"),
    [
        (["0123456789"], "X"),
        (["123456789", "23456789"], "ZN"),
        (["5", "*", "#", "+"], "5*#+"),
        (["01"], "[01]"),
        (["012"], "[0-2]"),
        (["0123579"], "[0-3579]"),
        (["135679"], "[135-79]"),
        (["02345678"], "[02-8]"),
        (["*#"], "[*#]"),
        (["0123456789*#+"], "[0-9*#+]"),
        (["012+"], "[0-2+]"),
    ],
)
def test_a_shape_is_written_as_a_person_writes_it(signs: list[str], text: str) -> None:
    assert Shape(tuple(map(bits, signs))).text == text


def test_a_shape_s_tail_is_written_as_its_sign() -> None:
    assert [Shape((EVERY & 1023,), tail).text for tail in Tail] == ["X", "X.", "X!"]


def test_signs_that_no_number_has_are_left_out_of_a_set() -> None:
    assert bits("A1 -") == bits("1")
    assert bits("A") == 0


@given(TIDY_TEXTS, TIDY_TEXTS)
def test_what_two_shapes_both_take_is_one_shape_or_none(one: str, other: str) -> None:
    both = shape(one) & shape(other)
    assert taken(both) == numbers_of(one) & numbers_of(other)
    assert (both is None) is (not numbers_of(one) & numbers_of(other))
    assert both == shape(other) & shape(one)


@given(SHAPES, SHAPES, st.data())
def test_a_number_of_two_shapes_is_one_of_what_both_take(one: Shape, other: Shape, data: st.DataObject) -> None:
    number = "".join(data.draw(st.sampled_from([SIGNS[sign] for sign in MEMBERS[place]])) for place in one.places)
    number += data.draw(st.sampled_from(["", "1", "*2"]))
    both = one & other
    assert (both is not None and takes(both, number)) is (takes(one, number) and takes(other, number))


@given(SHAPES)
def test_a_shape_and_itself_have_all_of_it_in_common(one: Shape) -> None:
    assert one & one == one
    assert one & shape("!") == one


@given(SHAPES, SHAPES)
def test_equal_shapes_are_found_as_one_key(one: Shape, other: Shape) -> None:
    again = Shape(tuple(one.places), one.tail)
    assert (again, hash(again)) == (one, hash(one))
    assert len({one: 1, again: 2, other: 3}) == (1 if one == other else 2)


def test_shapes_that_differ_in_the_tail_alone_are_different() -> None:
    assert len({Shape((1,), tail) for tail in Tail}) == 3


@given(st.lists(st.integers(1, EVERY), max_size=3), st.sampled_from(Tail), st.integers(0, 4))
def test_the_size_counts_the_numbers_of_a_length_where_digits_go_before_other_signs(
    places: list[int], tail: Tail, length: int
) -> None:
    one = Shape(tuple(places), tail)
    digits = [[SIGNS[sign] for sign in MEMBERS[place] if sign < 10 or not place & 1023] for place in places]
    dialled = digits + [list("0123456789")] * (length - len(places))
    numbers = ("".join(signs) for signs in product(*dialled[:length]))
    expected = sum(takes(one, number) for number in numbers) if length >= len(places) else 0
    assert one.size(length) == expected


def test_the_size_of_long_numbers_is_counted_without_listing_them() -> None:
    assert shape("NXXNXXXXXX").size(10) == 6_400_000_000
    assert shape("0.").size(79) == 10**78
    assert shape("911").size(79) == 0


@pytest.mark.parametrize("places", [78, 79, 80])
def test_no_shape_takes_more_than_79_signs(places: int) -> None:
    assert [shape_of(parse("X" * places + tail)) is not None for tail in ("", "!", ".")] == {
        78: [True, True, True],
        79: [True, True, False],
        80: [False, False, False],
    }[places]


@pytest.mark.parametrize(
    ("text", "shortest"),
    [
        ("!", "."),
        ("[0-9*#+]!", "."),
        ("[0-9*#+][0-9*#+]!", "[0-9*#+]."),
        ("X[0-9*#+]!", "X."),
        ("X" * 78 + "[+#*0-9]!", "X" * 78 + "."),
        ("X!", "X!"),
        ("1[0-9*#]!", "1[0-9*#]!"),
    ],
)
def test_what_means_the_same_since_a_number_has_a_sign_at_least_is_one_shape(text: str, shortest: str) -> None:
    assert shape(text).text == shortest
    assert numbers_of(text) == numbers_of(shortest)


@pytest.mark.parametrize("text", ["", "[", "-", "[9-1]", "A", "1A.", "[]", "[AB]X"])
def test_a_text_that_takes_no_number_has_no_shape(text: str) -> None:
    assert shape_of(parse(text)) is None
