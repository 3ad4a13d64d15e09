"""What `plan` and `apply` have in common: from files to one session a PBX, planned side by side, shown together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from pbxsync.cli.files import load_all
from pbxsync.cli.reach import target
from pbxsync.cli.session import Job, Session, side_by_side
from pbxsync.errors import InputError, PbxsyncError, SettingsError
from pbxsync.model import Applied, Plan, Severity
from pbxsync.render import json as json_render
from pbxsync.render import text
from pbxsync.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from pbxsync.cli.files import Source
    from pbxsync.cli.options import Reach
    from pbxsync.cli.stopping import Stop
    from pbxsync.model import Desired, PlanChoices, Problem
    from pbxsync.render.paint import Paint


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asked for, of all files alike."""

    files: tuple[str, ...]
    state: Path | None
    init: bool
    parallel: int
    choices: PlanChoices
    reach: Reach


@dataclass(frozen=True, slots=True)
class Failure:
    """A file whose PBX could not be planned or applied; a file of None stands for the whole run."""

    file: str | None
    error: PbxsyncError


def jobs(wanted: Wanted) -> tuple[list[Job], list[Problem]]:
    """One job for each file, and the warnings of the files.

    Raises InputError where a file has an error, and SettingsError where two files name the same PBX: the second would
    take the first one's routes for unmanaged ones.
    """
    loaded, warnings = load_all(wanted.files)
    several = len(loaded) > 1
    if several and wanted.state is not None and wanted.state.is_file():
        raise SettingsError(f"--state {wanted.state}: with several files it names a folder, and this is a file")
    made = [_job(wanted, source, desired, several=several) for source, desired in loaded]
    for what, key in (
        ("the PBX", lambda job: job.target.address),
        ("the state file", lambda job: job.state and str(job.state)),
    ):
        _refuse_shared(made, what, key)
    return made, warnings


def _job(wanted: Wanted, source: Source, desired: Desired, *, several: bool) -> Job:
    state = wanted.state
    if state is not None and (several or state.is_dir()):
        state /= f"{source.stem}.json"
    store = f"sandbox-{source.stem}" if several else "sandbox"
    to = target(wanted.reach, url=desired.url, type=desired.type, name=desired.name, sandbox=store)
    return Job(desired, to, state, wanted.init, wanted.choices, wanted.reach)


def _refuse_shared(made: list[Job], what: str, key: Callable[[Job], str | None]) -> None:
    first: dict[str, str] = {}
    for job in made:
        value = key(job)
        if value is None:
            continue
        if value in first:
            raise SettingsError(
                f"{first[value]} and {job.desired.file} both are for {what} {value}; one file declares all routes of a "
                "PBX, so put them together"
            )
        first[value] = job.desired.file


def plan_all(
    made: Sequence[Job], stop: Stop, parallel: int, lock_timeout: float | None
) -> tuple[list[tuple[Session, Plan]], list[Failure]]:
    """Plan every job. ``lock_timeout`` is None where nothing will be applied, so nothing is locked.

    The sessions that come back stay open; those that failed are closed.
    """

    def start(job: Job) -> tuple[Session, Plan]:
        session = Session(job, stop)
        try:
            if lock_timeout is not None:
                session.lock(lock_timeout)
            return session, session.plan()
        except BaseException:
            session.close()
            raise

    planned: list[tuple[Session, Plan]] = []
    failures: list[Failure] = []
    for job, result in zip(made, side_by_side(made, start, parallel), strict=True):
        if isinstance(result, PbxsyncError):
            failures.append(Failure(job.desired.file, result))
        else:
            planned.append(result)
    return planned, failures


def show_input_errors(error: PbxsyncError, output: str, paint: Paint) -> int:
    """Show why no file could even be planned; the exit code."""
    problems = error.problems if isinstance(error, InputError) else ()
    if output == "json":
        messages = [] if problems else [(None, str(error))]
        click.echo(json_render.plans_document([], problems, messages), nl=False)
    if problems:
        click.echo(text.problem_lines(problems, paint), err=True, nl=False)
        errors = sum(1 for problem in problems if problem.severity is Severity.ERROR)
        click.echo(f"pbxsync: {errors} error{'' if errors == 1 else 's'}; nothing was sent", err=True)
    else:
        show_failures([Failure(None, error)])
    return error.exit_code


def show_failures(failures: Iterable[Failure]) -> None:
    """Say on standard error what failed, and for which file."""
    for failure in failures:
        lead = "" if failure.file is None or failure.file in str(failure.error) else f"{failure.file}: "
        click.echo(f"pbxsync: {printable(f'{lead}{failure.error}')}", err=True)


def show_plans(plans: Sequence[Plan], paint: Paint) -> None:
    """Print the plans for a person."""
    for plan in plans:
        click.echo(text.plan_text(plan, paint), color=paint.on or None)
    if len(plans) > 1:
        click.echo(text.totals(plans), nl=False)


def document(plans: Iterable[Plan | Applied], warnings: Sequence[Problem], failures: Iterable[Failure]) -> str:
    """The one JSON document of the run."""
    return json_render.plans_document(plans, warnings, [(failure.file, str(failure.error)) for failure in failures])
