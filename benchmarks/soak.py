"""Two thousand applies in one go, with whatever can go wrong, and after each a look whether all promises hold.

Run it with ``make soak``; the page ``docs/reliability.md`` says what is checked, and has a result. Two PBXs have one
long history each: one that knows all calls, and one that knows `outroute/add` alone and is kept in sync by a state
file. Their routes files change at random; faults, signals and other people's hands come at random. What is drawn
depends on the seed; how far a process is when a signal reaches it, or a time runs out, depends on the machine too.
In every third apply the PBX is another firmware, as far as all of these promises can be held on it; those that can't
be, such as one that stores names otherwise, are a matter of ``tests/odd_firmware.py``.

Every command is a process of its own. It is forked from this one, which has everything imported, and then runs the
command line's own `run()`; so this needs Linux or macOS. The PBXs listen in a second process, which forks nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import hashlib
import importlib
import json
import multiprocessing
import os
import pkgutil
import platform
import re
import shlex
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, NoReturn

from jsonschema import Draft202012Validator

import pbxsync
from pbxsync import Route, RouteTable, schemas
from pbxsync.cli.main import run
from pbxsync.errors import PbxsyncError
from pbxsync.known_state import StateFile
from pbxsync.names import is_copy, original
from pbxsync.sandbox import Firmware, Sandbox
from pbxsync.sandbox.faults import FaultPlan
from pbxsync.sandbox.pbx import ALL_CALLS
from pbxsync.stored import may_be_stored_as
from pbxsync.text import short

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from multiprocessing.connection import Connection

    from pbxsync.model import Change, Doubt, KnownRoute, KnownState
    from pbxsync.sandbox.server import Received

#: Every so many applies of a PBX one runs without faults, after which the PBX must be what the file says.
CONVERGE_EVERY = 10
#: How long a command may take before it counts as hung.
PATIENCE = 60.0
#: How long a command waits for an answer where one may not come: short, for the sake of the whole.
HASTY = 0.3
#: The user of the API.
USER = "soak"
CHANGES = ("outroute/add", "outroute/update", "outroute/delete")
#: The firmware of the manual.
PLAIN = Firmware()
#: What a PBX with its own will does: it says Success, and does not hold what it was sent.
WILFUL = ("twice", "lie", "alter", "drop-last")


class Broken(Exception):
    """A promise was not kept."""


def expect(holds: object, promise: str) -> None:
    """Raise Broken where a promise does not hold."""
    if not holds:
        raise Broken(promise)


# --- the PBXs' process ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Setup:
    """How a PBX is while one command runs: all that the `Sandbox` is told."""

    port: int
    store: Path
    password: str
    token: str
    calls: frozenset[str] = ALL_CALLS
    faults: tuple[str, ...] = ()
    latency: float = 0.0
    firmware: Firmware = PLAIN


def serve(line: Connection) -> None:
    """Open a PBX, say how many requests it has received, close it: one order after the other, until nobody is there."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pbx: Sandbox | None = None
    with contextlib.suppress(EOFError):
        while True:
            order = line.recv()
            if isinstance(order, Setup):
                pbx = Sandbox(
                    port=order.port,
                    store=order.store,
                    username=USER,
                    password=order.password,
                    tokens=[order.token],
                    calls=order.calls,
                    faults=order.faults,
                    latency=order.latency,
                    firmware=order.firmware,
                )
                line.send(None)
            elif pbx is not None and order == "count":
                line.send(len(pbx.requests))
            elif pbx is not None:
                pbx.close()
                line.send(pbx.requests)


class Pbxs:
    """The other end of the line to the PBXs' process."""

    def __init__(self) -> None:
        forking = multiprocessing.get_context("fork")
        self._line, other = forking.Pipe()
        forking.Process(target=serve, args=(other,), daemon=True).start()
        other.close()

    def open(self, setup: Setup) -> None:
        """Let a PBX listen."""
        self._line.send(setup)
        self._line.recv()

    def count(self) -> int:
        """How many requests it has received so far."""
        self._line.send("count")
        return int(self._line.recv())

    def close(self) -> list[Received]:
        """End it, hanging answers too; all requests that it has received."""
        self._line.send("close")
        received: list[Received] = self._line.recv()
        return received


# --- commands, each in a process of its own -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Blow:
    """A signal that hits a command ``delay`` seconds after the PBX has received so many requests of it."""

    requests: int
    delay: float
    number: signal.Signals


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code, or less than 0 if a signal killed it; what it printed; the signals sent."""

    code: int
    out: str
    err: str
    blows: tuple[signal.Signals, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether it came to its own end, be it on a first signal."""
        return self.code >= 0 and not (len(self.blows) > 1 and self.code > 3)


#: A Ctrl-C came before pbxsync's own code ran, which is nothing to hold against it; or where that lets it through.
TOO_EARLY, TOO_LATE = 98, 99
#: A child that was just forked is not a command yet.
HELD_BACK = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def import_everything() -> None:
    """Import all that commands import where they need it, so that none of them has to."""
    for module in pkgutil.walk_packages(pbxsync.__path__, "pbxsync."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in ("deepdiff", "filelock", "httpx", "jsonschema", "rich.console", "rich.progress", "tenacity", "yaml"):
        importlib.import_module(name)
    gc.freeze()


def as_pbxsync(arguments: Sequence[str], env: Mapping[str, str], folder: Path) -> NoReturn:
    """Be the command from here on."""
    code = TOO_EARLY
    with contextlib.suppress(KeyboardInterrupt):
        os.chdir(folder)
        for name in [name for name in os.environ if name.startswith("PBXSYNC_") or name.lower().endswith("_proxy")]:
            del os.environ[name]
        os.environ.update(env)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        sys.argv = ["pbxsync", *arguments]
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)
        try:
            run()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except KeyboardInterrupt as error:
            frames = [frame.f_globals["__name__"] for frame, _ in traceback.walk_tb(error.__traceback__)]
            if sum(name.startswith("pbxsync.") for name in frames) > 1:  # more than `run` itself
                code = TOO_LATE
                traceback.print_exc()  # as Python does
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def ended(arguments: Sequence[str], env: Mapping[str, str], folder: Path, pbxs: Pbxs, blows: Sequence[Blow]) -> Ended:
    """Run a command to its end, and hit it with the signals at their moments, if it comes to them."""
    for name in ("out", "err"):
        (folder / name).write_bytes(b"")
    sys.stdout.flush()
    sys.stderr.flush()
    signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)
    child = os.fork()
    if child == 0:
        as_pbxsync(arguments, env, folder)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)
    begin = time.monotonic()
    waiting = list(blows)
    struck: list[signal.Signals] = []
    due: float | None = None
    while (found := os.waitpid(child, os.WNOHANG)) == (0, 0):
        now = time.monotonic()
        if now - begin > PATIENCE:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise Broken(f"it did not end within {PATIENCE:g} s")
        if waiting and due is None and pbxs.count() >= waiting[0].requests:
            due = now + waiting[0].delay
        if due is not None and now >= due:
            struck.append(waiting.pop(0).number)
            os.kill(child, struck[-1])
            due = None
        time.sleep(0.001)
    code = os.waitstatus_to_exitcode(found[1])
    code = -signal.SIGINT if code == TOO_EARLY else code
    out, err = ((folder / name).read_text(encoding="utf-8") for name in ("out", "err"))
    return Ended(code, out, err, tuple(struck))


