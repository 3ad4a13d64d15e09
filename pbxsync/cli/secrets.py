"""A PBX's credentials, from variables and files alone: options show in the machine's list of processes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pbxsync.client import Credentials
from pbxsync.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

#: More characters than any token or password has.
_LONGEST = 10_000


def credentials(name: str | None, environment: Mapping[str, str] = os.environ) -> Credentials:
    """The credentials of the PBX that its file calls ``name``.

    For ``hq`` the variables that end in ``_HQ`` (PBXSYNC_TOKEN_HQ, …) come first; where there is one, the plain ones
    are left alone: they belong to another PBX. Raises SettingsError where none is to be found, or a file of a secret
    can't be read.
    """
    suffixes = [f"_{name.upper().replace('-', '_')}", ""] if name else [""]
    for suffix in suffixes:
        token = _secret("PBXSYNC_TOKEN", suffix, environment)
        username = _text(f"PBXSYNC_USERNAME{suffix}", environment.get(f"PBXSYNC_USERNAME{suffix}"))
        password = _secret("PBXSYNC_PASSWORD", suffix, environment)
        if (username is None) != (password is None) and token is None:
            given, missing = ("USERNAME", "PASSWORD") if password is None else ("PASSWORD", "USERNAME")
            raise SettingsError(f"PBXSYNC_{given}{suffix} is set, but PBXSYNC_{missing}{suffix} is not; set both")
        if token is not None or username is not None:
            return Credentials(token, username, password)
    wanted = f" (or PBXSYNC_TOKEN{suffixes[0]}, …)" if name else ""
    raise SettingsError(
        f"no credentials: set PBXSYNC_TOKEN or PBXSYNC_TOKEN_FILE, or PBXSYNC_USERNAME and PBXSYNC_PASSWORD or "
        f"PBXSYNC_PASSWORD_FILE{wanted}"
    )


def _secret(variable: str, suffix: str, environment: Mapping[str, str]) -> str | None:
    """A secret given by its variable, or by the file that the variable with ``_FILE`` names."""
    direct = _text(variable + suffix, environment.get(variable + suffix))
    file_variable = f"{variable}_FILE{suffix}"
    file = environment.get(file_variable) or None
    if direct is not None and file is not None:
        raise SettingsError(f"both {variable}{suffix} and {file_variable} are set; set one of them")
    if file is None:
        return direct
    # The messages don't repeat the path: where a secret was put in the wrong variable, it would be one.
    try:
        with Path(file).open(encoding="utf-8-sig") as opened:
            text = opened.read(_LONGEST + 1).rstrip("\r\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise SettingsError(f"{file_variable}: the file that it names can't be read: {reason}") from None
    if len(text) > _LONGEST:
        raise SettingsError(f"{file_variable}: the file that it names holds more than a secret; name the right one")
    if not text:
        raise SettingsError(f"{file_variable}: the file that it names is empty")
    return text


def _text(variable: str, value: str | None) -> str | None:
    """The variable's value; None where it is not set or empty. One that is no text could not be sent."""
    if value and any("\ud800" <= char <= "\udfff" for char in value):
        raise SettingsError(f"{variable}: its value is not UTF-8")
    return value or None
