"""A known state as the text of a state file, by ``schema/state.schema.json``, and back, which is read without trust.

While an apply is at work the text also has its *run*: what is going to be sent, in order, each with one sign that says
what became of it. The signs are changed in place, by `pbxsync.marks`, so that the text is whole JSON at every moment.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pbxsync.collecting import held_off
from pbxsync.model import FIELDS, Action, Change, Doubt, KnownRoute, KnownState, Route
from pbxsync.shallow_json import TooDeep, loads
from pbxsync.text import safe_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: The format of the texts written here. Readers refuse another major.
FORMAT_VERSION = "1.0"


class Sign(StrEnum):
    """What became of a change of a run; one character each, so that one takes the other's place."""

    WAITING = "-"
    SENT = "?"
    APPLIED = "+"
    NOT_APPLIED = "x"


@dataclass(frozen=True, slots=True)
class InRun:
    """A change that a run sends, or is going to."""

    change: Change
    sign: Sign = Sign.WAITING


class NoState(Exception):
    """A text that is no state of this format; the message says what is wrong with it."""


_BEFORE_RUN = ',\n  "run": [\n'
_BEFORE_SIGN = '    {"outcome": "'


def dump(state: KnownState, run: Sequence[InRun] = ()) -> str:
    """The state as the text of a state file: always the same for the same state, one route or change a line."""
    routes = [{**known.route.fields(), "id": known.id} for known in state.routes]
    doubts = [{**_change_fields(doubt.change), "reason": doubt.reason} for doubt in state.doubts]
    text = (
        "{\n"
        f'  "format_version": {_json(FORMAT_VERSION)},\n'
        f'  "pbx": {_json({"url": state.pbx})},\n'
        f'  "routes": {_one_a_line(routes)},\n'
        f'  "doubts": {_one_a_line(doubts)}'
    )
    if state.applied_plans:
        text += f',\n  "applied_plans": {_json(state.applied_plans)}'
    if run:
        # Last, so that what stands in front of the signs has no say in where they are to be found.
        text += f',\n  "run": {_one_a_line([{"outcome": one.sign, **_change_fields(one.change)} for one in run])}'
    return f"{text}\n}}\n"


def sign_places(text: str) -> list[int]:
    """Where the sign of each change of the run stands in a text made by `dump`, in bytes of UTF-8 from its start."""
    # No line end stands within a value: JSON escapes it.
    head, _, run = text.rpartition(_BEFORE_RUN)
    place = len((head + _BEFORE_RUN).encode())
    places = []
    for line in run.split("\n"):
        if line.startswith(_BEFORE_SIGN):
            places.append(place + len(_BEFORE_SIGN))
        place += len(line.encode()) + 1
    return places


def _one_a_line(items: Sequence[Mapping[str, object]]) -> str:
    if not items:
        return "[]"
    lines = ",\n".join(f"    {_json(item)}" for item in items)
    return f"[\n{lines}\n  ]"


def _json(value: object) -> str:
    return safe_json(json.dumps(value, ensure_ascii=False))


def _change_fields(change: Change) -> dict[str, object]:
    return {
        "action": str(change.action),
        "id": change.id,
        "before": change.before.fields() if change.before else None,
        "after": change.after.fields() if change.after else None,
    }


def parse(text: str, source: str) -> tuple[KnownState, tuple[InRun, ...]]:
    """The state that a text holds, and the run that was cut off, if one was; ``source`` is what the text is of.

    Raises NoState.
    """
    with held_off():
        return _parsed(text, source)


def _parsed(text: str, source: str) -> tuple[KnownState, tuple[InRun, ...]]:
    try:
        value = _shallow(loads(text, object_pairs_hook=_object))
    except TooDeep as error:
        raise NoState(str(error)) from None
    except ValueError as error:
        raise NoState(f"it is not JSON, or cut short ({error})") from None
    _check_version(_get(value, "", "format_version", str))
    url = _get(_get(value, "", "pbx", dict), "pbx", "url", str)
    routes = _get(value, "", "routes", list)
    doubts = _get(value, "", "doubts", list)
    run = _get(value, "", "run", list) if "run" in value else []
    plans = _get(value, "", "applied_plans", list) if "applied_plans" in value else []
    if not all(isinstance(one, str) for one in plans):
        raise NoState("applied_plans holds something that is no text")
    state = KnownState(
        url,
        tuple(_known(item, n) for n, item in enumerate(routes)),
        source,
        tuple(_doubt(item, f"doubts[{n}]") for n, item in enumerate(doubts)),
        tuple(plans),
    )
    return state, tuple(_in_run(item, f"run[{n}]") for n, item in enumerate(run))