# --- a PBX and its history ------------------------------------------------------------------------------------------

Row = dict[str, str]
Declared = dict[str, Any]
TEXTS = ("prefix", "matchpattern", "prepend", "callerid")
TRUNKS = ("carrier-a", "carrier-b", "carrier & sons", "analog-line")
NAMES = ("to {} <branch>", "r{}", 'Zürich "{}"', "{} & more", "-{}")


@dataclass(slots=True)
class World:
    """One PBX, the folder that pbxsync is run in, and the routes file there. The PBX listens only while it is used."""

    kind: str
    folder: Path
    port: int
    calls: frozenset[str] = ALL_CALLS
    routes: list[Declared] = field(default_factory=list)
    gone: list[Declared] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    count: int = 0
    applies: int = 0

    @property
    def adds_only(self) -> bool:
        """Whether the firmware knows outroute/add alone."""
        return "outroute/query" not in self.calls

    @property
    def store(self) -> Path:
        """Where the PBX keeps its routes: not in the folder of pbxsync."""
        return self.folder.parent / f"{self.kind}-pbx.json"

    @property
    def state(self) -> Path:
        """The one state file."""
        return self.folder / "state.json"

    @property
    def url(self) -> str:
        """The PBX's address."""
        return f"http://127.0.0.1:{self.port}"

    def held(self) -> tuple[int, list[Row]]:
        """The next id that the PBX gives, and what it holds."""
        if not self.store.exists():
            return 1, []
        kept = json.loads(self.store.read_bytes())
        return kept["next_id"], kept["routes"]

    def rows(self) -> list[Row]:
        """What the PBX holds."""
        return self.held()[1]

    def hold(self, rows: Sequence[Row], next_id: int | None = None) -> None:
        """Change what the PBX holds by another hand than pbxsync's."""
        next_id = self.held()[0] if next_id is None else next_id
        self.store.write_text(json.dumps({"next_id": next_id, "routes": rows}), encoding="utf-8")

    def recorded(self) -> KnownState | None:
        """What the state file says; None where there is none."""
        return StateFile.read(self.state, pbx=None).state if self.state.exists() else None

    def write(self) -> None:
        """Write the routes file (as JSON, which is YAML)."""
        file = {"pbx": {"hidden_fields": "none"}, "routes": self.routes, "ignore": self.ignored}
        text = json.dumps(file, ensure_ascii=False, indent=1)
        (self.folder / "routes.yaml").write_text(text, encoding="utf-8")

    def in_sync(self) -> bool:
        """Whether the state file knows what the PBX holds, in its order."""
        state = self.recorded()
        return state is not None and [known.route for known in state.routes] == [of_row(row) for row in self.rows()]


def of_row(row: Row) -> Route:
    """A row of the PBX as pbxsync knows it."""
    texts = {name: row.get(name, "") for name in TEXTS}
    return Route(name=row["name"], trunks=tuple(filter(None, row["trunks"].split(","))), **texts)


def of_declared(one: Declared) -> Route:
    """An entry of a routes file as pbxsync knows it."""
    texts = {name: one.get(name, "") for name in TEXTS}
    return Route(name=one["name"], trunks=tuple(one["trunks"]), **texts)


def new_route(world: World, dice: Random) -> Declared:
    """A route that the file has never had, or, now and then, one that it once had."""
    if world.gone and dice.random() < 0.3:
        return world.gone.pop(dice.randrange(len(world.gone)))
    world.count += 1
    made: Declared = {"name": dice.choice(NAMES).format(world.count), "trunks": dice.sample(TRUNKS, dice.randint(1, 3))}
    made["prefix"] = "".join(dice.choice("0189") for _ in range(dice.randint(0, 3)))
    made["matchpattern"] = dice.choice(["X.", "X.", "NXX", "ZXXX", "[2-5]X.", "XXXXXX"])
    made |= {"prepend": "00"} if dice.random() < 0.3 else {}
    made |= {"callerid": "2XX"} if dice.random() < 0.2 else {}
    return made


def edit(world: World, dice: Random) -> None:
    """Change the routes file a little, as people do."""
    for one in world.routes:
        if dice.random() < 0.3:
            one.pop("renamed_from", None)
    large = len(world.routes) > (20 if world.adds_only else 9)
    for _ in range(dice.choice([0, 1, 2, 3, 4])):
        if not world.routes or dice.random() < (0.1 if large else 0.5):
            place = dice.choice([len(world.routes), dice.randint(0, len(world.routes))])
            world.routes.insert(place, new_route(world, dice))
        else:
            edit_one(world, dice, dice.randrange(len(world.routes)))


