"""`pbxsync apply`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from pbxsync.cli import planning, showing
from pbxsync.cli.apply_end import Run
from pbxsync.cli.apply_fleet import apply_fleet
from pbxsync.cli.apply_together import apply_together
from pbxsync.cli.limits import allow_open_files
from pbxsync.cli.options import (
    PATH,
    format_option,
    lock_option,
    option,
    output_options,
    plan_options,
    reach_options,
    state_options,
)
from pbxsync.cli.shards import say_empty, shard_option
from pbxsync.cli.stopping import Stop
from pbxsync.errors import PbxsyncError

if TYPE_CHECKING:
    from pathlib import Path

    from pbxsync.cli.options import Reach
    from pbxsync.cli.shards import Shard
    from pbxsync.model import PlanChoices, Problem
    from pbxsync.render.paint import Paint


@click.command("apply", short_help="Bring the PBX to what the files declare.")
@click.argument("files", nargs=-1, metavar="[FILE...]")
@option("--plan", "plan_file", type=PATH, metavar="PLAN", help="Apply this saved plan (plan --out), and nothing else.")
@state_options
@shard_option
@plan_options
@lock_option
@option("-y", "--yes", is_flag=True, help="Don't ask before sending, also on a terminal.")
@format_option("text", "json")
@reach_options
@output_options
@click.pass_context
def command(
    ctx: click.Context,
    files: tuple[str, ...],
    plan_file: Path | None,
    state: Path | None,
    init: bool,
    parallel: int,
    shard: Shard | None,
    choices: PlanChoices,
    lock_timeout: float,
    yes: bool,
    output: str,
    reach: Reach,
    paint: Paint,
) -> None:
    """Bring the PBX to what the files declare.

    Plans as pbxsync plan does, and sends the plan's changes, one after the other to each PBX, several PBXs side by
    side. On a terminal it shows the plan and asks first. It stops at the first failure of a PBX; run again, it goes
    on there.

    With --plan it applies a plan that pbxsync plan --out has saved, to the PBX that this was made for, and refuses it
    where that holds something else by now. What is planned was chosen then: FILE and the options that plan are not
    taken.
    """
    _check_usage(ctx, files, plan_file)
    unplanned: list[showing.Failure] = []
    warnings: list[Problem] = []
    try:
        if plan_file is not None:
            jobs, unplanned = planning.saved_jobs(plan_file, reach)
        else:
            jobs, warnings = planning.jobs(planning.Wanted(files, state, init, choices, reach, shard, parallel))
    except PbxsyncError as error:
        ctx.exit(showing.show_input_errors(error, output, paint))
    run = Run(jobs, warnings, unplanned, parallel, lock_timeout, paint, json=output == "json")
    asking = not yes and _can_ask()
    stop = Stop()
    allow_open_files(len(jobs) if asking else min(parallel, len(jobs)))
    alone = len(jobs) == 1
    say_empty(shard, len(jobs))
    ctx.exit(apply_together(run, stop, asking=asking) if asking or alone else apply_fleet(run, stop))


#: What a saved plan has decided.
_PLANNING = ("state", "init", "shard", "prune", "max_deletes", "add_only", "reorder", "no_impact", "no_tests")


def _check_usage(ctx: click.Context, files: tuple[str, ...], plan_file: Path | None) -> None:
    """Either files are planned, or a saved plan is taken as it is. Variables are for both, and say nothing to that."""
    if plan_file is None:
        if not files:
            raise click.UsageError("Missing argument 'FILE...', or --plan PLAN.")
        return
    given = [
        f"--{name.replace('_', '-')}"
        for name in _PLANNING
        if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    ]
    if files or given:
        what = " and ".join((["FILE"] if files else []) + given)
        raise click.UsageError(f"--plan applies what was planned: {what} can't be chosen any more; plan again.")


def _can_ask() -> bool:
    """Whether somebody sees the question and can answer it."""
    return sys.stdin is not None and sys.stdin.isatty() and (sys.stderr.isatty() or sys.stdout.isatty())
