"""YAML text to values with their place: every kind of value, bounds, and both of PyYAML's parsers."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from pbxsync import document
from pbxsync.document import Document, Mapping, Node, Scalar, Sequence, parse
from pbxsync.quoting import quoted, shown
from pbxsync.validator import Checked, check

if TYPE_CHECKING:
    from pbxsync.model import Problem

EXAMPLES = sorted((Path(__file__).parent / "examples").rglob("*.yaml"))


def root(text: str) -> Node:
    """The root of a text that is good YAML."""
    read = parse(text.encode(), "f")
    assert read.problems == ()
    assert read.root is not None
    return read.root


def at(node: Node, *path: str | int) -> Node:
    for step in path:
        if isinstance(step, int):
            assert isinstance(node, Sequence)
            node = node.items[step]
        else:
            assert isinstance(node, Mapping)
            node = node.entries[step][1]
    return node


def place(node: Node) -> tuple[int, int]:
    return node.line, node.column


def only_problem(data: bytes) -> Problem:
    read = parse(data, "f")
    assert len(read.problems) == 1, read.problems
    return read.problems[0]


def test_every_kind_of_value_knows_its_text_its_place_and_whether_it_is_plain() -> None:
    node = root("a: plain\nb: 'single'\nc: \"double\"\nd: |\n  literal\ne: >-\n  folded\nf: !!str tagged\ng:\n")
    values = {key: at(node, key) for key in "abcdefg"}
    assert values == {
        "a": Scalar("plain", True, 1, 4),
        "b": Scalar("single", False, 2, 4),
        "c": Scalar("double", False, 3, 4),
        "d": Scalar("literal\n", False, 4, 4),
        "e": Scalar("folded", False, 6, 4),
        "f": Scalar("tagged", False, 8, 4),
        "g": Scalar("", True, 9, 3),
    }


def test_a_list_and_a_mapping_stand_where_they_begin_in_both_styles() -> None:
    node = root("a:\n  - x: 1\nb: [1, {y: 2}]\n")
    assert place(node) == (1, 1)
    assert place(at(node, "a")) == (2, 3)
    assert place(at(node, "a", 0)) == (2, 5)
    assert place(at(node, "a", 0, "x")) == (2, 8)
    assert place(at(node, "b")) == (3, 4)
    assert place(at(node, "b", 1)) == (3, 8)
    assert place(at(node, "b", 1, "y")) == (3, 12)


def test_a_key_knows_its_own_place() -> None:
    node = root("a:\n    b: 1\n")
    inner = at(node, "a")
    assert isinstance(inner, Mapping)
    assert inner.entries["b"][0] == Scalar("b", True, 2, 5)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_the_same_with_every_line_end_and_behind_a_byte_order_mark(end: str) -> None:
    text = f"# one{end}a:{end}  - x{end}  - y: é z{end}"
    for mark in ("", "\ufeff"):
        node = root(mark + text)
        assert place(at(node, "a", 1, "y")) == (4, 8)
        assert at(node, "a", 1, "y") == Scalar("é z", True, 4, 8)


def test_columns_count_characters_and_not_bytes() -> None:
    assert place(at(root("{📞é: a, b: c}"), "b")) == (1, 12)


def test_an_alias_stands_for_its_value_at_its_own_place_and_knows_the_anchors() -> None:
    node = root("a: &x 1\nb: *x\nc: &y [2]\nd: *y\ne: &z {k: 3}\nf: *z\n")
    assert at(node, "b") == Scalar("1", True, 2, 4, anchored=(1, 4))
    assert at(node, "d") == Sequence([Scalar("2", True, 3, 8)], 4, 4, anchored=(3, 4))
    assert place(at(node, "f")) == (6, 4)
    assert place(at(node, "f", "k")) == (5, 11)


def test_a_mapping_keeps_its_own_key_over_a_merged_one_and_the_first_merged_over_the_next() -> None:
    node = root("a: &a {k: a, l: a}\nb: &b {k: b, l: b, m: b}\nc: {k: c, <<: [*a, *b]}\n")
    merged = at(node, "c")
    assert isinstance(merged, Mapping)
    assert {key: at(merged, key) for key in merged.entries} == {
        "k": Scalar("c", True, 3, 8),
        "l": Scalar("a", True, 1, 17),
        "m": Scalar("b", True, 2, 23),
    }


def test_a_quoted_merge_key_is_a_key_like_any_other() -> None:
    node = root('"<<": {a: b}\n')
    assert isinstance(node, Mapping)
    assert list(node.entries) == ["<<"]


def test_text_that_hides_behind_a_hash_is_remembered_but_a_comment_is_not() -> None:
    node = root("a: #31#\nb: # a comment\nc:\nd: x #31#\n")
    hidden = {key: at(node, key) for key in "abcd"}
    assert {key: value.hidden for key, value in hidden.items() if isinstance(value, Scalar)} == {
        "a": "#31#",
        "b": "",
        "c": "",
        "d": "",
    }
    assert at(root("é: 📞\r\nb: #31#\r\n"), "b") == Scalar("", True, 2, 3, hidden="#31#")


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "\ufeff"])
def test_an_empty_file_has_no_root_and_no_problem_of_yaml(text: str) -> None:
    read = parse(text.encode(), "f")
    assert read.problems == ()
    assert read.root is None or (isinstance(read.root, Scalar) and not read.root.text)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a: {b: [x, {c: !t y}]}\n", "a.b[1].c"),
        ("- - !t x\n", "[0][0]"),
        ("!t x\n", ""),
        ("a: 1\na: 2\n", ""),
    ],
)
def test_a_problem_tells_its_path_in_the_document(text: str, path: str) -> None:
    assert only_problem(text.encode()).path == path


@pytest.mark.parametrize("key", ["[a]", "{a: b}", "? [a]\n"])
def test_a_mapping_with_a_key_that_is_no_text_is_marked_partial(key: str) -> None:
    read = parse(f"{key}: x\nb: c\n".encode() if "?" not in key else b"? [a]\n: x\n", "f")
    assert [problem.rule for problem in read.problems] == ["bad-key"]
    assert isinstance(read.root, Mapping)
    assert read.root.partial


def test_the_values_of_refused_keys_are_left_out_and_what_follows_is_kept() -> None:
    read = parse(b"a: 1\na: {x: [y]}\n[k]: {z: [1]}\nb: 2\n", "f")
    assert [problem.rule for problem in read.problems] == ["duplicate-key", "bad-key"]
    assert isinstance(read.root, Mapping)
    assert {key: at(read.root, key) for key in read.root.entries} == {
        "a": Scalar("1", True, 1, 4),
        "b": Scalar("2", True, 4, 4),
    }


def test_lists_and_mappings_as_deep_as_allowed_are_read_and_one_level_more_is_refused() -> None:
    deep = document.MAX_DEPTH
    assert parse(b"[" * deep + b"]" * deep, "f").problems == ()
    problem = only_problem(b"[" * (deep + 1) + b"]" * (deep + 1))
    assert (problem.rule, problem.location.column) == ("too-deep", deep + 1)


def test_aliases_cannot_bring_in_what_is_nested_too_deep() -> None:
    chain = "".join(f"x{n}: &x{n} [*x{n - 1}]\n" for n in range(1, 2000))
    problem = only_problem(f"x0: &x0 [a]\n{chain}".encode())
    # The root is one level, and so is each list: line 31 holds 31 lists in each other.
    assert (problem.rule, problem.location.line) == ("too-deep", document.MAX_DEPTH)
    mappings = "".join(f"  x{n}: &x{n} {{k: *x{n - 1}}}\n" for n in range(1, 2000))
    assert only_problem(f"r:\n  x0: &x0 {{k: a}}\n{mappings}".encode()).rule == "too-deep"


def test_an_alias_bomb_is_refused_long_before_it_could_be_built() -> None:
    lines = ["x0: &x0 [a, b]"] + [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 20)}]" for n in range(1, 30)]
    # Built, it would have twenty to the thirtieth nodes.
    problem = only_problem("\n".join(lines).encode())
    assert problem.rule == "alias-bomb"


def test_an_alias_bomb_of_merges_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_ALIASED_VALUES", 100)
    base = "b: &b {" + ", ".join(f"k{n}: v" for n in range(9)) + "}\n"
    assert parse((base + "".join(f"m{n}: {{<<: *b}}\n" for n in range(5))).encode(), "f").problems == ()
    assert only_problem((base + "".join(f"m{n}: {{<<: *b}}\n" for n in range(9))).encode()).rule == "alias-bomb"


def test_a_file_as_large_as_allowed_is_read_and_one_byte_more_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_BYTES", 100)
    assert parse(b"a: b".ljust(100), "f").problems == ()
    problem = only_problem(b"a: b".ljust(101))
    assert (problem.rule, str(problem.location)) == ("too-large", "f:1:1")


def test_a_bound_on_bytes_of_64_mib_is_told_in_words() -> None:
    assert "larger than 64 MiB" in only_problem(b"#" * (document.MAX_BYTES + 1)).message


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"a: \xe9", "f:1:4"),
        ("\ufeffa: ".encode() + b"\xff", "f:1:4"),
        ("é: 1\r\né".encode() + b"\x80", "f:2:2"),
        ("é: 1\ré".encode() + b"\xe2\x82", "f:2:2"),
    ],
)
def test_the_first_byte_that_is_not_utf_8_is_shown_at_its_place(data: bytes, where: str) -> None:
    problem = only_problem(data)
    assert (problem.rule, str(problem.location)) == ("not-utf-8", where)


@pytest.mark.parametrize("char", ["\0", "\a", "\x1b", "\x7f", "\x85", "\x9f", "\u2028", "\u2029", "\ufeff", "\ufffe"])
def test_characters_that_nobody_sees_are_refused_wherever_they_stand(char: str) -> None:
    for text in (f'a: "{char}"', f"a: b\n# {char}", f"a: {char}"):
        assert only_problem(text.encode()).rule == "unprintable"


@pytest.mark.parametrize("char", ["\xa0", "\u200d", "\u2027", "\u202a", "\ue000", "\ufefe", "\uff10", "\U0001f4de"])
def test_characters_that_are_text_somewhere_are_kept(char: str) -> None:
    assert at(root(f"a: x{char}x"), "a") == Scalar(f"x{char}x", True, 1, 4)


@pytest.mark.parametrize("tag", ["!<tag:yaml.org,2002:str>", "!!str"])
def test_the_tag_of_text_is_allowed_on_text_and_makes_it_no_plain_one(tag: str) -> None:
    assert at(root(f"a: {tag} 16"), "a") == Scalar("16", False, 1, 4)


@pytest.mark.parametrize(
    ("text", "shown_tag"),
    [
        ("a: !!int 16", "!!int"),
        ("a: !x [y]", "!x"),
        ("a: !<tag:example.com,2000:x> y", "tag:example.com,2000:x"),
        ("a: !!map [x]", "!!map"),
        ("a: !!seq x", "!!seq"),
        ("%TAG !e! tag:example.com,2000:\n---\na: !e!x y", "tag:example.com,2000:x"),
    ],
)
def test_every_other_tag_is_refused_by_its_name(text: str, shown_tag: str) -> None:
    problem = only_problem(text.encode())
    assert problem.rule == "tag"
    assert f"the tag {shown_tag} is" in problem.message


@pytest.mark.parametrize("escape", ["%C0%80", "%ED%A0%80"])
def test_a_tag_with_an_escape_that_is_no_character_is_a_syntax_error_and_raises_nothing(escape: str) -> None:
    assert only_problem(f"a: b\nc: !{escape} d\n".encode()).rule == "syntax"


class PureLoader(yaml.SafeLoader):
    """PyYAML's own parser, which is used where libyaml is missing."""


