"""What a firmware stores of the texts that it is sent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pbxsync.sandbox.errors import Errno, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pbxsync.sandbox.firmware import Firmware

#: The fields of one dial pattern; a route of the web page may have many patterns.
PATTERN_FIELDS = ("prepend", "prefix", "matchpattern", "callerid")

_LIMITS = {"matchpattern": 60, "prefix": 60, "prepend": 100}
_NOT_STORED = re.compile(r"[^0-9*#+\-.\[\]XNZ]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#039;"}


def stored_name(name: str, firmware: Firmware) -> str:
    """Return what is stored of a route's name. Where it is cut inside a UTF-8 sign, `is_broken` is true of it.

    Raises Refused where the name is too long for the firmware.
    """
    name = _FORMS[firmware.store_name](name)
    limit, in_bytes = firmware.name_limit, firmware.name_limit_unit == "bytes"
    if limit is None or len(name.encode() if in_bytes else name) <= limit:
        return name
    if firmware.name_limit_effect == "refuse":
        raise Refused(Errno.NOT_STORED)
    return name.encode()[:limit].decode(errors="surrogateescape") if in_bytes else name[:limit]


def is_broken(name: str) -> bool:
    """Return whether a stored name ends within a UTF-8 sign."""
    return any("\udc80" <= char <= "\udcff" for char in name[-3:])


def stored_pattern(fields: Mapping[str, str], firmware: Firmware) -> dict[str, str]:
    """Return what is stored of those fields of a dial pattern that are there.

    Raises TooLong where a field is too long for the firmware.
    """
    pattern = {name: fields[name] for name in PATTERN_FIELDS if name in fields}
    if firmware.filter_fields:
        pattern = {name: _NOT_STORED.sub("", value.upper()) for name, value in pattern.items()}
    if firmware.field_limits == "none":
        return pattern
    cut = {name: value[: _LIMITS.get(name, len(value))] for name, value in pattern.items()}
    if firmware.field_limits == "strict" and cut != pattern:
        raise TooLong
    return cut


class TooLong(Exception):
    """The database refuses a field of a dial pattern, when the rest of the route is already written."""


def stored_trunks(text: str, firmware: Firmware, known: Sequence[str]) -> str:
    """Return what is stored of a route's trunks. Raises Refused for an unknown trunk where the firmware does."""
    found = [_found_trunk(name, firmware, known) for name in text.split(",") if text]
    joined = ",".join(name for name in found if name is not None)
    return _html(joined) if firmware.html_trunks else joined


def _found_trunk(name: str, firmware: Firmware, known: Sequence[str]) -> str | None:
    """Return the name of the trunk that a name means; None if it is dropped."""
    if name in known:
        return name
    if firmware.trunk_case:
        for trunk in known:
            if trunk.lower() == name.lower():
                return trunk
    if firmware.unknown_trunk == "refuse":
        raise Refused(Errno.NO_SUCH_TRUNK)
    return {"keep": name, "drop": None, "nothing": ""}[firmware.unknown_trunk]


def _html(text: str) -> str:
    return "".join(_ENTITIES.get(char, char) for char in text)


def _squashed(name: str) -> str:
    return re.sub(" +", " ", name)


def _slug(name: str) -> str:
    return "".join(char if char.isalnum() or char in "_-" else "_" for char in name)


def _of_three_bytes(name: str) -> str:
    return re.split("[\U00010000-\U0010ffff]", name, maxsplit=1)[0]


_FORMS: dict[str, Callable[[str], str]] = {
    "as-is": str,
    "html": _html,
    "squash": _squashed,
    "slug": _slug,
    "upper": str.upper,
    "mb3": _of_three_bytes,
}
