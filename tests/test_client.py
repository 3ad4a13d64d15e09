"""The PBX's calls over real sockets: what is sent, what an answer means, what is sent again and what never is."""

from __future__ import annotations

import contextlib
import hashlib
import html
import logging
import os
import re
import socket
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from pbxsync.answers import RouteAnswer
from pbxsync.client import Client, Connection, Credentials
from pbxsync.errors import (
    AnswerLost,
    CallUnknown,
    LoginRefused,
    NotSent,
    PbxError,
    Postponed,
    Refused,
)
from pbxsync.model import DeviceInfo, KnownRoute, Route, Trunk
from pbxsync.sandbox import Sandbox, bodies
from pbxsync.transport import MAX_ANSWER
from tests.calling import ADMIN, FULL, KINDS, SUCCESS, TO16, TOKEN, calls, client, failure, pbx
from tests.raw_server import RawServer, http

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


# --- what is sent ---


@KINDS
def test_every_call_works_over_one_connection_in_the_format_that_was_chosen(kind: str) -> None:
    with pbx() as sandbox:
        with client(sandbox.url, ADMIN, kind) as one:
            one.heartbeat()
            one.add_route(TO16)
            one.add_route(FULL)
            assert one.query_table().routes == (KnownRoute(TO16, "1"), KnownRoute(FULL, "2"))
            changed = Route("renamed", "X.", ("trunk1",))
            one.update_route("1", changed)
            one.delete_route(FULL.name)
            assert one.query_table().routes == (KnownRoute(changed, "1"),)
            assert Trunk("to-18-16-2", "Registered", "SIP") in one.query_trunks()
            assert one.query_device() == DeviceInfo(
                "UCP-SANDBOX", "a00000000000", "0.0", "0.0.1-sandbox", "2024-01-01 12:00:00", "2023-Dec-24-08:30:00"
            )
        assert sandbox.connections == 1
        assert calls(sandbox)[0] == "login"
        assert calls(sandbox)[-1] == "logout"
        assert {request.type for request in sandbox.requests} == {kind}
        assert {request.content_type for request in sandbox.requests} == {f"application/{kind}; charset=utf-8"}


@KINDS
def test_an_add_leaves_empty_fields_out_and_an_update_empties_them(kind: str) -> None:
    with pbx() as sandbox, client(sandbox.url, kind=kind) as one:
        one.add_route(TO16)
        one.update_route("1", TO16)
        add, update = (request.fields for request in sandbox.requests)
    sent = {"name": "to16", "prefix": "16", "matchpattern": "X.", "trunks": "to-18-16-2,trunk1"}
    assert add == sent
    assert update == {"id": "1", "prepend": "", "callerid": "", **sent}


def test_a_login_sends_the_md5_of_the_password_and_the_port_that_the_manual_requires() -> None:
    with RawServer(http(b'{"status": "Success", "token": "abc"}')) as server:
        with client(server.url, ADMIN) as one:
            one.login()
        login, logout = server.requests
    assert login.startswith(b"POST /api/v0.0.1/login?type=json HTTP/1.1\r\n")
    assert hashlib.md5(b"sandbox", usedforsecurity=False).hexdigest().encode() in login
    assert b'"port": "8260"' in login
    assert logout.startswith(b"POST /api/v0.0.1/logout?token=abc&type=json HTTP/1.1\r\n")


@pytest.mark.parametrize("token", ["a&type=xml#x y%41/?+", "\r\nX: y", "ä"])
def test_no_token_breaks_out_of_its_place_in_the_address(token: str) -> None:
    with Sandbox(tokens=[token]) as sandbox, client(sandbox.url, Credentials(token)) as one:
        assert one.query_table().routes == ()
        assert sandbox.requests[0].token == token
        assert sandbox.requests[0].type == "json"


def test_a_heartbeat_says_from_which_address_it_comes() -> None:
    with pbx() as sandbox, client(sandbox.url) as one:
        one.heartbeat()
        assert sandbox.requests[0].fields == {"ipaddr": "127.0.0.1", "port": "8260"}


@pytest.mark.parametrize(
    "name", ["all", "ALL", "All", "a,b", ",", "", " all", "all ", "a\n", "\x00", "a\u2028", "\ud800"]
)
def test_a_name_that_may_mean_other_routes_is_never_sent_in_a_delete(name: str) -> None:
    with pbx() as sandbox, client(sandbox.url) as one:
        with pytest.raises(ValueError, match="must not be deleted by name"):
            one.delete_route(name)
        assert sandbox.requests == []


@KINDS
def test_routes_are_asked_for_by_several_names_in_one_query(kind: str) -> None:
    rows = [{"name": name, "matchpattern": "X.", "trunks": "t"} for name in ("a", "b", "c")]
    with pbx(routes=rows) as sandbox, client(sandbox.url, kind=kind) as api:
        assert [known.route.name for known in api.query_named(["a", "c", "missing"])] == ["a", "c"]
        assert api.query_named(["missing"]) == ()
        assert [request.fields for request in sandbox.requests] == [{"name": "a,c,missing"}, {"name": "missing"}]


