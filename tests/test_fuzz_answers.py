"""Whatever a PBX sends, its answer is read or refused in words: never a crash."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbxsync.answers import device_info, route_list, trunk_list
from pbxsync.client import Client, Connection, Credentials
from pbxsync.codec import Unreadable, decode
from pbxsync.errors import AnswerLost, PbxError
from pbxsync.sandbox import bodies
from tests.raw_server import RawServer, http
from tests.share import examples

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from pbxsync.codec import Value
    from tests.raw_server import Answer

KINDS = st.sampled_from(["json", "xml"])
READERS: tuple[Callable[[dict[str, Value]], object], ...] = (
    lambda answer: route_list(answer, "json"),
    lambda answer: route_list(answer, "xml"),
    trunk_list,
    device_info,
)

ANSWER: bodies.Answer = {
    "status": "Success",
    "token": "t",
    "outroutes": [
        {"id": "1", "name": "to16", "matchpattern": "X.", "prefix": "16", "callerid": "", "trunks": "a,b"},
        {"id": "2", "name": "Ä & <b>", "matchpattern": "911", "prefix": "", "callerid": "", "trunks": "a"},
    ],
    "trunkname": [{"trunkname": "a", "status": "Registered", "type": "SIP"}],
    "deviceinfo": {"devicename": "UCP", "sn": "1", "firmwarever": "1.0"},
}

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["item", "outroutes", "trunkname", "deviceinfo", "name", "id", "trunks", "x"]), inner
        )
    ),
    max_leaves=8,
)


def read(body: bytes, kind: str) -> None:
    """Read a body in every way; an `Unreadable` that says something is as good as a value, anything else fails."""
    said: list[Unreadable] = []
    try:
        answer = decode(body, kind)
    except Unreadable as error:
        said.append(error)
    else:
        for reader in READERS:
            try:
                reader(answer)
            except Unreadable as error:
                said.append(error)
    assert all(str(error) for error in said)


@given(st.binary(max_size=200), KINDS)
def test_any_bytes_are_read_or_refused(body: bytes, kind: str) -> None:
    read(body, kind)


@given(st.text(max_size=100), KINDS)
def test_any_text_is_read_or_refused(text: str, kind: str) -> None:
    read(text.encode("utf-8", "surrogatepass"), kind)


@given(st.dictionaries(st.sampled_from(["status", "outroutes", "trunkname", "deviceinfo", "item"]), JSON_VALUES))
def test_any_json_under_the_names_of_the_manual_is_read_or_refused(fields: dict[str, object]) -> None:
    read(json.dumps(fields).encode(), "json")


@given(KINDS, st.sampled_from(["wrapped", "bare"]), st.data())
@settings(max_examples=examples(200))
def test_an_answer_with_bytes_cut_out_or_put_in_is_read_or_refused(
    kind: bodies.Format, layout: bodies.Layout, data: st.DataObject
) -> None:
    body = bodies.write(ANSWER, kind, layout)
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(body)))
        end = min(len(body), start + data.draw(st.integers(0, 30)))
        piece = data.draw(
            st.binary(max_size=3) | st.sampled_from([b"<", b"<item>", b"</item>", b"{", b"[", b'"', b","])
        )
        body = body[:start] + piece + body[end:]
    read(body, kind)


def _drip_head(connection: socket.socket, _request: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Padding: ")
    connection.settimeout(0.03)
    while True:
        connection.sendall(b"x")
        try:
            if not connection.recv(1):
                return
        except TimeoutError:
            pass


WORST: dict[str, Answer] = {
    "no HTTP": b"220 mail.example.com ESMTP\r\n",
    "HTTP/0.9": b"Success",
    "NULs": bytes(1000),
    "no status code": b"HTTP/1.1\r\n\r\n",
    "status code of letters": b"HTTP/1.1 OK 200\r\n\r\n",
    "status code 1000": b"HTTP/1.1 1000 OK\r\nContent-Length: 0\r\n\r\n",
    "status code 0": b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n",
    "switching protocols": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "informational for ever": b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
    "nothing but empty entries": http(b'{"status": "Success", "outroutes": [' + b"{}," * 3_000_000 + b"{}]}"),
    "a head without end": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000,
    "a line without end": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1_000_000,
    "a head that drips": _drip_head,
    "a length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}",
    "a length below zero": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    "a length that is too long": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
    "chunks that are none": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
    "chunks cut short": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}",
    "a header that is no text": b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX\xff: \xfe\r\n\r\n{"',
    "no type that exists": http(b"{}", headers="Content-Type: \x01; charset=nonsense\r\n"),
    "packed": http(b"\x1f\x8b" + bytes(50), headers="Content-Encoding: gzip\r\n"),
    "packed by the unknown": http(b"{}", headers="Content-Encoding: nonsense\r\n"),
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "multiple choices": http(b"", status="300 Multiple Choices"),
    "not modified": b"HTTP/1.1 304 Not Modified\r\n\r\n",
    "redirect to nowhere": http(b"", status="302 Found"),
    "redirect to no address": http(b"", status="302 Found", headers="Location: http://[\r\n"),
    "redirect to no port": http(b"", status="302 Found", headers="Location: http://pbx.example.com:x/\r\n"),
    "redirect to bytes": http(b"", status="302 Found", headers="Location: http://\u2100\xff/\r\n"),
    "status is a list": http(b'{"status": ["Success"]}'),
    "status in lower case": http(b'{"status": "success"}'),
    "errno is an object": http(b'{"status": "Failed ", "errno": {"a": []}}'),
}


@pytest.mark.parametrize("name", WORST)
def test_the_worst_answers_leave_a_write_in_doubt_and_are_not_asked_for_twice(name: str) -> None:
    with (
        RawServer(WORST[name]) as server,
        Client(Connection(server.url, timeout=0.3, retries=3), Credentials("t")) as client,
    ):
        with pytest.raises(AnswerLost) as caught:
            client.delete_route("to16")
        assert len(server.requests) == 1
        assert str(caught.value).startswith("outroute/delete: ")
        assert "\n" not in str(caught.value)


@given(st.binary(max_size=60), st.booleans(), KINDS)
@settings(max_examples=examples(40))
def test_whatever_comes_over_the_wire_is_an_error_of_the_pbx(data: bytes, whole: bool, kind: str) -> None:
    with RawServer(http(data) if whole else b"HTTP/1.1 200 OK\r\n" + data) as server:
        client = Client(Connection(server.url, kind, timeout=1, retries=0), Credentials("t"))
        with client, pytest.raises(PbxError):
            client.query_table()