@pytest.fixture
def _without_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(yaml, "CSafeLoader")


@pytest.mark.usefixtures("_without_libyaml")
def test_without_libyaml_the_parser_is_pyyamls_own() -> None:
    assert type(document.parser_for(b"a")) is yaml.SafeLoader


#: Where the parsers themselves differ: libyaml refuses what PyYAML's own parser takes or marks elsewhere.
PARSERS_DIFFER = {"field-with-half-a-surrogate", "yaml-unknown-directive", "yaml-tag-that-is-no-text"}


def without_syntax_wording(one: Checked) -> tuple[object, ...]:
    problems = [(p.location, p.rule, "" if p.rule == "syntax" else p.message) for p in one.problems]
    return (one.desired, problems)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_both_parsers_come_to_the_same_result_on_an_example(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_libyaml = check(parse(path.read_bytes(), path.name))
    monkeypatch.delattr(yaml, "CSafeLoader")
    without = check(parse(path.read_bytes(), path.name))
    if path.stem in PARSERS_DIFFER:
        assert without_syntax_wording(with_libyaml) != without_syntax_wording(without)
    else:
        assert without_syntax_wording(with_libyaml) == without_syntax_wording(without)


@pytest.mark.usefixtures("_without_libyaml")
@pytest.mark.parametrize("text", ['a: "\\UFFFFFFFF"', f"%YAML 1.{'9' * 5000}\n---\na: b", "a: !%C0%80 b"])
def test_what_pyyamls_own_parser_trips_over_is_a_syntax_error_too(text: str) -> None:
    assert only_problem(text.encode()).rule == "syntax"


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("a: [2-9]XX\n", "f:1:4", '"[2-9]XX"'),
        ("a: [2-9]XX # nine\n", "f:1:4", '"[2-9]XX"'),
        ("{a: [2-9][0-5]X, b: c}\n", "f:1:5", '"[2-9][0-5]X"'),
        ("[x, *9X.]\n", "f:1:5", '"*9X."'),
        ("a: *9X. # star\n", "f:1:4", '"*9X."'),
        ("a: *\n", "f:1:4", '"*"'),
        ("a: !<x b\n", "f:1:4", "YAML takes ! for a tag"),
        ("a: `x`\n", "f:1:4", "YAML reserves `"),
        ("a: >X\n", "f:1:4", '">X"'),
        ("a:\n\t- b\n", "f:2:1", "indent with spaces"),
        ("a: [b\n", "f:1:4", "the [ in line 1 is not closed by ]"),
        ("a: [b", "f:1:4", "the [ in line 1 is not closed by ]"),
        ("a: {b: c\nd: e\n", "f:1:4", "the { in line 1 is not closed by }"),
        ("a: {b c: d}\nx: {e f}}\n", "f:2:9", "does not fit"),
        ("a: {b: c d: e}\n", "f:1:11", "a comma is missing"),
        ("a: 'b\n", "f:1:4", "the quote ' that stands here is not closed"),
        ('a: "b\n---\nc: d\n', "f:1:4", 'the quote " that stands here is not closed'),
        ('a: "\\d"\n', "f:1:5", "write \\\\ for \\"),
        ('a: "\\xZZ"\n', "f:1:5", "write \\\\ for \\"),
        ("a: b\nc\nd: e\n", "f:2:1", "no key with a value"),
        ("a: b: c\n", "f:1:5", "no key can end here"),
        ("a: 'b' c\n", "f:1:8", "does not fit"),
        ("a: 'b'c\n", "f:1:7", "text goes on behind its closing quote"),
        ("- a\nb: c\n", "f:2:1", "does not fit"),
        ("a: ,\n", "f:1:4", "no value begins with ,"),
        ("[a]]\n", "f:1:4", "the content ended above"),
        ("%foo bar\n", "f:1:1", "begins with % is a directive"),
        ("<<<<<<< ours\na: b\n=======\na: c\n>>>>>>> theirs\n", "f:1:1", "a merge conflict"),
        ("a: b\r\n<<<<<<<\r\na: b\r\n=======\r\n", "f:2:1", "a merge conflict"),
        ("- [\n\n", "f:2:1", "a [ or { above is not closed"),
        ("{", "f:1:2", "a [ or { above is not closed"),
    ],
)
def test_a_syntax_error_tells_at_its_place_what_to_look_for(text: str, where: str, says: str) -> None:
    problem = only_problem(text.encode())
    assert (str(problem.location), problem.rule) == (where, "syntax")
    assert problem.message.startswith("this is not YAML: ")
    assert says in problem.message


def test_a_text_is_quoted_so_that_yaml_reads_it_back() -> None:
    every = "".join(map(chr, [*range(0x300), 0x2028, 0x202E, 0xFEFF, 0xFFFE, 0x1F4DE, 0xE0001]))
    assert yaml.safe_load(quoted(every)) == every
    assert quoted('a"b\\\n\r\t\x1b\x85\u2028\U000e0001é') == '"a\\"b\\\\\\n\\r\\t\\x1b\\x85\\u2028\\U000e0001é"'


def test_a_long_text_is_cut_where_a_message_shows_it() -> None:
    assert shown("x" * 60) == '"' + "x" * 60 + '"'
    assert shown("x" * 61) == '"' + "x" * 59 + '…"'


def test_a_document_is_the_file_its_root_and_its_problems() -> None:
    digest = hashlib.sha256(b"16").hexdigest()
    assert parse(b"16", "some file") == Document("some file", Scalar("16", True, 1, 1), (), digest)
