"""Connections: an answer belongs to its request, and what becomes of a connection is reported as what it is."""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
import struct
import threading
from typing import TYPE_CHECKING

import httpcore
import httpx
import pytest
import trustme

from pbxsync.client import Client, Connection
from pbxsync.errors import AnswerLost, CertificateRefused, NotSent, PbxError
from pbxsync.model import KnownRoute, Route
from pbxsync.transport import Transport
from tests.calling import SUCCESS, TO16, TOKEN, calls, client, failure, pbx
from tests.raw_server import RawServer, http

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.raw_server import Answer

KEPT = http(SUCCESS, keep=True)
TABLE = b'{"status": "Success", "outroutes": [{"id": "1", "name": "a", "matchpattern": "X.", "trunks": "t"}]}'
KNOWN = (KnownRoute(Route("a", "X.", ("t",)), "1"),)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(SUCCESS), SUCCESS)
SCHEMES = pytest.mark.parametrize("scheme", ["http", "https"])


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server_tls(authority: trustme.CA, scheme: str) -> ssl.SSLContext | None:
    if scheme == "http":
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def client_tls(authority: trustme.CA, scheme: str) -> ssl.SSLContext | None:
    if scheme == "http":
        return None
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


# --- an answer belongs to its request ---


@SCHEMES
@pytest.mark.parametrize(
    "answer",
    [
        KEPT * 2,
        KEPT + http(b'{"status": "Failed"}', keep=True),
        KEPT + b"\r\n",
        http(SUCCESS + b", or not", keep=True, length=len(SUCCESS)),
        http(SUCCESS) * 2,
        CHUNKED * 2,
        http(b'{"status": "Failed", "errno": "1"}', keep=True) + KEPT,
    ],
    ids=["doubled", "prepared", "line end", "length", "doubled and closed", "chunked", "refused and doubled"],
)
def test_an_answer_with_bytes_after_it_is_lost_and_ends_the_connection(
    answer: bytes, server_tls: ssl.SSLContext | None, client_tls: ssl.SSLContext | None
) -> None:
    with RawServer(answer, http(TABLE), keep=2, tls=server_tls) as server, client(server.url, tls=client_tls) as api:
        error = failure(lambda: api.add_route(TO16))
        assert isinstance(error, AnswerLost)
        assert str(error).startswith("outroute/add: bytes came after the answer")
        assert not error.late
        assert not error.silent
        assert api.query_table().routes == KNOWN
        assert server.connections == 2
        assert len(server.requests) == 2