def _shallow(value: Any) -> Any:
    """A whole text's value as `_objects` makes it, but for its routes, which may be very many."""
    if not isinstance(value, tuple):
        return _objects(value)
    whole = [(key, part if key == "routes" and isinstance(part, list) else _objects(part)) for key, part in value]
    return _once_each(whole)


def _object(pairs: list[tuple[str, Any]]) -> KnownRoute | tuple[tuple[str, Any], ...]:
    """A JSON object as it is read: a known route at once, for there may be very many; else its pairs."""
    return _plain_route(pairs) or tuple(pairs)


def _objects(value: Any) -> Any:
    """A JSON value in which all objects become dictionaries."""
    if isinstance(value, KnownRoute):  # in a place where there need not be one
        fields = value.route.fields()
        return {**fields, "trunks": list(value.route.trunks), "id": value.id}
    if isinstance(value, tuple):
        return _once_each([(key, _objects(part)) for key, part in value])
    return [_objects(part) for part in value] if isinstance(value, list) else value


def _once_each(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The keys of a JSON object. Which of two equal ones is meant nobody knows: one may be without the doubts."""
    found = dict(pairs)
    if len(found) < len(pairs):
        doubled = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise NoState(f"{doubled[:40]} is given twice")
    return found


def _check_version(version: str) -> None:
    if version.split(".")[0] != FORMAT_VERSION.split(".")[0]:
        raise NoState(f"its format_version is {version[:20]}, this pbxsync reads {FORMAT_VERSION}")


def _get(value: Any, where: str, key: str, kind: Any) -> Any:
    place = f"{where}.{key}" if where else key
    if not isinstance(value, dict) or key not in value:
        raise NoState(f"{place} is missing")
    if not isinstance(value[key], kind):
        raise NoState(f"{place} is {type(value[key]).__name__}, which it can't be")
    return value[key]


def _known(read: Any, n: int) -> KnownRoute:
    if isinstance(read, KnownRoute):
        return read
    value, where = _objects(read), f"routes[{n}]"
    return KnownRoute(_route(value, where), _get(value, where, "id", str | None))


def _plain_route(pairs: list[tuple[str, Any]]) -> KnownRoute | None:
    """A known route as `dump` writes it, as nearly all are; None for another, of which there may be more to say."""
    if len(pairs) != len(_KEYS):
        return None
    keys, values = zip(*pairs, strict=True)
    if keys != _KEYS:
        return None
    name, prefix, matchpattern, prepend, callerid, trunks, own_id = values
    if type(trunks) is not list or not (own_id is None or type(own_id) is str):
        return None
    for text in (name, matchpattern, prefix, prepend, callerid, *trunks):
        if type(text) is not str:
            return None
    return KnownRoute(Route(name, matchpattern, tuple(trunks), prefix, prepend, callerid), own_id)


#: The keys of a known route, in the order that they are written in.
_KEYS = (*FIELDS, "id")


def _route(value: Any, where: str) -> Route:
    trunks = _get(value, where, "trunks", list)
    if not all(isinstance(trunk, str) for trunk in trunks):
        raise NoState(f"{where}.trunks holds something that is no text")
    texts = {name: _get(value, where, name, str) for name in ("name", "matchpattern", "prefix", "prepend", "callerid")}
    return Route(trunks=tuple(trunks), **texts)


def _doubt(value: Any, where: str) -> Doubt:
    return Doubt(_change(value, where), _get(value, where, "reason", str))


def _in_run(value: Any, where: str) -> InRun:
    sign = _get(value, where, "outcome", str)
    if sign not in set(Sign):
        raise NoState(f"{where}.outcome is none of {' '.join(Sign)}")
    return InRun(_change(value, where), Sign(sign))


def _change(value: Any, where: str) -> Change:
    action = _get(value, where, "action", str)
    sides = {Action.ADD: (False, True), Action.UPDATE: (True, True), Action.DELETE: (True, False)}
    if action not in sides:
        raise NoState(f"{where}.action is none of {', '.join(sides)}")
    before, after = (_get(value, where, side, dict | None) for side in ("before", "after"))
    if sides[Action(action)] != (before is not None, after is not None):
        raise NoState(f"{where} does not say what it {action}s")
    return Change(
        Action(action),
        _route(before, f"{where}.before") if before is not None else None,
        _route(after, f"{where}.after") if after is not None else None,
        id=_get(value, where, "id", str | None),
    )
