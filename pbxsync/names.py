"""Which names the PBX's API can carry without harm, and which texts its bodies can hold at all.

The API joins names with commas and reads the name ``all`` as every route (API manual, ``outroute/query`` and
``outroute/delete``), so a name of that kind must never be sent.
"""

from __future__ import annotations

import re

# Control characters, line ends that YAML or an editor would take for one, lone surrogates, and what XML can't hold.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


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
