"""Any bytes at all as a routes file: an answer, never an exception."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pbxsync.document import parse
from pbxsync.model import Severity
from pbxsync.render.text import problem_lines
from pbxsync.validator import check
from tests.cli.process import pbxsync
from tests.share import examples

EXAMPLES = [path.read_bytes() for path in sorted((Path(__file__).parent / "examples").rglob("*.yaml"))]
SHORT = [data for data in EXAMPLES if len(data) < 1000]

#: Finds of earlier runs, each of which ended in an exception or in a place outside of the file once.
FINDS = [
    b"routes: []\nx0: &x0 [a]\n" + b"".join(b"x%d: &x%d [*x%d]\n" % (n, n, n - 1) for n in range(1, 1300)),
    b"routes: []\na: !%C0%80 b\n",
    b"%TAG !e! tag:%ED%A0%80\n---\nroutes: []\na: !e!x b\n",
    b"routes: [",
    b"{",
    b"- [\n\n",
    b'"',
    b"a: |",
    b"a: *",
    b"\xef\xbb\xbf\xff",
    b"\xef\xbb",
    b"\xff\xfe",
    b"\x00",
    b"[" * 100_000,
    b"- " * 100_000,
    b"? " * 100_000,
    b'{"routes":' * 100_000,
    b"[{a: " * 100_000,
    b"&a " * 1000,
    b"routes:\n- name: 0o" + b"7" * 100_000,
    b"routes: " + b"9" * 100_000,
    b'version: "\\ud800"',
    b"routes:\n- &a\n  <<: *a\n",
    b"routes:\n- <<: [{}, {<<: {name: x}}]\n",
    b"<<: {routes: []}\n",
    b"? routes\n: []\n? [a]\n",
    b"pbx: {url: 'https://[::1'}\nroutes: []\n",
    b"pbx: {url: 'https://a:\xc2\xb2'}\nroutes: []\n",
    b"!!python/object/apply:os.system [x]\n",
    b"routes: []\r%",
    b"routes: []\n...\n...\n%\n",
    b"routes: [{name: !!binary a, renamed_from: ~}, ~, [[]], {name: {a: b}}]\ntests: [[], {dial: 1, route: []}]\n",
]

WORDS = [
    *("routes", "name", "matchpattern", "trunks", "prefix", "tests", "dial", "pbx", "url", "version", "renamed_from"),
    *(": ", ":", "- ", "\n", "\n  ", "\n    ", "[", "]", "{", "}", ",", "&a ", "*a", "<<", "!", "!!", "!x ", "#", " #"),
    *(
        "'",
        '"',
        "\\",
        "\\u",
        "|",
        ">",
        "%",
        "@",
        "`",
        "?",
        "? ",
        "---\n",
        "...\n",
        "\t",
        "\r",
        "~",
        "null",
        "011",
        "9.",
    ),
    *("X.", "all", "é", "\u2028", "\ufeff", "\x00", "[2-9]XX", "*9X.", "https://", "1", "json"),
]
YAML_LIKE = st.lists(st.sampled_from(WORDS), max_size=40).map("".join)
ROUTES_LIKE = st.lists(st.sampled_from(WORDS), max_size=20).map(lambda words: "routes:\n  - name: " + "".join(words))


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """An example file with a few pieces taken out, put in, doubled or replaced."""
    data = draw(st.sampled_from(SHORT))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 12)))
        other = draw(st.sampled_from(SHORT))
        cut = draw(st.integers(0, len(other)))
        piece = draw(
            st.one_of(
                st.just(b""),
                st.just(data[start:end] * 2),
                st.binary(max_size=4),
                st.sampled_from(WORDS).map(str.encode),
                st.just(other[cut : cut + 30]),
            )
        )
        data = data[:start] + piece + data[end:]
    return data


def lines_of(data: bytes) -> list[str]:
    text = data.decode("utf-8", errors="replace").removeprefix("\ufeff")
    lines = re.split("\r\n|\r|\n", text)
    return lines[:-1] if len(lines) > 1 and not lines[-1] else lines


def assert_answered(data: bytes) -> None:
    one = check(parse(data, "f"), table=True)
    errors = [problem for problem in one.problems if problem.severity is Severity.ERROR]
    assert (one.desired is None) == bool(errors)
    lines = lines_of(data)
    for problem in one.problems:
        at = problem.location
        assert 1 <= at.line <= len(lines), problem
        assert at.column >= 1, problem
        # Where the file is not UTF-8 the columns count what stands before the first wrong byte.
        assert at.column <= len(lines[at.line - 1]) + 1, problem
        assert problem.message
    assert [problem.order for problem in one.problems] == sorted({problem.order for problem in one.problems})
    assert len(problem_lines(one.problems).splitlines()) == len(one.problems)


@pytest.mark.parametrize("data", FINDS, ids=lambda data: repr(data[:24]))
def test_an_earlier_find_is_answered(data: bytes) -> None:
    assert_answered(data)


@given(st.one_of(YAML_LIKE, ROUTES_LIKE).map(lambda text: text.encode("utf-8")))
@settings(max_examples=examples(1200))
def test_any_pieces_of_yaml_are_answered(data: bytes) -> None:
    assert_answered(data)


@given(mutated())
@settings(max_examples=examples(1200))
def test_any_damaged_example_file_is_answered(data: bytes) -> None:
    assert_answered(data)


@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass"))))
@settings(max_examples=examples(500))
def test_any_bytes_and_any_text_are_answered(data: bytes) -> None:
    assert_answered(data)


@given(st.one_of(mutated(), YAML_LIKE.map(lambda text: text.encode("utf-8"))))
@settings(max_examples=examples(400))
def test_any_file_is_answered_without_libyaml_too(data: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(yaml, "CSafeLoader")
        assert_answered(data)


@pytest.mark.parametrize("data", [data for data in FINDS if len(data) < 50_000], ids=lambda data: repr(data[:24]))
def test_an_earlier_find_is_answered_without_libyaml_too(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(yaml, "CSafeLoader")
    assert_answered(data)


def test_the_command_answers_every_earlier_find_without_a_traceback(tmp_path: Path) -> None:
    for number, data in enumerate(FINDS):
        (tmp_path / f"find-{number:02}.yaml").write_bytes(data)
    ended = pbxsync("validate", tmp_path)
    assert ended.code == 1
    assert ended.err == ""
    assert "Traceback" not in ended.out
    for number in range(len(FINDS)):
        accepted = FINDS[number] == b"<<: {routes: []}\n"
        assert (f"find-{number:02}.yaml:" in ended.out) != accepted
