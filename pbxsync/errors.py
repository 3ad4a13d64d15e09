"""The errors that pbxsync raises, each with the exit code that it ends a command with.

::

    PbxsyncError                    1
    ├── InputError                  1  the files are not what they should be: carries every problem
    ├── SettingsError               1  an option, a variable or the combination of some makes no sense
    ├── StateError                  1  a state file can't be read, written, or belongs to another PBX
    ├── PlanRefused                 1  the plan would do what the user did not allow
    ├── TestsFailed                 1  what the PBX will hold breaks tests of the file
    ├── LockHeld                    1  another pbxsync works on the same PBX or state file
    ├── StaleState                  1  the PBX is no longer what the plan was made from
    ├── UnreliableTable             1  what the PBX shows of its routes can't be relied on
    ├── PlanFileError               1  a saved plan can't be read or written, or is not to be applied
    ├── DocumentRefused             1  a document of plan or apply can't be read, or not be joined with others
    ├── DoubtOpen                   3  an earlier run left an outcome in doubt
    └── PbxError                    1  a call to the PBX did not succeed
        ├── NotSent                 1  the request never left: it may be tried again
        │   └── CertificateRefused  1  the PBX's certificate is not trusted: trying again is of no use
        ├── Refused                 1  the PBX, or what stands before it, said no: nothing was changed
        │   ├── LoginRefused        1  user name or password refused: never repeated
        │   ├── Postponed           1  too many requests: nothing was changed, and it may be tried again later
        │   └── CallUnknown         1  the firmware does not know this call
        └── AnswerLost              1  the request left, no answer can be read: carried out or not, nobody knows

Every message says what happened and what to do, in one or a few lines without a traceback, and holds no secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbxsync.model import Problem


class PbxsyncError(Exception):
    """The root of what pbxsync raises on purpose. ``str()`` of it is the message for the user."""

    exit_code = 1


class InputError(PbxsyncError):
    """The input has errors. ``problems`` holds every one of every file, sorted, warnings included."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{p.location}: {p.severity}: {p.message} [{p.rule}]" for p in self.problems))


class SettingsError(PbxsyncError):
    """An option or a variable is wrong, missing, or contradicts another."""


class StateError(PbxsyncError):
    """A state file is missing, unreadable, of another version, of another PBX, or can't be written."""


class PlanFileError(PbxsyncError):
    """A saved plan is missing, unreadable, altered, of another version, of another PBX, or applied already."""


class DocumentRefused(PbxsyncError):
    """A document that a plan or an apply has printed can't be read, or can't be joined with the others."""


class PlanRefused(PbxsyncError):
    """The plan would do more than the user allowed, such as too many deletions."""


class TestsFailed(PbxsyncError):
    """With the plan's changes the PBX would do what a test of the file says that it must not."""


class LockHeld(PbxsyncError):
    """Another process of this machine holds the lock on this PBX or state file."""


class StaleState(PbxsyncError):
    """The PBX no longer holds what the plan was made from."""


class UnreliableTable(PbxsyncError):
    """What the PBX shows of its routes changes from one query to the next, or is not the whole of them."""


class DoubtOpen(PbxsyncError):
    """An earlier run left an outcome in doubt that has to be settled first."""

    exit_code = 3


class PbxError(PbxsyncError):
    """A call to the PBX did not succeed; ``call`` is its name in the API, such as ``outroute/add``."""

    def __init__(self, call: str, message: str) -> None:
        self.call = call
        super().__init__(message)


class NotSent(PbxError):
    """The request never reached the PBX (connection refused, no route, unknown host)."""


class CertificateRefused(NotSent):
    """The TLS handshake failed: the certificate is not trusted, or the server speaks no TLS."""


class Refused(PbxError):
    """The PBX answered that it did not do it. ``errno`` is its number as text, or None."""

    def __init__(self, call: str, message: str, errno: str | None = None) -> None:
        super().__init__(call, message)
        self.errno = errno


class LoginRefused(Refused):
    """The PBX refused the user name or the password."""


class Postponed(Refused):
    """The PBX, or what is in front of it, has got too many requests (HTTP 429): it may be tried again later.

    ``wait`` is how many seconds it asked to be left alone for; None where it did not.
    """

    def __init__(self, call: str, message: str, *, wait: int | None = None) -> None:
        super().__init__(call, message)
        self.wait = wait


class CallUnknown(Refused):
    """The PBX's firmware does not know this call."""


class AnswerLost(PbxError):
    """The request went out and no usable answer came back: it may or may not have been carried out.

    ``wait`` is how many seconds the PBX, or what is in front of it, asked to be left alone for; None where it did not.
    ``late`` is set where the time limit ended the wait: the PBX may still be at work on the call. ``silent`` is set
    where a connection that had been used before ended without one byte of an answer: it may have been closed before
    the request arrived.
    """

    def __init__(
        self, call: str, message: str, *, wait: int | None = None, late: bool = False, silent: bool = False
    ) -> None:
        super().__init__(call, message)
        self.wait = wait
        self.late = late
        self.silent = silent
