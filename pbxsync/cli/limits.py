"""How many files a process may have open: a fleet needs a connection and two locks for each PBX that is worked on."""

from __future__ import annotations

import contextlib

#: What a system allows by default; no more is asked for where that is enough.
_ENOUGH = 64


def allow_open_files(pbxs: int) -> None:
    """Have as many files open as so many PBXs side by side take, as far as the system lets this user."""
    if pbxs <= _ENOUGH:
        return
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 100 + 8 * pbxs
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard) if hard >= 0 else wanted, hard))