def edit_one(world: World, dice: Random, at: int) -> None:
    """Remove, rename, change or put elsewhere one route. Where the firmware adds alone, nobody can change a route."""
    one = world.routes[at]
    what = dice.choice(["remove"] if world.adds_only else ["remove", "rename", "change", "change", "swap", "exchange"])
    if what == "remove":
        world.gone.append({name: value for name, value in world.routes.pop(at).items() if name != "renamed_from"})
    elif what == "rename":
        world.count += 1
        one["renamed_from"], one["name"] = one["name"], f"renamed {world.count}"
    elif what == "change":
        # Never a name: another name is another route.
        fresh = new_route(replace(world, gone=[], count=0), dice)
        chosen = dice.choice(["trunks", "prefix", "matchpattern"])
        one[chosen] = fresh[chosen]
    else:
        other = world.routes[dice.randrange(len(world.routes))]
        if what == "swap":
            to = world.routes.index(other)
            world.routes[at], world.routes[to] = other, one
        else:
            one["trunks"], other["trunks"] = other["trunks"], one["trunks"]


def meddle(world: World, dice: Random) -> None:
    """Do something to the PBX that pbxsync does not know of, as in its web interface."""
    next_id, rows = world.held()
    what = dice.choice(["add", "delete", "change", "order"])
    if what == "add" or not rows:
        row = dict.fromkeys(TEXTS, "") | {"id": str(next_id), "name": f"by hand {next_id}", "matchpattern": "7XX"}
        rows.insert(dice.randint(0, len(rows)), row | {"trunks": dice.choice(TRUNKS)})
        next_id += 1
    elif what == "delete":
        rows.pop(dice.randrange(len(rows)))
    elif what == "change":
        dice.choice(rows)["trunks"] = dice.choice(TRUNKS)
    else:
        dice.shuffle(rows)
    world.hold(rows, next_id)


def tidy(world: World) -> None:
    """Do by hand on the PBX what plans ask for: no copy is left, nor what may be a route of the file, or its copy."""
    next_id, rows = world.held()
    names = {row["name"] for row in rows}
    # A rename that is done means nothing any more.
    meant = {one["name"] for one in world.routes}
    meant |= {one["renamed_from"] for one in world.routes if "renamed_from" in one and one["name"] not in names}
    declared = [of_declared(one) for one in world.routes]
    declared += [of_row(row) for row in rows if row["name"] in meant]
    kept = []
    for row in rows:
        own = original(row["name"])
        if is_copy(row["name"]) and own in names:
            continue
        names.add(own)
        row["name"] = own
        if own in meant or not any(may_be_stored_as(one, of_row(row)) for one in declared):
            kept.append(row)
    world.hold(kept, next_id)


def alike(world: World) -> list[str]:
    """What a refused plan asks to ignore, where no route can be taken away: routes with the fields of a new one."""
    rows = world.rows()
    names, declared = {row["name"] for row in rows}, {one["name"] for one in world.routes}
    missing = [of_declared(one) for one in world.routes if one["name"] not in names]
    others = [row for row in rows if row["name"] not in declared]
    return [row["name"] for row in others if any(may_be_stored_as(one, of_row(row)) for one in missing)]


# --- what is drawn for one apply ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Draw:
    """One apply: how it is run, and what happens to it."""

    state: bool
    prune: bool = False
    reorder: bool = False
    add_only: bool = False
    options: tuple[str, ...] = ()
    json: bool = True
    secrets: tuple[str, ...] = ("token", "password")
    faults: tuple[str, ...] = ()
    latency: float = 0.0
    blows: tuple[Blow, ...] = ()
    unreachable: bool = False
    firmware: Firmware = PLAIN

    def arguments(self) -> list[str]:
        """What `plan` and `apply` have in common."""
        chosen = [("--state=state.json", self.state), ("--init", self.state), ("--prune", self.prune)]
        chosen += [("--reorder", self.reorder), ("--add-only", self.add_only)]
        return ["routes.yaml", *(name for name, given in chosen if given)]


def drawn(world: World, dice: Random) -> Draw:
    """Draw one apply."""
    add_only = dice.random() < (0.7 if world.adds_only else 0.1)
    faults = tuple(fault(world, dice) for _ in range(dice.choice([0, 1, 1, 2, 3])))
    hasty = any(kind in one for one in faults for kind in ("hang", "slow", "delay"))
    blows = drawn_blows(dice)
    if blows and dice.random() < 0.7:
        # What hits a command while the PBX has carried a change out, and its answer is on the way.
        faults = (*faults, f"*@*=after:delay:{dice.uniform(0.002, 0.03):.3f}")
    options = ["--timeout", str(HASTY if hasty else 20), "--retries", dice.choice("0112")]
    options += ["--type", dice.choice(["json", "xml"])]
    options += ["--max-deletes", "1000"] if dice.random() < 0.8 else []
    options += ["--no-impact"] if dice.random() < 0.3 else []
    options += [dice.choice(["-v", "-vv"])] if dice.random() < 0.3 else []
    options += ["--yes"] if dice.random() < 0.3 else []
    return Draw(
        state=world.adds_only or dice.random() < 0.5,
        prune=not (add_only or world.adds_only) and dice.random() < 0.4,
        reorder=not (add_only or world.adds_only) and dice.random() < 0.6,
        add_only=add_only,
        options=tuple(options),
        json=dice.random() < 0.7,
        secrets=dice.choice([("token",), ("password",), ("token", "password")]),
        faults=faults,
        latency=dice.uniform(0.002, 0.02) if blows and dice.random() < 0.5 else 0.0,
        blows=blows,
        unreachable=dice.random() < 0.02,
        firmware=firmware(dice) if dice.random() < 0.33 else PLAIN,
    )


#: What a firmware may do otherwise, and all promises hold: none of these changes what a PBX stores.
ODDITIES: Mapping[str, Sequence[Any]] = {
    "insert": ("top", "sorted"),
    "unknown_id": ("success-nothing", "make-route"),
    "named_query": ("all", "none", "refuse", "first", "whole"),
    "empty_as": ("null", "text", "object", "item", "missing"),
    "close_after": (1, 2, 3),
    "close_idle": (0.005, 0.02),
}


def firmware(dice: Random) -> Firmware:
    """A firmware that is odd in one to three ways."""
    names = dice.sample(sorted(ODDITIES), dice.randint(1, 3))
    return Firmware(**{name: dice.choice(ODDITIES[name]) for name in names})