@pytest.mark.parametrize("names", [[], ["all"], ["a", "ALL"], ["a,b"], ["a", ""], [" a"], ["a\n"]])
def test_no_query_goes_out_for_names_that_may_mean_other_routes(names: list[str]) -> None:
    with pbx() as sandbox, client(sandbox.url) as api:
        with pytest.raises(ValueError, match=r"to ask for|asked for by name"):
            api.query_named(names)
        assert sandbox.requests == []


@pytest.mark.parametrize(
    ("body", "kind", "certain"),
    [
        (b'{"status": "Success", "outroutes": []}', "json", True),
        (b'{"status": "Success", "outroutes": null}', "json", False),
        (b"<xml><status>Success</status><outroutes/></xml>", "xml", True),
        (b"<xml><status>Success</status><outroutes><item/></outroutes></xml>", "xml", False),
    ],
)
def test_a_table_without_routes_is_certain_or_not(body: bytes, kind: str, certain: bool) -> None:
    with RawServer(http(body)) as server, client(server.url, kind=kind) as api:
        assert api.query_table() == RouteAnswer((), certain)
        assert api.query_table().routes == ()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (SUCCESS, "Success, but no list of routes (outroutes); try --type xml, and look in the PBX's web page"),
        (b'{"status": "Success", "errno": "5", "outroutes": []}', "Success and an errno at once; try --type xml"),
        (b'{"status": "Success", "outroutes": [{"id": "1", "name": null, "matchpattern": "1"}]}', "null as the name"),
        (b"", "an empty answer; some PBXs do so once they have cut a route's name in the middle of a UTF-8 sign"),
    ],
)
def test_a_table_that_can_not_be_read_is_asked_for_again_and_then_reported_with_a_way_out(
    body: bytes, said: str
) -> None:
    with RawServer(http(body)) as server, client(server.url, retries=1) as api:
        error = failure(api.query_table)
        assert isinstance(error, AnswerLost)
        assert said in str(error)
        assert len(server.requests) == 2


def test_a_route_whose_name_only_begins_like_all_can_be_deleted() -> None:
    with pbx(routes=[{"name": "allen"}, {"name": "b"}]) as sandbox, client(sandbox.url) as one:
        one.delete_route("allen")
        assert [row["name"] for row in sandbox.routes()] == ["b"]


@pytest.mark.parametrize("layout", ["wrapped", "bare"])
def test_both_layouts_of_an_xml_list_are_read(layout: Any) -> None:
    row = {"name": "to16", "prefix": "16", "matchpattern": "X.", "trunks": "to-18-16-2,trunk1"}
    with pbx(xml_layout=layout, routes=[row]) as sandbox, client(sandbox.url, kind="xml") as one:
        assert one.query_table().routes == (KnownRoute(TO16, "1"),)
        assert len(one.query_trunks()) == 5


# --- the session ---


def test_a_ready_token_is_used_without_a_login_and_lives_on_after_it() -> None:
    with pbx() as sandbox:
        with client(sandbox.url) as one:
            one.query_table()
        assert calls(sandbox) == ["outroute/query"]


def test_a_ready_token_goes_before_user_name_and_password() -> None:
    with pbx() as sandbox:
        with client(sandbox.url, Credentials("t0ken", "admin", "sandbox")) as one:
            one.query_table()
        assert calls(sandbox) == ["outroute/query"]


@KINDS
@pytest.mark.parametrize("credentials", [ADMIN, Credentials("t0ken", "admin", "sandbox")])
def test_a_token_that_dies_is_renewed_once_and_the_refused_add_sent_with_the_new_one(
    kind: str, credentials: Credentials
) -> None:
    with pbx("outroute/add@2=token", "outroute/add@4=token") as sandbox:
        with client(sandbox.url, credentials, kind) as one:
            one.add_route(TO16)
            one.add_route(FULL)
            error = failure(lambda: one.add_route(Route("third", "X.", ("a",))))
        assert isinstance(error, Refused)
        assert error.errno == "20004"
        expected = ["outroute/add", "outroute/add", "login", "outroute/add", "outroute/add"]
        assert calls(sandbox) == (["login"] if credentials is ADMIN else []) + expected + ["logout"]
        assert [row["name"] for row in sandbox.routes()] == ["to16", FULL.name]


def test_a_dead_token_is_not_renewed_without_user_name_and_password() -> None:
    with pbx("*@1=token") as sandbox, client(sandbox.url) as one:
        error = failure(one.query_table)
        assert type(error) is Refused
        assert str(error) == (
            "outroute/query: the PBX refused it (errno 20004, may mean: no such token). Get a new token; or set "
            "PBXSYNC_USERNAME and PBXSYNC_PASSWORD, and pbxsync logs in by itself"
        )
        assert calls(sandbox) == ["outroute/query"]


def test_a_refusal_that_says_nothing_of_the_token_brings_no_new_login() -> None:
    with pbx("outroute/add@1=refuse:10004") as sandbox, client(sandbox.url, ADMIN) as one:
        assert "errno 10004" in str(failure(lambda: one.add_route(TO16)))
        assert calls(sandbox) == ["login", "outroute/add"]


