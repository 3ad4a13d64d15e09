"""The proxy that the environment names: when it is used, what goes through it, and what NO_PROXY keeps out of it."""

from __future__ import annotations

import select
import socket
import ssl
import traceback
from typing import TYPE_CHECKING

import pytest
import trustme

from pbxsync.client import Client, Connection
from pbxsync.errors import AnswerLost, CertificateRefused, NotSent, SettingsError
from pbxsync.proxies import proxy_for
from tests.calling import SUCCESS, TO16, TOKEN, client, failure, pbx
from tests.raw_server import RawServer, http

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pbxsync.sandbox import Sandbox
    from tests.raw_server import Answer


def test_a_proxy_is_taken_from_the_environment_but_never_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(http(SUCCESS)) as proxy, pbx() as sandbox:
        monkeypatch.setenv("http_proxy", proxy.url)
        with client("http://192.0.2.10") as one:
            one.add_route(TO16)
        assert proxy.requests[0].startswith(b"POST http://192.0.2.10/api/v0.0.1/outroute/add?")
        with client(sandbox.url) as one:
            one.add_route(TO16)
        assert len(proxy.requests) == 1
        assert len(sandbox.requests) == 1


def test_a_proxy_for_everything_may_be_written_without_a_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(http(SUCCESS)) as proxy:
        monkeypatch.setenv("all_proxy", f"127.0.0.1:{proxy.port}")
        with client("http://192.0.2.10") as one:
            one.add_route(TO16)
        assert len(proxy.requests) == 1


