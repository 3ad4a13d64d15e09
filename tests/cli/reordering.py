"""A reorder of a PBX in the sandbox: its table before and after, its steps, and what must hold between them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from pbxsync import Route, RouteTable
from tests.cli.process import PATIENCE, names, pbxsync, route, stored, to

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pbxsync.sandbox import Sandbox
    from tests.cli.process import Ended

STATE = ("--state", "state.json")
NEXT = ("--detailed-exitcode", "--reorder")

# The file puts «branch» above two routes that would take its calls; «long» must come before «rest» too.
A = route("a", "1XXX", ["local"])
BRANCH = route("branch", "X.", ["branch-trunk"], prefix="0049", prepend="0")
LONG = route("long", "X.", ["carrier", "out"], prefix="00")
REST = route("rest", "X.", ["out"])
HELD = [A, LONG, REST]
WANTED = [A, BRANCH, LONG, REST]

#: Every change of the reorder in its order, as a fault strikes it and as the PBX receives it.
STEPS = {
    "outroute/add@1": "add branch",
    "outroute/add@2": "add long~pbxsync",
    "outroute/add@3": "add rest~pbxsync",
    "outroute/delete@1": "delete rest",
    "outroute/delete@2": "delete long",
    "outroute/update@1": "update long",
    "outroute/update@2": "update rest",
}
#: How often the PBX was queried before the first step: its table twice, and once by name.
QUERIES = 3
#: How often it was looked at before a step after that: after the first add and each copy, and before the renames.
LOOKS = dict(zip(STEPS, (0, 1, 2, 3, 3, 4, 4), strict=True))
ADDS, ALL = list(STEPS.values())[:3], list(STEPS.values())


def copy(one: dict[str, Any]) -> dict[str, Any]:
    """The copy of a route that a reorder makes."""
    return {**one, "name": f"{one['name']}~pbxsync"}


def done_to(pbx: Sandbox, since: int = 0) -> list[str]:
    """The calls that the PBX received from one of them on, each with the name of its route."""
    return [f"{one.call.removeprefix('outroute/')} {one.fields.get('name', '')}" for one in pbx.requests[since:]]


def changing(pbx: Sandbox) -> list[str]:
    """Those of the calls that change something."""
    return [one for one in done_to(pbx) if not one.startswith("query ")]


def rules(done: Ended) -> list[str]:
    """The rules of the warnings of the one plan in a JSON document."""
    return [warning["rule"] for warning in done.json["plans"][0]["warnings"]]


def outcomes(done: Ended) -> list[tuple[str, str, str]]:
    """What became of each change of the one plan in a JSON document."""
    return [(one["action"], one["name"], one["status"]) for one in done.json["plans"][0]["outcomes"]]


def nothing_to_do(pbx: Sandbox, file: str = "routes.yaml", kind: str = "json", **env: str) -> bool:
    """Whether a plan with --reorder is empty."""
    return pbxsync("plan", file, *NEXT, env=to(pbx, PBXSYNC_TYPE=kind, **env)).code == 0


def before(step: str) -> list[str]:
    """The changes that come before a step."""
    return ALL[: list(STEPS).index(step)]


def table(rows: Iterable[Mapping[str, str]]) -> RouteTable:
    """A PBX's routes as pbxsync computes with them."""
    fields = ("prefix", "prepend", "callerid")
    return RouteTable(
        Route(
            row["name"],
            row["matchpattern"],
            tuple(row["trunks"].split(",")),
            **{field: row.get(field, "") for field in fields},
        )
        for row in rows
    )


def fates(rows: Iterable[Mapping[str, str]]) -> dict[str, tuple[tuple[str, ...], str] | None]:
    """Where a sample of calls goes, and the digits that are sent."""
    routes = table(rows)
    numbers = ("1234", "12345", "0", "001", "0031123", "0049", "00491", "004989123", "9", "2445", "*1")
    decided = {number: routes.decide(number) for number in numbers}
    return {number: (one.trunks, one.sends) if one else None for number, one in decided.items()}


def astray(pbx: Sandbox) -> list[str]:
    """Calls that go neither as before nor as after the reorder, and routes of the file that are not there any more."""
    now, old, new = fates(pbx.routes()), fates(stored(*HELD)), fates(stored(*WANTED))
    kept = {name.removesuffix("~pbxsync") for name in names(pbx)}
    lost = [name for name in ("a", "long", "rest") if name not in kept]
    return lost + [number for number in now if now[number] not in (old[number], new[number])]


def half_done(pbx: Sandbox) -> bool:
    """Whether there is a copy on the PBX."""
    return any(name.endswith("~pbxsync") for name in names(pbx))


def complete(pbx: Sandbox, kind: str = "json", **env: str) -> None:
    """See that the next run completes what is on the PBX. It is told to reorder only where no copy tells it."""
    option = [] if half_done(pbx) else ["--reorder"]
    done = pbxsync("apply", "routes.yaml", *option, "--type", kind, env=to(pbx, **env))
    assert done.code == 0, done.everything
    assert without_ids(pbx.routes()) == without_ids(stored(*WANTED))


def without_ids(rows: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """A PBX's routes, all fields but the id."""
    return [{"prefix": "", "prepend": "", "callerid": "", **row, "id": ""} for row in rows]


def until(condition: Callable[[], bool]) -> None:
    """Wait until the PBX has come so far."""
    waiting = threading.Event()
    for _ in range(int(PATIENCE / 0.02)):
        if condition():
            return
        waiting.wait(0.02)
    raise AssertionError("it never came so far")


def expected_after(steps: Iterable[str]) -> list[str]:
    """The names on the PBX once it has carried out these steps."""
    there = [one["name"] for one in HELD]
    for step in steps:
        action, _, name = step.partition(" ")
        match action:
            case "add":
                there.append(name)
            case "delete":
                there.remove(name)
            case _:
                there[there.index(f"{name}~pbxsync")] = name
    return there
