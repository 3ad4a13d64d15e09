"""Names that the API can carry: in pbxsync.names and, without a difference, in the schema's patterns."""

from __future__ import annotations

import re
import sys
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pbxsync import schemas
from pbxsync.names import (
    control_character,
    copy_name,
    copy_stem,
    declared_fault,
    hidden_characters,
    ignored,
    is_copy,
    original,
    route_fault,
    text_fault,
    trunk_fault,
    without_hidden,
)

SCHEMA = schemas.load("routes")


def definition(name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]})


NAME, TRUNK, TEXT, FILLED_TEXT = map(definition, ("name", "trunk", "text", "filled_text"))
ROUTE_OF_A_TEST = Draft202012Validator(SCHEMA["$defs"]["test"]["properties"]["route"])


def pattern_of(validator: Draft202012Validator) -> str:
    schema: Any = validator.schema
    target = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    pattern: str = target["pattern"]
    return pattern


#: Texts around what the rules are about: the word all, separators, spaces and line ends of every kind at the ends.
TRICKY = st.text(
    st.sampled_from(
        [
            *"aAlL,b \t\n\r\v\f\x00\x1f\x7f\x85\x9f\xa0",
            *"\u2028\u2029\u200b\u3000\ufe0f\ufeff\ufffe\uffff\ufffd\U000e0041\U0001d173",
        ]
    ),
    max_size=6,
)
#: Names as copies have them, or nearly.
COPIES = st.lists(
    st.sampled_from(
        [*("a", "~", "all", "~pbxsync", "~PBXsync", "pbxsync", "~pbxsyn", " ", "\n", "\u017f", ","), *"\ufe0f☎\u20e3"]
    ),
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
def test_the_schema_accepts_as_text_exactly_what_the_names_do(text: str) -> None:
    assert TEXT.is_valid(text) == (text_fault(text) is None)
    assert FILLED_TEXT.is_valid(text) == (text != "" and text_fault(text) is None)
    assert ROUTE_OF_A_TEST.is_valid(text) == (text != "" and text_fault(text) is None)


def test_no_character_is_one_to_the_schema_and_another_to_the_names() -> None:
    characters = [chr(code) for code in (*range(0xD800), *range(0xE000, 0x20000), *range(0xE0000, 0xE1100))]
    refused = {char for char in characters if text_fault(char)}
    assert len(refused) > 4000
    accepted = "".join(char for char in characters if char not in refused and char != ",")
    for validator in (NAME, TRUNK, TEXT, FILLED_TEXT, ROUTE_OF_A_TEST):
        pattern = re.compile(pattern_of(validator))
        assert [char for char in refused if pattern.search(f"a{char}b")] == []
        assert pattern.search(f"a{accepted}b")


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


@pytest.mark.parametrize("name", ["a\u3000", "\xa0a", "a\u200bb", "\u202ea", "carrier\u00ad-a", "a\ufe0f", "all\u2060"])
def test_what_nobody_sees_is_refused_in_files_and_can_be_sent_to_the_pbx_but_for_outer_spaces(name: str) -> None:
    for fault in (declared_fault(name), trunk_fault(name), text_fault(name)):
        assert fault is not None
        assert fault[0] == "hidden-character"
    assert route_fault(name) == (None if name.strip() == name else ("outer-space", "it begins or ends with a space"))


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


def test_every_format_character_and_odd_space_of_unicode_is_hidden() -> None:
    characters = map(chr, range(sys.maxunicode + 1))
    odd = [char for char in characters if unicodedata.category(char) in ("Cf", "Zs") and char != " "]
    assert len(odd) > 150
    assert [char for char in odd if hidden_characters(char) is None] == []


@pytest.mark.parametrize("text", ["☎\ufe0f", "\U0001f691\ufe0f b", "1\ufe0f\u20e3", "葛\U000e0100"])
def test_a_variation_selector_is_a_part_of_the_sign_before_it(text: str) -> None:
    assert declared_fault(text) is None
    assert NAME.is_valid(text)


@pytest.mark.parametrize("text", ["local\ufe0f", "1\ufe0f", "\ufe0f", "a\U000e0100b", "a \ufe0f\u20e2", "éa\ufe0f"])
def test_a_variation_selector_after_ascii_is_seen_by_nobody(text: str) -> None:
    assert hidden_characters(text) is not None
    assert not NAME.is_valid(text)
    assert hidden_characters(without_hidden(text)) is None


@pytest.mark.parametrize("char", [*"aé東☎٣ ~\u0301\u2013\u2011\ue000", "\U0001f4de"])
def test_what_can_be_seen_is_not_hidden(char: str) -> None:
    assert hidden_characters(f"a{char}b") is None
    assert without_hidden(f"a{char}b") == f"a{char}b"


def test_many_hidden_characters_are_taken_out_in_few_steps() -> None:
    text = "a" + "\u200b\ufe0f" * 100_000 + "\ufe0f\ufe0f" * 100_000
    assert without_hidden(text) == "a"


def test_hidden_characters_are_named_each_once_and_three_at_most() -> None:
    assert hidden_characters("a\u200bb\u200b") == "U+200B ZERO WIDTH SPACE"
    assert hidden_characters("\u00a0\u00ad") == "U+00A0 NO-BREAK SPACE and U+00AD SOFT HYPHEN"
    assert hidden_characters("\u200b\u200c\u200d\u2060\u2061") == (
        "U+200B ZERO WIDTH SPACE, U+200C ZERO WIDTH NON-JOINER, U+200D ZERO WIDTH JOINER and 2 more"
    )
    assert hidden_characters("\U000e0080") == "U+E0080"


@given(TEXTS)
def test_nothing_hidden_is_left_without_it(text: str) -> None:
    assert hidden_characters(without_hidden(text)) is None
    assert without_hidden("a\u00a0b\u200bc") == "a bc"


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


@given(TEXTS.filter(lambda text: len(text.encode("utf-8", "replace")) <= 32 and text == text.rstrip() and text))
def test_a_copy_of_a_short_name_is_that_name_with_the_ending(name: str) -> None:
    assert copy_name(name) == name + "~pbxsync" or any("\ud800" <= char <= "\udfff" for char in name)


@given(st.text(max_size=80))
def test_the_name_of_a_copy_fits_into_40_characters_and_bytes(name: str) -> None:
    copy = copy_name(name)
    assert len(copy.encode()) <= 40
    assert copy == copy_stem(name) + "~pbxsync"
    assert not copy_stem(name) or (is_copy(copy) and copy_stem(copy_stem(name)) == copy_stem(name))


def test_a_long_name_is_cut_to_make_room_for_the_ending_and_never_inside_a_sign() -> None:
    assert copy_name("catchall-for-everything-that-is-left") == "catchall-for-everything-that-is-~pbxsync"
    assert copy_name("é" * 40) == "é" * 16 + "~pbxsync"
    assert copy_name("x" * 31 + "é") == "x" * 31 + "~pbxsync"


# --- ignored names --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "patterns", "by"),
    [
        ("lab-1", ["lab-*"], "lab-*"),
        ("lab-", ["lab-*"], "lab-*"),
        ("Lab-1", ["lab-*"], None),
        ("my-lab-1", ["lab-*"], None),
        ("my-lab-1", ["x", "*lab*", "*"], "*lab*"),
        ("fax", ["fax"], "fax"),
        ("fax2", ["fax"], None),
        ("anything", ["*"], "*"),
        ("a?c", ["a?c"], "a?c"),
        ("abc", ["a?c", "a[b]c", "a.c"], None),
        ("aba", ["ab*ba"], None),
        ("abba", ["ab*ba"], "ab*ba"),
        ("a\nb", ["a*b"], "a*b"),
        ("a", [], None),
    ],
)
def test_a_name_is_ignored_by_the_first_pattern_that_matches_it_as_written(
    name: str, patterns: list[str], by: str | None
) -> None:
    assert ignored(name, patterns) == by


@given(st.text("ab", max_size=8), st.text("ab*", max_size=6))
def test_a_star_is_any_characters_or_none(name: str, pattern: str) -> None:
    plain = re.fullmatch(".*".join(pattern.split("*")), name) is not None
    assert (ignored(name, [pattern]) is not None) is plain


def test_a_long_name_and_many_stars_take_no_long_time() -> None:
    assert ignored("a" * 100_000, ["*a" * 2_000 + "*b*"]) is None
    assert ignored("a" * 100_000, ["*a" * 2_000 + "*"]) is not None
