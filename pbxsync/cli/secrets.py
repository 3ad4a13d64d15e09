"""A PBX's credentials, from variables and files alone: options show in the machine's list of processes."""

from __future__ import annotations

import functools
import os
import re
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from pbxsync.client import Credentials
from pbxsync.errors import SettingsError
from pbxsync.names import control_character
from pbxsync.regular_file import open_regular
from pbxsync.urls import covers, normal_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: More bytes than any token or password has.
_LONGEST = 10_000


def credentials(name: str | None, address: str, environment: Mapping[str, str] = os.environ) -> Credentials:
    """Return the credentials of the PBX that its file calls ``name``, to send to ``address``.

    For ``hq`` the variables that end in ``_HQ`` (PBXSYNC_TOKEN_HQ, …) come first; where there is one, the plain ones
    are left alone: they belong to another PBX. Raises SettingsError where none is to be found, a file of a secret
    can't be read, or the credentials are for another address.
    """
    suffixes = [f"_{name.upper().replace('-', '_')}", ""] if name else [""]
    for at, suffix in enumerate(suffixes):
        token = _secret("PBXSYNC_TOKEN", suffix, environment)
        username = _text(f"PBXSYNC_USERNAME{suffix}", environment)
        password = _secret("PBXSYNC_PASSWORD", suffix, environment)
        if (username is None) != (password is None) and token is None:
            given, missing = ("USERNAME", "PASSWORD") if password is None else ("PASSWORD", "USERNAME")
            raise SettingsError(f"PBXSYNC_{given}{suffix} is set, but PBXSYNC_{missing}{suffix} is not; set both")
        if token is not None or username is not None:
            # Plain credentials keep to PBXSYNC_TOKEN_URL_HQ too: it is where the file's author wants those of hq to go.
            _check_address(address, suffixes[: at + 1], environment)
            return Credentials(token, username, password)
    wanted = f" (or PBXSYNC_TOKEN{suffixes[0]}, …)" if name else ""
    raise SettingsError(
        f"no credentials: set PBXSYNC_TOKEN or PBXSYNC_TOKEN_FILE, or PBXSYNC_USERNAME and PBXSYNC_PASSWORD or "
        f"PBXSYNC_PASSWORD_FILE{wanted}"
    )


def _check_address(address: str, suffixes: Sequence[str], environment: Mapping[str, str]) -> None:
    """Raise SettingsError where a variable says that the credentials are for another address."""
    for suffix in suffixes:
        variable = f"PBXSYNC_TOKEN_URL{suffix}"
        given = environment.get(variable)
        if given is None:
            continue
        try:
            allowed = normal_url(given.strip("\r\n"))
        except ValueError as error:
            # An empty one too: a variable that a CI system did not fill in must not open the way to any address.
            fault = str(error) if given else "it is empty"
            raise SettingsError(f"{variable}: {fault}; write the PBX's address, such as https://192.0.2.10") from None
        if not covers(allowed, address):
            raise SettingsError(
                f"{variable}: the credentials are for {allowed}, and --url, PBXSYNC_URL or pbx: url: in the file names "
                f"{address}, so nothing is sent. Correct the address that is wrong"
            )


def _secret(variable: str, suffix: str, environment: Mapping[str, str]) -> str | None:
    """Return a secret given by its variable, or by the file that the variable with ``_FILE`` names."""
    direct = _text(variable + suffix, environment)
    file_variable = f"{variable}_FILE{suffix}"
    file = environment.get(file_variable) or None
    if direct is not None and file is not None:
        raise SettingsError(f"both {variable}{suffix} and {file_variable} are set; set one of them")
    return direct if file is None else _from_file(file_variable, file)


def _text(variable: str, environment: Mapping[str, str]) -> str | None:
    """Return the variable's value without line ends around it; None where it is not set or empty."""
    value = environment.get(variable, "").strip("\r\n")
    _check_characters(variable, "its value", value)
    return value or None


def _from_file(variable: str, file: str) -> str:
    # The messages don't repeat the path: where a secret was put in the wrong variable, it would be one.
    try:
        data = _content(file)
        text = data.decode("utf-8-sig").strip("\r\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise SettingsError(f"{variable}: the file that it names can't be read: {reason}") from None
    if len(data) > _LONGEST:
        raise SettingsError(f"{variable}: the file that it names holds more than a secret; name the right one")
    if not text:
        raise SettingsError(f"{variable}: the file that it names is empty")
    _check_characters(variable, "the file that it names", text)
    return text


def _content(file: str) -> bytes:
    """Return what a regular file holds, or a pipe that this process was started with, as by ``<(…)`` of a shell."""
    number = _DESCRIPTOR.fullmatch(file)
    if number is not None:
        with _ONE_READER:
            piped = _piped(int(number[1] or 0))
        if piped is not None:
            return piped
    with open_regular(Path(file)) as opened:
        return opened.read(_LONGEST + 1)


#: /dev/stdin, or a path of an open file by its number.
_DESCRIPTOR = re.compile(r"/dev/stdin|/(?:dev|proc/self)/fd/([0-9]{1,9})")
_ONE_READER = threading.Lock()


@functools.cache
def _piped(number: int) -> bytes | None:
    """Return what comes out of an open pipe, which can be read once only; None where it is no pipe."""
    if not stat.S_ISFIFO(os.fstat(number).st_mode):
        return None
    with os.fdopen(os.dup(number), "rb") as pipe:
        return pipe.read(_LONGEST + 1)


def _check_characters(variable: str, what: str, text: str) -> None:
    """Raise SettingsError for a secret that can't be one, in words that repeat nothing of it."""
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise SettingsError(f"{variable}: {what} is not UTF-8")
    found = control_character(text)
    if found is not None:
        holds = "more than one line" if found in ("U+000A", "U+000D") else f"the control character {found}"
        raise SettingsError(f"{variable}: {what} holds {holds}, which no secret has; set the secret alone")
