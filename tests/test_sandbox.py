"""The sandbox, over real sockets and with none of pbxsync's own client."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring

from pbxsync.sandbox import ALL_CALLS, Fault, Firmware, Sandbox, SandboxError
from tests.cli.process import PATIENCE
from tests.plain_client import (
    FORMATS,
    STORED,
    SUCCESS,
    TO16,
    add_request,
    address,
    ask,
    connected,
    decode,
    encode,
    failed,
    raw,
    sandbox_with,
    send,
)


class Clock:
    """A clock that only moves when a test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def credentials(password: str = "sandbox", **others: str) -> dict[str, str]:
    digest = hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()
    return {"username": "admin", "password": digest, "port": "8260"} | others


# --- the calls ---------------------------------------------------------------------------------------------------


@FORMATS
def test_a_session_from_login_to_logout(fmt: str) -> None:
    with Sandbox() as sandbox:
        answer = ask(sandbox, "login", credentials(), fmt=fmt, token="")
        token = answer["token"]
        assert answer == SUCCESS | {"token": token}
        assert len(bytes.fromhex(token)) == 16
        assert ask(sandbox, "heartbeat", {"ipaddr": "10.0.0.1", "port": "8260"}, token=token, fmt=fmt) == SUCCESS
        assert ask(sandbox, "logout", token=token, fmt=fmt) == SUCCESS
        assert ask(sandbox, "heartbeat", token=token, fmt=fmt) == failed("20004")


@FORMATS
def test_a_route_is_added_queried_updated_and_deleted(fmt: str) -> None:
    with sandbox_with() as sandbox:
        assert ask(sandbox, "outroute/add", TO16, fmt=fmt) == SUCCESS
        assert ask(sandbox, "outroute/query", {"name": "to16"}, fmt=fmt) == SUCCESS | {"outroutes": [STORED]}
        update = {"id": "1", "prefix": "", "trunks": "a,b"}
        assert ask(sandbox, "outroute/update", update, fmt=fmt) == SUCCESS
        assert sandbox.routes() == [STORED | {"prefix": "", "trunks": "a,b"}]
        assert ask(sandbox, "outroute/delete", {"name": "to16"}, fmt=fmt) == SUCCESS
        empty: Any = [] if fmt == "json" else ""
        assert ask(sandbox, "outroute/query", {"name": "all"}, fmt=fmt) == SUCCESS | {"outroutes": empty}


@FORMATS
def test_trunks_and_device_info_can_be_queried(fmt: str) -> None:
    with sandbox_with(trunks=[{"trunkname": "a"}, {"trunkname": "b", "status": "Failure", "type": "IAX"}]) as sandbox:
        assert ask(sandbox, "trunklist/query", fmt=fmt)["trunkname"] == [
            {"trunkname": "a", "status": "Registered", "type": "SIP"},
            {"trunkname": "b", "status": "Failure", "type": "IAX"},
        ]
        info = ask(sandbox, "deviceinfo/query", fmt=fmt)["deviceinfo"]
    assert info["devicename"] == "UCP-SANDBOX"
    assert info["firmwarever"] == "0.0.1-sandbox"
    assert set(info) >= {"sn", "hardwarever", "systemtime", "uptime", "extensionstatus"}


def test_there_are_trunks_by_default() -> None:
    with sandbox_with() as sandbox:
        names = [trunk["trunkname"] for trunk in ask(sandbox, "trunklist/query")["trunkname"]]
    assert "to-18-16-2" in names


def test_query_takes_one_name_several_or_all_and_keeps_the_tables_order() -> None:
    with sandbox_with(routes=[TO16 | {"name": name} for name in "abc"]) as sandbox:

        def found(name: str) -> list[str]:
            return [route["name"] for route in ask(sandbox, "outroute/query", {"name": name})["outroutes"]]

        assert found("b") == ["b"]
        assert found("c,a") == ["a", "c"]
        assert found("all") == ["a", "b", "c"]
        assert found("b,unknown") == ["b"]


def test_delete_takes_one_name_several_or_all_and_a_name_that_two_routes_share() -> None:
    with sandbox_with(routes=[TO16 | {"name": name} for name in "abcbd"]) as sandbox:
        assert ask(sandbox, "outroute/delete", {"name": "a,b"}) == SUCCESS
        assert [route["name"] for route in sandbox.routes()] == ["c", "d"]
        assert ask(sandbox, "outroute/delete", {"name": "c,unknown"}) == failed("30004")
        assert [route["name"] for route in sandbox.routes()] == ["c", "d"]
        assert ask(sandbox, "outroute/delete", {"name": "all"}) == SUCCESS
        assert sandbox.routes() == []


def test_ids_are_never_used_again() -> None:
    with sandbox_with() as sandbox:
        for _ in range(2):
            ask(sandbox, "outroute/add", TO16)
            ask(sandbox, "outroute/delete", {"name": "all"})
        ask(sandbox, "outroute/add", TO16)
        assert [route["id"] for route in sandbox.routes()] == ["3"]


