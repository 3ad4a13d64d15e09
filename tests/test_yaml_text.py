"""Which plain values are text to every version of YAML: a table, and two independent readers of YAML."""

from __future__ import annotations

import re

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from pbxsync.yaml_text import integer, reading

NO_TEXT = {
    "": "null",
    "~": "null",
    "null": "null",
    "Null": "null",
    "NULL": "null",
    "y": "the boolean true",
    "Yes": "the boolean true",
    "true": "the boolean true",
    "ON": "the boolean true",
    "N": "the boolean false",
    "no": "the boolean false",
    "FALSE": "the boolean false",
    "off": "the boolean false",
    "0": "the number 0",
    "011": "the number 9",
    "-011": "the number -9",
    "0_1_1": "the number 9",
    "0_": "the number 0",
    "0o17": "the number 15",
    "08": "the number 8",
    "0900": "the number 900",
    "911": "the number 911",
    "+44": "the number 44",
    "-1": "the number -1",
    "1_800": "the number 1800",
    "0b101": "the number 5",
    "0b_": "the number 0",
    "-0b11": "the number -3",
    "0x1F": "the number 31",
    "0x_": "the number 0",
    "22:30": "the number 1350 (base 60)",
    "-1:30": "the number -90 (base 60)",
    "1:1:1": "the number 3661 (base 60)",
    "1:30.5": "the number 90.5 (base 60)",
    "1:30.": "the number 90 (base 60)",
    "9.": "a number",
    ".5": "a number",
    "-.5": "a number",
    "1.5e3": "a number",
    "1e5": "a number",
    "+1E-5": "a number",
    "192.0.2.10": "a number",
    ".inf": "a number",
    "-.INF": "a number",
    ".NaN": "a number",
    "2024-01-15": "a date",
    "2024-1-5T10:00:00Z": "a date",
    "2024-01-15 10:00:00.5 +1:30": "a date",
    "<<": "a merge key",
    "=": "a default value",
    "9" * 30: f"the number {'9' * 30}",
    "9" * 31: "a number",
    "0" * 40: "a number",
    "0o" + "7" * 40: "a number",
    "0x" + "f" * 40: "a number",
    "0b" + "1" * 40: "a number",
    "1:" + "1:" * 20 + "1": "a number",
    "1" * 40 + ".": "a number",
    "9" * 100_000: "a number",
}

TEXT = [
    *("X.", "to16", "N.", "NX", "_9.", "0x", "0b", "0o", "0o8", "0b2", "0xg", "1-2", "1e", "e5", "1e+", "+", "-", "."),
    *("yess", "nO", "tRUE", "nil", "nulL", "Y.", "22:60", "22:", ":30", "1:2:x", "2024-1-5", "24-01-15", "==", "<<<"),
    *("9X", "911x", "0 1", "1 800", "+44x", "++1", "--1", "1,5", ".infinity", ".", "..", "_", "_1", "inf", "NaN"),
    *("\u0661\u0662", "\uff11", "\xb2", "1\n", "yes\n", "x" * 40, "1" * 40 + "x"),
]


@pytest.mark.parametrize(("text", "read"), NO_TEXT.items(), ids=lambda value: value[:20])
def test_what_yaml_reads_as_no_text_is_told_in_words(text: str, read: str) -> None:
    assert reading(text) == read


@pytest.mark.parametrize("text", TEXT, ids=lambda value: repr(value)[:20])
def test_what_every_version_of_yaml_reads_as_text_is_text(text: str) -> None:
    assert reading(text) is None


#: The core schema of YAML 1.2, from its specification (10.3.2).
CORE = re.compile(
    r"null|Null|NULL|~|"
    r"|true|True|TRUE|false|False|FALSE"
    r"|[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"
    r"|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
    r"|[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN"
)

NUMBER_LIKE = st.text("0123456789abefxoXNTZ_:.+-eE ", max_size=24)
WORDS = st.sampled_from([text for text in NO_TEXT if len(text) < 40]).flatmap(
    lambda word: st.sampled_from([word, word.upper(), word.capitalize(), word + "0", "-" + word, word + "_"])
)


@given(st.one_of(NUMBER_LIKE, WORDS, st.text(max_size=12)))
@example("1:2")
@example("2001-1-1 1:1:1")
def test_what_either_yaml_reads_as_no_text_is_never_taken_as_text(text: str) -> None:
    if CORE.fullmatch(text):
        assert reading(text) is not None
    # What PyYAML (YAML 1.1) takes for a plain scalar of another type than text.
    read: str = yaml.SafeLoader("").resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    if read != "tag:yaml.org,2002:str":
        assert reading(text) is not None


@given(st.from_regex(r"\A[-+]?[0-9][0-9_]{0,12}(:[0-5]?[0-9]){0,2}\Z"))
def test_the_number_told_is_the_one_that_pyyaml_loads(text: str) -> None:
    value = yaml.safe_load(f"[{text}]")[0]
    if isinstance(value, int):
        assert reading(text) in (f"the number {value}", f"the number {value} (base 60)")
    assert reading(text) is not None


@given(st.one_of(NUMBER_LIKE, st.text(max_size=12)))
def test_an_integer_is_only_what_every_version_of_yaml_reads_as_that_integer(text: str) -> None:
    value = integer(text)
    if value is not None:
        assert str(value) == text or (text == "-0" and value == 0)
        assert yaml.safe_load(text) == value


@pytest.mark.parametrize("text", ["", "+1", "01", "1_0", "0x1", "1.", "1:0", "\u0661", "1\n", "9" * 19, "--1"])
def test_what_versions_of_yaml_read_differently_is_no_integer(text: str) -> None:
    assert integer(text) is None


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("1", 1), ("-7", -7), ("9" * 18, 10**18 - 1)])
def test_a_plain_integer_is_one(text: str, value: int) -> None:
    assert integer(text) == value