def test_an_address_in_no_proxy_is_reached_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(http(SUCCESS)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "pbx.invalid")
        with client("http://pbx.invalid") as one:
            assert isinstance(failure(one.query_table), NotSent)
        assert proxy.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 Connection established\r\n\r\nthis is not TLS",
        lambda connection, _request: connection.recv(1),
    ],
)
def test_what_does_not_get_through_a_proxy_to_a_tls_pbx_was_never_sent(
    answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RawServer(answer) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        with client("https://192.0.2.10", timeout=0.2) as one:
            error = failure(lambda: one.add_route(TO16))
        assert isinstance(error, NotSent)
        assert proxy.requests[0].startswith(b"CONNECT 192.0.2.10:443 HTTP/1.1\r\n")
        assert b"t0ken" not in b"".join(proxy.requests)


@pytest.mark.parametrize("proxy", ["ftp://user:s3cret@192.0.2.1", "http://user:s3cret@192.0.2.1:x"])
def test_a_proxy_that_cannot_be_used_is_said_without_its_password(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(SettingsError, match="the proxy that the environment names can't be used") as caught:
        client("http://192.0.2.10")
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("no_proxy", "url"),
    [
        ("192.0.2.10", "https://192.0.2.10"),
        ("192.0.2.0/24", "https://192.0.2.10"),
        ("198.51.100.0/24, 192.0.2.0/24", "https://192.0.2.10:8443"),
        ("192.0.2.99/24", "https://192.0.2.10"),
        ("0.0.0.0/0", "https://192.0.2.10"),
        ("192.0.2.10:8443", "https://192.0.2.10:8443"),
        ("192.0.2.10:443", "https://192.0.2.10"),
        ("2001:db8::1", "https://[2001:db8::1]"),
        ("[2001:db8::1]", "https://[2001:db8::1]:8443"),
        ("2001:DB8:0:0::1", "https://[2001:db8::1]"),
        ("2001:db8::/32", "https://[2001:db8::1]"),
        ("[2001:db8::]/32", "https://[2001:db8::1]"),
        ("[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("example.com", "https://pbx.example.com"),
        ("example.com", "https://example.com"),
        (".example.com", "https://pbx.example.com"),
        ("*.example.com", "https://pbx.example.com"),
        ("*.EXAMPLE.com", "https://a.pbx.example.com"),
        ("pbx.example.com:8443", "https://pbx.example.com:8443"),
        ("localhost,pbx.example.com", "https://pbx.example.com"),
        ("*", "https://pbx.example.com"),
        ("localhost, *", "https://192.0.2.10"),
    ],
)
def test_what_no_proxy_covers_is_reached_directly(no_proxy: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://192.0.2.1:3128")
    monkeypatch.setenv("no_proxy", no_proxy)
    assert proxy_for(url) is None


@pytest.mark.parametrize(
    ("no_proxy", "url"),
    [
        ("", "https://192.0.2.10"),
        ("192.0.2.1", "https://192.0.2.10"),
        ("198.51.100.0/24", "https://192.0.2.10"),
        ("192.0.2.0/33", "https://192.0.2.10"),
        ("192.0.2.10:8443", "https://192.0.2.10"),
        ("2001:db8::/32", "https://192.0.2.10"),
        ("0.0.0.0/0", "https://[2001:db8::1]"),
        ("2001:db8::2", "https://[2001:db8::1]"),
        ("[2001:db8::1]:8443", "https://[2001:db8::1]"),
        ("192.0.2.0/24", "https://pbx.example.com"),
        ("example.com", "https://pbx.example.org"),
        ("example.com", "https://pbxexample.com"),
        ("*.example.com:8443", "https://pbx.example.com"),
        ("pbx.example.com:99999999999999999999", "https://pbx.example.com"),
        ("., *., :, [], []:1, /24, ::/x, ,", "https://pbx.example.com"),
    ],
)
def test_what_no_proxy_does_not_cover_goes_through_the_proxy(
    no_proxy: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://192.0.2.1:3128")
    monkeypatch.setenv("no_proxy", no_proxy)
    assert proxy_for(url) == "http://192.0.2.1:3128"


def test_a_proxy_gets_the_user_name_and_password_that_it_is_named_with(monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(http(SUCCESS)) as proxy:
        monkeypatch.setenv("http_proxy", f"http://us%40er:p%3Aw@127.0.0.1:{proxy.port}")
        with client("http://192.0.2.10:8080") as api:
            api.add_route(TO16)
        assert b"\r\nProxy-Authorization: Basic dXNAZXI6cDp3\r\n" in proxy.requests[0]
        assert b"\r\nHost: 192.0.2.10:8080\r\n" in proxy.requests[0]


def test_a_proxy_over_which_a_tls_pbx_is_reached_gets_no_request_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # The proxy answers and says nothing more, as if it went on to a PBX whose TLS handshake does not begin.
    with RawServer(b"HTTP/1.1 200 Connection established\r\n\r\n") as proxy:
        monkeypatch.setenv("https_proxy", f"http://user:s3cret@127.0.0.1:{proxy.port}")
        with client("https://pbx.example.com") as api:
            error = failure(lambda: api.add_route(TO16))
        assert type(error) is NotSent
        assert "pbx.example.com closed the connection during the TLS handshake" in str(error)
        assert "s3cret" not in str(error)
        [request] = proxy.requests
        assert request.startswith(b"CONNECT pbx.example.com:443 HTTP/1.1\r\n")
        assert b"\r\nProxy-Authorization: Basic dXNlcjpzM2NyZXQ=\r\n" in request


def test_the_refusal_of_a_proxy_is_reported_with_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(http(b"", status="407 Proxy Authentication Required")) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        with client("https://pbx.example.com") as api:
            message = str(failure(lambda: api.add_route(TO16)))
    assert "through the proxy that the environment names (see NO_PROXY) (HTTP 407)" in message


@pytest.mark.parametrize("proxy", ["https://192.0.2.1:3128", "socks5://192.0.2.1:1080", "http://", "http://:3128"])
def test_only_a_proxy_over_plain_http_can_be_used(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(SettingsError, match="write one such as http://192"):
        client("https://192.0.2.10")


# --- a tunnel to a TLS PBX ---


def tunnel_to(port: int) -> Answer:
    """A proxy that connects to this port of 127.0.0.1."""

    def pass_on(connection: socket.socket, _request: bytes) -> None:
        with socket.create_connection(("127.0.0.1", port)) as onward:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            ends = {connection: onward, onward: connection}
            while True:
                for end in select.select([*ends], [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    ends[end].sendall(data)

    return pass_on


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_pbx(authority: trustme.CA) -> Iterator[Sandbox]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("pbx.example.com").configure_cert(context)
    with pbx("outroute/add@3=hang", tls=context) as sandbox:
        yield sandbox


@pytest.fixture
def proxy(tls_pbx: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[RawServer]:
    with RawServer(tunnel_to(int(tls_pbx.url.rpartition(":")[2]))) as server:
        monkeypatch.setenv("https_proxy", server.url)
        yield server


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def test_calls_to_a_tls_pbx_go_through_one_tunnel(tls_pbx: Sandbox, proxy: RawServer, trusting: ssl.SSLContext) -> None:
    with client("https://pbx.example.com", tls=trusting) as api:
        api.add_route(TO16)
        assert len(api.query_table().routes) == 1
        assert api.query_device()
    assert len(tls_pbx.requests) == 3
    assert [request.partition(b"\r\n")[0] for request in proxy.requests] == [b"CONNECT pbx.example.com:443 HTTP/1.1"]


def test_after_an_answer_that_came_too_late_the_next_call_goes_through_another_tunnel(
    tls_pbx: Sandbox, proxy: RawServer, trusting: ssl.SSLContext
) -> None:
    with client("https://pbx.example.com", tls=trusting, timeout=2) as api:
        api.add_route(TO16)
        api.add_route(TO16)
        error = failure(lambda: api.add_route(TO16))
        assert isinstance(error, AnswerLost)
        assert error.late
        assert api.query_table().routes
    assert proxy.connections == 2
    assert len(tls_pbx.requests) == 4


def test_a_pin_is_compared_through_a_tunnel_before_a_byte_of_a_request(
    tls_pbx: Sandbox, proxy: RawServer, trusting: ssl.SSLContext
) -> None:
    pinned = Connection("https://pbx.example.com", retries=0, tls=trusting, pins=("0" * 64,))
    with Client(pinned, TOKEN) as api:
        for _ in range(2):
            error = failure(lambda: api.add_route(TO16))
            assert type(error) is CertificateRefused
            assert "is not one that --pin-sha256 names: its SHA-256 is " in str(error)
    assert proxy.connections == 2
    assert tls_pbx.requests == []


@pytest.mark.parametrize("known", [True, False])
def test_the_certificate_of_a_pbx_is_fetched_through_a_tunnel_too(
    tls_pbx: Sandbox, proxy: RawServer, trusting: ssl.SSLContext, known: bool
) -> None:
    host, tls = ("other.example.com", trusting) if known else ("pbx.example.com", None)
    with client(f"https://{host}", tls=tls) as api:
        message = str(failure(lambda: api.add_route(TO16)))
    assert "then trust exactly this certificate: --pin-sha256 " in message
    assert ("it is for pbx.example.com)" in message) == known
    assert tls_pbx.requests == []
    assert {request.split()[1] for request in proxy.requests} == {f"{host}:443".encode()}
