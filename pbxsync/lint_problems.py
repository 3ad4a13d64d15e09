"""What the lint of routes finds → problems at their place in the file."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pbxsync.dialplan.coverage import NoCaller, route_findings
from pbxsync.dialplan.lint import field_findings, plain
from pbxsync.document import Scalar
from pbxsync.lint_words import ERRORS, field_message, table_fault
from pbxsync.model import Problem, Severity
from pbxsync.names import text_fault
from pbxsync.nodes import problem_at, scalar
from pbxsync.quoting import masked, shown
from pbxsync.schema_problems import path_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pbxsync.dialplan.lint import FieldFinding
    from pbxsync.document import Mapping, Node
    from pbxsync.model import DeclaredRoute, Route

_FIELDS = ("prefix", "matchpattern", "prepend", "callerid")


def field_problems(file: str, routes: Iterable[tuple[int, Mapping]]) -> Iterator[Problem]:
    """What is wrong or odd in the texts of each route by itself; ``routes`` are the file's, with their indexes.

    A field that is no text is passed over. What is wrong where an anchor stands is not told again at its aliases.
    """
    found = [(index, value, finding) for index, route in routes for value, finding in _in_fields(route)]
    told = {(value.line, value.column, finding.rule) for _, value, finding in found if value.anchored is None}
    for index, value, finding in found:
        if value.anchored is None or (*value.anchored, finding.rule) not in told:
            severity = Severity.ERROR if finding.rule in ERRORS else Severity.WARNING
            fault = (finding.rule.value, masked(field_message(finding)))
            yield problem_at(file, value, ("routes", index, finding.field), fault, severity)


def _in_fields(route: Mapping) -> Iterator[tuple[Scalar, FieldFinding]]:
    if "callerid" not in route.entries and plain(*(_written(route, field) for field in _FIELDS[:3])):
        return  # before it is asked which of the values are text: nothing would be said of any
    values = {field: value for field in _FIELDS if (value := scalar(route, field))}
    for finding in field_findings(*(_text(route, field, values.get(field)) for field in _FIELDS)):
        yield values[finding.field], finding


def _written(route: Mapping, field: str) -> str:
    """What is written at a field, be it text to YAML or not; empty where nothing is, or no single value."""
    entry = route.entries.get(field)
    return entry[1].text if entry is not None and isinstance(entry[1], Scalar) else ""


def _text(route: Mapping, field: str, value: Scalar | None) -> str | None:
    """The text of a field; None where it can't be known, or another error is told of it."""
    required = field == "matchpattern"
    if value is None:
        return None if required or route.partial or field in route.entries else ""
    return None if text_fault(value.text) or (required and not value.text) else value.text


def table_problems(file: str, nodes: Sequence[Node], routes: Sequence[Route]) -> Iterator[Problem]:
    """What is odd in how the routes of a file without an error stand to each other; ``nodes`` are where it has them."""
    places: list[str] = []
    for finding in route_findings(routes):
        places = places or [f"{shown(route.name)} (line {at.line})" for at, route in zip(nodes, routes, strict=True)]
        node = nodes[finding.index]
        field = "callerid" if isinstance(finding, NoCaller) else "matchpattern"
        value = scalar(node, field)
        # A value that a merge brought here stands elsewhere, where it may be right.
        at = node if value is None or (value.line, value.column) < (node.line, node.column) else value
        rule, message = table_fault(finding, routes[finding.index], places)
        yield problem_at(file, at, ("routes", finding.index, field), (rule, masked(message)), Severity.WARNING)


def combined_problems(routes: Sequence[DeclaredRoute]) -> Iterator[Problem]:
    """The same of routes from several files, each finding at its route."""
    count: Counter[str] = Counter()
    indexes = []
    for route in routes:
        indexes.append(count[route.location.file])
        count[route.location.file] += 1
    plain_routes = [route.route for route in routes]
    places: list[str] = []
    for finding in route_findings(plain_routes):
        places = places or [f"{shown(one.route.name)} ({one.location.file}:{one.location.line})" for one in routes]
        route = routes[finding.index]
        rule, message = table_fault(finding, route.route, places)
        path = path_text(("routes", indexes[finding.index]))
        yield Problem(route.location, path, Severity.WARNING, rule, masked(message))