@KINDS
def test_a_refused_login_is_never_repeated(kind: str) -> None:
    with pbx() as sandbox:
        with client(sandbox.url, Credentials(username="admin", password="wrong"), kind, retries=5) as one:
            error = failure(one.query_table)
        assert isinstance(error, LoginRefused)
        assert (error.call, error.errno) == ("login", "30003")
        assert "Check user name and password" in str(error)
        assert calls(sandbox) == ["login"]


def test_a_login_refused_by_what_stands_before_the_pbx_does_not_blame_the_password() -> None:
    for fault in ("status:403", "redirect:https://pbx.example.com/api/v0.0.1/login?type=json"):
        with pbx(f"login@*={fault}") as sandbox, client(sandbox.url, ADMIN, retries=3) as one:
            error = failure(one.login)
            assert type(error) is Refused
            assert "password" not in str(error)
            assert calls(sandbox) == ["login"]


@pytest.mark.parametrize("fault", ["after:reset", "after:empty", "before:status:502", "before:nostatus"])
def test_a_change_is_not_in_doubt_where_only_the_login_before_it_is(fault: str) -> None:
    with pbx(f"login@1={fault}") as sandbox, client(sandbox.url, ADMIN, retries=3) as one:
        error = failure(lambda: one.add_route(TO16))
        assert isinstance(error, NotSent)
        assert error.call == "outroute/add"
        assert str(error).startswith("outroute/add was not sent, since logging in failed: login: ")
        assert calls(sandbox) == ["login"]


def test_a_renewal_whose_answer_is_lost_does_not_leave_the_refused_change_in_doubt() -> None:
    with pbx("outroute/add@1=token", "login@2=after:close") as sandbox, client(sandbox.url, ADMIN) as one:
        assert isinstance(failure(lambda: one.add_route(TO16)), NotSent)
        assert calls(sandbox) == ["login", "outroute/add", "login"]
        assert sandbox.routes() == []


@pytest.mark.parametrize(
    "body", [SUCCESS, b'{"status": "Success", "token": ""}', b'{"status": "Success", "token": []}']
)
def test_a_login_without_a_token_is_no_login(body: bytes) -> None:
    with RawServer(http(body)) as server, client(server.url, ADMIN) as one:
        assert "sends no token" in str(failure(one.login))


@pytest.mark.parametrize("fault", ["refuse", "reset", "status:500", "html"])
def test_a_logout_that_fails_is_nobodys_loss(fault: str) -> None:
    with pbx(f"logout@*={fault}") as sandbox:
        one = client(sandbox.url, ADMIN)
        one.query_table()
        one.close()
        one.close()
        assert calls(sandbox) == ["login", "outroute/query", "logout"]


# --- what may be sent again, and what never is ---

LOST = [
    *["reset", "close", "cut-head", "cut-body", "hang", "status:500", "status:503", "html", "empty", "list", "garbage"],
    *["nostatus", f"huge:{MAX_ANSWER + 1}", "redirect", "status:599"],
]


@KINDS
@pytest.mark.parametrize(
    "fault", [f"{when}:{kind}" for kind in LOST for when in ("before", "after")] + ["slow", "wrong-type"]
)
def test_an_add_whose_answer_is_lost_was_sent_once_and_says_that_it_is_lost(fault: str, kind: str) -> None:
    timeout = 0.2 if "hang" in fault or "slow" in fault else 5.0
    with pbx(f"outroute/add@1={fault}") as sandbox, client(sandbox.url, kind=kind, timeout=timeout, retries=3) as one:
        error = failure(lambda: one.add_route(TO16))
        assert isinstance(error, AnswerLost)
        assert error.call == "outroute/add"
        assert str(error).startswith("outroute/add: ")
        assert calls(sandbox) == ["outroute/add"]
        assert len(sandbox.routes()) == (0 if fault.startswith("before") else 1)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("html", "the PBX answered with a page of HTML instead of JSON; is the address that of a PBX"),
        ("empty", "the PBX answered with an empty answer"),
        ("list", "the PBX answered with a list instead of fields"),
        ("garbage", "that are not JSON (they are not UTF-8)"),
        ("wrong-type", "the PBX answered with XML or a web page instead of JSON"),
        ("nostatus", "the PBX answered with no status instead of Success or Failed"),
        ("status:500", "the PBX answered HTTP 500, which does not say what it did"),
        (f"huge:{MAX_ANSWER + 1}", "the answer is larger than 16 MiB"),
        ("hang", "no whole answer within 0.2 s (see --timeout)"),
        ("slow", "no whole answer within 0.2 s (see --timeout)"),
        ("reset", "the connection broke before the answer was complete ("),
        ("close", "the connection broke before the answer was complete"),
    ],
)
def test_what_came_instead_of_an_answer_is_said(fault: str, said: str) -> None:
    timeout = 0.2 if fault in ("hang", "slow") else 5.0
    when = "" if fault == "slow" else "after:"
    with pbx(f"*@*={when}{fault}") as sandbox, client(sandbox.url, timeout=timeout) as one:
        assert said in str(failure(lambda: one.add_route(TO16)))


