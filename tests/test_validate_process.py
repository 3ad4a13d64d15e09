"""`pbxsync validate` as a process: what it prints, where, in which order, and how it exits."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from pbxsync import schemas
from pbxsync.cli.files import STDIN, check_all, load_all, sources
from pbxsync.errors import InputError
from tests.cli.process import environment, pbxsync

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pbxsync.model import Problem

EXAMPLES = Path(__file__).parent / "examples"
GOOD = 'routes:\n  - name: to16\n    matchpattern: "X."\n    trunks: [carrier-a]\n'
BAD = GOOD.replace('"X."', "9.")
WITHOUT_TESTS = f"{GOOD}tests: []\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(**files: str) -> None:
    for stem, text in files.items():
        Path(f"{stem}.yaml").write_text(text, encoding="utf-8")


def without_messages(lines: Iterable[str]) -> list[str]:
    """Printed problems as the goldens have them."""
    return [re.sub(r": (error|warning): .* \[", r": \1: [", line) for line in lines]


def place(problem: dict[str, object]) -> str:
    """A problem of the JSON output as the goldens have it, without its message."""
    return "{file}:{line}:{column}: {severity}: [{rule}]".format_map(problem)


def test_a_folder_is_checked_whole_with_every_problem_of_every_file_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(EXAMPLES / "invalid")
    ended = pbxsync("validate", ".")
    *lines, count = ended.out.splitlines()
    files = sorted(path.name for path in Path().glob("*.yaml"))
    expected = [Path(name).with_suffix(".txt").read_text(encoding="utf-8") for name in files]
    assert without_messages(lines) == "".join(expected).splitlines()
    found = re.fullmatch(r"(\d+) errors, (\d+) warnings? in (\d+) files\.", count)
    assert found is not None
    assert int(found[1]) + int(found[2]) == len(lines)
    assert int(found[3]) == len(files)
    assert ended.err == ""
    assert ended.code == 1


def test_json_holds_the_same_problems_as_the_text_and_keeps_to_its_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(EXAMPLES / "invalid")
    ended = pbxsync("validate", "--format", "json", ".")
    Draft202012Validator(schemas.load("validate")).validate(ended.json)
    assert next(iter(ended.json)) == "format_version"
    texts = [path.read_text(encoding="utf-8") for path in sorted(Path().glob("*.txt"))]
    assert [place(problem) for problem in ended.json["problems"]] == "".join(texts).splitlines()
    assert ended.err == ""
    assert ended.code == 1


def test_warnings_alone_do_not_fail_good_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(EXAMPLES)
    ended = pbxsync("validate", "valid", "valid/long.yaml")
    assert " error: " not in ended.out
    count = len(list(Path("valid").glob("*.yaml")))
    assert ended.out.endswith(f"in {count} files.\n")
    assert ended.err == ""
    assert ended.code == 0


@pytest.mark.usefixtures("folder")
def test_strict_fails_on_a_warning_and_says_that_it_is_one() -> None:
    write(a=WITHOUT_TESTS)
    ended = pbxsync("validate", "--strict", "a.yaml")
    assert "a.yaml:5:8: warning: " in ended.out
    assert ended.out.endswith("0 errors, 1 warning in 1 file. Warnings fail because of --strict.\n")
    assert ended.code == 1


@pytest.mark.usefixtures("folder")
def test_the_tests_of_a_file_are_held_against_its_routes_and_one_that_fails_is_an_error() -> None:
    tests = 'tests:\n  - {dial: "91", route: to16}\n  - {dial: "9", route: to16}\n'
    write(a=GOOD + tests, b=BAD + tests)
    ended = pbxsync("validate", ".")
    assert ended.out == (
        "a.yaml:7:5: error: no route takes 9; to16 (X.) does not match 9 [test-failed]\n"
        'b.yaml:3:19: error: 9. is a number to YAML; write matchpattern: "9." [not-text]\n'
        "2 errors, 0 warnings in 2 files.\n"
    )
    assert (ended.code, ended.err) == (1, "")
    assert [problem["path"] for problem in pbxsync("validate", "--format", "json", "a.yaml").json["problems"]] == [
        "tests[1]"
    ]
    assert "title=pbxsync test-failed::no route takes 9" in pbxsync("validate", "--format", "github", "a.yaml").out


@pytest.mark.usefixtures("folder")
def test_how_many_tests_passed_is_told_where_there_is_no_problem() -> None:
    write(a=f'{GOOD}tests:\n  - {{dial: "91", route: to16}}\n', b=GOOD)
    ended = pbxsync("validate", "a.yaml", "b.yaml")
    assert (ended.code, ended.out, ended.err) == (0, "2 routes in 2 files: no problems, 1 test passed.\n", "")


def test_what_is_odd_about_routes_is_a_warning_and_fails_with_strict_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(EXAMPLES / "warned")
    expected = [path.with_suffix(".txt").read_text(encoding="utf-8") for path in sorted(Path().glob("*.yaml"))]
    ended = pbxsync("validate", ".")
    assert without_messages(ended.out.splitlines()[:-1]) == "".join(expected).splitlines()
    assert ended.code == 0
    strict = pbxsync("validate", "--strict", ".")
    assert strict.out.splitlines()[:-1] == ended.out.splitlines()[:-1]
    assert strict.code == 1


@pytest.mark.usefixtures("folder")
def test_how_routes_stand_to_each_other_is_asked_of_validate_alone_and_not_of_files_with_errors() -> None:
    below = '  - {name: below, prefix: "n", matchpattern: "X.", trunks: [carrier-a]}\n'
    write(a=GOOD + below, b=GOOD + below + below.replace("X.", "A").replace("below", "wrong"))
    assert rules(check_all(["."], table=True)[1]) == [
        *(("a.yaml", rule) for rule in ("stored-otherwise", "unreachable")),
        *(("b.yaml", rule) for rule in ("stored-otherwise", "stored-otherwise", "matches-nothing")),
    ]
    assert rules(load_all(["a.yaml"])[1]) == [("a.yaml", "stored-otherwise")]


@pytest.mark.usefixtures("folder")
def test_files_that_cannot_be_read_hide_nothing_of_the_others() -> None:
    write(b=BAD, a=BAD, good=GOOD)
    Path("empty").mkdir()
    Path("e.yaml").mkdir()
    Path("folder").mkdir()
    Path("folder/e.yaml").mkdir()
    Path("loop.yaml").symlink_to("loop.yaml")
    ended = pbxsync(
        "validate", "b.yaml", "missing.yaml", "empty", "good.yaml", "a.yaml", "folder", "loop.yaml", "./b.yaml"
    )
    assert [line.partition(": error: ")[::2] for line in ended.out.splitlines()[:-1]] == [
        ("a.yaml:3:19", '9. is a number to YAML; write matchpattern: "9." [not-text]'),
        ("b.yaml:3:19", '9. is a number to YAML; write matchpattern: "9." [not-text]'),
        ("empty:1:1", "this can't be read: the folder holds no *.yaml or *.yml [unreadable]"),
        ("folder/e.yaml:1:1", "this can't be read: it is a folder, not a regular file [unreadable]"),
        ("loop.yaml:1:1", "this can't be read: Too many levels of symbolic links [unreadable]"),
        ("missing.yaml:1:1", "this can't be read: No such file or directory [unreadable]"),
    ]
    assert ended.out.endswith("6 errors, 0 warnings in 7 files.\n")
    assert ended.err == ""
    assert ended.code == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.usefixtures("folder")
def test_a_pipe_or_a_path_with_a_nul_is_not_waited_for_and_hides_nothing() -> None:
    write(a=BAD, nul='include: ["a\\0b"]\n' + BAD, shared=f"include: [common/pipe.yaml]\n{GOOD}", z=BAD)
    Path("common").mkdir()
    os.mkfifo("pipe.yaml")
    os.mkfifo("common/pipe.yaml")
    ended = pbxsync("validate", ".", "/dev/stdin", stdin=GOOD.encode())
    assert [line.rpartition(" [")[2] for line in ended.out.splitlines()[:-1]] == [
        *("unreadable]", "not-text]", "unreadable]", "control-character]", "not-text]", "unreadable]", "not-text]")
    ]
    lines = ended.out.splitlines()
    assert lines[0].startswith("/dev/stdin:1:1: error: this can't be read: it is a pipe, not a regular file")
    assert lines[2].startswith("common/pipe.yaml:1:1: error: this can't be read: it is a pipe, not a regular file")
    assert lines[3].startswith("nul.yaml:1:11: error: a path holds the control character U+0000; remove it")
    assert lines[5].startswith("pipe.yaml:1:1: error: this can't be read: it is a pipe, not a regular file")
    assert (ended.code, ended.err) == (1, "")
    planned = pbxsync("plan", ".", "--state", "states", "--init")
    assert planned.code == 1
    assert [line for line in lines[1:-1] if line not in planned.err] == []


@pytest.mark.usefixtures("folder")
def test_a_dash_is_standard_input_beside_files() -> None:
    write(a=GOOD)
    ended = pbxsync("validate", "-", "a.yaml", "-", stdin=BAD.encode())
    assert ended.out == (
        '<stdin>:3:19: error: 9. is a number to YAML; write matchpattern: "9." [not-text]\n'
        "1 error, 0 warnings in 2 files.\n"
    )
    assert ended.err == ""
    assert ended.code == 1


@pytest.mark.usefixtures("folder")
def test_github_gets_one_command_for_each_problem_also_from_a_file_with_a_hostile_name() -> None:
    hostile = "a\n::set-output name=x::y,%.yaml"
    Path(hostile).write_text(BAD, encoding="utf-8")
    write(b=BAD, c=GOOD)
    ended = pbxsync("validate", "--format", "github", ".")
    assert ended.out == (
        "::error file=a\\n%3A%3Aset-output name=x%3A%3Ay%2C%25.yaml,line=3,col=19,title=pbxsync not-text"
        '::9. is a number to YAML; write matchpattern: "9."\n'
        "::error file=b.yaml,line=3,col=19,title=pbxsync not-text"
        '::9. is a number to YAML; write matchpattern: "9."\n'
    )
    assert ended.err == ""
    assert ended.code == 1


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A GitHub job's checkout, whose folder pbx/hq is the current one."""
    root = tmp_path / "a checkout"
    (root / "pbx" / "hq").mkdir(parents=True)
    monkeypatch.chdir(root / "pbx" / "hq")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(root))
    return root


