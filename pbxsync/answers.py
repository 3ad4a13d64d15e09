"""An answer's fields → the routes, trunks and device that it lists.

Lists come in several layouts: under their own name; in XML as items directly under the root (API manual); in JSON as an
object, as PHP writes a list with gaps. An answer that only may mean an empty list of routes is marked as uncertain: a
PBX that seems to have no routes would be given every route a second time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pbxsync.codec import NULL, Unreadable, Value
from pbxsync.model import FIELDS, DeviceInfo, KnownRoute, Route, Trunk

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The largest number of routes that is read; PBXs of this line have room for some hundred.
MAX_ROUTES = 150_000
#: The largest number of characters of a field that is read; PBXs of this line have room for some dozen.
MAX_FIELD = 10_000


@dataclass(frozen=True, slots=True)
class RouteAnswer:
    """The routes of an answer in its order.

    ``certain`` is False where the answer has no routes, and not plainly an empty list either.
    """

    routes: tuple[KnownRoute, ...]
    certain: bool = True


def route_list(answer: dict[str, Value], kind: str) -> RouteAnswer:
    """The routes of an ``outroute/query`` answer of this kind, ``json`` or ``xml``.

    Raises Unreadable where it has no list of routes, reports an error besides, or holds what is no route.
    """
    other = "json" if kind == "xml" else "xml"
    way_out = f"try --type {other}, and look in the PBX's web page whether it lists its routes"
    errno = answer.get("errno")
    if errno and (not isinstance(errno, str) or errno.strip("0 ")):
        raise Unreadable(f"Success and an errno at once; {way_out}")
    items = _items(answer, "outroutes")
    if items is None:
        raise Unreadable(f"Success, but no list of routes (outroutes); {way_out}")
    if len(items) > MAX_ROUTES:
        raise Unreadable(f"{len(items)} routes, more than the {MAX_ROUTES} that are read")
    if not items:
        return RouteAnswer((), certain=_is_plainly_empty(answer.get("outroutes"), kind))
    if all(_is_nothing(item) for item in items):
        return RouteAnswer((), certain=False)
    return RouteAnswer(tuple(_route(n, item) for n, item in enumerate(_all_fields(items, "outroutes"), start=1)))


def trunk_list(answer: dict[str, Value]) -> tuple[Trunk, ...]:
    """The trunks of a ``trunklist/query`` answer. Raises Unreadable where an entry is no trunk."""
    return tuple(
        Trunk(_field(item, "trunkname") or "", _field(item, "status") or "", _field(item, "type") or "")
        for item in _all_fields(_items(answer, "trunkname") or [], "trunkname")
    )


def device_info(answer: dict[str, Value]) -> DeviceInfo:
    """The device of a ``deviceinfo/query`` answer; what it leaves out is empty."""
    found = answer.get("deviceinfo", "")
    if isinstance(found, list):
        found = found[0] if found else {}
    fields = found if isinstance(found, dict) else answer
    return DeviceInfo(
        name=_field(fields, "devicename") or "",
        serial=_field(fields, "sn") or "",
        hardware=_field(fields, "hardwarever") or "",
        firmware=_field(fields, "firmwarever") or "",
        time=_field(fields, "systemtime") or "",
        uptime=_field(fields, "uptime") or "",
    )


def _items(answer: dict[str, Value], name: str) -> list[Value] | None:
    """The entries of a list in any of its layouts; None where the answer has no such list."""
    there = [answer[key] for key in (name, "item") if key in answer]
    if not there:
        return None
    found = there[-1] if not there[0] else there[0]
    if isinstance(found, dict) and set(found) == {"item"}:
        found = found["item"]
    if isinstance(found, str):
        if found.strip():
            raise Unreadable(f"text instead of a list ({name})")
        return []
    if isinstance(found, dict):
        # The keys of a list with gaps are numbers, ids or names; those of a single entry are the names of its fields.
        has_entries = all(isinstance(value, dict) for value in found.values())
        return list(found.values()) if has_entries else [found]
    return found


def _all_fields(items: Sequence[Value], name: str) -> list[dict[str, Value]]:
    """The entries of a list, each of which must be a set of fields."""
    found: list[dict[str, Value]] = []
    for n, item in enumerate(items, start=1):
        if not isinstance(item, dict):
            raise Unreadable(f"entry {n} of {name} that is not a set of fields")
        found.append(item)
    return found


def _is_plainly_empty(found: Value | None, kind: str) -> bool:
    """Whether an empty list is written like this. XML has one way: an element without children."""
    return found == [] if kind == "json" else isinstance(found, str)


def _is_nothing(item: Value) -> bool:
    """Whether an entry holds no text at all."""
    if isinstance(item, str):
        return not item.strip()
    return all(_is_nothing(value) for value in (item.values() if isinstance(item, dict) else item))


def _route(n: int, item: dict[str, Value]) -> KnownRoute:
    values = {name: _field(item, name) for name in ("id", *FIELDS)}
    if values["name"] is NULL:
        raise Unreadable(
            f"null as the name of entry {n} of outroutes: some PBXs do so where they have cut a name in the middle of "
            "a UTF-8 sign. Give that route another name in the PBX's web page, of at most 40 bytes"
        )
    if values["name"] is None or (values["matchpattern"] is None and values["trunks"] is None):
        raise Unreadable(f"entry {n} of outroutes that is not a route")
    for name, value in values.items():
        if value is not None and len(value) > MAX_FIELD:
            raise Unreadable(f"{len(value)} characters in {name} of entry {n} of outroutes, more than any PBX stores")
    trunks = tuple(trunk for trunk in (part.strip() for part in (values["trunks"] or "").split(",")) if trunk)
    route = Route(
        name=values["name"],
        matchpattern=values["matchpattern"] or "",
        trunks=trunks,
        prefix=values["prefix"] or "",
        prepend=values["prepend"] or "",
        callerid=values["callerid"] or "",
    )
    return KnownRoute(route, values["id"] or None)


def _field(item: dict[str, Value], name: str) -> str | None:
    """One field as text; None where it is missing. Raises Unreadable where it is a list or fields of its own."""
    value = item.get(name)
    if isinstance(value, list | dict):
        if value:
            raise Unreadable(f"a list or fields instead of text in {name}")
        return ""
    return value