@pytest.mark.parametrize("name", ["name", "matchpattern", "trunks"])
def test_an_add_without_a_required_field_is_refused(name: str) -> None:
    with sandbox_with() as sandbox:
        assert ask(sandbox, "outroute/add", TO16 | {name: ""}) == failed("10004")
        assert ask(sandbox, "outroute/add", {k: v for k, v in TO16.items() if k != name}) == failed("10004")
        assert sandbox.routes() == []


def test_an_update_query_or_delete_of_nothing_in_particular_is_refused() -> None:
    with sandbox_with(routes=[TO16]) as sandbox:
        assert ask(sandbox, "outroute/update", {"name": "x"}) == failed("10004")
        assert ask(sandbox, "outroute/update", {"id": "2", "name": "x"}) == failed("30004")
        assert ask(sandbox, "outroute/query", {}) == failed("10004")
        assert ask(sandbox, "outroute/delete", {"name": ""}) == failed("10004")
        assert ask(sandbox, "outroute/delete", {"name": "x"}) == failed("30004")
        assert sandbox.routes() == [STORED]


def test_a_second_route_of_a_name_is_added_or_refused_as_the_sandbox_is_told() -> None:
    with sandbox_with() as sandbox:
        assert [ask(sandbox, "outroute/add", TO16) for _ in range(2)] == [SUCCESS, SUCCESS]
        assert [route["id"] for route in sandbox.routes()] == ["1", "2"]
    with sandbox_with(firmware=Firmware(same_name="refuse")) as sandbox:
        assert [ask(sandbox, "outroute/add", TO16) for _ in range(2)] == [SUCCESS, failed("30005")]
        assert ask(sandbox, "outroute/add", TO16 | {"name": "other"}) == SUCCESS
        assert ask(sandbox, "outroute/update", {"id": "2", "name": "to16"}) == failed("30005")
        assert ask(sandbox, "outroute/update", {"id": "1", "name": "to16"}) == SUCCESS


def test_fields_are_stored_as_they_are_or_as_freepbx_stores_them() -> None:
    sent = TO16 | {"prefix": " 0-a ", "matchpattern": "nxx[2-4].z!", "prepend": "+1w", "callerid": "*#_5"}
    with sandbox_with() as sandbox:
        ask(sandbox, "outroute/add", sent)
        assert sandbox.routes() == [STORED | sent]
    with sandbox_with(firmware=Firmware(filter_fields=True)) as sandbox:
        ask(sandbox, "outroute/add", sent | {"name": "lower case"})
        stored = {
            "prefix": "0-",
            "matchpattern": "NXX[2-4].Z",
            "prepend": "+1",
            "callerid": "*#5",
            "name": "lower case",
        }
        assert sandbox.routes() == [STORED | stored]


@FORMATS
def test_any_text_comes_back_as_it_was_sent(fmt: str) -> None:
    text = "<&>\"' \t\n\r ]]> ü 路由 \U0001f4de &amp; "
    with sandbox_with() as sandbox:
        assert ask(sandbox, "outroute/add", TO16 | {"name": text}) == SUCCESS
        assert ask(sandbox, "outroute/query", {"name": "all"}, fmt=fmt)["outroutes"][0]["name"] == text


def test_what_xml_cannot_carry_is_replaced_in_it() -> None:
    with sandbox_with() as sandbox:
        ask(sandbox, "outroute/add", TO16 | {"name": "a\x00b\uffff"})
        assert ask(sandbox, "outroute/query", {"name": "all"}, fmt="xml")["outroutes"][0]["name"] == "a\ufffdb\ufffd"


def test_xml_lists_can_stand_directly_under_the_root() -> None:
    with sandbox_with(xml_layout="bare", routes=[TO16]) as sandbox:
        for call in ("outroute/query", "trunklist/query"):
            with connected(sandbox) as connection:
                _, body = send(connection, call, encode({"name": "all"}, "xml"), query="token=t&type=xml")
            root = fromstring(body)
            assert [child.tag for child in root][:2] == ["status", "item"]


