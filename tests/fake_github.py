"""The part of GitHub's REST API that comments need, on loopback: pages, refusals, faults, and who wrote what."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from types import TracebackType

REPOSITORY = "example/routes"
TOKEN = "t0ken-of-the-job"

#: Whose token it may be. A job's may not ask who it is.
JOB = {"id": 41898282, "login": "github-actions[bot]", "type": "Bot"}
PERSON = {"id": 7, "login": "somebody", "type": "User"}


class FakeGitHub:
    """One repository whose pull request 5 has comments. Only with the token may anything be written, or read.

    ``user`` is the token's owner, ``read_only`` what GitHub makes of a fork's token. ``faults`` answer the next
    requests of a method instead: a status, and whether the request is carried out all the same.
    """

    def __init__(self, *, user: dict[str, Any] | None = None, read_only: bool = False) -> None:
        self.user = user or JOB
        self.read_only = read_only
        self.comments: list[dict[str, Any]] = []
        self.requests: list[str] = []
        self.faults: dict[str, list[tuple[int, bool]]] = {}
        self.headers: dict[str, str] = {}
        fake = self

        class Handler(_Handler):
            github = fake

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def comment(self, body: str, user: dict[str, Any]) -> dict[str, Any]:
        """Have somebody comment."""
        made = {"id": 1000 + len(self.comments), "body": body, "user": user}
        self.comments.append(made)
        return made

    @property
    def bodies(self) -> list[str]:
        """What the comments say, the oldest first."""
        return [comment["body"] for comment in self.comments]

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any, dict[str, str]]:
        """Status, body and headers of an answer."""
        comments = f"/repos/{REPOSITORY}/issues"
        if (method, path) == ("GET", "/user"):
            return _refusal() if self.user["type"] == "Bot" else (200, self.user, {})
        if (method, path) == ("GET", f"{comments}/5/comments"):
            return self._page(int(query.get("page", ["1"])[0]), int(query.get("per_page", ["30"])[0]))
        if method in ("POST", "PATCH") and self.read_only:
            return _refusal()
        if (method, path) == ("POST", f"{comments}/5/comments"):
            return 201, self.comment(body["body"], self.user), {}
        found = re.fullmatch(re.escape(comments) + r"/comments/(\d+)", path)
        for comment in self.comments:
            if method == "PATCH" and found and comment["id"] == int(found[1]):
                comment["body"] = body["body"]
                return 200, comment, {}
        return 404, {"message": "Not Found"}, {}

    def _page(self, page: int, size: int) -> tuple[int, Any, dict[str, str]]:
        assert size <= 100
        end = page * size
        more = end < len(self.comments)
        # An address that nobody serves: what follows it, token and all, doesn't come back.
        link = {"Link": '<http://192.0.2.1/elsewhere?page=2>; rel="next"'} if more else {}
        return 200, self.comments[end - size : end], link


def _refusal() -> tuple[int, Any, dict[str, str]]:
    return 403, {"message": "Resource not accessible by integration\n::error::hostile"}, {}


class _Handler(BaseHTTPRequestHandler):
    github: FakeGitHub

    def _answer(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size)) if size else None
        url = urlsplit(self.path)
        github = self.github
        github.requests.append(f"{self.command} {url.path}")
        status, carried_out = (github.faults.get(self.command) or [(0, True)])[0]
        del github.faults.get(self.command, [])[:1]
        answer: tuple[int, Any, dict[str, str]] = status, {"message": "a fault"}, github.headers
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            answer = 401, {"message": "Bad credentials"}, {}
        elif carried_out:
            right = github.answer(self.command, url.path, parse_qs(url.query), body)
            answer = answer if status else right
        self._send(*answer)

    def _send(self, status: int, content: Any, headers: dict[str, str]) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - the names that http.server asks for

    def log_message(self, *_: object) -> None:
        """Say nothing."""
