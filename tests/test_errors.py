"""The errors: their tree is the drawn one, and each number of a refusal has the words that it deserves."""

from __future__ import annotations

import re

import pytest

from pbxsync import errors
from pbxsync.errors import CallUnknown, LoginRefused, PbxError, PbxsyncError, Refused
from pbxsync.model import Location, Problem, Severity
from pbxsync.refusals import hint, means_token_is_dead, means_unknown_call


def real_tree() -> dict[str, tuple[str, int]]:
    """Each error's name with its parent's and its exit code."""
    found: dict[str, tuple[str, int]] = {}

    def walk(kind: type[PbxsyncError], parent: str) -> None:
        found[kind.__name__] = (parent, kind.exit_code)
        for child in kind.__subclasses__():
            if child.__module__ == errors.__name__:
                walk(child, kind.__name__)

    walk(PbxsyncError, "")
    return found


def drawn_tree() -> dict[str, tuple[str, int]]:
    """The same from the docstring's drawing."""
    found: dict[str, tuple[str, int]] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.fullmatch(r"    ([│├└─ ]*)([A-Z][A-Za-z]+) +([0-9])( .*)?", line)
        if match:
            depth = len(match[1]) // 4
            above[depth:] = [match[2]]
            found[match[2]] = (above[depth - 1] if depth else "", int(match[3]))
    return found


def test_the_tree_in_the_docstring_is_the_real_one_with_its_exit_codes() -> None:
    assert drawn_tree() == real_tree()
    assert len(drawn_tree()) > 10


def test_every_error_says_in_its_docstring_what_it_is() -> None:
    assert all(getattr(errors, name).__doc__ for name in real_tree())


def test_the_error_of_the_input_carries_every_problem_and_shows_a_line_for_each() -> None:
    at = Location("routes.yaml", 3, 5)
    problems = [
        Problem(at, "routes[0]", Severity.ERROR, "comma", "it holds a comma"),
        Problem(Location("b.yaml", 1, 1), "", Severity.WARNING, "lint", "it is odd"),
    ]
    error = errors.InputError(problems)
    assert error.problems == tuple(problems)
    assert str(error) == "routes.yaml:3:5: error: it holds a comma [comma]\nb.yaml:1:1: warning: it is odd [lint]"


def test_an_error_of_the_pbx_knows_its_call_and_a_refusal_its_number() -> None:
    assert PbxError("login", "no").call == "login"
    for kind in (Refused, LoginRefused, CallUnknown):
        assert (kind("a/b", "no", "7").call, kind("a/b", "no", "7").errno, str(kind("a/b", "no"))) == ("a/b", "7", "no")


@pytest.mark.parametrize(
    ("errno", "said"),
    [
        (None, "no errno"),
        ("", "no errno"),
        ("30003", "errno 30003: login refused"),
        ("20002", "errno 20002, may mean: this address is locked out after wrong passwords"),
        ("77", "errno 77"),
    ],
)
def test_a_number_is_explained_with_as_much_certainty_as_there_is(errno: str | None, said: str) -> None:
    assert hint(errno) == said


def test_only_numbers_of_a_dead_token_or_an_unknown_call_are_taken_for_one() -> None:
    numbers = [None, "", "10003", "10004", "20002", "20003", "20004", "20005", "20006", "30003"]
    assert [number for number in numbers if means_token_is_dead(number)] == ["20004", "20005", "20006"]
    assert [number for number in numbers if means_unknown_call(number)] == ["10003"]