# --- requests that are not as the manual says -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fmt", "body"),
    [
        ("json", b"{"),
        ("json", b"[]"),
        ("json", b'"text"'),
        ("json", b'{"name": 1}'),
        ("json", b'{"name": {"a": "b"}}'),
        ("json", b'{"name": "a", "name": "b"}'),
        ("json", b'{"name": "\\ud800"}'),
        ("json", b'{"name": "\xff"}'),
        ("json", b"[" * 100_000),
        ("xml", b"<xml>"),
        ("xml", b"<other><name>all</name></other>"),
        ("xml", b"<xml><name><b>all</b></name></xml>"),
        ("xml", b"<xml><name>a</name><name>b</name></xml>"),
        ("xml", b'<?xml version="1.0" encoding="nonsense"?><xml><name>a</name></xml>'),
        ("xml", b'<!DOCTYPE xml [<!ENTITY a "all">]><xml><name>&a;</name></xml>'),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(fmt: str, body: bytes) -> None:
    with sandbox_with() as sandbox, connected(sandbox) as connection:
        response, answer = send(connection, "outroute/query", body, query=f"token=t&type={fmt}")
        assert response.status == 200
        assert decode(answer, fmt) == failed("10001")
        assert sandbox.requests[0].fields == {}


def test_a_type_that_does_not_exist_is_refused_and_a_missing_one_is_json() -> None:
    with sandbox_with() as sandbox, connected(sandbox) as connection:
        _, answer = send(connection, "heartbeat", query="token=t&type=yaml")
        assert json.loads(answer) == failed("10001")
        _, answer = send(connection, "heartbeat", query="token=t")
        assert json.loads(answer) == SUCCESS
        assert [request.type for request in sandbox.requests] == ["yaml", ""]


def test_an_unknown_call_is_refused_or_not_found_as_the_sandbox_is_told() -> None:
    with sandbox_with(calls=["outroute/add"]) as sandbox:
        assert ask(sandbox, "outroute/query", {"name": "all"}) == failed("10003")
        assert ask(sandbox, "login", credentials()) == failed("10003")
        assert ask(sandbox, "outroute/add", TO16) == SUCCESS
    with sandbox_with(calls=["outroute/add"], unknown_call="404") as sandbox, connected(sandbox) as connection:
        response, body = send(connection, "outroute/query")
        assert (response.status, b"<title>404 Not Found</title>" in body) == (404, True)
        response, _ = send(connection, "outroute/add", encode(TO16, "json"))
        assert response.status == 200
        assert sandbox.connections == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_only_post_is_allowed(method: str) -> None:
    with sandbox_with() as sandbox, connected(sandbox) as connection:
        connection.request(method, "/api/v0.0.1/heartbeat?token=t&type=json", b"{}")
        response = connection.getresponse()
        assert (response.status, response.getheader("Allow")) == (405, "POST")
        assert (b"405" in response.read()) == (method != "HEAD")
        assert sandbox.requests == []


@pytest.mark.parametrize("path", ["/", "/api/v1/heartbeat?token=t", "//[", "/api/v0.0.1"])
def test_other_paths_are_not_found(path: str) -> None:
    with sandbox_with() as sandbox, connected(sandbox) as connection:
        connection.request("POST", path, b"{}")
        response = connection.getresponse()
        assert response.status == 404
        response.read()
        assert sandbox.requests == []


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Content-Length: 1048577", 413),
        ("Content-Length: -1", 400),
        ("Content-Length: many", 400),
        ("Transfer-Encoding: chunked", 411),
    ],
)
def test_a_body_too_long_or_of_unknown_length_is_refused(header: str, status: int) -> None:
    request = f"POST /api/v0.0.1/heartbeat?token=t&type=json HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n".encode()
    with sandbox_with() as sandbox:
        assert raw(sandbox, request).startswith(f"HTTP/1.1 {status} ".encode())


def test_a_body_of_one_mebibyte_is_read_and_a_larger_one_gets_its_answer_although_it_is_sent_first() -> None:
    with sandbox_with() as sandbox, connected(sandbox) as connection:
        _, answer = send(connection, "heartbeat", b'{"a": "%s"}' % (b"x" * (1024 * 1024 - 9)))
        assert json.loads(answer) == SUCCESS
        response, _ = send(connection, "heartbeat", b" " * (4 * 1024 * 1024))
        assert response.status == 413


def test_nonsense_instead_of_http_gets_an_error_and_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    with sandbox_with() as sandbox:
        assert b"400" in raw(sandbox, b"\x16\x03\x01\x02\x00 nonsense here\r\n\r\n")
        # A client that leaves in the middle of its body, and one that resets.
        with socket.create_connection(address(sandbox)) as client:
            client.sendall(add_request()[:-5])
        with socket.create_connection(address(sandbox)) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            client.sendall(add_request()[:-5])
        assert ask(sandbox, "outroute/query", {"name": "all"})["outroutes"] == []
    assert capfd.readouterr() == ("", "")


# --- sessions --------------------------------------------------------------------------------------------------------


def test_a_wrong_login_is_refused() -> None:
    with Sandbox(username="me", password="päss") as sandbox:
        assert ask(sandbox, "login", credentials("päss")) == failed("30003")
        assert ask(sandbox, "login", credentials("pass", username="me")) == failed("30003")
        upper = credentials("päss", username="me")
        assert ask(sandbox, "login", upper | {"password": upper["password"].upper()}) == failed("30003")
        assert ask(sandbox, "login", credentials("päss", username="me"))["status"] == "Success"


@pytest.mark.parametrize("name", ["username", "password", "port"])
def test_a_login_without_one_of_its_fields_is_refused(name: str) -> None:
    with Sandbox() as sandbox:
        fields = {key: value for key, value in credentials().items() if key != name}
        assert ask(sandbox, "login", fields) == failed("10004")


