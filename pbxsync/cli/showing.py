"""What commands print alike: plans, what failed, and the one JSON document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from pbxsync.cli import streams
from pbxsync.errors import InputError, PbxsyncError
from pbxsync.model import Applied, Plan, Severity
from pbxsync.render import json as json_render
from pbxsync.render import text
from pbxsync.text import listed, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pbxsync.model import Problem
    from pbxsync.render.paint import Paint


@dataclass(frozen=True, slots=True)
class Failure:
    """A file whose PBX could not be planned or applied; a file of None stands for the whole run."""

    file: str | None
    error: PbxsyncError


def show_input_errors(error: PbxsyncError, output: str, paint: Paint) -> int:
    """Show why no file could even be planned, on standard error and in the JSON document; the exit code."""
    problems = error.problems if isinstance(error, InputError) else ()
    if problems:
        show_problems(problems, "nothing was planned or sent", paint)
    else:
        show_failures([Failure(None, error)])
    if output == "json":
        messages = [] if problems else [(None, str(error))]
        streams.document(json_render.plans_document([], problems, messages))
    return error.exit_code


def show_problems(problems: Sequence[Problem], consequence: str, paint: Paint) -> None:
    """Show the problems of files that can't be used on standard error, and what follows from them."""
    with streams.unread():
        click.echo(text.problem_lines(problems, paint), err=True, nl=False)
    errors = sum(1 for problem in problems if problem.severity is Severity.ERROR)
    streams.error_line(f"pbxsync: {text.counted(errors, 'error')}; {consequence}")


def show_failures(failures: Iterable[Failure]) -> None:
    """Say on standard error what failed, and for which file."""
    for failure in failures:
        streams.error_line(_said(failure))


def warn_of_copies(names: Sequence[str], paint: Paint) -> None:
    """Say on standard error which copies on the PBX an interrupted reorder has left."""
    if names:
        copies = text.counted(len(names), "copy", "copies")
        message = (
            f"a reorder was interrupted: the PBX holds {copies} of routes that were being moved ({listed(names)}); the "
            "next apply of the routes file completes the moves, or takes them back"
        )
        click.echo(f"pbxsync: {paint.changed('warning')}: {printable(message)}", err=True)


def show_plans(plans: Sequence[Plan], paint: Paint) -> None:
    """Print the plans for a person, with an empty line between them."""
    parts = [text.plan_text(plan, paint) for plan in plans]
    parts += [text.totals(plans)] if len(plans) > 1 else []
    click.echo("\n".join(parts), nl=False)


def said(failures: Iterable[Failure]) -> str:
    """What failed, a line each, as `show_failures` says it."""
    return "".join(f"{_said(failure)}\n" for failure in failures)


def _said(failure: Failure) -> str:
    lead = f"{failure.file}: " if failure.file is not None else ""
    return f"pbxsync: {printable(f'{lead}{str(failure.error).removeprefix(lead)}')}"


def document(plans: Iterable[Plan | Applied], warnings: Sequence[Problem], failures: Iterable[Failure]) -> str:
    """The one JSON document of the run."""
    return json_render.plans_document(plans, warnings, [(failure.file, str(failure.error)) for failure in failures])
