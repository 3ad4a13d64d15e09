"""Which failed calls may be made again, and the wait before that. The only importer of tenacity."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from pbxsync.errors import AnswerLost, CertificateRefused, NotSent, PbxError, Postponed

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from tenacity import RetryCallState

_T = TypeVar("_T")

log = logging.getLogger("pbxsync.client")


def never_left(error: BaseException) -> bool:
    """Whether the same call may be made again, a login too: nothing of it reached the PBX."""
    return isinstance(error, NotSent) and not isinstance(error, CertificateRefused)


def not_carried_out(error: BaseException) -> bool:
    """Whether the same call may be made again if it changes something."""
    return never_left(error) or isinstance(error, Postponed)


def answer_is_harmless(error: BaseException) -> bool:
    """Whether the same call may be made again if it changes nothing: then also where its answer was lost."""
    return not_carried_out(error) or isinstance(error, AnswerLost)


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a call is made again, and how many seconds the PBX may ask to wait. ``stop`` ends the wait early."""

    retries: int
    longest_wait: float
    stop: threading.Event | None

    def attempts(self, make: Callable[[], _T], may: Callable[[BaseException], bool]) -> _T:
        """Make a call, and make it again after errors after which it ``may`` be made again."""
        try:
            return make()
        except PbxError as error:
            failed = error
        if isinstance(failed, AnswerLost) and failed.silent and may(failed):
            # A connection that was kept open may be closed at any time: that is no fault, and does not count.
            log.info("%s; asking again over a new connection", failed)
            try:
                return make()
            except PbxError as error:
                failed = error
        return self._again(make, failed, may)

    def _again(self, make: Callable[[], _T], failed: PbxError, may: Callable[[BaseException], bool]) -> _T:
        """Make a call again that has ``failed``, as often as it ``may`` be."""
        # Here, since most runs need none of it, and its import takes as long as a hundred calls.
        from tenacity import Retrying, retry_if_exception, sleep_using_event, stop_after_attempt

        stop = self.stop
        tried = False

        def attempt() -> _T:
            nonlocal failed, tried
            if not tried:
                tried = True
                raise failed  # the first try, which was made already
            if stop is not None and stop.is_set():
                raise failed  # the wait for another try was ended, so there is none
            try:
                return make()
            except PbxError as error:
                failed = error
                raise

        def worth_it(error: BaseException) -> bool:
            # A longer wait is left to the next run.
            return may(error) and not (stop and stop.is_set()) and _asked_to_wait(error) <= self.longest_wait

        tries = Retrying(
            retry=retry_if_exception(worth_it),
            stop=stop_after_attempt(self.retries + 1),
            wait=_wait(),
            sleep=sleep_using_event(stop) if stop else time.sleep,
            before_sleep=lambda state: log.info("%s; trying again", state.outcome and state.outcome.exception()),
            reraise=True,
        )
        return tries(attempt)


def _wait() -> Callable[[RetryCallState], float]:
    """How many seconds to wait before another try: a little longer each time, and as long as was asked for."""
    from tenacity import wait_random_exponential

    backoff = wait_random_exponential(multiplier=0.2, max=5)

    def seconds(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return max(backoff(state), _asked_to_wait(error))

    return seconds


def _asked_to_wait(error: BaseException | None) -> int:
    return (error.wait or 0) if isinstance(error, AnswerLost | Postponed) else 0