def test_five_wrong_logins_in_a_row_lock_the_address_out_for_a_while() -> None:
    clock = Clock()
    with Sandbox(clock=clock, lockout=600) as sandbox:
        for _ in range(4):
            assert ask(sandbox, "login", credentials("wrong")) == failed("30003")
        assert ask(sandbox, "login", credentials())["status"] == "Success"
        for _ in range(5):
            assert ask(sandbox, "login", credentials("wrong")) == failed("30003")
        assert ask(sandbox, "login", credentials()) == failed("20002")
        clock.now += 599
        assert ask(sandbox, "login", credentials()) == failed("20002")
        clock.now += 1
        assert ask(sandbox, "login", credentials("wrong")) == failed("30003")
        assert ask(sandbox, "login", credentials())["status"] == "Success"


def test_a_token_times_out_unless_calls_renew_it() -> None:
    clock = Clock()
    with Sandbox(clock=clock, token_lifetime=1800, tokens=["t"]) as sandbox:
        token = ask(sandbox, "login", credentials())["token"]
        for _ in range(3):
            clock.now += 1799
            assert ask(sandbox, "heartbeat", token=token) == SUCCESS
        clock.now += 1800
        assert ask(sandbox, "heartbeat", token=token) == failed("20006")
        assert ask(sandbox, "heartbeat", token="") == failed("20005")
        assert ask(sandbox, "heartbeat", token="other") == failed("20004")
        assert ask(sandbox, "heartbeat", token="t") == SUCCESS


def test_killed_tokens_are_unknown() -> None:
    with sandbox_with() as sandbox:
        sandbox.kill_tokens()
        assert ask(sandbox, "heartbeat") == failed("20004")


# --- what the sandbox tells ------------------------------------------------------------------------------------------


def test_requests_are_recorded_with_their_connection_and_without_the_password() -> None:
    with sandbox_with() as sandbox:
        with connected(sandbox) as connection:
            send(connection, "login", encode(credentials(), "json"), query="type=json")
            send(connection, "nonsense")
        ask(sandbox, "outroute/add", TO16, fmt="xml")
        first, second, third = sandbox.requests
        assert sandbox.connections == 2
    assert first.fields == {"username": "admin", "port": "8260"}
    assert (first.call, first.token, first.connection) == ("login", "", 1)
    assert (second.call, second.type, second.connection) == ("nonsense", "json", 1)
    assert (third.call, third.type, third.fields, third.token, third.connection) == (
        "outroute/add",
        "xml",
        TO16,
        "t",
        2,
    )
    assert third.content_type == "application/json; charset=utf-8"


def test_answers_have_the_manuals_headers_and_a_content_type_that_does_not_fit() -> None:
    with sandbox_with() as sandbox, connected(sandbox) as connection:
        response, _ = send(connection, "heartbeat")
    assert response.version == 11
    assert response.getheader("Access-control-allow-origin") == "*"
    assert response.getheader("Content-Type") == "text/html; charset=utf-8"


def test_latency_holds_up_every_call_and_closing_ends_it() -> None:
    with sandbox_with(latency=0.05) as sandbox:
        began = time.monotonic()
        ask(sandbox, "heartbeat")
        assert time.monotonic() - began >= 0.05
    with sandbox_with(latency=3600) as sandbox:
        assert closed_while_asking(sandbox) == b""


