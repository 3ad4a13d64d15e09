"""What the ``errno`` of a refusal may mean.

Only 30003 is documented for this API. The others are those of a sibling vendor's API of the same shape: good for a
hint to a person, not for a decision that could harm.
"""

from __future__ import annotations

_DOCUMENTED = {"30003": "login refused"}
_LIKELY = {
    "10003": "the firmware does not support this call",
    "10004": "a required field is empty",
    "20002": "this address is locked out after wrong passwords",
    "20003": "wrong user name or password",
    "20004": "no such token",
    "20005": "the token is empty",
    "20006": "the token has timed out",
}
_DEAD_TOKEN = frozenset({"20004", "20005", "20006"})
_UNKNOWN_CALL = frozenset({"10003"})


def hint(errno: str | None) -> str:
    """The errno in words for a message, such as ``errno 20004, may mean: no such token``."""
    if not errno:
        return "no errno"
    if errno in _DOCUMENTED:
        return f"errno {errno}: {_DOCUMENTED[errno]}"
    likely = _LIKELY.get(errno)
    return f"errno {errno}, may mean: {likely}" if likely else f"errno {errno}"


def means_token_is_dead(errno: str | None) -> bool:
    """Whether logging in again may help. If it is wrong, one login is wasted and the call is refused once more."""
    return errno in _DEAD_TOKEN


def means_unknown_call(errno: str | None) -> bool:
    """Whether the firmware may not know the call. If it is wrong, only a message is less apt."""
    return errno in _UNKNOWN_CALL
