"""Firmwares for tests: some that are known by name, and others drawn by chance.

``firmwares()`` is for Hypothesis, ``drawn(dice)`` for everything that has dice of its own. Half of what they give are
the named firmwares, the others have some odd fields, each with a value of `ODDITIES`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from pbxsync.sandbox import Firmware

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Mapping

PLAIN = Firmware()

#: FreePBX up to 14 on a database that is not strict, and its API function of 15 to 17, which inserts on top.
FREEPBX_CUT = Firmware(name_limit=40, equal_names="accents", filter_fields=True, field_limits="cut")
FREEPBX_15 = replace(FREEPBX_CUT, insert="top")
#: FreePBX 16, which makes a route of an update whose id is gone.
FREEPBX_16 = replace(FREEPBX_15, unknown_id="make-route", update_hidden="keep")
#: A strict database: what is too long is refused, sometimes when half of it is written.
STRICT = replace(FREEPBX_CUT, name_limit_effect="refuse", field_limits="strict", equal_names="german")
#: A latin1 database, which counts bytes and cuts inside UTF-8 signs; the API then answers nothing, or null.
LATIN1 = replace(FREEPBX_CUT, name_limit_unit="bytes", equal_names="swedish")
LATIN1_NULL = replace(LATIN1, broken_name="null")
#: MySQL's utf8 of three bytes.
MB3 = replace(FREEPBX_CUT, store_name="mb3", equal_names="general")
#: Layers that store a name in another form.
ESCAPING = replace(FREEPBX_CUT, store_name="html", html_trunks=True)
SQUASHING = Firmware(store_name="squash", equal_names="case")
SLUG = Firmware(store_name="slug", name_limit=32, equal_names="case")
UPPER = Firmware(store_name="upper", equal_names="case", same_name="refuse")
SORTED = Firmware(insert="sorted", equal_names="case", name_limit=40)
#: A layer that shows each pattern of a route as a route, and knows the trunks.
EACH_PATTERN = Firmware(show_patterns="each", unknown_trunk="refuse", trunk_case=True)
#: A layer that forgets unknown trunks, and calls an update of nothing a success.
CARELESS = Firmware(unknown_trunk="drop", unknown_id="success-nothing", empty_as="null")
#: Layers that show a part of the table, or the whole table whatever is asked for.
PAGED = Firmware(page=20)
DEAF = Firmware(named_query="all", equal_names="accents", name_limit=40)
#: Servers that close kept-alive connections without a word.
THREE_CALLS = Firmware(close_after=3)
IMPATIENT = Firmware(close_idle=0.02)

NAMED: Mapping[str, Firmware] = {name: value for name, value in globals().items() if isinstance(value, Firmware)}

#: The values that a drawn firmware may have for each field, besides the plain sandbox's.
ODDITIES: Mapping[str, tuple[Any, ...]] = {
    "name_limit": (8, 40, 64),
    "name_limit_unit": ("bytes",),
    "name_limit_effect": ("refuse",),
    "broken_name": ("null",),
    "store_name": ("html", "squash", "slug", "upper", "mb3"),
    "equal_names": ("case", "accents", "german", "general", "swedish"),
    "same_name": ("refuse",),
    "filter_fields": (True,),
    "field_limits": ("cut", "strict"),
    "unknown_trunk": ("refuse", "drop", "nothing"),
    "trunk_case": (True,),
    "html_trunks": (True,),
    "insert": ("top", "sorted"),
    "show_patterns": ("each",),
    "update_hidden": ("keep",),
    "unknown_id": ("success-nothing", "make-route"),
    "named_query": ("all", "none", "refuse", "first", "whole"),
    "page": (20,),
    "empty_as": ("null", "text", "object", "item", "missing"),
    "success_errno": ("0",),
    "close_after": (1, 3),
    "close_idle": (0.02,),
}

#: Fields that few devices have, and that leave pbxsync nothing to do but refuse: seldom drawn.
_RARE = frozenset({"page", "success_errno", "empty_as"})


def drawn(dice: random.Random) -> Firmware:
    """Return one firmware: a named one, or one with about three odd fields."""
    if dice.random() < 0.5:
        return NAMED[dice.choice(sorted(NAMED))]
    odd = (name for name in ODDITIES if dice.random() < (0.02 if name in _RARE else 0.15))
    return Firmware(**{name: dice.choice(ODDITIES[name]) for name in odd})


def firmwares(fields: Iterable[str] = tuple(ODDITIES)) -> st.SearchStrategy[Firmware]:
    """Draw one firmware, which is odd in these fields at most if it is not a named one."""
    values = {name: st.sampled_from(ODDITIES[name]) for name in fields}
    made = st.fixed_dictionaries({}, optional=values).map(lambda odd: Firmware(**odd))
    return st.sampled_from(list(NAMED.values())) | made
