"""Document and schema → every problem, sorted; where there is no error → what the file declares.

The JSON schema says what a file looks like; `jsonschema` finds where one departs from it, and this module says so in
words with the place in the file and what to write instead. What no schema can say (names are unique, a rename that
makes sense, an address that is one) is checked here too. Every rule is on the page ``docs/rules.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pbxsync.document import Document, Mapping, Node, Scalar
from pbxsync.file_tests import claims, problems_of_tests
from pbxsync.lint_problems import field_problems, table_problems
from pbxsync.model import DeclaredRoute, Desired, Location, Problem, Route, Severity
from pbxsync.name_problems import name_problems
from pbxsync.names import text_fault
from pbxsync.nodes import is_true, mapping, problem_at, scalar, sequence, text
from pbxsync.schema_problems import schema_problems
from pbxsync.text_problems import url_problem
from pbxsync.yaml_text import reading

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Include:
    """A file that another includes: its path as it is written, where, and whether ``before`` the file's own routes.

    ``place`` is where it is written in the document, as ``include[0]``.
    """

    path: str
    location: Location
    place: str
    before: bool


@dataclass(frozen=True, slots=True)
class Borrowed:
    """A problem of an included file: as it is ``told``, as it is ``there``, and who included the file."""

    told: Problem
    there: Problem
    by: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What the check of one file came to. ``desired`` is None exactly where ``problems`` holds an error.

    ``includes`` are the files that it includes, in order, and ``pbx`` is where it says which PBX it is for. Once they
    are read too, ``borrowed`` are the problems that are theirs. ``ignores`` are the patterns of ignored names, with
    their places.
    """

    file: str
    desired: Desired | None
    problems: tuple[Problem, ...]
    includes: tuple[Include, ...] = ()
    pbx: Location | None = None
    borrowed: tuple[Borrowed, ...] = ()
    ignores: tuple[tuple[str, Location], ...] = ()


def check(document: Document, *, table: bool = False) -> Checked:
    """Check one document against the schema and the rules; never raises for bad input.

    With ``table`` also how the routes stand to each other, where there is no error: that takes longer.
    """
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
    failed = any(problem.severity is Severity.ERROR for problem in first.values())
    desired = None if failed or not isinstance(root, Mapping) else _desired(document.file, root, keep=table)
    includes = tuple(_includes(document.file, root))
    if table and desired is not None and not includes:  # else all routes are looked at together
        routes = sequence(root, "routes")
        declared = [one.route for one in desired.routes]
        for problem in table_problems(document.file, routes.items if routes else [], declared):
            first.setdefault(problem.order, problem)
    ordered = tuple(problem for _, problem in sorted(first.items()))
    places = ((item.text, Location(document.file, item.line, item.column)) for item in _patterns(root))
    return Checked(document.file, desired, ordered, includes, _pbx_place(document.file, root), ignores=tuple(places))


def _includes(file: str, root: Node | None) -> Iterator[Include]:
    """The files that a document includes, also where something else is wrong with it."""
    paths = sequence(root, "include")
    keys = list(root.entries) if isinstance(root, Mapping) else []
    before = "routes" not in keys or ("include" in keys and keys.index("include") < keys.index("routes"))
    for n, item in enumerate(paths.items if paths else ()):
        if isinstance(item, Scalar) and item.text and not (item.plain and reading(item.text)):
            if text_fault(item.text):
                continue  # no file has such a name, and the problem is reported already
            yield Include(item.text, Location(file, item.line, item.column), f"include[{n}]", before)


def _patterns(root: Node | None) -> list[Scalar]:
    """The patterns of ignored names that are text."""
    found = sequence(root, "ignore")
    scalars = [item for item in (found.items if found else ()) if isinstance(item, Scalar)]
    return [item for item in scalars if not (item.plain and reading(item.text)) and not text_fault(item.text)]


def _pbx_place(file: str, root: Node | None) -> Location | None:
    entry = root.entries.get("pbx") if isinstance(root, Mapping) else None
    return Location(file, entry[0].line, entry[0].column) if entry else None


def _is_empty(root: Node) -> bool:
    return isinstance(root, Scalar) and root.plain and reading(root.text) == "null"


# --- what no schema can say ---------------------------------------------------------------------------------------


def _rule_problems(file: str, root: Node) -> Iterator[Problem]:
    pbx = mapping(root, "pbx")
    url = scalar(pbx, "url")
    fault = url_problem(url.text) if url else None
    if url and fault:
        yield problem_at(file, url, ("pbx", "url"), fault)
    routes = sequence(root, "routes")
    entries = [(n, route) for n, route in enumerate(routes.items if routes else ()) if isinstance(route, Mapping)]
    yield from name_problems(file, entries, _patterns(root))
    yield from field_problems(file, entries)
    yield from problems_of_tests(file, root)


# --- the routes ---------------------------------------------------------------------------------------------------


def _desired(file: str, root: Mapping, *, keep: bool) -> Desired:
    """What a document without an error declares. Unless ``keep``, its routes are taken out of it one by one.

    A document takes several times the memory of what it declares, and of a large one both must not be there whole.
    """
    pbx = mapping(root, "pbx")
    routes = sequence(root, "routes")
    items = routes.items if routes else []
    return Desired(
        file=file,
        routes=tuple([_route(file, item) for item in (items if keep else _taken_out(items))]),
        name=text(pbx, "name"),
        url=text(pbx, "url"),
        type=text(pbx, "type"),
        ignore=tuple(dict.fromkeys(pattern.text for pattern in _patterns(root))),
        no_hidden_fields=text(pbx, "hidden_fields") is not None,
        fresh_connections=is_true(pbx, "fresh_connections"),
        tests=claims(file, root),
    )


def _taken_out(items: list[Node]) -> Iterator[Node]:
    items.reverse()
    while items:
        yield items.pop()


def _route(file: str, node: Node) -> DeclaredRoute:
    """A route of a file without an error, in which all that is there is text."""
    entries: dict[str, Any] = node.entries if isinstance(node, Mapping) else {}
    prefix, prepend, callerid, renamed_from = map(entries.get, ("prefix", "prepend", "callerid", "renamed_from"))
    route = Route(
        entries["name"][1].text,
        entries["matchpattern"][1].text,
        tuple([trunk.text for trunk in entries["trunks"][1].items]),
        prefix[1].text if prefix else "",
        prepend[1].text if prepend else "",
        callerid[1].text if callerid else "",
    )
    return DeclaredRoute(route, Location(file, node.line, node.column), renamed_from[1].text if renamed_from else None)
