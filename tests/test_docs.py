"""The documentation says what is so: links lead somewhere, examples are right, no option is missing or made up."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import pytest
from jsonschema import Draft202012Validator

from pbxsync import schemas
from pbxsync.cli.main import cli
from pbxsync.document import parse
from pbxsync.file_tests import held
from pbxsync.sandbox import Sandbox
from pbxsync.validator import check

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PAGES = (README, *sorted((ROOT / "docs").glob("*.md")))
COMMANDS_PAGE = ROOT / "docs" / "commands.md"

#: The address of the PBX in all examples, and what it holds before the example's file is applied.
ADDRESS = "https://192.0.2.10"
ROUTES = (
    {"name": "emergency", "matchpattern": "911", "trunks": "carrier-a,analog-line"},
    {"name": "local", "prefix": "9", "matchpattern": "NXXXXXX", "trunks": "carrier-a"},
    {"name": "old-fax", "prefix": "8", "matchpattern": "X.", "trunks": "analog-line"},
)
#: What the sandbox must do for an example: with the others it does nothing wrong.
FAULTS = {"apply --format json hq.yaml": ("outroute/add@1=refuse",)}
#: The variables that are no option and may bear a PBX's name.
CREDENTIALS = ("TOKEN", "TOKEN_FILE", "TOKEN_URL", "USERNAME", "PASSWORD", "PASSWORD_FILE")


class Block(NamedTuple):
    """A fenced block of a page: its language, its text, and the HTML comment on the line before it."""

    page: str
    line: int
    language: str
    text: str
    comment: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def _blocks(page: Path) -> Iterator[Block]:
    lines = page.read_text(encoding="utf-8").split("\n")
    begin = None
    for n, line in enumerate(lines):
        if begin is None and line.lstrip().startswith("```"):
            begin = n
        elif begin is not None and line.strip() == "```":
            found = re.fullmatch(r"<!-- (.*) -->", lines[begin - 1])
            text = "\n".join(lines[begin + 1 : n]) + "\n"
            yield Block(page.name, begin + 1, lines[begin].strip("` "), text, found[1] if found else "")
            begin = None
    assert begin is None, f"{page.name}:{begin}: a block that does not end"


BLOCKS = [block for page in PAGES for block in _blocks(page)]


def _prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return re.sub(r"^ *```.*?^ *```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)


# --- links ----------------------------------------------------------------------------------------------------------


def _anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    anchors: set[str] = set()
    for title in re.findall(r"^#{1,6} +(.*?) *$", _prose(page), flags=re.M):
        anchor = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        n = 1
        while (numbered := anchor if n == 1 else f"{anchor}-{n - 1}") in anchors:
            n += 1
        anchors.add(numbered)
    return anchors | set(re.findall(r'<a (?:id|name)="([^"]+)"', _prose(page)))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_to_a_file_and_to_a_heading_of_it(page: Path) -> None:
    targets = [target for target in re.findall(r"\]\(([^)\s]+)\)", _prose(page)) if "://" not in target]
    broken = []
    for target in targets:
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.is_file() or (anchor and anchor not in _anchors(file)):
            broken.append(target)

    assert broken == []


def test_the_readme_and_the_index_lead_to_every_page() -> None:
    names = {page.name for page in PAGES} - {"README.md", "index.md"}

    assert names <= set(re.findall(r"\]\(docs/([\w-]+\.md)", README.read_text(encoding="utf-8")))
    assert names <= set(re.findall(r"\]\(([\w-]+\.md)", (ROOT / "docs" / "index.md").read_text(encoding="utf-8")))


# --- commands, options, variables -----------------------------------------------------------------------------------


def _commands() -> dict[str, click.Command]:
    context = click.Context(cli)
    found = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


def _sections() -> dict[str, str]:
    """The text under each heading of the page of commands."""
    parts = re.split(r"^#{2,3} +(.*?) *$", COMMANDS_PAGE.read_text(encoding="utf-8"), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _documented(command: str) -> str:
    """A command's section, with those that it refers to."""
    sections = _sections()
    text = sections[command]
    return text + "".join(sections[name] for name in ("Connection", "Output") if f"(#{name.lower()})" in text)


def _options(command: click.Command) -> list[click.Option]:
    return [parameter for parameter in command.params if isinstance(parameter, click.Option)]


