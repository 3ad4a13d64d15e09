"""The PBX's table, read so that it can be relied on.

While a PBX saves the order of its routes, a query may show the first few routes only. So a table is known once two
answers in a row agree. Some firmware answers with nothing readable where it has no route, or lists a first page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pbxsync.errors import PbxError, UnreliableTable
from pbxsync.names import route_fault
from pbxsync.text import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pbxsync.answers import RouteAnswer
    from pbxsync.model import KnownRoute

#: Seconds between two answers that are compared, and how often is asked at most.
PAUSE, TIMES = 0.2, 5
#: So many characters of names go into one query.
_CHARACTERS = 2_000


class Queries(Protocol):
    """The two ways to ask a PBX for routes; `pbxsync.client.Client` has them."""

    def query_table(self) -> RouteAnswer:
        """Every route in the PBX's order."""

    def query_named(self, names: Sequence[str]) -> Sequence[KnownRoute]:
        """The routes of these names, in any order."""


def settled_table(calls: Queries, wait: Callable[[float], object], names: Iterable[str] = ()) -> tuple[KnownRoute, ...]:
    """Ask until two answers in a row agree, and return the routes.

    ``wait`` waits so many seconds. ``names`` are routes that may be there: they are asked for where the PBX seems to
    have none. Raises PbxError, and UnreliableTable where the table keeps changing or the answer can't be relied on.
    """
    answer = calls.query_table()
    for _ in range(TIMES - 1):
        wait(PAUSE)
        before, answer = answer, calls.query_table()
        if answer.routes == before.routes:
            return _checked(answer, calls, names)
    raise UnreliableTable(
        f"the PBX's table is changing: {TIMES} queries, {PAUSE:g} s apart, brought no two equal answers in a row. Does "
        "somebody work on it? Try again in a moment"
    )


def table_once(calls: Queries, wait: Callable[[float], object], names: Iterable[str] = ()) -> tuple[KnownRoute, ...]:
    """Ask once, and again only where an answer leaves open whether the PBX has any route; see `settled_table`."""
    answer = calls.query_table()
    if answer.certain:
        return answer.routes
    wait(PAUSE)
    again = calls.query_table()
    return _checked(again, calls, names) if again == answer else settled_table(calls, wait, names)


def _checked(answer: RouteAnswer, calls: Queries, names: Iterable[str]) -> tuple[KnownRoute, ...]:
    """The routes of an answer; without any, and without a plain empty list, the PBX is asked by name as well."""
    if answer.certain:
        return answer.routes
    try:
        found = [known for some in batches(names) for known in calls.query_named(some)]
    except PbxError:
        found = []  # a query by name that is not answered shows nothing
    if found:
        raise UnreliableTable(
            "outroute/query: the PBX shows no routes, but knows some by name "
            f"({listed(dict.fromkeys(known.route.name for known in found), 3)}), so its list can't be relied on. Look "
            "at the routes in the PBX's web page"
        )
    return answer.routes


def batches(names: Iterable[str]) -> Iterator[list[str]]:
    """Give the names in groups for one query each; a name that the API can't carry is left out."""
    group: list[str] = []
    for name in dict.fromkeys(names):
        if route_fault(name):
            continue
        if group and sum(map(len, group)) + len(group) + len(name) > _CHARACTERS:
            yield group
            group = []
        group.append(name)
    if group:
        yield group
