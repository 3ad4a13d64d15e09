"""PBXs for the benchmarks: as much of the API as they need, and as quick as plain Python allows.

A process of its own, so that it takes no time of what is measured: many PBXs, each on a port of its own on 127.0.0.1,
each with its routes. It knows ``outroute/add`` and ``outroute/query`` in JSON. It answers after a latency, and counts
requests, connections, and its own processor time, by which one sees that it is not the bottleneck.

It prints one line, a JSON object: the ``ports`` of the PBXs, and one for ``control``, where ``/reset`` takes the
latency and the routes that every PBX holds from then on, and ``/stats`` tells what was counted since. It ends when its
standard input does. It shares no code with pbxsync, nor with its sandbox, which is made to be wrong, not to be quick.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

API = b"/api/v0.0.1/"
LENGTH = re.compile(rb"content-length: *([0-9]+)")
FIELDS = ("name", "prefix", "matchpattern", "prepend", "callerid", "trunks")
SUCCESS = b'{"status": "Success"}'


class Answer(NamedTuple):
    """What is sent back: the status of HTTP and the body."""

    status: str
    body: bytes


def refusal(errno: int) -> Answer:
    """An answer of the API that says no."""
    return Answer("200 OK", json.dumps({"status": "Failed", "errno": str(errno)}).encode())


class Pbx:
    """One PBX: its routes, each as the JSON of its entry in an answer."""

    def __init__(self) -> None:
        self.routes: list[bytes] = []

    def answer(self, path: bytes, query: bytes, body: bytes) -> Answer:
        """Do one call."""
        if b"token=" not in query:
            return refusal(20005)
        if b"type=json" not in query:
            return refusal(10003)
        if path == API + b"outroute/add":
            return self._add(body)
        if path == API + b"outroute/query":
            return Answer("200 OK", b'{"status": "Success", "outroutes": [' + b",".join(self.routes) + b"]}")
        return Answer("404 Not Found", b"")

    def _add(self, body: bytes) -> Answer:
        fields = json.loads(body)
        if not all(fields.get(name) for name in ("name", "matchpattern", "trunks")):
            return refusal(10004)
        self.routes.append(entry(len(self.routes) + 1, fields))
        return Answer("200 OK", SUCCESS)


def entry(number: int, fields: dict[str, str]) -> bytes:
    """A route as an answer of ``outroute/query`` lists it."""
    return json.dumps({"id": str(number), **{name: fields.get(name, "") for name in FIELDS}}).encode()


class Line(asyncio.Protocol):
    """One connection of HTTP/1.1, kept open as long as the other side likes."""

    transport: asyncio.Transport

    def __init__(self, answer: Callable[[bytes, bytes, bytes], Answer], latency: Callable[[], float]) -> None:
        self._answer = answer
        self._latency = latency
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the types
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole."""
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            head = self._read[:end].lower()
            length = LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._read) < whole:
                return
            target, body = self._read.split(b" ", 2)[1], self._read[end + 4 : whole]
            self._read = self._read[whole:]
            path, _, query = target.partition(b"?")
            self._send(self._answer(path, query, body), last=b"connection: close" in head)

    def _send(self, answer: Answer, *, last: bool) -> None:
        head = (
            f"HTTP/1.1 {answer.status}\r\nContent-Type: application/json\r\nContent-Length: {len(answer.body)}\r\n\r\n"
        )
        if latency := self._latency():
            asyncio.get_running_loop().call_later(latency, self._write, head.encode() + answer.body, last)
        else:
            self._write(head.encode() + answer.body, last)

    def _write(self, data: bytes, last: bool) -> None:
        self.transport.write(data)
        if last:
            self.transport.close()


class Hall:
    """All PBXs, and what was counted of them."""

    def __init__(self, pbxs: int) -> None:
        self.pbxs = [Pbx() for _ in range(pbxs)]
        self.latency = 0.0
        self._reset({})

    def _reset(self, order: dict[str, object]) -> None:
        latency, routes = order.get("latency", 0.0), order.get("routes", [])
        assert isinstance(latency, float) and isinstance(routes, list)  # noqa: S101, PT018 - for the types
        self.latency = latency
        held = [entry(number, fields) for number, fields in enumerate(routes, start=1)]
        for pbx in self.pbxs:
            pbx.routes = list(held)
        self.requests = self.connections = 0
        self.processor = time.process_time()

    def line_to(self, pbx: Pbx) -> Line:
        """A connection that comes in, to one PBX."""

        def counted(path: bytes, query: bytes, body: bytes) -> Answer:
            self.requests += 1
            return pbx.answer(path, query, body)

        self.connections += 1
        return Line(counted, lambda: self.latency)

    def control(self, path: bytes, _query: bytes, body: bytes) -> Answer:
        """Begin anew, or tell what was counted."""
        if path == b"/reset":
            self._reset(json.loads(body))
        counted = {
            "requests": self.requests,
            "connections": self.connections,
            "routes": sum(len(pbx.routes) for pbx in self.pbxs),
            "processor": time.process_time() - self.processor,
        }
        return Answer("200 OK", json.dumps(counted).encode())


async def serve(pbxs: int) -> None:
    """Listen until the process ends."""
    hall = Hall(pbxs)
    loop = asyncio.get_running_loop()
    ports = []
    for pbx in hall.pbxs:
        server = await loop.create_server(lambda pbx=pbx: hall.line_to(pbx), "127.0.0.1", 0)  # type: ignore[misc]
        ports.append(server.sockets[0].getsockname()[1])
    control = await loop.create_server(lambda: Line(hall.control, lambda: 0.0), "127.0.0.1", 0)
    print(json.dumps({"control": control.sockets[0].getsockname()[1], "ports": ports}), flush=True)
    await control.serve_forever()


def end_with_input() -> None:
    """End the process once nobody holds the other end of its standard input any more."""
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=end_with_input, daemon=True).start()
    asyncio.run(serve(int(sys.argv[1])))
