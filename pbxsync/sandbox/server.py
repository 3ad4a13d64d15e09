"""The sandbox's HTTP server: HTTP/1.1 with keep-alive on 127.0.0.1, each connection in a thread of its own.

It writes nothing to standard error, whatever a client does. Should the sandbox itself fail, the connection is dropped
and ``Sandbox.close`` and ``Sandbox.wait_closed`` raise what happened.
"""

from __future__ import annotations

import os
import re
import socket
import socketserver
import struct
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import parse_qsl

from pbxsync.sandbox.bodies import BodyError, Format, Response, read
from pbxsync.sandbox.delivery import Reply, carry_out, deliver
from pbxsync.sandbox.pbx import Order

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from pbxsync.sandbox.bodies import Layout
    from pbxsync.sandbox.faults import Fault, FaultPlan
    from pbxsync.sandbox.firmware import Firmware
    from pbxsync.sandbox.pbx import Pbx

HOST = "127.0.0.1"
_API = "/api/v0.0.1/"
_MAX_BODY = 1024 * 1024
_MAX_DRAIN = 16 * 1024 * 1024
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Received:
    """One request that named a call. ``type`` and ``content_type`` are as sent, "" where absent.

    ``fields`` is empty where the body could not be read, and never holds a password. ``connection`` counts from 1.
    """

    call: str
    type: str
    fields: dict[str, str]
    token: str
    connection: int
    content_type: str


@dataclass(frozen=True, slots=True)
class Settings:
    """What the server serves, and how."""

    pbx: Pbx
    plan: FaultPlan
    firmware: Firmware
    unknown_call: Literal["failed", "404"]
    layout: Layout
    latency: float
    tls: ssl.SSLContext | None


