"""A file that is as plain as can be, straight from its events to its routes: no values in between, which take the most.

Whatever there is to say of a file, or might be, it says nothing: then `document` and `validator` read the file, whose
rules these are, one by one. So it is quick for those that are read again and again and are long since right.
"""

from __future__ import annotations

import codecs
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from pbxsync import schemas
from pbxsync.dialplan.lint import field_findings
from pbxsync.document import is_text, parser_for
from pbxsync.model import DeclaredRoute, Desired, Location, Route
from pbxsync.name_clashes import is_odd, name_clashes, odd_trunk
from pbxsync.quick_schema import resolved, text_rule
from pbxsync.text_problems import url_problem
from pbxsync.turned_comments import may_turn
from pbxsync.yaml_text import truth

if TYPE_CHECKING:
    from collections.abc import Callable

    Rule = Callable[[str, bool], bool]

#: Texts shorter than this are kept once each.
_SHARED = 40


class _Unsure(Exception):
    """There may be something to say of the file."""


def quick_read(data: bytes, file: str) -> tuple[Desired, Location | None] | None:
    """What a file declares, without its digest, and where it says which PBX it is for.

    None where there may be anything to say of it, and where it has what only few files have: tests, includes, renames,
    ignored names, routes for some callers, anchors.
    """
    if not is_text(data) or may_turn(data):
        return None
    parser = parser_for(data.removeprefix(codecs.BOM_UTF8))
    try:
        return _Reader(file, parser.get_event).whole()
    except (_Unsure, yaml.YAMLError, ValueError, OverflowError):
        return None
    finally:
        parser.dispose()


@cache
def _rules() -> tuple[dict[str, Rule], Rule, dict[str, Rule]]:
    """The rules of a route's texts, of a trunk, and of the texts of the section pbx, from the schema."""
    schema = schemas.load("routes")
    route, pbx = schema["$defs"]["route"]["properties"], schema["properties"]["pbx"]["properties"]
    texts = ("name", "prefix", "matchpattern", "prepend")
    return (
        {key: text_rule(resolved(route[key], schema)) for key in texts},
        text_rule(resolved(route["trunks"]["items"], schema)),
        {key: text_rule(resolved(value, schema)) for key, value in pbx.items() if value.get("type") == "string"},
    )


def _is_bare(event: Any) -> bool:
    """Whether an event has neither tag nor anchor."""
    return event.tag is None and event.anchor is None


