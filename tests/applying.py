"""What the tests of an apply share: routes, plans, sandboxes that misbehave, and runs live or with a state file."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import strategies as st

from pbxsync import applier, preflight
from pbxsync.client import Client, Connection, Credentials
from pbxsync.known_state import StateFile
from pbxsync.ledger import LiveLedger, RecordedLedger
from pbxsync.model import Action, Change, Doubt, KnownRoute, KnownState, Outcome, Plan, Route, Status
from pbxsync.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from pbxsync.ledger import Ledger
    from pbxsync.verification import Verified

URL = "https://192.0.2.10"
A, B, C, D = (
    Route(name, "X.", ("t1",), prefix=prefix) for name, prefix in zip("abcd", ("", "1", "2", "3"), strict=True)
)
A2 = replace(A, prefix="9")
APPLIED, FAILED, IN_DOUBT, NOT_ATTEMPTED = Status.APPLIED, Status.FAILED, Status.IN_DOUBT, Status.NOT_ATTEMPTED

UPDATE_A = Change(Action.UPDATE, A, A2, id="1")
DELETE_B = Change(Action.DELETE, B, None, id="2")
ADD_C, ADD_D = (Change(Action.ADD, None, route) for route in (C, D))
CHANGES = (UPDATE_A, ADD_C, ADD_D, DELETE_B)

#: The query for all routes, as `calls` shows it.
QUERY = "query all"

#: Faults that lose an answer.
LOST = [
    "reset",
    "close",
    "cut-head",
    "cut-body",
    "status:503",
    "html",
    "empty",
    "list",
    "garbage",
    "nostatus",
    "redirect",
]
#: Those of them after which a change may be sent again, where the connection had been used before.
SILENT = ["reset", "close"]
HEARD = [fault for fault in LOST if fault not in SILENT]

#: What a PBX or a network may do to a call; not that the PBX says Success and lies, which only a query can show.
MISHAPS = st.sampled_from(
    [
        *[f"{when}:{kind}" for kind in LOST for when in ("before", "after")],
        *["refuse", "refuse:10004", "refuse:20006", "token", "wrong-type", "status:404", "after:huge:17000000"],
    ]
)
#: The calls that are struck.
STRUCK = st.sampled_from(["*", "outroute/add", "outroute/update", "outroute/delete", "outroute/query", "login"])

#: One change of each kind to a PBX that holds a and b, with its call.
CASES = pytest.mark.parametrize(
    ("change", "call"), [(UPDATE_A, "update"), (ADD_C, "add"), (DELETE_B, "delete")], ids=["update", "add", "delete"]
)
KINDS = pytest.mark.parametrize("kind", ["json", "xml"])


def row(route: Route) -> dict[str, str]:
    return {
        "name": route.name,
        "prefix": route.prefix,
        "matchpattern": route.matchpattern,
        "prepend": route.prepend,
        "callerid": route.callerid,
        "trunks": ",".join(route.trunks),
    }


def known(*routes: Route) -> tuple[KnownRoute, ...]:
    return tuple(KnownRoute(route, str(n)) for n, route in enumerate(routes, start=1))


#: What a PBX of `pbx` holds.
HELD = known(A, B)


def add(route: Route) -> Change:
    return Change(Action.ADD, None, route)


def plan(*changes: Change, known_state: str = "live", in_doubt: tuple[Doubt, ...] = ()) -> Plan:
    return Plan("routes.yaml", URL, None, known_state, changes, in_doubt=in_doubt)


def pbx(*faults: str, routes: Sequence[Route] = (A, B), **options: Any) -> Sandbox:
    return Sandbox(tokens=["t"], faults=faults, routes=[row(route) for route in routes], **options)


def there(sandbox: Sandbox) -> tuple[Route, ...]:
    """What the PBX holds."""
    return tuple(
        Route(**{**{name: held[name] for name in row(A)}, "trunks": tuple(filter(None, held["trunks"].split(",")))})  # type: ignore[arg-type]
        for held in sandbox.routes()
    )


def names(sandbox: Sandbox) -> list[str]:
    return [route["name"] for route in sandbox.routes()]


def calls(sandbox: Sandbox) -> list[str]:
    """Every call that came, with the name in it."""
    return [
        f"{request.call.rpartition('/')[2]} {request.fields.get('name', '')}".strip() for request in sandbox.requests
    ]


def changing(sandbox: Sandbox) -> list[str]:
    """The calls that came without the queries."""
    return [call for call in calls(sandbox) if not call.startswith("query ")]


def states(outcomes: Sequence[Outcome]) -> list[Status]:
    return [outcome.status for outcome in outcomes]


# --- the client ---


class Caller(Client):
    """A client that counts how often it was asked to use fresh connections."""

    asked_fresh = 0

    def use_fresh_connections(self) -> None:
        self.asked_fresh += 1
        super().use_fresh_connections()


@contextlib.contextmanager
def client(
    sandbox: Sandbox,
    kind: str = "json",
    timeout: float = 5.0,
    credentials: Credentials | None = None,
    retries: int = 0,
) -> Iterator[Caller]:
    with Caller(Connection(sandbox.url, kind, timeout, retries), credentials or Credentials("t")) as caller:
        yield caller


# --- a run ---


def never() -> bool:
    return False


@dataclass
class Waits:
    """Waits for nothing, and keeps how long it was to wait."""

    seconds: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@dataclass
class Way:
    """How a run goes: the format of bodies, and with a state file or, with None, live."""

    kind: str
    file: StateFile | None

    def ledger(self) -> Ledger:
        return LiveLedger() if self.file is None else RecordedLedger(self.file)

    def holds(self, *routes: Route) -> None:
        """Record that the PBX holds these routes, if there is a state file."""
        if self.file is not None:
            self.file.write(KnownState(URL, known(*routes), str(self.file.path)))

    def run(self, sandbox: Sandbox, made: Plan, held: Sequence[Route] = (A, B), **options: Any) -> list[Outcome]:
        """Carry out a plan on a PBX that held these routes."""
        self.holds(*held)
        with client(sandbox, self.kind, **options) as caller:
            return list(apply(made, caller, self.ledger(), before=known(*held)))

    def looked(self, sandbox: Sandbox, outcomes: Sequence[Outcome], held: Sequence[Route] = (A, B)) -> Verified:
        """Look at the PBX at the end of a run."""
        with client(sandbox, self.kind) as caller:
            return applier.looked_at(caller, Waits(), known(*held), outcomes)[1]


#: JSON and XML, live and with a state file; see `made_way`.
WAYS = [(kind, source) for source in ("live", "recorded") for kind in ("json", "xml")]


@contextlib.contextmanager
def made_way(asked: tuple[str, str], folder: Path) -> Iterator[Way]:
    kind, source = asked
    if source == "live":
        yield Way(kind, None)
    else:
        with state_file(folder) as file:
            yield Way(kind, file)


@contextlib.contextmanager
def state_file(folder: Path, *routes: Route) -> Iterator[StateFile]:
    """A state file that has these routes recorded."""
    state = StateFile.read(folder / "a state.json", pbx=URL, init=True)
    state.write(KnownState(URL, known(*routes), str(state.path)))
    with contextlib.closing(state):
        yield state


def on_disk(file: StateFile) -> KnownState:
    return StateFile.read(file.path, pbx=URL).state


def unwritable(file: StateFile) -> None:
    """Put a folder where the state file was: nothing can be renamed onto it."""
    file.path.unlink()
    file.path.mkdir()


def apply(
    made: Plan,
    caller: applier.Calls,
    ledger: Ledger,
    stopped: Callable[[], bool] = never,
    before: Sequence[KnownRoute] | None = HELD,
    wait: Callable[[float], object] | None = None,
) -> Iterator[Outcome]:
    """Apply to a PBX that held ``before``; None is one that can't be queried."""
    return applier.apply(made, caller, ledger, stopped, wait or Waits(), before)


def live(sandbox: Sandbox, *changes: Change, **options: Any) -> list[Outcome]:
    with client(sandbox, **options) as caller:
        return list(apply(plan(*changes), caller, LiveLedger()))


def recorded(sandbox: Sandbox, file: StateFile, *changes: Change, **options: Any) -> list[Outcome]:
    with client(sandbox, **options) as caller:
        return list(apply(plan(*changes, known_state=str(file.path)), caller, RecordedLedger(file)))


def check_recorded(
    made: Plan, recorded: Sequence[KnownRoute], caller: Client, *, add_only: bool = False
) -> tuple[KnownRoute, ...] | None:
    return preflight.check_recorded(made, recorded, caller, Waits(), add_only=add_only)
