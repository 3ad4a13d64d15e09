"""One POST after the other over one connection to a PBX. The only module that knows httpx.

Every error of the transport is mapped to `pbxsync.errors`: what never left is `NotSent`, what left and brought no
whole answer is `AnswerLost`.

The access token travels in the query string. So requests go through `httpx.HTTPTransport` itself: `httpx.Client` would
log each address, token included, and no error made here holds an address.
"""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from pbxsync import __version__
from pbxsync.errors import AnswerLost, CertificateRefused, NotSent
from pbxsync.urls import is_loopback

#: The largest answer that is read, in bytes.
MAX_ANSWER = 16 * 1024 * 1024

IS_IT_A_PBX = "is the address that of a PBX with this API?"


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer: its status, where it redirects to (or an empty text), its body."""

    status: int
    location: str
    body: bytes


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
        self._http = httpx.HTTPTransport(verify=verify, trust_env=False, limits=limits, proxy=_proxy(url))

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def post(self, call: str, target: str, content_type: str, body: bytes) -> Reply:
        """Send one request and read its whole answer.

        ``target`` is path and query. Redirects are not followed. Raises NotSent, CertificateRefused, AnswerLost.
        """
        try:
            return self._exchange(call, self._request(target, content_type, body))
        except httpx.InvalidURL as error:
            raise NotSent(call, f"{call}: the address {self._url} can't be used ({error})") from None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise self._not_sent(call, error) from None
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.PoolTimeout) as error:
            raise NotSent(call, f"{call}: the request could not be made ({type(error).__name__})") from None
        except httpx.TimeoutException:
            raise AnswerLost(call, f"{call}: no answer within {self._timeout:g} s (see --timeout)") from None
        except httpx.HTTPError as error:
            raise AnswerLost(call, f"{call}: the connection broke before the answer was complete ({error})") from None

    def _request(self, target: str, content_type: str, body: bytes) -> httpx.Request:
        timeout = self._timeout
        return httpx.Request(
            "POST",
            self._url + target,
            headers={
                "Content-Type": content_type,
                "Accept-Encoding": "identity",
                "User-Agent": f"pbxsync/{__version__}",
            },
            content=body,
            extensions={"timeout": {"connect": timeout, "read": timeout, "write": timeout, "pool": timeout}},
        )

    def _exchange(self, call: str, request: httpx.Request) -> Reply:
        deadline = time.monotonic() + self._timeout
        response = self._http.handle_request(request)
        try:
            stream = response.extensions.get("network_stream")
            address = stream.get_extra_info("client_addr") if stream is not None else None
            self.local_address = address[0] if address else self.local_address
            body = _bounded(call, response, deadline)
        finally:
            response.close()
        return Reply(response.status_code, response.headers.get("location", ""), body)

    def _not_sent(self, call: str, error: httpx.TransportError) -> NotSent:
        host = urlsplit(self._url).netloc
        cause = _tls_cause(error)
        if isinstance(cause, ssl.SSLCertVerificationError):
            message = (
                f"{call}: the certificate of {host} is not trusted ({cause.verify_message}); give the CA that signed "
                "it with --ca-file, or, where nobody can listen in, take any with --insecure"
            )
            return CertificateRefused(call, message)
        if cause is not None:
            message = f"{call}: {host} does not speak TLS as it should ({cause.reason}); is it an http:// address?"
            return CertificateRefused(call, message)
        if isinstance(error, httpx.ConnectTimeout):
            return NotSent(call, f"{call}: can't connect to {host} within {self._timeout:g} s; is it up?")
        return NotSent(call, f"{call}: can't reach {host} ({error}); is the address right and the PBX up?")


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


def _bounded(call: str, response: httpx.Response, deadline: float) -> bytes:
    """The body, within MAX_ANSWER bytes and before the deadline."""
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > MAX_ANSWER:
            raise AnswerLost(call, f"{call}: the answer is larger than {MAX_ANSWER >> 20} MiB; {IS_IT_A_PBX}")
        if time.monotonic() > deadline:
            raise AnswerLost(call, f"{call}: the answer was not complete in time (see --timeout)")
    return bytes(body)
