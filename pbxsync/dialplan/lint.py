"""What is wrong or odd in the texts of one route: a pattern that takes no number, a text that the PBX takes otherwise.

A FreePBX-style PBX filters a field when it saves it, and Asterisk reads some signs otherwise than most people expect.
Nothing here needs to know the other routes: how routes stand to each other is in ``coverage.py``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum, StrEnum, auto
from typing import TYPE_CHECKING

from pbxsync.dialplan.blame import PIECE, Cause, blame
from pbxsync.dialplan.numbers import NumberSpace
from pbxsync.dialplan.pattern import callerid_text, stripped
from pbxsync.dialplan.slips import look_alikes, set_slip, with_digits_for_letters, without_look_alikes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pbxsync.dialplan.blame import Blame
    from pbxsync.dialplan.slips import SetSlip

_KEPT = frozenset("0123456789*#+-.[]XNZ")
_TAILS = frozenset(".!")
# What a caller id loses before it is compared, also in a set; a . is lost too, but a person means something by it.
_DROPPED_OF_CALLERS = str.maketrans("", "", "() ")
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
    LONG_FIELD = "long-field"
    LOOK_ALIKE = "look-alike"
    SET_MEMBER = "set-member"


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
    Where a ``|`` is at fault, ``instead`` is prefix and matchpattern with the ``|`` between them. ``slip`` is what is
    odd in a set.
    """

    field: str
    rule: Rule
    part: str = ""
    instead: str = ""
    cause: Cause | None = None
    effect: Effect | None = None
    slip: SetSlip | None = None


# Digits in front, digits and X, N, Z behind them, perhaps a dot: nearly all routes are so, and nothing is odd in them.
_PLAIN = re.compile(r"[0-9]*\|[0-9XNZ]+\.?\|[0-9]{0,100}")
#: So many signs of each field the tables of a FreePBX-style PBX keep.
LIMITS = {"prefix": 60, "matchpattern": 60, "prepend": 100, "callerid": 60}
#: Far more than the longest pattern that takes a number: odd sets are looked for up to here.
_LOOKED_AT = 2_000
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
    if prepend:
        yield from _long("prepend", prepend)
        alike = list(_look_alikes("prepend", prepend, lambda meant: stored(meant) == meant))
        yield from alike
        if not alike and stored(prepend) != prepend:
            yield _stored_otherwise("prepend", prepend, Effect.OTHER_DIGITS)
    if callerid:
        yield from _in_callerid(callerid)


def _look_alikes(field: str, text: str | None, is_right: Callable[[str], bool]) -> Iterator[FieldFinding]:
    """Find signs of other scripts. Nothing else is said of such a text: all that is odd in it may come of them.

    ``is_right`` says whether a text without them can be what was meant.
    """
    found = look_alikes(text or "")
    if text and found:
        meant = without_look_alikes(text)
        if field == "prefix":
            meant = _without(meant, (at for at, sign in _outside(meant) if sign == "-"))
        odd_sets = list(_slips(meant))
        meant = _odd_set(field, meant, odd_sets).instead if odd_sets else meant
        yield FieldFinding(field, Rule.LOOK_ALIKE, found, meant if is_right(meant) else "")


# --- prefix and matchpattern --------------------------------------------------------------------------------------


def _in_number(prefix: str | None, matchpattern: str | None) -> Iterator[FieldFinding]:
    whole = (prefix or "") + (matchpattern or "")
    if look_alikes(whole):
        right = blame(without_look_alikes(whole)) is None
        yield from _look_alikes("prefix", prefix, lambda _: right)
        yield from _look_alikes("matchpattern", matchpattern, lambda _: right)
        return
    fault = blame(prefix + matchpattern) if prefix is not None and matchpattern is not None else None
    blamed = ""
    if prefix is not None and matchpattern is not None:
        if fault is not None:
            blamed = "prefix" if fault.at < len(prefix) else "matchpattern"
            yield _nothing_matches(blamed, prefix, matchpattern, fault)
            if fault.cause is Cause.UNCLOSED:
                return
        yield from _odd_signs(prefix, matchpattern)
    odd_sets = list(_odd_sets(prefix or "", matchpattern or ""))
    yield from odd_sets if fault is None else [replace(finding, instead="") for finding in odd_sets]
    settled = {blamed, *(finding.field for finding in odd_sets)}
    too_long = fault is not None and fault.cause is Cause.TOO_LONG
    for field, text, before, behind in (
        ("prefix", prefix, "", matchpattern),
        ("matchpattern", matchpattern, prefix, ""),
    ):
        if text:
            yield from _leading_underscore(field, text)
            if not too_long:
                yield from _long(field, text)
            if field not in settled:
                yield from _number_stored_otherwise(field, text, before or "", behind or "")