@pytest.mark.parametrize("change", ["add", "update", "delete"])
def test_no_change_is_sent_again_once_it_left(change: str) -> None:
    with pbx("*@*=before:reset") as sandbox, client(sandbox.url, retries=3) as one:
        send = {
            "add": lambda: one.add_route(TO16),
            "update": lambda: one.update_route("1", TO16),
            "delete": lambda: one.delete_route("to16"),
        }[change]
        assert isinstance(failure(send), AnswerLost)
        assert calls(sandbox) == [f"outroute/{change}"]


def test_an_answer_of_exactly_the_largest_size_is_read() -> None:
    with pbx(f"outroute/add@1=after:huge:{MAX_ANSWER}") as sandbox, client(sandbox.url) as one:
        one.add_route(TO16)
        assert len(sandbox.routes()) == 1


@pytest.mark.parametrize("ask", ["query_table", "query_trunks", "query_device", "heartbeat"])
def test_what_changes_nothing_is_asked_again_where_its_answer_is_lost(ask: str) -> None:
    with pbx("*@1=after:reset", "*@2=status:503") as sandbox, client(sandbox.url, retries=2) as one:
        getattr(one, ask)()
        assert len(sandbox.requests) == 3


def busy(seconds: str) -> bytes:
    return http(b"", status="503 Service Unavailable", headers=f"Retry-After: {seconds}\r\n")


def test_a_query_waits_as_long_as_it_is_asked_to() -> None:
    with RawServer(busy("1"), http(SUCCESS)) as server, client(server.url, retries=1) as one:
        started = time.monotonic()
        one.heartbeat()
        assert time.monotonic() - started >= 1


def test_who_asks_to_be_left_alone_for_longer_than_an_answer_may_take_is_not_waited_for() -> None:
    with RawServer(busy("6"), http(SUCCESS)) as server, client(server.url, retries=3, timeout=5) as one:
        error = failure(one.query_table)
        assert len(server.requests) == 1
    assert str(error) == (
        "outroute/query: the PBX answered HTTP 503, which does not say what it did, and asks to be left alone for 6 s"
    )


@pytest.mark.parametrize("asked", ["0", "-1", "1.5", "\u0663", "9" * 5000, "Wed, 21 Oct 2099 07:28:00 GMT", "soon", ""])
def test_what_is_no_number_of_seconds_to_wait_is_not_waited_for(asked: str) -> None:
    with RawServer(busy(asked.encode().decode("latin-1")), http(SUCCESS)) as server:
        with client(server.url, retries=1) as one:
            one.heartbeat()
        assert len(server.requests) == 2


def test_a_change_is_not_sent_again_whatever_it_is_asked_to_wait() -> None:
    with RawServer(busy("0"), http(SUCCESS)) as server, client(server.url, retries=3) as one:
        error = failure(lambda: one.add_route(TO16))
        assert isinstance(error, AnswerLost)
        assert len(server.requests) == 1


def too_many(seconds: str) -> bytes:
    return http(b"", status="429 Too Many Requests", headers=f"Retry-After: {seconds}\r\n" if seconds else "")


@pytest.mark.parametrize("seconds", ["1", "0", "", "soon"])
def test_after_too_many_requests_a_change_is_sent_again_as_late_as_asked_for(seconds: str) -> None:
    with RawServer(too_many(seconds), http(SUCCESS)) as server, client(server.url, retries=1) as api:
        started = time.monotonic()
        api.add_route(TO16)
        assert time.monotonic() - started >= (1 if seconds == "1" else 0)
        assert len(server.requests) == 2


def test_too_many_requests_again_and_again_mean_that_nothing_was_changed() -> None:
    with RawServer(too_many("0")) as server, client(server.url, retries=2) as api:
        error = failure(lambda: api.add_route(TO16))
        assert type(error) is Postponed
        assert str(error) == "outroute/add: the PBX got too many requests (HTTP 429); nothing was changed"
        assert len(server.requests) == 3
        assert type(failure(api.query_table)) is Postponed


def test_a_longer_wait_than_for_an_answer_is_left_to_the_next_run_after_too_many_requests_too() -> None:
    with RawServer(too_many("6"), http(SUCCESS)) as server, client(server.url, retries=3, timeout=5) as api:
        error = failure(lambda: api.add_route(TO16))
        assert len(server.requests) == 1
    assert "(HTTP 429), and asks to be left alone for 6 s; nothing was changed" in str(error)


def test_a_login_is_not_repeated_after_too_many_requests() -> None:
    with RawServer(too_many("0")) as server, client(server.url, ADMIN, retries=3) as api:
        assert type(failure(api.query_table)) is Postponed
        assert len(server.requests) == 1


def test_a_query_is_given_up_after_so_many_retries() -> None:
    with pbx("*@*=close") as sandbox, client(sandbox.url, retries=2) as one:
        assert isinstance(failure(one.query_table), AnswerLost)
        assert len(sandbox.requests) == 3


