"""One POST after the other over one connection to a PBX. The only module that knows httpx.

Every error of the transport is mapped to `pbxsync.errors`: what never left is `NotSent`, what left and brought no
whole answer is `AnswerLost`.

The access token travels in the query string. So requests go through `httpx.HTTPTransport` itself: `httpx.Client` would
log each address, token included. No error made here holds an address, nor words of a server, which may repeat one.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import sys
import threading
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pbxsync import __version__
from pbxsync.errors import AnswerLost, CertificateRefused, NotSent, SettingsError
from pbxsync.threads import without_signals
from pbxsync.urls import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# httpx imports its own command line, and rich with it, where rich is installed; it goes without where that is missing.
sys.modules["httpx._main"] = None  # type: ignore[assignment]
try:
    import httpx
finally:
    del sys.modules["httpx._main"]

#: The largest answer that is read, in bytes.
MAX_ANSWER = 16 * 1024 * 1024

IS_IT_A_PBX = "is the address that of a PBX with this API?"


_exchanging: ContextVar[bool] = ContextVar("_exchanging", default=False)


class _OthersOnly(logging.Filter):
    """Keeps the records of exchanges made here out of every log, and lets those of anyone else pass.

    At DEBUG httpcore logs the head of each answer, and a redirect repeats the query string with the token.
    """

    def filter(self, _record: logging.LogRecord) -> bool:
        return not _exchanging.get()


_OTHERS_ONLY = _OthersOnly()


@contextlib.contextmanager
def _unlogged() -> Iterator[None]:
    before = _exchanging.set(True)
    try:
        yield
    finally:
        _exchanging.reset(before)


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer: status, two headers (empty where missing), body. All but the status may hold the token."""

    status: int
    location: str = field(repr=False)
    retry_after: str = field(repr=False)
    body: bytes = field(repr=False)


class _Watch:
    """Sees a request leave, and from then on gives the whole answer ``timeout`` seconds.

    httpx limits each read alone: a PBX that sends a byte now and then would never run out of time. So once the time
    is up, the socket is shut down, and the read that waits on it ends. Given to httpx as its ``trace`` extension.
    """

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self._socket: socket.socket
        self._guard = threading.Lock()
        #: When the time is up, on the monotonic clock; None while nothing is waited for.
        self.deadline: float | None = None
        self.left = False
        self.expired = False

    def begin(self) -> None:
        """Forget the request before."""
        self.left = self.expired = False

    def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        """Told by httpcore how far it is."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self._socket = info["return_value"].get_extra_info("socket")
        elif event.endswith(".send_request_headers.started"):
            # The first request on a connection through a proxy is a CONNECT to that.
            self.left = info["request"].method == b"POST"
            self.deadline = time.monotonic() + self.timeout

    def end(self) -> None:
        """Stop the clock; after this it does nothing any more."""
        with self._guard:
            self.deadline = None

    def expire(self) -> None:
        """End what waits on the socket, if the time is up."""
        with self._guard:
            if self.deadline is None or self.deadline > time.monotonic():
                return
            self.deadline = None
            self.expired = True
            with contextlib.suppress(OSError):
                # Not SSLSocket's own shutdown, which takes TLS away from under the thread that reads.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class _Clock:
    """One thread that looks after all watches of the process: to start one takes longer than a request does."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._watches: set[_Watch] = set()
        self._thread: threading.Thread | None = None

    def add(self, watch: _Watch) -> None:
        """Look after it from now on."""
        with self._changed:
            self._watches.add(watch)
            if self._thread is None or not self._thread.is_alive():  # a child process has none of its parent's threads
                self._thread = threading.Thread(target=self._run, daemon=True)
                with without_signals():
                    self._thread.start()
            self._changed.notify()

    def remove(self, watch: _Watch) -> None:
        """Look after it no longer."""
        with self._changed:
            self._watches.discard(watch)
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._watches:
                    self._thread = None
                    return
                self._changed.wait(self._sleep())
                due = list(self._watches)
            for watch in due:
                watch.expire()

    def _sleep(self) -> float:
        """How many seconds there are until a time may be up, also that of a request that leaves in a moment."""
        now = time.monotonic()
        ends = [watch.deadline for watch in self._watches]
        waits = [watch.timeout for watch in self._watches] + [end - now for end in ends if end is not None]
        return max(0.0, min(waits))