def drawn_blows(dice: Random) -> tuple[Blow, ...]:
    """No signal, Ctrl-C, SIGTERM or SIGHUP once or twice, or SIGKILL, at any moment."""
    interrupt, term, hangup = HELD_BACK
    numbers: list[signal.Signals] = dice.choices(
        [[], [interrupt], [term], [hangup], [interrupt] * 2, [term] * 2, [hangup, term], [signal.SIGKILL]],
        [68, 4, 4, 4, 2, 2, 2, 14],
    )[0]
    first = dice.randint(0, 12)
    return tuple(Blow(first if n == 0 else 0, dice.uniform(0, 0.04), number) for n, number in enumerate(numbers))


#: What may go wrong with any call; the numbers say how often beside each other.
KINDS = {
    "refuse": 3, "refuse:10004": 2, "refuse:20004": 1, "status:503": 3, "status:500": 2, "status:403": 1,
    "status:404": 1, "redirect": 1, "redirect:https://192.0.2.10/api/v0.0.1/outroute/add": 1, "html": 2, "empty": 2,
    "list": 1, "garbage": 1, "wrong-type": 2, "nostatus": 2, "huge:17000000": 1, "reset": 6, "close": 4, "cut-head": 2,
    "cut-body": 3, "hang:5": 3, "slow:0.1": 1, "delay:0.1": 2, "delay:2": 2, "token": 4, "twice": 4, "lie": 4,
    "alter:trunks=other": 2, "alter:prepend=9": 2, "drop-last": 4,
}  # fmt: skip
#: These are no faults behind a call: a PBX that carries out what it says it has refused is beyond anybody's help.
FIRST = ("refuse", "status:4", "redirect:")
ONLY_BEFORE, ONLY_AFTER = ("refuse", "token", "lie"), ("wrong-type", "slow", "delay", "twice", "alter", "drop-last")


def fault(world: World, dice: Random) -> str:
    """A fault as the sandbox is told it."""
    kind = dice.choices(list(KINDS), list(KINDS.values()))[0]
    wilful = kind.startswith(WILFUL)
    if wilful and world.adds_only:
        kind, wilful = "reset", False  # what such a PBX stores, nobody can check
    calls = ["outroute/add"] * 6 + (["outroute/update", "outroute/delete"] * 3 if not world.adds_only else [])
    calls += [] if wilful else ["outroute/query", "login", "logout", "*", "*"]
    call = dice.choice([call for call in calls if call != "outroute/delete" or not kind.startswith("alter")])
    which = dice.choice(["1", "1", "1", "2", "2", "3", "4", "1-2", "2-", "*"])
    when = dice.choice(["before:", "after:"])
    if kind.startswith((*FIRST, *ONLY_BEFORE)):
        when = "before:"
    elif kind.startswith(ONLY_AFTER):
        when = "after:"
    return f"{call}@{which}={when}{kind}"


# --- one apply, and what must hold after it -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Done:
    """One apply from end to end: what there was before, how it ended, what there is now."""

    world: World
    draw: Draw
    before: list[Row]
    known: KnownState | None
    synced: bool
    ended: Ended
    received: list[Received]
    struck: list[tuple[Received, str]]
    after: list[Row]
    now: KnownState | None

    def sent(self, call: str) -> list[Received]:
        """The requests of a call."""
        return [one for one in self.received if one.call == call]

    def hit(self, *kinds: str) -> list[Received]:
        """The requests that faults of these kinds struck."""
        return [one for one, kind in self.struck if kind in kinds]

    @property
    def declared(self) -> dict[str, Declared]:
        """The file's routes by name."""
        return {one["name"]: one for one in self.world.routes}

    @property
    def managed(self) -> set[str]:
        """The names on the PBX that are a matter of the file's, but for those of copies."""
        return {*self.declared, *(one["renamed_from"] for one in self.world.routes if "renamed_from" in one)}

    @property
    def said(self) -> str:
        """What was printed: the plan as text, or the warnings of the JSON document."""
        if not self.draw.json:
            return self.ended.out
        return "\n".join(warning["message"] for plan in self.document["plans"] for warning in plan["warnings"])

    @property
    def document(self) -> Any:
        """The JSON document on standard output. Raises Broken where there is none, or anything beside it."""
        try:
            return json.loads(self.ended.out)
        except ValueError as error:
            raise Broken(f"standard output holds one JSON document and nothing else: {error}") from None


def strikes(faults: Sequence[str], received: Sequence[Received]) -> list[tuple[Received, str]]:
    """Which requests were struck, each with the kind of its fault: as the PBX counts them, counted again."""
    plan = FaultPlan(faults)
    found = ((one, plan.next(one.call)) for one in received)
    return [(one, fault.kind) for one, fault in found if fault is not None]


def check(done: Done, secrets: Sequence[str], schema: Mapping[str, Draft202012Validator]) -> None:
    """See that everything holds. Raises Broken."""
    check_words(done, secrets)
    check_sent(done)
    check_pbx(done)
    if done.draw.state:
        check_state(done, schema["state"])
    if done.ended.whole:
        check_code(done, schema["apply"])
    if done.ended.code == 0:
        check_all_done(done)


#: Python itself loses a Ctrl-C that comes while it clears up behind an import, and says so.
LOST = re.compile(r"^Exception ignored in: .*\n(Traceback .*\n(  .*\n)*)?KeyboardInterrupt: *\n", re.M)


def check_words(done: Done, secrets: Sequence[str]) -> None:
    """No secret stands anywhere, and no fault of pbxsync's own."""
    texts = {"the output": done.ended.out + done.ended.err}
    texts |= {path.name: path.read_text("utf-8", "replace") for path in done.world.folder.iterdir() if path.is_file()}
    for secret in [*secrets, *(one.token for one in done.received if one.token)]:
        leaks = [name for name, text in texts.items() if secret in text]
        expect(not leaks, f"no secret is in {leaks}")
    for fault_ in ("Traceback", "internal error"):
        expect(fault_ not in LOST.sub("", texts["the output"]), f"no {fault_!r} is in the output")


