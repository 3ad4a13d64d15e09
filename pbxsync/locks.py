"""One apply at a time per PBX and per state file, among the processes of one machine.

The system's file locks do it (by filelock), so a process that dies leaves none behind. Beside each lock lies a note of
who holds it, for the message to whoever comes second. Between machines nothing can lock a PBX.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from pbxsync.errors import LockHeld

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@contextlib.contextmanager
def hold(things: Iterable[str], timeout: float) -> Iterator[None]:
    """Hold the locks on these things (addresses of PBXs, paths of state files) for as long as the block runs.

    ``timeout`` is how many seconds to wait for another process; 0 does not wait. Raises LockHeld, which names who
    holds the lock.
    """
    with contextlib.ExitStack() as held:
        # Sorted, so that two processes that want the same two locks can't wait for each other.
        for thing in sorted(set(things)):
            held.enter_context(_hold_one(thing, timeout))
        yield


@contextlib.contextmanager
def _hold_one(thing: str, timeout: float) -> Iterator[None]:
    stem = folder() / hashlib.sha256(thing.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    note = stem.with_suffix(".holder")
    lock = FileLock(stem.with_suffix(".lock"), timeout=timeout, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        waited = f" (waited {timeout:g} s)" if timeout else ""
        raise LockHeld(
            f"another pbxsync is at work on {thing}{waited}: {_read(note)}. Let it finish, or wait for it with "
            "--lock-timeout SECONDS"
        ) from None
    try:
        note.write_text(_holder(), encoding="utf-8")
        yield
    finally:
        with contextlib.suppress(OSError):
            note.unlink()
        lock.release()


def folder() -> Path:
    """Where this user's locks lie: ``PBXSYNC_LOCK_DIR``, or a folder of this user's own among the temporary files."""
    chosen = os.environ.get("PBXSYNC_LOCK_DIR")
    path = Path(chosen) if chosen else Path(tempfile.gettempdir()) / f"pbxsync-{_user()}"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise LockHeld(
            f"{path}: no folder for locks can be made there ({error.strerror}); name one with PBXSYNC_LOCK_DIR"
        ) from None
    return path


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user need not have a name
        return "unknown" if os.name == "nt" else str(os.getuid())


def _holder() -> str:
    return f"process {os.getpid()}, started by {_user()} at {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _read(note: Path) -> str:
    try:
        return note.read_text(encoding="utf-8")[:200]
    except (OSError, UnicodeDecodeError):
        return "a process that has not said who it is"
