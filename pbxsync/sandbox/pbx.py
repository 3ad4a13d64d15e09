"""What the sandbox knows and does, without HTTP: sessions, outbound routes, trunks, device info.

One lock guards it all, so that calls on several connections happen one after the other, as on the PBX.
Where the manual leaves something unknown, ``docs/sandbox.md`` lists what was chosen.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pbxsync.sandbox.errors import Errno, Refused, SandboxError
from pbxsync.sandbox.table import Accident, Mute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pbxsync.sandbox.bodies import Answer, Fields, Value
    from pbxsync.sandbox.firmware import Firmware
    from pbxsync.sandbox.held import HeldRoute
    from pbxsync.sandbox.table import RouteTable

#: Every call that the sandbox can know.
ALL_CALLS = frozenset(
    {
        "login",
        "heartbeat",
        "logout",
        "outroute/add",
        "outroute/query",
        "outroute/update",
        "outroute/delete",
        "trunklist/query",
        "deviceinfo/query",
    }
)

DEFAULT_TRUNKS: tuple[Mapping[str, str], ...] = (
    {"trunkname": "to-18-16-2", "status": "Registered", "type": "SIP"},
    {"trunkname": "to-108-16", "status": "Registered", "type": "SIP"},
    {"trunkname": "trunk1", "status": "Registered", "type": "SIP"},
    {"trunkname": "trunk2", "status": "Failure", "type": "IAX"},
    {"trunkname": "fxo-1", "status": "Unknown", "type": "FXO"},
)

_DEVICE = {
    "devicename": "UCP-SANDBOX",
    "sn": "a00000000000",
    "hardwarever": "0.0",
    "firmwarever": "0.0.1-sandbox",
    "systemtime": "2024-01-01 12:00:00",
    "uptime": "2023-Dec-24-08:30:00",
    "extensionstatus": "4/100",
}

_WRONG_LOGINS = 5
_NO_ACCIDENT = Accident()


@dataclass(frozen=True, slots=True)
class Order:
    """One request as the model sees it; ``fields`` is None if its body could not be read."""

    call: str
    token: str
    address: str
    fields: Mapping[str, str] | None


@dataclass(slots=True)
class _Token:
    used: float
    ready_made: bool = False


@dataclass(slots=True)
class _Caller:
    wrong: int = 0
    locked_until: float = float("-inf")


class Sessions:
    """Who may call: tokens with their last use, and the callers that typed a wrong password.

    Times are seconds of ``clock``. Ready-made ``tokens`` don't time out; nothing else tells them from the others.
    """

    def __init__(
        self,
        *,
        username: str,
        password: str,
        tokens: Iterable[str],
        lifetime: float,
        lockout: float,
        clock: Callable[[], float],
    ) -> None:
        digest = hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()
        self._credentials = (username, digest)
        self._tokens = {token: _Token(clock(), ready_made=True) for token in tokens}
        self._callers: dict[str, _Caller] = {}
        self._lifetime = lifetime
        self._lockout = lockout
        self._clock = clock

    def login(self, fields: Mapping[str, str], address: str) -> str:
        """Return a new token, or refuse: the address is locked out, a parameter is empty, the credentials are wrong."""
        now = self._clock()
        caller = self._callers.setdefault(address, _Caller())
        if now < caller.locked_until:
            raise Refused(Errno.LOCKED_OUT)
        if not all(fields.get(name) for name in ("username", "password", "port")):
            raise Refused(Errno.PARAMETER_EMPTY)
        if (fields["username"], fields["password"]) != self._credentials:
            caller.wrong += 1
            if caller.wrong >= _WRONG_LOGINS:
                self._callers[address] = _Caller(locked_until=now + self._lockout)
            raise Refused(Errno.LOGIN_REFUSED)
        del self._callers[address]
        token = secrets.token_hex(16)
        self._tokens[token] = _Token(now)
        return token

    def use(self, token: str) -> None:
        """Accept a call's token and renew it, or refuse the call: the token is empty, unknown, or timed out."""
        if not token:
            raise Refused(Errno.EMPTY_TOKEN)
        if token not in self._tokens:
            raise Refused(Errno.NO_SUCH_TOKEN)
        session, now = self._tokens[token], self._clock()
        if not session.ready_made and now - session.used >= self._lifetime:
            raise Refused(Errno.TOKEN_TIMED_OUT)
        session.used = now

    def end(self, token: str) -> None:
        """Forget one token."""
        del self._tokens[token]

    def end_all(self) -> None:
        """Forget every token, ready-made ones included."""
        self._tokens.clear()


