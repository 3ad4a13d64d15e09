"""What a route table does with a call, told as plainly as can be: the reference that the engine is held against.

It follows the page ``docs/patterns.md`` sentence by sentence, walks the text and the number together, remembers nothing
and is slow. It shares no code with ``pbxsync.dialplan``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pbxsync.model import Route

_SET = re.compile(r"\[[^\]]*\]")


def takes(text: str, number: str) -> bool:
    """Whether a route with this text (its prefix and its matchpattern, joined) takes the number."""
    return text != "" and not _is_unclosed(text) and _walk(text, number[:79])


def takes_caller(callerid: str, caller: str | None) -> bool:
    """Whether a route with this callerid takes calls of this caller; None and the empty text are no id."""
    return callerid == "" or (caller is not None and caller != "" and takes(compared_callerid(callerid), caller))


def takes_call(route: Route, number: str, caller: str | None) -> bool:
    """Whether the route takes the call if no route above it does."""
    return takes(route.prefix + route.matchpattern, number) and takes_caller(route.callerid, caller)


def winner(routes: Iterable[Route], number: str, callerid: str | None) -> int | None:
    """The index of the route that takes the call; None where none does."""
    return next((index for index, route in enumerate(routes) if takes_call(route, number, callerid)), None)


def sent(route: Route, number: str) -> str:
    """What the trunks get of a number that the route takes."""
    count = len(_SET.sub("?", route.prefix))
    return route.prepend + number[:79][count:]


def compared_callerid(callerid: str) -> str:
    """What is left of a route's callerid when it is compared."""
    parts = re.split(f"({_SET.pattern})", callerid)
    # Every second part is a set: there, a - is kept.
    text = "".join(part if n % 2 else part.replace("-", "") for n, part in enumerate(parts))
    last = "." if callerid.endswith(".") else ""
    return "".join(sign for sign in text if sign not in "() .") + last


def stored(text: str) -> str:
    """What a FreePBX-style PBX stores of a prefix, a matchpattern or a callerid."""
    return "".join(sign for sign in text.strip().upper() if sign in "0123456789*#+-.[]XNZ")


def _is_unclosed(text: str) -> bool:
    """Whether brackets stay open when they are counted; one that closes what was never opened counts for nothing."""
    still_open = 0
    for sign in text:
        if sign == "[":
            still_open += 1
        elif sign == "]" and still_open > 0:
            still_open -= 1
    return still_open > 0


def _walk(text: str, number: str) -> bool:
    """Whether what is left of the text takes what is left of the number."""
    if number.startswith("-"):
        return _walk(text, number[1:])
    if text == "":
        return number == ""
    sign, rest = text[0], text[1:]
    if sign in "- ":
        return _walk(rest, number)
    if sign == ".":
        return number != ""
    if sign == "!":
        return True
    if sign == "[":
        inside, _, rest = rest.partition("]")
        if inside == "":
            at_the_end = rest.strip("- ") == ""
            return not at_the_end and _walk(rest, number)
        return number != "" and _in_set(number[0], inside) and _walk(rest, number[1:])
    return number != "" and _is(number[0], sign) and _walk(rest, number[1:])


def _in_set(digit: str, inside: str) -> bool:
    """Whether the set with this between its brackets has the digit."""
    if inside == "":
        return False
    if len(inside) > 2 and inside[1] == "-":
        return inside[0] <= digit <= inside[2] or _in_set(digit, inside[3:])
    return digit == inside[0] or _in_set(digit, inside[1:])


def _is(digit: str, sign: str) -> bool:
    """Whether one sign of a text, outside of a set, takes the digit."""
    if sign in "Xx":
        return digit in "0123456789"
    if sign in "Zz":
        return digit in "123456789"
    if sign in "Nn":
        return digit in "23456789"
    return digit == sign