def check_sent(done: Done) -> None:
    """What left and may have been carried out was not sent again, but for what never reached a PBX that hung up."""
    refused = refusals(done) | unanswered(done)
    for call in CHANGES:
        sent = Counter(sent_of(one) for one in done.sent(call) if id(one) not in refused)
        again = [name for name, times in sent.items() if times > 1]
        expect(not again, f"no {call} is sent twice in one run, but these were: {again}")


def unanswered(done: Done) -> set[int]:
    """The requests that changed nothing, and to which the connection ended without a byte of an answer."""
    plan = FaultPlan(done.draw.faults)
    found = ((request, plan.next(request.call)) for request in done.received)
    return {
        id(request)
        for request, fault in found
        if fault is not None and fault.when == "before" and fault.kind in ("close", "reset")
    }


def refusals(done: Done) -> set[int]:
    """The requests that changed nothing for sure: they were refused, or their token was dead by then."""
    kinds = {id(one): kind for one, kind in done.struck}
    refused = {id(one) for one in done.hit("refuse")}
    seen: set[str] = set()
    dead: set[str] = set()
    for one in done.received:
        seen.add(one.token)
        if kinds.get(id(one)) == "token":
            dead |= seen
        if one.token in dead:
            refused.add(id(one))
    return refused


def sent_of(one: Received) -> object:
    """What may be sent once in a run: the same update, for a copy may be changed and later get its name."""
    return frozenset(one.fields.items()) if one.call == "outroute/update" else one.fields.get("name")


def check_pbx(done: Done) -> None:
    """Nothing is on the PBX twice, nothing is lost, and what the file does not name is as it was."""
    doubled = twice_there(done.after) - twice_there(done.before)
    made = {one.fields.get("name") for one in done.hit("twice")}
    expect(doubled <= made, f"no route is on the PBX twice, but these are: {doubled - made}")
    there = {row["id"]: row for row in done.after}
    dropped = len(done.hit("drop-last"))
    deleted = {one.fields.get("name", "") for one in done.sent("outroute/delete")}
    updated = done.sent("outroute/update")
    for row in done.before:
        if row["id"] in there:
            changed = there[row["id"]] != row
            ours = original(row["name"]) in done.managed
            expect(ours or not changed, f"{row['name']} is unmanaged and is not changed")
        elif deleted & {row["name"], *(one.fields["name"] for one in updated if one.fields["id"] == row["id"])}:
            expect(dropped or may_go(row, done), f"{row['name']} is deleted only where that was asked for")
        else:
            dropped -= 1
            expect(dropped >= 0, f"{row['name']} is not lost, and nobody deleted it")


def twice_there(rows: Sequence[Row]) -> set[str]:
    """Names that stand on the PBX more than once."""
    return {name for name, times in Counter(row["name"] for row in rows).items() if times > 1}


def may_go(row: Row, done: Done) -> bool:
    """Whether a route that was deleted was to be: with --prune, or because there is another of it at another place."""
    base = original(row["name"])
    names = {base, *(one["name"] for one in done.world.routes if one.get("renamed_from") == base)}
    moved = any(original(other["name"]) in names for other in done.after)
    return moved or (done.draw.prune and row["name"] not in done.declared)


def check_state(done: Done, schema: Draft202012Validator) -> None:
    """The state file is whole, claims nothing that is not there, and knows all that its runs have sent."""
    if (now := done.now) is None:
        expect(not any(done.sent(call) for call in CHANGES), "nothing is sent before there is a state file")
        return
    faults = [error.message for error in schema.iter_errors(json.loads(done.world.state.read_bytes()))]
    expect(not faults, f"the state file fits its schema: {faults}")
    in_doubt = names_in(doubt.change for doubt in now.doubts)
    excused = in_doubt | {one.fields.get("name", "") for one in done.hit("lie", "alter")}
    # The route that a PBX has dropped by itself is not in the file's claims once the check at the end was answered.
    excused |= {row["name"] for row in done.before if done.hit("drop-last")}
    excused |= {one.fields.get("name", "") for one in done.sent("outroute/add") if done.hit("drop-last")}
    false = claims(now.routes) - facts(done.after)
    stale = claims(done.known.routes) - facts(done.before) if done.known else set()
    fresh = {route.name for route, _ in false - stale} - excused
    expect(not fresh, f"the state file claims nothing that isn't there, but these: {fresh}")
    known = {one.route.name for one in now.routes} | in_doubt
    old = {row["id"] for row in done.before}
    unknown = {row["name"] for row in done.after if row["id"] not in old} - known
    expect(not unknown, f"the state file knows all that was added, or has it in doubt, but not these: {unknown}")


def names_in(changes: Iterator[Change]) -> set[str]:
    """All names that changes are about."""
    return {route.name for change in changes for route in (change.before, change.after) if route is not None}


def claims(routes: Sequence[KnownRoute]) -> set[tuple[Route, str | None]]:
    """What a state file says to be on the PBX."""
    return {(known.route, known.id) for known in routes}


def facts(rows: Sequence[Row]) -> set[tuple[Route, str | None]]:
    """What is on the PBX, in every way in which it may be claimed: an id need not be known."""
    return {(of_row(row), id_) for row in rows for id_ in (row["id"], None)}


_SUM = re.compile(r"^routes\.yaml: (\d+) applied, (\d+) failed, (\d+) in doubt, (\d+) not attempted\.", re.M)


