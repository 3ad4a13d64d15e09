"""What the two ways to apply, all plans together and one PBX after the other, have in common: how they end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pbxsync.cli import showing, streams
from pbxsync.errors import PbxsyncError
from pbxsync.model import Applied, Outcome, Status
from pbxsync.render import text
from pbxsync.text import listed, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pbxsync.cli.session import Job
    from pbxsync.cli.stopping import Stop
    from pbxsync.model import Plan, Problem
    from pbxsync.render.paint import Paint


@dataclass(frozen=True, slots=True)
class Run:
    """An apply: what it works on and how it tells of it. ``unplanned`` is what could not be planned when it was saved.

    ``lock_timeout`` is in seconds. With ``json`` standard output is kept for one document.
    """

    jobs: Sequence[Job]
    warnings: Sequence[Problem]
    unplanned: Sequence[showing.Failure]
    parallel: int
    lock_timeout: float
    paint: Paint
    json: bool


def can_be_sent(plan: Plan) -> bool:
    """Whether there is anything to send, and nothing forbids it."""
    return bool(plan.changes) and not (plan.in_doubt or plan.failed_tests or plan.refusals)


def not_begun(plan: Plan, error: PbxsyncError) -> Applied:
    """What a plan came to of which nothing was sent."""
    outcomes = tuple(Outcome(change, Status.NOT_ATTEMPTED) for change in plan.changes)
    return Applied(plan, outcomes, error=str(error))


def failures_of(applied: Applied) -> list[showing.Failure]:
    """What went wrong with a plan that was begun."""
    return [showing.Failure(applied.plan.file, PbxsyncError(why)) for why in text.faults(applied)]


def code_of(applied: Applied) -> int:
    """The exit code that what became of a plan comes to by itself."""
    if applied.count(Status.IN_DOUBT) or applied.plan.in_doubt:
        return 3
    return int(bool(applied.count(Status.FAILED) or applied.findings or applied.error or applied.plan.failures))


def exit_code(codes: Iterable[int], stop: Stop) -> int:
    """3 before all, since somebody must look; then the signal, then failure."""
    codes = set(codes)
    if 3 in codes:
        return 3
    if stop.signal is not None:
        return 128 + stop.signal
    return max(codes, default=0)


def doubts_of(applied: Applied) -> list[str]:
    """What became of some changes nobody knows, in words."""
    return [
        f"{outcome.change.action} {outcome.change.name} ({applied.plan.file})"
        for outcome in applied.outcomes
        if outcome.status is Status.IN_DOUBT
    ]


def last_message(doubts: Sequence[str]) -> str:
    """What to say where a run is ended at once."""
    message = (
        f"stopped at once; whether it was carried out is not known: {listed(doubts)}. With --state it is recorded as "
        "in doubt; else plan again to see"
    )
    return printable(message if doubts else "stopped at once; no change was on its way to a PBX")


def told(pieces: Iterable[str]) -> bool:
    """Print the document; whether that went well. A reader that went away has read enough."""
    try:
        streams.documents(pieces)
    except BrokenPipeError:
        pass
    except OSError as error:
        streams.error_line(f"pbxsync: standard output can't be written: {error.strerror}")
        return False
    return True
