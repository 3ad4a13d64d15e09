"""The bodies of requests and answers in the API's two formats, and answers as HTTP carries them.

Reading is strict where the manual is clear (one flat object, every value a string): a client that writes something
else should learn it here and not from a PBX.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal, TypeAlias
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml.ElementTree import fromstring

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Format: TypeAlias = Literal["json", "xml"]
Layout: TypeAlias = Literal["wrapped", "bare"]

#: One object of an answer.
Fields: TypeAlias = "Mapping[str, str | None]"

#: A value of an answer: text, one object (``deviceinfo``), or a list of objects (``outroutes``).
Value: TypeAlias = "str | Fields | Sequence[Fields] | None"

#: An answer before it has a format.
Answer: TypeAlias = "Mapping[str, Value]"

# What XML 1.0 cannot carry, not even escaped. JSON can, so a route may hold it.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class BodyError(Exception):
    """A request's body is not what the manual describes."""


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response. ``last`` says that the connection is closed after it.

    The Content-Type is text/html whatever the body is: the manual shows that the PBX's own is not to be relied on.
    """

    body: bytes
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    last: bool = False

    @classmethod
    def page(cls, status: int, *headers: tuple[str, str], last: bool = False) -> Response:
        """Return a small HTML page that says the status, as a web server in front of the API would."""
        title = f"{status} {_phrase(status)}".strip()
        text = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
        return cls(text.encode(), status, headers, last)

    def head(self, *, sized: bool = True) -> bytes:
        """Return the bytes before the body; without a Content-Length unless ``sized``."""
        headers = [
            ("Access-control-allow-origin", "*"),
            ("Access-control-allow-methods", "GET, POST, OPTIONS, PUT, DELETE"),
            ("Content-Type", "text/html; charset=utf-8"),
            *self.headers,
        ]
        if sized:
            headers.append(("Content-Length", str(len(self.body))))
        if self.last:
            headers.append(("Connection", "close"))
        lines = [f"HTTP/1.1 {self.status} {_phrase(self.status)}", *(f"{name}: {value}" for name, value in headers)]
        return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1", "replace")


def read(body: bytes, fmt: Format) -> dict[str, str]:
    """Return a request's fields; an empty body has none.

    Raises BodyError if the body is not one flat object (JSON) or one flat ``<xml>`` element (XML) of strings.
    """
    if not body.strip():
        return {}
    try:
        return _read_json(body) if fmt == "json" else _read_xml(body)
    except (ValueError, LookupError, ParseError, RecursionError) as error:
        # LookupError is an XML declaration that names an encoding which doesn't exist.
        raise BodyError(str(error)) from error


def write(answer: Answer, fmt: Format, layout: Layout = "wrapped") -> bytes:
    """Return an answer's body. ``layout`` says how XML shows a list: the manual's pages show both ways."""
    if fmt == "json":
        return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
    inner = "".join(_xml(name, value, layout) for name, value in answer.items())
    return f'<?xml version="1.0" encoding="utf-8"?>\n<xml>{inner}</xml>\n'.encode()


def _read_json(body: bytes) -> dict[str, str]:
    fields = json.loads(body.decode(), object_pairs_hook=_fields)
    if not isinstance(fields, dict):
        raise BodyError("the body is not a JSON object")
    return fields


def _read_xml(body: bytes) -> dict[str, str]:
    root: Element = fromstring(body, forbid_dtd=True)
    if root.tag != "xml":
        raise BodyError("the body's root is not <xml>")
    if any(len(child) for child in root):
        raise BodyError("a field of the body has elements inside")
    return _fields((child.tag, child.text or "") for child in root)


def _fields(pairs: Iterable[tuple[str, object]]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, value in pairs:
        if not isinstance(value, str):
            raise BodyError(f"{name} is not a string")
        if name in fields:
            raise BodyError(f"{name} is given twice")
        # JSON can spell half of a surrogate pair: that is no text, and no answer could carry it.
        value.encode()
        fields[name] = value
    return fields


def _xml(name: str, value: Value, layout: Layout) -> str:
    if isinstance(value, str) or value is None:
        return _xml_fields({name: value})
    if isinstance(value, Mapping):
        return f"<{name}>{_xml_fields(value)}</{name}>"
    items = "".join(f'<item id="{n}">{_xml_fields(item)}</item>' for n, item in enumerate(value))
    return items if layout == "bare" else f"<{name}>{items}</{name}>"


def _xml_fields(fields: Fields) -> str:
    return "".join(f"<{name}>{_xml_text(value or '')}</{name}>" for name, value in fields.items())


def _xml_text(value: str) -> str:
    # A bare carriage return would come out of the client's parser as a line feed.
    return escape(_NOT_XML.sub("\ufffd", value), {"\r": "&#13;"})


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus.__members__.values() else ""