def check_code(done: Done, schema: Draft202012Validator) -> None:
    """The exit code is one of those documented, and agrees with what was printed and recorded."""
    code, blows = done.ended.code, done.ended.blows
    expect(code in (0, 1, 3, 129, 130, 143), f"exit code {code} is documented")
    for wanted, number in ((129, signal.SIGHUP), (130, signal.SIGINT), (143, signal.SIGTERM)):
        expect(code != wanted or number in blows, f"exit code {code} comes of a signal, and there was none")
    recorded = bool(done.now and done.now.doubts) if done.draw.state else None
    if recorded is not None and code in (0, 1, 3):
        expect((code == 3) == recorded, f"exit code {code} and the state file agree on whether there is a doubt")
    if not done.draw.json:
        found = _SUM.findall(done.ended.out)
        if found:
            check_counts(code, *map(int, found[-1]))
        expect(code == 0 or done.ended.err or found, "whoever reads the output is told what is wrong")
        return
    faults = [error.message for error in schema.iter_errors(done.document)]
    expect(not faults, f"the document fits its schema: {faults}")
    for plan in done.document["plans"]:
        statuses = Counter(one["status"] for one in plan["outcomes"])
        check_counts(code, *(statuses[name] for name in ("applied", "failed", "in_doubt", "not_attempted")))
        check_outcomes(done, plan["outcomes"])
    if code in (1, 3) and not any(plan["outcomes"] for plan in done.document["plans"]):
        expect(done.document["errors"], f"exit code {code} says why")


def check_counts(code: int, applied: int, failed: int, in_doubt: int, not_attempted: int) -> None:
    """What became of the changes agrees with the exit code."""
    expect(not in_doubt or code == 3, f"{in_doubt} in doubt, and exit code {code}")
    expect(code or not (failed or not_attempted), f"{failed} failed, {not_attempted} not attempted, and exit code 0")
    expect(code != 3 or in_doubt or not applied, "exit code 3, and nothing in doubt")


def check_outcomes(done: Done, outcomes: Sequence[Mapping[str, str]]) -> None:
    """What is called applied is there, unless the PBX has a will of its own; what is not attempted was not sent."""
    names = Counter(row["name"] for row in done.after)
    rows = Counter(original(row["name"]) for row in done.after)
    # A copy may be changed under its old name, and then get the new one.
    renamed = {one["renamed_from"]: one["name"] for one in done.world.routes if "renamed_from" in one}
    moving = {original(row["name"]) for row in done.after if is_copy(row["name"])}
    sent = {one.fields.get("name") for one in done.sent("outroute/add")}
    for one in outcomes:
        name, status, action = one["name"], one["status"], one["action"]
        if status == "applied" and not done.hit(*WILFUL):
            held = names[name] if action == "delete" else rows[original(name)] or rows[renamed.get(original(name), "")]
            holds = not held if action == "delete" else held == 1 or (held > 1 and original(name) in moving)
            expect(holds, f"{action} {name} is called applied, and the PBX holds {held} of it")
        if status == "not_attempted" and action == "add":
            expect(name not in sent, f"add {name} is called not attempted, and was sent")


def check_all_done(done: Done) -> None:
    """Exit code 0: the PBX holds all that was asked for, each route once. From an old record it can't be known."""
    draw, rows = done.draw, {row["name"]: of_row(row) for row in done.after}
    if draw.state and not done.synced and not done.world.adds_only:
        return
    before = {original(row["name"]) for row in done.before}
    for name, one in done.declared.items():
        skipped = draw.add_only and (name in before or one.get("renamed_from") in before)
        expect(skipped or rows.get(name) == of_declared(one), f"exit code 0, and {name} is not as the file says")
    expect(not twice_there(done.after), f"exit code 0, and these are there twice: {twice_there(done.after)}")
    copies = [name for name in rows if is_copy(name) and original(name) in done.declared]
    said = "cannot-move" in done.ended.out
    expect(draw.add_only or said or not copies, f"exit code 0, and copies are left, and nothing says so: {copies}")
    others = set(rows) - set(done.declared) - set(copies if said else ())
    # What may be another route of the file is kept, by its name.
    others -= {name for name in others if f"{short(name)} is not deleted: " in done.said}
    expect(not draw.prune or not others, f"exit code 0 with --prune, and these are still there: {others}")


# --- the whole ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Tally:
    """What was done so far."""

    applies: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    modes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    signals: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    settled: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)


