"""One POST after the other to one PBX, over a connection that is kept between them where that is safe.

The only importer of httpx. Every fault is mapped to `pbxsync.errors`: what never left is `NotSent`, what left and
brought no whole answer is `AnswerLost`.

The access token travels in the query string. So requests go through `httpx.HTTPTransport` itself: `httpx.Client` would
log each address, token included. No error made here holds an address with a query, nor words of a server, which may
repeat one.
"""

from __future__ import annotations

import contextlib
import logging
import ssl
import sys
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from pbxsync import __version__
from pbxsync.errors import AnswerLost, CertificateRefused, NotSent, SettingsError
from pbxsync.proxies import proxy_for
from pbxsync.tls_faults import certificate_fault, handshake_fault, pin_fault
from pbxsync.wire import Wire, WrongPin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pbxsync.wire import Certificate

# httpx imports its own command line, and rich with it, where rich is installed; it goes without where that is missing.
sys.modules["httpx._main"] = None  # type: ignore[assignment]
try:
    import httpx
finally:
    del sys.modules["httpx._main"]

#: The largest answer that is read, in bytes.
MAX_ANSWER = 16 * 1024 * 1024
#: After so many seconds without a request a connection is not used again: many web servers close it about then.
MAX_IDLE = 5.0

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


class Transport:
    """Requests to one address; ``timeout`` is in seconds, for connecting and again for the whole answer.

    With ``pins`` the PBX's certificate must have one of these SHA-256 fingerprints, in lower-case hex, besides what
    ``tls`` asks for. Raises SettingsError where the environment names a proxy that can't be used.
    """

    def __init__(self, url: str, timeout: float, tls: ssl.SSLContext | None, pins: tuple[str, ...] = ()) -> None:
        self._url = url
        self._timeout = timeout
        secure = url.startswith("https://")
        self._tls: ssl.SSLContext | bool = (tls or ssl.create_default_context()) if secure else False
        self._wire = Wire(timeout, pins)
        self._proxy = _proxy(url)
        self._http: httpx.HTTPTransport | None = None
        #: Parsed once for each call: that takes as long as half of a request does.
        self._urls: dict[str, httpx.URL] = {}
        #: Whether each request goes over a connection of its own.
        self.fresh = False
        for name in ("connection", "http11", "proxy"):
            logging.getLogger(f"httpcore.{name}").addFilter(_OTHERS_ONLY)  # once is enough, and twice is once

    @property
    def local_address(self) -> str:
        """The address of this side of the connection, for the calls that report it to the PBX."""
        return self._wire.local_address

    def close(self) -> None:
        """Close the connection."""
        if self._http is not None:
            with _unlogged():
                self._http.close()
            self._http = None

    def post(self, call: str, target: str, content_type: str, body: bytes) -> Reply:
        """Send one request and read its whole answer.

        ``target`` is path and query. Redirects are not followed. Raises NotSent, CertificateRefused, AnswerLost.
        """
        if self.fresh:
            self.close()
        self._wire.begin()
        try:
            with _unlogged():
                reply, rest = self._exchange(call, self._request(target, content_type, body))
        except (httpx.InvalidURL, httpx.RequestError, OSError, UnicodeError, WrongPin) as error:
            # A UnicodeError comes from a host that no resolver takes, such as one with an empty label.
            self.close()
            raise self._failure(call, error) from None
        except BaseException:
            self.close()
            raise
        if rest is not None or self.fresh:
            self.close()
        if rest:
            why = "bytes came after the answer (a second one, or a wrong Content-Length)"
            raise AnswerLost(call, f"{call}: {why}, so that it can't be trusted")
        return reply

    def _request(self, target: str, content_type: str, body: bytes) -> httpx.Request:
        url = self._urls.get(target)
        if url is None:
            url = self._urls[target] = httpx.URL(self._url + target)
        headers = {
            "User-Agent": f"pbxsync/{__version__}",
            "Accept-Encoding": "identity",
            "Content-Type": content_type,
        }
        if self.fresh:
            headers["Connection"] = "close"
        return httpx.Request("POST", url, headers=headers, content=body, extensions=self._extensions(self._wire))

    def _extensions(self, wire: Wire) -> dict[str, object]:
        limits = dict.fromkeys(("connect", "read", "write", "pool"), self._timeout)
        return {"timeout": limits, "trace": wire}

    def _exchange(self, call: str, request: httpx.Request) -> tuple[Reply, bytes | None]:
        """Send a request; return its answer, and what came after that (see `Wire.end`)."""
        if self._http is None:
            self._http = self._opened(self._tls)
        response = self._http.handle_request(request)
        try:
            body = _bounded(call, response, xml="xml" in request.headers["content-type"])
            rest = self._wire.end()
        finally:
            response.close()
        headers = response.headers
        return Reply(response.status_code, headers.get("location", ""), headers.get("retry-after", ""), body), rest

    def _opened(self, tls: ssl.SSLContext | bool) -> httpx.HTTPTransport:
        """A transport for one connection. Before each request it checks that this one is silent, or makes another."""
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=MAX_IDLE)
        return httpx.HTTPTransport(verify=tls, trust_env=False, limits=limits, proxy=self._proxy)

    def _failure(self, call: str, error: Exception) -> NotSent | AnswerLost:
        """What an error means: nothing of the request left, or its answer is lost."""
        cause = _cause(error)
        return self._lost(call, cause) if self._wire.left else self._not_sent(call, cause)

    def _lost(self, call: str, error: Exception) -> AnswerLost:
        """What an error after the request left means."""
        if _is_time_limit(error):
            return AnswerLost(call, f"{call}: no whole answer within {self._timeout:g} s (see --timeout)", late=True)
        ended = isinstance(error, ConnectionError | httpx.ProtocolError | ssl.SSLEOFError | ssl.SSLZeroReturnError)
        silent = ended and self._wire.answers > 0 and not self._wire.answered
        message = f"{call}: the connection broke before the answer was complete{_because(error)}"
        return AnswerLost(call, message, silent=silent)

    def _not_sent(self, call: str, error: Exception) -> NotSent:
        """What an error before the request left means."""
        host = urlsplit(self._url).netloc
        if isinstance(error, WrongPin):
            return CertificateRefused(call, f"{call}: {pin_fault(self._url, error.certificate)}")
        if isinstance(error, ssl.SSLError):
            return self._tls_refused(call, error)
        if not isinstance(error, httpx.RequestError | OSError):
            return NotSent(call, f"{call}: the address {self._url} can't be used")
        if _is_time_limit(error):
            return NotSent(call, f"{call}: can't connect to {host} within {self._timeout:g} s; is it up?")
        if self._proxy is not None:
            way = "through the proxy that the environment names (see NO_PROXY)"
            return NotSent(call, f"{call}: can't reach {host} {way}{_because(error)}")
        return NotSent(call, f"{call}: can't reach {host}{_because(error)}; is the address right and the PBX up?")

    def _tls_refused(self, call: str, error: ssl.SSLError) -> NotSent:
        if isinstance(error, ssl.SSLCertVerificationError):
            fault = certificate_fault(error, self._url, self._shown_certificate())
            return CertificateRefused(call, f"{call}: {fault}")
        if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            # A PBX that is starting does so; and a retry does no harm where nothing was sent.
            host = urlsplit(self._url).netloc
            return NotSent(call, f"{call}: {host} closed the connection during the TLS handshake; is it up?")
        return CertificateRefused(call, f"{call}: {handshake_fault(error, self._url)}")

    def _shown_certificate(self) -> Certificate | None:
        """The certificate that the PBX shows; None where it can't be fetched."""
        unchecked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        unchecked.check_hostname = False
        unchecked.verify_mode = ssl.CERT_NONE
        shown = self._certificate(unchecked)
        if shown is None:
            return None
        # Python decodes a trusted certificate alone, so another connection trusts this one.
        trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusting.check_hostname = False
        trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        with contextlib.suppress(ssl.SSLError):
            trusting.load_verify_locations(cadata=shown.der)
        return self._certificate(trusting) or shown

    def _certificate(self, tls: ssl.SSLContext) -> Certificate | None:
        """The certificate of the PBX, by a connection that ends before a request: no pin fits."""
        request = httpx.Request("GET", self._url, extensions=self._extensions(Wire(self._timeout, ("none",))))
        with _unlogged(), self._opened(tls) as http:
            try:
                http.handle_request(request)
            except WrongPin as found:
                return found.certificate
            except (httpx.RequestError, OSError):
                return None
        return None


