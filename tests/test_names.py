"""Names that the API can carry: in pbxsync.names and, without a difference, in the schema's patterns."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pbxsync import schemas
from pbxsync.names import (
    control_character,
    copy_name,
    declared_fault,
    folded,
    is_copy,
    original,
    route_fault,
    trunk_fault,
)

SCHEMA = schemas.load("routes")


def definition(name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]})


NAME, TRUNK, TEXT = definition("name"), definition("trunk"), definition("text")

#: Texts around what the rules are about: the word all, separators, spaces and line ends of every kind at the ends.
TRICKY = st.text(
    st.sampled_from(
        [*"aAlL,b \t\n\r\v\f\x00\x1f\x7f\x85\x9f\xa0", *"\u2028\u2029\u200b\u3000\ufeff\ufffe\uffff\ufffd"]
    ),
    max_size=6,
)
#: Names as copies have them, or nearly.
COPIES = st.lists(
    st.sampled_from(["a", "~", "all", "~pbxsync", "~PBXsync", "pbxsync", "~pbxsyn", " ", "\n", "\u017f", ","]),
    max_size=4,
).map("".join)
TEXTS = st.one_of(
    TRICKY, COPIES, st.text(max_size=8), st.text(st.characters(categories=["Cs", "Zs", "Cc", "Nd"]), max_size=4)
)


@given(TEXTS)
def test_the_schema_accepts_as_a_route_name_exactly_what_the_names_do(text: str) -> None:
    assert NAME.is_valid(text) == (declared_fault(text) is None)


@given(TEXTS)
def test_the_schema_accepts_as_a_trunk_exactly_what_the_names_do(text: str) -> None:
    assert TRUNK.is_valid(text) == (trunk_fault(text) is None)


@given(TEXTS)
def test_the_schema_accepts_as_text_exactly_what_holds_no_control_character(text: str) -> None:
    assert TEXT.is_valid(text) == (control_character(text) is None)


@pytest.mark.parametrize("validator", [NAME, TRUNK, TEXT], ids=["name", "trunk", "text"])
@pytest.mark.parametrize("text", ["a\n", "a\r\n", "\na", "a\nb"])
def test_a_line_end_behind_the_text_is_no_way_around_the_schema(validator: Any, text: str) -> None:
    assert not validator.is_valid(text)


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("", "empty-value"),
        ("a,b", "comma"),
        (" a", "outer-space"),
        ("a ", "outer-space"),
        ("a\u3000", "outer-space"),
        ("\xa0a", "outer-space"),
        ("a\tb", "control-character"),
        ("a\n", "control-character"),
        ("a\u2028", "control-character"),
        ("\ud800", "control-character"),
        ("\uffff", "control-character"),
    ],
)
def test_a_name_that_the_api_cannot_carry_is_refused_for_routes_and_trunks(name: str, rule: str) -> None:
    for fault in (route_fault(name), trunk_fault(name)):
        assert fault is not None
        assert fault[0] == rule


@pytest.mark.parametrize("name", ["all", "ALL", "All", "aLl"])
def test_only_a_route_cannot_be_called_all(name: str) -> None:
    fault = route_fault(name)
    assert fault is not None
    assert fault[0] == "reserved-name"
    assert trunk_fault(name) is None


@pytest.mark.parametrize(
    "name", ["allen", "al", "a ll", "to16", "911", "a b", "Zürich", "東京", "📞", "\u0661", "N", "-"]
)
def test_other_names_are_names_of_routes_and_of_trunks(name: str) -> None:
    assert route_fault(name) is None
    assert trunk_fault(name) is None


def test_no_character_but_the_letters_themselves_makes_the_word_all_in_lower_case() -> None:
    look_alikes = {char for char in map(chr, range(sys.maxunicode + 1)) if char.lower() in ("a", "l")}
    assert look_alikes == {"a", "A", "l", "L"}


def test_a_control_character_is_told_by_its_number() -> None:
    assert control_character("a\x07\n") == "U+0007"
    assert control_character("a\ufffe") == "U+FFFE"
    assert control_character("to16 é") is None


# --- copies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a~pbxsync", "~pbxsync", "A~PBXSYNC", "a~PbxSync", "a~pbxsync~pbxsync", "a ~pbxsync"])
def test_a_name_that_ends_as_those_of_copies_do_is_reserved_in_files_and_can_be_sent_to_the_pbx(name: str) -> None:
    assert declared_fault(name) == (
        "reserved-name",
        "names that end in ~pbxsync are those of copies that pbxsync makes to move routes",
    )
    assert route_fault(name) is None
    assert trunk_fault(name) is None


@pytest.mark.parametrize("name", ["pbxsync", "a~pbxsync-2", "~pbxsynca", "a~pbx", "a~pbx sync", "~"])
def test_names_that_only_look_like_those_of_copies_are_free(name: str) -> None:
    assert declared_fault(name) is None
    assert not is_copy(name)


@given(TEXTS)
def test_what_no_route_can_be_called_no_file_can_declare(text: str) -> None:
    assert route_fault(text) is None or declared_fault(text) is not None


@pytest.mark.parametrize(
    ("name", "of"),
    [("a~pbxsync", "a"), ("a~pbxsync~pbxsync", "a"), ("a~pbxsync b~pbxsync", "a~pbxsync b"), (" ~pbxsync", " ")],
)
def test_a_copy_s_name_is_that_of_its_route_with_the_ending_once_or_more(name: str, of: str) -> None:
    assert is_copy(name)
    assert original(name) == of


@pytest.mark.parametrize("name", ["", "a", "a~PBXSYNC", "a~pbxsync ", "a~pbxsync-2", "~pbxsync", "~pbxsync~pbxsync"])
def test_any_other_name_is_its_own(name: str) -> None:
    assert not is_copy(name)
    assert original(name) == name


@given(TEXTS.filter(lambda text: original(text + "~pbxsync") == original(text)), st.integers(1, 3))
def test_the_name_for_a_copy_is_that_of_a_copy_of_its_route_and_is_not_taken(name: str, others: int) -> None:
    taken = [name]
    for _ in range(others):
        copy = copy_name(name, taken)
        assert copy not in taken
        assert is_copy(copy)
        assert original(copy) == original(name)
        taken.append(copy)
    assert taken[-1] == name + "~pbxsync" * others


def test_the_name_for_a_copy_is_the_first_that_is_free() -> None:
    assert copy_name("a", ["a~pbxsync", "a~pbxsync~pbxsync"]) == "a"
    assert copy_name("a", ["a", "a~pbxsync~pbxsync"]) == "a~pbxsync"
    assert copy_name("a", ["a~pbxsync", "a"]) == "a~pbxsync~pbxsync"


def test_names_are_folded_without_regard_to_case_and_outer_spaces() -> None:
    assert folded(" Stra\u00dfe ") == folded("STRASSE") == "strasse"
    assert folded("a b") != folded("ab")