def _row(section: str, option: str) -> str:
    """The line of a table whose first cell names the option; empty where there is none."""
    for line in section.splitlines():
        cells = re.split(r"(?<!\\)\|", line)
        if len(cells) > 2 and re.search(rf"`(?:[^`]* )?{re.escape(option)}[ `]", cells[1]):
            return line
    return ""


@pytest.mark.parametrize("command", sorted(_commands()))
def test_every_option_of_a_command_stands_in_its_section_with_its_variable(command: str) -> None:
    section = _documented(command)
    missing = [
        (name, option.envvar)
        for option in _options(_commands()[command])
        for name in (*option.opts, *option.secondary_opts)
        if f"`{option.envvar}" not in _row(section, name)
    ]

    assert missing == []


@pytest.mark.parametrize("command", sorted(_commands()))
def test_the_section_of_a_command_names_no_option_in_its_tables_that_the_command_lacks(command: str) -> None:
    rows = [line for line in _documented(command).splitlines() if line.startswith("| `-")]
    named = {name for row in rows for name in re.findall(r"(?<![\w-])--?[a-z][a-z0-9-]*", row.split(" | ")[0])}
    known = {name for option in _options(_commands()[command]) for name in (*option.opts, *option.secondary_opts)}

    assert named == known


def test_the_page_of_commands_has_a_section_for_every_command_and_for_no_other() -> None:
    page = COMMANDS_PAGE.read_text(encoding="utf-8")
    usages = list(dict.fromkeys(re.findall(r"^\$ pbxsync ([a-z-]+)", page, flags=re.M)))

    assert usages == list(_commands())
    assert [name for name in _sections() if name in usages] == usages
    assert re.findall(r"^\| \[`([a-z-]+)`\]\(#", page, flags=re.M) == usages


def _known_options() -> tuple[set[str], set[str]]:
    """Every option of every command, and their variables."""
    options = [option for command in _commands().values() for option in _options(command)]
    names = {name for option in options for name in (*option.opts, *option.secondary_opts)}
    return names | {"--help", "-h", "--version"}, {str(option.envvar) for option in options}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_speaks_of_an_option_or_a_variable_that_there_is_not(page: Path) -> None:
    names, variables = _known_options()
    variables |= {f"PBXSYNC_{part}" for part in CREDENTIALS}
    variables |= {f"{variable}{suffix}" for variable in variables for suffix in ("_HQ", "_BRANCH_7")}
    text = page.read_text(encoding="utf-8")
    code = " ".join([*re.findall(r"`([^`\n]+)`", _prose(page)), *re.findall(r"^\$? *pbxsync .*$", text, flags=re.M)])

    assert set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", code)) <= names
    assert set(re.findall(r"PBXSYNC_[A-Z0-9_]+", text)) <= variables | {"PBXSYNC_LOCK_DIR"}


def test_the_page_of_commands_lists_the_defaults_that_hold() -> None:
    for command, found in _commands().items():
        for option in _options(found):
            row = _row(_documented(command), option.opts[-1])
            if option.show_default and not isinstance(option.default, bool):
                default = f"{option.default:g}" if isinstance(option.default, float) else str(option.default)
                assert default in row.split(" | ")[2], f"{command} {option.opts[-1]}"


@pytest.mark.parametrize("page", [README, COMMANDS_PAGE], ids=lambda page: page.name)
def test_the_table_of_exit_codes_is_whole(page: Path) -> None:
    rows = re.findall(r"^\| (\*\*.*?) \|", page.read_text(encoding="utf-8"), flags=re.M)

    assert [code for row in rows for code in re.findall(r"\*\*(\d+)\*\*", row)] == [
        "0",
        "1",
        "2",
        "3",
        "129",
        "130",
        "143",
    ]


# --- examples -------------------------------------------------------------------------------------------------------

YAML = [block for block in BLOCKS if block.language == "yaml"]
#: The page of rules shows what is wrong before what is right; `tests/test_validator.py` checks it.
ROUTES_FILES = [
    block
    for block in YAML
    if re.match(r"version:|routes:|# yaml-language-server:", block.text)
    and block.comment != "invalid"
    and block.page != "rules.md"
]


