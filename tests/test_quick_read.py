"""The quick way to read a file, held against the long one: it says the same, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pbxsync.document import parse
from pbxsync.quick_read import quick_read
from pbxsync.validator import check

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*/*.yaml"))


def hold_against_the_long_way(data: bytes) -> bool:
    """Whether the quick way was sure of itself; what it says must be what the long way does."""
    quick = quick_read(data, "f.yaml")
    slow = check(parse(data, "f.yaml"))
    if quick is None:
        return False
    assert slow.problems == ()
    assert slow.includes == ()
    assert quick == (slow.desired, slow.pbx)
    return True


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_of_every_example_it_says_what_the_long_way_says_or_nothing(path: Path) -> None:
    hold_against_the_long_way(path.read_bytes())


def scalar(texts: list[str]) -> st.SearchStrategy[str]:
    plain = st.sampled_from(texts)
    return plain | plain.map(lambda text: f'"{text}"') | plain.map(lambda text: f"'{text}'")


NAMES = scalar(
    [
        *("a", "b", "A", "to16", "é", "e", "x" * 41, "a&b", "a\u200b", "ß", "ss", "all", "010", "yes", "", "x~pbxsync"),
        *("&a a", "*a", "!!str a", "a,b", "a # b"),
    ]
)
PATTERNS = scalar(["X.", "1NXX", "911", "[2-9]X", "9.", "", "X.9", "[2", "_X.", "9-1", "x!", "null"])
FIELDS = scalar(["", "9", "011", "00", "+44", "9.", "n", "~", "A", "1 2"])
TRUNKS = st.lists(NAMES, max_size=3).map(lambda names: f"[{', '.join(names)}]") | NAMES


@st.composite
def routes(draw: st.DrawFn) -> str:
    keys = {"name": NAMES, "matchpattern": PATTERNS, "trunks": TRUNKS, "prefix": FIELDS, "prepend": FIELDS}
    odd = {"callerid": FIELDS, "renamed_from": NAMES, "nmae": NAMES, "<<": st.just("{prefix: '9'}")}
    chosen = draw(st.lists(st.sampled_from([*keys] * 4 + [*odd]), min_size=2, max_size=6))
    lines = [
        f"{key}: {draw({**keys, **odd}[key])}" for key in dict.fromkeys(["name", "matchpattern", "trunks", *chosen])
    ]
    return "  - " + "\n    ".join(lines) + "\n"


HEADS = st.sampled_from(
    [
        *(
            "",
            "",
            "",
            "version: 1\n",
            "version: 2\n",
            'version: "1"\n',
            "---\n",
            "%YAML 1.1\n---\n",
            "x: 1\n",
            "\ufeff",
        ),
        *("pbx:\n  name: hq\n  url: https://192.0.2.10\n", "pbx: {url: 'ftp://x'}\n", "pbx: {url: https://u@x}\n"),
        *("pbx: {hidden_fields: none}\n", "pbx: {hidden_fields: pin}\n", "ignore: [a*]\n", "# \u202e\n"),
        *("pbx: {fresh_connections: true}\n", "pbx: {fresh_connections: False, name: a}\n"),
        *("pbx: {fresh_connections: 'true'}\n", "pbx: {fresh_connections: yes}\n", "pbx: {fresh_connections: }\n"),
        *("pbx: {fresh_connections: true, fresh_connections: true}\n", "pbx: {fresh_connections: [true]}\n"),
        *("pbx: {type: xml}\n", "pbx: {type: yaml}\n", "pbx:\n", "pbx: {name: a, name: b}\n", "include: [a.yaml]\n"),
    ]
)
TAILS = st.sampled_from(["", "", "", "tests: []\n", "routes: []\n", "---\n", "...\n", "# end\n", "\x00", "\t"])


@given(HEADS, st.lists(routes(), max_size=3), TAILS)
@example("", ["  - {name: a, matchpattern: X., trunks: [t], trunks: [u]}\n"], "")
@example("", ["  - {name: a, matchpattern: X., trunks: []}\n"], "")
@example("", ["  - &r {name: a, matchpattern: X., trunks: [t]}\n", "  - *r\n"], "")
@example("", ["  - {name: a, matchpattern: X., trunks: [t]}\n", "  - {name: a, matchpattern: 9X., trunks: [t]}\n"], "")
def test_of_any_file_it_says_what_the_long_way_says_or_nothing(head: str, entries: list[str], tail: str) -> None:
    listed = "routes:\n" + "".join(entries) if entries else "routes: []\n"
    hold_against_the_long_way(f"{head}{listed}{tail}".encode())


@given(st.binary(max_size=30) | st.text(max_size=30).map(str.encode))
def test_of_no_yaml_it_says_nothing_wrong(data: bytes) -> None:
    hold_against_the_long_way(data)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("A", ""),
        ("Ä", ""),
        ("a&b", ""),
        ("x" * 41, ""),
        ("é" * 21, ""),
        ("b", "prefix: '" + "0" * 61 + "'"),
        ("b", "prepend: '" + "0" * 101 + "'"),
        ("b", "trunks: [t, u, t]"),
        ("b", "trunks: [R&D]"),
        ("b # \u202e", ""),
        ("a\u200b", ""),
    ],
)
def test_it_says_nothing_of_a_file_with_odd_names_trunks_or_lengths(name: str, more: str) -> None:
    first = "  - {name: a, matchpattern: 1X, trunks: [t]}\n"
    trunks = "" if "trunks" in more else "    trunks: [t]\n"
    data = f"routes:\n{first}  - name: {name}\n    matchpattern: 2X\n{trunks}    {more}\n".encode()
    assert not hold_against_the_long_way(data)
    assert check(parse(data, "f.yaml")).problems != ()


def test_of_two_names_that_are_equal_by_a_guess_it_says_nothing() -> None:
    route = "  - {name: %s, matchpattern: 1X, trunks: [t]}\n"
    assert not hold_against_the_long_way(("routes:\n" + route % "Straße" + route % "Strasse").encode())
    assert hold_against_the_long_way(("routes:\n" + route % "Straße" + route % "Gasse").encode())


def test_it_is_sure_of_a_plain_file() -> None:
    route = '  - name: to{0}\n    prefix: "{0}"\n    matchpattern: "X."\n    prepend: ""\n    trunks: [a, "7"]\n'
    head = "# routes\nversion: 1\npbx:\n  url: https://192.0.2.10\n  name: hq\n  type: json\n  hidden_fields: none\n"
    assert hold_against_the_long_way((head + "routes:\n" + route.format(16) + route.format(17)).encode())
    assert hold_against_the_long_way((head + "  fresh_connections: true\nroutes: []\n").encode())
    assert hold_against_the_long_way(b"routes: []\n")
    assert hold_against_the_long_way(b"\xef\xbb\xbfroutes: []\n")
