"""All plans first, then all of them applied: for one PBX, and where somebody is asked and so must see all plans."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING

import click

from pbxsync.cli import progress, showing, streams
from pbxsync.cli.apply_end import (
    can_be_sent,
    code_of,
    doubts_of,
    exit_code,
    failures_of,
    last_message,
    not_begun,
    told,
)
from pbxsync.cli.session import Session
from pbxsync.cli.so_far import SoFar
from pbxsync.cli.workers import Workers
from pbxsync.errors import PbxsyncError
from pbxsync.model import Applied
from pbxsync.render import text
from pbxsync.steps import steps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pbxsync.cli.apply_end import Run
    from pbxsync.cli.stopping import Stop
    from pbxsync.model import Outcome, Plan

_Planned = tuple[Session, "Plan"]
_Done = tuple[Applied, PbxsyncError | None]


def apply_together(run: Run, stop: Stop, *, asking: bool) -> int:
    """Plan all, ask where ``asking``, apply all; the exit code."""
    planned, failures = _plan_all(run, stop)
    failures = [*run.unplanned, *failures]
    with contextlib.ExitStack() as signals, contextlib.ExitStack() as sessions:
        for session, _ in planned:
            sessions.push(session)
        plans = [plan for _, plan in planned]
        if not run.json:
            showing.show_plans(plans, run.paint)
            with streams.unread():
                click.echo(text.problem_lines(run.warnings, run.paint), err=True, nl=False)
        showing.show_failures(failures)
        asked = asking and any(map(can_be_sent, plans))
        if asked and not _agreed(plans, shown=not run.json and sys.stdout.isatty()):
            declined = PbxsyncError("declined: nothing was sent")
            done: list[_Done] = [(not_begun(plan, declined), declined) for plan in plans]
            showing.show_failures([showing.Failure(None, declined)])
        else:
            # Until the sessions are closed: to log out may take as long as a change does.
            signals.enter_context(stop.on_signals())
            so_far = SoFar(plans)
            stop.last_words = lambda: _last_words(run, so_far, failures)
            done = _apply_all(run, planned, so_far, asked=asked)
        results = [result for result, _ in done]
        failures += [showing.Failure(result.plan.file, error) for result, error in done if error is not None]
        codes = [failure.error.exit_code for failure in failures] + [code_of(result) for result in results]
        code = exit_code(codes, stop)
        with stop.telling(code):
            good = not run.json or told([showing.document(results, run.warnings, failures)])
    return code if good else code or 1


def _plan_all(run: Run, stop: Stop) -> tuple[list[_Planned], list[showing.Failure]]:
    """Plan every job. The sessions that come back are open, and the caller's to close; those that failed are closed."""
    sessions = [Session(job, stop, to_apply=True) for job in run.jobs]
    refused = _lock_all(sessions, run.lock_timeout)
    pausing = len(sessions) > run.parallel  # no more connections than work is done side by side

    def start(session: Session, deliver: Callable[[_Planned], None]) -> None:
        with contextlib.ExitStack() as until_planned:
            until_planned.enter_context(session)
            if session in refused:
                raise refused[session]
            plan = session.plan()
            if pausing:
                session.pause()
            until_planned.pop_all()
            deliver((session, plan))

    planned: list[_Planned] = []
    failures: list[showing.Failure] = []
    for job, result in zip(run.jobs, Workers(sessions, start, run.parallel).results(), strict=True):
        if isinstance(result, PbxsyncError):
            failures.append(showing.Failure(job.file, result))
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


def _last_words(run: Run, so_far: SoFar, failures: Sequence[showing.Failure]) -> tuple[str, str]:
    """What to say where a run is ended at once: on standard error, and on standard output."""
    results = so_far.results()
    doubts = [doubt for result in results for doubt in doubts_of(result)]
    return last_message(doubts), showing.document(results, run.warnings, failures) if run.json else ""


def _agreed(plans: Sequence[Plan], *, shown: bool) -> bool:
    """Ask whether to send the plans, which are on the screen already where ``shown``."""
    on_stderr = sys.stderr.isatty()
    if not shown:
        for plan in plans:
            click.echo(text.plan_text(plan), err=on_stderr)
    # Not click's own question: it writes to standard error alone.
    click.echo("Apply? [y/N]: ", nl=False, err=on_stderr)
    answer = streams.typed_line()
    if not answer:
        click.echo(err=on_stderr)  # what comes next must not stand behind the question
        raise click.Abort
    return answer.strip().lower() in ("y", "yes")


def _apply_all(run: Run, planned: Sequence[_Planned], so_far: SoFar, *, asked: bool) -> list[_Done]:
    """Apply every plan; for each what became of it, and the error that kept it from being begun."""
    several = len(planned) > 1
    total = sum(len(steps(plan)) for _, plan in planned if can_be_sent(plan))

    if total and not run.json:
        with streams.unread():
            click.echo()
    with progress.shown(total, run.paint, on_stderr=run.json) as show:

        def work(item: _Planned, deliver: Callable[[Applied], None]) -> None:
            session, plan = item
            file = plan.file if several else ""
            if asked:
                session.check_unchanged()

            def ended(outcome: Outcome) -> None:
                so_far.ended_one(plan, outcome)
                show(file, outcome)

            applied = session.apply(plan, lambda: so_far.sending(plan), ended)
            so_far.ended(applied)
            deliver(applied)

        results = Workers(planned, work, run.parallel).results()
        done: list[_Done] = [
            (not_begun(plan, result), result) if isinstance(result, PbxsyncError) else (result, None)
            for (_, plan), result in zip(planned, results, strict=True)
        ]
    _tell(run, done)
    return done


def _tell(run: Run, done: Sequence[_Done]) -> None:
    for result, error in done:
        if error is None and result.plan.changes and not run.json:
            with streams.unread():
                click.echo(text.applied_text(result, run.paint), nl=False)
    # Last, since what is to be done about it must not scroll away above a long list.
    for result, error in done:
        failures = failures_of(result) if error is None else [showing.Failure(result.plan.file, error)]
        showing.show_failures(failures)
