"""A PBX that answers whatever a test wants it to, for many runs of pbxsync in turn."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType


@dataclass(frozen=True, slots=True)
class Request:
    """What came: the call, its path with the query, the token, the body."""

    call: str
    target: str
    token: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """An answer over HTTP; ``phrase`` stands behind the status."""

    body: bytes
    status: int = 200
    phrase: str = "OK"
    headers: Mapping[str, str] = field(default_factory=dict)


def fields(**answer: object) -> Response:
    """An answer in JSON."""
    return Response(json.dumps(answer).encode())


def success(request: Request) -> Response:
    """A PBX that does whatever it is told, and holds nothing."""
    return fields(status="Success", token="issued", outroutes=[], trunkname=[], deviceinfo={})


class AnyPbx:
    """Serves on 127.0.0.1; ``answer`` says what to each request, and may be changed at any time."""

    def __init__(self) -> None:
        self.answer: Callable[[Request], Response] = success
        self.requests: list[Request] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                parts = urlsplit(self.path)
                token = parse_qs(parts.query).get("token", [""])[0]
                call = parts.path.partition("/api/v0.0.1/")[2]
                request = Request(call, self.path, token, self.rfile.read(length))
                outer.requests.append(request)
                response = outer.answer(request)
                head = [f"HTTP/1.1 {response.status} {response.phrase}", f"Content-Length: {len(response.body)}"]
                head += [f"{name}: {value}" for name, value in response.headers.items()]
                self.wfile.write("\r\n".join([*head, "", ""]).encode("utf-8", "replace") + response.body)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
