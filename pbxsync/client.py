"""The PBX's calls: what each sends, what its answer means, and which of them may be sent again.

The API is the vendor's (UC Series IPPBX, API v0.0.1): ``POST {url}/api/v0.0.1/{call}?token=…&type=…``, answered with
HTTP 200 whether the call worked or not; only ``"status": "Success"`` in the body means that it did.
"""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self, TypeVar
from urllib.parse import quote, urlsplit

from pbxsync.answers import device_info, route_list, trunk_list
from pbxsync.codec import CONTENT_TYPES, Unreadable, Value, decode, encode
from pbxsync.errors import AnswerLost, CallUnknown, CertificateRefused, LoginRefused, NotSent, PbxError, Refused
from pbxsync.names import route_fault
from pbxsync.refusals import hint, means_token_is_dead, means_unknown_call
from pbxsync.transport import IS_IT_A_PBX, Transport
from pbxsync.urls import is_loopback

if TYPE_CHECKING:
    import ssl
    import threading
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from tenacity import RetryCallState

    from pbxsync.model import DeviceInfo, KnownRoute, Route, Trunk
    from pbxsync.transport import Reply

# The manual requires a port in login and heartbeat, where the caller would listen for event reports; its examples
# send this one. pbxsync listens nowhere.
_EVENT_PORT = "8260"

log = logging.getLogger("pbxsync.client")

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What opens the API: a ready token, or a user name and password to log in with, or both.

    The secrets are left out of the object's repr.
    """

    token: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def can_log_in(self) -> bool:
        """Whether there is a user name and a password."""
        return self.username is not None and self.password is not None


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach one PBX.

    ``url`` is its address without the API's path, ``type`` the format of bodies (``json`` or ``xml``), ``timeout`` the
    seconds that connecting, and then the whole answer, may take, ``retries`` how often a request that never left, or
    a query, is tried again. ``tls`` is the context that certificates are checked with; None takes the system's.
    """

    url: str
    type: str = "json"
    timeout: float = 30.0
    retries: int = 3
    tls: ssl.SSLContext | None = None


