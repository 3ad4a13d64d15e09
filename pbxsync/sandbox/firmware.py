"""What a firmware does that the manual does not say.

Each field is a behaviour that was measured on the line of firmware that such PBXs descend from, or that was reported
of devices. The defaults are the plain sandbox.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args, get_origin, get_type_hints

from pbxsync.sandbox.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

EqualNames: TypeAlias = Literal["exact", "case", "accents", "german", "general", "swedish"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Firmware:
    """One firmware. Raises SandboxError for a value that a field does not have.

    Names of routes:

    - ``name_limit``: how many characters (``name_limit_unit``: or bytes) of a name are stored; a longer name is cut,
      or refused (``name_limit_effect``).
    - ``broken_name``: what a query answers once a name was cut inside a UTF-8 sign: an empty body, or no name.
    - ``store_name``: the form in which a name is stored: with HTML entities, with single spaces, with ``_`` for all
      but letters, digits, ``_`` and ``-``, in upper case, or up to the first character of four UTF-8 bytes.
    - ``equal_names``: the names that query, delete and ``same_name`` take for equal, see ``collation``.
    - ``same_name``: whether a second route of a name is added or refused.

    Fields and trunks:

    - ``filter_fields``: prefix, matchpattern, prepend and callerid are stored in upper case, without anything but
      ``0-9*#+-.[]XNZ``.
    - ``field_limits``: a matchpattern or prefix over 60 signs, or a prepend over 100, is cut; or (``strict``) an add
      fails and leaves a route that is not listed, and an update fails after it deleted the old patterns.
    - ``unknown_trunk``: a trunk that does not exist is kept, dropped, stored as nothing, or the call is refused.
    - ``trunk_case``: a trunk's name in other case is the first trunk of that name.
    - ``html_trunks``: trunks are stored with HTML entities.

    The table:

    - ``insert``: a new route goes to the bottom or top, or the table is sorted by name.
    - ``show_patterns``: of a route with several patterns a query shows the lowest by text, or an item for each.
    - ``update_hidden``: whether an update resets the fields that the API does not show.
    - ``unknown_id``: how an update of an unknown id ends.

    Queries:

    - ``named_query``: how a query for names is answered: as the manual says, with all routes, with none, with a
      refusal, for the first name alone, or as if the commas were part of one name (``whole``).
    - ``page``: how many items a query for ``all`` shows at most.
    - ``empty_as``: what a query shows instead of an empty list; XML has the last two alone.
    - ``success_errno``: an errno beside the ``Success`` of every query for routes.

    Connections:

    - ``close_after``: each connection is closed after so many answers, without ``Connection: close``.
    - ``close_idle``: each connection is closed so many seconds after an answer; with ``close_after``, so many seconds
      after that answer.
    """

    name_limit: int | None = None
    name_limit_unit: Literal["chars", "bytes"] = "chars"
    name_limit_effect: Literal["cut", "refuse"] = "cut"
    broken_name: Literal["mute", "null"] = "mute"
    store_name: Literal["as-is", "html", "squash", "slug", "upper", "mb3"] = "as-is"
    equal_names: EqualNames = "exact"
    same_name: Literal["second", "refuse"] = "second"
    filter_fields: bool = False
    field_limits: Literal["none", "cut", "strict"] = "none"
    unknown_trunk: Literal["keep", "refuse", "drop", "nothing"] = "keep"
    trunk_case: bool = False
    html_trunks: bool = False
    insert: Literal["bottom", "top", "sorted"] = "bottom"
    show_patterns: Literal["lowest", "each"] = "lowest"
    update_hidden: Literal["reset", "keep"] = "reset"
    unknown_id: Literal["refuse", "success-nothing", "make-route"] = "refuse"
    named_query: Literal["works", "all", "none", "refuse", "first", "whole"] = "works"
    page: int | None = None
    empty_as: Literal["list", "null", "text", "object", "item", "missing"] = "list"
    success_errno: str = ""
    close_after: int | None = None
    close_idle: float | None = None

    def __post_init__(self) -> None:
        for name, hint in _hints().items():
            value = getattr(self, name)
            if not _fits(value, hint):
                raise SandboxError(_bad(f"{name}={value}", f"write {name}={_shape(hint)}"))

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Firmware:
        """Read ``KEY=VALUE`` texts, as they are given on the command line. A key given twice has its last value."""
        values: dict[str, Any] = {}
        for text in texts:
            key, _, value = text.partition("=")
            name = key.replace("-", "_")
            if name not in _hints():
                raise SandboxError(_bad(text, f"there is no {key!r}"))
            values[name] = _read(value, _hints()[name])
        return cls(**values)

    def odd(self) -> dict[str, object]:
        """Return the fields that differ from the plain sandbox."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != field.default
        }


@lru_cache(maxsize=1)
def _hints() -> Mapping[str, Any]:
    return get_type_hints(Firmware)


def _fits(value: object, hint: Any) -> bool:
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if get_origin(hint) is UnionType:
        number = get_args(hint)[0]
        allowed = int if number is int else (int, float)
        return value is None or (isinstance(value, allowed) and not isinstance(value, bool) and value > 0)
    return isinstance(value, hint)


def _read(value: str, hint: Any) -> object:
    """Return a field's value from its text; the text itself where it is no such value, which `_fits` then finds."""
    if hint is bool:
        return {"yes": True, "no": False}.get(value, value)
    if get_origin(hint) is not UnionType:
        return value
    try:
        return None if value == "none" else get_args(hint)[0](value)
    except ValueError:
        return value


def _shape(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return "|".join(get_args(hint))
    if get_origin(hint) is UnionType:
        return "NUMBER|none"
    return "yes|no" if hint is bool else "TEXT"


def _bad(text: str, why: str) -> str:
    shapes = ", ".join(f"{name}={_shape(hint)}" for name, hint in _hints().items())
    return f"bad firmware {text!r}: {why}. A firmware has {shapes}"


#: The sandbox as it is without any options.
PLAIN = Firmware()
