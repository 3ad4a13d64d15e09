"""The outbound routes of the sandbox, and what its calls do to them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pbxsync.sandbox.collation import folded
from pbxsync.sandbox.errors import Errno, Refused
from pbxsync.sandbox.held import ROW_FIELDS, HeldRoute, held_routes, read_store, write_store
from pbxsync.sandbox.storing import PATTERN_FIELDS, TooLong, is_broken, stored_name, stored_pattern, stored_trunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pbxsync.sandbox.bodies import Fields
    from pbxsync.sandbox.firmware import Firmware

#: The fields that ``outroute/add`` and ``outroute/update`` set.
ROUTE_FIELDS = ROW_FIELDS[1:]

_REQUIRED = ("name", "matchpattern", "trunks")


class Mute(Exception):
    """The PBX answers with an empty body."""


@dataclass(frozen=True, slots=True)
class Accident:
    """What a fault does to an add or update while it is carried out.

    ``altered``: values that some fields get once the call is accepted. ``dies_after``: the call fails in the middle; an
    add while it writes the order of the routes, of which so many stay listed; an update when the old patterns are
    deleted, whatever the number.
    """

    altered: Mapping[str, str] = field(default_factory=dict)
    dies_after: int | None = None


class RouteTable:
    """The outbound routes in order of precedence, and the next id. ``trunks`` are the names of those that exist.

    With ``store`` the table is read from that file if it exists, else it begins as ``routes``; each change is written
    to it before it counts. Raises SandboxError if the file cannot be used, or if ``routes`` holds something odd.
    """

    def __init__(
        self,
        *,
        routes: Iterable[Mapping[str, Any]],
        store: Path | None,
        firmware: Firmware,
        trunks: Sequence[str],
    ) -> None:
        self._store = store.absolute() if store else None
        self._firmware = firmware
        self._trunks = trunks
        stored = read_store(self._store) if self._store else None
        held, self._next_id = stored or held_routes(routes, 1)
        self._held = self._in_order(held)

    def held(self) -> list[HeldRoute]:
        """Return all routes, also those that no query lists."""
        return list(self._held)

    def rows(self) -> list[dict[str, str]]:
        """Return the routes that are listed, each with its first pattern by text."""
        return [route.row() for route in self._held if route.listed]

    def add(self, fields: Mapping[str, str], accident: Accident) -> None:
        """Add a route."""
        if not all(fields.get(name) for name in _REQUIRED):
            raise Refused(Errno.PARAMETER_EMPTY)
        self._refuse_taken(fields["name"])
        texts = self._texts(fields, accident)
        route = HeldRoute(str(self._next_id), texts["name"], texts["trunks"])
        try:
            pattern = dict.fromkeys(PATTERN_FIELDS, "") | self._pattern(fields, accident)
        except TooLong:
            # The route is written before its pattern, and the trunks and the order after it.
            self._keep([*self._held, replace(route, trunks="", listed=False)], self._next_id + 1)
            raise Refused(Errno.NOT_STORED) from None
        route = replace(route, patterns=(pattern,))
        held = [route, *self._held] if self._firmware.insert == "top" else [*self._held, route]
        if accident.dies_after is None:
            return self._keep(held, self._next_id + 1)
        self._keep(_listed_to(self._in_order(held), accident.dies_after), self._next_id + 1)
        raise Refused(Errno.NOT_STORED)

    def find(self, name: str) -> list[Fields]:
        """Return what a query shows for one name, several joined by commas, or ``all``; unknown names bring nothing.

        Raises Mute where a name that was cut keeps the PBX from answering.
        """
        if not name:
            raise Refused(Errno.PARAMETER_EMPTY)
        if self._firmware.broken_name == "mute" and any(is_broken(route.name) for route in self._held if route.listed):
            raise Mute
        rows = self._shown(route for route in self._queried(name) if route.listed)
        return rows[: self._firmware.page] if name == "all" else rows

    def update(self, fields: Mapping[str, str], accident: Accident) -> None:
        """Replace the fields that are present, empty ones too, of the route with ``fields["id"]``.

        One pattern is left if there is a field of a pattern: what it does not say is as in the first by text.
        """
        if not (wanted := fields.get("id")):
            raise Refused(Errno.PARAMETER_EMPTY)
        route = next((route for route in self._held if route.id == wanted), None)
        if route is None:
            return self._update_unknown(fields, accident)
        self._refuse_taken(fields.get("name", ""), but=route)
        texts = self._texts(fields, accident)
        hidden = route.hidden if self._firmware.update_hidden == "keep" else {}
        written = replace(route, name=texts.get("name", route.name), hidden=hidden)
        try:
            pattern = None if accident.dies_after is not None else self._pattern(fields, accident)
        except TooLong:
            pattern = None
        if pattern is None:
            # The name is written before the patterns, the trunks after them.
            self._replace(replace(written, patterns=()))
            raise Refused(Errno.NOT_STORED)
        patterns = ({**route.pattern, **pattern},) if pattern else route.patterns
        return self._replace(replace(written, patterns=patterns, trunks=texts.get("trunks", route.trunks)))

    def delete(self, name: str) -> None:
        """Delete the routes of a name, of several or of ``all``; if one of several names is unknown, nothing."""
        if not name:
            raise Refused(Errno.PARAMETER_EMPTY)
        names = [] if name == "all" else name.split(",")
        if not all(self._named([name]) for name in names):
            raise Refused(Errno.NO_SUCH_ROUTE)
        doomed = {route.id for route in (self._named(names) if names else self._held)}
        self._keep([route for route in self._held if route.id not in doomed], self._next_id)

    def drop_last(self) -> None:
        """Lose the last route, as no call of the API does."""
        self._keep(self._held[:-1], self._next_id)

    def _queried(self, name: str) -> list[HeldRoute]:
        how = self._firmware.named_query
        if name == "all" or how == "all":
            return self._held
        if how == "refuse":
            raise Refused(Errno.NO_SUCH_ROUTE)
        names = {"works": name.split(","), "first": name.split(",")[:1], "whole": [name], "none": []}[how]
        return self._named(names)

    def _shown(self, routes: Iterable[HeldRoute]) -> list[Fields]:
        rows: list[Fields] = []
        for route in routes:
            patterns = route.patterns if self._firmware.show_patterns == "each" else ()
            rows += [route.row(pattern) for pattern in patterns or (route.pattern,)]
        return [{**row, "name": None} if is_broken(row["name"] or "") else row for row in rows]

    def _named(self, names: Iterable[str]) -> list[HeldRoute]:
        rule = self._firmware.equal_names
        wanted = {folded(name, rule) for name in names}
        return [route for route in self._held if folded(route.name, rule) in wanted]

    def _refuse_taken(self, name: str, but: HeldRoute | None = None) -> None:
        if self._firmware.same_name == "refuse" and any(route is not but for route in self._named([name])):
            raise Refused(Errno.NAME_TAKEN)

    def _update_unknown(self, fields: Mapping[str, str], accident: Accident) -> None:
        if self._firmware.unknown_id == "refuse":
            raise Refused(Errno.NO_SUCH_ROUTE)
        if self._firmware.unknown_id == "make-route":
            self.add(fields, accident)

    def _texts(self, fields: Mapping[str, str], accident: Accident) -> dict[str, str]:
        """Return what is stored of the name and the trunks, if they are there."""
        texts = {}
        if "name" in fields:
            texts["name"] = stored_name(fields["name"], self._firmware)
        if "trunks" in fields:
            texts["trunks"] = stored_trunks(fields["trunks"], self._firmware, self._trunks)
        return texts | {name: value for name, value in accident.altered.items() if name not in PATTERN_FIELDS}

    def _pattern(self, fields: Mapping[str, str], accident: Accident) -> dict[str, str]:
        """Return what is stored of the fields of the pattern that are there. Raises TooLong as `stored_pattern`."""
        altered = {name: value for name, value in accident.altered.items() if name in PATTERN_FIELDS}
        return stored_pattern(fields, self._firmware) | altered

    def _replace(self, route: HeldRoute) -> None:
        self._keep([route if other.id == route.id else other for other in self._held], self._next_id)

    def _in_order(self, held: list[HeldRoute]) -> list[HeldRoute]:
        return sorted(held, key=lambda route: route.name.lower()) if self._firmware.insert == "sorted" else held

    def _keep(self, held: list[HeldRoute], next_id: int) -> None:
        held = self._in_order(held)
        if self._store:
            write_store(self._store, held, next_id)
        self._held, self._next_id = held, next_id


def _listed_to(held: list[HeldRoute], count: int) -> list[HeldRoute]:
    """Return the routes, of which only the first so many that are listed stay listed."""
    kept = {route.id for route in [route for route in held if route.listed][:count]}
    return [route if route.id in kept else replace(route, listed=False) for route in held]
