"""What became of a file's tests → text for a person, and the JSON item of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pbxsync.render.paint import Paint
from pbxsync.render.text import counted
from pbxsync.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pbxsync.model import Claim, Verdict

PLAIN = Paint()


def verdict_lines(verdicts: Iterable[Verdict], paint: Paint = PLAIN, *, passed: bool = False) -> str:
    """One line a test that failed: ``file:line:column: FAIL: message``; with ``passed`` one for each other test too."""
    lines = []
    for verdict in verdicts:
        if verdict.passed and not passed:
            continue
        place = paint.strong(printable(str(verdict.claim.location)))
        word = paint.good("PASS") if verdict.passed else paint.bad("FAIL")
        lines.append(f"{place}: {word}: {printable(verdict.message or name_of(verdict.claim))}\n")
    return "".join(lines)


def verdicts_sum(verdicts: Sequence[Verdict], files: Sequence[str]) -> str:
    """One line on the tests of these files, which could all be used."""
    where = files[0] if len(files) == 1 else counted(len(files), "file")
    if not verdicts:
        return f"no tests found in {printable(where)}"
    failed = sum(1 for verdict in verdicts if not verdict.passed)
    return f"{counted(len(verdicts), 'test')} in {printable(where)}: {len(verdicts) - failed} passed, {failed} failed"


def name_of(claim: Claim) -> str:
    """A test by the calls that it speaks of: ``911``, ``_9011X. from 201``."""
    return f"{claim.dial} from {claim.callerid}" if claim.callerid else claim.dial


def verdict_item(verdict: Verdict) -> dict[str, Any]:
    """A test and what became of it, as JSON values."""
    claim = verdict.claim
    return {
        "file": claim.location.file,
        "line": claim.location.line,
        "column": claim.location.column,
        "dial": claim.dial,
        "callerid": claim.callerid or None,
        "status": "passed" if verdict.passed else "failed",
        "message": verdict.message or None,
        "counterexample": verdict.counterexample,
        "counterexample_callerid": verdict.counterexample_callerid,
    }
