"""What `plan` and `apply` have in common: from files to one session a PBX, planned side by side."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import click

from pbxsync.cli.files import load_all
from pbxsync.cli.reach import SANDBOX, target
from pbxsync.cli.session import Job, Saved, Session, side_by_side
from pbxsync.cli.showing import Failure
from pbxsync.errors import PbxsyncError, PlanFileError, SettingsError
from pbxsync.model import Desired, PlanChoices
from pbxsync.text import printable
from pbxsync.urls import normal_url, without_scheme

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pbxsync.cli.files import Source
    from pbxsync.cli.options import Reach
    from pbxsync.cli.reach import Target
    from pbxsync.cli.stopping import Stop
    from pbxsync.model import Plan, Problem
    from pbxsync.saved_plan import SavedPlan


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asked for, of all files alike."""

    files: tuple[str, ...]
    state: Path | None
    init: bool
    parallel: int
    choices: PlanChoices
    reach: Reach


def jobs(wanted: Wanted) -> tuple[list[Job], list[Problem]]:
    """One job for each file, and the warnings of the files.

    Raises InputError where a file has an error, and SettingsError where two files name the same PBX (the second would
    take the first one's routes for unmanaged ones) or would keep their state in the same file.
    """
    loaded, warnings = load_all(wanted.files)
    several = len(loaded) > 1
    if several and wanted.state is not None and not wanted.state.is_dir():
        instead = "this is a file" if wanted.state.exists() else "there is no such folder; make it first"
        raise SettingsError(f"--state {wanted.state}: with several files it names a folder, and {instead}")
    made = [_job(wanted, source, desired, several=several) for source, desired in loaded]
    _refuse_shared(
        made,
        lambda job: str(job.target.store or ""),
        lambda job: str(job.target.store),
        "would have their sandbox in {}, since they have one name; give one of them another",
    )
    _refuse_shared(
        made,
        lambda job: without_scheme(job.target.address or ""),
        lambda job: job.target.address,
        "are for the PBX {} (by --url, PBXSYNC_URL or pbx: url: in the file); one file declares all routes of a PBX",
    )
    _refuse_shared(
        made,
        lambda job: str(job.state or ""),
        lambda job: str(job.state),
        "would be kept in the state file {}; give one of them another name",
    )
    return made, warnings


def saved_jobs(path: Path, reach: Reach) -> tuple[list[Job], list[Failure]]:
    """One job for each plan that a file holds, and what could not be planned then. Raises PlanFileError."""
    from pbxsync.saved_plan import read_plans

    found = read_plans(path)
    return [_saved_job(path, saved, found.checksum, reach) for saved in found.plans], [
        Failure(file, PbxsyncError(f"not in {path}, since it was not planned: {message}"))
        for file, message in found.errors
    ]


def _saved_job(path: Path, saved: SavedPlan, checksum: str, reach: Reach) -> Job:
    plan = saved.plan
    url = plan.pbx_url or ""
    store = PurePosixPath(url).stem if url.startswith(SANDBOX) else "sandbox"
    to = target(reach, url=None if url.startswith(SANDBOX) else url, type=saved.type, name=plan.pbx_name, sandbox=store)
    if to.address != url:
        way_out = "take --sandbox away" if reach.sandbox else "apply it with --sandbox"
        if not reach.sandbox and to.address is not None:
            way_out = f"but --url or PBXSYNC_URL names {to.address}"
        raise PlanFileError(f"{path}: the plan of {plan.file} is for another PBX: it was made for {url}; {way_out}")
    state = None if plan.known_state == "live" else Path(plan.known_state)
    desired = Desired(plan.file, (), plan.pbx_name, plan.pbx_url, saved.type)
    choices = PlanChoices(add_only=saved.add_only)
    return Job(desired, to, state, saved.init, choices, reach, Saved(saved, checksum))


def _job(wanted: Wanted, source: Source, desired: Desired, *, several: bool) -> Job:
    state = wanted.state
    if state is not None and (several or state.is_dir()):
        state /= f"{source.stem}.json"
    if state == Path("live"):
        state = state.absolute()  # for «live» alone stands for the PBX, in a saved plan too
    store = f"sandbox-{source.stem}" if several else "sandbox"
    to = target(wanted.reach, url=desired.url, type=desired.type, name=desired.name, sandbox=store)
    _warn_of_another_pbx(to, desired)
    return Job(desired, to, state, wanted.init, wanted.choices, wanted.reach)


def _warn_of_another_pbx(to: Target, desired: Desired) -> None:
    """Say it where an option or variable, perhaps a forgotten one, sends the file's routes elsewhere."""
    own = normal_url(desired.url) if desired.url is not None else None
    if to.store is None and own is not None and to.address != own:
        message = f"{desired.file}: the file is for {own}, and --url or PBXSYNC_URL sends it to {to.address}"
        click.echo(f"pbxsync: warning: {printable(message)}", err=True)


def _refuse_shared(made: list[Job], key: Callable[[Job], str], shown: Callable[[Job], str | None], fault: str) -> None:
    first: dict[str, str] = {}
    for job in made:
        value = key(job)
        if not value:
            continue
        if value in first:
            raise SettingsError(f"{first[value]} and {job.desired.file} both {fault.format(shown(job))}")
        first[value] = job.desired.file


def plan_all(
    made: Sequence[Job], stop: Stop, parallel: int, lock_timeout: float | None
) -> tuple[list[tuple[Session, Plan]], list[Failure]]:
    """Plan every job. ``lock_timeout`` is None where nothing will be applied, so nothing is locked.

    The sessions that come back are open, and the caller's to close; those that failed are closed.
    """
    sessions = [Session(job, stop) for job in made]
    refused = _lock_all(sessions, lock_timeout) if lock_timeout is not None else {}

    def start(session: Session) -> tuple[Session, Plan]:
        with contextlib.ExitStack() as until_planned:
            until_planned.enter_context(session)
            if session in refused:
                raise refused[session]
            plan = session.plan()
            until_planned.pop_all()
            return session, plan

    planned: list[tuple[Session, Plan]] = []
    failures: list[Failure] = []
    for job, result in zip(made, side_by_side(sessions, start, parallel), strict=True):
        if isinstance(result, PbxsyncError):
            failures.append(Failure(job.desired.file, result))
        else:
            planned.append(result)
    return planned, failures


def _lock_all(sessions: Sequence[Session], timeout: float) -> dict[Session, PbxsyncError]:
    """Take every session's locks, within so many seconds together; those that can't be had, and why.

    One after the other and sorted, so that two runs over the same PBXs don't wait for each other.
    """
    refused: dict[Session, PbxsyncError] = {}
    end = time.monotonic() + timeout
    for session in sorted(sessions, key=lambda session: session.locks):
        try:
            session.lock(max(0.0, end - time.monotonic()))
        except PbxsyncError as error:
            refused[session] = error
    return refused
