"""`pbxsync plan`."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from pbxsync.cli import planning, showing, streams
from pbxsync.cli.files import sources
from pbxsync.cli.options import (
    PATH,
    format_option,
    option,
    output_options,
    plan_options,
    reach_options,
    state_options,
)
from pbxsync.cli.reports import FORMATS, Planned, report_option
from pbxsync.cli.stopping import Stop
from pbxsync.cli.writing import refuse_loss, write
from pbxsync.errors import DoubtOpen, PbxsyncError, SettingsError
from pbxsync.render import text
from pbxsync.text import command_line, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pbxsync.cli.options import Reach
    from pbxsync.cli.session import Session
    from pbxsync.model import Plan, PlanChoices, Problem
    from pbxsync.render.paint import Paint


@click.command("plan", short_help="Show what would change on the PBX.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@state_options
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
    wanted = planning.Wanted(files, state, init, parallel, choices, reach)
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
            streams.document(nothing.rendered(output))
        code = showing.show_input_errors(error, output, paint)
        if out is not None:
            _say_unsaved(out)
        ctx.exit(code)
    planned, failures = planning.plan_all(jobs, Stop(), parallel, None)
    with contextlib.ExitStack() as sessions:
        for session, _ in planned:
            sessions.push(session)
    plans = [plan for _, plan in planned]
    result = Planned([session.preview(plan) for session, plan in planned], warnings, failures, comment_key)
    if output == "text":
        showing.show_plans(plans, paint)
        click.echo(text.problem_lines(warnings, paint), err=True, nl=False)
    showing.show_failures(failures)
    if output != "text":
        streams.document(result.rendered(output))
    result.write(reports)
    if out is not None:
        failures += _save(out, planned, warnings, failures)
    codes = [failure.error.exit_code for failure in failures]
    codes += [3 for plan in plans if plan.in_doubt]
    codes += [1 for plan in plans if plan.failed_tests]
    pending = detailed_exitcode and any(plan.changes for plan in plans)
    ctx.exit(max(codes, default=2 if pending else 0))


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
    out: Path, planned: Sequence[tuple[Session, Plan]], problems: Sequence[Problem], failures: Sequence[showing.Failure]
) -> list[showing.Failure]:
    """Save the plans that may be applied; why others are not. Raises SettingsError where the file can't be written."""
    from pbxsync.saved_plan import saved_text

    left_out = [showing.Failure(plan.file, error) for _, plan in planned if (error := _unsavable(plan))]
    showing.show_failures(left_out)
    saved = [session.save(plan) for session, plan in planned if not _unsavable(plan)]
    if not saved:
        _say_unsaved(out)
        return left_out
    errors = [(failure.file, str(failure.error)) for failure in (*failures, *left_out)]
    try:
        write(out, saved_text(saved, problems, errors))
    except OSError as error:
        raise SettingsError(f"--out: {out}: can't be written: {error.strerror}") from None
    how = command_line("pbxsync", "apply", "--plan", str(out))
    streams.error_line(printable(f"pbxsync: the plan is saved in {out}; apply it with: {how}"))
    return left_out


def _unsavable(plan: Plan) -> PbxsyncError | None:
    """Why a plan can't be applied later."""
    if plan.in_doubt:
        return DoubtOpen("no plan is saved of it while an outcome is in doubt; settle it first")
    if plan.pbx_url is None:
        return SettingsError("no plan is saved of it, since it names no PBX: give --url (or PBXSYNC_URL), or pbx: url:")
    return None
