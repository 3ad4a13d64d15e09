"""What can go wrong on purpose: how a fault is written, which requests it strikes, what it does.

A fault is ``CALL@WHICH=[before:|after:]KIND[:ARG]``; ``docs/sandbox.md`` has the table of kinds. A fault ``before`` the
call keeps it from being carried out; a fault ``after`` it strikes only the answer, so that the PBX has changed and the
client does not know.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias, cast

from pbxsync.sandbox.bodies import Answer, Format, Layout, Response, write
from pbxsync.sandbox.errors import SandboxError
from pbxsync.sandbox.pbx import ALL_CALLS
from pbxsync.sandbox.table import ROUTE_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pbxsync.sandbox.pbx import Order, Pbx

When: TypeAlias = Literal["before", "after"]

_CHUNK = 64 * 1024


class _Kind(NamedTuple):
    """``when``: what it may strike, the default first. ``arg``: a pattern. ``default``: None if ARG must be given."""

    shape: str
    when: tuple[When, ...] = ("before", "after")
    arg: str = ""
    default: str | None = ""


_BEFORE: tuple[When, ...] = ("before",)
_AFTER: tuple[When, ...] = ("after",)
_BOTH: tuple[When, ...] = ("before", "after")
_SECONDS = r"[0-9]{1,6}(\.[0-9]{1,6})?"

_KINDS = {
    "refuse": _Kind("refuse[:ERRNO]", _BEFORE, ".+"),
    # These three have no body, so no page could go with them.
    "status": _Kind("status:CODE (200 to 599 but 204, 205, 304)", _BOTH, "(?!204|205|304)[2-5][0-9]{2}", None),
    "redirect": _Kind("redirect[:URL]", _BOTH, ".+", "/"),
    "html": _Kind("html"),
    "empty": _Kind("empty"),
    "list": _Kind("list"),
    "garbage": _Kind("garbage"),
    "wrong-type": _Kind("wrong-type", _AFTER),
    "nostatus": _Kind("nostatus"),
    "huge": _Kind("huge[:BYTES]", _BOTH, "[0-9]{1,12}", str(64 * 1024 * 1024)),
    "reset": _Kind("reset"),
    "close": _Kind("close"),
    "cut-head": _Kind("cut-head"),
    "cut-body": _Kind("cut-body"),
    "hang": _Kind("hang[:SECONDS]", _BOTH, _SECONDS, "3600"),
    "slow": _Kind("slow[:SECONDS]", _AFTER, _SECONDS, "1"),
    "delay": _Kind("delay:SECONDS", _AFTER, _SECONDS, None),
    "token": _Kind("token", _BEFORE),
    "twice": _Kind("twice", _AFTER),
    "lie": _Kind("lie", _BEFORE),
    "alter": _Kind("alter:FIELD=VALUE", _AFTER, f"({'|'.join(ROUTE_FIELDS)})=.*", None),
    "drop-last": _Kind("drop-last", _AFTER),
}

_GRAMMAR = re.compile(
    r"(?P<call>[^@=]+)@(\*|(?P<first>[0-9]{1,9})(?P<open>-(?P<last>[0-9]{1,9})?)?)"
    r"=((?P<when>before|after):)?(?P<kind>[^:]+)(:(?P<arg>.+))?"
)

_ALTERED_CALLS = {"outroute/add", "outroute/update", "*"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: it strikes the requests number ``first`` to ``last`` (None: no end) of ``call``, counted from 1.

    ``call`` is a call or ``*``, which counts all requests. ``arg`` is text as in the grammar, "" where it is left out
    (and stands for the kind's default). Raises SandboxError, which says what is allowed.
    """

    call: str
    kind: str
    first: int = 1
    last: int | None = None
    when: When | None = None
    arg: str = ""

    def __post_init__(self) -> None:
        if why := self._flaw():
            raise SandboxError(_bad(str(self), why))
        kind = _KINDS[self.kind]
        object.__setattr__(self, "when", self.when or kind.when[0])
        object.__setattr__(self, "arg", self.arg or kind.default or "")

    def __str__(self) -> str:
        if self.last == self.first:
            which = str(self.first)
        else:
            which = f"{self.first}-{self.last or ''}" if self.last or self.first != 1 else "*"
        when = f"{self.when}:" if self.when else ""
        arg = f":{self.arg}" if self.arg else ""
        return f"{self.call}@{which}={when}{self.kind}{arg}"

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read a fault as it is written on the command line, for example ``outroute/add@3-7=after:reset``."""
        found = _GRAMMAR.fullmatch(text)
        if not found:
            raise SandboxError(_bad(text, "it is not CALL@WHICH=KIND"))
        first = int(found["first"] or 1)
        last = found["last"] or (None if found["open"] else found["first"])
        when = cast("When | None", found["when"])
        return cls(found["call"], found["kind"], first, int(last) if last else None, when, found["arg"] or "")

    def strikes(self, number: int) -> bool:
        """Tell whether the fault strikes the request of this number."""
        return self.first <= number and (self.last is None or number <= self.last)

    def _flaw(self) -> str:
        kind = _KINDS.get(self.kind)
        if not kind:
            return f"there is no kind {self.kind!r}"
        if self.call != "*" and self.call not in ALL_CALLS:
            return f"there is no call {self.call!r}"
        if self.first < 1 or (self.last is not None and self.last < self.first):
            return "requests are counted from 1, and a range does not end before it begins"
        if self.when and self.when not in kind.when:
            return f"{self.kind} is always {kind.when[0]} the call"
        if self.kind == "alter" and self.call not in _ALTERED_CALLS:
            return "alter is for outroute/add and outroute/update"
        return self._flaw_of_arg(kind)

    def _flaw_of_arg(self, kind: _Kind) -> str:
        if not self.arg:
            return "" if kind.default is not None else f"write {kind.shape}"
        if not kind.arg:
            return f"{self.kind} takes no argument"
        # Not printable is also what would break out of a header.
        return "" if re.fullmatch(kind.arg, self.arg) and self.arg.isprintable() else f"write {kind.shape}"


class FaultPlan:
    """The faults of one sandbox, and how many requests of each call have come. Not guarded: the server does that."""

    def __init__(self, faults: Iterable[str | Fault]) -> None:
        self._faults = [Fault.parse(fault) if isinstance(fault, str) else fault for fault in faults]
        self._counts: Counter[str] = Counter()

    def next(self, call: str) -> Fault | None:
        """Count one request, and return the first fault given that strikes it."""
        self._counts["*"] += 1
        self._counts[call] += 1
        return next((f for f in self._faults if f.call in ("*", call) and f.strikes(self._counts[f.call])), None)


class Line(Protocol):
    """The connection on which an answer travels, as far as a fault needs it."""

    def write(self, data: bytes) -> None:
        """Send bytes as they are; raises OSError when the client is gone."""

    def pause(self, seconds: float) -> bool:
        """Wait so long, less if the sandbox closes; True means that it closes."""

    def hang_up(self, *, reset: bool = False) -> None:
        """Close the connection after what was written, or reset it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The right answer, on its way: what the call answered and the format that was asked for."""

    answer: Answer | None
    fmt: Format
    layout: Layout

    def response(self, answer: Answer | None = None, *, fmt: Format | None = None, last: bool = False) -> Response:
        """Return the response, with another answer or in another format if one is given; without any, an empty one."""
        answer = self.answer if answer is None else answer
        return Response(b"" if answer is None else write(answer, fmt or self.fmt, self.layout), last=last)


def carry_out(fault: Fault | None, pbx: Pbx, order: Order) -> Answer | None:
    """Have the PBX carry out an order, as far as the fault lets it, and return its answer; None is an empty body."""
    kind, arg = (fault.kind, fault.arg) if fault else ("", "")
    if kind == "refuse":
        return {"status": "Failed", "errno": arg} if arg else {"status": "Failed"}
    if kind == "token":
        pbx.kill_tokens()
    elif fault and fault.when == "before":
        return {"status": "Success"}
    if kind == "alter":
        name, _, value = arg.partition("=")
        return pbx.handle(order, {name: value})
    answer = pbx.handle(order)
    if kind == "twice":
        pbx.handle(order)
    elif kind == "drop-last":
        pbx.drop_last()
    return answer


def deliver(fault: Fault | None, reply: Reply, line: Line) -> None:
    """Send the answer, as far as the fault lets it come through. Raises OSError when the client is gone."""
    if fault and fault.kind in _PAGES:
        line.write(_encode(_PAGES[fault.kind](reply, fault.arg)))
    elif fault and fault.kind in _LINES:
        _LINES[fault.kind](reply, fault.arg, line)
    else:
        line.write(_encode(reply.response()))


def _encode(response: Response) -> bytes:
    return response.head() + response.body


def _list(reply: Reply, _arg: str) -> Response:
    if reply.fmt == "json":
        return Response(b'[{"status": "Success"}]')
    return Response(
        b'<?xml version="1.0" encoding="utf-8"?>\n<list><item id="0"><status>Success</status></item></list>'
    )


def _wrong_type(reply: Reply, _arg: str) -> Response:
    return reply.response(fmt="xml" if reply.fmt == "json" else "json")


def _no_status(reply: Reply, _arg: str) -> Response:
    return reply.response({name: value for name, value in (reply.answer or {}).items() if name != "status"})


def _huge(reply: Reply, arg: str, line: Line) -> None:
    # Spaces behind the answer leave it readable, and without a length only counting shows how big it is.
    response = reply.response(last=True)
    line.write(response.head(sized=False) + response.body)
    left = int(arg) - len(response.body)
    while left > 0:
        line.write(b" " * min(left, _CHUNK))
        left -= _CHUNK
    line.hang_up()


def _reset(_reply: Reply, _arg: str, line: Line) -> None:
    line.hang_up(reset=True)


def _close(_reply: Reply, _arg: str, line: Line) -> None:
    line.hang_up()


def _cut_head(reply: Reply, _arg: str, line: Line) -> None:
    head = reply.response().head()
    line.write(head[: len(head) // 2])
    line.hang_up()


def _cut_body(reply: Reply, _arg: str, line: Line) -> None:
    response = reply.response()
    line.write(response.head() + response.body[: len(response.body) // 2])
    line.hang_up()


def _hang(_reply: Reply, arg: str, line: Line) -> None:
    line.pause(float(arg))
    line.hang_up()


def _slow(reply: Reply, arg: str, line: Line) -> None:
    # The head comes at once: what is slow is a body that no timeout between two bytes catches.
    response = reply.response()
    line.write(response.head())
    for n in range(len(response.body)):
        if line.pause(float(arg)):
            return line.hang_up()
        line.write(response.body[n : n + 1])
    return None


def _delay(reply: Reply, arg: str, line: Line) -> None:
    line.pause(float(arg))
    line.write(_encode(reply.response()))


_PAGES: dict[str, Callable[[Reply, str], Response]] = {
    "status": lambda _reply, arg: Response.page(int(arg), *([("Retry-After", "1")] if arg == "503" else [])),
    "redirect": lambda _reply, arg: Response.page(302, ("Location", arg)),
    "html": lambda _reply, _arg: Response.page(200),
    "empty": lambda _reply, _arg: Response(b""),
    "list": _list,
    "garbage": lambda _reply, _arg: Response(b'\x80\xfe{"status": "Success"}\xff'),
    "wrong-type": _wrong_type,
    "nostatus": _no_status,
}

_LINES: dict[str, Callable[[Reply, str, Line], None]] = {
    "huge": _huge,
    "reset": _reset,
    "close": _close,
    "cut-head": _cut_head,
    "cut-body": _cut_body,
    "hang": _hang,
    "slow": _slow,
    "delay": _delay,
}


def _bad(text: str, why: str) -> str:
    shapes = ", ".join(kind.shape for kind in _KINDS.values())
    return (
        f"bad fault {text!r}: {why}. A fault is CALL@WHICH=[before:|after:]KIND[:ARG], for example "
        f"outroute/add@5=refuse:10004 or outroute/add@3-7=after:reset; CALL is * or one of "
        f"{', '.join(sorted(ALL_CALLS))}; WHICH is a number from 1, a range or *; KIND is one of {shapes}"
    )
