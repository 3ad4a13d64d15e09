"""Text for people: safe to print, and lists in words."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxsync.text import listed, printable


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
