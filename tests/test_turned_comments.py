"""Characters in comments that turn the text around them."""

from __future__ import annotations

import pytest
import yaml

from pbxsync.turned_comments import may_turn, turned_comments

TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def places(text: str) -> list[tuple[int, int]]:
    return [(line, column) for line, column, _ in turned_comments(text)]


@pytest.fixture(params=["libyaml", "PyYAML"], autouse=True)
def _parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "PyYAML":
        monkeypatch.delattr(yaml, "CSafeLoader")


@pytest.mark.parametrize("char", TURNING)
def test_each_of_them_is_found_in_a_comment(char: str) -> None:
    assert may_turn(f"a: b # {char}\n".encode())
    assert places(f"a: b # é{char}x\n") == [(1, 9)]


@pytest.mark.parametrize("char", "\u2029\u200f\u2065\u206a\u200b\u061cé")
def test_other_characters_turn_nothing(char: str) -> None:
    assert not may_turn(f"a: b # {char}\n".encode())
    assert places(f"a: b # {char}\n") == []


def test_a_line_is_named_once_with_all_that_it_holds() -> None:
    ((line, column, message),) = turned_comments("# one\n#\u202e two \u2066\u202e\na: b\n")
    assert (line, column) == (2, 2)
    assert message == (
        "a comment holds U+202E RIGHT-TO-LEFT OVERRIDE and U+2066 LEFT-TO-RIGHT ISOLATE, which nobody sees: the text "
        "around it reads otherwise than it is; remove it"
    )


@pytest.mark.parametrize(
    "text",
    [
        "a: b\u202e\n",
        "a: 'b # \u202e'\n",
        'a: "b # \u202e\n  c # \u202e"\n',
        "\u202ea: b\n",
        "a: |\n  b # \u202e\n  c # \u202e\nd: e\n",
        "a: >-\n  b # \u202e\n\n  c # \u202e\n",
        "a: b\u202e\n  c\u202e\n",
        "[a\u202e, {b\u202e: c\u202e}]\n",
        "- a\u202e\n- - b\u202e\n  - c#\u202e\n",
    ],
)
def test_what_is_in_a_value_or_key_is_no_comment(text: str) -> None:
    assert places(text) == []


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a: | # \u202e\n  b # \u202e\nc: d\n", (1, 8)),
        ("a: |\n  b\n# \u202e\nc: d\n", (3, 3)),
        ("a: # \u202e\n  b\n", (1, 6)),
        ("a: [b, # \u202e\n  c]\n", (1, 10)),
        ("---\n# \u202e\na: b\n", (2, 3)),
        ("a: b\n# \u202e", (2, 3)),
        ("a: b\r# \u202e\rc: d\r", (2, 3)),
        ("a: b\r\n# \u202e\r\n", (2, 3)),
        ("a: 'b' # \u202e\n", (1, 10)),
    ],
)
def test_a_comment_is_one_wherever_it_is_written(text: str, where: tuple[int, int]) -> None:
    assert places(text) == [where]
