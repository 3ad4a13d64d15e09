"""Addresses of PBXs: which text is one, and one form for each, so that two spellings of an address are the same PBX."""

from __future__ import annotations

import posixpath
import re
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import unquote, urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
# A name or an address, in brackets if it is one of IPv6, and the port if there is one.
_HOST_AND_PORT = re.compile(r"(?:\w[\w.-]*|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{0,9}))?")


def url_fault(text: str) -> str | None:
    """Why the text is no address of a PBX, in words that repeat nothing of it; None where it is one."""
    if any(char.isspace() or not char.isprintable() for char in text):
        return "it holds a space or a control character"
    try:
        parts = urlsplit(text)
    except ValueError:
        return "its host can't be read"
    if parts.scheme not in _DEFAULT_PORTS:
        return "it must begin with http:// or https://"
    if "@" in parts.netloc:
        return "it holds a user name or password; those come from PBXSYNC_USERNAME and PBXSYNC_PASSWORD"
    if "?" in text or "#" in text:
        return "it holds a query or a fragment"
    return _host_fault(parts.netloc)


def _host_fault(netloc: str) -> str | None:
    found = _HOST_AND_PORT.fullmatch(netloc)
    if found is None:
        return "its host or port can't be read" if netloc else "it names no host"
    port = found["port"]
    if port and not 0 < int(port) < 65536:
        return "its port is none; ports are numbers from 1 to 65535"
    return None


def normal_url(text: str) -> str:
    """The one form of a PBX's address: lower case, no default port, no slash at the end.

    Raises ValueError with the reason where the text is no address.
    """
    fault = url_fault(text)
    if fault:
        raise ValueError(fault)
    parts = urlsplit(text)
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    port = "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"


def same_pbx_key(address: str) -> str:
    """Return the key of a normal address that all spellings of the same PBX have, for locks and comparisons.

    http and https are the same PBX. IP literals and loopback names count by what they mean, paths without ``.`` and
    ``..``. Other names stay as written: one reverse proxy may serve many PBXs, each under a name of its own. An
    address of another kind, such as that of an embedded sandbox, is its own key.
    """
    parts = urlsplit(address)
    if parts.scheme not in _DEFAULT_PORTS:
        return address
    port = "" if parts.port is None else f":{parts.port}"
    path = posixpath.normpath("/" + unquote(parts.path).lstrip("/"))
    return f"{_host_key(parts.hostname or '')}{port}{path.rstrip('/')}"


def _host_key(host: str) -> str:
    """Return the one form of a host."""
    ip = _ip(host)
    if ip is None:
        return _LOOPBACK if host.removesuffix(".") in _LOOPBACK_NAMES else host
    if isinstance(ip, IPv6Address):
        ip = ip.ipv4_mapped or ip
    # A connection to 0.0.0.0 or [::], «any address», goes to this machine.
    if ip.is_unspecified or ip == IPv6Address("::1"):
        return _LOOPBACK
    return f"[{ip}]" if isinstance(ip, IPv6Address) else str(ip)


def _ip(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address that an IP literal means to a resolver, which also reads 127.1 and 0x7f000001; else None."""
    try:
        return ip_address(host) if ":" in host else IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


_LOOPBACK = "127.0.0.1"
#: The names that systems' hosts files give to the loopback address.
_LOOPBACK_NAMES = {
    *("localhost", "localhost4", "localhost6", "ip6-localhost", "ip6-loopback"),
    *("localhost.localdomain", "localhost4.localdomain4", "localhost6.localdomain6"),
}


def covers(allowed: str, address: str) -> bool:
    """Whether credentials for the address ``allowed`` may go to ``address``: it has the same scheme, host and port.

    Where ``allowed`` has a path, the same path too. Both are normal addresses.
    """
    want, have = (same_pbx_key(url).partition("/") for url in (allowed, address))
    return urlsplit(allowed).scheme == urlsplit(address).scheme and (want == have if want[2] else want[0] == have[0])


def port_of(url: str) -> int:
    """The port of a normal address."""
    parts = urlsplit(url)
    return parts.port or _DEFAULT_PORTS[parts.scheme]


def is_ip_address(host: str) -> bool:
    """Whether a host is an address of IPv4 or IPv6, and no name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(url: str) -> bool:
    """Whether the address is this machine's own, so that nothing sent there crosses a network."""
    host = urlsplit(url).hostname or ""
    if host.endswith(".localhost"):
        return True
    key = _host_key(host)
    return key.startswith("127.") and _ip(key) is not None
