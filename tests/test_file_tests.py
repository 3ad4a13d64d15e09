"""The tests of a file: what they claim, where they stand, and what becomes of them on the file's own routes."""

from __future__ import annotations

from pbxsync.document import parse
from pbxsync.file_tests import failures, held
from pbxsync.model import Claim, Desired, Location, Problem, Severity
from pbxsync.validator import check

ROUTES = """\
routes:
  - name: to16
    prefix: "16"
    matchpattern: "X."
    trunks: [carrier-a]
"""


def desired(tests: str) -> Desired:
    """What a file with these tests declares; they begin in line 7."""
    found = check(parse(f"{ROUTES}tests:\n{tests}".encode(), "f.yaml"))
    assert found.desired is not None, found.problems
    return found.desired


def claims(tests: str) -> tuple[Claim, ...]:
    return desired(tests).tests


def test_a_test_is_read_with_all_that_it_claims_and_the_place_where_it_begins() -> None:
    text = """\
  - dial: "_16X."
    callerid: "_20X"
    route: to16
    trunks: [carrier-a, carrier-b]
    sends: "_X."
  - {dial: "911", route: null}
"""
    assert claims(text) == (
        Claim(Location("f.yaml", 7, 5), "_16X.", "_20X", "to16", False, ("carrier-a", "carrier-b"), "_X."),
        Claim(Location("f.yaml", 12, 5), "911", no_route=True),
    )


def test_null_is_written_in_any_way_that_yaml_has_but_as_text_it_is_a_name() -> None:
    tests = claims('  - {dial: "1", route: ~}\n  - {dial: "1", route: Null}\n  - {dial: "1", route: "null"}\n')
    assert [(one.no_route, one.route) for one in tests] == [(True, None), (True, None), (False, "null")]


def test_an_empty_number_may_be_claimed_to_be_sent_and_an_empty_caller_id_is_none() -> None:
    (one,) = claims('  - {dial: "16", callerid: "", sends: ""}\n')
    assert (one.callerid, one.sends, one.trunks) == ("", "", None)


def test_an_alias_is_a_test_of_its_own_where_it_stands_and_a_merge_one_where_it_begins() -> None:
    tests = claims('  - &a {dial: "1", route: null}\n  - *a\n  - {<<: *a, dial: "2"}\n')
    assert [(one.location.line, one.dial, one.no_route) for one in tests] == [
        (7, "1", True),
        (8, "1", True),
        (9, "2", True),
    ]


def test_a_file_without_tests_has_none() -> None:
    found = check(parse(ROUTES.encode(), "f.yaml"))
    assert found.desired is not None
    assert found.desired.tests == ()
    assert held(found.desired) == ()


def test_a_test_that_fails_is_an_error_at_its_place() -> None:
    verdicts = held(desired('  - {dial: "1612", sends: "12"}\n  - {dial: "_16X.", route: other}\n'))
    assert [one.passed for one in verdicts] == [True, False]
    assert list(failures(verdicts)) == [
        Problem(Location("f.yaml", 8, 5), "tests[1]", Severity.ERROR, "test-failed", verdicts[1].message)
    ]


def test_dashes_in_a_number_and_letters_in_a_caller_id_are_taken_as_they_are() -> None:
    text = '  - {dial: "911", callerid: "Ann-1", route: null}\n  - {dial: "+1-555-0100", route: null}\n'
    assert [one.passed for one in held(desired(text))] == [True, True]
