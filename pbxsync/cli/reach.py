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

    ``store`` is where the embedded sandbox keeps its routes, or None for a real PBX.
    """

    address: str | None
    name: str | None
    type: str
    store: Path | None = None


def target(
    reach: Reach, *, url: str | None = None, type: str | None = None, name: str | None = None, sandbox: str = "sandbox"
) -> Target:
    """The PBX that options and a file's ``pbx`` section name together; an option goes over the file.

    ``sandbox`` is the stem of the sandbox's store. Raises SettingsError for an address that is none.
    """
    kind = reach.type or type or "json"
    if reach.sandbox:
        store = _SANDBOX_FOLDER / f"{sandbox}.json"
        return Target(f"{SANDBOX}{store.as_posix()}", name, kind, store)
    given = reach.url or url
    try:
        return Target(normal_url(given) if given else None, name, kind)
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
            connection = Connection(url, to.type, reach.timeout, reach.retries)
            with Client(connection, opener, stop=stop, called=called) as client:
                yield client
        return
    if to.address is None:
        raise SettingsError(NO_PBX)
    connection = Connection(to.address, to.type, reach.timeout, reach.retries, _tls(to.address, reach))
    with Client(connection, credentials(to.name), warn=_warn, stop=stop, called=called) as client:
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
    return _tls_context(reach.ca_file, reach.insecure) if address.startswith("https://") else None


@functools.cache
def _tls_context(ca_file: Path | None, insecure: bool) -> ssl.SSLContext:
    """One context for all connections: reading the certificates of all CAs takes longer than a call."""
    if ca_file is not None and insecure:
        raise SettingsError("--ca-file checks certificates and --insecure takes any: use one of them")
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError as error:
        raise SettingsError(f"--ca-file: {ca_file} holds no certificates in PEM form ({error.reason})") from None
    except OSError as error:
        raise SettingsError(f"--ca-file: {ca_file} can't be read: {error.strerror}") from None
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _warn(message: str) -> None:
    click.echo(f"pbxsync: warning: {printable(message)}", err=True)
