"""What goes over the connection to a PBX, seen below httpx. The only importer of h11.

httpx does not report whether a byte of an answer came before the connection ended, nor whether bytes came after the
answer: these would count as the answer to the next request. It also limits the time of each read, not of the whole
answer: a PBX that sends a byte now and then would never run out of time. So a `Wire` follows each read.
"""

from __future__ import annotations

import contextlib
import hashlib
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import h11

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

# The parser of an answer needs to know the method of its request, and nothing else of it.
_REQUEST = h11.Request(method="POST", target="/", headers=[("Host", "pbx")])
#: No limit of its own on the size of an answer's head: httpx has one.
_ANY_HEAD = 1 << 30


@dataclass(frozen=True, slots=True)
class Certificate:
    """A PBX's certificate. ``names`` is empty where it has no subjectAltName, and None where it can't be read."""

    der: bytes = field(repr=False)
    names: tuple[str, ...] | None

    @property
    def fingerprint(self) -> str:
        """The SHA-256 fingerprint in lower-case hex."""
        return hashlib.sha256(self.der).hexdigest()


class WrongPin(Exception):
    """The certificate is none of the pinned ones."""

    def __init__(self, certificate: Certificate) -> None:
        super().__init__(certificate)
        self.certificate = certificate


class Wire:
    """The connection of one httpx transport, followed from its begin. It is httpcore's ``trace`` extension.

    An answer that is not whole after ``timeout`` seconds ends in a TimeoutError. With ``pins`` a certificate that has
    none of these SHA-256 fingerprints, in lower-case hex, ends in a WrongPin before a byte of the request goes out.
    """

    def __init__(self, timeout: float, pins: tuple[str, ...]) -> None:
        self._timeout = timeout
        self._pins = pins
        self._socket: socket.socket
        self._deadline: float
        self._answer: h11.Connection
        #: This side's address on the connection.
        self.local_address = "127.0.0.1"
        #: How many whole answers the present connection has brought.
        self.answers = 0
        #: Whether the present request, or a part of it, has left.
        self.left = False
        #: Whether a byte of the answer to the present request came.
        self.answered = False

    def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        """Take note of an event of httpcore, such as ``connection.connect_tcp.complete``."""
        step = event.partition(".")[2]
        if step == "connect_tcp.complete":
            self.answers = 0
            self._follow(info["return_value"])
        elif step == "start_tls.complete":
            self._follow(info["return_value"])
            self._check_pin(info["return_value"])
        elif step == "send_request_headers.started":
            # The first request on a connection through a proxy is a CONNECT to that.
            self.left = info["request"].method == b"POST"
            self.answered = False
            self._deadline = time.monotonic() + self._timeout
            self._answer = h11.Connection(h11.CLIENT, max_incomplete_event_size=_ANY_HEAD)
            self._answer.send(_REQUEST)

    def begin(self) -> None:
        """Forget the request before."""
        self.left = self.answered = False

    def end(self) -> bytes | None:
        """Take note that the answer is whole, and return what came after it.

        That is bytes, or none of them where the connection has ended, or None where the connection is silent.
        """
        self.answers += 1
        return self._answer.trailing_data[0] or self._read_at_once()

    def _follow(self, stream: Any) -> None:
        """Follow the reads of a stream of httpcore, which has no events for them.

        Each may take the rest of the time for the whole answer, whatever httpcore gives it.
        """
        read = stream.read

        def followed(max_bytes: int, timeout: float | None = None) -> bytes:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            data: bytes = read(max_bytes, left)
            if data:
                self._receive(data)
            return data

        stream.read = followed
        self._socket = stream.get_extra_info("socket")
        self.local_address = self._socket.getsockname()[0]

    def _check_pin(self, stream: Any) -> None:
        secured = stream.get_extra_info("socket")
        certificate = Certificate(secured.getpeercert(binary_form=True), _names(secured))
        if self._pins and certificate.fingerprint not in self._pins:
            stream.close()
            raise WrongPin(certificate)

    def _receive(self, data: bytes) -> None:
        self.answered = True
        with contextlib.suppress(h11.RemoteProtocolError):  # httpx finds it too, and reports it
            self._answer.receive_data(data)
            while self._answer.next_event() not in (h11.NEED_DATA, h11.PAUSED):
                pass

    def _read_at_once(self) -> bytes | None:
        """What can be read without waiting: bytes, none where the connection has ended, None where it is silent."""
        try:
            self._socket.settimeout(0)  # httpcore sets it for each of its own reads and writes
            return self._socket.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        except OSError:
            return b""


def _names(secured: ssl.SSLSocket) -> tuple[str, ...] | None:
    """The names in the certificate, which Python decodes only where it was checked."""
    fields: Any = secured.getpeercert()
    return tuple(name for _, name in fields.get("subjectAltName", ())) if fields else None