def test_a_refused_query_is_not_repeated() -> None:
    with pbx("*@*=refuse:12345") as sandbox, client(sandbox.url, retries=3) as one:
        assert str(failure(one.query_table)) == "outroute/query: the PBX refused it (errno 12345)"
        assert len(sandbox.requests) == 1


def test_a_request_that_never_left_is_tried_so_often_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "pbxsync.client")
    with RawServer(SUCCESS, listen=False) as server, client(server.url, retries=2) as one:
        error = failure(lambda: one.add_route(TO16))
        assert type(error) is NotSent
        assert f"can't reach 127.0.0.1:{server.port} (" in str(error)
    assert len([record for record in caplog.records if "trying again" in record.getMessage()]) == 2


def test_an_add_that_could_not_leave_at_first_is_sent_once_when_it_can() -> None:
    with RawServer(http(SUCCESS), listen=False) as server:
        timer = threading.Timer(0.1, server.listen)
        timer.start()
        with client(server.url, retries=50) as one:
            one.add_route(TO16)
        timer.join()
        assert len(server.requests) == 1


class OnRetry(logging.Handler):
    """Does something when the client is about to wait for its next try."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__()
        self._act = act

    def emit(self, record: logging.LogRecord) -> None:
        if "trying again" in record.getMessage():
            self._act()


def test_a_wish_to_stop_ends_the_wait_between_two_tries_and_nothing_more_is_sent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "pbxsync.client")
    stop = threading.Event()
    with RawServer(http(SUCCESS), listen=False) as server:

        def listen_and_stop() -> None:
            server.listen()
            stop.set()

        handler = OnRetry(listen_and_stop)
        logging.getLogger("pbxsync.client").addHandler(handler)
        with client(server.url, retries=100, stop=stop) as one:
            assert type(failure(lambda: one.add_route(TO16))) is NotSent
        logging.getLogger("pbxsync.client").removeHandler(handler)
        assert server.requests == []


def test_with_a_wish_to_stop_already_there_a_call_is_tried_once() -> None:
    stop = threading.Event()
    stop.set()
    with pbx("*@*=close") as sandbox, client(sandbox.url, retries=5, stop=stop) as one:
        assert isinstance(failure(one.query_table), AnswerLost)
        assert len(sandbox.requests) == 1


@pytest.mark.parametrize("host", ["unknown.invalid", "a..example.com", f"{'a' * 64}.example.com"])
def test_a_host_that_does_not_exist_or_never_could_was_not_reached(host: str) -> None:
    with client(f"http://{host}") as one:
        error = failure(lambda: one.add_route(TO16))
    assert type(error) is NotSent
    assert str(error).startswith("outroute/add: ")
    assert host in str(error)


def test_connecting_takes_no_longer_than_the_timeout() -> None:
    # It waits for the end of a request in plain HTTP, so the TLS handshake stands still.
    with RawServer(SUCCESS) as server, client(server.url.replace("http:", "https:"), timeout=0.2) as one:
        error = failure(lambda: one.add_route(TO16))
        assert type(error) is NotSent
        assert str(error) == f"outroute/add: can't connect to 127.0.0.1:{server.port} within 0.2 s; is it up?"


def test_a_tls_handshake_takes_no_longer_than_the_timeout_though_bytes_keep_coming() -> None:
    def drip(server: socket.socket) -> None:
        with server.accept()[0] as connection, contextlib.suppress(OSError):
            connection.sendall(b"\x16\x03\x03\x40\x00")  # the head of a long record of a handshake
            while True:
                connection.sendall(b"\x02")
                time.sleep(0.02)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,))
        thread.start()
        host = f"127.0.0.1:{server.getsockname()[1]}"
        with client(f"https://{host}", timeout=0.25) as one:
            started = time.monotonic()
            error = failure(lambda: one.add_route(TO16))
            took = time.monotonic() - started
        thread.join(5)
    assert type(error) is NotSent
    assert str(error) == f"outroute/add: can't connect to {host} within 0.25 s; is it up?"
    assert took > 0.2


def test_a_body_that_never_ends_is_cut_off_at_the_timeout_though_bytes_keep_coming() -> None:
    def drip(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + SUCCESS)
        with contextlib.suppress(OSError):
            while True:
                connection.sendall(b" ")
                time.sleep(0.02)

    with RawServer(drip) as server, client(server.url, timeout=0.25) as one:
        started = time.monotonic()
        error = failure(lambda: one.add_route(TO16))
        assert isinstance(error, AnswerLost)
        assert "no whole answer within 0.25 s" in str(error)
        assert time.monotonic() - started > 0.2


def test_each_of_many_clients_keeps_its_own_time_limit() -> None:
    with pbx("outroute/query@1=hang") as short, pbx("outroute/query@1=slow:0.6") as long:
        with client(long.url, timeout=30) as patient, client(short.url, timeout=0.25) as hasty:
            started = time.monotonic()
            answers: list[object] = []
            waiting = threading.Thread(target=lambda: answers.append(patient.query_table().routes))
            waiting.start()
            assert "no whole answer within 0.25 s" in str(failure(hasty.query_table))
            assert time.monotonic() - started > 0.2
            waiting.join()
        assert answers == [()]


def test_the_time_limit_of_one_answer_does_not_touch_the_next() -> None:
    with pbx("outroute/query@1=slow:0.1") as sandbox, client(sandbox.url, timeout=0.25) as one:
        assert isinstance(failure(one.query_table), AnswerLost)
        for _ in range(3):
            assert one.query_table().routes == ()
        assert sandbox.connections == 2


# --- what an HTTP status means ---


def test_a_redirect_of_the_same_call_is_not_followed_and_nothing_was_changed() -> None:
    with pbx() as other, pbx(f"*@*=redirect:{other.url}/api/v0.0.1/outroute/add?token=t0ken&type=json") as sandbox:
        with client(sandbox.url, retries=3) as one:
            error = failure(lambda: one.add_route(TO16))
        assert type(error) is Refused
        assert str(error) == (
            "outroute/add: the PBX redirects to http://127.0.0.1 (HTTP 302), which is not followed; correct the url; "
            "a browser shows the whole address"
        )
        assert calls(sandbox) == ["outroute/add"]
        assert other.requests == []


def test_a_redirect_to_another_page_may_come_after_the_change_so_its_answer_is_lost() -> None:
    with pbx("*@*=after:redirect:/done.html") as sandbox, client(sandbox.url, retries=3) as one:
        error = failure(lambda: one.add_route(TO16))
        assert isinstance(error, AnswerLost)
        assert "the PBX redirects (HTTP 302), which is not followed" in str(error)
        assert calls(sandbox) == ["outroute/add"]


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://user:s3cret@pbx.example.com:8443/x?token=s3cret", " to https://pbx.example.com (HTTP"),
        ("https://[2001:db8::1]:8443/y", " to https://[2001:db8::1] (HTTP"),
        ("http://192.0.2.1:s3cret/", " to http://192.0.2.1 (HTTP"),
        ("https://PBX.example.com", " to https://pbx.example.com (HTTP"),
        ("s3cret://pbx.example.com/", "redirects (HTTP"),
        ("//pbx.example.com/s3cret", "redirects (HTTP"),
        ("https://s3cret_$@", "redirects (HTTP"),
        ("http://[s3cret", "redirects (HTTP"),
        ("s3cret", "redirects (HTTP"),
    ],
)
def test_of_a_redirect_only_scheme_and_host_are_shown(location: str, shown: str) -> None:
    with pbx(f"*@*=redirect:{location}") as sandbox, client(sandbox.url) as api:
        message = str(failure(api.query_table))
        assert shown in message
        assert "s3cret" not in message
        assert "8443" not in message


@pytest.mark.parametrize("host", ["t0ken.example.com", "T0KEN", "x.pass-word.example.com"])
def test_of_a_redirect_that_holds_a_secret_in_its_host_nothing_is_shown(host: str) -> None:
    credentials = Credentials("t0ken", "admin", "pass-word")
    with pbx(f"*@*=redirect:https://{host}/") as sandbox, client(sandbox.url, credentials) as api:
        message = str(failure(api.query_table))
    assert "the PBX redirects (HTTP 302), which is not followed" in message


@pytest.mark.parametrize("status", [303, 408])
@pytest.mark.parametrize("same", [True, False])
def test_a_303_or_408_does_not_say_whether_the_call_was_carried_out(status: int, same: bool) -> None:
    target = "https://pbx.example.com" + ("/api/v0.0.1/outroute/add" if same else "/done")
    answer = http(b"", status=f"{status} X", headers=f"Location: {target}\r\n")
    with RawServer(answer) as server, client(server.url, retries=3) as api:
        error = failure(lambda: api.add_route(TO16))
        assert isinstance(error, AnswerLost)
        assert f"HTTP {status}" in str(error)
        assert len(server.requests) == 1


@pytest.mark.parametrize(("status", "kind"), [(404, CallUnknown), (405, CallUnknown), (400, Refused), (403, Refused)])
def test_a_status_from_400_to_499_is_a_refusal(status: int, kind: type[Refused]) -> None:
    with pbx(f"*@*=status:{status}") as sandbox, client(sandbox.url, retries=3) as one:
        error = failure(lambda: one.add_route(TO16))
        assert type(error) is kind
        assert f"HTTP {status}" in str(error)
        assert calls(sandbox) == ["outroute/add"]


@pytest.mark.parametrize("answer", ["failed", "404"])
def test_a_call_that_the_firmware_does_not_know_is_told_from_other_refusals(answer: Any) -> None:
    with pbx(calls=["login", "outroute/add"], unknown_call=answer) as sandbox, client(sandbox.url) as one:
        assert type(failure(one.query_table)) is CallUnknown
        one.add_route(TO16)
        assert len(sandbox.routes()) == 1


def test_another_success_status_counts_by_its_body() -> None:
    with RawServer(http(SUCCESS, status="201 Created")) as server, client(server.url) as one:
        one.add_route(TO16)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"status": "Failed"}', "the PBX refused it (no errno)"),
        (b'{"status": "Failed", "errno": 30003}', "the PBX refused it (errno 30003: login refused)"),
        (b'{"status": "Failed", "errno": "s3cret"}', "the PBX refused it (no errno)"),
        (b'{"status": "Failed", "errno": "999999999999"}', "the PBX refused it (no errno)"),
        (b'{"status": "Failed", "errno": ["1"]}', "the PBX refused it (no errno)"),
        (b'{"status": "s3cret"}', "the PBX answered with another status instead of Success or Failed"),
        (b'{"status": ["Success"]}', "the PBX answered with another status instead of Success or Failed"),
    ],
)
def test_a_body_without_success_is_said_without_repeating_text_of_the_pbx(body: bytes, said: str) -> None:
    with RawServer(http(body)) as server, client(server.url) as one:
        assert said in str(failure(lambda: one.add_route(TO16)))


def table(*rows: dict[str, str], kind: str) -> bytes:
    return bodies.write({"status": "Success", "outroutes": list(rows)}, "json" if kind == "json" else "xml")


@KINDS
@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"name": "n" * 2_000_000, "trunks": "t"}], "2000000 characters in name of entry 1 of outroutes, more than"),
        ([{"name": "a", "trunks": "t," * 8_000_000}], "16000000 characters in trunks of entry 1 of outroutes"),
        ([{"name": "a", "trunks": "t"}] * 480_000, "an answer of more parts than any of this API|larger than 16 MiB"),
    ],
    ids=["a long name", "many trunks", "many routes"],
)
def test_a_table_that_no_pbx_has_room_for_is_refused(rows: list[dict[str, str]], said: str, kind: str) -> None:
    with RawServer(http(table(*rows, kind=kind))) as server, client(server.url, kind=kind, timeout=60) as api:
        error = failure(api.query_table)
    assert isinstance(error, AnswerLost)
    assert re.search(said, str(error))


def test_an_unreadable_list_of_routes_is_no_empty_one() -> None:
    with RawServer(http(b'{"status": "Success", "outroutes": "busy"}')) as server, client(server.url) as one:
        error = failure(one.query_table)
        assert isinstance(error, AnswerLost)
        assert str(error) == "outroute/query: the PBX answered with text instead of a list (outroutes)"


# --- text before an answer ---


@pytest.mark.parametrize("kind", ["json", "xml"])
def test_text_before_an_answer_is_reported_and_shown_with_debug_output(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "pbxsync.client")
    notice = b"<br />\n<b>Notice</b>:  Undefined index: callerid" + b" in line 7" * 40
    body = SUCCESS if kind == "json" else b"<xml><status>Success</status></xml>"
    with RawServer(http(notice + body)) as server, client(server.url, kind=kind) as api:
        error = failure(lambda: api.add_route(TO16))
    assert isinstance(error, AnswerLost)
    assert f"text before the {kind.upper()}, such as a notice of PHP (-vv shows it); no such text may be" in str(error)
    assert "Undefined index" not in str(error)
    [shown] = [record.getMessage() for record in caplog.records if "Undefined index" in record.getMessage()]
    assert shown == f"outroute/add: the text: {notice.decode()[:200]}"


@pytest.mark.parametrize("way", [str, str.upper, lambda text: quote(text, safe=""), html.escape])
def test_text_before_an_answer_that_holds_a_secret_is_not_shown(
    way: Callable[[str], str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "pbxsync.client")
    secret = "s3cret & <token>"
    notice = f"<b>Warning</b>: {'x' * 300} token={way(secret)}<br />"
    with RawServer(http(notice.encode() + SUCCESS)) as server, client(server.url, Credentials(secret)) as api:
        assert "text before the JSON" in str(failure(lambda: api.add_route(TO16)))
    assert "outroute/add: the text: (hidden: it holds a secret)" in caplog.messages
    assert "Warning" not in caplog.text


# --- secrets ---


def warnings_of(url: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    warnings: list[str] = []
    with RawServer(http(SUCCESS)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("https_proxy", proxy.url)
        with Client(Connection(url, timeout=0.2, retries=0), TOKEN, warn=warnings.append) as one:
            for _ in range(2):
                with contextlib.suppress(PbxError):
                    one.add_route(TO16)
    return warnings


def test_plain_http_to_another_machine_is_warned_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert warnings_of("http://192.0.2.10", monkeypatch) == [
        "http://192.0.2.10: token and password travel unencrypted over plain HTTP; use an https:// address"
    ]


def test_tls_is_not_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    assert warnings_of("https://192.0.2.10", monkeypatch) == []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "pbx.localhost"])
def test_plain_http_to_this_machine_is_not_warned_of(host: str) -> None:
    warnings: list[str] = []
    with RawServer(SUCCESS, listen=False) as server:
        connection = Connection(f"http://{host}:{server.port}", timeout=0.2, retries=0)
        with Client(connection, TOKEN, warn=warnings.append) as one, pytest.raises(PbxError):
            one.query_table()
    assert warnings == []


class Everything(logging.Handler):
    """Keeps all that any logger says, at any level, as text."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        formatted = logging.Formatter("%(name)s %(message)s").format(record)
        self.lines.append(f"{formatted} {record.args!r} {record.__dict__!r}")