class Soak:
    """The two PBXs with their histories, and all that is done to them."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.seed = seed
        self.folder = folder
        self.tally = Tally()
        self.last: list[str] = []
        self._pbxs = Pbxs()
        dice = Random(f"secrets {seed}")
        self._secret = {name: f"{dice.getrandbits(96):024x}" for name in ("token", "password")}
        digest = hashlib.md5(self._secret["password"].encode(), usedforsecurity=False).hexdigest()
        self._secrets = [*self._secret.values(), digest]
        self._schemas = {name: Draft202012Validator(schemas.load(name)) for name in ("apply", "state")}
        # A port below those that systems give away: it is still free when the same PBX listens again.
        ports = free_ports()
        self._worlds = [
            self._world("all-calls", next(ports), ALL_CALLS),
            self._world("adds-only", next(ports), frozenset({"login", "logout", "outroute/add"})),
        ]

    def _world(self, kind: str, port: int, calls: frozenset[str]) -> World:
        folder = self.folder / kind
        folder.mkdir()
        return World(kind, folder, port, calls)

    def step(self, number: int) -> None:
        """One apply, with all that comes before and after it. Raises Broken."""
        dice = Random(f"{self.seed} {number}")
        world = self._worlds[dice.random() < 0.25]
        self.last = []
        if world.adds_only and len(world.rows()) > 30:
            self._replace_pbx(world)
        world.applies += 1
        edit(world, dice)
        if world.applies % CONVERGE_EVERY == 0:
            self._converge(world, dice)
            return
        if not world.adds_only and dice.random() < 0.1:
            meddle(world, dice)
            self.tally.others["changes by somebody else"] += 1
        draw = drawn(world, dice)
        if draw.state and world.state.exists() and not world.in_sync() and not world.adds_only and dice.random() < 0.8:
            self._refresh(world)
        done = self._apply(world, draw)
        self._after(done, dice)

    def _after(self, done: Done, dice: Random) -> None:
        """What people do after an apply: settle what is in doubt, mend what the PBX did by itself."""
        if done.now is not None and done.now.doubts:
            expect(done.draw.state, "a doubt is recorded by the run that has it")
            self._settle(done.world, dice)
        if twice_there(done.after):
            seen: Counter[str] = Counter()
            rows = [row for row in done.world.rows() if not seen.update([row["name"]]) and seen[row["name"]] == 1]
            done.world.hold(rows)
            self.tally.others["routes that the PBX had doubled, taken away by hand"] += len(done.after) - len(rows)

    def _replace_pbx(self, world: World) -> None:
        """Begin with a new PBX, as somebody does whose firmware can't delete."""
        for path in (world.store, world.state):
            path.unlink(missing_ok=True)
        world.routes, world.gone = [], []
        self.tally.others["new PBXs"] += 1

    # Commands.

    def _run(
        self, world: World, arguments: Sequence[str], draw: Draw | None = None, *, pbx: bool = True
    ) -> tuple[Ended, list[Received]]:
        draw = draw or Draw(state=False)
        setup = Setup(
            world.port,
            world.store,
            self._secret["password"],
            self._secret["token"],
            world.calls,
            draw.faults,
            draw.latency,
            draw.firmware,
        )
        world.write()
        env = {"PBXSYNC_URL": world.url, "PBXSYNC_LOCK_DIR": str(self.folder / "locks")}
        env |= {"PBXSYNC_TOKEN": self._secret["token"]} if "token" in draw.secrets else {}
        if "password" in draw.secrets:
            env |= {"PBXSYNC_USERNAME": USER, "PBXSYNC_PASSWORD": self._secret["password"]}
        self._remember(world, arguments, draw)
        if pbx:
            self._pbxs.open(setup)
        try:
            done = ended(arguments, env, world.folder, self._pbxs, draw.blows if pbx else ())
        finally:
            received = self._pbxs.close() if pbx else []
        self.tally.calls.update(one.call for one in received)
        signals = [number.name for number in done.blows]
        self.last += [f"exit code {done.code}, signals {signals}, calls {[one.call for one in received]}", done.err]
        return done, received

    def _remember(self, world: World, arguments: Sequence[str], draw: Draw) -> None:
        """Write down how to do it again by hand."""
        self.last += [f"--- in {world.folder}:"]
        for path in (world.store, world.state, world.folder / "routes.yaml"):
            if path.exists():
                kept = self.folder / f"{len(self.last)}-{world.kind}-{path.name}"
                kept.write_bytes(path.read_bytes())
                self.last += [f"cp {kept} {path}"]
        faults = [text for one in draw.faults for text in ("--fault", one)]
        calls = [] if world.calls == ALL_CALLS else ["--calls", ",".join(sorted(world.calls))]
        listen = ["--port", str(world.port), "--routes", str(world.store), "--latency", f"{draw.latency:.4f}"]
        odd = [text for name, value in draw.firmware.odd().items() for text in ("--odd", f"{name}={value}")]
        self.last += [shlex.join(["pbxsync", "sandbox", *listen, *calls, *odd, *faults])]
        self.last += [f"export PBXSYNC_URL={world.url} PBXSYNC_USERNAME=admin PBXSYNC_PASSWORD=sandbox"]
        self.last += [f"{shlex.join(['pbxsync', *arguments])}  # it had: {' and '.join(draw.secrets)}"]
        self.last += [f"signals: {list(draw.blows)}"] if draw.blows else []

    def _apply(self, world: World, draw: Draw) -> Done:
        before, known, synced = world.rows(), world.recorded(), world.in_sync()
        arguments = ["apply", *draw.arguments(), *draw.options, *(["--format", "json"] if draw.json else [])]
        end, received = self._run(world, arguments, draw, pbx=not draw.unreachable)
        struck = strikes(draw.faults, received)
        after = world.rows()
        try:
            now = world.recorded()
        except PbxsyncError as error:
            raise Broken(f"the state file can be read: {error}") from None
        expect(end.code != TOO_LATE, "a signal is answered, at whatever moment it comes")
        done = Done(world, draw, before, known, synced, end, received, struck, after, now)
        self._count(done)
        check(done, self._secrets, self._schemas)
        return done

    def _count(self, done: Done) -> None:
        tally, code = self.tally, done.ended.code
        tally.applies += 1
        names = {0: "done", 1: "failed", 3: "in doubt", 129: "interrupted", 130: "interrupted", 143: "interrupted"}
        tally.outcomes[names.get(code, "killed" if code < 0 else f"exit code {code}")] += 1
        tally.faults.update(kind for _, kind in done.struck)
        tally.faults["connection refused"] += done.draw.unreachable and bool(done.ended.code)
        tally.signals.update(number.name for number in done.ended.blows)
        tally.others["Ctrl-C that Python lost by itself"] += len(LOST.findall(done.ended.err))
        tally.modes["by a state file" if done.draw.state else "live"] += 1
        tally.modes["where the firmware only adds"] += done.world.adds_only
        tally.modes["on an odd firmware"] += bool(done.draw.firmware.odd())
        for name in ("prune", "reorder", "add_only"):
            tally.modes[f"with --{name.replace('_', '-')}"] += getattr(done.draw, name)

    def _expect(self, world: World, arguments: Sequence[str], *codes: int) -> list[Received]:
        """Run a command that must end so."""
        end, received = self._run(world, arguments)
        expect(end.code in codes, f"pbxsync {shlex.join(arguments)} exits {codes}, not {end.code}: {end.err}{end.out}")
        self.tally.others[f"pbxsync {arguments[0]}"] += 1
        return received

    def _refresh(self, world: World) -> None:
        self._expect(world, ["refresh", "--state", "state.json"], 0)
        state = world.recorded()
        there = state is not None and claims(state.routes) <= facts(world.rows())
        expect(there, "a state file that was just written claims what is there")

    # Doubts.

    def _settle(self, world: World, dice: Random) -> None:
        """A doubt is there: nothing may be sent before somebody has looked; then settle it by what the PBX holds."""
        self._expect(world, ["plan", "routes.yaml", "--state=state.json"], 3)
        held = world.rows()
        received = self._expect(world, ["apply", "routes.yaml", "--state=state.json"], 3)
        expect(not any(one.call in CHANGES for one in received), "nothing is sent while there is a doubt")
        expect(world.rows() == held, "nothing is changed while there is a doubt")
        if not world.adds_only and dice.random() < 0.4:
            before = self._doubts(world)
            self._refresh(world)
            left = self._doubts(world)
            expect(
                all(carried_out(doubt.change, held) for doubt in before if doubt not in left),
                "a refresh settles only what the PBX holds",
            )
            self.tally.settled["by a refresh"] += len(before) - len(left)
        for doubt in self._doubts(world):
            how = "--applied" if carried_out(doubt.change, held) else "--not-applied"
            self._expect(world, ["resolve", "--state=state.json", how, "--", doubt.change.name], 0)
            self.tally.settled[f"by resolve {how}"] += 1
        expect(not self._doubts(world), "a doubt that was settled is one no more")

    def _doubts(self, world: World) -> tuple[Doubt, ...]:
        state = world.recorded()
        return state.doubts if state else ()

    # Without faults.

    def _converge(self, world: World, dice: Random) -> None:
        """Without faults the PBX becomes what the file says, in one run, and then nothing is left to do."""
        draw = Draw(
            state=world.adds_only or dice.random() < 0.5,
            prune=not world.adds_only,
            reorder=not world.adds_only,
            json=dice.random() < 0.5,
            options=("--max-deletes", "1000", "--type", dice.choice(["json", "xml"])),
        )
        if world.adds_only:
            world.ignored = alike(world)
        else:
            tidy(world)
        if draw.state and not world.adds_only:
            self._refresh(world)
        done = self._apply(world, draw)
        expect(done.ended.code == 0, f"without faults an apply exits 0, not {done.ended.code}: {done.ended.err}")
        world.ignored = []
        self._expect(world, ["plan", *draw.arguments(), "--detailed-exitcode", "--max-deletes", "1000"], 0)
        if not world.adds_only:
            same_calls(world)
            for one in world.routes:
                one.pop("renamed_from", None)
        self.tally.others["runs without faults that brought the PBX to the file"] += 1


