"""The routes of a PBX before and after a plan → where everything stands in a drawing: numbers → routes → trunks.

Both are drawn in one picture, what changes with a mark of its own. How it looks is the page's business.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pbxsync.model import Action
from pbxsync.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pbxsync.model import Route
    from pbxsync.render.comparison import Line

#: Of a longer table only what changes is drawn, with its neighbours.
FEW = 24
#: Where there are more than FEW routes or trunks, the trunks are drawn again for every few routes, so that no line is
#: long: for so many of them, or those that have so many trunks together.
_BAND = 12
#: The picture's measures.
WIDTH = 920
_TOP, _ROW, _BOX, _GAP = 34, 50, 40, 28
NUMBERS, ROUTES, TRUNKS = (8, 230), (290, 290), (732, 180)
_SIGN = 7.3
#: How far behind a route its first mark stands, and each other behind the one before it.
_FIRST_MARK, _NEXT_MARK = 16, 18
_SIGNS = {Action.ADD: "+", Action.UPDATE: "~", Action.DELETE: "−", Action.MOVE: "↓", None: ""}
_WORDS = {Action.ADD: "added", Action.UPDATE: "changed", Action.DELETE: "deleted", Action.MOVE: "moved", None: "same"}


@dataclass(frozen=True, slots=True)
class Box:
    """A box with a line of text and perhaps a smaller one below; ``state`` is what becomes of it, ``sign`` its mark.

    ``small_struck`` tells that the smaller line is what was. ``was`` and ``now`` are the places of the route that it is
    of, from 1.
    """

    x: int
    y: int
    width: int
    height: int
    text: str
    small: str
    state: str
    sign: str = ""
    small_struck: bool = False
    was: int | None = None
    now: int | None = None

    @property
    def middle(self) -> int:
        """The height at which lines come in."""
        return self.y + self.height // 2


@dataclass(frozen=True, slots=True)
class Edge:
    """A line between two boxes, with the place of its mark."""

    path: str
    state: str
    sign: str
    at: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture: its measures, its boxes and lines; ``gaps`` are heights, and how many routes are left out there.

    ``bands`` is how often the trunks are drawn.
    """

    height: int
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    gaps: tuple[tuple[int, int], ...]
    bands: int = 1
    width: int = WIDTH


def shown(lines: Sequence[Line]) -> list[Line | int]:
    """The lines that a picture of a long table shows, and between them how many it leaves out."""
    near = {at for index, line in enumerate(lines) if line.action is not None for at in (index - 1, index, index + 1)}
    found: list[Line | int] = []
    for index, line in enumerate(lines):
        last = found[-1] if found else None
        if index in near:
            found.append(line)
        elif isinstance(last, int):
            found[-1] = last + 1
        else:
            found.append(1)
    return found


