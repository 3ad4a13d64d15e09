"""Which names the PBX's API can carry without harm, and which texts its bodies can hold at all.

The API joins names with commas and reads the name ``all`` as every route (API manual, ``outroute/query`` and
``outroute/delete``), so a name of that kind must never be sent. pbxsync itself gives names that end in `COPY`, to the
copies of routes that it moves; no file may declare such a name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

# Control characters, line ends that YAML or an editor would take for one, lone surrogates, and what XML can't hold.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")

#: What a copy's name ends in while the route that it is a copy of is being moved.
COPY = "~pbxsync"


def control_character(text: str) -> str | None:
    """The first character that no field may hold, as ``U+0007``; None where there is none."""
    found = _CONTROL.search(text)
    return f"U+{ord(found[0]):04X}" if found else None


def trunk_fault(name: str) -> tuple[str, str] | None:
    """Why a trunk can't bear this name, as (rule id, reason); None where it can."""
    if not name:
        return "empty-value", "it is empty"
    character = control_character(name)
    if character:
        return "control-character", f"it holds the control character {character}"
    if "," in name:
        return "comma", "it holds a comma, which separates names for the PBX"
    if name != name.strip():
        return "outer-space", "it begins or ends with a space"
    return None


def route_fault(name: str) -> tuple[str, str] | None:
    """Why a route can't bear this name, as (rule id, reason); None where it can."""
    if name.lower() == "all":
        return "reserved-name", "the PBX's API reads it as every route"
    return trunk_fault(name)


def declared_fault(name: str) -> tuple[str, str] | None:
    """Why no file may declare a route of this name, as (rule id, reason); None where one may."""
    if name.lower().endswith(COPY):
        return "reserved-name", f"names that end in {COPY} are those of copies that pbxsync makes to move routes"
    return route_fault(name)


def folded(name: str) -> str:
    """The name as a PBX may compare it that keeps its routes in a database which looks at neither case nor spaces."""
    return name.strip().casefold()


def is_copy(name: str) -> bool:
    """Whether the name is that of a copy which pbxsync made to move a route: its name, and COPY behind it."""
    return original(name) != name


def original(name: str) -> str:
    """The name of the route that a copy is of; any other name is its own."""
    own = name
    while own.endswith(COPY):
        own = own.removesuffix(COPY)
    return own or name


def copy_name(name: str, taken: Container[str]) -> str:
    """The name for a copy of the route of this name: with COPY behind it as often as it takes to be free."""
    copy = name
    while copy in taken:
        copy += COPY
    return copy
