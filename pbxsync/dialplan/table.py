"""A route table: which route takes a call, what is sent to which trunks, and why the routes above don't take it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pbxsync.dialplan.pattern import MAX_NUMBER, Pattern, callerid_text, parse, stripped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pbxsync.model import Route

#: The last position, from 1, that a call is taken to reach. Asterisk visits 512 contexts for one call at most (128 up
#: to Asterisk 11), one for each route, and some of them before it comes to the routes: two are allowed for those.
LAST_REACHED = 510


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one call: the route that takes it, its index in the table (from 0), what is sent to its trunks.

    ``sends`` is the route's ``prepend`` and the dialled number without what the route strips. The trunks are tried in
    order, and each is sent the same.
    """

    route: Route
    index: int
    sends: str
    trunks: tuple[str, ...]


class Reason(StrEnum):
    """Why a route does not take a call: its pattern doesn't match the number, or its caller id pattern the caller."""

    NUMBER = "number"
    CALLERID = "callerid"


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A route above the one that takes a call, and why it doesn't take it."""

    route: Route
    index: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Row:
    """A route as Asterisk reads it.

    ``pattern`` is what it takes of the numbers, ``strip`` how many characters it takes off the front. ``callers`` is
    what it takes of the caller ids, where it is ``limited`` to some callers. A pattern of None takes nothing at all.
    """

    route: Route
    pattern: Pattern | None
    strip: int
    limited: bool
    callers: Pattern | None

    def refuses(self, number: str, callerid: str | None) -> Reason | None:
        """Why the route doesn't take the call; None where it does.

        A call without an id matches no caller id pattern.
        """
        if self.pattern is None or not self.pattern.matches(number):
            return Reason.NUMBER
        if self.limited and (not callerid or self.callers is None or not self.callers.matches(callerid)):
            return Reason.CALLERID
        return None

    def sends(self, number: str) -> str:
        """What the trunks get of a number that the route takes."""
        return self.route.prepend + number[:MAX_NUMBER][self.strip :]


def row(route: Route) -> Row:
    """The route as Asterisk reads it, whatever text its fields hold."""
    return Row(
        route,
        parse(route.prefix + route.matchpattern),
        stripped(route.prefix),
        bool(route.callerid),
        parse(callerid_text(route.callerid)),
    )


class RouteTable:
    """Outbound routes in order of precedence: the first that matches a call takes it, however broad it is.

    Any text that a PBX might hold is accepted in the routes' fields. How many routes a call visits is not limited here;
    a real PBX gives up behind some 510 of them.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self.rows = tuple(row(route) for route in routes)

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes, in order."""
        return tuple(row.route for row in self.rows)

    def decide(self, number: str, callerid: str | None = None) -> Decision | None:
        """Which route takes the call, and what is sent; None where no route does.

        ``number`` is what was dialled, ``callerid`` who calls; None and an empty text are a call without an id.
        """
        for index, row in enumerate(self.rows):
            if row.refuses(number, callerid) is None:
                return Decision(row.route, index, row.sends(number), row.route.trunks)
        return None

    def passed_over(self, number: str, callerid: str | None = None) -> Iterator[PassedOver]:
        """The routes above the one that takes the call, in order, with why; all of them where none takes it."""
        for index, row in enumerate(self.rows):
            reason = row.refuses(number, callerid)
            if reason is None:
                return
            yield PassedOver(row.route, index, reason)
