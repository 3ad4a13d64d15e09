"""`pbxsync test`: the tests of files, run against the routes of the same file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from pbxsync import schemas
from tests.cli.process import Ended, route
from tests.in_process import inside as pbxsync
from tests.junit_xml import junit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from xml.etree.ElementTree import Element

ROUTES = [
    route("emergency", "911", ["carrier-a", "analog-line"]),
    route("fax", "X.", ["analog-line"], prefix="9", callerid="250X"),
    route("international", "X.", ["carrier-intl"], prefix="9011", prepend="00"),
]
GOOD: list[dict[str, object]] = [
    {"dial": "911", "route": "emergency", "trunks": ["carrier-a", "analog-line"], "sends": "911"},
    {"dial": "_9011X.", "callerid": "201", "sends": "_00."},
]
BAD: list[dict[str, object]] = [
    {"dial": "_911", "callerid": "_.", "route": "fax"},
    {"dial": "_9900NXXXXXX", "callerid": "_2XXX", "route": None},
]
FAILURES = (
    "{}: FAIL: 911 from any caller id never goes to fax: 911 from 23456789234 goes to emergency (911); fax takes calls "
    "from 250X only\n"
    "{}: FAIL: no route may take 9900NXXXXXX from 2XXX: 99006789234 from 2505 goes to fax (9X. from 250X)\n"
)


def write(name: str, tests: Iterable[Mapping[str, Any]] | None, routes: object = ROUTES) -> None:
    """Write a routes file (as JSON, which is YAML) with a test in each line from the second on."""
    own = ',\n"tests": [' + ",\n".join(map(json.dumps, tests)) + "]" if tests is not None else ""
    Path(name).write_text(f'{{"routes": {json.dumps(routes)}{own}}}\n', encoding="utf-8")


def check(done: Ended) -> Any:
    """The one JSON document of a run, held against its schema."""
    document = done.json
    assert next(iter(document)) == "format_version"
    Draft202012Validator(schemas.load("test")).validate(document)
    return document


def xml(done: Ended) -> Element:
    return junit(done.out)


def both(name: str) -> str:
    """The failures of BAD, which stand behind GOOD in the file."""
    return FAILURES.format(f"{name}:4:1", f"{name}:5:1")


# --- text -----------------------------------------------------------------------------------------------------------


def test_tests_that_hold_are_counted_and_shown_if_asked_for() -> None:
    write("hq.yaml", GOOD)
    done = pbxsync("test", "hq.yaml")
    assert (done.code, done.out, done.err) == (0, "2 tests in hq.yaml: 2 passed, 0 failed.\n", "")
    done = pbxsync("test", "-v", "hq.yaml")
    assert done.out == (
        "hq.yaml:2:11: PASS: 911\nhq.yaml:3:1: PASS: _9011X. from 201\n2 tests in hq.yaml: 2 passed, 0 failed.\n"
    )


def test_a_test_that_fails_is_a_line_with_its_place_and_a_call_that_breaks_it() -> None:
    write("hq.yaml", [*GOOD, *BAD])
    done = pbxsync("test", "hq.yaml")
    assert (done.code, done.err) == (1, "")
    assert done.out == both("hq.yaml") + "4 tests in hq.yaml: 2 passed, 2 failed.\n"


def test_a_folder_and_standard_input_are_tested_like_any_file() -> None:
    Path("pbxs").mkdir()
    write("pbxs/a.yaml", GOOD)
    write("pbxs/b.yml", [*GOOD, *BAD])
    done = pbxsync("test", "pbxs", "-", stdin=Path("pbxs/a.yaml").read_bytes())
    assert done.code == 1
    assert done.out == both("pbxs/b.yml") + "8 tests in 3 files: 6 passed, 2 failed.\n"


def test_a_file_with_an_error_fails_the_run_and_the_others_are_tested() -> None:
    write("a.yaml", GOOD, [route("all")])
    write("b.yaml", GOOD)
    done = pbxsync("test", "a.yaml", "b.yaml")
    assert (done.code, done.out) == (1, "2 tests in b.yaml: 2 passed, 0 failed.\n")
    assert done.err.startswith("a.yaml:1:22: error: a route can't be called")
    assert done.err.endswith("[reserved-name]\npbxsync: 1 error; 1 file not tested\n")


def test_of_files_with_errors_alone_nothing_is_tested() -> None:
    write("a.yaml", [{"dial": "_[9-1]", "route": None}])
    done = pbxsync("test", "a.yaml", "missing.yaml")
    assert (done.code, done.out) == (1, "")
    assert "[test-matches-nothing]\n" in done.err
    assert "[unreadable]\n" in done.err
    assert done.err.endswith("pbxsync: 2 errors; nothing was tested\n")


def test_a_run_without_tests_says_so_and_fails_only_if_that_is_asked_for() -> None:
    write("a.yaml", None)
    write("b.yaml", None)
    done = pbxsync("test", "a.yaml", "b.yaml")
    assert (done.code, done.out, done.err) == (0, "no tests found in 2 files.\n", "")
    done = pbxsync("test", "--strict", "a.yaml")
    assert (done.code, done.out) == (1, "no tests found in a.yaml.\n")
    assert done.err == "pbxsync: a run without tests fails, because of --strict\n"
    for form in ("json", "junit"):
        done = pbxsync("test", "--format", form, "a.yaml")
        assert (done.code, done.err) == (0, "pbxsync: no tests found in a.yaml\n")
        done = pbxsync("test", "--strict", "--format", form, "a.yaml")
        assert (done.code, done.err.splitlines()[-1]) == (1, "pbxsync: a run without tests fails, because of --strict")
    assert pbxsync("test", "a.yaml", env={"PBXSYNC_STRICT": "1"}).code == 1


def test_warnings_are_on_standard_error_and_fail_only_if_that_is_asked_for() -> None:
    write("a.yaml", [])
    write("b.yaml", GOOD)
    done = pbxsync("test", "a.yaml", "b.yaml")
    assert (done.code, done.out) == (0, "2 tests in 2 files: 2 passed, 0 failed.\n")
    assert done.err == "a.yaml:2:10: warning: tests: [] tests nothing; write a test, or remove it [no-tests]\n"
    done = pbxsync("test", "--strict", "a.yaml", "b.yaml")
    assert done.code == 1
    assert done.out == "2 tests in 2 files: 2 passed, 0 failed.\n"
    assert done.err.endswith("[no-tests]\npbxsync: warnings fail, because of --strict\n")
    write("b.yaml", BAD)
    done = pbxsync("test", "--strict", "a.yaml", "b.yaml")
    assert done.out.endswith("2 tests in 2 files: 0 passed, 2 failed.\n")
    assert pbxsync("test", "--strict", "b.yaml").code == 1


# --- JSON -----------------------------------------------------------------------------------------------------------


def test_json_has_every_test_with_what_became_of_it() -> None:
    write("hq.yaml", [*GOOD, *BAD])
    done = pbxsync("test", "--format", "json", "hq.yaml")
    assert (done.code, done.err) == (1, "")
    document = check(done)
    assert document["problems"] == []
    assert [test["status"] for test in document["tests"]] == ["passed", "passed", "failed", "failed"]
    assert document["tests"][1] == {
        "file": "hq.yaml",
        "line": 3,
        "column": 1,
        "dial": "_9011X.",
        "callerid": "201",
        "status": "passed",
        "message": None,
        "counterexample": None,
        "counterexample_callerid": None,
    }
    failed = document["tests"][3]
    assert (failed["counterexample"], failed["counterexample_callerid"]) == ("99006789234", "2505")
    assert (failed["line"], failed["callerid"]) == (5, "_2XXX")
    assert failed["message"].startswith("no route may take 9900NXXXXXX from 2XXX: 99006789234 from 2505 goes to fax")


def test_json_has_the_problems_of_the_files_too() -> None:
    write("a.yaml", [])
    write("b.yaml", GOOD, [route("all")])
    done = pbxsync("test", "--format", "json", "a.yaml", "b.yaml")
    document = check(done)
    assert done.code == 1
    assert document["tests"] == []
    assert [problem["rule"] for problem in document["problems"]] == ["no-tests", "reserved-name"]
    assert done.err.endswith("pbxsync: 1 error; 1 file not tested\n")
    warned = pbxsync("test", "--format", "json", "a.yaml")
    assert (warned.code, warned.err) == (0, "pbxsync: no tests found in a.yaml\n")
    assert [problem["rule"] for problem in check(warned)["problems"]] == ["no-tests"]


# --- JUnit ----------------------------------------------------------------------------------------------------------


def test_junit_has_a_suite_a_file_and_a_case_a_test() -> None:
    write("a.yaml", [*GOOD, *BAD])
    write("b.yaml", GOOD, [route("all")])
    done = pbxsync("test", "--format", "junit", "a.yaml", "b.yaml")
    assert done.code == 1
    assert done.err.endswith("pbxsync: 1 error; 1 file not tested\n")
    root = xml(done)
    assert [root.attrib[name] for name in ("tests", "failures", "errors")] == ["5", "2", "1"]
    a, b = root
    names = ["911", "_9011X. from 201", "_911 from _.", "_9900NXXXXXX from _2XXX"]
    assert [case.attrib["name"] for case in a] == names
    assert [case.attrib["classname"] for case in (*a, *b)] == ["a.yaml"] * 4 + ["b.yaml"]
    assert [result.tag for case in (*a, *b) for result in case] == ["failure", "failure", "error"]


def test_junit_of_good_files_exits_0() -> None:
    write("a.yaml", GOOD)
    done = pbxsync("test", "a.yaml", env={"PBXSYNC_FORMAT": "junit"})
    assert (done.code, done.err) == (0, "")
    assert xml(done).attrib == {"name": "pbxsync", "tests": "2", "failures": "0", "errors": "0"}


def test_a_run_that_fails_before_any_file_still_prints_one_document() -> None:
    done = pbxsync("test", "--format", "json")
    assert done.code == 1
    assert [problem["rule"] for problem in check(done)["problems"]] == ["not-checked"]
    done = pbxsync("test", "--format", "junit", "--nope", "a.yaml")
    assert done.code == 1
    assert "No such option" in done.err
    error = xml(done).find("testsuite/testcase/error")
    assert error is not None
    assert "No such option" in error.attrib["message"]
    assert pbxsync("test").out == ""


@pytest.mark.parametrize("command", ["plan", "export"])
def test_another_command_prints_no_junit(command: str) -> None:
    done = pbxsync(command, "--format", "junit", "a.yaml")
    assert (done.code, done.out) == (1, "")
