"""How a call is carried out and its answer delivered, if a fault strikes it or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from pbxsync.sandbox.bodies import Answer, Fields, Format, Layout, Response, write
from pbxsync.sandbox.pbx import list_as
from pbxsync.sandbox.table import Accident

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pbxsync.sandbox.faults import Fault
    from pbxsync.sandbox.pbx import Order, Pbx

_CHUNK = 64 * 1024


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
    """The right answer, on its way: what the call answered and the format that was asked for.

    Without an answer the body is empty, whatever a fault makes of the answer.
    """

    answer: Answer | None
    fmt: Format
    layout: Layout

    def response(self, answer: Answer | None = None, *, fmt: Format | None = None, last: bool = False) -> Response:
        """Return the response, with another answer or in another format if one is given."""
        if self.answer is None:
            return Response(b"", last=last)
        return Response(write(self.answer if answer is None else answer, fmt or self.fmt, self.layout), last=last)


def carry_out(fault: Fault | None, pbx: Pbx, order: Order) -> Answer | None:
    """Have the PBX carry out an order, as far as the fault lets it, and return its answer; None is an empty body."""
    kind, arg = (fault.kind, fault.arg) if fault else ("", "")
    if kind == "refuse":
        return _failed(arg)
    if kind == "token":
        pbx.kill_tokens()
    elif fault and fault.when == "before":
        return {"status": "Success"}
    if kind == "alter":
        name, _, value = arg.partition("=")
        return pbx.handle(order, Accident(altered={name: value}))
    if kind in ("half", "die"):
        return pbx.handle(order, Accident(dies_after=int(arg)))
    answer = pbx.handle(order)
    if kind == "twice":
        pbx.handle(order)
    elif kind == "drop-last":
        pbx.drop_last()
    elif kind == "fail-done":
        return _failed(arg)
    return answer


def _failed(errno: str) -> Answer:
    return {"status": "Failed", "errno": errno} if errno else {"status": "Failed"}


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


def _errno(reply: Reply, arg: str) -> Response:
    return reply.response({**(reply.answer or {}), "errno": arg})


def _no_status(reply: Reply, _arg: str) -> Response:
    return reply.response({name: value for name, value in (reply.answer or {}).items() if name != "status"})


def _short(reply: Reply, arg: str) -> Response:
    return _with_lists(reply, lambda name, items: {name: items[: int(arg)]})


def _lost_list(reply: Reply, arg: str) -> Response:
    return _with_lists(reply, lambda name, _items: list_as(name, arg))


def _php_list(reply: Reply, _arg: str) -> Response:
    """Return the answer as PHP writes a list in JSON from which entries were taken: as an object."""
    if reply.fmt == "xml":
        return reply.response()
    return _with_lists(reply, lambda name, items: {name: {str(2 * n): item for n, item in enumerate(items)}})


def _with_lists(reply: Reply, change: Callable[[str, Sequence[Fields]], Mapping[str, Any]]) -> Response:
    """Return the answer with something in place of its lists."""
    answer: dict[str, Any] = {}
    for name, value in (reply.answer or {}).items():
        answer |= change(name, value) if isinstance(value, Sequence) and not isinstance(value, str) else {name: value}
    return reply.response(answer)


def _before(text: bytes) -> Callable[[Reply, str], Response]:
    """Return what puts a text before the body."""

    def page(reply: Reply, _arg: str) -> Response:
        response = reply.response()
        return replace(response, body=text + response.body)

    return page


def _double(reply: Reply, _arg: str, line: Line) -> None:
    line.write(_encode(reply.response()) * 2)


def _double_late(reply: Reply, arg: str, line: Line) -> None:
    line.write(_encode(reply.response()))
    if not line.pause(float(arg)):
        line.write(_encode(reply.response()))


def _long(reply: Reply, arg: str, line: Line) -> None:
    line.write(_encode(reply.response()) + b"\n" * int(arg))


def _huge(reply: Reply, arg: str, line: Line) -> None:
    # Spaces after the answer leave it readable, and without a length only counting shows how big it is.
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


_NOTICE = b"<br />\n<b>Notice</b>:  Undefined index: callerid in <b>/var/www/html/api.php</b> on line <b>7</b><br />\n"

_HEADERS = {"303": ("Location", "/"), "429": ("Retry-After", "1"), "503": ("Retry-After", "1")}

_PAGES: dict[str, Callable[[Reply, str], Response]] = {
    "status": lambda _reply, arg: Response.page(int(arg), *([_HEADERS[arg]] if arg in _HEADERS else [])),
    "redirect": lambda _reply, arg: Response.page(302, ("Location", arg)),
    "html": lambda _reply, _arg: Response.page(200),
    "empty": lambda _reply, _arg: Response(b""),
    "list": _list,
    "garbage": lambda _reply, _arg: Response(b'\x80\xfe{"status": "Success"}\xff'),
    "wrong-type": _wrong_type,
    "nostatus": _no_status,
    "errno": _errno,
    "short": _short,
    "lost-list": _lost_list,
    "phplist": _php_list,
    "notice": _before(_NOTICE),
    "blank": _before(b"\n"),
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
    "die": _reset,
    "double": _double,
    "double-late": _double_late,
    "long": _long,
}
