"""The check of a document: what it gives back, that one mistake is one problem, and the docs of the rules."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import pbxsync
from pbxsync import names, nodes, schema_problems
from pbxsync.document import Scalar, Sequence, parse
from pbxsync.file_tests import failures, held
from pbxsync.model import DeclaredRoute, Desired, Location, Problem, Route, Severity
from pbxsync.validator import Checked, check

PACKAGE = Path(pbxsync.__file__).parent
ROOT = Path(__file__).resolve().parent.parent


def checked(text: str) -> Checked:
    return check(parse(text.encode(), "f.yaml"), table=True)


def route(**fields: str) -> str:
    """A file with one route; each field as it is written in the file, None to leave it out."""
    every = {"name": "to16", "matchpattern": '"X."', "trunks": "[carrier-a]", **fields}
    return "routes:\n  - " + "\n    ".join(f"{key}: {value}" for key, value in every.items()) + "\n"


def found(text: str) -> list[tuple[str, str]]:
    """Place and rule of each problem."""
    return [(f"{p.location.line}:{p.location.column}", p.rule) for p in checked(text).problems]


def test_a_good_file_gives_its_routes_with_their_place_and_its_pbx() -> None:
    text = "pbx: {name: hq, url: https://192.0.2.10, type: xml}\n" + route(prefix='"9"', renamed_from="old")
    assert checked(text) == Checked(
        "f.yaml",
        Desired(
            "f.yaml",
            (DeclaredRoute(Route("to16", "X.", ("carrier-a",), prefix="9"), Location("f.yaml", 3, 5), "old"),),
            name="hq",
            url="https://192.0.2.10",
            type="xml",
        ),
        (),
        pbx=Location("f.yaml", 1, 1),
    )


def test_a_file_says_which_names_are_ignored_and_that_somebody_looked_at_the_hidden_fields() -> None:
    one = checked("pbx: {hidden_fields: none}\nignore: ['lab-*', old, old]\n" + route()).desired
    assert one is not None
    assert (one.ignore, one.no_hidden_fields) == (("lab-*", "old"), True)
    other = checked("ignore: []\n" + route()).desired
    assert other is not None
    assert (other.ignore, other.no_hidden_fields) == ((), False)


@pytest.mark.parametrize(("written", "meant"), [("true", True), ("True", True), ("false", False), ("FALSE", False)])
def test_a_file_chooses_a_connection_for_each_call(written: str, meant: bool) -> None:
    found = checked(f"pbx: {{fresh_connections: {written}}}\nroutes: []\n")
    assert found.desired == Desired("f.yaml", (), fresh_connections=meant)


def test_a_file_with_a_warning_alone_still_gives_its_routes() -> None:
    one = checked(route() + "tests: []\n")
    assert one.desired is not None
    assert [problem.severity for problem in one.problems] == [Severity.WARNING]


def test_a_file_with_an_error_gives_no_routes() -> None:
    assert checked(route(prefix="011")).desired is None


def test_problems_are_sorted_by_line_and_column_and_tell_their_path() -> None:
    problems = checked("version: 2\n" + route(name="all", prefix="011", trunks='[a, "b,c", 1]')).problems
    assert [(str(p.location), p.path) for p in problems] == [
        ("f.yaml:1:10", "version"),
        ("f.yaml:3:11", "routes[0].name"),
        ("f.yaml:5:17", "routes[0].trunks[1]"),
        ("f.yaml:5:24", "routes[0].trunks[2]"),
        ("f.yaml:6:13", "routes[0].prefix"),
    ]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        # A key that is misspelt is not missing too.
        (route().replace("matchpattern", "matchpatern"), [("3:5", "unknown-key")]),
        ("Routes: []\n", [("1:1", "unknown-key")]),
        # What a refused key or merge may have held is not missing.
        (route().replace("name", "[name]"), [("2:5", "bad-key")]),
        ("routes:\n  - <<: base\n    name: to16\n", [("2:9", "bad-merge")]),
        # A tag is told of; that its value is a list, or empty, comes of it.
        (route(name="!x [to16]"), [("2:11", "tag")]),
        (route(matchpattern="!"), [("3:19", "tag")]),
        ("!x 16\n", [("1:1", "tag")]),
        # … but what is missing in a mapping with a tag is.
        ("routes:\n  - !x\n    name: to16\n    trunks: [a]\n", [("2:5", "missing-key"), ("2:5", "tag")]),
        # A fault in an anchor is told once, however often it is repeated.
        (route(prefix="&p 011", callerid="*p"), [("5:13", "not-text")]),
        (route(callerid="*p").replace("- name: to16", "- name: to16\n    prefix: &p 011"), [("3:13", "not-text")]),
        (route(trunks="&t [1, *u]").replace("name: to16", "name: &u to16"), [("4:17", "not-text")]),
        # … and where it is only wrong at the alias, there.
        ("version: &v 1\n" + route(prefix="*v"), [("6:13", "not-text")]),
        # A value of the wrong type is not also one of the wrong choices, and the other way round.
        ("pbx: {type: [json]}\nroutes: []\n", [("1:13", "wrong-type")]),
        ("pbx: {type: 1}\nroutes: []\n", [("1:13", "wrong-value")]),
        ("pbx: {url: 192.0.2.10}\nroutes: []\n", [("1:12", "bad-url")]),
        ("pbx: {url: HTTPS}\nroutes: []\n", [("1:12", "bad-url")]),
    ],
)
def test_one_mistake_is_one_problem(text: str, problems: list[tuple[str, str]]) -> None:
    assert found(text) == problems


def test_a_name_given_twice_is_told_at_each_route_but_the_first() -> None:
    text = "routes:\n" + '  - {name: a, matchpattern: "1", trunks: [t]}\n' * 3
    assert found(text) == [("3:12", "duplicate-name"), ("4:12", "duplicate-name")]


def test_a_name_copied_by_an_alias_is_told_where_the_alias_stands() -> None:
    text = 'routes:\n  - &a {name: a, matchpattern: "1", trunks: [t]}\n  - *a\n  - {<<: *a, prefix: "1"}\n'
    assert found(text) == [("3:5", "duplicate-name"), ("4:5", "duplicate-name")]


def test_a_route_may_be_renamed_from_a_name_that_no_route_of_the_file_has() -> None:
    assert found(route(renamed_from="to17")) == []


@pytest.mark.parametrize("routes", ["[16]", "[[a]]", "16", "{a: b}", "[{name: [a]}]", "[{name: 16}, {name: 16}]"])
def test_rules_beyond_the_schema_stand_what_the_schema_refuses(routes: str) -> None:
    one = checked(f"routes: {routes}\npbx: 16\ntests: 16\n")
    assert one.desired is None
    assert all(problem.rule != "duplicate-name" for problem in one.problems)


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "~\n", "null\n", "\n\n"])
def test_a_file_without_content_is_called_empty_once(text: str) -> None:
    assert found(text) == [("1:1", "empty-file")]


def test_a_file_that_is_no_yaml_is_not_called_empty_as_well() -> None:
    assert [rule for _, rule in found("a: [\n")] == ["syntax"]


def test_an_address_that_the_schema_lets_pass_is_checked_by_the_rules() -> None:
    one = checked("pbx: {url: 'https://192.0.2.10:99999'}\nroutes: []\n")
    assert [(problem.path, problem.rule) for problem in one.problems] == [("pbx.url", "bad-url")]


def test_a_path_is_written_as_a_programmer_would() -> None:
    assert schema_problems.path_text(("routes", 3, "trunks", 0)) == "routes[3].trunks[0]"
    assert schema_problems.path_text(()) == ""


def test_an_entry_of_a_list_without_a_name_of_its_own_is_called_an_entry() -> None:
    assert schema_problems._noun(("others", 3)) == "an entry"


# --- docs/rules.md ------------------------------------------------------------------------------------------------

RULES = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
SOURCES = (
    "document",
    "validator",
    "includes",
    "file_tests",
    "lint_words",
    "dialplan/lint",
    "schema_problems",
    "names",
    "name_clashes",
    "name_problems",
    "text_problems",
    "loading",
)

#: Ids are words joined by dashes, or one of these.
SHORT_IDS = {"comma", "shadowed", "syntax", "tag", "unprintable", "unreachable", "unreadable"}
#: What the source writes in the same way and is no rule.
NO_RULES = {"utf-8", "utf-8-sig"}


def ids_of_the_source() -> set[str]:
    texts = {
        node.value
        for name in SOURCES
        for node in ast.walk(ast.parse((PACKAGE / f"{name}.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    dashed = {text for text in texts if re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", text)}
    return (dashed | (texts & SHORT_IDS)) - NO_RULES


def ids_of_the_examples() -> set[str]:
    folder = ROOT / "tests" / "examples"
    return {
        rule
        for path in (*(folder / "invalid").glob("*.txt"), *(folder / "warned").glob("*.txt"))
        for rule in re.findall(r"\[([a-z0-9-]+)\]$", path.read_text(encoding="utf-8"), re.MULTILINE)
    }


def ids_of_the_page() -> list[str]:
    return re.findall(r"^### `([a-z0-9-]+)`$", RULES, re.MULTILINE)


def test_the_page_of_rules_holds_every_rule_of_the_source_and_no_other() -> None:
    page = ids_of_the_page()
    assert len(page) == len(set(page))
    assert set(page) == ids_of_the_source()


def test_every_rule_has_an_example_file_but_those_about_files_that_no_folder_should_hold() -> None:
    of_several_files = {"include-loop", "include-path", "include-pbx", "include-twice"}
    assert ids_of_the_source() - ids_of_the_examples() == {"too-large", "unreadable"} | of_several_files
    assert ids_of_the_examples() <= ids_of_the_source()


def sections() -> list[tuple[str, str]]:
    parts = re.split(r"^### `([a-z0-9-]+)`$", RULES, flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize(("rule", "section"), sections(), ids=ids_of_the_page())
def test_the_bad_examples_of_the_page_break_their_rule_and_the_good_ones_none(rule: str, section: str) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    if rule.startswith("include-"):  # two files
        assert len(blocks) == 1
        return
    if rule in ("too-large", "unreadable", "not-utf-8", "unprintable", "beyond-limit"):
        assert blocks == []
        return
    assert len(blocks) == 2
    bad, good = (_whole(block) for block in blocks)
    one = checked(bad)
    failed = failures(held(one.desired)) if one.desired else ()
    assert rule in {problem.rule for problem in (*one.problems, *failed)}
    mended = checked(good).problems
    assert [p for p in mended if p.severity is Severity.ERROR or p.rule == rule] == []


def _whole(block: str) -> str:
    """A block of the page as a file: fields of a route get the route around them."""
    if re.match(r"(routes|version|pbx|ignore|tests|%|\{|---|#|route):?", block):
        return block if "routes:" in block or "route:" in block or block.startswith("#") else f"{block}routes: []\n"
    fields = {"name": "to16", "matchpattern": '"X."', "trunks": "[carrier-a]"}
    lines = block.splitlines()
    given = {line.split(":")[0].strip("\"' ") for line in lines}
    lines += [f"{key}: {value}" for key, value in fields.items() if key not in given]
    return "routes:\n  - " + "\n    ".join(lines) + "\n"


def test_a_value_of_the_wrong_kind_is_never_taken_for_text() -> None:
    for node in (Scalar("16", True, 1, 1), Scalar("", True, 1, 1), Sequence([], 1, 1), None):
        assert nodes.scalar(None if node is None else parse(b"a: b", "f").root, "c") is None
    assert nodes.scalar(parse(b"a: 16\nb: [x]\nc: '16'", "f").root, "a") is None
    assert nodes.scalar(parse(b"a: 16\nb: [x]\nc: '16'", "f").root, "b") is None
    assert nodes.scalar(parse(b"a: 16\nb: [x]\nc: '16'", "f").root, "c") == Scalar("16", False, 3, 4)


def test_a_problem_compares_by_place_then_rule_then_message() -> None:
    def at(line: int, rule: str, message: str) -> Problem:
        return Problem(Location("f", line, 1), "", Severity.ERROR, rule, message)

    ordered = [at(1, "z", "z"), at(2, "a", "b"), at(2, "a", "c"), at(2, "b", "a"), at(10, "a", "a")]
    shuffled = [ordered[n] for n in (4, 2, 0, 3, 1)]
    assert sorted(shuffled, key=lambda problem: problem.order) == ordered


def test_the_names_module_gives_ids_that_the_page_knows() -> None:
    faults = [names.route_fault(name) for name in ("", "all", "a,b", " a", "\n")]
    assert {fault[0] for fault in faults if fault} <= set(ids_of_the_page())


@pytest.mark.parametrize("old", ["to15~pbxsync", "TO15~PBXSYNC", "to15~PbxSync", "~pbxsync", "a~pbxsync~pbxsync"])
def test_no_route_is_renamed_from_the_name_of_a_copy(old: str) -> None:
    (problem,) = checked(route(renamed_from=f'"{old}"')).problems
    assert (problem.rule, problem.path) == ("reserved-name", "routes[0].renamed_from")
    assert problem.message == (
        f'renamed_from is "{old}", the name of a copy that pbxsync made to move a route; write the name that the route '
        "had in the file"
    )


@pytest.mark.parametrize("name", ["to15~pbxsync-2", "pbxsync", "~pbx"])
def test_names_that_only_look_like_those_of_copies_are_free(name: str) -> None:
    assert checked(route(name=f'"{name}"', renamed_from=f'"{name}~"')).problems == ()
