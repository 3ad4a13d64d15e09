"""What the lint of routes finds → words: what is wrong or odd, why, and what to do or to write."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pbxsync.dialplan.blame import Cause
from pbxsync.dialplan.coverage import BeyondLimit, Shadowed, Unreachable
from pbxsync.dialplan.lint import Effect, Rule, field_findings
from pbxsync.dialplan.table import LAST_REACHED
from pbxsync.quoting import quoted, shown
from pbxsync.text import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbxsync.dialplan.coverage import NoCaller, TableFinding
    from pbxsync.dialplan.lint import FieldFinding
    from pbxsync.model import Route

ERRORS = (Rule.MATCHES_NOTHING, Rule.UNCLOSED_SET)
#: So many of the dial patterns that a route loses are shown, and so many of the routes that take another's calls.
_PATTERNS = 4
_TAKERS = 3


# --- one route by itself ------------------------------------------------------------------------------------------


def refusal(route: Route) -> str | None:
    """Why no file may declare a route with such texts; None where one may."""
    found = field_findings(route.prefix, route.matchpattern, route.prepend, route.callerid)
    return next((field_message(finding) for finding in found if finding.rule in ERRORS), None)


def field_message(finding: FieldFinding) -> str:
    """What is wrong or odd in a text, why, and what to do."""
    field, part, instead = finding.field, finding.part, finding.instead
    write = f"write {field}: {quoted(instead)}" if instead else f"leave {field} out"
    if finding.cause is Cause.UNCLOSED:
        return f'{shown(part)} has no ] that closes the set, so no call gets to the route; write one as in "[1-3]X"'
    if finding.cause is not None:
        return f"no number matches: {_cause(finding.cause, part, 'number')}"
    if finding.rule is Rule.LEADING_UNDERSCORE:
        return f"the PBX puts a _ in front of every pattern itself; {write if instead else 'remove it'}"
    if finding.rule is Rule.TEXT_AFTER_TAIL:
        hint = write if instead[-1] == "." else "remove it"  # what ends in ! would be stored otherwise
        return f"{shown(part)} is not compared, for the {instead[-1]} before it ends the match; {hint}"
    if finding.rule is Rule.SIGN_IN_PREFIX:
        return f"{_SIGNS[part]}; {write}"
    return _stored(field, finding)


_LOST = "it counts when the prefix is taken off, so that a digit too many is lost"
_SIGNS = {
    "-": f"a - in a prefix matches nothing, but {_LOST}",
    ".": f"a . in a prefix ends the match, so that the matchpattern is not compared, and {_LOST}",
    "!": f"a ! in a prefix ends the match, so that the matchpattern is not compared, and {_LOST}",
}


def _cause(cause: Cause, part: str, noun: str) -> str:
    """Why nothing matches, and what to do."""
    if cause is Cause.BACKWARDS:
        turned = re.sub("([0-9])-([0-9])", r"\2-\1", part)
        hint = f"; write {quoted(turned)}" if re.fullmatch(r"\[([0-9]-[0-9])+\]", part) else ""
        return f"the range in {shown(part)} runs backwards, so it has no member{hint}"
    if cause is Cause.LETTERS:
        letter = re.fullmatch(r"\[([XZNxzn])\]", part)
        hint = f"; in a set it is a letter, write {quoted(letter[1])} without the brackets" if letter else ""
        return f"the set {shown(part)} holds none of 0-9 * # +{hint}"
    if cause is Cause.CHARACTER:
        hint = "; remove the _" if part.startswith("_") else ""
        return f"{shown(part)} stands for itself, and a {noun} has only 0-9 * # +{hint}"
    return _OTHER_CAUSES[cause].format(noun=noun)


_OTHER_CAUSES = {
    Cause.UNCLOSED: "a set has no ] that closes it",
    Cause.EMPTY_SET: "[] at the end takes nothing; remove it",
    Cause.TOO_LONG: "only what is longer than 79 characters would, and no {noun} is",
    Cause.NOTHING_LEFT: "nothing in it stands for a digit",
}


def _stored(field: str, finding: FieldFinding) -> str:
    part, kept = finding.part, quoted(finding.instead) if finding.instead else "nothing"
    effect = _EFFECTS[finding.effect] if finding.effect is not None else ""
    if finding.effect in (Effect.NONE, Effect.OTHER_STRIP):
        hint = f"write {field}: {kept}" if finding.instead else f"leave {field} out"
    elif part == "!" and finding.effect in (Effect.EVERY_CALLER, Effect.NO_NUMBER):
        hint = f'write {field}: "."'
    elif part.endswith("!") and field != "prepend":
        hint = "if it is to take none or more, write two routes: one without the !, one with a . for it"
    else:
        hint = f"write it with {'0-9 * # +' if field == 'prepend' else '0-9 * # + - . [ ] X N Z'} alone"
    return f"a FreePBX-style PBX would store {shown(part)} as {kept}{effect}; {hint}"


_EFFECTS = {
    Effect.NONE: ", which means the same",
    Effect.NO_NUMBER: ", which no number matches",
    Effect.OTHER_NUMBERS: ", which takes other numbers",
    Effect.OTHER_STRIP: ", and then as many digits are taken off as that has",
    Effect.OTHER_DIGITS: ", and other digits are sent",
    Effect.EVERY_CALLER: ", and the route takes the calls of everybody",
    Effect.NO_CALLER: ", which no caller id matches",
    Effect.OTHER_CALLERS: ", which takes other callers",
}


# --- routes among each other --------------------------------------------------------------------------------------


def table_fault(finding: TableFinding, route: Route, places: Sequence[str]) -> tuple[str, str]:
    """The rule's id and a message about the route; ``places`` are the names of all routes, with where they stand."""
    if isinstance(finding, BeyondLimit):
        return "beyond-limit", _beyond_limit(finding)
    if isinstance(finding, Shadowed):
        return "shadowed", _shadowed(finding, route, places)
    if isinstance(finding, Unreachable):
        return "unreachable", _unreachable(finding, route, places)
    return "unreachable", _no_caller(finding, route)


