"""The ``tests`` of a file: what is wrong with them, what they claim, whether that holds on the file's own routes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pbxsync import nodes
from pbxsync.dialplan.claim_texts import MARK, callers_meant, digits_meant, numbers_meant
from pbxsync.dialplan.claims import verdicts
from pbxsync.dialplan.lint import slips_in
from pbxsync.dialplan.pattern import MAX_NUMBER, compared
from pbxsync.dialplan.table import RouteTable
from pbxsync.document import Mapping, Node, Scalar
from pbxsync.lint_words import ERRORS, field_message
from pbxsync.model import Claim, Location, Problem, Severity
from pbxsync.names import text_fault
from pbxsync.quoting import quoted, shown
from pbxsync.schema_problems import path_text
from pbxsync.yaml_text import reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pbxsync.model import Desired, Verdict

#: The texts of a test that may be a pattern: what one stands for, and what to say of one that stands for nothing.
_PATTERNS = {
    "dial": (
        numbers_meant,
        "no number matches {}, so the test proves nothing; a number is 1 to 79 of 0-9, *, # and +",
    ),
    "callerid": (
        callers_meant,
        "no caller id matches {}, so the test proves nothing; a caller id is 1 to 79 of 0-9, *, # and +",
    ),
    "sends": (digits_meant, "no digits match {}, so the test can't pass; is there a [ without ], or a set like [9-1]?"),
}
_PATTERN_SIGNS = frozenset("XZNxzn.![]")
_NUMBER_SIGNS = frozenset("0123456789*#+- ")
_DIALLED = _NUMBER_SIGNS - {" "}
_DROPPED = frozenset("() ")


def problems_of_tests(file: str, root: Node) -> Iterator[Problem]:
    """What is wrong with the tests that no schema can say."""
    tests = nodes.sequence(root, "tests")
    if tests is not None and not tests.items:
        message = "tests: [] tests nothing; write a test, or remove it"
        yield nodes.problem_at(file, tests, ("tests",), ("no-tests", message), Severity.WARNING)
    for n, test in enumerate(tests.items if tests else ()):
        for key in _PATTERNS:
            value = nodes.scalar(test, key)
            if value and not text_fault(value.text):  # else it is a problem already
                for fault, severity in _text_faults(key, value.text):
                    yield nodes.problem_at(file, value, ("tests", n, key), fault, severity)
        yield from _null_problems(file, n, test)


def _text_faults(key: str, text: str) -> Iterator[tuple[tuple[str, str], Severity]]:
    """Give what is wrong with a number or pattern, or else what is odd in it."""
    slip = next(slips_in(key, text), None)
    alike = slip is not None and slip.rule in ERRORS
    fault = _text_fault(key, text) if not alike else None
    if fault:
        yield fault, Severity.ERROR
    elif slip is not None and (alike or (text.startswith(MARK) and key != "sends")):  # a prepend may hold any sign
        yield (slip.rule.value, field_message(slip)), Severity.ERROR if alike else Severity.WARNING


def _text_fault(key: str, text: str) -> tuple[str, str] | None:
    meant, message = _PATTERNS[key]
    if text.startswith(MARK) and meant(text) is None:
        return "test-matches-nothing", message.format(shown(text))
    if _PATTERN_SIGNS.intersection(text) and (_PATTERN_SIGNS | _NUMBER_SIGNS).issuperset(text):
        message = f"{shown(text)} is a pattern only behind a _, and no number; write {key}: {quoted(MARK + text)}"
        return "missing-underscore", message
    return _odd_signs(key, text) if not text.startswith(MARK) else None


def _odd_signs(key: str, text: str) -> tuple[str, str] | None:
    """What is wrong with a number that nobody dials, or an id as no call brings it: the test would prove nothing."""
    if key == "dial":
        odd = "".join(sign for sign in text if sign not in _DIALLED)
        if odd:
            what = f"{shown(text)} can't be dialled: it holds {shown(odd)}"
            return "not-a-number", f"{what}, and a number has only 0-9 * # +, and - between them"
        if len(text) > MAX_NUMBER or (text and not compared(text)):
            return (
                "not-a-number",
                f"{shown(text)} can't be dialled: a number has 1 to {MAX_NUMBER} of the signs 0-9 * # +",
            )
    if key == "callerid" and _DROPPED.intersection(text):
        clean = "".join(sign for sign in text if sign not in _DROPPED)
        message = (
            f"no call brings a caller id like {shown(text)}, with brackets or spaces; write callerid: {quoted(clean)}"
        )
        return "not-a-number", message
    return None


def _null_problems(file: str, n: int, test: Node) -> Iterator[Problem]:
    """What is wrong with a test, the nth, that claims that no route takes the call."""
    route = nodes.value(test, "route")
    if not isinstance(route, Scalar) or not _is_null(route):
        return
    if not route.text:
        message = "route is empty, which is null to YAML; write a name, or route: null if no route may take the call"
        yield nodes.problem_at(file, route, ("tests", n, "route"), ("not-text", message))
    for key, nothing in (("trunks", "there are no trunks"), ("sends", "nothing is sent")):
        value = nodes.value(test, key)
        if value is not None:
            message = f"route: null claims that no route takes the call, and then {nothing}; remove one of the two"
            yield nodes.problem_at(file, value, ("tests", n, key), ("test-contradiction", message))


def _is_null(node: Node | None) -> bool:
    return isinstance(node, Scalar) and node.plain and reading(node.text) == "null"


def claims(file: str, root: Node) -> tuple[Claim, ...]:
    """What the tests of a file without errors claim."""
    tests = nodes.sequence(root, "tests")
    return tuple(_claim(file, test) for test in (tests.items if tests else ()) if isinstance(test, Mapping))


def _claim(file: str, node: Mapping) -> Claim:
    return Claim(
        Location(file, node.line, node.column),
        dial=nodes.text(node, "dial") or "",
        callerid=nodes.text(node, "callerid") or "",
        route=nodes.text(node, "route"),
        no_route=_is_null(nodes.value(node, "route")),
        trunks=nodes.texts(node, "trunks") or None,
        sends=nodes.text(node, "sends"),
    )


def held(desired: Desired) -> tuple[Verdict, ...]:
    """What becomes of the file's tests on its own routes."""
    return verdicts(RouteTable(declared.route for declared in desired.routes), desired.tests) if desired.tests else ()


def failures(held: Iterable[Verdict], included: Iterable[tuple[str, str]] = ()) -> Iterator[Problem]:
    """A problem for each test of a file that failed; ``held`` are all of them, in order.

    ``included`` are the files that some of them stand in, with who included each.
    """
    by = dict(included)
    count: Counter[str] = Counter()
    for verdict in held:
        at = verdict.claim.location
        if not verdict.passed:
            message = verdict.message + (f" (included by {by[at.file]})" if at.file in by else "")
            yield Problem(at, path_text(("tests", count[at.file])), Severity.ERROR, "test-failed", message)
        count[at.file] += 1
