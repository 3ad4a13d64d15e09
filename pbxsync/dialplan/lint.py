"""What is wrong or odd in the texts of one route: a pattern that takes no number, a text that the PBX takes otherwise.

A FreePBX-style PBX filters a field when it saves it, and Asterisk reads some signs otherwise than most people expect.
Nothing here needs to know the other routes: how routes stand to each other is in ``coverage.py``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import TYPE_CHECKING

from pbxsync.dialplan.blame import PIECE, Cause, blame
from pbxsync.dialplan.numbers import NumberSpace
from pbxsync.dialplan.pattern import callerid_text, stripped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_KEPT = frozenset("0123456789*#+-.[]XNZ")
_TAILS = frozenset(".!")
#: What matches nothing in a prefix, or ends the match there.
_AMISS_IN_PREFIX = frozenset(".!-")


class Rule(StrEnum):
    """The ids of the rules."""

    MATCHES_NOTHING = "matches-nothing"
    UNCLOSED_SET = "unclosed-set"
    STORED_OTHERWISE = "stored-otherwise"
    LEADING_UNDERSCORE = "leading-underscore"
    TEXT_AFTER_TAIL = "text-after-tail"
    SIGN_IN_PREFIX = "sign-in-prefix"


class Effect(Enum):
    """What it means that the PBX stores a text otherwise."""

    NONE = auto()
    NO_NUMBER = auto()
    OTHER_NUMBERS = auto()
    OTHER_STRIP = auto()
    OTHER_DIGITS = auto()
    EVERY_CALLER = auto()
    NO_CALLER = auto()
    OTHER_CALLERS = auto()


@dataclass(frozen=True, slots=True)
class FieldFinding:
    """A rule that a field of a route breaks.

    ``part`` is what of the text is at fault, ``instead`` what to write for the whole field, or what the PBX stores.
    """

    field: str
    rule: Rule
    part: str = ""
    instead: str = ""
    cause: Cause | None = None
    effect: Effect | None = None


# Digits in front, digits and X, N, Z behind them, perhaps a dot: nearly all routes are so, and nothing is odd in them.
_PLAIN = re.compile(r"[0-9]*\|[0-9XNZ]+\.?\|[0-9]*")
#: More than this is near the length beyond which nothing is dialled.
_SHORT = 40


def plain(prefix: str, matchpattern: str, prepend: str) -> bool:
    """Whether there is plainly nothing wrong or odd in the fields, without a look at each sign."""
    return len(prefix) + len(matchpattern) <= _SHORT and bool(_PLAIN.fullmatch(f"{prefix}|{matchpattern}|{prepend}"))


def field_findings(
    prefix: str | None, matchpattern: str | None, prepend: str | None, callerid: str | None
) -> Iterator[FieldFinding]:
    """What is wrong or odd in the fields of one route; None is a field that can't be read."""
    if prefix is not None and matchpattern is not None and not callerid and plain(prefix, matchpattern, prepend or ""):
        return
    yield from _in_number(prefix, matchpattern)
    if prepend and stored(prepend) != prepend:
        yield _stored_otherwise("prepend", prepend, Effect.OTHER_DIGITS)
    if callerid:
        yield from _in_callerid(callerid)


# --- prefix and matchpattern --------------------------------------------------------------------------------------


def _in_number(prefix: str | None, matchpattern: str | None) -> Iterator[FieldFinding]:
    blamed = None
    if prefix is not None and matchpattern is not None:
        fault = blame(prefix + matchpattern)
        if fault is not None:
            blamed = "prefix" if fault.at < len(prefix) else "matchpattern"
            unclosed = fault.cause is Cause.UNCLOSED
            rule = Rule.UNCLOSED_SET if unclosed else Rule.MATCHES_NOTHING
            yield FieldFinding(blamed, rule, fault.part, cause=fault.cause)
            if unclosed:
                return
        yield from _odd_signs(prefix, matchpattern)
    for field, text, before, behind in (
        ("prefix", prefix, "", matchpattern),
        ("matchpattern", matchpattern, prefix, ""),
    ):
        if text:
            yield from _leading_underscore(field, text)
            if field != blamed:
                yield from _number_stored_otherwise(field, text, before or "", behind or "")


