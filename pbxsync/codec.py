"""Bodies of the PBX's API in JSON and XML, both ways.

A request is one flat set of fields, every value text. An answer is read into one shape whatever its format: text,
lists, and mappings of such values, every single value as text (the API manual has every value a string, real firmware
need not). An XML list is ``<items><item id="0">…</item></items>``, or ``<item>`` directly under the root, which shows
as a list under the key ``item``.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, TypeAlias
from xml.etree import ElementTree as ET  # builds requests only: answers are parsed by defusedxml

if TYPE_CHECKING:
    from collections.abc import Mapping

Value: TypeAlias = "str | list[Value] | dict[str, Value]"

#: The content type that belongs to each format of a body.
CONTENT_TYPES = {"json": "application/json; charset=utf-8", "xml": "application/xml; charset=utf-8"}

# Room for 100,000 routes and more in either format, by what each of their parts begins with. An answer of nothing but
# empty entries would take a hundred times its size in memory.
_MAX_PARTS = {"json": {b"{": 200_000, b"[": 500_000}, "xml": {b"<item": 200_000, b"<": 3_000_000}}

# Deeper than any answer of the manual, shallow enough for every recursion below.
_MAX_DEPTH = 20

_HALF_SURROGATE = re.compile("[\ud800-\udfff]")


#: Blank lines and byte order marks, which PHP sends where one of its files begins with them.
_LEADING = b" \t\r\n\v\f\xef\xbb\xbf"
#: How a body begins, after text that does not belong there.
_BEGINS = {"JSON": re.compile(rb'\{\s*"'), "XML": re.compile(rb"<\?xml\b|<xml\b")}


class _Null(str):
    """The text of a null: it is equal to an empty text."""

    __slots__ = ()


#: What a null of JSON is read as.
NULL = _Null()


class Unreadable(ValueError):
    """A body that is not what it should be; the message says what came instead.

    ``notice`` is text that came before the body. It may hold whatever was sent, secrets too.
    """

    def __init__(self, message: str, notice: str = "") -> None:
        super().__init__(message)
        self.notice = notice


def encode(fields: Mapping[str, str], kind: str) -> bytes:
    """A request's body; ``kind`` is ``json`` or ``xml``."""
    if kind == "json":
        return json.dumps(dict(fields), ensure_ascii=False).encode("utf-8", "surrogatepass")
    root = ET.Element("xml")
    for name, text in fields.items():
        ET.SubElement(root, name).text = text
    body: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=False)
    return b'<?xml version="1.0" encoding="UTF-8" ?>\n' + body


def decode(body: bytes, kind: str) -> dict[str, Value]:
    """An answer's fields; ``kind`` is ``json`` or ``xml``. Raises Unreadable, saying what came instead."""
    body = body.lstrip(_LEADING)
    if not body:
        raise Unreadable("an empty answer")
    if any(body.count(part) > most for part, most in _MAX_PARTS[kind].items()):
        raise Unreadable("an answer of more parts than any of this API")
    try:
        value = _from_json(body) if kind == "json" else _from_xml(body)
    except RecursionError:
        raise Unreadable("an answer nested deeper than any of this API") from None
    if not isinstance(value, dict):
        what = "a list" if isinstance(value, list) else "a single value"
        raise Unreadable(f"{what} instead of fields")
    return value


def _from_json(body: bytes) -> Value:
    try:
        # Numbers stay the text that they came as: no id is rounded and no length of digits is too long.
        value = json.loads(
            body.decode(), parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=_once_each
        )
    except UnicodeDecodeError:
        raise _instead(body, "JSON", "they are not UTF-8") from None
    except Unreadable:
        raise
    except ValueError as error:
        raise _instead(body, "JSON", str(error)) from None
    return _plain(value, 0)


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """The fields of a JSON object. Which of two equal ones is meant nobody knows: a list could lose its routes."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise Unreadable("a field given twice")
    return fields


def _plain(value: object, depth: int) -> Value:
    if depth > _MAX_DEPTH:
        raise RecursionError
    if isinstance(value, dict):
        return {_text(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, depth + 1) for item in value]
    if value is None:
        return NULL
    if isinstance(value, bool):
        return "true" if value else "false"
    return _text(str(value))


def _text(text: str) -> str:
    """The text with half surrogates, which JSON can escape and no output can hold, replaced."""
    return _HALF_SURROGATE.sub("\ufffd", text)


def _from_xml(body: bytes) -> Value:
    from defusedxml import ElementTree as DefusedET
    from defusedxml.common import DefusedXmlException

    try:
        root = DefusedET.fromstring(body, forbid_dtd=True)
    except DefusedXmlException:
        raise _instead(body, "XML", "they have a DTD or entities, which are not read") from None
    except ET.ParseError as error:
        # Not the parser's own words: they may repeat the answer's.
        line, column = error.position
        raise _instead(body, "XML", f"line {line}, column {column + 1}") from None
    except (LookupError, ValueError):
        raise _instead(body, "XML", "their encoding is not known") from None
    if root.tag.lower() in ("html", "{http://www.w3.org/1999/xhtml}html"):
        raise _instead(body, "XML", "")
    return _element(root, 0)


def _element(element: ET.Element, depth: int) -> Value:
    if depth > _MAX_DEPTH:
        raise RecursionError
    children = list(element)
    if not children:
        text = element.text or ""
        # No field may hold a line break, so one around the text is the layout of the document.
        text = text.strip() if "\n" in text else text
        # The root of an answer is a set of fields, also when it has none.
        return {} if depth == 0 and not text.strip() else text
    items = [_element(child, depth + 1) for child in children if child.tag == "item"]
    if len(items) == len(children) and depth > 0:
        return items
    others = [child for child in children if child.tag != "item"]
    fields: dict[str, Value] = {child.tag: _element(child, depth + 1) for child in others}
    if len(fields) < len(others):
        raise Unreadable("a field given twice")
    if items:
        fields["item"] = items
    return fields


def _instead(body: bytes, wanted: str, why: str) -> Unreadable:
    """The error that says what came instead of the wanted format, without repeating what may hold a secret."""
    start = body[:2048].lower()
    if start.startswith((b"<!doctype html", b"<html")) or b"<html" in start:
        return Unreadable(f"a page of HTML instead of {wanted}")
    if wanted == "JSON" and start.startswith((b"<?xml", b"<xml")):
        return Unreadable("XML or a web page instead of JSON")
    if wanted == "XML" and start[:1] in (b"{", b"["):
        return Unreadable("JSON instead of XML")
    notice = _text_before(body, _BEGINS[wanted])
    if notice:
        return Unreadable(f"text before the {wanted}, such as a notice of PHP (-vv shows it)", notice)
    if wanted == "JSON" and start.startswith(b"<"):
        return Unreadable("XML or a web page instead of JSON")
    return Unreadable(f"{len(body)} bytes that are not {wanted} ({why})")


def _text_before(body: bytes, begins: re.Pattern[bytes]) -> str:
    """The text in UTF-8 in front of what begins so; empty where there is none."""
    found = None if body[:1] in (b"{", b"[") or body.startswith((b"<?", b"<!", b"<xml")) else begins.search(body)
    try:
        return body[: found.start()].decode() if found else ""
    except UnicodeDecodeError:
        return ""
