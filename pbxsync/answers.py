"""An answer's fields → the routes, trunks and device that the PBX speaks of.

Lists come in two layouts (API manual): under their own name, or in XML as items directly under the root. A list that
is missing altogether is never taken for an empty one where that could do harm: a PBX that seemed to have no routes
would be given every route a second time.
"""

from __future__ import annotations

from pbxsync.codec import Unreadable, Value
from pbxsync.model import DeviceInfo, KnownRoute, Route, Trunk


def route_list(answer: dict[str, Value]) -> tuple[KnownRoute, ...]:
    """The routes of an ``outroute/query`` answer in its order. Raises Unreadable where it has no list of routes."""
    items = _items(answer, "outroutes")
    if items is None:
        raise Unreadable("Success, but no list of routes (outroutes); if it has no route yet, use --type json")
    return tuple(_route(n, item) for n, item in enumerate(items, start=1))


def trunk_list(answer: dict[str, Value]) -> tuple[Trunk, ...]:
    """The trunks of a ``trunklist/query`` answer. Raises Unreadable where an entry is no trunk."""
    items = _items(answer, "trunkname") or []
    return tuple(
        Trunk(_field(item, "trunkname") or "", _field(item, "status") or "", _field(item, "type") or "")
        for item in items
    )


def device_info(answer: dict[str, Value]) -> DeviceInfo:
    """The device of a ``deviceinfo/query`` answer; what it does not say is empty."""
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


def _items(answer: dict[str, Value], name: str) -> list[dict[str, Value]] | None:
    """The entries of a list in any of its layouts; None where the answer has no such list."""
    if name in answer:
        found = answer[name]
    elif "item" in answer:
        found = answer["item"]
    else:
        return None
    if isinstance(found, dict) and set(found) == {"item"}:
        found = found["item"]
    if isinstance(found, dict):
        found = [found] if found else []
    if isinstance(found, str):
        if found.strip():
            raise Unreadable(f"text instead of a list ({name})")
        return []
    items: list[dict[str, Value]] = []
    for n, item in enumerate(found, start=1):
        if not isinstance(item, dict):
            raise Unreadable(f"entry {n} of {name} that is not a set of fields")
        items.append(item)
    return items


def _route(n: int, item: dict[str, Value]) -> KnownRoute:
    values = {name: _field(item, name) for name in ("name", "matchpattern", "prefix", "prepend", "callerid", "trunks")}
    if values["name"] is None or (values["matchpattern"] is None and values["trunks"] is None):
        raise Unreadable(f"entry {n} of outroutes that is not a route")
    trunks = tuple(trunk for trunk in (part.strip() for part in (values["trunks"] or "").split(",")) if trunk)
    route = Route(
        name=values["name"],
        matchpattern=values["matchpattern"] or "",
        trunks=trunks,
        prefix=values["prefix"] or "",
        prepend=values["prepend"] or "",
        callerid=values["callerid"] or "",
    )
    return KnownRoute(route, _field(item, "id") or None)


def _field(item: dict[str, Value], name: str) -> str | None:
    """One field as text; None where it is missing. Raises Unreadable where it is a list or fields of its own."""
    value = item.get(name)
    if isinstance(value, list | dict):
        if value:
            raise Unreadable(f"a list or fields instead of text in {name}")
        return ""
    return value
