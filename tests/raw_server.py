"""A server on loopback that answers with whatever bytes a test wants, also with what no HTTP server would send."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self, TypeAlias

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from types import TracebackType

#: Either the bytes of an answer, after which the connection is closed, or what to do with connection and request.
Answer: TypeAlias = "bytes | Callable[[socket.socket, bytes], None]"


def http(body: bytes, *, status: str = "200 OK", headers: str = "", keep: bool = False, length: int = -1) -> bytes:
    """An HTTP answer with this body, of its ``length``; with ``keep`` the connection is kept open after it."""
    close = "" if keep else "Connection: close\r\n"
    size = len(body) if length < 0 else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{close}{headers}\r\n".encode() + body


class RawServer:
    """Answers the first request with the first answer and so on, and all further with the last.

    A connection is closed after one answer, or with ``keep`` after so many. With ``tls`` connections are encrypted.
    Without ``listen`` connections are refused until `listen` is called, on the same port.
    """

    def __init__(self, *answers: Answer, listen: bool = True, keep: int = 1, tls: ssl.SSLContext | None = None) -> None:
        self._answers = answers
        self._keep = keep
        self._tls = tls
        self._socket = socket.create_server(("127.0.0.1", 0)) if listen else socket.socket()
        if not listen:
            self._socket.bind(("127.0.0.1", 0))
        self._closing = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._current: socket.socket | None = None
        self.requests: list[bytes] = []
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        self.connections = 0
        if listen:
            self._thread.start()

    def listen(self) -> None:
        """Accept connections from now on."""
        self._socket.listen()
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._closing = True
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        if self._current is not None:
            with suppress(OSError):
                self._current.shutdown(socket.SHUT_RDWR)
        if self._thread.ident is not None:
            self._thread.join(5)
        self._socket.close()
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        while not self._closing:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            # What a test sends is there at once, also before the client has acknowledged what came before it.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._current = connection
            self.connections += 1
            with connection, suppress(OSError):
                if self._tls is None:
                    self._answer(connection)
                else:
                    with self._tls.wrap_socket(connection, server_side=True) as secured:
                        self._current = secured
                        self._answer(secured)

    def _answer(self, connection: socket.socket) -> None:
        """Answer the requests of one connection."""
        for _ in range(self._keep):
            request = _read(connection)
            if not request:
                return
            self.requests.append(request)
            answer = self._answers[min(len(self.requests), len(self._answers)) - 1]
            if callable(answer):
                answer(connection, request)
            else:
                connection.sendall(answer)


def _read(connection: socket.socket) -> bytes:
    """One request, head and body; empty where the client left before its end."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    found = re.search(rb"(?i)content-length: ([0-9]+)", head)
    missing = (int(found[1]) if found else 0) - len(body)
    while missing > 0:
        more = connection.recv(65536)
        if not more:
            return b""
        data, missing = data + more, missing - len(more)
    return data