class Pbx:
    """The PBX: takes orders, one at a time, and answers what the API would."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        table: RouteTable,
        calls: Iterable[str],
        trunks: Iterable[Mapping[str, str]],
        firmware: Firmware,
    ) -> None:
        self._sessions = sessions
        self._table = table
        self._firmware = firmware
        self._calls = frozenset(calls)
        if odd := sorted(self._calls - ALL_CALLS):
            raise SandboxError(f"no such call: {', '.join(odd)}; the sandbox knows {', '.join(sorted(ALL_CALLS))}")
        self._trunks = [{"trunkname": "", "status": "Registered", "type": "SIP"} | dict(trunk) for trunk in trunks]
        self._lock = threading.Lock()

    def knows(self, call: str) -> bool:
        """Tell whether this firmware has the call."""
        return call in self._calls

    def routes(self) -> list[dict[str, str]]:
        """Return the routes as they stand, with their ids."""
        with self._lock:
            return self._table.rows()

    def held(self) -> list[HeldRoute]:
        """Return the routes with what the API does not show of them, also those that no query lists."""
        with self._lock:
            return self._table.held()

    def kill_tokens(self) -> None:
        """Let no token be valid any more, as a PBX that restarts does."""
        with self._lock:
            self._sessions.end_all()

    def drop_last(self) -> None:
        """Lose the last route of the table."""
        with self._lock:
            self._table.drop_last()

    def handle(self, order: Order, accident: Accident = _NO_ACCIDENT) -> Answer | None:
        """Carry out one request and return its answer, None for an empty body.

        Raises SandboxError if a change cannot be written to the store.
        """
        with self._lock:
            try:
                return {"status": "Success", **self._carry_out(order, accident)}
            except Refused as refusal:
                return {"status": "Failed", "errno": refusal.errno.value}
            except Mute:
                return None

    def _carry_out(self, order: Order, accident: Accident) -> Answer:
        if not self.knows(order.call):
            raise Refused(Errno.UNKNOWN_CALL)
        if order.call != "login":
            self._sessions.use(order.token)
        if order.fields is None:
            raise Refused(Errno.UNREADABLE)
        match order.call:
            case "login":
                return {"token": self._sessions.login(order.fields, order.address)}
            case "logout":
                self._sessions.end(order.token)
            case "trunklist/query":
                return {"trunkname": self._trunks}
            case "deviceinfo/query":
                return {"deviceinfo": _DEVICE}
            case _:
                return self._route_call(order.call, order.fields, accident)
        return {}

    def _route_call(self, call: str, fields: Mapping[str, str], accident: Accident) -> Answer:
        match call:
            case "outroute/add":
                self._table.add(fields, accident)
            case "outroute/query":
                return self._listed(self._table.find(fields.get("name", "")))
            case "outroute/update":
                self._table.update(fields, accident)
            case "outroute/delete":
                self._table.delete(fields.get("name", ""))
        return {}

    def _listed(self, rows: list[Fields]) -> Answer:
        errno = {"errno": self._firmware.success_errno} if self._firmware.success_errno else {}
        return {**errno, **(list_as("outroutes", self._firmware.empty_as) if not rows else {"outroutes": rows})}


def list_as(name: str, how: str) -> Answer:
    """Return an empty list as a firmware may show it: as an empty ``list``, ``text`` or ``object`` and so on."""
    shapes: dict[str, Value] = {"list": [], "null": None, "text": "", "object": {}, "item": [{}]}
    return {} if how == "missing" else {name: shapes[how]}
