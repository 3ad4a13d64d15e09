"""What `plan` and `apply` have in common: from files, or a saved plan, to one job a PBX."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import click

from pbxsync.cli.files import Declared, Source, load_all
from pbxsync.cli.reach import SANDBOX, target
from pbxsync.cli.session import Job, Saved
from pbxsync.cli.showing import Failure
from pbxsync.errors import PbxsyncError, PlanFileError, SettingsError
from pbxsync.model import Desired, PlanChoices
from pbxsync.text import printable
from pbxsync.urls import normal_url, same_pbx_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pbxsync.cli.options import Reach
    from pbxsync.cli.reach import Target
    from pbxsync.cli.shards import Shard
    from pbxsync.model import Problem
    from pbxsync.saved_plan import SavedPlan


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asked for, of all files alike."""

    files: tuple[str, ...]
    state: Path | None
    init: bool
    choices: PlanChoices
    reach: Reach
    shard: Shard | None = None
    parallel: int = 1


def jobs(wanted: Wanted) -> tuple[list[Job], list[Problem]]:
    """One job for each file of the shard, and the warnings of all files.

    What two files must not have in common is looked for in all of them, whatever their shard. Raises
    InputError where a file has an error, and SettingsError where two files name the same PBX (the second would
    take the first one's routes for unmanaged ones) or would keep their state in the same file.
    """
    loaded, warnings = load_all(wanted.files, wanted.parallel)
    several = len(loaded) > 1
    if several and wanted.state is not None and not wanted.state.is_dir():
        instead = "this is a file" if wanted.state.exists() else "there is no such folder; make it first"
        raise SettingsError(f"--state {wanted.state}: with several files it names a folder, and {instead}")
    made = [_job(wanted, declared, several=several) for declared in loaded]
    _refuse_shared(
        made,
        lambda job: str(job.target.store or ""),
        lambda job: str(job.target.store),
        "would have their sandbox in {}, since they have one name; give one of them another",
    )
    _refuse_shared(
        made,
        lambda job: same_pbx_key(job.target.address or ""),
        lambda job: job.target.address,
        "are for the PBX {} (by --url, PBXSYNC_URL or pbx: url: in the file); one file declares all routes of a PBX",
    )
    _refuse_shared(
        made,
        lambda job: str(job.state or ""),
        lambda job: str(job.state),
        "would be kept in the state file {}; give one of them another name",
    )
    mine = [job for job in made if wanted.shard is None or wanted.shard.holds(job.declared.source.name)]
    for job in mine:
        _warn_of_another_pbx(job.target, job.declared)
    return mine, warnings


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
    declared = Declared(Source(plan.file, Path(plan.file).stem, Path(plan.file)), desired)
    choices = PlanChoices(add_only=saved.add_only)
    return Job(declared, to, state, saved.init, choices, reach, Saved(saved, checksum))


def _job(wanted: Wanted, declared: Declared, *, several: bool) -> Job:
    stem = declared.source.stem
    state = wanted.state
    if state is not None and (several or state.is_dir()):
        state /= f"{stem}.json"
    if state == Path("live"):
        state = state.absolute()  # for «live» alone stands for the PBX, in a saved plan too
    store = f"sandbox-{stem}" if several else "sandbox"
    to = target(
        wanted.reach,
        url=declared.url,
        type=declared.type,
        name=declared.name,
        fresh_connections=declared.fresh_connections,
        sandbox=store,
    )
    return Job(declared, to, state, wanted.init, wanted.choices, wanted.reach)


def _warn_of_another_pbx(to: Target, declared: Declared) -> None:
    """Say it where an option or variable, perhaps a forgotten one, sends the file's routes elsewhere."""
    own = normal_url(declared.url) if declared.url is not None else None
    if to.store is None and own is not None and to.address != own:
        message = f"{declared.file}: the file is for {own}, and --url or PBXSYNC_URL sends it to {to.address}"
        click.echo(f"pbxsync: warning: {printable(message)}", err=True)


def _refuse_shared(
    made: Iterable[Job], key: Callable[[Job], str], shown: Callable[[Job], str | None], fault: str
) -> None:
    first: dict[str, Job] = {}
    for job in made:
        value = key(job)
        if not value:
            continue
        other = first.setdefault(value, job)
        if other is not job:
            what = " = ".join(dict.fromkeys(str(shown(sharing)) for sharing in (job, other)))
            raise SettingsError(f"{other.file} and {job.file} both {fault.format(what)}")
