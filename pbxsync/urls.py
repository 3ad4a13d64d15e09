"""Addresses of PBXs: which text is one, and one form for each, so that two spellings of an address are the same PBX."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

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


def without_scheme(url: str) -> str:
    """A normal address without http or https, between which a PBX stays the same one."""
    return url.removeprefix("https://").removeprefix("http://")


def is_loopback(url: str) -> bool:
    """Whether the address is this machine's own, so that nothing sent there crosses a network."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
