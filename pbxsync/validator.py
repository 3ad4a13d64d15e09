"""Document and schema → every problem, sorted; where there is no error → the routes that the file declares.

The JSON schema says what a file looks like; `jsonschema` finds where one departs from it, and this module says so in
words with the place in the file and what to write instead. What no schema can say (names are unique, a rename that
makes sense, an address that is one) is checked here too. Every rule is on the page ``docs/rules.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pbxsync.document import Document, Mapping, Node, Scalar, Sequence
from pbxsync.model import DeclaredRoute, Desired, Location, Problem, Route, Severity
from pbxsync.quoting import shown
from pbxsync.schema_problems import path_text, schema_problems, url_problem
from pbxsync.yaml_text import reading

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Checked:
    """What the check of one file came to. ``desired`` is None exactly where ``problems`` holds an error."""

    file: str
    desired: Desired | None
    problems: tuple[Problem, ...]


def check(document: Document) -> Checked:
    """Check one document against the schema and the rules; never raises for bad input."""
    problems = list(document.problems)
    root = document.root
    if root is not None and not _is_empty(root):
        found = [*schema_problems(document.file, root), *_rule_problems(document.file, root)]
        # A value with a tag is told of already; what else is wrong with it comes of the tag.
        tagged = {problem.location for problem in problems if problem.rule == "tag"}
        problems += [one for one in found if one.location not in tagged or one.rule == "missing-key"]
    elif not problems:
        message = "the file is empty; the least that it may hold is: routes: []"
        problems.append(Problem(Location(document.file, 1, 1), "", Severity.ERROR, "empty-file", message))
    # One mistake is one problem, also where aliases and merges bring it to several places of the document.
    first: dict[tuple[str, int, int, str, str], Problem] = {}
    for problem in problems:
        first.setdefault(problem.order, problem)
    unique = tuple(problem for _, problem in sorted(first.items()))
    failed = any(problem.severity is Severity.ERROR for problem in unique)
    desired = None if failed or not isinstance(root, Mapping) else _desired(document.file, root)
    return Checked(document.file, desired, unique)


def _is_empty(root: Node) -> bool:
    return isinstance(root, Scalar) and root.plain and reading(root.text) == "null"


# --- what no schema can say ---------------------------------------------------------------------------------------


def _rule_problems(file: str, root: Node) -> Iterator[Problem]:
    pbx = _mapping(root, "pbx")
    url = _scalar(pbx, "url")
    fault = url_problem(url.text) if url else None
    if url and fault:
        yield _problem(file, url, ("pbx", "url"), fault)
    routes = _sequence(root, "routes")
    entries = [(n, route) for n, route in enumerate(routes.items if routes else ()) if isinstance(route, Mapping)]
    yield from _name_problems(file, entries)
    yield from _rename_problems(file, entries)
    tests = _sequence(root, "tests")
    if tests is not None and tests.items:
        message = "this version of pbxsync reads tests but does not run them: nothing here is proven"
        yield _problem(file, tests, ("tests",), ("tests-not-run", message), Severity.WARNING)


_Entries = list[tuple[int, Mapping]]


def _name_problems(file: str, entries: _Entries) -> Iterator[Problem]:
    first: dict[str, Scalar] = {}
    for n, route in entries:
        name = _scalar(route, "name")
        if name is None:
            continue
        if name.text in first:
            at, message = _again(route, name, first[name.text], "a route is called")
            yield _problem(file, at, ("routes", n, "name"), ("duplicate-name", f"{message}; names are unique"))
        first.setdefault(name.text, name)


def _again(route: Mapping, value: Scalar, first: Scalar, words: str) -> tuple[Node, str]:
    """Where and how to tell that a route has the value of another: with itself if an alias or merge gave it both."""
    if (value.line, value.column) == (first.line, first.column):
        return route, f"{words} {shown(value.text)} by the alias or merge here, and in line {first.line} already"
    return value, f"{words} {shown(value.text)} in line {first.line} already"


def _rename_problems(file: str, entries: _Entries) -> Iterator[Problem]:
    names = {name.text: name for _, route in entries if (name := _scalar(route, "name"))}
    taken: dict[str, Scalar] = {}
    for n, route in entries:
        old = _scalar(route, "renamed_from")
        if old is None:
            continue
        at: Node = old
        if old.text in names:
            line = names[old.text].line
            message = f"renamed_from is {shown(old.text)}, the name of a route of this file (line {line}); remove it"
        elif old.text in taken:
            at, message = _again(route, old, taken[old.text], "a route is renamed from")
            message += "; only one can be"
        else:
            taken[old.text] = old
            continue
        yield _problem(file, at, ("routes", n, "renamed_from"), ("rename-clash", message))


def _problem(
    file: str,
    node: Node,
    path: tuple[str | int, ...],
    fault: tuple[str, str],
    severity: Severity = Severity.ERROR,
) -> Problem:
    rule, message = fault
    return Problem(Location(file, node.line, node.column), path_text(path), severity, rule, message)


def _get(node: Node | None, key: str) -> Node | None:
    entry = node.entries.get(key) if isinstance(node, Mapping) else None
    return entry[1] if entry else None


def _mapping(node: Node | None, key: str) -> Mapping | None:
    value = _get(node, key)
    return value if isinstance(value, Mapping) else None


def _sequence(node: Node | None, key: str) -> Sequence | None:
    value = _get(node, key)
    return value if isinstance(value, Sequence) else None


def _scalar(node: Node | None, key: str) -> Scalar | None:
    """The text that stands at a key; None where nothing, a list, a mapping or no text stands there."""
    value = _get(node, key)
    is_text = isinstance(value, Scalar) and not (value.plain and reading(value.text))
    return value if isinstance(value, Scalar) and is_text else None


# --- the routes ---------------------------------------------------------------------------------------------------


def _desired(file: str, root: Mapping) -> Desired:
    pbx = _mapping(root, "pbx")
    routes = _sequence(root, "routes")
    return Desired(
        file=file,
        routes=tuple(_route(file, item) for item in (routes.items if routes else ())),
        name=_text(pbx, "name"),
        url=_text(pbx, "url"),
        type=_text(pbx, "type"),
    )


def _route(file: str, node: Node) -> DeclaredRoute:
    trunks = _sequence(node, "trunks")
    route = Route(
        name=_text(node, "name") or "",
        prefix=_text(node, "prefix") or "",
        matchpattern=_text(node, "matchpattern") or "",
        prepend=_text(node, "prepend") or "",
        callerid=_text(node, "callerid") or "",
        trunks=tuple(item.text for item in (trunks.items if trunks else ()) if isinstance(item, Scalar)),
    )
    return DeclaredRoute(route, Location(file, node.line, node.column), _text(node, "renamed_from"))


def _text(node: Node | None, key: str) -> str | None:
    value = _scalar(node, key)
    return value.text if value else None