_CLOCK = _Clock()


class Transport:
    """One connection to one address; ``timeout`` is in seconds, for connecting and again for the whole answer."""

    def __init__(self, url: str, timeout: float, tls: ssl.SSLContext | None) -> None:
        self._url = url
        self._timeout = timeout
        #: This side's address on the connection, for the calls that tell it to the PBX.
        self.local_address = "127.0.0.1"
        verify: ssl.SSLContext | bool = False
        if url.startswith("https://"):
            verify = tls or ssl.create_default_context()
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
        #: Taken apart once for each call that there is: that takes as long as half of a request does.
        self._urls: dict[str, httpx.URL] = {}
        self._watch = _Watch(timeout)
        for name in ("connection", "http11", "proxy"):
            logging.getLogger(f"httpcore.{name}").addFilter(_OTHERS_ONLY)  # once is enough, and twice is once
        try:
            self._proxy = _proxy(url)
            self._http = httpx.HTTPTransport(verify=verify, trust_env=False, limits=limits, proxy=self._proxy)
        except (httpx.InvalidURL, ValueError, ImportError):
            # Not the reason in httpx's words: they repeat the proxy's address, which may hold a password.
            raise SettingsError(
                "the proxy that the environment names can't be used; write one such as http://192.0.2.1:3128, or name "
                "the PBX in NO_PROXY"
            ) from None

        _CLOCK.add(self._watch)

    def close(self) -> None:
        """Close the connection."""
        _CLOCK.remove(self._watch)
        with _unlogged():
            self._http.close()

    def post(self, call: str, target: str, content_type: str, body: bytes) -> Reply:
        """Send one request and read its whole answer.

        ``target`` is path and query. Redirects are not followed. Raises NotSent, CertificateRefused, AnswerLost.
        """
        self._watch.begin()
        try:
            with _unlogged():
                reply = self._exchange(call, self._request(target, content_type, body))
        except (httpx.InvalidURL, httpx.RequestError, UnicodeError) as error:
            # The last is a host that no resolver takes, such as one with an empty label.
            raise self._failure(call, error) from None
        finally:
            self._watch.end()
        if self._watch.expired:
            # An answer without a length ends where the socket was shut down, as if it were whole.
            raise self._late(call)
        return reply

    def _request(self, target: str, content_type: str, body: bytes) -> httpx.Request:
        timeout = self._timeout
        url = self._urls.get(target)
        if url is None:
            url = self._urls[target] = httpx.URL(self._url + target)
        return httpx.Request(
            "POST",
            url,
            headers={
                "Content-Type": content_type,
                "Accept-Encoding": "identity",
                "User-Agent": f"pbxsync/{__version__}",
            },
            content=body,
            extensions={
                "timeout": {"connect": timeout, "read": timeout, "write": timeout, "pool": timeout},
                "trace": self._watch,
            },
        )

    def _exchange(self, call: str, request: httpx.Request) -> Reply:
        response = self._http.handle_request(request)
        try:
            stream = response.extensions.get("network_stream")
            address = stream.get_extra_info("client_addr") if stream is not None else None
            self.local_address = address[0] if address else self.local_address
            body = _bounded(call, response, xml="xml" in request.headers["content-type"])
        finally:
            response.close()
        headers = response.headers
        return Reply(response.status_code, headers.get("location", ""), headers.get("retry-after", ""), body)

    def _failure(self, call: str, error: Exception) -> NotSent | AnswerLost:
        """What an error of httpx means: nothing of the request left, or its answer is lost."""
        if not self._watch.left:
            return self._not_sent(call, error)
        if self._watch.expired or isinstance(error, httpx.TimeoutException):
            return self._late(call)
        return AnswerLost(call, f"{call}: the connection broke before the answer was complete{_because(error)}")

    def _late(self, call: str) -> AnswerLost:
        return AnswerLost(call, f"{call}: no whole answer within {self._timeout:g} s (see --timeout)")

    def _not_sent(self, call: str, error: Exception) -> NotSent:
        if not isinstance(error, httpx.RequestError):
            return NotSent(call, f"{call}: the address {self._url} can't be used")
        host = urlsplit(self._url).netloc
        cause = _tls_cause(error)
        if isinstance(cause, ssl.SSLCertVerificationError):
            message = f"the certificate of {host} is not trusted ({cause.verify_message}); {_way_out(cause)}"
            return CertificateRefused(
                call, f"{call}: {message}, or, where nobody can listen in, take any with --insecure"
            )
        if isinstance(cause, ssl.SSLEOFError):
            # A PBX that is starting does so; and a retry does no harm where nothing was sent.
            return NotSent(call, f"{call}: {host} closed the connection during the TLS handshake; is it up?")
        if cause is not None:
            message = f"{call}: {host} does not speak TLS as it should ({cause.reason}); is it an http:// address?"
            return CertificateRefused(call, message)
        if self._watch.expired or isinstance(error, httpx.TimeoutException):
            return NotSent(call, f"{call}: can't connect to {host} within {self._timeout:g} s; is it up?")
        if self._proxy is not None:
            way = "through the proxy that the environment names (see NO_PROXY)"
            return NotSent(call, f"{call}: can't reach {host} {way}{_because(error)}")
        return NotSent(call, f"{call}: can't reach {host}{_because(error)}; is the address right and the PBX up?")


