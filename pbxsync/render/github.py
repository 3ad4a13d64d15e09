"""Problems → GitHub workflow commands, which show at their line in a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbxsync.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pbxsync.model import Problem


def workflow_commands(problems: Iterable[Problem], name: Callable[[str], str] = str) -> str:
    """Return one workflow command for each problem.

    ``name`` gives a file the name that GitHub shows an annotation for: its path from the repository's root. Nothing in
    a file's name or a message can begin a command of its own.
    """
    return "".join(f"{_annotation(problem, name)}\n" for problem in problems)


def _annotation(problem: Problem, name: Callable[[str], str]) -> str:
    at = problem.location
    place = (
        f"file={_property(name(at.file))},line={at.line},col={at.column},title={_property(f'pbxsync {problem.rule}')}"
    )
    return f"::{problem.severity} {place}::{_data(problem.message)}"


def _data(text: str) -> str:
    return printable(text).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
