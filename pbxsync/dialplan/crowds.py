"""Which routes may share a call with another at all, told by the digits that their patterns begin with.

To set routes apart exactly takes far longer. Where a table has a route for each of ten thousand prefixes, most of them
share nothing with any other, and need not be looked at.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbxsync.model import Route

#: What stands for itself at the start of a pattern. Whatever else stands there ends the comparison.
_LITERAL = re.compile(r"[0-9*+]*")


def crowded(routes: Sequence[Route]) -> list[int]:
    """The indexes of the routes that may take a call which another takes too; routes for some callers always are.

    What is left out takes no call that another route takes. Of two patterns that share a number the one's leading
    digits begin with the other's.
    """
    leads = [_lead(route) for route in routes]
    order = sorted(range(len(routes)), key=leads.__getitem__)
    found = {at for at, route in enumerate(routes) if route.callerid}
    group: list[int] = []
    for at in order:
        # In this order all that begins with a text follows it at once.
        if group and not leads[at].startswith(leads[group[0]]):
            group = []
        group.append(at)
        if len(group) > 1:
            found.update((group[0], at))
    return sorted(found)


def _lead(route: Route) -> str:
    found = _LITERAL.match(route.prefix + route.matchpattern)
    return found[0] if found else ""