@pytest.mark.parametrize("block", ROUTES_FILES, ids=str)
def test_every_routes_file_of_the_docs_is_valid(block: Block) -> None:
    checked = check(parse(block.text.encode(), str(block)))

    assert checked.desired is not None, checked.problems


@pytest.mark.parametrize("block", [block for block in ROUTES_FILES if not block.comment.startswith("file:")], ids=str)
def test_the_tests_of_every_routes_file_of_the_docs_hold(block: Block) -> None:
    desired = check(parse(block.text.encode(), str(block))).desired

    assert desired is not None
    assert [verdict.message for verdict in held(desired) if not verdict.passed] == []


@pytest.mark.parametrize("block", [block for block in YAML if block.text.startswith("tests:\n  - ")], ids=str)
def test_tests_that_stand_alone_are_written_as_they_must_be(block: Block) -> None:
    checked = check(parse(f"routes: []\n{block.text}".encode(), str(block)))

    assert checked.desired is not None, checked.problems


@pytest.mark.parametrize("block", [block for block in YAML if block.comment == "invalid"], ids=str)
def test_a_routes_file_that_is_called_invalid_is_that(block: Block) -> None:
    assert check(parse(block.text.encode(), str(block))).desired is None


JSON = [block for block in BLOCKS if block.language == "json"]


@pytest.mark.parametrize("block", JSON, ids=str)
def test_every_json_example_is_valid_by_its_schema(block: Block) -> None:
    schema = block.comment.removeprefix("schema: ")

    Draft202012Validator(schemas.load(schema)).validate(json.loads(block.text))


def test_every_json_document_has_an_example() -> None:
    assert {block.comment.removeprefix("schema: ") for block in JSON} == set(schemas.NAMES) - {"routes"}


def _json_example(schema: str) -> Any:
    return json.loads(next(block.text for block in JSON if block.comment == f"schema: {schema}"))


def _run(folder: Path, url: str, command: str) -> str:
    """What pbxsync prints on standard output, with the examples' address in place of the sandbox's."""
    environment = {**os.environ, "PBXSYNC_URL": url, "PBXSYNC_TOKEN": "t", "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pbxsync", *command.split()],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    return done.stdout.replace(url, ADDRESS)


README_FILE = next(block for block in ROUTES_FILES if block.page == "README.md")


def _example(folder: Path, command: str, diff: str = "") -> str:
    """Run a command on the README's file and the PBX that its examples speak of.

    With a diff it is run on the file with that change, and on a PBX that holds what the file says without it.
    """
    routes = list(ROUTES)
    if diff:
        desired = check(parse(README_FILE.text.encode(), "hq.yaml")).desired
        assert desired is not None
        routes = [
            {name: value if isinstance(value, str) else ",".join(value) for name, value in one.route.fields().items()}
            for one in desired.routes
        ]
    text = _changed(README_FILE.text, diff).replace(f"  url: {ADDRESS}\n", "")
    folder.joinpath("hq.yaml").write_text(text, encoding="utf-8")
    held = [{"prefix": "", "prepend": "", "callerid": "", **route} for route in routes]
    with Sandbox(routes=held, tokens=["t"], faults=FAULTS.get(command, ())) as pbx:
        return _run(folder, pbx.url, command)


def _changed(text: str, diff: str) -> str:
    """The text with a change that a block of the docs shows."""
    lines = diff.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line[0] != "+")
    after = "".join(line[1:] for line in lines if line[0] != "-")
    assert text.count(before) == 1 or not diff
    return text.replace(before, after) if diff else text


def test_the_comment_that_is_shown_is_what_pbxsync_prints(tmp_path: Path) -> None:
    page = ROOT.joinpath("docs", "pull-requests.md").read_text(encoding="utf-8")
    _, shown, _ = page.split("\n---\n")

    assert _example(tmp_path, "plan --format markdown hq.yaml") == shown.strip("\n") + "\n"


CONSOLE = [
    block
    for block in BLOCKS
    if block.language == "console" and re.match(r"\$ pbxsync (plan|apply|explain) .*hq.yaml.*\n.", block.text)
]


