"""The few calls of GitHub's REST API that comments need. No error holds the token."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import httpx

from pbxsync.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT = 30.0
PER_PAGE = 100


class Refused(Exception):
    """GitHub's no, which another try would not change."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"GitHub answered {status}, {message}")
        self.status = status


class Unreachable(Exception):
    """No answer, or one that may be another in a while; ``after`` is how many seconds GitHub asks to wait."""

    def __init__(self, message: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after


@contextlib.contextmanager
def connected(url: str, repository: str, token: str) -> Iterator[GitHub]:
    """The comments of a repository, by a client that is closed at the end."""
    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28", "User-Agent": "pbxsync"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    with httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT) as client:
        yield GitHub(client, repository)


class GitHub:
    """The comments of one repository's pull requests, which to this API are issues."""

    def __init__(self, client: httpx.Client, repository: str) -> None:
        self._client = client
        self._comments = f"/repos/{repository}/issues"

    def own_user(self) -> int | None:
        """The id of the user whose token this is; None for the token of a job or an app, which may not ask."""
        try:
            answer = self._call("GET", "/user")
        except Refused as refused:
            if refused.status in (403, 404):
                return None
            raise
        return int(answer.json()["id"])

    def comments(self, number: int) -> Iterator[dict[str, Any]]:
        """Every comment of a pull request, the oldest first."""
        page = 0
        answer = None
        # The next page is counted, not taken from the address that an answer gives: the token goes to one server.
        while answer is None or "next" in answer.links:
            page += 1
            query = {"per_page": PER_PAGE, "page": page}
            answer = self._call("GET", f"{self._comments}/{number}/comments", params=query)
            yield from answer.json()

    def create(self, number: int, body: str) -> None:
        """Add a comment to a pull request."""
        self._call("POST", f"{self._comments}/{number}/comments", json={"body": body})

    def update(self, comment: int, body: str) -> None:
        """Replace the text of a comment."""
        self._call("PATCH", f"{self._comments}/comments/{comment}", json={"body": body})

    def _call(self, method: str, path: str, **content: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, path, **content)
        except httpx.TransportError as error:
            raise Unreachable(f"GitHub did not answer ({type(error).__name__}: {printable(str(error))})") from None
        if answer.is_success:
            return answer
        status = answer.status_code
        if status >= 500 or status == 429 or _is_limit(answer):
            raise Unreachable(f"GitHub answered {status}, {_message(answer)}", _seconds(answer))
        raise Refused(status, _message(answer))


def _is_limit(answer: httpx.Response) -> bool:
    """Whether a 403 is about too many calls, and not about what the token may do."""
    headers = answer.headers
    return answer.status_code == 403 and ("retry-after" in headers or headers.get("x-ratelimit-remaining") == "0")


def _seconds(answer: httpx.Response) -> float:
    asked = answer.headers.get("retry-after", "")
    return float(asked) if asked.isascii() and asked.isdigit() else 0.0


def _message(answer: httpx.Response) -> str:
    """GitHub's own words, or those that belong to the status."""
    try:
        said = answer.json()["message"]
    except (ValueError, KeyError, TypeError):
        said = answer.reason_phrase
    return printable(str(said))[:300]
