"""What a failed TLS handshake means, in words, with a way out that keeps the connection safe."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pbxsync.urls import is_ip_address, port_of

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from pbxsync.wire import Certificate

#: A name of a certificate that is shown as it is.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9*._:-]{1,100}")

_NO_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"}
_OLD_TLS = {"TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "WRONG_SSL_VERSION", "VERSION_TOO_LOW"}
_WEAK = {
    *("DH_KEY_TOO_SMALL", "EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK", "WRONG_SIGNATURE_TYPE"),
    *("SSLV3_ALERT_HANDSHAKE_FAILURE", "UNSAFE_LEGACY_RENEGOTIATION_DISABLED", "WRONG_CURVE"),
}
_NOT_BY_AN_OPTION = (
    "neither --insecure nor --pin-sha256 changes that. Update the PBX's firmware, or turn TLS 1.2 on there; else put a "
    "TLS proxy in front of it, or use http:// where nobody can listen in"
)

# By OpenSSL's number of the reason (X509_V_ERR_… in openssl/x509_vfy.h): the cause, and what to do about it.
_SELF_SIGNED = ("the PBX has signed it itself", "save it and name it with --ca-file")
_UNKNOWN_CA = ("the CA that signed it is not known here", "give the CA's certificate with --ca-file")
_SHORT_KEY = ("its key is too short for OpenSSL", "make a certificate with an RSA key of 2048 bits or more on the PBX")
_REASONS = {
    2: _UNKNOWN_CA,
    9: ("", "set the clocks right, there and here"),
    10: ("", "renew it on the PBX (are the clocks right, there and here?)"),
    18: _SELF_SIGNED,
    19: _UNKNOWN_CA,
    20: _UNKNOWN_CA,
    21: _UNKNOWN_CA,
    66: _SHORT_KEY,
    67: ("the key of its CA is too short for OpenSSL", "make a CA with an RSA key of 2048 bits or more"),
    68: ("it is signed with SHA-1 or MD5, which OpenSSL takes for too weak", "make one that is signed with SHA-256"),
    79: (
        "what signed it is not the certificate of a CA (basicConstraints CA:TRUE)",
        "give the right one with --ca-file",
    ),
}
_OTHER_NAME = (62, 64)
# What Python 3.13 and later check with ssl.VERIFY_X509_STRICT, by the same numbers.
_BY_THE_RFC = "as RFC 5280 has it, and that of its CA"
_STRICT = {
    **dict.fromkeys(range(80, 95), _BY_THE_RFC),
    85: "with the extension authorityKeyIdentifier",
    86: "with the extension subjectKeyIdentifier, in the CA's certificate too",
    89: "after the CA's, with basicConstraints marked critical",
    92: "after the CA's, with the extension keyUsage (keyCertSign)",
}


def certificate_fault(error: ssl.SSLCertVerificationError, url: str, shown: Certificate | None) -> str:
    """Why a certificate is not trusted, and what to do; ``shown`` is the certificate where it could be fetched."""
    if error.verify_code in _OTHER_NAME:
        cause, way_out = _other_name(url, shown.names if shown else None)
    elif error.verify_code in _STRICT:
        cause = "Python 3.13 and later refuse that"
        way_out = f"make the certificate again {_STRICT[error.verify_code]}"
    else:
        cause, way_out = _REASONS.get(error.verify_code, ("", "correct it on the PBX"))
    reason = error.verify_message.rstrip(".")
    why = f"{reason}: {cause}" if cause else reason
    return f"the certificate of {urlsplit(url).netloc} is not trusted ({why}); {way_out}. {_pinning(url, shown)}"


def pin_fault(url: str, shown: Certificate) -> str:
    """The text for a certificate that is none of the pinned ones."""
    return (
        f"the certificate of {urlsplit(url).netloc} is not one that --pin-sha256 names: its SHA-256 is "
        f"{_pairs(shown.fingerprint)}. "
        "If the PBX has a new certificate, compare it there, then name it; else somebody is in between"
    )


def handshake_fault(error: ssl.SSLError, url: str) -> str:
    """Why there is no TLS connection, other than for the certificate, and what to do."""
    host, reason = urlsplit(url).netloc, error.reason
    if reason in _OLD_TLS:
        return f"{host} speaks only TLS 1.1 or older ({reason}), which Python refuses; {_NOT_BY_AN_OPTION}"
    if reason in _WEAK:
        what = "offers only ciphers or keys that OpenSSL takes for too weak"
        return f"{host} {what} ({reason}); {_NOT_BY_AN_OPTION}"
    ask = "; is it an http:// address?" if reason in _NO_TLS else ""
    return f"{host} does not speak TLS as it should ({reason}){ask}"


def _other_name(url: str, names: Sequence[str] | None) -> tuple[str, str]:
    if names is None:
        return "", "name the PBX in pbx.url as its certificate does"
    if not names:
        host = urlsplit(url).hostname or ""
        kind = "IP" if is_ip_address(host) else "DNS"
        cause = "it has no subjectAltName, and a common name does not count"
        return cause, f"make one on the PBX with the subjectAltName {kind}:{host}"
    plain = [name for name in names if _PLAIN_NAME.fullmatch(name)][:3]
    made_for = f"it is for {', '.join(plain)}" if plain else "it is for other names"
    return made_for, "name the PBX so in pbx.url"


def _pinning(url: str, shown: Certificate | None) -> str:
    if shown is None:
        parts = urlsplit(url)
        target = parts.netloc if parts.port else f"{parts.netloc}:{port_of(url)}"
        command = f"openssl s_client -connect {target} </dev/null | openssl x509 -noout -fingerprint -sha256"
        return f"Or compare what «{command}» shows with the certificate on the PBX, and use --pin-sha256 with it"
    return (
        "Or compare its SHA-256 fingerprint with the one on the PBX itself, then trust exactly this certificate: "
        f"--pin-sha256 {_pairs(shown.fingerprint)}"
    )


def _pairs(fingerprint: str) -> str:
    """The fingerprint as openssl and browsers show it, such as AB:CD:…."""
    return ":".join(fingerprint[at : at + 2] for at in range(0, len(fingerprint), 2)).upper()