def drawing(items: Iterable[Line | int], lines: Iterable[Line]) -> Drawing:
    """The picture of these of all ``lines``; a number stands for so many routes that are left out."""
    states = _states(lines)
    y = _TOP
    boxes: list[Box] = []
    edges: list[Edge] = []
    gaps: list[tuple[int, int]] = []
    bands = list(_bands(list(items)))
    for band in bands:
        rows: list[tuple[Line, int]] = []
        top = y
        for item in band:
            if isinstance(item, int):
                gaps.append((y + _GAP // 2, item))
                y += _GAP
            else:
                rows.append((item, y))
                y += _ROW
        trunks = _trunk_boxes(rows, states, top)
        y = max(y, *(box.y + _ROW for box in trunks.values())) if trunks else y
        boxes += (box for line, at in rows for box in _row_boxes(line, at))
        boxes += trunks.values()
        edges += (edge for line, at in rows for edge in _row_edges(line, at, trunks))
    return Drawing(y, tuple(boxes), tuple(edges), tuple(gaps), len(bands))


def pattern_text(route: Route) -> str:
    """What a route takes of the numbers: ``9 | NXXXXXX``."""
    return f"{route.prefix} | {route.matchpattern}" if route.prefix else route.matchpattern


def _state(action: Action | None) -> str:
    return _WORDS[action]


def _row_boxes(line: Line, y: int) -> Iterator[Box]:
    """The boxes of a route: what it takes, and itself."""
    x, width = ROUTES
    if line.gone:
        text, hint = _cut(line.route.name, width - 34), f"moved away from place {line.was}"
        yield Box(x, y, width, _BOX, text, hint, "gone", "↑", was=line.was)
        return
    sign, state = _SIGNS[line.action], _state(line.action)
    yield _number_box(line, y)
    place = f"{line.now}  " if line.now is not None else ""
    text = _cut(f"{place}{line.route.name}", width - 34)
    hint = _cut(_hint(line), width - 34)
    yield Box(x, y, width, _BOX, text, hint, state, sign, was=line.was, now=line.now)


def _number_box(line: Line, y: int) -> Box:
    x, width = NUMBERS
    old, new = line.before, line.route
    state = _state(line.action)
    small = f"from {new.callerid}" if new.callerid else ""
    struck = False
    if old is not None and line.action in (Action.UPDATE, Action.MOVE):
        was, now = (_taken(old), _taken(new))
        state = "changed" if was != now else "same"
        small, struck = (was, True) if was != now else (small, False)
    text = _taken(new) if struck else pattern_text(new)
    room = width - 20
    small = _cut(small, room)
    return Box(x, y, width, _BOX, _cut(text, room), small, state, "", struck, line.was, line.now)


def _taken(route: Route) -> str:
    return pattern_text(route) + (f" from {route.callerid}" if route.callerid else "")


def _hint(line: Line) -> str:
    """The smaller line under a route's name: what is done with it."""
    fields = ", ".join(one.field for one in line.fields)
    if line.action is Action.MOVE:
        return f"moved from place {line.was}" + (f"; {fields}" if fields else "")
    if line.action is Action.UPDATE:
        return f"changed: {fields}"
    if line.action is Action.DELETE:
        return f"deleted from place {line.was}"
    return "" if line.action is None else _WORDS[line.action]


def _bands(items: Sequence[Line | int]) -> Iterator[Sequence[Line | int]]:
    """What is drawn with trunks of its own: all that there is, or so much at a time."""
    trunks = [_trunks(item) for item in items]
    most = _BAND if max(len(items), len(set().union(*trunks))) > FEW else len(items) + FEW
    start, near = 0, set[str]()
    for at, own in enumerate(trunks):
        if at > start and (at - start == most or len(near | own) > most):
            yield items[start:at]
            start, near = at, set()
        near |= own
    yield items[start:]


def _trunks(item: Line | int) -> set[str]:
    return {trunk for trunk, _ in _trunk_states(item)} if not isinstance(item, int) else set()


def _states(lines: Iterable[Line]) -> dict[str, set[str]]:
    """What becomes of the ways to each trunk, of all routes."""
    states: dict[str, set[str]] = {}
    for trunk, state in (one for line in lines for one in _trunk_states(line)):
        states.setdefault(trunk, set()).add(state)
    return states


def _trunk_boxes(rows: Sequence[tuple[Line, int]], states: dict[str, set[str]], top: int) -> dict[str, Box]:
    """The trunks, each about as high as the routes that it serves, none upon another nor above ``top``."""
    heights: dict[str, list[int]] = {}
    for line, y in rows:
        for trunk, _ in _trunk_states(line):
            heights.setdefault(trunk, []).append(y)
    wanted = sorted(heights, key=lambda trunk: sum(heights[trunk]) / len(heights[trunk]))
    x, width = TRUNKS
    found: dict[str, Box] = {}
    least = top
    lowest = max((y for _, y in rows), default=top)
    for index, trunk in enumerate(wanted):
        below = lowest - (len(wanted) - 1 - index) * _ROW  # what is left for those that follow
        middle = sum(heights[trunk]) // len(heights[trunk])
        least = max(least + _ROW if found else top, min(middle, below))
        (state, *others) = states[trunk]
        state = "same" if others else state
        small, sign = {"added": ("used now", "+"), "deleted": ("not used any more", "−")}.get(state, ("", ""))
        found[trunk] = Box(x, least, width, _BOX, _cut(trunk or "(no name)", width - 34), small, state, sign)
    return found


def _trunk_states(line: Line) -> list[tuple[str, str]]:
    """The trunks of a route, before and after, in their order, with what becomes of the way to each."""
    if line.gone:
        return []
    old = line.before.trunks if line.before is not None else ()
    new = line.after.trunks if line.after is not None else ()
    found = [(trunk, "same" if trunk in old else "added") for trunk in dict.fromkeys(new)]
    return found + [(trunk, "deleted") for trunk in dict.fromkeys(old) if trunk not in new]


def _row_edges(line: Line, y: int, trunks: dict[str, Box]) -> Iterator[Edge]:
    if line.gone:
        return
    middle = y + _BOX // 2
    left, right = NUMBERS[0] + NUMBERS[1], ROUTES[0]
    kind = _state(line.action) if line.action in (Action.ADD, Action.DELETE) else "same"
    yield Edge(f"M{left} {middle}H{right}", kind, "", (0, 0))
    ways = _trunk_states(line)
    start, end = ROUTES[0] + ROUTES[1], TRUNKS[0]
    step = min(9, (_BOX - 8) // max(1, len(ways)))
    marks = 0
    for index, (trunk, state) in enumerate(ways):
        out = middle + round((index - (len(ways) - 1) / 2) * step)
        into = trunks[trunk].middle
        sign = {"added": "+", "deleted": "−"}.get(state, "")
        # A line is level as far as its mark, and that stands behind the route's others: so no mark hides another.
        mark = start + _FIRST_MARK + marks * min(_NEXT_MARK, (end - start - 2 * _FIRST_MARK) // len(ways))
        level = mark + _FIRST_MARK // 2 if sign else start
        marks += bool(sign)
        bend = (level + end) // 2
        path = f"M{start} {out}H{level}C{bend} {out} {bend} {into} {end} {into}"
        yield Edge(path, state, sign, (mark, out))


def _cut(text: str, room: float) -> str:
    """The text as far as it has room, by the width of its signs."""
    text = printable(text)
    if len(text) * 2 * _SIGN <= room:
        return text
    used = 0.0
    widths = []
    for sign in text:
        used += _SIGN * (2 if unicodedata.east_asian_width(sign) in "WF" else 1)
        widths.append(used)
        if used > room:
            break
    if used <= room:
        return text
    fits = sum(1 for width in widths if width <= room - _SIGN)
    return text[:fits] + "…"
