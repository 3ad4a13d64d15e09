"""One comment a pull request: finds the action's own, and brings it up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from github_api import Unreachable
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

if TYPE_CHECKING:
    from github_api import GitHub

TRIES = 4
#: No longer than this between two tries, whatever GitHub asks for: a job must end.
LONGEST_WAIT = 60.0

_BACKOFF = wait_exponential(multiplier=0.5, max=LONGEST_WAIT)


def publish(api: GitHub, number: int, body: str) -> Literal["created", "updated"]:
    """Put the text into the action's comment of this pull request.

    Every try begins with a look: a comment whose creation failed, so it seemed, may be there all the same, and another
    try must not make a second.
    """
    tries = Retrying(
        retry=retry_if_exception_type(Unreachable), stop=stop_after_attempt(TRIES), wait=_wait, reraise=True
    )
    return tries(_publish, api, number, body)


def _publish(api: GitHub, number: int, body: str) -> Literal["created", "updated"]:
    marker = body.partition("\n")[0]
    own = api.own_user()
    for comment in api.comments(number):
        if _first_line(comment) == marker and _is_own(comment, own):
            api.update(comment["id"], body)
            return "updated"
    api.create(number, body)
    return "created"


def _first_line(comment: dict[str, Any]) -> str:
    return str(comment.get("body") or "").partition("\n")[0].rstrip()


def _is_own(comment: dict[str, Any], own: int | None) -> bool:
    """Whether this token's owner wrote it: a person who begins a comment with the marker keeps their words.

    A job's or an app's token can't ask who it is. What it writes is a bot's.
    """
    user = comment.get("user") or {}
    return user.get("type") == "Bot" if own is None else user.get("id") == own


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.after if isinstance(error, Unreachable) else 0.0
    return min(max(asked, _BACKOFF(state)), LONGEST_WAIT)
