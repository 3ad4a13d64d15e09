"""What stands between pbxsync and a PBX, and fails in the middle of a run: no connection, no way, no name, no trust.

A `Front` passes requests on to a sandbox, each over a connection of its own, so that the next request needs a new one.
At the request that it is told, the PBX can't be reached any more, until the front is healed.
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import threading
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.cli.process import PATIENCE
from tests.raw_server import http as answer

if TYPE_CHECKING:
    from types import TracebackType

    import trustme

    from pbxsync.sandbox import Sandbox


class Trouble(StrEnum):
    """Why the PBX can't be reached any more."""

    REFUSED = "refused"
    NO_ROUTE = "no-route"
    DNS = "dns"
    OTHER_CA = "other-ca"
    NO_TLS = "no-tls"

    @property
    def of_tls(self) -> bool:
        """Whether the front speaks TLS until then."""
        return self in (Trouble.OTHER_CA, Trouble.NO_TLS)

    @property
    def of_names(self) -> bool:
        """Whether it is the name of the PBX that leads nowhere."""
        return self in (Trouble.NO_ROUTE, Trouble.DNS)


#: The name under which a front is reached whose name fails.
HOST = "pbx.example.com"

# Read by Python at the start of each process whose path has the folder: the network's part that no test can really take
# down is what a name leads to. The kernel itself says at once that no TCP connection leads to a broadcast address.
_NAMES = f"""
import os, pathlib, socket

def lead(host, *rest, ask=socket.getaddrinfo, **more):
    if host != {HOST!r}:
        return ask(host, *rest, **more)
    trouble = pathlib.Path(os.environ["NAMES"]).read_text()
    if trouble == "dns":
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return ask("255.255.255.255" if trouble == "no-route" else "127.0.0.1", *rest, **more)

socket.getaddrinfo = lead
"""


class Front:
    """Stands before a PBX and passes so many requests on; then there is trouble.

    ``url`` is what leads to it, and ``env`` the variables that a process needs for that. ``back_after`` are the seconds
    after which the trouble is over by itself.
    """

    def __init__(
        self,
        pbx: Sandbox,
        trouble: Trouble,
        passes: int,
        authorities: tuple[trustme.CA, trustme.CA],
        back_after: float = 0,
    ) -> None:
        self._address = pbx.url.removeprefix("http://")
        self._trouble, self._passes, self._back_after = trouble, passes, back_after
        self._listens = threading.Event()
        self._closing = False
        self._timer: threading.Timer | None = None
        self._names = Path("names.txt").absolute()
        self.env: dict[str, str] = {}
        self._contexts = [_serving(authority) for authority in authorities] if trouble.of_tls else []
        self._context = self._contexts[0] if self._contexts else None
        host = "127.0.0.1"
        if trouble.of_names:
            host = HOST
            folder = Path("site")
            folder.mkdir()
            folder.joinpath("sitecustomize.py").write_text(_NAMES, encoding="utf-8")
            self.env = {"PYTHONPATH": str(folder.absolute()), "NAMES": str(self._names)}
        if trouble.of_tls:
            authorities[0].cert_pem.write_to_path("ca.pem")
            self.env = {"PBXSYNC_CA_FILE": "ca.pem"}
        self._socket = _bound(0)
        self._port: int = self._socket.getsockname()[1]
        self.url = f"{'https' if trouble.of_tls else 'http'}://{host}:{self._port}"
        self.heal()
        if passes == 0:
            self._fall()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()
        self._listens.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE)
        self._socket.close()
        assert not self._thread.is_alive()

    def heal(self) -> None:
        """Let the PBX be reached again."""
        self._names.write_text("", encoding="utf-8")
        self._context = self._contexts[0] if self._contexts else None
        if not self._listens.is_set():
            self._socket.listen()
            self._listens.set()

    def _fall(self) -> None:
        """Let the trouble begin."""
        if self._trouble.of_names:
            self._names.write_text(self._trouble, encoding="utf-8")
        elif self._trouble.of_tls:
            self._context = self._contexts[1] if self._trouble is Trouble.OTHER_CA else None
        else:
            # The port stays taken, so that nobody else comes to listen there.
            self._listens.clear()
            self._socket.close()
            self._socket = _bound(self._port)
        if self._back_after:
            self._timer = threading.Timer(self._back_after, self.heal)
            self._timer.start()

    def _serve(self) -> None:
        while self._listens.wait() and not self._closing:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                continue
            with connection, suppress(OSError):
                connection.settimeout(PATIENCE)
                self._speak(connection)

    def _speak(self, connection: socket.socket) -> None:
        """Pass one request on and its answer back."""
        if self._context is None and self._trouble.of_tls:
            connection.recv(65536)  # a TLS greeting, to which a server without TLS says what it always says
            return connection.sendall(answer(b"", status="400 Bad Request"))
        if self._context is not None:
            with self._context.wrap_socket(connection, server_side=True) as secure:
                return self._pass_on(secure)
        return self._pass_on(connection)

    def _pass_on(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            target = stream.readline().decode().split(" ")[1:2]
            if not target:
                return  # who came is gone again, for instance since the certificate did not please
            headers = http.client.parse_headers(stream)
            body = stream.read(int(headers["Content-Length"]))
        onward = http.client.HTTPConnection(self._address, timeout=PATIENCE)
        onward.request("POST", target[0], body, {"Content-Type": "application/octet-stream"})
        response = onward.getresponse()
        data = answer(response.read(), status=f"{response.status} {response.reason}")
        onward.close()
        self._passes -= 1
        if self._passes == 0:
            self._fall()  # before the answer, so that the next request can't be quicker
        connection.sendall(data)


def _bound(port: int) -> socket.socket:
    """A socket that has the port, and refuses who connects until it listens."""
    made = socket.socket()
    if os.name == "posix":
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", port))
    return made


def _serving(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context
