"""What is wrong with a text that the schema refuses → words: the rule's id, why, and what to write instead."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from pbxsync.names import declared_fault, text_fault, trunk_fault, without_hidden
from pbxsync.quoting import quoted, shown
from pbxsync.urls import url_fault
from pbxsync.yaml_text import reading

if TYPE_CHECKING:
    from collections.abc import Callable

_Fault: TypeAlias = tuple[str, str]  # rule id, message

_NUMBERS = ("prefix", "matchpattern", "prepend", "callerid", "dial", "sends")
_NAMES: dict[str, tuple[str, Callable[[str], _Fault | None]]] = {
    "name": ("a route", declared_fault),
    "a trunk": ("a trunk", trunk_fault),
}


def text_problem(text: str, noun: str, key: str | None) -> _Fault:
    """Return what is wrong with a text that the schema refuses; ``key`` is where it is written, if not in a list."""
    what, named_fault = _NAMES.get(noun, ("", text_fault))
    rule, reason = named_fault(text) or ("control-character", "it can't be read")
    if what:
        return rule, f"{what} can't be called {shown(text)}: {reason}; {_other_name(rule, text, noun)}"
    if rule == "control-character":
        return rule, f"{noun} {reason.removeprefix('it ')}; remove it"
    lead = f"{key}: " if key else ""
    visible = _visible_number(text) if noun in _NUMBERS else without_hidden(text).strip()
    return rule, f"{noun} {reason.removeprefix('it ')}; {f'write {lead}{quoted(visible)}' if visible else 'remove it'}"


def _visible_number(text: str) -> str:
    """Return a dial pattern without what nobody sees; in a set a soft hyphen was meant for a hyphen."""
    visible = without_hidden(text.replace("\u00ad", "-") if "[" in text else text)
    return visible if " " in text else visible.replace(" ", "")


def _other_name(rule: str, name: str, noun: str) -> str:
    """Return what to do about a name that a route or trunk can't have."""
    visible = without_hidden(name).strip()
    if rule in ("outer-space", "hidden-character") and visible:
        return f"write {quoted(visible)}"
    if rule == "comma" and noun == "a trunk":
        return f"write each by itself: [{as_list(name)}]"
    return "remove it" if rule == "control-character" else "choose another name"


def as_list(names: str) -> str:
    """Return names that a comma separates as the inside of a list in brackets."""
    return ", ".join(_in_list(name.strip()) for name in names.split(",") if name.strip())


def _in_list(name: str) -> str:
    """A name as it can stand in a list in brackets: quoted where it has to be."""
    return name if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name) and reading(name) is None else quoted(name)


def url_problem(text: str) -> _Fault | None:
    """Rule id and message where the text is no address of a PBX, else None."""
    fault = url_fault(text)
    if not fault:
        return None
    lacks_scheme = ":/" not in text and url_fault(f"https://{text}") is None
    return "bad-url", f"url: {fault}; write {f'https://{text}' if lacks_scheme else 'one such as https://192.0.2.10'}"


def pbx_name_problem(name: str) -> _Fault:
    """Return what is wrong with the name of a PBX that the schema refuses."""
    fault = (
        "it picks variables such as PBXSYNC_TOKEN_HQ, so it consists of A-Z, a-z, 0-9, - and _, and begins with a "
        "letter or digit"
    )
    taken = re.match(r"(file|url)(?:[-_]|\Z)", name, re.IGNORECASE)
    if taken:
        variable = f"PBXSYNC_TOKEN_{taken[1].upper()}"
        holds = "the file that holds the token" if variable.endswith("FILE") else "the address that the token is for"
        fault = f"{variable} names {holds}; choose another name"
    return "bad-pbx-name", f"a PBX can't be called {shown(name)}: {fault}"