class _Reader:
    def __init__(self, file: str, get_event: Callable[[], Any]) -> None:
        self._file = file
        self._next = get_event
        self._texts: dict[str, str] = {}
        self._pbx: dict[str, str] = {}
        self._fresh_connections: bool | None = None
        self._pbx_place: Location | None = None
        self._routes: list[DeclaredRoute] | None = None

    def whole(self) -> tuple[Desired, Location | None]:
        self._begin(yaml.StreamStartEvent)
        self._begin(yaml.DocumentStartEvent)
        self._begin(yaml.MappingStartEvent)
        seen = set()
        while (key := self._key()) is not None:
            text = key.value
            if text in seen:
                raise _Unsure
            seen.add(text)
            self._section(text, key)
        self._begin(yaml.DocumentEndEvent)
        self._begin(yaml.StreamEndEvent)
        if self._routes is None:
            raise _Unsure
        pbx = self._pbx
        desired = Desired(
            self._file,
            tuple(self._routes),
            pbx.get("name"),
            pbx.get("url"),
            pbx.get("type"),
            no_hidden_fields="hidden_fields" in pbx,
            fresh_connections=self._fresh_connections or False,
        )
        return desired, self._pbx_place

    def _section(self, name: str, key: Any) -> None:
        if name == "routes":
            self._routes = self._all_routes()
        elif name == "pbx":
            self._pbx_place = Location(self._file, key.start_mark.line + 1, key.start_mark.column + 1)
            self._read_pbx()
        elif name != "version" or self._scalar() != ("1", True):
            raise _Unsure

    def _begin(self, kind: type[yaml.Event]) -> Any:
        event = self._next()
        if type(event) is not kind or getattr(event, "anchor", None) is not None or getattr(event, "tag", None):
            raise _Unsure
        return event

    def _key(self) -> Any:
        """The next key of a mapping; None at its end."""
        event = self._next()
        if type(event) is yaml.MappingEndEvent:
            return None
        if type(event) is not yaml.ScalarEvent or event.tag is not None or event.anchor is not None:
            raise _Unsure
        return event

    def _scalar(self) -> tuple[str, bool]:
        """The next value, which must be a text, and whether it stands unquoted."""
        event = self._next()
        if type(event) is not yaml.ScalarEvent or event.tag is not None or event.anchor is not None:
            raise _Unsure
        text = event.value
        return self._texts.setdefault(text, text) if len(text) < _SHARED else text, not event.style

    def _read_pbx(self) -> None:
        rules = _rules()[2]
        self._begin(yaml.MappingStartEvent)
        while (key := self._key()) is not None:
            name = key.value
            text, plain = self._scalar()
            if name == "fresh_connections" and plain and self._fresh_connections is None:
                self._fresh_connections = self._truth(text)
                continue
            if name in self._pbx or name not in rules or not rules[name](text, plain):
                raise _Unsure
            self._pbx[name] = text
        if "url" in self._pbx and url_problem(self._pbx["url"]):
            raise _Unsure

    def _truth(self, text: str) -> bool:
        found = truth(text)
        if found is None:
            raise _Unsure
        return found

    def _all_routes(self) -> list[DeclaredRoute]:
        self._begin(yaml.SequenceStartEvent)
        routes: list[DeclaredRoute] = []
        while type(event := self._next()) is yaml.MappingStartEvent:
            if event.anchor is not None or event.tag is not None:
                raise _Unsure
            route = self._route()
            mark: Any = event.start_mark
            routes.append(DeclaredRoute(route, Location(self._file, mark.line + 1, mark.column + 1)))
        if type(event) is not yaml.SequenceEndEvent:
            raise _Unsure
        names = [declared.route.name for declared in routes]
        if any(map(is_odd, names)) or next(name_clashes(names), None) is not None:
            raise _Unsure
        return routes

    def _route(self) -> Route:
        rules, trunk_rule, _ = _rules()
        found: dict[str, str] = {}
        trunks: tuple[str, ...] = ()
        # `_key` and `_scalar` in one piece: here nearly all of the time is spent.
        get_event, share, kind = self._next, self._texts.setdefault, yaml.ScalarEvent
        while type(key := get_event()) is kind:
            name = key.value
            rule = rules.get(name)
            if rule is None:
                if name != "trunks" or trunks or not _is_bare(key):
                    raise _Unsure
                trunks = self._trunks(trunk_rule)
                continue
            value = get_event()
            if type(value) is not kind or name in found or not (_is_bare(key) and _is_bare(value)):
                raise _Unsure
            text = value.value
            if not rule(text, not value.style):
                raise _Unsure
            found[name] = share(text, text) if len(text) < _SHARED else text
        if type(key) is not yaml.MappingEndEvent:
            raise _Unsure
        try:
            name, matchpattern = found["name"], found["matchpattern"]
        except KeyError:
            raise _Unsure from None
        prefix, prepend = found.get("prefix", ""), found.get("prepend", "")
        if not trunks or next(field_findings(prefix, matchpattern, prepend, ""), None) is not None:
            raise _Unsure
        return Route(name, matchpattern, trunks, prefix, prepend)

    def _trunks(self, rule: Rule) -> tuple[str, ...]:
        self._begin(yaml.SequenceStartEvent)
        trunks = []
        while type(event := self._next()) is yaml.ScalarEvent:
            text = event.value
            if event.tag is not None or event.anchor is not None or not rule(text, not event.style):
                raise _Unsure
            if text in trunks or odd_trunk(text):
                raise _Unsure
            trunks.append(self._texts.setdefault(text, text))
        if type(event) is not yaml.SequenceEndEvent:
            raise _Unsure
        return tuple(trunks)
