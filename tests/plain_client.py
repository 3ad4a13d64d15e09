"""A plain HTTP client for the sandbox's tests: it shares no code with pbxsync's own."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement, tostring

import pytest
from defusedxml.ElementTree import fromstring

from pbxsync.sandbox import Fault, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SUCCESS = {"status": "Success"}
TO16 = {"name": "to16", "matchpattern": "X.", "prefix": "16", "trunks": "to-18-16-2"}
STORED = {"id": "1", "name": "to16", "prepend": "", "prefix": "16", "matchpattern": "X.", "callerid": ""} | {
    "trunks": "to-18-16-2"
}
FORMATS = pytest.mark.parametrize("fmt", ["json", "xml"])


def address(sandbox: Sandbox) -> tuple[str, int]:
    host, port = sandbox.url.removeprefix("http://").split(":")
    return host, int(port)


@contextlib.contextmanager
def connected(sandbox: Sandbox) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(*address(sandbox), timeout=5)
    with contextlib.closing(connection):
        yield connection


def encode(fields: Mapping[str, str], fmt: str) -> bytes:
    if fmt == "json":
        return json.dumps(fields).encode()
    root = Element("xml")
    for name, value in fields.items():
        SubElement(root, name).text = value
    return b'<?xml version="1.0" encoding="UTF-8" ?>\n' + tostring(root, encoding="unicode").encode()


def decode(body: bytes, fmt: str) -> Any:
    if fmt == "json":
        return json.loads(body)
    root = fromstring(body)
    assert root.tag == "xml"
    return decode_element(root)


def decode_element(element: Element) -> Any:
    if not len(element):
        return element.text or ""
    if element[0].tag == "item":
        assert [item.get("id") for item in element] == [str(n) for n in range(len(element))]
        return [decode_element(item) for item in element]
    return {child.tag: decode_element(child) for child in element}


def send(
    connection: http.client.HTTPConnection, call: str, body: bytes = b"", *, query: str = "token=t&type=json"
) -> tuple[http.client.HTTPResponse, bytes]:
    connection.request("POST", f"/api/v0.0.1/{call}?{query}", body, {"Content-Type": "application/json; charset=utf-8"})
    response = connection.getresponse()
    return response, response.read()


def ask(
    sandbox: Sandbox,
    call: str,
    fields: Mapping[str, str] | None = None,
    *,
    token: str = "t",
    fmt: str = "json",
) -> Any:
    """Make one call on a connection of its own and return what the answer's body says."""
    body = encode(fields, fmt) if fields is not None else b""
    with connected(sandbox) as connection:
        response, answer = send(connection, call, body, query=f"token={token}&type={fmt}")
    assert response.status == 200
    return decode(answer, fmt)


def failed(errno: str) -> dict[str, str]:
    return {"status": "Failed", "errno": errno}


def raw(sandbox: Sandbox, request: bytes) -> bytes:
    """Send bytes, and return everything up to the end of the stream."""
    with socket.create_connection(address(sandbox), timeout=5) as client:
        client.sendall(request)
        received = b""
        while data := client.recv(65536):
            received += data
    return received


def add_request(name: str = "to16", fmt: str = "json") -> bytes:
    body = encode(TO16 | {"name": name}, fmt)
    head = (
        f"POST /api/v0.0.1/outroute/add?token=t&type={fmt} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def sandbox_with(*faults: str | Fault, **settings: Any) -> Sandbox:
    return Sandbox(tokens=["t"], faults=faults, **settings)
