"""Names that some PBX may take for one: by collation, by a cut, by escaping."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxsync.equal_names import NameIndex, equal_keys, may_be_equal, surely_equal_key

SURE = [
    ("Buro", "BURO"),
    ("Munchen", "München"),
    ("Bu\u0308ro", "Büro"),
    ("ＡＢ", "ab"),
    ("a\u200bb", "ab"),
    ("carrier\u00ad-a", "carrier-a"),
    ("a\u00a0b", "a  b"),
    ("a ", "a"),
    ("n" * 45, "n" * 40),
    ("n" * 40 + "-1", "n" * 40 + "-2"),
    ("\u202eabc", "abc"),
]
GUESSED = [
    ("Straße", "Strasse"),
    ("Straße", "Strase"),
    ("STRAẞE", "strasse"),
    ("Müller", "Myller"),
    ("Mu\u0308ller", "Myller"),
    ("sales & more", "sales &amp; more"),
    ("sales & more", "sales &amp;amp; more"),
    ("it's", "it&#039;s"),
    ("fire 🔥", "fire 🎉"),
    ("fire 🔥", "fire"),
    ("Kadıköy", "Kadikoy"),
    ("é" * 25, "é" * 20),
]
OTHERS = [
    ("a", "b"),
    ("Strasse", "Strase"),
    ("Muller", "Myller"),
    ("local ☎", "local"),
    ("to16", "to17"),
    ("AT&T", "AT"),
    ("a-b", "ab"),
    ("a_b", "a b"),
]


@pytest.mark.parametrize(("one", "other"), SURE + GUESSED)
def test_names_that_some_pbx_takes_for_one_are_equal_both_ways(one: str, other: str) -> None:
    assert may_be_equal(one, other)
    assert may_be_equal(other, one)


@pytest.mark.parametrize(("one", "other"), SURE)
def test_case_accents_width_spaces_invisible_characters_and_the_cut_are_sure(one: str, other: str) -> None:
    assert surely_equal_key(one) == surely_equal_key(other)


@pytest.mark.parametrize(("one", "other"), GUESSED)
def test_what_is_more_than_that_is_a_guess(one: str, other: str) -> None:
    assert surely_equal_key(one) != surely_equal_key(other)


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_other_names_are_others(one: str, other: str) -> None:
    assert not may_be_equal(one, other)
    assert surely_equal_key(one) != surely_equal_key(other)


@given(st.text(max_size=60))
def test_a_name_is_equal_to_itself_and_what_is_sure_is_a_guess_too(name: str) -> None:
    assert may_be_equal(name, name)
    assert surely_equal_key(name) in equal_keys(name)


@given(st.text(max_size=60))
def test_case_and_outer_spaces_never_make_another_name(name: str) -> None:
    assert surely_equal_key(f" {name[:38]} ".upper().lower()) == surely_equal_key(name[:38].upper().lower())


@given(st.text(max_size=50), st.text(max_size=50))
def test_the_index_finds_what_is_equal_and_nothing_else(one: str, other: str) -> None:
    index = NameIndex([(one, 1)])
    assert list(index.equal_to(other)) == ([(one, 1)] if may_be_equal(one, other) else [])


def test_the_index_gives_each_value_once() -> None:
    index = NameIndex([("Müller", 1), ("Myller", 2), ("Muller", 3), ("other", 4)])
    assert sorted(index.equal_to("Müller")) == [("Muller", 3), ("Myller", 2), ("Müller", 1)]
    assert sorted(index.equal_to("Muller")) == [("Muller", 3), ("Müller", 1)]


def test_a_name_of_two_million_characters_is_no_work() -> None:
    assert may_be_equal("&amp;" * 400_000, "&" * 400_000)