@SCHEMES
@pytest.mark.parametrize("later", [KEPT, b"x"], ids=["an answer", "a byte"])
def test_where_bytes_wait_before_a_request_it_goes_over_a_new_connection(
    later: bytes, server_tls: ssl.SSLContext | None, client_tls: ssl.SSLContext | None
) -> None:
    read, sent = threading.Event(), threading.Event()

    def twice(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(KEPT)
        assert read.wait(10)
        connection.sendall(later)
        sent.set()

    with RawServer(twice, http(TABLE), keep=2, tls=server_tls) as server, client(server.url, tls=client_tls) as api:
        api.add_route(TO16)
        read.set()
        assert sent.wait(10)
        assert api.query_table().routes == KNOWN
        assert server.connections == 2


@SCHEMES
def test_where_the_pbx_has_closed_the_connection_a_change_goes_over_a_new_one(
    server_tls: ssl.SSLContext | None, client_tls: ssl.SSLContext | None
) -> None:
    closed = threading.Event()

    def close(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(KEPT)
        connection.shutdown(socket.SHUT_RDWR)
        closed.set()

    with RawServer(close, KEPT, keep=2, tls=server_tls) as server, client(server.url, tls=client_tls) as api:
        api.add_route(TO16)
        assert closed.wait(10)
        api.add_route(TO16)
        assert server.connections == 2
        assert len(server.requests) == 2


@SCHEMES
def test_answers_in_chunks_come_over_one_connection(
    server_tls: ssl.SSLContext | None, client_tls: ssl.SSLContext | None
) -> None:
    with RawServer(CHUNKED, keep=3, tls=server_tls) as server, client(server.url, tls=client_tls) as api:
        for _ in range(3):
            api.add_route(TO16)
        assert server.connections == 1


def test_interim_answers_are_passed_over() -> None:
    with RawServer(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + KEPT, keep=2) as server:
        with client(server.url) as api:
            api.add_route(TO16)
            api.add_route(TO16)
        assert server.connections == 1


def test_a_connection_that_was_idle_for_long_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pbxsync.transport.MAX_IDLE", 0)
    with pbx() as sandbox, client(sandbox.url) as api:
        api.query_table()
        api.query_table()
        assert sandbox.connections == 2


# --- how a connection ended ---


def end(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def without_a_word(how: Callable[[socket.socket], None]) -> Answer:
    return lambda connection, _request: how(connection)


@SCHEMES
@pytest.mark.parametrize("how", [end, reset])
def test_only_a_used_connection_that_ends_without_a_byte_ends_silently(
    how: Callable[[socket.socket], None], server_tls: ssl.SSLContext | None, client_tls: ssl.SSLContext | None
) -> None:
    with RawServer(KEPT, without_a_word(how), keep=2, tls=server_tls) as server:
        with client(server.url, tls=client_tls, retries=3) as api:
            api.add_route(TO16)
            used = failure(lambda: api.add_route(TO16))
            new = failure(lambda: api.add_route(TO16))
        assert len(server.requests) == 3
        assert server.connections == 2
    assert isinstance(used, AnswerLost)
    assert isinstance(new, AnswerLost)
    assert (used.silent, used.late) == (True, False)
    assert (new.silent, new.late) == (False, False)


@pytest.mark.parametrize("part", [b"H", b"HTTP/1.1 200 OK\r\n", http(SUCCESS, length=100)])
def test_a_connection_that_ends_after_a_byte_of_an_answer_does_not_end_silently(part: bytes) -> None:
    with RawServer(KEPT, part, keep=2) as server, client(server.url) as api:
        api.add_route(TO16)
        error = failure(lambda: api.add_route(TO16))
    assert isinstance(error, AnswerLost)
    assert not error.silent
    assert "the connection broke before the answer was complete" in str(error)


def test_an_answer_that_does_not_come_in_time_is_late_and_not_silent() -> None:
    with pbx("outroute/add@2=hang", "outroute/add@3=slow:0.1") as sandbox, client(sandbox.url, timeout=0.3) as api:
        api.add_route(TO16)
        for _ in range(2):
            error = failure(lambda: api.add_route(TO16))
            assert isinstance(error, AnswerLost)
            assert (error.late, error.silent) == (True, False)


def test_only_the_time_limit_makes_an_answer_late() -> None:
    for fault in ("reset", "status:503", "garbage", "html", "empty"):
        with pbx(f"outroute/add@1={fault}") as sandbox, client(sandbox.url) as api:
            error = failure(lambda: api.add_route(TO16))
            assert isinstance(error, AnswerLost)
            assert not error.late


def test_what_changes_nothing_is_asked_again_after_a_silent_end_and_that_counts_as_no_retry() -> None:
    with RawServer(KEPT, without_a_word(end), http(TABLE), keep=2) as server, client(server.url, retries=0) as api:
        api.heartbeat()
        assert api.query_table().routes == KNOWN
        assert len(server.requests) == 3
        assert server.connections == 2


def test_a_login_is_not_sent_again_after_a_silent_end() -> None:
    with RawServer(KEPT, without_a_word(end), keep=2) as server, client(server.url, retries=3) as api:
        api.heartbeat()
        assert isinstance(failure(api.login), AnswerLost)
        assert len(server.requests) == 2


def tls_fault() -> ssl.SSLError:
    fault = ssl.SSLError("x")
    fault.reason = "WRONG_VERSION_NUMBER"
    return fault


def of_httpx(origin: OSError, kind: type[httpx.RequestError] = httpx.ReadError) -> httpx.RequestError:
    """The error of httpx for an error of the system."""
    below = httpcore.ReadError()
    below.__context__ = origin
    error = kind("GET /?token=s3cret")
    error.__cause__ = below
    return error


ENDED = (ConnectionResetError(), BrokenPipeError(), ssl.SSLEOFError(), ssl.SSLZeroReturnError())
OTHERS = (OSError("x"), tls_fault(), TimeoutError(errno.ETIMEDOUT, "Connection timed out"))


@pytest.mark.parametrize("origin", [*ENDED, *OTHERS, TimeoutError("timed out")], ids=repr)
def test_each_error_of_a_connection_means_lost_after_the_request_left(origin: OSError) -> None:
    kind = httpx.ReadTimeout if isinstance(origin, TimeoutError) else httpx.ReadError
    transport = Transport("http://192.0.2.10", 1, None)
    transport._wire.left = True
    transport._wire.answers = 1
    lost = transport._failure("outroute/add", of_httpx(origin, kind))
    assert type(lost) is AnswerLost
    assert lost.call == "outroute/add"
    assert lost.silent == (origin in ENDED)
    assert lost.late == (type(origin) is TimeoutError and origin.errno is None)


@pytest.mark.parametrize("origin", [*ENDED, *OTHERS, TimeoutError("timed out")], ids=repr)
def test_each_error_of_a_connection_means_not_sent_before_the_request_left(origin: OSError) -> None:
    error = of_httpx(origin, httpx.ConnectTimeout if isinstance(origin, TimeoutError) else httpx.ConnectError)
    meant = Transport("http://192.0.2.10", 1, None)._failure("outroute/add", error)
    assert isinstance(meant, CertificateRefused) == (type(origin) is ssl.SSLError)
    assert isinstance(meant, NotSent)
    assert meant.call == "outroute/add"


def leaves(kind: type[httpx.RequestError]) -> list[type[httpx.RequestError]]:
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in leaves(child))]


HTTPX_ERRORS = [*leaves(httpx.TransportError), httpx.DecodingError]


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("kind", HTTPX_ERRORS, ids=lambda kind: kind.__name__)
def test_each_error_of_httpx_means_lost_after_the_request_left_and_not_sent_before(
    kind: type[httpx.RequestError], left: bool
) -> None:
    transport = Transport("http://192.0.2.10", 1, None)
    transport._wire.left = left
    meant = transport._failure("outroute/add", kind("GET /?token=s3cret"))
    assert type(meant) is (AnswerLost if left else NotSent)
    assert "s3cret" not in str(meant)


def test_an_error_that_the_caller_handles_is_not_taken_for_that_of_a_connection(tmp_path: Path) -> None:
    with RawServer(KEPT, without_a_word(end), keep=2) as server, client(server.url) as api:
        api.add_route(TO16)
        try:
            (tmp_path / "missing").read_bytes()
        except FileNotFoundError:
            error = failure(lambda: api.add_route(TO16))
    assert isinstance(error, AnswerLost)
    assert (error.late, error.silent) == (False, True)


# --- a connection for each call ---


def test_from_one_call_on_each_uses_a_connection_of_its_own() -> None:
    with pbx() as sandbox:
        with client(sandbox.url) as api:
            api.add_route(TO16)
            api.query_table()
            assert sandbox.connections == 1
            api.use_fresh_connections()
            for _ in range(3):
                api.query_table()
        assert sandbox.connections == 4
        assert calls(sandbox) == ["outroute/add", *["outroute/query"] * 4]


def test_a_client_can_use_a_connection_for_each_call_from_the_start_and_says_so_to_the_pbx() -> None:
    with RawServer(KEPT, keep=3) as server, Client(Connection(server.url, fresh=True), TOKEN) as api:
        for _ in range(3):
            api.add_route(TO16)
        assert server.connections == 3
        assert all(b"\r\nConnection: close\r\n" in request for request in server.requests)


def test_the_longest_call_is_known_also_where_it_failed() -> None:
    with pbx("outroute/add@1=delay:0.2", "outroute/add@2=hang") as sandbox, client(sandbox.url, timeout=0.4) as api:
        assert api.longest_call == 0
        api.query_table()
        api.add_route(TO16)
        first = api.longest_call
        assert first >= 0.2
        with contextlib.suppress(PbxError):
            api.add_route(TO16)
        assert api.longest_call >= 0.4
        api.query_table()
        assert api.longest_call >= 0.4