def annotated(*files: object, stdin: bytes = b"") -> list[str]:
    """The files that annotations are for."""
    done = pbxsync("validate", "--format", "github", *files, stdin=stdin)
    assert done.code == 1, done.everything
    return [line.removeprefix("::error file=").partition(",line=")[0] for line in done.out.splitlines()]


def in_sarif(*files: object) -> list[tuple[str, bool]]:
    """The addresses of files in the log of code scanning, and whether each is from the repository's root."""
    done = pbxsync("validate", "--format", "sarif", *files)
    places = [
        result["locations"][0]["physicalLocation"]["artifactLocation"] for result in done.json["runs"][0]["results"]
    ]
    return [(place["uri"], place.get("uriBaseId") == "%SRCROOT%") for place in places]


def test_in_a_subfolder_of_a_checkout_paths_begin_at_the_repositorys_root(checkout: Path) -> None:
    Path("own.yaml").write_text(BAD, encoding="utf-8")
    Path("../beside.yaml").write_text(BAD, encoding="utf-8")
    files = ("own.yaml", "../beside.yaml", "./own.yaml")
    assert annotated(*files) == ["pbx/beside.yaml", "pbx/hq/own.yaml"]
    assert annotated(checkout / "pbx" / "beside.yaml") == ["pbx/beside.yaml"]
    assert annotated("..") == ["pbx/beside.yaml"]
    assert in_sarif(*files) == [("pbx/beside.yaml", True), ("pbx/hq/own.yaml", True)]


