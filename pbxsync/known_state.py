"""What is known to be on a PBX, kept in a state file: read, checked, and written after every outcome.

The live PBX is the other source of a known state; see `pbxsync.client`. Both give a `KnownState`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pbxsync.errors import StateError
from pbxsync.model import Action, Change, Doubt, KnownRoute, KnownState, Route
from pbxsync.text import command_line, safe_json
from pbxsync.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

#: The format of the files written here. Readers refuse another major.
FORMAT_VERSION = "1.0"


def with_changes(routes: Iterable[KnownRoute], changes: Iterable[Change]) -> tuple[KnownRoute, ...]:
    """The routes as they are once the PBX has carried out the changes: an add goes behind those that exist.

    The changes are single calls: adds, updates and deletes.
    """
    table: dict[object, KnownRoute] = {}
    places: dict[str, list[object]] = {}
    for number, known in enumerate(routes):
        table[number] = known
        places.setdefault(known.route.name, []).append(number)
    for change in changes:
        at = _meant(change, table, places) if change.before else object()
        if at is None:
            continue
        if change.after is None:
            del table[at]
        else:
            table[at] = replace(table[at], route=change.after) if change.before else KnownRoute(change.after)
            places.setdefault(change.after.name, []).append(at)
    return tuple(table.values())


def _meant(change: Change, table: Mapping[object, KnownRoute], places: Mapping[str, list[object]]) -> object | None:
    """The place of the route that a change updates or deletes, which it loses; None where there is none.

    Of several of one name it is the one with the change's id. A route is deleted by its name, so a single one of that
    name is meant; and updated by its id, which nobody may know yet of a route that was added.
    """
    named = places.get(change.before.name, []) if change.before else []
    found = [at for at in named if table[at].id == change.id] or [
        at for at in named if len(named) == 1 and (change.after is None or table[at].id is None)
    ]
    if not found:
        return None
    named.remove(found[-1])
    return found[-1]


class StateFile:
    """A recorded known state on disk, as JSON by ``schema/state.schema.json``.

    ``state`` is what the file holds. Every method that changes it writes the file before it returns, whole or not at
    all. Raises StateError with the reason and what to do.
    """

    def __init__(self, path: Path, state: KnownState) -> None:
        self.path = path
        self.state = state

    @classmethod
    def read(cls, path: Path, *, pbx: str | None, init: bool = False) -> StateFile:
        """Read the file. ``pbx`` is the address that it must belong to; None takes any.

        A missing file is an error, or with ``init`` an empty state that becomes a file with the first write.
        """
        try:
            text = path.read_bytes().decode("utf-8")
        except FileNotFoundError:
            if init and not path.absolute().parent.is_dir():
                raise StateError(f"{path}: the folder for the state file doesn't exist; make it first") from None
            if init:
                return cls(path, KnownState(pbx, (), str(path)))
            raise StateError(
                f"{path}: there is no such state file; record one with: {_refresh(path)}; or, to plan and apply for a "
                "PBX without routes, begin an empty one with --init"
            ) from None
        except UnicodeDecodeError:
            raise StateError(f"{path}: not a state file: it is not UTF-8") from None
        except OSError as error:
            raise StateError(f"{path}: the state file can't be read: {error.strerror}") from None
        state = _parse(text, path)
        if pbx is not None and state.pbx != pbx:
            raise StateError(
                f"{path}: the state file is of another PBX: it belongs to {state.pbx}, the routes are for {pbx}; "
                "name the right --state, or, if it is the same PBX at a new address, correct pbx.url in the state file"
            )
        return cls(path, state)

    def write(self, state: KnownState) -> None:
        """Replace what is recorded."""
        try:
            write_whole(self.path, dump(state))
        except OSError as error:
            raise StateError(
                f"{self.path}: the state file can't be written: {error.strerror or error}; nothing in it changed. "
                "Its folder must exist and take a second file of its size"
            ) from None
        self.state = state

    def sending(self, change: Change) -> None:
        """Record, before a change is sent, that it is: should nothing follow, its outcome is in doubt."""
        self.doubt(change, "pbxsync ended before the PBX's answer was recorded")

    def doubt(self, change: Change, reason: str) -> None:
        """Record that nobody knows whether the PBX carried the change out."""
        self.write(replace(self.state, doubts=(*self._other_doubts(change), Doubt(change, reason))))

    def settle(self, change: Change, *, applied: bool) -> None:
        """Record that the PBX carried the change out, or that it did not."""
        routes = self.state.routes
        # A route that was added may be recorded already: by a refresh, before somebody settled the doubt.
        if applied and not (change.before is None and any(known.route.name == change.name for known in routes)):
            routes = with_changes(routes, [change])
        self.write(replace(self.state, routes=routes, doubts=self._other_doubts(change)))

    def _other_doubts(self, change: Change) -> tuple[Doubt, ...]:
        return tuple(doubt for doubt in self.state.doubts if _sent(doubt.change) != _sent(change))


def _sent(change: Change) -> tuple[object, ...]:
    """What went to the PBX: all of a change that a state file keeps."""
    return (change.action, change.id, change.before, change.after)


def dump(state: KnownState) -> str:
    """The state as the text of a state file: always the same for the same state, one route a line."""
    routes = [{**known.route.fields(), "id": known.id} for known in state.routes]
    doubts = [_doubt_fields(doubt) for doubt in state.doubts]
    return (
        "{\n"
        f'  "format_version": {_json(FORMAT_VERSION)},\n'
        f'  "pbx": {_json({"url": state.pbx})},\n'
        f'  "routes": {_one_a_line(routes)},\n'
        f'  "doubts": {_one_a_line(doubts)}\n'
        "}\n"
    )


def _one_a_line(items: Sequence[Mapping[str, object]]) -> str:
    if not items:
        return "[]"
    lines = ",\n".join(f"    {_json(item)}" for item in items)
    return f"[\n{lines}\n  ]"


def _json(value: object) -> str:
    return safe_json(json.dumps(value, ensure_ascii=False))


def _doubt_fields(doubt: Doubt) -> dict[str, object]:
    change = doubt.change
    return {
        "action": str(change.action),
        "id": change.id,
        "before": change.before.fields() if change.before else None,
        "after": change.after.fields() if change.after else None,
        "reason": doubt.reason,
    }


# --- reading, without trust ----------------------------------------------------------------------------------------


class _Wrong(Exception):
    """Something in the file is not what it should be."""


def _parse(text: str, path: Path) -> KnownState:
    try:
        value = json.loads(text)
        _check_version(_get(value, "", "format_version", str))
        url = _get(_get(value, "", "pbx", dict), "pbx", "url", str)
        routes = _get(value, "", "routes", list)
        doubts = _get(value, "", "doubts", list)
        return KnownState(
            url,
            tuple(_known(item, f"routes[{n}]") for n, item in enumerate(routes)),
            str(path),
            tuple(_doubt(item, f"doubts[{n}]") for n, item in enumerate(doubts)),
        )
    except _Wrong as error:
        reason = str(error)
    except RecursionError:
        reason = "it is nested too deep"
    except ValueError as error:
        reason = f"it is not JSON, or cut short ({error})"
    raise StateError(
        f"{path}: not a state file that this pbxsync can read: {reason}; restore it, or, since it may hold outcomes in "
        f"doubt, look through it, move it away, and record a new one with: {_refresh(path)}"
    )


def _refresh(path: Path) -> str:
    return command_line("pbxsync", "refresh", "--state", str(path))


def _check_version(version: str) -> None:
    if version.split(".")[0] != FORMAT_VERSION.split(".")[0]:
        raise _Wrong(f"its format_version is {version[:20]}, this pbxsync reads {FORMAT_VERSION}")


def _get(value: Any, where: str, key: str, kind: Any) -> Any:
    place = f"{where}.{key}" if where else key
    if not isinstance(value, dict) or key not in value:
        raise _Wrong(f"{place} is missing")
    if not isinstance(value[key], kind):
        raise _Wrong(f"{place} is {type(value[key]).__name__}, which it can't be")
    return value[key]


def _known(value: Any, where: str) -> KnownRoute:
    return KnownRoute(_route(value, where), _get(value, where, "id", str | None))


def _route(value: Any, where: str) -> Route:
    trunks = _get(value, where, "trunks", list)
    if not all(isinstance(trunk, str) for trunk in trunks):
        raise _Wrong(f"{where}.trunks holds something that is no text")
    texts = {name: _get(value, where, name, str) for name in ("name", "matchpattern", "prefix", "prepend", "callerid")}
    return Route(trunks=tuple(trunks), **texts)


def _doubt(value: Any, where: str) -> Doubt:
    action = _get(value, where, "action", str)
    sides = {Action.ADD: (False, True), Action.UPDATE: (True, True), Action.DELETE: (True, False)}
    if action not in sides:
        raise _Wrong(f"{where}.action is none of {', '.join(sides)}")
    before, after = (_get(value, where, side, dict | None) for side in ("before", "after"))
    wanted = sides[Action(action)]
    if wanted != (before is not None, after is not None):
        raise _Wrong(f"{where} does not say what it {action}s")
    change = Change(
        Action(action),
        _route(before, f"{where}.before") if before is not None else None,
        _route(after, f"{where}.after") if after is not None else None,
        id=_get(value, where, "id", str | None),
    )
    return Doubt(change, _get(value, where, "reason", str))