def test_calls_of_several_connections_lose_nothing() -> None:
    with sandbox_with() as sandbox:

        def add_five(caller: int) -> None:
            for n in range(5):
                ask(sandbox, "outroute/add", TO16 | {"name": f"{caller}-{n}"})

        threads = [threading.Thread(target=add_five, args=(caller,)) for caller in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [route["id"] for route in sandbox.routes()] == [str(n + 1) for n in range(40)]


def test_https_is_served_with_a_tls_context(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = [
        "-keyout",
        str(key),
        "-out",
        str(certificate),
        "-subj",
        "/CN=sandbox",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
    ]
    subprocess.run([*command, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with sandbox_with("heartbeat@2=reset", tls=context) as sandbox:
        host, port = sandbox.url.removeprefix("https://").split(":")
        trusting = ssl.create_default_context(cafile=str(certificate))
        connection = http.client.HTTPSConnection(host, int(port), context=trusting, timeout=5)
        with contextlib.closing(connection):
            _, answer = send(connection, "heartbeat")
            assert json.loads(answer) == SUCCESS
            with pytest.raises(OSError):
                send(connection, "heartbeat")
        with socket.create_connection((host, int(port)), timeout=5) as client:
            client.sendall(b"POST / HTTP/1.1\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                while client.recv(100):
                    pass
        # One that never begins its handshake does not keep the sandbox from closing.
        with socket.create_connection((host, int(port)), timeout=5) as client:
            sandbox.close()
            with contextlib.suppress(ConnectionResetError):
                assert client.recv(1) == b""


# --- life and death --------------------------------------------------------------------------------------------------


def test_closing_frees_the_port_ends_idle_connections_and_can_be_done_twice() -> None:
    with sandbox_with() as sandbox, connected(sandbox) as connection:
        send(connection, "heartbeat")
        before = threading.active_count()
        sandbox.close()
        sandbox.close()
        assert threading.active_count() < before
        with pytest.raises(ConnectionError):
            send(connection, "heartbeat")
        with Sandbox(port=address(sandbox)[1]) as again:
            assert again.url == sandbox.url


def test_a_port_that_is_taken_or_impossible_is_an_error() -> None:
    with Sandbox() as sandbox:
        port = address(sandbox)[1]
        with pytest.raises(SandboxError, match=f"cannot listen on 127.0.0.1:{port}: .*another port"):
            Sandbox(port=port)
    with pytest.raises(SandboxError, match="cannot listen"):
        Sandbox(port=70000)


def test_wait_closed_returns_when_another_thread_closes() -> None:
    with Sandbox() as sandbox:
        threading.Timer(0.15, sandbox.close).start()
        sandbox.wait_closed()


def test_an_unknown_call_in_calls_is_an_error() -> None:
    with pytest.raises(SandboxError, match="no such call: outroutes/add; the sandbox knows deviceinfo/query"):
        Sandbox(calls=[*ALL_CALLS, "outroutes/add"])


def test_a_failure_of_the_sandbox_itself_drops_the_connection_and_is_raised_later(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with Sandbox() as sandbox:
        monkeypatch.setattr(sandbox, "_pbx", None)
        monkeypatch.setattr("pbxsync.sandbox.server.carry_out", lambda *_: 1 / 0)
        with pytest.raises(ConnectionError):
            ask(sandbox, "heartbeat")
        with pytest.raises(SandboxError, match="the sandbox itself failed: ZeroDivisionError"):
            sandbox.wait_closed()
    assert capfd.readouterr() == ("", "")


def test_an_exception_in_the_with_block_is_not_hidden_by_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pbxsync.sandbox.server.carry_out", lambda *_: 1 / 0)
    with pytest.raises(KeyError), Sandbox() as sandbox:  # noqa: PT012
        with pytest.raises(ConnectionError):
            ask(sandbox, "heartbeat")
        raise KeyError


def test_importing_the_sandbox_loads_neither_the_client_nor_slow_libraries() -> None:
    code = "import sys, pbxsync.sandbox; print(*sorted(sys.modules))"
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"yaml", "jsonschema", "h11", "httpx", "rich", "deepdiff"} & set(output)
    assert {name for name in output if name.startswith("pbxsync.") and not name.startswith("pbxsync.sandbox")} == set()


# --- the store -------------------------------------------------------------------------------------------------------


def test_routes_and_the_next_id_survive_in_the_store(tmp_path: Path) -> None:
    store = tmp_path / "deep" / "er" / "sandbox.json"
    with sandbox_with(store=store, routes=[TO16 | {"name": "first"}]) as sandbox:
        assert not store.exists()
        ask(sandbox, "outroute/add", TO16 | {"name": "zwölf"})
        ask(sandbox, "outroute/add", TO16)
        ask(sandbox, "outroute/delete", {"name": "to16"})
        kept = sandbox.routes()
    assert [path.name for path in store.parent.iterdir()] == ["sandbox.json"]
    with sandbox_with(store=store, routes=[TO16 | {"name": "ignored"}]) as sandbox:
        assert sandbox.routes() == kept
        assert [route["name"] for route in kept] == ["first", "zwölf"]
        ask(sandbox, "outroute/add", TO16)
        assert sandbox.routes()[-1]["id"] == "4"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"routes": []}',
        '{"next_id": null, "routes": []}',
        '{"next_id": 1, "routes": ["x"]}',
        '{"next_id": 1, "routes": [{"name": 1}]}',
        '{"next_id": 1, "routes": [{"id": "x"}]}',
        '{"next_id": 1, "routes": [{"id": "1"}, {"id": "1"}]}',
    ],
)
def test_a_broken_store_is_an_error_that_names_the_file(tmp_path: Path, text: str) -> None:
    store = tmp_path / "sandbox.json"
    store.write_text(text)
    with pytest.raises(SandboxError, match=r"sandbox\.json does not hold a sandbox's routes .*delete it"):
        Sandbox(store=store)
    assert store.read_text() == text


def test_a_store_that_cannot_be_read_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=f"cannot read the sandbox's routes from {tmp_path}"):
        Sandbox(store=tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_store_that_is_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    said: list[str] = []

    def begin() -> None:
        with pytest.raises(SandboxError) as caught:
            Sandbox(store=tmp_path / "pipe")
        said.append(str(caught.value))

    beginning = threading.Thread(target=begin, daemon=True)
    beginning.start()
    beginning.join(PATIENCE)
    assert said == [f"cannot read the sandbox's routes from {tmp_path}/pipe: it is not a regular file"]


@pytest.mark.parametrize("broken", ["folder", "file"])
def test_a_store_that_cannot_be_written_leaves_the_table_alone_and_is_raised(tmp_path: Path, broken: str) -> None:
    (tmp_path / "folder").mkdir()
    store = tmp_path / "folder" / "sandbox.json"
    sandbox = sandbox_with(store=store)
    if broken == "folder":
        (tmp_path / "folder").rmdir()
        (tmp_path / "folder").write_text("")
    else:
        store.mkdir()
    with pytest.raises(ConnectionError):
        ask(sandbox, "outroute/add", TO16)
    assert sandbox.routes() == []
    with pytest.raises(SandboxError, match=r"cannot keep the sandbox's routes in .*sandbox\.json"):
        sandbox.close()
    assert len(list((tmp_path / "folder").iterdir()) if broken == "file" else []) == (broken == "file")


def test_routes_given_keep_their_ids_and_odd_ones_are_refused() -> None:
    with sandbox_with(routes=[TO16 | {"id": "19"}, TO16]) as sandbox:
        assert [route["id"] for route in sandbox.routes()] == ["19", "20"]
    with pytest.raises(SandboxError, match="has 'pattern'"):
        Sandbox(routes=[{"name": "a", "pattern": "X."}])


# --- faults: what they do --------------------------------------------------------------------------------------------


def struck(sandbox: Sandbox, fmt: str = "json") -> tuple[http.client.HTTPResponse, bytes]:
    """Add a route, with a heartbeat behind it to see that the connection is still good."""
    with connected(sandbox) as connection:
        answer = send(connection, "outroute/add", encode(TO16, fmt), query=f"token=t&type={fmt}")
        assert send(connection, "deviceinfo/query")[0].status == 200
        assert sandbox.connections == 1
    return answer


def closed_while_asking(sandbox: Sandbox, *, after: int = 0) -> bytes:
    """Send an add, close the sandbox once the request and ``after`` bytes of an answer came, return what came."""
    known, received = len(sandbox.requests), b""
    with socket.create_connection(address(sandbox), timeout=5) as client:
        client.sendall(add_request())
        while len(sandbox.requests) == known:
            time.sleep(0.001)
        while len(received) < after:
            received += client.recv(65536)
        sandbox.close()
        with contextlib.suppress(ConnectionResetError):
            while data := client.recv(65536):
                received += data
    return received


def test_refuse_answers_failed_with_the_errno_given_or_with_none() -> None:
    with sandbox_with("outroute/add@1=refuse:10004", "outroute/add@2=refuse") as sandbox:
        assert ask(sandbox, "outroute/add", TO16, fmt="xml") == failed("10004")
        assert ask(sandbox, "outroute/add", TO16) == {"status": "Failed"}
        assert ask(sandbox, "outroute/add", TO16) == SUCCESS
        assert [route["id"] for route in sandbox.routes()] == ["1"]


@pytest.mark.parametrize(("when", "routes"), [("", 0), ("before:", 0), ("after:", 1)])
@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("status:503", 503, b"<title>503 Service Unavailable</title>"),
        ("status:599", 599, b"<title>599</title>"),
        ("redirect", 302, b"Found"),
        ("html", 200, b"<title>"),
        ("empty", 200, b""),
        ("garbage", 200, b"\xff"),
        ("nostatus", 200, b"{}"),
        ("list", 200, b"[{"),
    ],
)
def test_a_page_instead_of_the_answer(when: str, routes: int, kind: str, status: int, expected: bytes) -> None:
    with sandbox_with(f"outroute/add@*={when}{kind}") as sandbox:
        response, body = struck(sandbox)
        assert response.status == status
        assert expected in body
        assert len(sandbox.routes()) == routes
        assert response.getheader("Retry-After") == ("1" if status == 503 else None)