def _proxy(url: str) -> httpx.Proxy | None:
    """The proxy that the environment names for this address. Raises SettingsError where that can't be used."""
    address = proxy_for(url)
    if address is None:
        return None
    try:
        proxy = httpx.Proxy(address)
    except (httpx.InvalidURL, ValueError):
        # Not the reason in httpx's words: they repeat the proxy's address, which may hold a password.
        proxy = None
    if proxy is None or proxy.url.scheme != "http" or not proxy.url.host:
        raise SettingsError(
            "the proxy that the environment names can't be used; write one such as http://192.0.2.1:3128, or name the "
            "PBX in NO_PROXY"
        )
    return proxy


def _cause(error: Exception) -> Exception:
    """The system's error that an error of httpx was made from, where there is one; else the error itself."""
    if isinstance(error, httpx.NetworkError | httpx.TimeoutException) and error.__cause__ is not None:
        # httpx names httpcore's error as the cause; httpcore removes the cause of that, but not its context.
        cause = error.__cause__.__context__
        if isinstance(cause, OSError):
            return cause
    return error


def _is_time_limit(error: Exception) -> bool:
    """Whether the time limit ended it. The system's own «timed out», of a connection that is gone, has an errno."""
    return isinstance(error, httpx.TimeoutException) or (isinstance(error, TimeoutError) and error.errno is None)


def _because(error: Exception) -> str:
    """The reason in brackets, where it comes from the system and not from a server, which may repeat the request."""
    if isinstance(error, httpx.ProxyError):
        status = str(error)[:3]  # what follows are the proxy's words
        return f" (HTTP {status})" if status.isascii() and status.isdigit() else ""
    return f" ({error})" if isinstance(error, OSError) and str(error) else ""


def _bounded(call: str, response: httpx.Response, *, xml: bool) -> bytes:
    """The body, within MAX_ANSWER bytes."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        # None was asked for, and what unpacks to a thousand times its size would be no bounded answer.
        raise AnswerLost(call, f"{call}: the answer is compressed, though that was not asked for; {IS_IT_A_PBX}")
    body = bytearray()
    # Not iter_raw, which may close the connection before it is known what comes after the answer.
    for chunk in cast("httpx.SyncByteStream", response.stream):
        body += chunk
        if len(body) > MAX_ANSWER:
            shorter = " (JSON is shorter: --type json)" if xml else ""
            size = f"larger than {MAX_ANSWER >> 20} MiB{shorter}"
            raise AnswerLost(call, f"{call}: the answer is {size}, and is not read on; {IS_IT_A_PBX}")
    return bytes(body)