@pytest.mark.parametrize("block", CONSOLE, ids=str)
def test_a_plan_apply_or_explanation_that_is_shown_is_what_pbxsync_prints(block: Block, tmp_path: Path) -> None:
    command, _, shown = block.text.removeprefix("$ pbxsync ").partition("\n")

    assert _example(tmp_path, command, _diff_above(block)) == shown


def _diff_above(block: Block) -> str:
    """The last change that the page shows above the block, where the block is to be run with it."""
    diffs = [one for one in BLOCKS if (one.page, one.language) == (block.page, "diff") and one.line < block.line]
    return diffs[-1].text if block.comment == "with the diff above" else ""


TEST_RUNS = [
    block for block in BLOCKS if block.language == "console" and re.match(r"\$ pbxsync test .*\n.", block.text)
]


@pytest.mark.parametrize("block", TEST_RUNS, ids=str)
def test_a_run_of_tests_that_is_shown_is_what_pbxsync_prints_of_the_file_above(block: Block, tmp_path: Path) -> None:
    for file in YAML:
        if file.page == block.page and file.line < block.line and file.comment.startswith("file: "):
            tmp_path.joinpath(file.comment.removeprefix("file: ")).write_text(file.text, encoding="utf-8")
    command, _, shown = block.text.removeprefix("$ pbxsync ").partition("\n")

    assert _run(tmp_path, ADDRESS, command) == shown


def test_the_readme_shows_a_plan_with_each_kind_of_change() -> None:
    shown = "".join(block.text for block in CONSOLE if block.page == "README.md")

    for sign in ("+ add", "~ update", "- delete", "unmanaged, left", "✓ applied"):
        assert f"  {sign}" in shown


def _without_wording_and_lines(value: Any) -> Any:
    """The document without what may be worded anew, and without lines, for the example's file lacks its url here."""
    if isinstance(value, list):
        return [_without_wording_and_lines(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: bool(item) if key in ("message", "error") else _without_wording_and_lines(item)
        for key, item in value.items()
        if key != "line"
    }


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_the_json_example_is_what_pbxsync_prints(command: str, tmp_path: Path) -> None:
    printed = json.loads(_example(tmp_path, f"{command} --format json hq.yaml"))

    assert _without_wording_and_lines(_json_example(command)) == _without_wording_and_lines(printed)


def test_the_explanations_in_json_are_what_pbxsync_prints(tmp_path: Path) -> None:
    one, several = (json.loads(block.text) for block in JSON if block.comment == "schema: explain")

    assert json.loads(_example(tmp_path, "explain --format json hq.yaml 9011442079460000")) == one
    assert json.loads(_example(tmp_path, "explain --format json hq.yaml 911 5551234")) == several


def test_the_run_of_tests_in_json_is_what_pbxsync_prints(tmp_path: Path) -> None:
    printed = json.loads(_example(tmp_path, "test --format json hq.yaml"))

    assert _without_wording_and_lines(_json_example("test")) == _without_wording_and_lines(printed)


def test_the_problem_that_is_shown_is_what_validate_prints(tmp_path: Path) -> None:
    invalid = next(block for block in YAML if block.page == "file-format.md" and block.comment == "invalid")
    shown = next(block for block in BLOCKS if block.page == "file-format.md" and block.text.startswith("bad.yaml:"))
    tmp_path.joinpath("bad.yaml").write_text(invalid.text, encoding="utf-8")

    text = _run(tmp_path, ADDRESS, "validate bad.yaml")
    document = json.loads(_run(tmp_path, ADDRESS, "validate --format json bad.yaml"))

    assert text.startswith(shown.text)
    assert document == _json_example("validate")


def test_the_state_file_that_is_shown_is_what_refresh_writes(tmp_path: Path) -> None:
    shown = next(block for block in JSON if block.comment == "schema: state")

    _example(tmp_path, "refresh --state hq.json")

    written = tmp_path.joinpath("hq.json").read_text(encoding="utf-8")
    assert re.sub(r"http://127\.0\.0\.1:\d+", ADDRESS, written) == shown.text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_addresses_in_the_docs_are_made_for_examples(page: Path) -> None:
    allowed = r"192\.0\.2\.\d+|127\.0\.0\.1|0\.0\.0\.0"
    found = re.findall(r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b", page.read_text(encoding="utf-8"))

    assert [address for address in found if not re.fullmatch(allowed, address)] == []
