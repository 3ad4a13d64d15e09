"""The benchmark's end of the line to the server process of `wire_server`."""

from __future__ import annotations

import json
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SERVER = Path(__file__).with_name("wire_server.py")


class Served(NamedTuple):
    """What the server counted in one run: what came in, the routes that all PBXs hold, its seconds of processor."""

    requests: int
    connections: int
    routes: int
    processor: float


class Server:
    """So many PBXs in a process of their own; a context manager that ends it."""

    def __init__(self, pbxs: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(SERVER), str(pbxs)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None  # noqa: S101 - for the types
        told = json.loads(self._process.stdout.readline())
        self.urls: tuple[str, ...] = tuple(f"http://127.0.0.1:{port}" for port in told["ports"])
        self._control: int = told["control"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def reset(self, latency: float, routes: Sequence[Mapping[str, str]]) -> None:
        """Let every PBX hold these routes and answer after so many seconds; count from nothing."""
        self._ask("/reset", {"latency": latency, "routes": list(routes)})

    def served(self) -> Served:
        """What was counted since."""
        return Served(**self._ask("/stats", {}))

    def _ask(self, path: str, order: Mapping[str, object]) -> dict[str, int]:
        line = HTTPConnection("127.0.0.1", self._control)
        try:
            line.request("POST", path, json.dumps(order))
            answer: dict[str, int] = json.loads(line.getresponse().read())
            return answer
        finally:
            line.close()