def test_garbage_is_no_utf_8_and_an_empty_body_is_empty() -> None:
    with sandbox_with("outroute/add@1=garbage", "outroute/add@2=empty") as sandbox, connected(sandbox) as connection:
        with pytest.raises(UnicodeDecodeError):
            send(connection, "outroute/add")[1].decode()
        assert send(connection, "outroute/add")[1] == b""


def test_redirect_leads_where_it_is_told() -> None:
    with sandbox_with("*@1=redirect:http://127.0.0.1:1/x?a=b") as sandbox:
        assert struck(sandbox)[0].getheader("Location") == "http://127.0.0.1:1/x?a=b"
    with sandbox_with("*@1=redirect") as sandbox:
        assert struck(sandbox)[0].getheader("Location") == "/"


def test_list_and_nostatus_in_xml_and_with_other_fields_kept() -> None:
    with sandbox_with("*@1=list", "outroute/query@1=after:nostatus") as sandbox:
        assert fromstring(struck(sandbox, "xml")[1]).tag == "list"
        assert ask(sandbox, "outroute/query", {"name": "all"}) == {"outroutes": []}


@FORMATS
def test_wrong_type_answers_in_the_other_format(fmt: str) -> None:
    with sandbox_with("*@1=wrong-type") as sandbox:
        assert decode(struck(sandbox, fmt)[1], "xml" if fmt == "json" else "json") == SUCCESS
        assert len(sandbox.routes()) == 1


