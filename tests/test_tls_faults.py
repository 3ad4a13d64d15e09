"""TLS: certificates that are checked or pinned, and each fault with its cause and a way out."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import ipaddress
import logging
import re
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from pbxsync.client import Client, Connection
from pbxsync.errors import AnswerLost, CertificateRefused, NotSent
from tests.calling import TO16, TOKEN, calls, client, failure, pbx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pbxsync.sandbox import Sandbox


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_pbx(authority: trustme.CA) -> Iterator[Sandbox]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with pbx(tls=context) as sandbox:
        yield sandbox


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def test_a_certificate_of_an_unknown_ca_is_refused_once_with_advice(
    tls_pbx: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pbxsync.client")
    with client(tls_pbx.url, retries=3) as one:
        error = failure(lambda: one.add_route(TO16))
    assert type(error) is CertificateRefused
    assert "the CA that signed it is not known here); give the CA's certificate with --ca-file" in str(error)
    assert tls_pbx.requests == []
    assert "trying again" not in caplog.text


def test_a_certificate_of_a_ca_that_is_trusted_is_taken(tls_pbx: Sandbox, authority: trustme.CA) -> None:
    with client(tls_pbx.url, tls=trusting(authority)) as one:
        one.add_route(TO16)
        one.query_table()
    assert tls_pbx.connections == 1
    assert len(tls_pbx.routes()) == 1


def test_a_certificate_of_another_host_is_refused(authority: trustme.CA) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("pbx.example.com").configure_cert(context)
    with pbx(tls=context) as sandbox, client(sandbox.url, tls=trusting(authority)) as one:
        error = failure(one.query_table)
        assert type(error) is CertificateRefused
        assert "IP address mismatch" in str(error)
        assert "it is for pbx.example.com); name the PBX so in pbx.url" in str(error)


def test_a_certificate_that_has_expired_is_refused_as_such(authority: trustme.CA) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    past = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    authority.issue_cert("127.0.0.1", not_before=past, not_after=past).configure_cert(context)
    with pbx(tls=context) as sandbox, client(sandbox.url, tls=trusting(authority)) as one:
        error = failure(one.query_table)
        assert type(error) is CertificateRefused
        assert "is not trusted (certificate has expired); renew it on the PBX" in str(error)


def test_a_connection_that_is_closed_in_the_handshake_is_tried_again() -> None:
    def accept(server: socket.socket) -> None:
        for _ in range(2):
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=accept, args=(server,), daemon=True)
        thread.start()
        with client(f"https://127.0.0.1:{server.getsockname()[1]}", retries=1) as one:
            error = failure(lambda: one.add_route(TO16))
        thread.join(5)
    assert not thread.is_alive()
    assert type(error) is NotSent
    assert "closed the connection during the TLS handshake; is it up?" in str(error)


def test_any_certificate_is_taken_where_the_context_checks_none(tls_pbx: Sandbox) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with client(tls_pbx.url, tls=context) as one:
        assert one.query_table().routes == ()


def test_a_plain_http_port_spoken_to_with_https_is_said_to_be_one() -> None:
    with pbx() as sandbox, client(sandbox.url.replace("http:", "https:"), retries=3) as one:
        error = failure(lambda: one.add_route(TO16))
        assert type(error) is CertificateRefused
        assert "does not speak TLS as it should" in str(error)
        assert "is it an http:// address?" in str(error)


@pytest.mark.parametrize("fault", ["hang", "slow:0.05", "cut-body", "reset"])
def test_an_answer_lost_over_tls_is_lost_too(authority: trustme.CA, fault: str) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with pbx(f"outroute/add@1={fault}", tls=context) as sandbox:
        with client(sandbox.url, tls=trusting(authority), timeout=0.3) as one:
            assert isinstance(failure(lambda: one.add_route(TO16)), AnswerLost)
            assert len(one.query_table().routes) == len(sandbox.routes())
        assert calls(sandbox) == ["outroute/add", "outroute/query"]


def test_a_connection_that_says_goodbye_in_the_handshake_is_tried_again() -> None:
    close_notify = b"\x15\x03\x03\x00\x02\x01\x00"
    with answering(close_notify, times=2) as port, client(f"https://127.0.0.1:{port}", retries=1) as api:
        error = failure(lambda: api.add_route(TO16))
    assert type(error) is NotSent
    assert "closed the connection during the TLS handshake; is it up?" in str(error)


# --- each fault with its cause ---


@contextlib.contextmanager
def answering(data: bytes, times: int = 1) -> Iterator[int]:
    """A port whose server answers the begin of a handshake with these bytes and closes the connection."""

    def serve(server: socket.socket) -> None:
        for _ in range(times):
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(data)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(10)
    assert not thread.is_alive()


class Certificate:
    """A certificate of a PBX, by default signed by itself, for 127.0.0.1 and made now."""

    def __init__(
        self,
        folder: Path,
        *extensions: x509.ExtensionType,
        bits: int = 2048,
        days: int = 1,
        issuer: Certificate | None = None,
        subject: str = "PBX",
    ) -> None:
        self.key = rsa.generate_private_key(65537, bits)
        self.subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)])
        now = datetime.datetime.now(datetime.UTC)
        signer = issuer or self
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.subject)
            .issuer_name(signer.subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(min(days - 2, -1)))
            .not_valid_after(now + datetime.timedelta(days))
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        made = builder.sign(signer.key, hashes.SHA256())
        self.pem = made.public_bytes(serialization.Encoding.PEM)
        self.fingerprint = hashlib.sha256(made.public_bytes(serialization.Encoding.DER)).hexdigest()
        plain = serialization.NoEncryption()
        key = self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        self._file = folder / "pbx.pem"
        self._file.write_bytes(self.pem + key)

    @property
    def pairs(self) -> str:
        return ":".join(re.findall("..", self.fingerprint.upper()))

    def server(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.load_cert_chain(self._file)
        return context

    def trusted(self, flags: int = 0) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self.pem.decode())
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # as up to Python 3.12
        context.verify_flags |= flags
        return context


def names(*names: x509.GeneralName) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName(names)


LOOPBACK = names(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))


def fault(server: ssl.SSLContext, trusted: ssl.SSLContext | None) -> str:
    """The text of the refusal; no request has reached the PBX then."""
    with pbx(tls=server) as sandbox, client(sandbox.url, tls=trusted, retries=3) as api:
        error = failure(lambda: api.add_route(TO16))
        assert type(error) is CertificateRefused
        assert sandbox.requests == []
    assert "--insecure" not in str(error)
    return str(error)


def test_a_certificate_that_the_pbx_signed_itself_is_reported_with_its_fingerprint(tmp_path: Path) -> None:
    own = Certificate(tmp_path, LOOPBACK)
    text = fault(own.server(), ssl.create_default_context())
    assert "(self-signed certificate: the PBX has signed it itself); save it and name it with --ca-file. Or " in text
    assert text.endswith(f"then trust exactly this certificate: --pin-sha256 {own.pairs}")


def test_a_certificate_without_a_subjectaltname_is_reported_as_such(tmp_path: Path) -> None:
    own = Certificate(tmp_path, subject="127.0.0.1")
    text = fault(own.server(), own.trusted())
    assert "it has no subjectAltName, and a common name does not count)" in text
    assert "make one on the PBX with the subjectAltName IP:127.0.0.1. " in text
    assert own.pairs in text


def test_of_a_certificate_for_other_names_three_are_shown_and_none_that_is_odd(tmp_path: Path) -> None:
    hosts = ["a.example.com", "*.b.example.com", "c d", "e\x1b[31m", "f.example.com", "g.example.com"]
    own = Certificate(tmp_path, names(*(x509.DNSName(host) for host in hosts)))
    text = fault(own.server(), own.trusted())
    assert "it is for a.example.com, *.b.example.com, f.example.com); name the PBX so in pbx.url" in text


def test_a_key_that_is_too_short_is_reported_as_such(tmp_path: Path) -> None:
    own = Certificate(tmp_path, LOOPBACK, bits=1024)
    text = fault(own.server(), own.trusted())
    assert "its key is too short for OpenSSL); make a certificate with an RSA key of 2048 bits or more" in text
    assert own.pairs in text


def test_what_python_3_13_asks_for_is_named(tmp_path: Path) -> None:
    can_sign = x509.BasicConstraints(ca=True, path_length=None)
    authority = Certificate(tmp_path, can_sign, subject="CA")
    own = Certificate(tmp_path, LOOPBACK, issuer=authority)
    text = fault(own.server(), authority.trusted(ssl.VERIFY_X509_STRICT))
    assert "(Missing Authority Key Identifier: Python 3.13 and later refuse that)" in text
    assert "; make the certificate again with the extension authorityKeyIdentifier. " in text
    assert "--ca-file" not in text
    assert own.pairs in text


def test_where_the_certificate_can_not_be_fetched_the_command_for_it_is_shown(tmp_path: Path) -> None:
    own = Certificate(tmp_path, LOOPBACK)

    def serve(server: socket.socket) -> None:
        connection, _ = server.accept()
        server.close()
        with contextlib.suppress(OSError):
            own.server().wrap_socket(connection, server_side=True)

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        thread = threading.Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        with client(f"https://127.0.0.1:{port}") as api:
            text = str(failure(lambda: api.add_route(TO16)))
        thread.join(10)
    command = f"openssl s_client -connect 127.0.0.1:{port} </dev/null | openssl x509 -noout -fingerprint -sha256"
    assert f"Or compare what «{command}» shows with the certificate on the PBX" in text


@pytest.mark.parametrize(
    ("alert", "said"),
    [(70, "speaks only TLS 1.1 or older (TLSV1_ALERT_PROTOCOL_VERSION)"), (40, "takes for too weak (SSLV3_ALERT_")],
)
def test_what_openssl_refuses_in_the_handshake_no_option_changes(alert: int, said: str) -> None:
    with answering(bytes([0x15, 3, 1, 0, 2, 2, alert])) as port, client(f"https://127.0.0.1:{port}", retries=3) as api:
        error = failure(lambda: api.add_route(TO16))
    assert type(error) is CertificateRefused
    assert said in str(error)
    assert "neither --insecure nor --pin-sha256 changes that. Update the PBX's firmware" in str(error)


def test_what_is_no_tls_at_all_is_asked_about_its_scheme() -> None:
    with answering(b"SSH-2.0-OpenSSH_9.2\r\n") as port, client(f"https://127.0.0.1:{port}") as api:
        assert str(failure(lambda: api.add_route(TO16))).endswith("; is it an http:// address?")


# --- pins ---


def pinned(url: str, *pins: str) -> Client:
    return Client(Connection(url, timeout=5, retries=0, tls=unchecked(), pins=pins), TOKEN)


def unchecked() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@pytest.mark.parametrize(
    "options", [{"bits": 1024}, {"days": -10}, {"subject": "other.example.com"}], ids=["weak", "expired", "other name"]
)
def test_exactly_the_pinned_certificate_is_taken_whatever_else_is_wrong_with_it(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    own = Certificate(tmp_path, **options)
    with pbx(tls=own.server()) as sandbox, pinned(sandbox.url, "0" * 64, own.fingerprint) as api:
        api.add_route(TO16)
        assert calls(sandbox) == ["outroute/add"]


def test_another_certificate_than_the_pinned_one_gets_no_byte_of_a_request(tmp_path: Path) -> None:
    own = Certificate(tmp_path, LOOPBACK)
    with pbx(tls=own.server()) as sandbox, pinned(sandbox.url, "0" * 64) as api:
        error = failure(lambda: api.add_route(TO16))
        assert type(error) is CertificateRefused
        assert f"is not one that --pin-sha256 names: its SHA-256 is {own.pairs}. " in str(error)
        assert sandbox.requests == []


def test_a_pin_counts_besides_what_the_context_checks(tls_pbx: Sandbox, authority: trustme.CA) -> None:
    tls = trusting(authority)
    with Client(Connection(tls_pbx.url, retries=0, tls=tls, pins=("0" * 64,)), TOKEN) as api:
        error = failure(lambda: api.add_route(TO16))
    [found] = re.findall("[0-9A-F:]{95}", str(error))
    with Client(Connection(tls_pbx.url, tls=tls, pins=(found.replace(":", "").lower(),)), TOKEN) as api:
        api.add_route(TO16)
    assert calls(tls_pbx) == ["outroute/add"]
