"""`pbxsync apply`."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

import click

from pbxsync.cli import planning, progress, showing, streams
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
from pbxsync.cli.session import side_by_side
from pbxsync.cli.so_far import SoFar
from pbxsync.cli.stopping import Stop
from pbxsync.errors import PbxsyncError
from pbxsync.model import Applied, Outcome, Status
from pbxsync.render import text
from pbxsync.steps import steps
from pbxsync.text import listed, printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pbxsync.cli.options import Reach
    from pbxsync.cli.session import Session
    from pbxsync.model import Plan, PlanChoices, Problem
    from pbxsync.render.paint import Paint


_Done = tuple[Applied, PbxsyncError | None]


@click.command("apply", short_help="Bring the PBX to what the files declare.")
@click.argument("files", nargs=-1, metavar="[FILE...]")
@option("--plan", "plan_file", type=PATH, metavar="PLAN", help="Apply this saved plan (plan --out), and nothing else.")
@state_options
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
            jobs, warnings = planning.jobs(planning.Wanted(files, state, init, parallel, choices, reach))
    except PbxsyncError as error:
        ctx.exit(showing.show_input_errors(error, output, paint))
    stop = Stop()
    planned, failures = planning.plan_all(jobs, stop, parallel, lock_timeout)
    failures = [*unplanned, *failures]
    with contextlib.ExitStack() as signals, contextlib.ExitStack() as sessions:
        for session, _ in planned:
            sessions.push(session)
        plans = [plan for _, plan in planned]
        if output == "text":
            showing.show_plans(plans, paint)
            with streams.unread():
                click.echo(text.problem_lines(warnings, paint), err=True, nl=False)
        showing.show_failures(failures)
        asking = not yes and _can_ask() and any(map(_can_be_sent, plans))
        if asking and not _agreed(plans, shown=output == "text" and sys.stdout.isatty()):
            declined = PbxsyncError("declined: nothing was sent")
            done: list[_Done] = [(_not_begun(plan, declined), declined) for plan in plans]
            showing.show_failures([showing.Failure(None, declined)])
        else:
            # Until the sessions are closed: to log out may take as long as a change does.
            signals.enter_context(stop.on_signals())
            so_far = SoFar(plans)
            stop.last_words = lambda: _last_words(so_far, warnings, failures, json=output == "json")
            done = _apply_all(planned, so_far, parallel, paint, asked=asking, json=output == "json")
        results = [result for result, _ in done]
        failures += [showing.Failure(result.plan.file, error) for result, error in done if error is not None]
        code = _exit_code(results, failures, stop)
        with stop.telling(code):
            told = output != "json" or _told(showing.document(results, warnings, failures))
    ctx.exit(code if told else code or 1)


#: What a saved plan has decided.
_PLANNING = ("state", "init", "prune", "max_deletes", "add_only", "reorder", "no_impact", "no_tests")


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


def _told(document: str) -> bool:
    """Print the document; whether that went well. A reader that went away has read enough."""
    try:
        streams.document(document)
    except BrokenPipeError:
        pass
    except OSError as error:
        streams.error_line(f"pbxsync: standard output can't be written: {error.strerror}")
        return False
    return True


def _last_words(
    so_far: SoFar, warnings: Sequence[Problem], failures: Sequence[showing.Failure], *, json: bool
) -> tuple[str, str]:
    """What to say where a run is ended at once: on standard error, and on standard output."""
    results = so_far.results()
    doubts = [
        f"{outcome.change.action} {outcome.change.name} ({result.plan.file})"
        for result in results
        for outcome in result.outcomes
        if outcome.status is Status.IN_DOUBT
    ]
    message = (
        f"stopped at once; whether it was carried out is not known: {listed(doubts)}. With --state it is recorded as "
        "in doubt; else plan again to see"
    )
    document = showing.document(results, warnings, failures) if json else ""
    return printable(message if doubts else "stopped at once; no change was on its way to a PBX"), document


def _can_be_sent(plan: Plan) -> bool:
    return bool(plan.changes) and not plan.in_doubt and not plan.failed_tests


def _can_ask() -> bool:
    """Whether somebody sees the question and can answer it."""
    return sys.stdin is not None and sys.stdin.isatty() and (sys.stderr.isatty() or sys.stdout.isatty())


def _agreed(plans: Sequence[Plan], *, shown: bool) -> bool:
    """Ask whether to send the plans, which are on the screen already where ``shown``."""
    on_stderr = sys.stderr.isatty()
    if not shown:
        for plan in plans:
            click.echo(text.plan_text(plan), err=on_stderr)
    # Not click's own question: it writes to standard error alone.
    click.echo("Apply? [y/N]: ", nl=False, err=on_stderr)
    answer = sys.stdin.readline()
    if not answer:
        click.echo(err=on_stderr)  # what comes next must not stand behind the question
        raise click.Abort
    return answer.strip().lower() in ("y", "yes")


def _apply_all(
    planned: Sequence[tuple[Session, Plan]], so_far: SoFar, parallel: int, paint: Paint, *, asked: bool, json: bool
) -> list[_Done]:
    """Apply every plan; for each what became of it, and the error that kept it from being begun."""
    several = len(planned) > 1
    total = sum(len(steps(plan)) for _, plan in planned if _can_be_sent(plan))

    if total and not json:
        with streams.unread():
            click.echo()
    with progress.shown(total, paint, on_stderr=json) as show:

        def work(item: tuple[Session, Plan]) -> Applied:
            session, plan = item
            file = plan.file if several else ""
            if asked:
                session.check_unchanged()

            def ended(outcome: Outcome) -> None:
                so_far.ended_one(plan, outcome)
                show(file, outcome)

            applied = session.apply(plan, lambda: so_far.sending(plan), ended)
            so_far.ended(applied)
            return applied

        results = side_by_side(planned, work, parallel)
        done: list[_Done] = [
            (_not_begun(plan, result), result) if isinstance(result, PbxsyncError) else (result, None)
            for (_, plan), result in zip(planned, results, strict=True)
        ]
    for result, error in done:
        if error is None and result.plan.changes and not json:
            with streams.unread():
                click.echo(text.applied_text(result, paint), nl=False)
    # Last, since what is to be done about it must not scroll away above a long list.
    for result, error in done:
        whys = text.faults(result) if error is None else [str(error)]
        showing.show_failures(showing.Failure(result.plan.file, PbxsyncError(why)) for why in whys)
    return done


def _not_begun(plan: Plan, error: PbxsyncError) -> Applied:
    outcomes = tuple(Outcome(change, Status.NOT_ATTEMPTED) for change in plan.changes)
    return Applied(plan, outcomes, error=str(error))


def _exit_code(results: Sequence[Applied], failures: Sequence[showing.Failure], stop: Stop) -> int:
    """3 before all, since somebody must look; then the signal, then failure."""
    codes = [failure.error.exit_code for failure in failures]
    codes += [3 for result in results if result.count(Status.IN_DOUBT) or result.plan.in_doubt]
    codes += [1 for result in results if result.count(Status.FAILED) or result.findings or result.error]
    if 3 in codes:
        return 3
    if stop.signal is not None:
        return 128 + stop.signal
    return max(codes, default=0)