class Server(socketserver.TCPServer):
    """Accepts connections and keeps track of them, so that closing ends every one, hanging ones too.

    ``failure`` is what went wrong in one of its threads, if anything did.
    """

    # Windows would let two servers share a port.
    allow_reuse_address = os.name == "posix"
    request_queue_size = 128

    def __init__(self, port: int, settings: Settings) -> None:
        self.settings = settings
        self.requests: list[Received] = []
        self.connections = 0
        self.closing = threading.Event()
        self.ended = threading.Event()
        self.failure: BaseException | None = None
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()
        super().__init__((HOST, port), BaseHTTPRequestHandler)
        self.port: int = self.server_address[1]
        self._acceptor = threading.Thread(target=self.accept, name="pbxsync sandbox", daemon=True)
        self._acceptor.start()

    def record(self, received: Received) -> Fault | None:
        """Note a request, and return the fault that strikes it."""
        with self._lock:
            self.requests.append(received)
            return self.settings.plan.next(received.call)

    def accept(self) -> None:
        """Accept connections until the sandbox closes."""
        while not self.closing.is_set():
            self.handle_request()

    def end(self) -> None:
        """Stop accepting, end every connection, and wait for their threads; the second time, do nothing."""
        if self.closing.is_set():
            return
        self.closing.set()
        with suppress(OSError), socket.create_connection((HOST, self.port), timeout=1):
            pass  # accept() sleeps until somebody connects
        self._acceptor.join()
        self.server_close()
        for thread in list(self._threads):
            while thread.is_alive():
                self._cut()
                thread.join(0.05)
        self.ended.set()

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Turn away whoever connects while the sandbox closes, ``end`` above all."""
        return not self.closing.is_set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection in a daemon thread: an interpreter that exits doesn't wait for it."""
        with self._lock:
            self.connections += 1
            number = self.connections
        name, arguments = f"pbxsync sandbox {number}", (request, client_address, number)
        thread = threading.Thread(target=self._serve, args=arguments, name=name, daemon=True)
        self._threads = {other for other in self._threads if other.is_alive()} | {thread}
        thread.start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep what went wrong for ``Sandbox.close``: a thread has nobody to raise it to."""
        self.failure = sys.exception()
        self.ended.set()

    def _serve(self, request: socket.socket, client_address: Any, number: int) -> None:
        try:
            if tls := self.settings.tls:
                # The handshake comes once the socket is known below: closing the sandbox must be able to end it.
                request = tls.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
            with self._lock:
                self._open.add(request)
            if tls:
                cast("ssl.SSLSocket", request).do_handshake()
            _Handler(request, client_address, self, number)
        except OSError:
            pass  # the client went away, or never spoke TLS
        except Exception:
            self.handle_error(request, client_address)
        finally:
            with self._lock:
                self._open.discard(request)
            # Not shutdown_request: its FIN would overtake a reset.
            request.close()

    def _cut(self) -> None:
        """Wake the threads that read or write; their sockets are theirs to close."""
        with self._lock:
            for request in self._open:
                with suppress(OSError):
                    # Not SSLSocket's own shutdown, which takes TLS away from under a thread that uses it.
                    socket.socket.shutdown(request, socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "sandbox"
    sys_version = ""
    disable_nagle_algorithm = True
    server: Server

    def __init__(self, request: socket.socket, client_address: Any, server: Server, number: int) -> None:
        self._number = number
        self._answered = 0
        super().__init__(request, client_address, server)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: standard error is the command's that runs the sandbox."""

    def parse_request(self) -> bool:
        """Read the request's head; the API has POST alone."""
        self.connection.settimeout(None)
        if not super().parse_request():
            return False
        if self.command != "POST":
            self._send(Response.page(405, ("Allow", "POST"), last=True))
        return self.command == "POST"

    def do_POST(self) -> None:
        """Answer one call."""
        if (body := self._body()) is None:
            return
        path, _, query = self.path.partition("?")
        asked = dict(parse_qsl(query, keep_blank_values=True))
        if path.startswith(_API):
            self._call(path.removeprefix(_API), asked, body)
        else:
            self._send(Response.page(404))
        self._rest()

    def _rest(self) -> None:
        """After an answer, close the connection without a word if the firmware does, or set a time to do so."""
        self._answered += 1
        firmware = self.server.settings.firmware
        if self._answered < (firmware.close_after or 1):
            return
        if firmware.close_idle is not None:
            # The server reads the next request's line with it, and closes the connection where none came in time.
            self.connection.settimeout(firmware.close_idle)
        elif firmware.close_after:
            self.close_connection = True

    def _call(self, call: str, asked: Mapping[str, str], body: bytes) -> None:
        settings = self.server.settings
        fmt: Format = "xml" if asked.get("type") == "xml" else "json"
        try:
            # An answer to a type that does not exist has to have one all the same.
            fields = read(body, fmt) if asked.get("type", "") in ("", "json", "xml") else None
        except BodyError:
            fields = None
        order = Order(call, asked.get("token", ""), self.client_address[0], fields)
        fault = self.server.record(self._received(order, asked.get("type", "")))
        if settings.latency and self.pause(settings.latency):
            return self.hang_up()
        if settings.unknown_call == "404" and not settings.pbx.knows(call):
            return self._send(Response.page(404))
        answer = carry_out(fault, settings.pbx, order)
        return deliver(fault, Reply(answer, fmt, settings.layout), self)

    def _received(self, order: Order, kind: str) -> Received:
        fields = {name: value for name, value in (order.fields or {}).items() if name != "password"}
        content_type = self.headers.get("Content-Type", "")
        return Received(order.call, kind, fields, order.token, self._number, content_type)

    def _body(self) -> bytes | None:
        """Return the request's body; None if it was refused, or if the client left before its end."""
        declared = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers:
            refusal = 411
        elif not re.fullmatch("[0-9]{1,18}", declared):
            refusal = 400
        elif int(declared) > _MAX_BODY:
            refusal = 413
        else:
            body = self.rfile.read(int(declared))
            self.close_connection |= len(body) < int(declared)
            return body if len(body) == int(declared) else None
        self._send(Response.page(refusal, last=True))
        return None

    def _send(self, response: Response) -> None:
        self.write(response.head() + (b"" if self.command == "HEAD" else response.body))
        if response.last:
            self.close_connection = True
            self._drain()

    def _drain(self) -> None:
        # Closing on bytes that nobody read resets the connection, and a reset can overtake the response.
        self.connection.settimeout(1)
        left = _MAX_DRAIN
        with suppress(OSError):
            socket.socket.shutdown(self.connection, socket.SHUT_WR)
            while left > 0 and (data := self.connection.recv(_CHUNK)):
                left -= len(data)

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.wfile.write(data)

    def pause(self, seconds: float) -> bool:
        """Wait so long, or until the sandbox closes; tell whether it closes."""
        return self.server.closing.wait(seconds)

    def hang_up(self, *, reset: bool = False) -> None:
        """Close the connection; with ``reset`` so that the client gets a reset instead of an end."""
        self.close_connection = True
        if reset:
            linger = struct.pack("ii" if os.name == "posix" else "hh", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