def _because(error: Exception) -> str:
    """The reason in brackets, where it comes from the system and not from a server, which may repeat the request."""
    if isinstance(error, httpx.ProxyError):
        status = str(error)[:3]  # what follows are the proxy's words
        return f" (HTTP {status})" if status.isascii() and status.isdigit() else ""
    return f" ({error})" if isinstance(error, httpx.NetworkError) and str(error) else ""


def _way_out(error: ssl.SSLCertVerificationError) -> str:
    """What to do about a certificate that is refused, by OpenSSL's number of the reason (X509_V_ERR_…)."""
    if error.verify_code in (62, 64):  # HOSTNAME_MISMATCH, IP_ADDRESS_MISMATCH
        return "name the PBX in pbx.url as its certificate does"
    if error.verify_code in (9, 10):  # CERT_NOT_YET_VALID, CERT_HAS_EXPIRED
        return "renew it on the PBX (are the clocks right, there and here?)"
    return "give the CA that signed it with --ca-file"


def _proxy(url: str) -> httpx.Proxy | None:
    """The proxy that the environment names for this address, if any; none for this machine's own addresses."""
    from urllib.request import getproxies_environment, proxy_bypass

    parts = urlsplit(url)
    named = getproxies_environment()
    address = named.get(parts.scheme) or named.get("all")
    if not address or is_loopback(url) or proxy_bypass(parts.netloc):
        return None
    return httpx.Proxy(address if "://" in address else f"http://{address}")


def _tls_cause(error: BaseException) -> ssl.SSLError | None:
    """The TLS fault that a connection failed for, if it was one."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None


def _bounded(call: str, response: httpx.Response, *, xml: bool) -> bytes:
    """The body, within MAX_ANSWER bytes."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        # None was asked for, and what unpacks to a thousand times its size would be no bounded answer.
        raise AnswerLost(call, f"{call}: the answer is compressed, though that was not asked for; {IS_IT_A_PBX}")
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > MAX_ANSWER:
            shorter = " (JSON is shorter: --type json)" if xml else ""
            size = f"larger than {MAX_ANSWER >> 20} MiB{shorter}"
            raise AnswerLost(call, f"{call}: the answer is {size}, and is not read on; {IS_IT_A_PBX}")
    return bytes(body)