class Client:
    """One PBX, over one connection, one call at a time; a context manager that logs out and closes.

    Every method raises `NotSent`, `Refused` or `AnswerLost`, all of them `PbxError`. ``warn`` is told once when a
    secret goes over plain HTTP. ``stop`` ends the wait between two tries early. ``called`` is told of each answer.
    """

    def __init__(
        self,
        connection: Connection,
        credentials: Credentials,
        *,
        warn: Callable[[str], None] = log.warning,
        stop: threading.Event | None = None,
        called: Callable[[], None] = lambda: None,
    ) -> None:
        self._called = called
        self._connection = connection
        self._credentials = credentials
        self._token = credentials.token
        self._logged_in = False
        self._renewed = False
        self._warn = warn
        self._warned = False
        self._stop = stop
        self._transport = Transport(connection.url, connection.timeout, connection.tls)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        # Whoever interrupts does not want to wait for the answer to a logout.
        self._logged_in = self._logged_in and (error is None or isinstance(error, Exception))
        self.close()

    def close(self) -> None:
        """Log out, if this client logged in, and close the connection. A logout that fails is nobody's loss."""
        try:
            if self._logged_in and not (self._stop and self._stop.is_set()):
                self._logged_in = False
                self._once("logout", {})
        except PbxError as error:
            log.info("logout: %s", error)
        finally:
            self._transport.close()

    @property
    def logged_in(self) -> bool:
        """Whether this client has logged in by itself; a ready token proves nothing yet."""
        return self._logged_in

    # The calls, in the order of the manual.

    def login(self) -> None:
        """Trade user name and password for a token. Raises LoginRefused, which must not be tried again."""
        credentials = self._credentials
        fields = {
            "username": credentials.username or "",
            "password": hashlib.md5((credentials.password or "").encode(), usedforsecurity=False).hexdigest(),
            "port": _EVENT_PORT,
        }
        answer = self._attempts("login", fields, again=_never_left)
        token = answer.get("token")
        if not isinstance(token, str) or not token:
            raise AnswerLost("login", "login: the PBX says Success but sends no token")
        self._token = token
        self._logged_in = True

    def heartbeat(self) -> None:
        """Tell the PBX that the session lives on."""
        fields = {"ipaddr": self._transport.local_address, "port": _EVENT_PORT}
        self._call("heartbeat", fields, again=_answer_is_harmless)

    def query_routes(self) -> tuple[KnownRoute, ...]:
        """Every outbound route in the PBX's order of precedence (``outroute/query`` with ``all``)."""
        answer = self._call("outroute/query", {"name": "all"}, again=_answer_is_harmless)
        return self._read("outroute/query", answer, route_list)

    def add_route(self, route: Route) -> None:
        """Add a route behind those that exist. Not idempotent: never repeat it after AnswerLost."""
        fields = {name: text for name, text in _fields(route).items() if text}
        self._call("outroute/add", fields, again=_never_left)

    def update_route(self, id: str, route: Route) -> None:
        """Give the route with this id of the PBX all six fields of ``route``."""
        self._call("outroute/update", {"id": id, **_fields(route)}, again=_never_left)

    def delete_route(self, name: str) -> None:
        """Delete the route of this name. Raises ValueError for a name that the API could take for other routes."""
        fault = route_fault(name)
        if fault:
            raise ValueError(f"a route called {name!r} must not be deleted by name: {fault[1]}")
        self._call("outroute/delete", {"name": name}, again=_never_left)

    def query_trunks(self) -> tuple[Trunk, ...]:
        """Every trunk with its status."""
        return self._read("trunklist/query", self._call("trunklist/query", {}, again=_answer_is_harmless), trunk_list)

    def query_device(self) -> DeviceInfo:
        """What the PBX says of its model and firmware."""
        answer = self._call("deviceinfo/query", {}, again=_answer_is_harmless)
        return self._read("deviceinfo/query", answer, device_info)

    # How a call is made.

    def _call(
        self, call: str, fields: Mapping[str, str], *, again: Callable[[BaseException], bool]
    ) -> dict[str, Value]:
        if self._token is None:
            self._log_in_for(call)
        try:
            return self._attempts(call, fields, again=again)
        except Refused as error:
            # Refused means that nothing was changed, so the same request may go out again with a new token.
            if self._renewed or not means_token_is_dead(error.errno):
                raise
            if not self._credentials.can_log_in:
                raise Refused(call, f"{error}. {_RENEW_BY_HAND}", error.errno) from None
        log.info("%s: the token is no longer accepted; logging in again", call)
        self._renewed = True
        self._log_in_for(call)
        return self._attempts(call, fields, again=again)

    def _log_in_for(self, call: str) -> None:
        try:
            self.login()
        except AnswerLost as error:
            # Only the login is lost: of the call itself everybody knows that it was not carried out.
            raise NotSent(call, f"{call} was not sent, since logging in failed: {error}") from None

    def _attempts(
        self,
        call: str,
        fields: Mapping[str, str],
        *,
        again: Callable[[BaseException], bool],
    ) -> dict[str, Value]:
        try:
            return self._once(call, fields)
        except PbxError as error:
            return self._again(call, fields, error, again)

    def _again(
        self, call: str, fields: Mapping[str, str], failed: PbxError, again: Callable[[BaseException], bool]
    ) -> dict[str, Value]:
        """Try a call again that has ``failed`` once, as often as it may be."""
        # Here, since most runs need none of it, and its import takes as long as a hundred calls.
        from tenacity import Retrying, retry_if_exception, sleep_using_event, stop_after_attempt

        stop = self._stop
        tried = False

        def attempt() -> dict[str, Value]:
            nonlocal failed, tried
            if not tried:
                tried = True
                raise failed  # the first try, which was made already
            if stop is not None and stop.is_set():
                raise failed  # the wait for another try was ended, so there is none
            try:
                return self._once(call, fields)
            except PbxError as error:
                failed = error
                raise

        def worth_it(error: BaseException) -> bool:
            # Who asks for more than a whole answer may take is not waited for: the next run may come later.
            return again(error) and not (stop and stop.is_set()) and _asked_to_wait(error) <= self._connection.timeout

        tries = Retrying(
            retry=retry_if_exception(worth_it),
            stop=stop_after_attempt(self._connection.retries + 1),
            wait=_wait(),
            sleep=sleep_using_event(stop) if stop else time.sleep,
            before_sleep=lambda state: log.info("%s; trying again", state.outcome and state.outcome.exception()),
            reraise=True,
        )
        return tries(attempt)

    def _once(self, call: str, fields: Mapping[str, str]) -> dict[str, Value]:
        self._warn_of_plain_http()
        started = time.monotonic()
        reply = self._post(call, fields)
        took = (time.monotonic() - started) * 1000
        self._called()
        log.info("%s: HTTP %d, %d bytes, %.0f ms", call, reply.status, len(reply.body), took)
        log.debug("%s sent: %s", call, {**fields, **({"password": "(hidden)"} if "password" in fields else {})})
        _check_http(call, reply)
        try:
            answer = decode(reply.body, self._connection.type)
        except Unreadable as error:
            raise AnswerLost(call, f"{call}: the PBX answered with {error}; {IS_IT_A_PBX}") from None
        return _check_status(call, answer)

    def _post(self, call: str, fields: Mapping[str, str]) -> Reply:
        kind = self._connection.type
        token = "" if call == "login" else f"token={quote(self._token or '', safe='')}&"
        target = f"/api/v0.0.1/{call}?{token}type={kind}"
        return self._transport.post(call, target, CONTENT_TYPES[kind], encode(fields, kind))

    def _warn_of_plain_http(self) -> None:
        url = self._connection.url
        if not self._warned and url.startswith("http://") and not is_loopback(url):
            self._warned = True
            self._warn(f"{url}: token and password travel unencrypted over plain HTTP; use an https:// address")

    def _read(self, call: str, answer: dict[str, Value], read: Callable[[dict[str, Value]], _T]) -> _T:
        try:
            return read(answer)
        except Unreadable as error:
            raise AnswerLost(call, f"{call}: the PBX answered with {error}") from None


