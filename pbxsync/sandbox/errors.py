"""What the sandbox raises, and the numbers with which it refuses a call."""

from __future__ import annotations

from enum import StrEnum


class SandboxError(Exception):
    """The sandbox cannot start, or cannot go on: a bad fault text, a port in use, a broken store. Says what to do."""


class Errno(StrEnum):
    """The ``errno`` of a refusal.

    30003 is the manual's own; the 100xx and 200xx are a sibling vendor's, whose API has the same shape. The manual has
    no number for the last four: they are this sandbox's invention.
    """

    UNREADABLE = "10001"
    UNKNOWN_CALL = "10003"
    PARAMETER_EMPTY = "10004"
    LOCKED_OUT = "20002"
    NO_SUCH_TOKEN = "20004"
    EMPTY_TOKEN = "20005"
    TOKEN_TIMED_OUT = "20006"
    LOGIN_REFUSED = "30003"
    NO_SUCH_ROUTE = "30004"
    NAME_TAKEN = "30005"
    NOT_STORED = "30006"
    NO_SUCH_TRUNK = "30007"


class Refused(Exception):
    """The PBX answers Failed with ``errno``. Only with NOT_STORED it may have changed something."""

    def __init__(self, errno: Errno) -> None:
        super().__init__(errno)
        self.errno = errno
