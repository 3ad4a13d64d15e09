"""Each PBX planned and applied by itself, many side by side: one that hangs or refuses holds up none of the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from pbxsync.cli import overview, showing, streams
from pbxsync.cli.apply_end import code_of, doubts_of, exit_code, failures_of, last_message, not_begun, told
from pbxsync.cli.packed import Packed
from pbxsync.cli.session import Session
from pbxsync.cli.so_far import SoFar
from pbxsync.cli.workers import Gate, Workers
from pbxsync.errors import PbxsyncError
from pbxsync.model import Applied, Status
from pbxsync.render import json as json_render
from pbxsync.render import text
from pbxsync.render.totals import Totals
from pbxsync.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pbxsync.cli.apply_end import Run
    from pbxsync.cli.overview import Ending, Overview
    from pbxsync.cli.session import Job
    from pbxsync.cli.stopping import Stop
    from pbxsync.model import Outcome, Plan

_CUT_OFF = PbxsyncError("not planned: the run was stopped at once")


@dataclass(frozen=True, slots=True)
class _Done:
    """What is left of one PBX: its part of the result, what failed, and the exit code."""

    part: Packed
    totals: Totals
    failures: tuple[showing.Failure, ...]
    doubts: tuple[str, ...]
    code: int
    not_begun: str | None = None


def apply_fleet(run: Run, stop: Stop) -> int:
    """Plan and apply every PBX, each as soon as there is room; the exit code."""
    with streams.unread():
        click.echo(text.problem_lines(run.warnings, run.paint), err=True, nl=False)
    showing.show_failures(run.unplanned)
    fleet = _Fleet(run, stop)
    with stop.on_signals():
        stop.last_words = fleet.last_words
        with overview.shown(len(run.jobs), "applying", run.paint) as view:
            workers: Workers[Job, _Done] = Workers(run.jobs, lambda *both: fleet.work(view, *both), run.parallel)
            for job, result in zip(run.jobs, workers.results(fleet.gate.closed), strict=True):
                fleet.take(job, result, view)
        fleet.tell()
        code = exit_code(fleet.codes(), stop)
        with stop.telling(code):
            good = not run.json or told(fleet.document())
        if not stop.event.is_set():
            workers.join()  # until all have logged out
    return code if good else code or 1


class _Fleet:
    def __init__(self, run: Run, stop: Stop) -> None:
        self.gate = Gate(stop.event)
        self._run = run
        self._stop = stop
        self._so_far = SoFar()
        self._done: dict[str, _Done | PbxsyncError] = {}
        self._printed = False

    def work(self, view: Overview, job: Job, deliver: Callable[[_Done], None]) -> None:
        """One PBX from its locks to what became of it."""
        with view.watching(job.file) as ending, Session(job, self._stop, view.called, to_apply=True) as session:
            if self._stop.event.is_set():
                raise PbxsyncError("not planned: the run was stopped before")
            session.lock(self._run.lock_timeout)
            plan = session.plan()
            self._so_far.planned(plan)
            outcomes: list[Outcome] = []
            error: PbxsyncError | None = None
            # What was sent is in the result of the run: nobody stops waiting for it before it is delivered.
            with self.gate.within() as begun:
                try:
                    applied = self._applied(session, plan, outcomes) if begun else session.not_attempted(plan)
                except PbxsyncError as raised:
                    applied, error = not_begun(plan, raised), raised
                done = self._left(applied, outcomes, error)
                self._so_far.ended(applied)
                _say(ending, applied, failed=bool(done.failures or done.code))
                deliver(done)

    def _applied(self, session: Session, plan: Plan, outcomes: list[Outcome]) -> Applied:
        def ended(outcome: Outcome) -> None:
            self._so_far.ended_one(plan, outcome)
            outcomes.append(outcome)

        return session.apply(plan, lambda: self._so_far.sending(plan), ended)

    def _left(self, applied: Applied, outcomes: Sequence[Outcome], error: PbxsyncError | None) -> _Done:
        """What is kept of a PBX whose turn to be told of may be long to come."""
        failed = failures_of(applied) if error is None else [showing.Failure(applied.plan.file, error)]
        code = max(code_of(applied), error.exit_code if error is not None else 0)
        part = json_render.plan_text(applied) if self._run.json else self._block(applied, outcomes, error)
        return _Done(
            Packed(part),
            Totals([applied]),
            tuple(failed),
            tuple(doubts_of(applied)),
            code,
            str(error) if error else None,
        )

    def _block(self, applied: Applied, outcomes: Sequence[Outcome], error: PbxsyncError | None) -> str:
        paint = self._run.paint
        lead = printable(applied.plan.file)
        lines = [text.plan_text(applied.plan, paint)]
        lines += [f"{lead}:{text.outcome_line(outcome, paint)}\n" for outcome in outcomes]
        if error is None and applied.plan.changes:
            lines.append(text.applied_text(applied, paint))
        return "".join(lines)

    def take(self, job: Job, result: _Done | PbxsyncError, view: Overview) -> None:
        """The next in the order of the files; as text it is printed now."""
        self._done[job.file] = result
        self._so_far.forget(job.file)
        if isinstance(result, _Done) and not self._run.json:
            with streams.unread():
                view.write(("\n" if self._printed else "") + result.part.text())
            self._printed = True

    def tell(self) -> None:
        """The sums, and last what failed: that must not scroll away above a long list."""
        failures = self._failures()
        if not self._run.json and self._done:
            totals = self._totals()
            with streams.unread():
                click.echo("\n" + totals.line() + totals.applied_line(one.file for one in failures), nl=False)
        showing.show_failures(failures)

    def codes(self) -> list[int]:
        """The exit codes of all that was done."""
        codes = [one.code for one in self._done.values() if isinstance(one, _Done)]
        return codes + [one.error.exit_code for one in (*self._run.unplanned, *self._failures())]

    def _failures(self) -> list[showing.Failure]:
        found: list[showing.Failure] = []
        for file, one in self._done.items():
            found += one.failures if isinstance(one, _Done) else [showing.Failure(file, one)]
        return found

    def _totals(self) -> Totals:
        totals = Totals()
        for one in self._done.values():
            if isinstance(one, _Done):
                totals.include(one.totals)
        return totals

    def document(self) -> Iterator[str]:
        """The one document of the run, piece by piece."""
        # What became of the changes of a plan is told with it; here is what kept a file from being planned or begun.
        errors = [(one.file, str(one.error)) for one in self._run.unplanned]
        for file, one in self._done.items():
            why = one.not_begun if isinstance(one, _Done) else str(one)
            errors += [(file, why)] if why is not None else []
        items = (one.part.text() for one in self._done.values() if isinstance(one, _Done))
        yield from json_render.plans_chunks(items, self._run.warnings, errors, self._totals())

    def last_words(self) -> tuple[str, str]:
        """What to say where the run is ended at once: on standard error, and on standard output."""
        done: dict[str, _Done | PbxsyncError] = {}
        for job in self._run.jobs:
            own = self._done.get(job.file)
            running = self._so_far.result(job.file) if own is None else None
            done[job.file] = own or (self._left(running, (), None) if running is not None else _CUT_OFF)
        self._done = done
        doubts = [doubt for one in done.values() if isinstance(one, _Done) for doubt in one.doubts]
        return last_message(doubts), "".join(self.document()) if self._run.json else ""


def _say(ending: Ending, applied: Applied, *, failed: bool) -> None:
    counts = [f"{count} {str(status).replace('_', ' ')}" for status in Status if (count := applied.count(status))]
    ending.came_to = ", ".join(counts) or ("failed" if failed else "nothing to do")
    ending.failed = failed