def _beyond_limit(finding: BeyondLimit) -> str:
    routes = "1 route stands" if finding.count == 1 else f"{finding.count} routes stand"
    return (
        f"{routes} beyond the {LAST_REACHED}th, from this one on, and calls may never come that far: Asterisk visits "
        f"512 contexts for a call at most (128 up to Asterisk 11), one for each route; join routes, or remove some"
    )


def _shadowed(finding: Shadowed, route: Route, places: Sequence[str]) -> str:
    first, *others = finding.losses
    example = f" (such as {first.example})" if first.numbers != (first.example,) else ""
    lost = [f"{listed(first.numbers, _PATTERNS)}{example} to {places[first.by]}"]
    lost += [f"{listed(loss.numbers, _PATTERNS)} to {places[loss.by]}" for loss in others]
    more = f"; and others to {finding.more} more" if finding.more else ""
    return (
        f"{shown(route.name)} loses calls to broader routes above it: {'; '.join(lost)}{more}; put it above "
        f"{places[first.by]} if it is to get them"
    )


def _unreachable(finding: Unreachable, route: Route, places: Sequence[str]) -> str:
    takers = [places[index] for index in finding.takers]
    take = "takes" if len(takers) == 1 else "take"
    what = "the same calls" if finding.twin else "all calls that it would"
    if finding.twin:
        hint = "remove one of the two"
    elif len(takers) == 1:
        hint = "put it above that route, or remove it"
    else:  # above them it might leave them nothing
        hint = "remove it, or narrow those if it is to get some of their calls"
    return f"no call reaches {shown(route.name)}: {listed(takers, _TAKERS)} {take} {what}; {hint}"


def _no_caller(finding: NoCaller, route: Route) -> str:
    blame = finding.blame
    return (
        f"no call reaches {shown(route.name)}, since no caller id matches {shown(route.callerid)}: "
        f"{_cause(blame.cause, blame.part, 'caller id')}"
    )
