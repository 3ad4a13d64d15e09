"""What the lint of routes finds → words: what is wrong or odd, why, and what to do or to write."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pbxsync.dialplan.blame import Cause
from pbxsync.dialplan.coverage import BeyondLimit, Shadowed, Unreachable
from pbxsync.dialplan.lint import LIMITS, Effect, Rule, field_findings
from pbxsync.dialplan.slips import Slip, looks_like
from pbxsync.dialplan.table import LAST_REACHED
from pbxsync.names import in_words
from pbxsync.quoting import quoted, shown
from pbxsync.text import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbxsync.dialplan.coverage import NoCaller, TableFinding
    from pbxsync.dialplan.lint import FieldFinding
    from pbxsync.dialplan.slips import SetSlip
    from pbxsync.model import Route

ERRORS = (Rule.MATCHES_NOTHING, Rule.UNCLOSED_SET, Rule.LOOK_ALIKE)
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
    if finding.cause is not None:
        return _nothing_matches(finding, write)
    if finding.rule is Rule.LOOK_ALIKE:
        return f"{field} holds {_alike(part)}; {write if instead else 'write the sign itself'}"
    if finding.slip is not None:
        return _odd_set(finding.slip, write if instead else "write it with 0-9 * # + alone, and - for a range")
    if finding.rule is Rule.LEADING_UNDERSCORE:
        return f"the PBX puts a _ in front of every pattern itself; {write if instead else 'remove it'}"
    if finding.rule is Rule.TEXT_AFTER_TAIL:
        hint = write if instead[-1] == "." else "remove it"  # what ends in ! would be stored otherwise
        return f"{shown(part)} is not compared, for the {instead[-1]} before it ends the match; {hint}"
    if finding.rule is Rule.SIGN_IN_PREFIX:
        return f"{_SIGNS[part]}; {write}"
    if finding.rule is Rule.LONG_FIELD:
        has = f"{field} has {len(part)} signs, and a PBX may keep {LIMITS[field]} of them"
        return f"{has}, which means something else, or refuse the route; shorten it"
    return _stored(field, finding)


def _nothing_matches(finding: FieldFinding, write: str) -> str:
    part, instead, cause = finding.part, finding.instead, finding.cause
    if cause is Cause.UNCLOSED:
        return _unclosed(part)
    if cause is Cause.BAR:
        prefix, pattern = map(quoted, instead.split("|"))
        return (
            "no number matches: | means nothing in a dial pattern; if it ends a prefix, write "
            f"prefix: {prefix}, matchpattern: {pattern}; for one pattern or another write a route for each"
        )
    why = _cause(cause, part, "number") if cause is not None else ""
    if not instead:
        return f"no number matches: {why}"
    if finding.slip is None:
        return f"no number matches: {why}; if a digit is meant, {write}"
    return f"no number matches: {why}{_SLIPS.get(finding.slip.slip, '')}; {write}"


def _alike(characters: str) -> str:
    """Name characters that look like signs of a dial pattern."""
    named = [f"{in_words(char)}, which looks like {looks_like(char)}" for char in characters]
    return listed(named, _ALIKE)


def _odd_set(slip: SetSlip, hint: str) -> str:
    """Say what a set takes and what it holds besides."""
    takes = re.findall("[0-9]-[0-9]|.", slip.numbers[1:-1])
    odd = [_ODD_SIGNS.get(char, char) for char in slip.odd[:_ODD]]
    odd += ["others"] if len(slip.odd) > _ODD else []
    holds = [*takes, *odd]
    if slip.but and slip.meant:
        hint = hint.replace("write ", f"for every digit but {slip.but[1:-1]} write ", 1)
    members = f"{shown(slip.part)} is the set of {', '.join(holds[:-1])} and {holds[-1]}"
    return f"{members}, and no number has {' or '.join(odd)}{_SLIPS[slip.slip]}; {hint}"


#: So many characters are named.
_ALIKE = 3
_ODD = 6
_ODD_SIGNS = {" ": "a space", ",": "a comma"}
_SLIPS = {
    Slip.NEGATION: ": there is no negation in dial patterns",
    Slip.RANGE: ": a range has a - between its ends",
    Slip.CLASS: ": in a set X, Z and N are the letters",
    Slip.OTHER: "",
}


def _unclosed(part: str) -> str:
    opened, closed = part.count("["), part.count("]")
    if closed:
        return (
            f"{shown(part)} has {opened} [ and {closed} ], and a [ counts in a set too, so no call gets to the route; "
            "remove the [ that is too many"
        )
    return f'{shown(part)} has no ] that closes the set, so no call gets to the route; write one as in "[1-3]X"'


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
        return f"the set {shown(part)} holds none of 0-9 * # +"
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
