"""Why a route is not added, or not renamed, while the PBX may have it under another name; and what to write."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from pbxsync.model import PlanWarning
from pbxsync.names import declared_fault, is_copy
from pbxsync.quoting import quoted
from pbxsync.stored import name_stored_as
from pbxsync.text import listed, short

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pbxsync.model import DeclaredRoute, KnownRoute

#: A name that was cut to fewer characters is more likely another name that begins alike.
_SHORTEST_CUT = 16


def equal_name_refusal(
    declared: DeclaredRoute, twins: Sequence[str], former: Sequence[str], own: Mapping[str, str]
) -> PlanWarning:
    """Return the refusal of a route whose name a PBX may take for another that it has.

    ``former`` is what the PBX has of a route that is renamed. ``own`` are the names on the PBX that other routes of the
    file are meant by, with the names of these.
    """
    name, twin = declared.route.name, twins[0]
    names = listed(twins, 3)
    what = f"{short(former[0])} is not renamed to {short(name)}" if former else f"{short(name)} is not added"
    if own.get(twin) == twin:
        advice = "The file declares both: choose another name for one of them"
    elif twin in own:
        advice = f"Leave {short(name)} out of the file until {short(twin)} is renamed to {short(own[twin])}"
    elif declared_fault(twin):
        advice = f"Rename or delete {short(twin)} in the PBX's web page"
    else:
        advice = _advice(name, twin, rename=bool(former))
    left = "" if twin in own else f", and {names} is left as it is"
    return PlanWarning("equal-name", f"{what}{left}: the PBX has {names}, {_one(name, twin)}. {advice}")


def _one(name: str, twin: str) -> str:
    """Say that two names may be one to a PBX, and how they differ where that is not seen."""
    how = name_stored_as(name, twin)
    if how is not None:
        return f"which is what a PBX may make of that name ({how})"
    alike = unicodedata.normalize("NFC", name) == unicodedata.normalize("NFC", twin)
    spelling = f" (they differ in their characters alone: {short(ascii(name))} and {short(ascii(twin))})"
    return f"and a PBX may take the two names for one{spelling if alike else ''}"


def _advice(name: str, twin: str, *, rename: bool) -> str:
    """What to write where a name may be one with another, which the file does not declare."""
    # To a name that the PBX stores otherwise it can't be renamed.
    no_rename = rename or name_stored_as(name, twin) is not None
    renamed = "" if no_rename else f", or rename it (renamed_from: {_yaml(twin)})"
    return (
        f"Is it the same route? Then write its name as the PBX has it (name: {_yaml(twin)}){renamed}. If not, choose "
        "another name"
    )


def two_new_names_refusal(name: str, other: str) -> PlanWarning:
    """Return the refusal of a name that a PBX may take for another one that the plan brings to it."""
    message = (
        f"{short(name)} is not added: {short(other)} is new on the PBX too, {_one(name, other)}. Choose another name "
        "for one of them"
    )
    return PlanWarning("equal-name", message)


def same_fields_refusal(declared: DeclaredRoute, twins: Sequence[KnownRoute]) -> PlanWarning:
    """Return the refusal of a route whose fields an unmanaged route of the PBX has."""
    name, twin = declared.route.name, twins[0].route.name
    names = listed(dict.fromkeys(known.route.name for known in twins), 3)
    message = (
        f"{short(name)} is not added, and {names} is left as it is: the PBX has {names} with the same fields, and the "
        f"file does not declare it. {_same_route(name, twin)}"
    )
    return PlanWarning("same-fields", message)


def _same_route(name: str, twin: str) -> str:
    """What to write where an unmanaged route has the fields of a declared one."""
    if is_copy(twin):
        return f"It is a copy that pbxsync made to move a route: rename or delete {short(twin)} in the PBX's web page"
    how = name_stored_as(name, twin)
    both = f"If both are to be there, list {_yaml(twin)} under ignore"
    if declared_fault(twin):
        return f"Is it the same route? Then rename or delete {short(twin)} in the PBX's web page. {both}"
    if how is not None and (len(twin) >= _SHORTEST_CUT or not name.startswith(twin)):
        return f"The PBX seems to have stored the name {how}: write name: {_yaml(twin)} in the file"
    return (
        f"Was it renamed? Then write renamed_from: {_yaml(twin)}. Did the PBX store the name otherwise? Then write "
        f"name: {_yaml(twin)}. {both}"
    )


def ignored_refusal(name: str, ignored: str) -> PlanWarning:
    """Return the refusal of a declared route that the file says to ignore, under its own name or a former one."""
    former = "" if ignored == name else f", which {short(name)} is renamed from,"
    message = f"{short(ignored)}{former} is left as it is: the file lists it under ignore. Take it out there, or here"
    return PlanWarning("ignored", message)


def _yaml(name: str) -> str:
    return quoted(short(name))
