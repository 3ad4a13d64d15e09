"""What tests of the client have in common: a sandbox, a client of it, its calls, and the error of a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pbxsync.client import Client, Connection, Credentials
from pbxsync.errors import PbxError
from pbxsync.model import Route
from pbxsync.sandbox import Sandbox

if TYPE_CHECKING:
    import ssl
    import threading
    from collections.abc import Callable

KINDS = pytest.mark.parametrize("kind", ["json", "xml"])

TO16 = Route("to16", "X.", ("to-18-16-2", "trunk1"), prefix="16")
FULL = Route("Ä <b> & c", "NXXXXXX", ("trunk 1",), prefix="9", prepend="0", callerid="20X")
TOKEN = Credentials("t0ken")
ADMIN = Credentials(username="admin", password="sandbox")
SUCCESS = b'{"status": "Success"}'


def pbx(*faults: str, **options: Any) -> Sandbox:
    return Sandbox(tokens=["t0ken"], faults=faults, **options)


def client(
    url: str,
    credentials: Credentials = TOKEN,
    kind: str = "json",
    *,
    timeout: float = 5.0,
    retries: int = 0,
    tls: ssl.SSLContext | None = None,
    stop: threading.Event | None = None,
) -> Client:
    return Client(Connection(url, kind, timeout, retries, tls), credentials, stop=stop)


def calls(sandbox: Sandbox) -> list[str]:
    return [request.call for request in sandbox.requests]


def failure(call: Callable[[], object]) -> PbxError:
    with pytest.raises(PbxError) as caught:
        call()
    return caught.value