_RENEW_BY_HAND = "Get a new token; or set PBXSYNC_USERNAME and PBXSYNC_PASSWORD, and pbxsync logs in by itself"
_LOCKOUT = "a refused login is not repeated, since five in a row lock this address out for 10 minutes"


def _fields(route: Route) -> dict[str, str]:
    return {name: value if isinstance(value, str) else ",".join(value) for name, value in route.fields().items()}


def _wait() -> Callable[[RetryCallState], float]:
    """How many seconds to wait before another try: a little longer each time, and as long as was asked for."""
    from tenacity import wait_random_exponential

    backoff = wait_random_exponential(multiplier=0.2, max=5)

    def seconds(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return max(backoff(state), _asked_to_wait(error))

    return seconds


def _asked_to_wait(error: BaseException | None) -> int:
    return (error.wait or 0) if isinstance(error, AnswerLost) else 0


def _never_left(error: BaseException) -> bool:
    return isinstance(error, NotSent) and not isinstance(error, CertificateRefused)


def _answer_is_harmless(error: BaseException) -> bool:
    """For calls that change nothing: those may be repeated also when the answer was lost."""
    return _never_left(error) or isinstance(error, AnswerLost)


def _check_http(call: str, reply: Reply) -> None:
    """Only 200 carries an answer of the API. From 400 to 499 something before the API said no: nothing was changed."""
    status = reply.status
    if 200 <= status < 300:
        return
    if status < 200 or status >= 500:
        raise _server_fault(call, reply)
    if status < 400:
        raise _redirected(call, reply)
    if status in (404, 405):
        raise CallUnknown(call, f"{call}: the PBX does not know this call (HTTP {status}); {IS_IT_A_PBX}")
    raise Refused(call, f"{call}: the PBX refused the request (HTTP {status})")


def _server_fault(call: str, reply: Reply) -> AnswerLost:
    # The other form of the header is a date, by a clock that need not be this machine's.
    asked = reply.retry_after.strip()
    wait = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 8 else None
    later = f", and asks to be left alone for {wait} s" if wait else ""
    message = f"{call}: the PBX answered HTTP {reply.status}, which does not say what it did{later}"
    return AnswerLost(call, message, wait=wait)


def _redirected(call: str, reply: Reply) -> PbxError:
    """Sent to the same call elsewhere (https, another host), it was not carried out. Another page may come after it."""
    try:
        where = urlsplit(reply.location)
    except ValueError:
        where = urlsplit("")
    # No user name or password, and nothing of the query: it may be the one that was sent, with the token.
    host = where.netloc.rpartition("@")[2]
    target = f" to {where.scheme}{'://' if where.scheme else ''}{host}" if host else ""
    message = f"{call}: the PBX redirects{target} (HTTP {reply.status}), which is not followed; correct the url"
    return Refused(call, message) if where.path.endswith(f"/{call}") else AnswerLost(call, message)


def _check_status(call: str, answer: dict[str, Value]) -> dict[str, Value]:
    status = answer.get("status")
    if status == "Success":
        return answer
    if status != "Failed":
        # A text of its own is not repeated: it may hold what it was sent.
        said = "another status" if status else "no status"
        raise AnswerLost(call, f"{call}: the PBX answered with {said} instead of Success or Failed")
    errno = answer.get("errno")
    number = errno if isinstance(errno, str) and errno.isascii() and errno.isdigit() and len(errno) < 12 else None
    message = f"{call}: the PBX refused it ({hint(number)})"
    if means_unknown_call(number):
        raise CallUnknown(call, message, number)
    if call == "login":
        raise LoginRefused(call, f"{message}. Check user name and password; {_LOCKOUT}", number)
    raise Refused(call, message, number)
