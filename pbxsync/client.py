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
from urllib.parse import quote

from pbxsync.answers import device_info, route_list, trunk_list
from pbxsync.codec import CONTENT_TYPES, Unreadable, Value, decode, encode
from pbxsync.errors import AnswerLost, NotSent, PbxError, Refused
from pbxsync.names import route_fault
from pbxsync.refusals import means_token_is_dead
from pbxsync.replies import check_http, check_status
from pbxsync.retrying import Patience, answer_is_harmless, never_left, not_carried_out
from pbxsync.secret_text import holds_secret
from pbxsync.transport import IS_IT_A_PBX, Transport
from pbxsync.urls import is_loopback

if TYPE_CHECKING:
    import ssl
    import threading
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from pbxsync.answers import RouteAnswer
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
    a query, is tried again. ``tls`` is the context that certificates are checked with; None takes the system's. With
    ``pins`` the certificate must have one of these SHA-256 fingerprints besides, in lower-case hex. ``fresh`` is
    whether each call uses a connection of its own.
    """

    url: str
    type: str = "json"
    timeout: float = 30.0
    retries: int = 3
    tls: ssl.SSLContext | None = None
    pins: tuple[str, ...] = ()
    fresh: bool = False


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
        #: The number of seconds that the longest call of this client took, whatever came of it.
        self.longest_call = 0.0
        self._transport = Transport(connection.url, connection.timeout, connection.tls, connection.pins)
        self._transport.fresh = connection.fresh

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
                self._once("logout", {}, _as_it_is)
        except PbxError as error:
            log.info("logout: %s", error)
        finally:
            self._transport.close()

    @property
    def logged_in(self) -> bool:
        """Whether this client has logged in by itself; a ready token proves nothing yet."""
        return self._logged_in

    @property
    def timeout(self) -> float:
        """The number of seconds that a whole answer may take."""
        return self._connection.timeout

    @property
    def fresh(self) -> bool:
        """Whether each call uses a connection of its own by now."""
        return self._transport.fresh

    def use_fresh_connections(self) -> None:
        """Use a connection of its own for each call from now on, for a PBX that closes those that are kept open."""
        self._transport.fresh = True

    # The calls, in the order of the manual.

    def login(self) -> None:
        """Trade user name and password for a token. Raises LoginRefused, which must not be tried again."""
        credentials = self._credentials
        fields = {
            "username": credentials.username or "",
            "password": _hashed(credentials.password),
            "port": _EVENT_PORT,
        }
        answer = self._attempts("login", fields, again=never_left, read=_as_it_is)
        token = answer.get("token")
        if not isinstance(token, str) or not token:
            raise AnswerLost("login", "login: the PBX says Success but sends no token")
        self._token = token
        self._logged_in = True

    def heartbeat(self) -> None:
        """Tell the PBX that the session lives on."""
        fields = {"ipaddr": self._transport.local_address, "port": _EVENT_PORT}
        self._ask("heartbeat", fields, _as_it_is)

    def query_table(self) -> RouteAnswer:
        """Every outbound route in the PBX's order of precedence (``outroute/query`` with ``all``)."""
        return self._query_routes("all")

    def query_named(self, names: Sequence[str]) -> tuple[KnownRoute, ...]:
        """The routes that the PBX finds by these names, in one query; it may answer with others.

        Raises ValueError where there is no name, and for a name that the API could take for other routes.
        """
        for name in names:
            fault = route_fault(name)
            if fault:
                raise ValueError(f"a route called {name!r} must not be asked for by name: {fault[1]}")
        if not names:
            raise ValueError("no name to ask for")
        return self._query_routes(",".join(names)).routes

    def _query_routes(self, name: str) -> RouteAnswer:
        kind = self._connection.type
        return self._ask("outroute/query", {"name": name}, lambda answer: route_list(answer, kind))

    def add_route(self, route: Route) -> None:
        """Add a route after those that exist. Not idempotent: never repeat it after AnswerLost."""
        fields = {name: text for name, text in _fields(route).items() if text}
        self._change("outroute/add", fields)

    def update_route(self, id: str, route: Route) -> None:
        """Give the route with this id of the PBX all six fields of ``route``."""
        self._change("outroute/update", {"id": id, **_fields(route)})

    def delete_route(self, name: str) -> None:
        """Delete the route of this name. Raises ValueError for a name that the API could take for other routes."""
        fault = route_fault(name)
        if fault:
            raise ValueError(f"a route called {name!r} must not be deleted by name: {fault[1]}")
        self._change("outroute/delete", {"name": name})

    def query_trunks(self) -> tuple[Trunk, ...]:
        """Every trunk with its status."""
        return self._ask("trunklist/query", {}, trunk_list)

    def query_device(self) -> DeviceInfo:
        """The model and firmware that the PBX reports."""
        return self._ask("deviceinfo/query", {}, device_info)

    # How a call is made.

    def _ask(self, call: str, fields: Mapping[str, str], read: Callable[[dict[str, Value]], _T]) -> _T:
        """Make a call that changes nothing."""
        return self._call(call, fields, again=answer_is_harmless, read=read)

    def _change(self, call: str, fields: Mapping[str, str]) -> None:
        """Make a call that changes something."""
        self._call(call, fields, again=not_carried_out, read=_as_it_is)

    def _call(
        self,
        call: str,
        fields: Mapping[str, str],
        *,
        again: Callable[[BaseException], bool],
        read: Callable[[dict[str, Value]], _T],
    ) -> _T:
        if self._token is None:
            self._log_in_for(call)
        try:
            return self._attempts(call, fields, again=again, read=read)
        except Refused as error:
            # Refused means that nothing was changed, so the same request may go out again with a new token.
            if self._renewed or not means_token_is_dead(error.errno):
                raise
            if not self._credentials.can_log_in:
                raise Refused(call, f"{error}. {_RENEW_BY_HAND}", error.errno) from None
        log.info("%s: the token is no longer accepted; logging in again", call)
        self._renewed = True
        self._log_in_for(call)
        return self._attempts(call, fields, again=again, read=read)

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
        read: Callable[[dict[str, Value]], _T],
    ) -> _T:
        patience = Patience(self._connection.retries, self._connection.timeout, self._stop)
        return patience.attempts(lambda: self._once(call, fields, read), again)

    def _once(self, call: str, fields: Mapping[str, str], read: Callable[[dict[str, Value]], _T]) -> _T:
        self._warn_of_plain_http()
        started = time.monotonic()
        try:
            reply = self._post(call, fields)
        finally:
            took = time.monotonic() - started
            self.longest_call = max(self.longest_call, took)
        self._called()
        log.info("%s: HTTP %d, %d bytes, %.0f ms", call, reply.status, len(reply.body), took * 1000)
        log.debug("%s sent: %s", call, {**fields, **({"password": "(hidden)"} if "password" in fields else {})})
        check_http(call, reply, self._secrets())
        answer = self._decoded(call, reply.body)
        check_status(call, answer)
        try:
            return read(answer)
        except Unreadable as error:
            raise AnswerLost(call, f"{call}: the PBX answered with {error}") from None

    def _decoded(self, call: str, body: bytes) -> dict[str, Value]:
        try:
            return decode(body, self._connection.type)
        except Unreadable as error:
            if error.notice:
                hidden = holds_secret(error.notice, self._secrets())
                log.debug("%s: the text: %s", call, _HIDDEN if hidden else error.notice[:_SHOWN])
            raise AnswerLost(call, f"{call}: the PBX answered with {error}; {_advice(call, body, error)}") from None

    def _secrets(self) -> set[str]:
        """The texts that nothing may show."""
        own = self._credentials
        password = own.password or ""
        return {text for text in (self._token, own.token, password, password and _hashed(password)) if text}

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


_HIDDEN = "(hidden: it holds a secret)"
#: So many characters of a text before an answer are shown.
_SHOWN = 200
_RENEW_BY_HAND = "Get a new token; or set PBXSYNC_USERNAME and PBXSYNC_PASSWORD, and pbxsync logs in by itself"


def _advice(call: str, body: bytes, error: Unreadable) -> str:
    """What to look at where an answer can't be read."""
    if error.notice:
        return "no such text may be in its answers: turn display_errors of PHP off on the PBX, or update its firmware"
    if call == "outroute/query" and not body.strip():
        return "some PBXs do so once they have cut a route's name in the middle of a UTF-8 sign (see its web page)"
    return IS_IT_A_PBX


def _hashed(password: str | None) -> str:
    """The password as the API wants it."""
    return hashlib.md5((password or "").encode(), usedforsecurity=False).hexdigest()


def _as_it_is(answer: dict[str, Value]) -> dict[str, Value]:
    return answer


def _fields(route: Route) -> dict[str, str]:
    return {name: value if isinstance(value, str) else ",".join(value) for name, value in route.fields().items()}
