"""What became of files' tests → JUnit XML, which CI systems show test by test."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from pbxsync.model import Severity
from pbxsync.render.text import problem_lines
from pbxsync.render.verdicts import name_of, verdict_lines
from pbxsync.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from xml.etree.ElementTree import Element

    from pbxsync.model import Problem, Verdict

#: How many tests, failures and errors there are, as attributes say it.
_COUNTS = ("tests", "failures", "errors")


@dataclass(frozen=True, slots=True)
class Suite:
    """A file, what became of its tests, and its problems; one that has an error was not tested."""

    file: str
    verdicts: tuple[Verdict, ...] = ()
    problems: tuple[Problem, ...] = ()


def junit_document(suites: Iterable[Suite]) -> str:
    """A ``testsuite`` for each file with a ``testcase`` for each test; a file with an error has one that says so."""
    return _document([_suite(suite.file, _cases(suite)) for suite in suites])


def failure_document(message: str) -> str:
    """The document of a run that failed before it came to any file."""
    return _document([_suite("pbxsync", [_case("pbxsync", "pbxsync test", "error", "not-checked", message)])])


def _document(suites: Iterable[Element]) -> str:
    root = ElementTree.Element("testsuites", name="pbxsync")
    root.extend(suites)
    root.attrib.update({name: str(sum(int(suite.attrib[name]) for suite in root)) for name in _COUNTS})
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _suite(file: str, cases: Iterable[Element]) -> Element:
    suite = ElementTree.Element("testsuite", name=printable(file))
    suite.extend(cases)
    found = Counter(f"{result.tag}s" for case in suite for result in case)
    found["tests"] = len(suite)
    suite.attrib.update({name: str(found[name]) for name in _COUNTS}, skipped="0")
    return suite


def _cases(suite: Suite) -> Iterator[Element]:
    errors = [problem for problem in suite.problems if problem.severity is Severity.ERROR]
    if errors:
        yield _case(suite.file, "valid", "error", "invalid-file", errors[0].message, problem_lines(suite.problems))
    seen: Counter[str] = Counter()
    for verdict in suite.verdicts:
        name = name_of(verdict.claim)
        seen[name] += 1
        # Two tests of one name would be one test to whoever compares runs.
        unique = name if seen[name] == 1 else f"{name} ({seen[name]})"
        if verdict.passed:
            yield _case(suite.file, unique)
        else:
            yield _case(suite.file, unique, "failure", "test-failed", verdict.message, verdict_lines([verdict]))


def _case(file: str, name: str, result: str = "", kind: str = "", message: str = "", text: str = "") -> Element:
    """A test case, with its result where it did not pass. What XML can't hold is escaped as on a terminal."""
    case = ElementTree.Element("testcase", classname=printable(file), name=printable(name))
    if result:
        ElementTree.SubElement(case, result, message=printable(message), type=kind).text = text or None
    return case