def _nothing_matches(field: str, prefix: str, matchpattern: str, fault: Blame) -> FieldFinding:
    """Return why no number matches, with what to write where that can be known."""
    own = prefix if field == "prefix" else matchpattern
    rule = Rule.UNCLOSED_SET if fault.cause is Cause.UNCLOSED else Rule.MATCHES_NOTHING
    if fault.cause is Cause.CHARACTER:
        halves = _halves(prefix + matchpattern)
        if halves:
            return FieldFinding(field, rule, "|", "|".join(halves), Cause.BAR)
        digits = with_digits_for_letters(own)
        known = digits != own and blame(with_digits_for_letters(prefix + matchpattern)) is None
        return FieldFinding(field, rule, fault.part, digits if known else "", fault.cause)
    slip = set_slip(fault.part) if fault.cause is Cause.LETTERS else None
    meant = ""
    if slip and slip.meant and fault.part in own:
        whole = (prefix + matchpattern).replace(fault.part, slip.meant)
        meant = own.replace(fault.part, slip.meant) if blame(whole) is None else ""
    return FieldFinding(field, rule, fault.part, meant, fault.cause, slip=slip)


def _halves(text: str) -> tuple[str, str] | None:
    """Return what is before and after the only ``|``, where it may separate a prefix from a pattern."""
    bars = [at for at, sign in _outside(text) if sign == "|"]
    if len(bars) != 1:
        return None
    prefix, pattern = text[: bars[0]], text[bars[0] + 1 :]
    return (prefix, pattern) if prefix and pattern and blame(prefix + pattern) is None else None


def _odd_sets(prefix: str, matchpattern: str) -> Iterator[FieldFinding]:
    """Give for each field its first set with signs that no number has, and what to write for the whole field."""
    text = prefix + matchpattern
    for field, begin, end in (("prefix", 0, len(prefix)), ("matchpattern", len(prefix), len(text))):
        found = [(at - begin, slip) for at, slip in _slips(text) if begin <= at < end]
        if found:
            yield _odd_set(field, text[begin:end], found)


def _odd_set(field: str, text: str, found: list[tuple[int, SetSlip]]) -> FieldFinding:
    parts, end = [], 0
    known = all(slip.meant and text.startswith(slip.part, at) for at, slip in found)  # else it ends in another field
    for at, slip in found:
        parts += [text[end:at], slip.meant]
        end = at + len(slip.part)
    meant = "".join([*parts, text[end:]]) if known else ""
    capital = meant.upper()
    first = found[0][1]
    return FieldFinding(field, Rule.SET_MEMBER, first.part, capital if capital == stored(meant) else meant, slip=first)


def slips_in(field: str, text: str) -> Iterator[FieldFinding]:
    """Give the first sign of another script, or else the first odd set, of a dial pattern that belongs to no route."""
    alike = list(_look_alikes(field, text, lambda meant: blame(meant.removeprefix("_")) is None))
    yield from alike
    found = list(_slips(text)) if not alike else []
    if found:
        yield _odd_set(field, text, found)


def _slips(text: str) -> Iterator[tuple[int, SetSlip]]:
    """Give the sets of a text that hold what no number has, besides what one has, up to the end of the match."""
    for piece in PIECE.finditer(text[:_LOOKED_AT]):
        if piece[0] in _TAILS:
            return
        slip = set_slip(piece[0]) if len(piece[0]) > 2 else None
        if slip is not None and slip.numbers:
            yield piece.start(), slip


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


def _long(field: str, text: str) -> Iterator[FieldFinding]:
    if len(text) > LIMITS[field]:
        yield FieldFinding(field, Rule.LONG_FIELD, text)


# --- callerid -----------------------------------------------------------------------------------------------------


def _in_callerid(callerid: str) -> Iterator[FieldFinding]:
    alike = list(_look_alikes("callerid", callerid, lambda meant: blame(callerid_text(meant)) is None))
    yield from alike
    if alike:
        return
    yield from _long("callerid", callerid)
    text = callerid_text(callerid)
    fault = blame(text)
    if fault is not None and fault.cause is Cause.UNCLOSED:
        yield FieldFinding("callerid", Rule.UNCLOSED_SET, fault.part, cause=fault.cause)
        return
    behind = _behind_tail(text)
    if behind:
        yield FieldFinding("callerid", Rule.TEXT_AFTER_TAIL, behind, text.removesuffix(behind))
    yield from _leading_underscore("callerid", callerid)
    compared = callerid.translate(_DROPPED_OF_CALLERS)
    found = list(_slips(compared))
    if found:
        yield _odd_set("callerid", compared, found)
        return
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