@pytest.fixture
def everything() -> Iterator[Everything]:
    handler, root = Everything(), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    chosen = [logging.getLogger(name) for name in ("h11", "pbxsync.client")]
    levels = [logger.level for logger in chosen]
    for logger in chosen:
        logger.setLevel(logging.DEBUG)
    yield handler
    for logger, level in zip(chosen, levels, strict=True):
        logger.setLevel(level)
    root.setLevel(before)
    root.removeHandler(handler)


def echo(connection: socket.socket, request: bytes) -> None:
    connection.sendall(request)


def echo_as_reason(connection: socket.socket, request: bytes) -> None:
    connection.sendall(b"HTTP/1.1 500 " + request.split(b"\r\n")[0] + b"\r\nContent-Length: 0\r\n\r\n")


def echo_as_location(connection: socket.socket, request: bytes) -> None:
    target = request.split(b" ")[1]
    head = b"HTTP/1.1 301 Moved\r\nLocation: https://pbx.example.com" + target + b"\r\nSet-Cookie: t=" + target
    connection.sendall(head + b"\r\nContent-Length: 0\r\n\r\n")


def echo_as_body(connection: socket.socket, request: bytes) -> None:
    connection.sendall(http(request))


def echo_as_status(connection: socket.socket, request: bytes) -> None:
    line = request.split(b"\r\n")[0]
    connection.sendall(http(b'{"status": "' + line + b'", "errno": "' + line + b'"}'))


