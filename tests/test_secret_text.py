"""Whether a text from outside holds a secret, however it is spelled."""

from __future__ import annotations

import html
import json
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxsync.secret_text import holds_secret

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
WAYS = st.sampled_from(
    [
        str,
        quote,
        quote_plus,
        lambda text: quote(text, safe=""),
        lambda text: json.dumps(text)[1:-1],
        lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
        html.escape,
        escape,
        lambda text: html.escape(quote(text)),
    ]
)


@given(TEXTS.filter(bool), TEXTS, TEXTS, WAYS)
def test_a_secret_is_found_in_each_spelling(secret: str, before: str, after: str, way: object) -> None:
    assert callable(way)
    assert holds_secret(f"{before} {way(secret)} {after}", ["other", secret])


@pytest.mark.parametrize("text", ["", "t0ke", "token", "t0 ken"])
def test_a_text_without_the_secret_holds_none(text: str) -> None:
    assert not holds_secret(text, ["t0ken"])
    assert not holds_secret(text, [])


@pytest.mark.parametrize("text", ["T0KEN", "x%74%30ken", "&#116;0ken", "pbx.t0ken.example.com"])
def test_other_cases_and_needless_escapes_hide_no_secret(text: str) -> None:
    assert holds_secret(text, ["t0ken"])
