"""What became of tests, as text for a person, as JSON and as JUnit XML."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from pbxsync.model import Claim, Location, Problem, Severity, Verdict
from pbxsync.render.junit import Suite, failure_document, junit_document
from pbxsync.render.paint import Paint
from pbxsync.render.verdicts import verdict_item, verdict_lines, verdicts_sum
from tests.junit_xml import junit

AT = Location("hq.yaml", 12, 5)
PASSED = Verdict(Claim(AT, "_9011X.", "201", route="international"))
FAILED = Verdict(Claim(Location("hq.yaml", 14, 5), "911", no_route=True), "911 goes to all", "911", None)
ODD = 'a\x00\x1b\n"<&>\ud800\ufffe\u2028é'


def warning(message: str, severity: Severity = Severity.WARNING) -> Problem:
    return Problem(AT, "tests", severity, "no-tests", message)


# --- text -----------------------------------------------------------------------------------------------------------


def test_a_test_that_fails_is_one_line_and_one_that_passes_is_one_if_asked_for() -> None:
    assert verdict_lines([PASSED, FAILED]) == "hq.yaml:14:5: FAIL: 911 goes to all\n"
    assert verdict_lines([PASSED, FAILED], passed=True) == (
        "hq.yaml:12:5: PASS: _9011X. from 201\nhq.yaml:14:5: FAIL: 911 goes to all\n"
    )


def test_the_word_alone_has_a_colour() -> None:
    lines = verdict_lines([PASSED, FAILED], Paint(on=True), passed=True).splitlines()
    assert "\x1b[32mPASS\x1b[0m: _9011X. from 201" in lines[0]
    assert "\x1b[31mFAIL\x1b[0m: 911 goes to all" in lines[1]


def test_what_a_terminal_would_act_on_is_escaped() -> None:
    odd = Verdict(Claim(Location(ODD, 1, 1), ODD), ODD)
    assert verdict_lines([odd]).isascii() is False
    assert verdict_lines([odd]).count("\n") == 1
    assert "\x1b" not in verdict_lines([odd])


def test_the_sum_counts_and_names_the_file_or_how_many_there_are() -> None:
    assert verdicts_sum([PASSED, FAILED], ["hq.yaml"]) == "2 tests in hq.yaml: 1 passed, 1 failed"
    assert verdicts_sum([PASSED], ["a", "b"]) == "1 test in 2 files: 1 passed, 0 failed"
    assert verdicts_sum([], ["hq.yaml"]) == "no tests found in hq.yaml"


# --- JSON -----------------------------------------------------------------------------------------------------------


def test_a_verdict_as_json_has_what_was_tested_and_a_call_that_breaks_it() -> None:
    assert verdict_item(PASSED) == {
        "file": "hq.yaml",
        "line": 12,
        "column": 5,
        "dial": "_9011X.",
        "callerid": "201",
        "status": "passed",
        "message": None,
        "counterexample": None,
        "counterexample_callerid": None,
    }
    failed = verdict_item(FAILED)
    assert (failed["status"], failed["message"], failed["callerid"]) == ("failed", "911 goes to all", None)
    assert (failed["counterexample"], failed["counterexample_callerid"]) == ("911", None)


# --- JUnit ----------------------------------------------------------------------------------------------------------


def test_a_file_is_a_suite_and_a_test_is_a_case_named_for_its_calls() -> None:
    root = junit(junit_document([Suite("hq.yaml", (PASSED, FAILED)), Suite("b.yaml")]))
    assert root.attrib == {"name": "pbxsync", "tests": "2", "failures": "1", "errors": "0"}
    hq, b = root
    assert hq.attrib == {"name": "hq.yaml", "tests": "2", "failures": "1", "errors": "0", "skipped": "0"}
    assert b.attrib == {"name": "b.yaml", "tests": "0", "failures": "0", "errors": "0", "skipped": "0"}
    assert [case.attrib for case in hq] == [
        {"classname": "hq.yaml", "name": "_9011X. from 201"},
        {"classname": "hq.yaml", "name": "911"},
    ]
    assert list(hq[0]) == []
    (failure,) = hq[1]
    assert (failure.tag, failure.attrib) == ("failure", {"message": "911 goes to all", "type": "test-failed"})
    assert failure.text == "hq.yaml:14:5: FAIL: 911 goes to all\n"


def test_tests_of_the_same_calls_have_names_of_their_own() -> None:
    (suite,) = junit(junit_document([Suite("hq.yaml", (FAILED, PASSED, FAILED, FAILED))]))
    assert [case.attrib["name"] for case in suite] == ["911", "_9011X. from 201", "911 (2)", "911 (3)"]


def test_a_file_with_an_error_is_a_case_that_tells_all_its_problems_and_one_with_a_warning_is_not() -> None:
    problems = (warning("one"), warning("two", Severity.ERROR))
    root = junit(junit_document([Suite("a.yaml", (), problems), Suite("b.yaml", (PASSED,), problems[:1])]))
    assert (root.attrib["tests"], root.attrib["errors"]) == ("2", "1")
    (case,), (passed,) = root
    assert case.attrib == {"classname": "a.yaml", "name": "valid"}
    (error,) = case
    assert (error.tag, error.attrib) == ("error", {"message": "two", "type": "invalid-file"})
    assert error.text == "hq.yaml:12:5: warning: one [no-tests]\nhq.yaml:12:5: error: two [no-tests]\n"
    assert list(passed) == []


def test_a_run_that_failed_before_any_file_is_a_document_with_an_error() -> None:
    root = junit(failure_document("no such option\n--x"))
    assert (root.attrib["tests"], root.attrib["errors"]) == ("1", "1")
    error = root.find("testsuite/testcase/error")
    assert error is not None
    assert error.attrib["message"] == "no such option\\n--x"


def test_a_run_without_any_file_is_a_document_without_suites() -> None:
    assert list(junit(junit_document([]))) == []


@given(st.text() | st.just(ODD) | st.text("\x00\x1b\ud800\ufffe\uffff<>&\"'] \r\n\t", max_size=9))
def test_any_text_gives_xml_that_a_reader_takes(text: str) -> None:
    odd = Verdict(Claim(Location(text, 1, 1), text, text), text or "x", text, text)
    document = junit_document([Suite(text, (odd,)), Suite(text, (), (warning(text, Severity.ERROR),))])
    root = junit(document)
    assert root.attrib["failures"] == root.attrib["errors"] == "1"
    assert re.search("[^\t\n -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", document) is None