def carried_out(change: Change, rows: Sequence[Row]) -> bool:
    """What somebody finds who looks on the PBX for a change."""
    names = Counter(row["name"] for row in rows)
    if change.after is None:
        return not names[change.name]
    if change.before is None or change.before.name != change.name:
        return names[change.name] > 0
    return any(of_row(row) == change.after for row in rows)


def same_calls(world: World) -> None:
    """By the PBX's order each of some calls goes where the file says."""
    file = RouteTable([of_declared(one) for one in world.routes])
    held = RouteTable([of_row(row) for row in world.rows()])
    tails = ("2", "23", "234", "2345", "234567", "0", "0123")
    for number in [*(one["prefix"] + tail for one in world.routes for tail in tails), "911", "00", "1"]:
        for caller in ("", "205"):
            one, other = (table.decide(number, caller) for table in (file, held))
            went = [(way.trunks, way.sends) if way else None for way in (one, other)]
            expect(went[0] == went[1], f"after --reorder {number} from {caller or 'anybody'} goes as the file says")


def free_ports() -> Iterator[int]:
    """Ports that are free now, and that no system gives to a program that asks for any."""
    for port in range(20_000 + os.getpid() % 10_000, 32_000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            yield port
    raise SystemExit("no port is free")


# --- the report -----------------------------------------------------------------------------------------------------


def report(soak: Soak, seconds: float) -> Iterator[str]:
    """The result as text."""
    tally = soak.tally
    python = f"{platform.python_implementation()} {platform.python_version()}"
    yield f"{python}, {platform.system()} {platform.machine()}, {os.cpu_count()} CPUs; seed {soak.seed}"
    yield f"{tally.applies:,} applies in {seconds:,.0f} s, {tally.calls.total():,} calls to the PBX"
    yield ""
    yield from block("applies that ended", tally.outcomes)
    yield from block("of them", tally.modes)
    yield from block("faults struck", tally.faults)
    yield from block("signals sent", tally.signals)
    yield from block("calls received by the PBX", tally.calls)
    yield from block("doubts settled", tally.settled)
    yield from block("besides", tally.others)


def block(title: str, counts: Counter[str]) -> Iterator[str]:
    """Some counts under a title, the largest first."""
    largest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    found = [f"{name} {count:,}" for name, count in largest if count]
    lines = [f"{title}, {counts.total():,}:" if title != "of them" else "of them:"]
    for one in found:
        if len(lines) == 1 or len(lines[-1]) + len(one) > 100:
            lines.append(f"  {one}")
        else:
            lines[-1] += f", {one}"
    yield from lines


KEPT = "0 routes twice, 0 lost, 0 falsely claimed"


def main() -> None:
    """Soak, and print the result; what is under way goes to standard error."""
    parser = argparse.ArgumentParser(description="Apply again and again while everything goes wrong that can.")
    parser.add_argument("--applies", type=int, default=2_000, help="how many (default: 2000)")
    parser.add_argument("--seed", type=int, default=1, help="what everything is drawn by (default: 1)")
    parser.add_argument("--quick", action="store_true", help="only 30 applies, to see that it works")
    chosen = parser.parse_args()
    if not hasattr(os, "fork"):
        raise SystemExit("the soak forks its processes, which this system can't; run it on Linux or macOS")
    applies = 30 if chosen.quick else chosen.applies
    import_everything()
    folder = Path(tempfile.mkdtemp(prefix="pbxsync-soak-"))
    begin = time.monotonic()
    soak = Soak(chosen.seed, folder)
    for number in range(1, applies + 1):
        try:
            soak.step(number)
        except Exception as broken:
            print("\n".join(failure(soak, number, str(broken) or repr(broken))))
            if not isinstance(broken, Broken):
                raise
            raise SystemExit(1) from None
        if number % 50 == 0:
            print(f"{number} of {applies}, {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
    print("\n".join(report(soak, time.monotonic() - begin)))
    print(f"\n{KEPT}")
    shutil.rmtree(folder)


def failure(soak: Soak, number: int, promise: str) -> Iterator[str]:
    """What is broken, and how to see it again."""
    yield f"BROKEN at apply {number} of seed {soak.seed}: {promise}"
    yield f"Again: python benchmarks/soak.py --seed {soak.seed} --applies {number}"
    yield f"By hand, with the files that are kept in {soak.folder}:"
    yield from soak.last


if __name__ == "__main__":
    main()
