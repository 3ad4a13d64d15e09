"""Addresses of PBXs: which text is one, and one form for each, so that two spellings of an address are the same PBX."""

from __future__ import annotations

from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def url_fault(text: str) -> str | None:
    """Why the text is no address of a PBX, in words that never repeat a password in it; None where it is one."""
    if any(char.isspace() or not char.isprintable() for char in text):
        return "it holds a space or a control character"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        return f"it can't be read ({error})" if "@" not in text else "it can't be read"
    if parts.scheme not in _DEFAULT_PORTS:
        return "it must begin with http:// or https://"
    if parts.username is not None or parts.password is not None:
        return "it holds a user name or password; those come from PBXSYNC_USERNAME and PBXSYNC_PASSWORD"
    if not parts.hostname or port == 0:
        return "it names no host" if not parts.hostname else "port 0 is none"
    if "?" in text or "#" in text:
        return "it holds a query or a fragment"
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


def is_loopback(url: str) -> bool:
    """Whether the address is this machine's own, so that nothing sent there crosses a network."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.endswith(".localhost") or _is_127(host)


def _is_127(host: str) -> bool:
    parts = host.split(".")
    return len(parts) == 4 and parts[0] == "127" and all(part.isdigit() for part in parts)
