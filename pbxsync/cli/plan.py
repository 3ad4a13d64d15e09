"""`pbxsync plan`."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from pbxsync.cli import planning, showing, streams
from pbxsync.cli.options import (
    format_option,
    option,
    output_options,
    plan_options,
    reach_options,
    state_options,
)
from pbxsync.cli.stopping import Stop
from pbxsync.errors import PbxsyncError
from pbxsync.render import text

if TYPE_CHECKING:
    from pathlib import Path

    from pbxsync.cli.options import Reach
    from pbxsync.model import PlanChoices
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
@format_option("text", "json")
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
    output: str,
    reach: Reach,
    paint: Paint,
) -> None:
    """Show what would change on the PBX, and change nothing.

    FILE is a routes file, a folder of them (each one PBX), or - for standard input. The routes that are on the PBX come
    from the PBX itself, or with --state from a state file, and then no connection is opened.
    """
    wanted = planning.Wanted(files, state, init, parallel, choices, reach)
    try:
        jobs, warnings = planning.jobs(wanted)
    except PbxsyncError as error:
        ctx.exit(showing.show_input_errors(error, output, paint))
    planned, failures = planning.plan_all(jobs, Stop(), parallel, None)
    with contextlib.ExitStack() as sessions:
        for session, _ in planned:
            sessions.push(session)
    plans = [plan for _, plan in planned]
    if output == "text":
        showing.show_plans(plans, paint)
        click.echo(text.problem_lines(warnings, paint), err=True, nl=False)
    showing.show_failures(failures)
    if output == "json":
        streams.document(showing.document(plans, warnings, failures))
    codes = [failure.error.exit_code for failure in failures]
    codes += [3 for plan in plans if plan.in_doubt]
    codes += [1 for plan in plans if plan.failed_tests]
    pending = detailed_exitcode and any(plan.changes for plan in plans)
    ctx.exit(max(codes, default=2 if pending else 0))