def test_huge_streams_so_many_bytes_of_a_valid_answer_without_a_length() -> None:
    with sandbox_with("*@1=after:huge:200000", "*@2=huge:0") as sandbox, connected(sandbox) as connection:
        response, body = send(connection, "outroute/add", encode(TO16, "json"))
        assert (len(body), json.loads(body)) == (200000, SUCCESS)
        assert response.getheader("Content-Length") is None
        _, body = send(connection, "outroute/add", encode(TO16, "json"))
        assert json.loads(body) == SUCCESS
        assert len(sandbox.routes()) == 1


def test_huge_stops_when_the_client_goes_away_and_when_the_sandbox_closes(capfd: pytest.CaptureFixture[str]) -> None:
    assert Fault.parse("*@*=huge").arg == str(64 * 1024 * 1024)
    with sandbox_with("*@*=huge:999999999999") as sandbox:
        with socket.create_connection(address(sandbox), timeout=5) as client:
            client.sendall(add_request())
            assert client.recv(10) == b"HTTP/1.1 2"
        assert closed_while_asking(sandbox, after=100_000)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("when", "routes"), [("", 0), ("after:", 1)])
class TestConnectionsThatEnd:
    def test_reset(self, when: str, routes: int) -> None:
        with sandbox_with(f"outroute/add@1={when}reset") as sandbox:
            with pytest.raises(ConnectionResetError):
                raw(sandbox, add_request())
            assert len(sandbox.routes()) == routes

    def test_close(self, when: str, routes: int) -> None:
        with sandbox_with(f"outroute/add@1={when}close") as sandbox:
            assert raw(sandbox, add_request()) == b""
            assert len(sandbox.routes()) == routes

    def test_cut_head(self, when: str, routes: int) -> None:
        with sandbox_with(f"outroute/add@1={when}cut-head") as sandbox:
            received = raw(sandbox, add_request())
            assert received.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"\r\n\r\n" not in received
            assert len(sandbox.routes()) == routes

    def test_cut_body(self, when: str, routes: int) -> None:
        with sandbox_with(f"outroute/add@1={when}cut-body") as sandbox:
            with pytest.raises(http.client.IncompleteRead) as caught:
                ask(sandbox, "outroute/add", TO16)
            assert caught.value.expected
            assert abs(caught.value.expected - len(caught.value.partial)) <= 1
            assert len(sandbox.routes()) == routes

    def test_hang(self, when: str, routes: int) -> None:
        with sandbox_with(f"outroute/add@1={when}hang:0.05") as sandbox:
            began = time.monotonic()
            assert raw(sandbox, add_request()) == b""
            assert time.monotonic() - began >= 0.05
            assert len(sandbox.routes()) == routes

    def test_a_hang_does_not_keep_the_sandbox_from_closing(self, when: str, routes: int) -> None:
        with sandbox_with(f"outroute/add@1={when}hang") as sandbox:
            assert closed_while_asking(sandbox) == b""
            assert len(sandbox.routes()) == routes


def test_slow_sends_the_right_answer_byte_by_byte_until_the_sandbox_closes() -> None:
    with sandbox_with("*@1=slow:0.002") as sandbox:
        began = time.monotonic()
        body = struck(sandbox)[1]
        assert json.loads(body) == SUCCESS
        assert time.monotonic() - began >= 0.002 * len(body)
    with sandbox_with("*@1=slow") as sandbox:
        assert closed_while_asking(sandbox, after=10).endswith(b"\r\n\r\n")


def test_delay_sends_the_right_answer_late_when_the_call_is_already_carried_out() -> None:
    with sandbox_with("*@1=delay:0.05") as sandbox:
        began = time.monotonic()
        assert json.loads(struck(sandbox)[1]) == SUCCESS
        assert time.monotonic() - began >= 0.05
    with sandbox_with("*@1=delay:3600") as sandbox:
        closed_while_asking(sandbox)
        assert len(sandbox.routes()) == 1


def test_token_kills_every_token_so_that_the_call_is_refused() -> None:
    with sandbox_with("outroute/add@2=token") as sandbox:
        answers = [ask(sandbox, "outroute/add", TO16) for _ in range(3)]
        assert answers == [SUCCESS, failed("20004"), failed("20004")]
        token = ask(sandbox, "login", credentials())["token"]
        assert ask(sandbox, "outroute/add", TO16, token=token) == SUCCESS


def test_twice_carries_the_call_out_twice() -> None:
    with sandbox_with("outroute/add@1=twice") as sandbox:
        assert ask(sandbox, "outroute/add", TO16) == SUCCESS
        assert [route["id"] for route in sandbox.routes()] == ["1", "2"]


def test_lie_answers_success_and_does_nothing() -> None:
    with sandbox_with("outroute/add@1=lie") as sandbox:
        assert ask(sandbox, "outroute/add", TO16) == SUCCESS
        assert sandbox.routes() == []


def test_alter_stores_another_value() -> None:
    with sandbox_with("outroute/add@1=alter:trunks=", "*@2=alter:prepend=a:b=c") as sandbox:
        assert ask(sandbox, "outroute/add", TO16) == SUCCESS
        assert sandbox.routes() == [STORED | {"trunks": ""}]
        assert ask(sandbox, "outroute/update", {"id": "1", "prepend": "9"}) == SUCCESS
        assert sandbox.routes() == [STORED | {"trunks": "", "prepend": "a:b=c"}]


