"""The sandbox as its users see it: made of a model and a server, and closed again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal, Self

from pbxsync.sandbox.errors import SandboxError
from pbxsync.sandbox.faults import FaultPlan
from pbxsync.sandbox.firmware import PLAIN
from pbxsync.sandbox.pbx import ALL_CALLS, DEFAULT_TRUNKS, Pbx, Sessions
from pbxsync.sandbox.server import HOST, Received, Server, Settings
from pbxsync.sandbox.table import RouteTable

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path
    from types import TracebackType

    from pbxsync.sandbox.bodies import Layout
    from pbxsync.sandbox.faults import Fault
    from pbxsync.sandbox.firmware import Firmware
    from pbxsync.sandbox.held import HeldRoute


class Sandbox:
    """A PBX on 127.0.0.1 that speaks the vendor's API, for trying pbxsync out and for tests.

    It serves from the moment it is made until ``close``, best as a context manager. All times are seconds.

    - ``port``: 0 takes any free one; ``url`` says which.
    - ``store``: a JSON file that keeps the routes; read at the start if it exists, and then ``routes`` is ignored.
    - ``username``, ``password``: the API's credentials. ``tokens``: valid ones that don't time out.
    - ``calls``: what this firmware knows; ``unknown_call`` how it answers the others: with a refusal or HTTP 404.
    - ``faults``: what goes wrong, see ``Fault``; of several that strike one request, the first given does.
    - ``token_lifetime``, ``lockout``: how long a token lives without a call, and an address stays locked out, by
      ``clock``.
    - ``xml_layout``: lists in XML inside an element of their name, or bare under the root.
    - ``firmware``: what it does otherwise than a plain PBX, see ``Firmware``.
    - ``routes``, ``trunks``: what it holds at the start, with the API's fields; a route may bring its ``id``, and
      what the web page makes: ``patterns``, a list of matchpatterns or of mappings with the fields of a dial pattern,
      and ``hidden``, fields that the API does not show.
    - ``latency``: how long every call takes. ``tls``: serve https with this context.

    Raises SandboxError if the port cannot be had, or a fault, a call, a route or the store is wrong.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        store: Path | None = None,
        username: str = "admin",
        password: str = "sandbox",
        tokens: Iterable[str] = (),
        calls: Iterable[str] = ALL_CALLS,
        unknown_call: Literal["failed", "404"] = "failed",
        faults: Iterable[str | Fault] = (),
        token_lifetime: float = 1800.0,
        lockout: float = 600.0,
        xml_layout: Layout = "wrapped",
        firmware: Firmware = PLAIN,
        routes: Iterable[Mapping[str, Any]] = (),
        trunks: Iterable[Mapping[str, str]] = DEFAULT_TRUNKS,
        latency: float = 0.0,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        sessions = Sessions(
            username=username,
            password=password,
            tokens=tokens,
            lifetime=token_lifetime,
            lockout=lockout,
            clock=clock,
        )
        trunks = list(trunks)
        names = [trunk.get("trunkname", "") for trunk in trunks]
        table = RouteTable(routes=routes, store=store, firmware=firmware, trunks=names)
        self._pbx = Pbx(sessions=sessions, table=table, calls=calls, trunks=trunks, firmware=firmware)
        settings = Settings(self._pbx, FaultPlan(faults), firmware, unknown_call, xml_layout, latency, tls)
        try:
            self._server = Server(port, settings)
        except (OSError, OverflowError) as error:
            raise SandboxError(f"the sandbox cannot listen on {HOST}:{port}: {error}; try another port") from error
        self.url = f"{'https' if tls else 'http'}://{HOST}:{self._server.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.end()
        if error is None:
            self._raise_failure()

    @property
    def requests(self) -> list[Received]:
        """Every request that named a call, in the order in which they came."""
        return list(self._server.requests)

    @property
    def connections(self) -> int:
        """How many TCP connections were accepted."""
        return self._server.connections

    def routes(self) -> list[dict[str, str]]:
        """Return the routes that a query lists, in order of precedence, each with its ``id``.

        Of a route with several patterns it is the first by text.
        """
        return self._pbx.routes()

    def held(self) -> list[HeldRoute]:
        """Return the routes with all patterns and the hidden fields, also those that no query lists."""
        return self._pbx.held()

    def kill_tokens(self) -> None:
        """Let no token be valid any more, ready-made ones included, as a PBX that restarts does."""
        self._pbx.kill_tokens()

    def wait_closed(self) -> None:
        """Wait until another thread closes the sandbox, or it fails; an interrupt comes through.

        Raises SandboxError if the sandbox itself failed, for example because the store cannot be written.
        """
        # Without a timeout, Windows would not let Ctrl-C through.
        while not self._server.ended.wait(0.1):
            pass
        self._raise_failure()

    def close(self) -> None:
        """End every connection, free the port and wait for the threads; again it does nothing.

        Raises SandboxError if the sandbox itself failed in the meantime.
        """
        self._server.end()
        self._raise_failure()

    def _raise_failure(self) -> None:
        failure, self._server.failure = self._server.failure, None
        if isinstance(failure, SandboxError):
            raise failure
        if failure:
            raise SandboxError(f"the sandbox itself failed: {failure!r}") from failure