def test_a_file_that_includes_another_is_annotated_there_from_the_repositorys_root(checkout: Path) -> None:
    (checkout / ".git").mkdir()
    Path("../common.yaml").write_text(BAD, encoding="utf-8")
    Path("own.yaml").write_text("include: [../common.yaml]\nroutes: []\n", encoding="utf-8")
    assert annotated("own.yaml") == ["pbx/common.yaml"]


@pytest.mark.usefixtures("checkout")
def test_standard_input_keeps_its_name_in_a_checkout() -> None:
    assert annotated("-", stdin=BAD.encode()) == ["<stdin>"]


def test_a_checkout_reached_by_a_link_is_the_same_one(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(checkout)
    Path("own.yaml").write_text(BAD, encoding="utf-8")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path / "link"))
    assert annotated("own.yaml") == ["pbx/hq/own.yaml"]


def test_a_file_outside_of_the_checkout_keeps_its_name(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (checkout.parent / "outside.yaml").write_text(BAD, encoding="utf-8")
    assert annotated("../../../outside.yaml") == ["../../../outside.yaml"]
    monkeypatch.chdir(checkout.parent)
    (checkout / "own.yaml").write_text(BAD, encoding="utf-8")
    assert annotated("outside.yaml", checkout / "own.yaml") == ["a checkout/own.yaml", "outside.yaml"]
    assert in_sarif("outside.yaml") == [("outside.yaml", True)]
    monkeypatch.setenv("GITHUB_WORKSPACE", "")
    assert annotated("outside.yaml") == ["outside.yaml"]


@pytest.mark.usefixtures("folder")
def test_wrong_usage_exits_1_and_says_so_on_standard_error_alone() -> None:
    ended = pbxsync("validate")
    assert "Missing argument 'FILE...'" in ended.err
    assert ended.out == ""
    assert ended.code == 1


#: Runs the command as __main__ does, and tells then which modules it loaded.
WATCH = """
import sys
from pbxsync.cli import main
try:
    main()
finally:
    print(*sorted(name for name in sys.modules if "." not in name), file=sys.stderr)
"""


@pytest.mark.usefixtures("folder")
def test_validate_loads_no_library_that_it_does_not_use() -> None:
    write(a=GOOD)
    done = subprocess.run(
        [sys.executable, "-c", WATCH, "validate", "a.yaml"],
        env=environment(None),
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    assert done.stdout == "1 route in 1 file: no problems.\n"
    loaded = set(done.stderr.split())
    assert {"click", "yaml"} <= loaded
    # A file that is plainly good needs no second judge.
    assert loaded.isdisjoint(
        {"jsonschema", "httpx", "httpcore", "h11", "deepdiff", "rich", "tenacity", "defusedxml", "filelock"}
    )


# --- the FILE arguments, without a process ------------------------------------------------------------------------


def rules(problems: list[Problem]) -> list[tuple[str, str]]:
    return [(problem.location.file, problem.rule) for problem in problems]


@pytest.mark.usefixtures("folder")
def test_a_folder_stands_for_its_yaml_files_but_not_for_hidden_ones_or_those_below() -> None:
    for name in ("b.yaml", "a.yml", ".hidden.yaml", "c.YAML", "d.json", "yaml"):
        Path(name).write_text(GOOD, encoding="utf-8")
    Path("below").mkdir()
    shutil.copy("b.yaml", "below/e.yaml")
    assert [(source.name, source.stem) for source in sources(["."])] == [("a.yml", "a"), ("b.yaml", "b")]


@pytest.mark.usefixtures("folder")
def test_a_file_given_in_several_ways_is_checked_once_under_its_first_name() -> None:
    write(a=BAD)
    Path("link.yaml").symlink_to("a.yaml")
    arguments = ["./a.yaml", "a.yaml", ".", str(Path("a.yaml").resolve()), "link.yaml"]
    assert [source.name for source in sources(arguments)] == ["a.yaml"]


@pytest.mark.usefixtures("folder")
def test_a_name_that_is_too_long_is_a_problem_of_its_own() -> None:
    write(a=BAD)
    long = "x" * 5000
    assert rules(check_all([long, "a.yaml"])[1]) == [("a.yaml", "not-text"), (long, "unreadable")]


@pytest.mark.usefixtures("folder")
def test_a_folder_that_may_not_be_read_is_a_problem_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    write(a=BAD)
    Path("secret").mkdir()

    def refuse(_path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    # The permissions themselves would not stop a test that runs as root.
    monkeypatch.setattr(Path, "iterdir", refuse)
    problems = check_all(["secret", "a.yaml"])[1]
    assert rules(problems) == [("a.yaml", "not-text"), ("secret", "unreadable")]
    assert "Permission denied" in problems[1].message


def test_a_standard_input_that_is_closed_is_a_problem_and_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert rules(check_all(["-"])[1]) == [(STDIN, "unreadable")]


def test_standard_input_is_read_as_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    data = GOOD.replace("to16", "é").encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="ascii"))
    loaded, warnings = load_all(["-"])
    assert warnings == []
    assert [declared.desired().routes[0].route.name for declared in loaded] == ["é"]


@pytest.mark.usefixtures("folder")
def test_loading_gives_the_routes_of_every_file_and_the_warnings() -> None:
    write(a=GOOD, b=WITHOUT_TESTS)
    loaded, warnings = load_all(["b.yaml", "a.yaml"])
    assert [(declared.source.stem, declared.file) for declared in loaded] == [("b", "b.yaml"), ("a", "a.yaml")]
    assert rules(warnings) == [("b.yaml", "no-tests")]


@pytest.mark.usefixtures("folder")
def test_loading_files_with_errors_raises_all_problems_warnings_included() -> None:
    write(a=BAD, b=WITHOUT_TESTS, c=GOOD)
    with pytest.raises(InputError) as caught:
        load_all(["c.yaml", "b.yaml", "a.yaml"])
    assert rules(list(caught.value.problems)) == [("a.yaml", "not-text"), ("b.yaml", "no-tests")]