def echo_as_length(connection: socket.socket, request: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: " + request.split(b"\r\n")[0] + b"\r\n\r\n")


@KINDS
def test_no_token_password_or_md5_of_it_is_in_any_log_message_repr_or_traceback(
    kind: str, everything: Everything
) -> None:
    token, password = "s3cret-token-1", "s3cret-password-1"
    md5 = hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()
    both = Credentials(token, "admin", password)
    login = Credentials(username="admin", password=password)
    wrong = Credentials(username="admin", password=f"{password}-wrong")
    texts: list[str] = [repr(both), str(both)]
    secrets = {token, password, md5, hashlib.md5(f"{password}-wrong".encode(), usedforsecurity=False).hexdigest()}

    def session(url: str, credentials: Credentials, timeout: float = 5.0) -> None:
        connection = Connection(url, kind, timeout, 1)
        with Client(connection, credentials) as one:
            texts.extend([repr(one), repr(connection)])
            steps = (
                one.query_table,
                one.heartbeat,
                lambda: one.add_route(TO16),
                lambda: one.delete_route("x"),
            )
            for call in steps:
                try:
                    call()
                except PbxError as error:
                    texts.extend(
                        [str(error), repr(error), repr(error.args), "".join(traceback.format_exception(error))]
                    )

    faults = ["outroute/query@1=reset", "outroute/add@1=token", "heartbeat@1=hang", "outroute/delete@1=refuse:1"]
    for credentials in (both, login, wrong):
        with Sandbox(tokens=[token], password=password, faults=faults) as sandbox:
            session(sandbox.url, credentials, timeout=0.2)
            secrets |= {request.token for request in sandbox.requests if request.token}
    for answer in (echo, echo_as_reason, echo_as_location, echo_as_body, echo_as_status, echo_as_length):
        with RawServer(answer) as server:
            session(server.url, both)
            session(server.url, login)
    with RawServer(SUCCESS, listen=False) as server:
        session(server.url, both)

    assert any("pbxsync.client" in line for line in everything.lines)
    assert len(secrets) > 4
    found = {secret for secret in secrets for text in [*texts, *everything.lines] if secret in text}
    assert found == set()


def test_what_is_logged_names_call_status_and_fields_but_hides_the_password(everything: Everything) -> None:
    with pbx() as sandbox, client(sandbox.url, ADMIN) as one:
        one.add_route(TO16)
    text = "\n".join(everything.lines)
    assert re.search(r"pbxsync\.client login: HTTP 200, [0-9]+ bytes, [0-9]+ ms", text)
    assert "'password': '(hidden)'" in text
    assert "outroute/add sent: {'name': 'to16'" in text


def test_no_socket_is_left_open_whatever_happened() -> None:
    def open_files() -> int:
        return len(os.listdir("/dev/fd")) if Path("/dev/fd").is_dir() else 0  # noqa: PTH208

    with pbx("*@1=reset", "*@2=cut-body", "*@3=hang", f"*@4=huge:{MAX_ANSWER + 1}", "*@5=slow") as sandbox:
        before = open_files()
        with client(sandbox.url, timeout=0.2) as one:
            for _ in range(6):
                with contextlib.suppress(PbxError):
                    one.query_table()
        sandbox.close()
        assert open_files() <= before
