"""`pbxsync plan`."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from pbxsync.cli import overview, planning, showing, streams
from pbxsync.cli.files import sources
from pbxsync.cli.limits import allow_open_files
from pbxsync.cli.options import (
    PATH,
    format_option,
    option,
    output_options,
    plan_options,
    reach_options,
    state_options,
)
from pbxsync.cli.reports import FORMATS, Kept, Planned, report_option
from pbxsync.cli.session import Session
from pbxsync.cli.shards import say_empty, shard_option
from pbxsync.cli.stopping import Stop
from pbxsync.cli.workers import Workers
from pbxsync.cli.writing import refuse_loss, write
from pbxsync.errors import DoubtOpen, PbxsyncError, PlanRefused, SettingsError
from pbxsync.render import text
from pbxsync.text import command_line, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from pbxsync.cli.options import Reach
    from pbxsync.cli.session import Job
    from pbxsync.cli.shards import Shard
    from pbxsync.model import Plan, PlanChoices, Problem
    from pbxsync.render.paint import Paint
    from pbxsync.saved_plan import SavedPlan


@click.command("plan", short_help="Show what would change on the PBX.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@state_options
@shard_option
@plan_options
@option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit 2 where changes are pending.",
)
@option("--out", type=PATH, metavar="FILE", help="Save the plan, for: pbxsync apply --plan FILE.")
@format_option(*FORMATS)
@report_option
@reach_options
@output_options
@click.pass_context
def command(
    ctx: click.Context,
    files: tuple[str, ...],
    state: Path | None,
    init: bool,
    parallel: int,
    shard: Shard | None,
    choices: PlanChoices,
    detailed_exitcode: bool,
    out: Path | None,
    output: str,
    reports: Sequence[tuple[str, Path]],
    comment_key: str,
    reach: Reach,
    paint: Paint,
) -> None:
    """Show what would change on the PBX, and change nothing.

    FILE is a routes file, a folder of them (each one PBX), or - for standard input. The routes that are on the PBX come
    from the PBX itself, or with --state from a state file, and then no connection is opened.
    """
    wanted = planning.Wanted(files, state, init, choices, reach, shard, parallel)
    outputs = [("--report", path) for _, path in reports] + ([("--out", out)] if out is not None else [])
    try:
        refuse_loss(outputs, _kept(wanted))
    except SettingsError as error:
        ctx.exit(showing.show_input_errors(error, output, paint))
    try:
        jobs, warnings = planning.jobs(wanted)
    except PbxsyncError as error:
        nothing = Planned.refused(error, comment_key)
        nothing.write(reports)
        if output in ("markdown", "html"):
            streams.documents(nothing.pieces(output))
        code = showing.show_input_errors(error, output, paint)
        if out is not None:
            _say_unsaved(out)
        ctx.exit(code)
    try:
        refuse_loss(outputs, (path for job in jobs for path in job.declared.included))
    except SettingsError as error:
        ctx.exit(showing.show_input_errors(error, output, paint))
    allow_open_files(min(parallel, len(jobs)))
    say_empty(shard, len(jobs))
    forms = {form for form, _ in reports} | ({output} - {"text"})
    result = Planned(forms, comment_key, warnings)
    done = _plan_all(jobs, result, parallel, paint, printed=output == "text", saving=out is not None)
    if output == "text":
        click.echo(text.problem_lines(warnings, paint), err=True, nl=False)
    showing.show_failures(result.failures)
    if output != "text":
        streams.documents(result.pieces(output))
    result.write(reports)
    codes = [failure.error.exit_code for failure in result.failures] + [one.code for one in done]
    if out is not None:
        codes += _save(out, done, warnings, result.failures)
    pending = detailed_exitcode and any(one.pending for one in done)
    ctx.exit(max(codes, default=0) or (2 if pending else 0))


@dataclass(frozen=True, slots=True)
class _Done:
    """What is left of one PBX that was planned: what is shown, the exit code, and what may be saved of it."""

    file: str
    kept: Kept
    printed: str
    code: int
    pending: bool
    saved: SavedPlan | PbxsyncError | None


def _plan_all(
    jobs: Sequence[Job], result: Planned, parallel: int, paint: Paint, *, printed: bool, saving: bool
) -> list[_Done]:
    """Plan every PBX, put what there is to show into ``result`` and print it, each as soon as its turn has come."""
    done: list[_Done] = []
    with overview.shown(len(jobs), "planning", paint) as view:

        def work(job: Job, deliver: Callable[[_Done], None]) -> None:
            with view.watching(job.file) as ending, Session(job, Stop(), view.called) as session:
                plan = session.plan()
                kept = result.kept(plan, lambda: session.preview(plan))
                shown = text.plan_text(plan, paint) if printed else ""
                saved = (_unsavable(plan) or session.save(plan)) if saving else None
                code = 3 if plan.in_doubt else int(bool(plan.failed_tests or plan.refusals or plan.failures))
                ending.came_to, ending.failed = kept.totals.short(), code != 0
                deliver(_Done(plan.file, kept, shown, code, bool(plan.changes), saved))

        workers: Workers[Job, _Done] = Workers(jobs, work, parallel)
        for job, one in zip(jobs, workers.results(), strict=True):
            if isinstance(one, PbxsyncError):
                result.failures.append(showing.Failure(job.file, one))
                continue
            result.take(one.kept)
            if printed:
                view.write(("\n" if done else "") + one.printed)
            done.append(replace(one, printed=""))
        workers.join()
    if printed and result.totals.planned > 1:
        click.echo("\n" + result.totals.line(), nl=False)
    return done


def _kept(wanted: planning.Wanted) -> Iterator[Path]:
    """The files that nothing may be written over: of routes, and of known state."""
    for source in sources(wanted.files):
        if source.path is not None:
            yield source.path
        if wanted.state is not None:
            yield wanted.state / f"{source.stem}.json"
    if wanted.state is not None:
        yield wanted.state


def _say_unsaved(out: Path) -> None:
    earlier = ""
    with contextlib.suppress(OSError):
        earlier = "; the one that is there is of an earlier run" if out.is_file() else ""
    streams.error_line(f"pbxsync: {printable(str(out))}: no plan is saved{earlier}")


def _save(
    out: Path, done: Sequence[_Done], problems: Sequence[Problem], failures: Sequence[showing.Failure]
) -> list[int]:
    """Save the plans that may be applied, and say why others are not; the exit codes of those.

    Raises SettingsError where the file can't be written.
    """
    from pbxsync.saved_plan import saved_text

    left_out = [showing.Failure(one.file, one.saved) for one in done if isinstance(one.saved, PbxsyncError)]
    showing.show_failures(left_out)
    saved = [one.saved for one in done if one.saved is not None and not isinstance(one.saved, PbxsyncError)]
    codes = [failure.error.exit_code for failure in left_out]
    if not saved:
        _say_unsaved(out)
        return codes
    errors = [(failure.file, str(failure.error)) for failure in (*failures, *left_out)]
    try:
        write(out, saved_text(saved, problems, errors))
    except OSError as error:
        raise SettingsError(f"--out: {out}: can't be written: {error.strerror}") from None
    how = command_line("pbxsync", "apply", "--plan", str(out))
    streams.error_line(printable(f"pbxsync: the plan is saved in {out}; apply it with: {how}"))
    return codes


def _unsavable(plan: Plan) -> PbxsyncError | None:
    """Why a plan can't be applied later."""
    if plan.in_doubt:
        return DoubtOpen("no plan is saved of it while an outcome is in doubt; settle it first")
    if plan.refusals:
        return PlanRefused("no plan is saved of it, since it is refused; see the errors of the plan")
    if plan.pbx_url is None:
        return SettingsError("no plan is saved of it, since it names no PBX: give --url (or PBXSYNC_URL), or pbx: url:")
    return None
