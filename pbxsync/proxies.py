"""The proxy that the environment names for an address: ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY``, ``NO_PROXY``."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from pbxsync.urls import is_ip_address, is_loopback, port_of

#: ``[2001:db8::]/32``, ``[2001:db8::1]:8443``, ``192.0.2.10:8443``, ``pbx.example.com:8443``, ``pbx.example.com``.
_BRACKETED = re.compile(r"\[([^]]*)\](/[0-9]+)?(?::([0-9]{1,5}))?")
_WITH_PORT = re.compile(r"([^:]*)():([0-9]{1,5})")


def proxy_for(url: str) -> str | None:
    """The address of the proxy for this address, which may hold a password.

    None for this machine's own addresses, and for those that ``NO_PROXY`` names.
    """
    if is_loopback(url):
        return None
    from urllib.request import getproxies_environment  # here, since its import takes as long as some requests

    named = getproxies_environment()
    parts = urlsplit(url)
    address = named.get(parts.scheme) or named.get("all")
    if not address or _is_excepted(named.get("no", ""), parts.hostname or "", port_of(url)):
        return None
    return address if "://" in address else f"http://{address}"


def _is_excepted(no_proxy: str, host: str, port: int) -> bool:
    return any(_covers(entry, host, port) for entry in no_proxy.lower().replace(",", " ").split())


def _covers(entry: str, host: str, port: int) -> bool:
    """Whether one entry of NO_PROXY covers the host: an address, a network, a name with its subdomains, or ``*``."""
    text, only = _without_port(entry)
    if only not in (None, port):
        return False
    if text == "*":
        return True
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        name = text.removeprefix("*").lstrip(".")
        return bool(name) and (host == name or host.endswith(f".{name}"))
    return is_ip_address(host) and ip_address(host) in network


def _without_port(entry: str) -> tuple[str, int | None]:
    """The entry without brackets and port, and its port. An IPv6 address outside brackets has no port."""
    found = _BRACKETED.fullmatch(entry) or _WITH_PORT.fullmatch(entry)
    if found is None:
        return entry, None
    return f"{found[1]}{found[2] or ''}", int(found[3]) if found[3] else None
