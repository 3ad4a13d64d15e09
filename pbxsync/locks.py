"""One apply at a time per PBX and per state file, among one user's processes on one machine.

The system's file locks do it (by filelock), so a process that dies leaves none in place. Next to each lock is a note of
who holds it, for the message to the process that comes second. Between users and between machines nothing locks a PBX:
the query at the end of an apply finds what goes wrong then.

Other users may be able to write to a folder that PBXSYNC_LOCK_DIR names. So no link there is followed, neither by
filelock (since 3.20.3) nor here: it could lead to any file of this user's.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from pbxsync.errors import LockHeld, SettingsError
from pbxsync.regular_file import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_WINDOWS = os.name == "nt"
#: Where the folder of the locks is made, for this user alone, which is checked.
TMP = "/tmp"  # noqa: S108 - a folder of this user's own is made there, and its owner is checked


@contextlib.contextmanager
def hold(things: Iterable[str], timeout: float) -> Iterator[None]:
    """Hold the locks on these things (addresses of PBXs, paths of state files) for as long as the block runs.

    ``timeout`` is how many seconds to wait for another process; 0 does not wait. Raises LockHeld, which names who
    holds the lock, and SettingsError where no lock can be made.
    """
    with contextlib.ExitStack() as held:
        # Sorted, so that two processes that want the same two locks can't wait for each other.
        for thing in sorted(set(things)):
            held.enter_context(_hold_one(thing, timeout))
        yield


@contextlib.contextmanager
def _hold_one(thing: str, timeout: float) -> Iterator[None]:
    stem = folder() / hashlib.sha256(thing.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    note = stem.with_suffix(".holder")
    lock_file = stem.with_suffix(".lock")
    lock = FileLock(lock_file, timeout=timeout, thread_local=False)
    try:
        _refuse_links(lock_file, note)
        lock.acquire()
    except Timeout:
        waited = f" (waited {timeout:.3g} s)" if timeout else ""
        raise LockHeld(
            f"another pbxsync is at work on {thing}{waited}: {_read(note)}. Let it finish, or wait for it with "
            "--lock-timeout SECONDS"
        ) from None
    except (OSError, NotImplementedError) as error:  # the second: filelock 3 on a file system without locks
        raise _unusable(stem.parent, error) from None
    try:
        with contextlib.suppress(OSError):  # the lock is what counts
            _write(note)
        yield
    finally:
        with contextlib.suppress(OSError):
            note.unlink()
        lock.release()


def folder() -> Path:
    """Where this user's locks lie: ``PBXSYNC_LOCK_DIR``, or a folder of this user's own among the temporary files."""
    chosen = os.environ.get("PBXSYNC_LOCK_DIR")
    # One lock must not be two: so no variable but its own names the folder, neither $LOGNAME nor $TMPDIR. On Windows
    # the temporary files are the user's own.
    usual = f"{tempfile.gettempdir()}/pbxsync-locks" if _WINDOWS else f"{TMP}/pbxsync-{os.getuid()}"
    path = Path(chosen or usual)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = path.lstat()
    except OSError as error:
        raise _unusable(path, error) from None
    # Anyone may make a folder of that name among the temporary files, and fill it with links to this user's files.
    if not chosen and not _WINDOWS and (owner.st_uid != os.getuid() or stat.S_ISLNK(owner.st_mode)):
        raise SettingsError(f"{path}: this folder for locks belongs to somebody else; name one with PBXSYNC_LOCK_DIR")
    return path


def _refuse_links(*paths: Path) -> None:
    """Raise SettingsError where a link has the place of a lock file or a note."""
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            found = path.lstat()
            # A second name of a file is a link too, and older versions of filelock empty the file.
            if stat.S_ISLNK(found.st_mode) or (stat.S_ISREG(found.st_mode) and found.st_nlink > 1):
                raise SettingsError(
                    f"{path}: this is a link, and pbxsync makes none: somebody may want another file overwritten. Find "
                    "out who made it and remove it, or name another folder with PBXSYNC_LOCK_DIR"
                )


def _unusable(path: Path, error: Exception) -> SettingsError:
    reason = getattr(error, "strerror", None) or type(error).__name__
    return SettingsError(f"{path}: no lock can be made there ({reason}); name another folder with PBXSYNC_LOCK_DIR")


def _user() -> str:
    """Who runs this, by the variables that say so: the note is for people, and no user need have a name."""
    return next((os.environ[name] for name in ("LOGNAME", "USER", "USERNAME") if os.environ.get(name)), "somebody")


def _holder() -> str:
    return f"process {os.getpid()}, started by {_user()} at {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _write(note: Path) -> None:
    """Write a note into a new file: what had its name, such as a link that was made in this moment, is not followed."""
    note.unlink(missing_ok=True)
    with note.open("x", encoding="utf-8", errors="replace") as file:
        file.write(_holder())


def _read(note: Path) -> str:
    try:
        with open_regular(note, follow=False) as file:
            return file.read(10_000).decode("utf-8")[:200]
    except (OSError, UnicodeDecodeError):
        return "a process that has not said who it is"
