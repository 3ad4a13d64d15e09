"""A file and those that it includes → one list of routes and tests, with every problem at its own place.

What an included file declares stands where the file's ``include`` does: before its own routes, or behind them. A
problem of an included file is located there, and says who included it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pbxsync.lint_problems import combined_problems
from pbxsync.model import Location, Problem, Severity
from pbxsync.name_clashes import name_clashes, name_fault, rename_clashes, rename_fault
from pbxsync.name_problems import ignored_fault
from pbxsync.names import ignored
from pbxsync.quoting import shown
from pbxsync.schema_problems import path_text
from pbxsync.validator import Borrowed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pbxsync.model import Claim, DeclaredRoute, Desired
    from pbxsync.validator import Checked, Include

#: So many files may include one another in a chain.
MAX_DEPTH = 8
_DRIVE = re.compile(r"[A-Za-z]:")


class Includes:
    """Reads included files, each once a run, however many files include it. ``read`` checks one file by its path."""

    def __init__(self, read: Callable[[Path, str], Checked]) -> None:
        self._read = read
        self._there: dict[tuple[str, str], Checked] = {}

    def checked(self, path: Path, name: str) -> Checked:
        """The check of one file by itself."""
        key = (os.path.realpath(path), name)
        if key not in self._there:
            self._there[key] = self._read(path, name)
        return self._there[key]


def whole(checked: Checked, path: Path, includes: Includes, *, table: bool) -> Checked:
    """A checked file with what it includes; ``path`` is where it lies, or for standard input a file of its folder.

    With ``table`` also how all of the routes stand to each other.
    """
    if not checked.includes:
        return checked
    joining = _Joining(includes, repository(path))
    joining.take(checked, path, ())
    return joining.result(checked, table=table)


def repository(path: Path) -> str:
    """The folder that nothing may be included from outside of: the nearest above the file that Git keeps.

    Where Git keeps none it is the current folder, if the file lies there, else the file's own.
    """
    own = Path(os.path.realpath(path)).parent
    for folder in (own, *own.parents):
        if (folder / ".git").exists():
            return str(folder)
    here = os.path.realpath(".")
    return here if _lies_in(str(own), here) else str(own)


def _lies_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


class _Joining:
    """What is gathered while a file and those that it includes are gone through, in the order of the routes."""

    def __init__(self, includes: Includes, root: str) -> None:
        self._includes = includes
        self._root = root
        self._routes: list[DeclaredRoute] = []
        self._tests: list[Claim] = []
        self._ignores: list[tuple[str, Location]] = []
        self._problems: list[Problem] = []
        self._borrowed: list[Borrowed] = []
        self._digests: list[str] = []
        #: Who included a file, by the name that it is called by.
        self._by: dict[str, str] = {}
        self._paths: set[str] = set()
        self._failed = False

    def take(self, checked: Checked, path: Path, chain: tuple[str, ...]) -> None:
        """Take a file with what it includes; ``chain`` are the real paths of those that led to it."""
        self._tell(checked.problems)
        self._failed |= checked.desired is None
        chain = (*chain, os.path.realpath(path))
        for include in checked.includes:
            if include.before:
                self._include(include, path, chain)
        if checked.desired is not None:
            self._routes += checked.desired.routes
            self._tests += checked.desired.tests
            self._ignores += checked.ignores
            self._digests.append(checked.desired.digest)
        for include in checked.includes:
            if not include.before:
                self._include(include, path, chain)

    def _include(self, include: Include, includer: Path, chain: tuple[str, ...]) -> None:
        fault = _path_fault(include.path)
        # What it is called is shortened by its text; where it lies is up to the system, for a folder may be a link.
        name = os.path.normpath(Path(include.location.file).parent / include.path)
        path = includer.parent / include.path
        real = os.path.realpath(path)
        if fault is None and not _lies_in(real, self._root):
            fault = "include-path", f"{shown(include.path)} leads out of the repository ({self._root}); keep it within"
        if fault is None and real in chain:
            fault = "include-loop", f"{name} includes itself by way of this file; remove one of the includes"
        if fault is None and len(chain) > MAX_DEPTH:
            fault = "include-loop", f"more than {MAX_DEPTH} files include one another in a chain here; shorten it"
        if fault is None and real in self._paths:
            fault = (
                "include-twice",
                f"{name} is included already, so its routes would be there twice; remove one",
            )
        if fault is not None:
            self._fail(include.location, include.place, fault)
            return
        self._paths.add(real)
        at = include.location
        self._by[name] = f"{at}" + (f", included by {self._by[at.file]}" if at.file in self._by else "")
        checked = self._includes.checked(path, name)
        if checked.pbx is not None:
            message = "an included file belongs to no PBX: the file that includes it says which; remove pbx"
            self._fail(checked.pbx, "pbx", ("include-pbx", message))
        self.take(checked, path, chain)

    def _fail(self, at: Location, place: str, fault: tuple[str, str]) -> None:
        self._failed = True
        self._tell([Problem(at, place, Severity.ERROR, *fault)])

    def _tell(self, problems: Sequence[Problem]) -> None:
        for problem in problems:
            by = self._by.get(problem.location.file)
            told = problem
            if by is not None:
                told = replace(problem, message=included(problem.message, by))
                self._borrowed.append(Borrowed(told, problem, by))
            self._problems.append(told)

    def result(self, checked: Checked, *, table: bool) -> Checked:
        """All of it as the check of the file that was begun with."""
        if not self._failed:
            problems = list(_name_problems(self._routes, self._ignores))
            self._failed = any(problem.severity is Severity.ERROR for problem in problems)
            self._tell(problems)
        desired = None
        if not self._failed and checked.desired is not None:
            desired = self._desired(checked.desired)
            if table:
                self._tell(list(combined_problems(self._routes)))
        unique = dict.fromkeys(sorted(self._problems, key=lambda problem: problem.order))
        return replace(checked, desired=desired, problems=tuple(unique), borrowed=tuple(self._borrowed))

    def _desired(self, own: Desired) -> Desired:
        digest = hashlib.sha256("".join(self._digests).encode()).hexdigest()
        return replace(
            own,
            routes=tuple(self._routes),
            tests=tuple(self._tests),
            ignore=tuple(dict.fromkeys(pattern for pattern, _ in self._ignores)),
            digest=digest,
            included=tuple(self._by.items()),
        )


def included(message: str, by: str) -> str:
    """A message about what stands in an included file, with who included it."""
    return f"{message} (included by {by})"


def _path_fault(path: str) -> tuple[str, str] | None:
    if "\\" in path:
        return "include-path", f"{shown(path)} has a backslash; write the path with /, as it is on every system"
    if path.startswith(("/", "~")) or _DRIVE.match(path):
        return (
            "include-path",
            f"{shown(path)} is an absolute path; write it from this file's folder, as ../common/x.yaml",
        )
    return None


def _name_problems(routes: Sequence[DeclaredRoute], ignores: Sequence[tuple[str, Location]]) -> Iterator[Problem]:
    """Give the names of different files that are equal, and those of one file that another ignores."""
    names = [route.route.name for route in routes]
    former = [route.renamed_from for route in routes]
    paths = {key: [path for path, _ in _with_paths(routes, key)] for key in ("name", "renamed_from")}
    for key, clashes, fault_of in (
        ("name", name_clashes(names), name_fault),
        ("renamed_from", rename_clashes(names, former), rename_fault),
    ):
        for clash in clashes:
            at, there = routes[clash.index].location, routes[clash.other].location
            if at.file != there.file:  # else it is a problem of that file by itself
                rule, message, severity = fault_of(clash, f"in {there.file}:{there.line}")
                yield Problem(at, paths[key][clash.index], severity, rule, message)
    places = dict(reversed(ignores))
    for key, texts in (("name", names), ("renamed_from", former)) if places else ():
        for n, name in enumerate(texts):
            pattern = ignored(name, places) if name is not None else None
            if name is not None and pattern is not None and places[pattern].file != routes[n].location.file:
                there = places[pattern]
                fault = ignored_fault(key, name, pattern, f"in {there.file}:{there.line}")
                yield Problem(routes[n].location, paths[key][n], Severity.ERROR, *fault)


def _with_paths(routes: Sequence[DeclaredRoute], key: str) -> Iterator[tuple[str, DeclaredRoute]]:
    """Each route with the place of a key of it in its own file."""
    count: Counter[str] = Counter()
    for route in routes:
        yield path_text(("routes", count[route.location.file], key)), route
        count[route.location.file] += 1