def _outside(text: str) -> Iterator[tuple[int, str]]:
    """The characters outside of sets, each with its place."""
    return ((piece.start(), piece[0]) for piece in PIECE.finditer(text) if len(piece[0]) == 1)


def _odd_signs(prefix: str, matchpattern: str) -> Iterator[FieldFinding]:
    """Signs in the prefix that match nothing or end the match, or text in the matchpattern that is not compared."""
    text = prefix + matchpattern
    amiss = {at: sign for at, sign in _outside(text) if at < len(prefix) and sign in _AMISS_IN_PREFIX}
    if amiss:
        sign = next((sign for sign in amiss.values() if sign in _TAILS), "-")
        yield FieldFinding("prefix", Rule.SIGN_IN_PREFIX, sign, _without(prefix, amiss))
    behind = _behind_tail(text)
    if 0 < len(behind) < len(matchpattern):  # else the match ends in the prefix already
        yield FieldFinding("matchpattern", Rule.TEXT_AFTER_TAIL, behind, matchpattern.removesuffix(behind))


def _without(text: str, places: Iterable[int]) -> str:
    left_out = set(places)
    return "".join(sign for at, sign in enumerate(text) if at not in left_out)


def _behind_tail(text: str) -> str:
    """What stands behind the sign that ends the match."""
    return next((text[at + 1 :] for at, sign in _outside(text) if sign in _TAILS), "")


# --- callerid -----------------------------------------------------------------------------------------------------


def _in_callerid(callerid: str) -> Iterator[FieldFinding]:
    text = callerid_text(callerid)
    fault = blame(text)
    if fault is not None and fault.cause is Cause.UNCLOSED:
        yield FieldFinding("callerid", Rule.UNCLOSED_SET, fault.part, cause=fault.cause)
        return
    behind = _behind_tail(text)
    if behind:
        yield FieldFinding("callerid", Rule.TEXT_AFTER_TAIL, behind, text.removesuffix(behind))
    yield from _leading_underscore("callerid", callerid)
    clean = callerid.lstrip("_")
    kept = stored(clean)
    if kept != clean:
        before, after = callerid_text(clean), callerid_text(kept)
        effect = _effect(before, after, Effect.OTHER_CALLERS, Effect.NO_CALLER) if kept else Effect.EVERY_CALLER
        yield _stored_otherwise("callerid", clean, effect)


# --- what the PBX does to a field ---------------------------------------------------------------------------------


def stored(text: str) -> str:
    """What a FreePBX-style PBX stores of a field."""
    return "".join(sign for sign in text.strip().upper() if sign in _KEPT)


def _leading_underscore(field: str, text: str) -> Iterator[FieldFinding]:
    if text.startswith("_"):
        yield FieldFinding(field, Rule.LEADING_UNDERSCORE, "_", text.lstrip("_"))


def _stored_otherwise(field: str, text: str, effect: Effect | None) -> FieldFinding:
    return FieldFinding(field, Rule.STORED_OTHERWISE, text, stored(text), effect=effect)


def _number_stored_otherwise(field: str, text: str, before: str, behind: str) -> Iterator[FieldFinding]:
    """``before`` and ``behind`` are what the text is joined with."""
    text = text.lstrip("_")
    kept = stored(text)
    if field == "prefix":
        other = _without(text, (at for at, sign in _outside(text + behind) if sign == "!"))
    else:
        other = text.removesuffix(_behind_tail(before + text))
    if kept == text or stored(other) == other:
        return  # the ! in the prefix, or the text behind the tail, is told of already
    effect = _effect(before + text + behind, before + kept + behind, Effect.OTHER_NUMBERS, Effect.NO_NUMBER)
    if effect is Effect.NONE and field == "prefix" and stripped(text) != stripped(kept):
        effect = Effect.OTHER_STRIP
    yield _stored_otherwise(field, text, effect)


def _effect(text: str, kept: str, other: Effect, nothing: Effect) -> Effect | None:
    """What storing the one for the other does; None where neither takes anything."""
    space = NumberSpace()
    before, after = space.of_patterns(text), space.of_patterns(kept)
    if before == after:
        return Effect.NONE if before else None
    return other if after else nothing
