"""From options, variables and a file's ``pbx`` section to a PBX that can be talked to."""

from __future__ import annotations

import contextlib
import functools
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pbxsync.errors import SettingsError
from pbxsync.regular_file import open_regular
from pbxsync.text import printable
from pbxsync.threads import without_signals
from pbxsync.urls import normal_url

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from pbxsync.cli.options import Reach
    from pbxsync.client import Client, Credentials

#: What the address of an embedded sandbox begins with.
SANDBOX = "sandbox:"
NO_PBX = "no PBX is named: give --url (or PBXSYNC_URL), or pbx: url: in the file"
_SANDBOX_FOLDER = Path(".pbxsync")


@dataclass(frozen=True, slots=True)
class Target:
    """One PBX: what identifies it (``address``; None where nothing names one), its short name, its API's format.

    ``store`` is where the embedded sandbox keeps its routes, or None for a real PBX. ``fresh_connections`` is whether
    each call uses a connection of its own.
    """

    address: str | None
    name: str | None
    type: str
    store: Path | None = None
    fresh_connections: bool = False


def target(
    reach: Reach,
    *,
    url: str | None = None,
    type: str | None = None,
    name: str | None = None,
    fresh_connections: bool = False,
    sandbox: str = "sandbox",
) -> Target:
    """The PBX that options and a file's ``pbx`` section name together; an option overrides the file.

    ``sandbox`` is the stem of the sandbox's store. Raises SettingsError for an address that is none.
    """
    kind = reach.type or type or "json"
    fresh = reach.fresh_connections or fresh_connections
    if reach.sandbox:
        store = _SANDBOX_FOLDER / f"{sandbox}.json"
        return Target(f"{SANDBOX}{store.as_posix()}", name, kind, store, fresh)
    given = reach.url or url
    try:
        return Target(normal_url(given) if given else None, name, kind, None, fresh)
    except ValueError as error:
        raise SettingsError(f"--url: {error}; write one such as https://192.0.2.10") from None


@contextlib.contextmanager
def connected(
    to: Target, reach: Reach, stop: threading.Event | None = None, called: Callable[[], None] = lambda: None
) -> Iterator[Client]:
    """A client of the PBX, for as long as the block runs; with ``--sandbox`` its PBX runs as long.

    ``called`` is told of each answer.
    """
    from pbxsync.cli.secrets import credentials
    from pbxsync.client import Client, Connection

    if to.store is not None:
        with _sandbox(to.store) as (url, opener):
            connection = Connection(url, to.type, reach.timeout, reach.retries, fresh=to.fresh_connections)
            with Client(connection, opener, stop=stop, called=called) as client:
                yield client
        return
    if to.address is None:
        raise SettingsError(NO_PBX)
    tls = _tls(to.address, reach)
    pins, fresh = reach.pin_sha256, to.fresh_connections
    connection = Connection(to.address, to.type, reach.timeout, reach.retries, tls, pins=pins, fresh=fresh)
    with Client(connection, credentials(to.name, to.address), warn=_warn, stop=stop, called=called) as client:
        yield client


@contextlib.contextmanager
def _sandbox(store: Path) -> Iterator[tuple[str, Credentials]]:
    """A PBX in this process, over real HTTP; its address and what opens it."""
    from pbxsync.client import Credentials
    from pbxsync.sandbox import Sandbox, SandboxError

    opener = Credentials(username="admin", password="sandbox")  # noqa: S106 - it guards nothing
    try:
        with contextlib.ExitStack() as until_left:
            with without_signals():  # it serves from threads of its own
                sandbox = Sandbox(store=store, username=opener.username or "", password=opener.password or "")
                pbx = until_left.enter_context(sandbox)
            yield pbx.url, opener
    except SandboxError as error:
        raise SettingsError(str(error)) from None


def _tls(address: str, reach: Reach) -> ssl.SSLContext | None:
    if not address.startswith("https://"):
        return None
    ways = {
        "--ca-file checks certificates": reach.ca_file is not None,
        "--pin-sha256 takes those alone that it names": bool(reach.pin_sha256),
        "--insecure takes any": reach.insecure,
    }
    if sum(ways.values()) > 1:
        raise SettingsError(f"{' and '.join(way for way, chosen in ways.items() if chosen)}: use one of them")
    return _tls_context(reach.ca_file, reach.insecure or bool(reach.pin_sha256))


@functools.cache
def _tls_context(ca_file: Path | None, unchecked: bool) -> ssl.SSLContext:
    """One context for all connections: reading the certificates of all CAs takes longer than a call."""
    try:
        if ca_file is not None:
            open_regular(ca_file).close()  # OpenSSL would wait for a pipe's writer
        context = ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError as error:
        raise SettingsError(f"--ca-file: {ca_file} holds no certificates in PEM form ({error.reason})") from None
    except OSError as error:
        raise SettingsError(f"--ca-file: {ca_file} can't be read: {error.strerror}") from None
    if unchecked:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _warn(message: str) -> None:
    click.echo(f"pbxsync: warning: {printable(message)}", err=True)