def test_drop_last_loses_the_last_route_of_the_table() -> None:
    with sandbox_with("outroute/update@1=drop-last", routes=[TO16, TO16]) as sandbox:
        assert ask(sandbox, "outroute/update", {"id": "1", "prefix": "17"}) == SUCCESS
        assert sandbox.routes() == [STORED | {"prefix": "17"}]


# --- faults: how they are written ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("which", "expected"),
    [("*", "xxxxxx"), ("2", ".x...."), ("2-4", ".xxx.."), ("5-", "....xx"), ("9", "......")],
)
def test_which_counts_the_requests_of_a_call(which: str, expected: str) -> None:
    with sandbox_with(f"outroute/add@{which}=refuse") as sandbox:
        answers = []
        for _ in expected:
            assert ask(sandbox, "heartbeat") == SUCCESS
            answers.append(ask(sandbox, "outroute/add", TO16)["status"])
    assert "".join("x" if answer == "Failed" else "." for answer in answers) == expected


def test_a_star_counts_all_requests_and_the_first_fault_given_strikes() -> None:
    with sandbox_with("*@2=refuse:1", "heartbeat@2=refuse:2", "*@3=refuse:3", "heartbeat@*=refuse:4") as sandbox:
        answers = [ask(sandbox, call) for call in ("logout", "heartbeat", "heartbeat", "heartbeat")]
    assert answers == [SUCCESS, failed("1"), failed("2"), failed("4")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("outroute/add@5=refuse:10004", Fault("outroute/add", "refuse", 5, 5, "before", "10004")),
        ("outroute/add@3-7=after:reset", Fault("outroute/add", "reset", 3, 7, "after")),
        ("outroute/query@*=status:503", Fault("outroute/query", "status", 1, None, "before", "503")),
        ("*@2-=alter:name=a=b", Fault("*", "alter", 2, None, "after", "name=a=b")),
        ("*@1=hang", Fault("*", "hang", 1, 1, "before", "3600")),
    ],
)
def test_a_fault_is_read_and_writes_itself_so_that_it_reads_the_same(text: str, expected: Fault) -> None:
    assert Fault.parse(text) == expected
    assert Fault.parse(str(expected)) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not CALL@WHICH=KIND"),
        ("outroute/add=reset", "not CALL@WHICH=KIND"),
        ("outroute/add@x=reset", "not CALL@WHICH=KIND"),
        ("outroute/add@1", "not CALL@WHICH=KIND"),
        ("outroute/add@1=reset:", "not CALL@WHICH=KIND"),
        ("outroutes/add@1=reset", "there is no call 'outroutes/add'"),
        ("outroute/add@1=explode", "there is no kind 'explode'"),
        ("outroute/add@0=reset", "counted from 1"),
        ("outroute/add@5-3=reset", "does not end before it begins"),
        ("outroute/add@1=after:refuse", "refuse is always before the call"),
        ("outroute/add@1=before:slow", "slow is always after the call"),
        ("outroute/add@1=reset:now", "reset takes no argument"),
        ("outroute/add@1=status", "write status:CODE"),
        ("outroute/add@1=status:204", "write status:CODE"),
        ("outroute/add@1=status:99", "write status:CODE"),
        ("outroute/add@1=delay", "write delay:SECONDS"),
        ("outroute/add@1=hang:soon", r"write hang\[:SECONDS\]"),
        ("outroute/add@1=alter:id=5", "write alter:FIELD=VALUE"),
        ("outroute/query@1=alter:name=x", "alter is for outroute/add and outroute/update"),
        ("outroute/add@1=redirect:/\x85x", r"write redirect\[:URL\]"),
    ],
)
def test_a_bad_fault_is_an_error_that_says_what_is_allowed(text: str, why: str) -> None:
    with pytest.raises(SandboxError, match=f"bad fault .*: .*{why}.*CALL@WHICH=.*outroute/update.*wrong-type"):
        Sandbox(faults=[text])


def test_a_fault_can_be_given_as_a_value() -> None:
    with sandbox_with(Fault("outroute/add", "lie")) as sandbox:
        assert ask(sandbox, "outroute/add", TO16) == SUCCESS
        assert ask(sandbox, "outroute/add", TO16) == SUCCESS
        assert sandbox.routes() == []


def test_the_documentation_has_every_kind_of_fault_as_the_error_message_lists_them() -> None:
    with pytest.raises(SandboxError) as caught:
        Fault.parse("")
    shapes = str(caught.value).split("KIND is one of ")[1].split(", ")
    listed = {found[0] for shape in shapes if (found := re.match("[a-z-]+", shape))}
    text = (Path(__file__).parent.parent / "docs" / "sandbox.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| `([a-z-]+)[^|]*` \| (?:before|both|after) \|", text, re.MULTILINE)
    assert len(documented) == len(set(documented))
    assert set(documented) == listed
