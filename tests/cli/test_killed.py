"""Killed at any step, between any two calls of the system: the next run neither repeats nor forgets.

Each test runs a command once to count its steps, and then again and again, killed with SIGKILL at one step after the
other, with a PBX and files as new each time. What the PBX and the files hold then is looked at from outside, and the
next runs bring the PBX to what the file declares.
"""

from __future__ import annotations

import json
import shutil
import socket
import sys
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft202012Validator

from pbxsync import Route, schemas
from pbxsync.known_state import StateFile
from pbxsync.model import FIELDS
from pbxsync.sandbox import Sandbox
from pbxsync.sandbox.pbx import ALL_CALLS
from tests.cli.forked import followed
from tests.cli.process import PATIENCE, declare, names, numbered, route, stored, to
from tests.cli.reordering import ALL, HELD, WANTED, astray, changing, half_done
from tests.in_process import inside as pbxsync
from tests.share import FULL

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence

    from pbxsync.model import Change, KnownState
    from tests.cli.forked import Follow, Followed

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a process is followed step by step on Linux alone")

JSON_AND_XML = pytest.mark.parametrize("kind", ["json", "xml"])

#: At how many steps an apply, and any other command, is killed at first, spread evenly over all that it has. What an
#: apply goes through is the same in XML, but not the steps that are hit.
KILLS = {"json": 205, "xml": 60} if FULL else {"json": 40, "xml": 12}
KILLS_OF_OTHERS = 50 if FULL else 12
#: One in so many kills is followed by the next runs though they begin with what they have begun with before.
AGAIN = 100

#: How an outcome in doubt is settled: by somebody who looks at the PBX, or by pbxsync where it sees that it is there.
Settle: TypeAlias = Literal["resolve", "refresh"]

#: How often a PBX is asked before the first add: by a refresh, and by an apply from the file that this writes.
ASKED = 2 + 3

STATE = Path("state.json")
FILE = Path("routes.yaml")


@dataclass(frozen=True, slots=True)
class Work:
    """What a PBX holds, what the file declares, and the changes between them, as the PBX receives them in order."""

    held: Sequence[Mapping[str, Any]]
    declared: Sequence[Mapping[str, Any]]
    changes: Sequence[str]
    options: Sequence[str] = ()
    state: bool = True
    firmware: Collection[str] = ALL_CALLS


B = route("b", "[2-8]XXXXXX", ["carrier"], prefix="9")
CHANGED = {**B, "trunks": ["carrier", "analog"], "prepend": "212"}
KEPT, NEW, NEWER, OLD = route("a", "911"), route("n1", "1XX"), route("n2", "2XX."), route("old", "8XXX")

EVERYTHING = Work(
    [KEPT, B, OLD],
    [KEPT, CHANGED, NEW, NEWER],
    ["update b", "add n1", "add n2", "delete old"],
    ["--prune"],
)
LIVE = Work(EVERYTHING.held, EVERYTHING.declared, EVERYTHING.changes, ["--prune"], state=False)
ADDS = Work([], numbered(4), [f"add r{n}" for n in range(1, 5)], firmware={"outroute/add"})
REORDER = Work(HELD, WANTED, ALL, ["--reorder"])


@dataclass(frozen=True, slots=True)
class Start:
    """What is there when a command begins that will be killed: a PBX's routes and files, and the PBX's address in them.

    ``left`` are the changes that the PBX is still to receive.
    """

    work: Work
    rows: Sequence[Mapping[str, str]]
    files: Mapping[str, str]
    url: str
    left: Sequence[str]


# --- what is there before each kill ---------------------------------------------------------------------------------


def start(work: Work, kind: str, *, fault: str = "", more: Mapping[str, str] | None = None) -> Start:
    """Make what a command begins with: a state file as refresh writes it; with a fault, as an apply leaves it.

    The fault is the loss of an answer. No query is answered after it, so that it is in doubt.
    """
    clear()
    faults = [fault, f"outroute/query@{ASKED + 1}-=refuse"] if fault else []
    with sandbox(work, stored(*work.held), faults) as pbx:
        declare(str(FILE), work.declared)
        env = settings(pbx, kind)
        if work.state and work.firmware == ALL_CALLS:
            assert pbxsync("refresh", "--state", STATE, env=env).code == 0
        if fault:
            assert apply(work, pbx, env).code == 3
        received = changing(pbx)
        here = {path.name: path.read_text(encoding="utf-8") for path in files()}
        return Start(work, pbx.routes(), {**here, **(more or {})}, pbx.url, work.changes[len(received) :])


@contextmanager
def begun(start: Start) -> Iterator[Sandbox]:
    """What was there at the start, made anew: the files in this folder, and the PBX."""
    clear()
    with sandbox(start.work, start.rows) as pbx:
        for name, text in start.files.items():
            Path(name).write_text(text.replace(start.url, pbx.url), encoding="utf-8")
        yield pbx


def sandbox(work: Work, rows: Iterable[Mapping[str, str]], faults: Iterable[str] = ()) -> Sandbox:
    return Sandbox(tokens=["t"], calls=work.firmware, routes=rows, faults=faults)


def settings(pbx: Sandbox, kind: str) -> dict[str, str]:
    return to(pbx, PBXSYNC_TYPE=kind, PBXSYNC_LOCK_DIR=str(Path("locks").absolute()))


def clear() -> None:
    for path in Path().iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


# --- the kills ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Kills:
    """A command that is killed again and again, and the check of what is there then.

    The check is told how the next runs settle what is in doubt, or None if they need not be looked at once more.
    """

    start: Start
    kind: str
    command: Sequence[object]
    check: Callable[[Sandbox, Mapping[str, str], Settle | None], None]
    follow: Follow = "system"
    steps: int = 0
    killed: int = 0
    found: Counter[Hashable] = field(default_factory=Counter)

    def everywhere(self, kills: int, *, closely: bool = True) -> None:
        """Kill at so many steps, spread evenly; and ``closely``, between two of them where things change."""
        with begun(self.start) as pbx:
            whole = followed(*self.command, env=settings(pbx, self.kind), follow=self.follow)
        assert whole.ended.code == 0, whole.ended.everything
        self.steps = whole.steps
        spread = sorted({1 + (self.steps - 1) * n // (kills - 1) for n in range(kills)})
        found = {step: self.at(step) for step in spread}
        gaps = list(pairwise(spread)) if closely else []
        while gaps:
            low, high = gaps.pop()
            if high - low > 1 and found[low] != found[high]:
                middle = (low + high) // 2
                found[middle] = self.at(middle)
                gaps += [(low, middle), (middle, high)]
        # The steps of two runs differ a little: who waits for whom is up to the system. So a few may come to their end.
        assert self.killed >= 0.95 * min(kills, self.steps)

    def at(self, step: int) -> Hashable:
        """Kill at this step; what is there then."""
        with begun(self.start) as pbx:
            env = settings(pbx, self.kind)
            run = followed(*self.command, env=env, kill_at=step, follow=self.follow)
            try:
                return self._looked_at(pbx, env, run)
            except BaseException as error:
                error.add_note(f"{' '.join(map(str, self.command))} was to be killed at step {step} of {self.steps}")
                error.add_note(f"the PBX received {changing(pbx)} and holds {names(pbx)}")
                error.add_note(f"the folder holds { {path.name: path.read_text() for path in files()} }")
                raise

    def _looked_at(self, pbx: Sandbox, env: Mapping[str, str], run: Followed) -> Hashable:
        settled(pbx)
        assert run.killed or run.ended.code == 0, run.ended.everything
        self.killed += run.killed
        found = situation(pbx)
        self.found[found] += 1
        # What the next run can't tell from what it went on from before, it goes on from as before.
        first = self.found[found] == 1
        settle: Settle | None = "resolve" if first == (self.kind == "json") else "refresh"
        self.check(pbx, env, settle if first or self.killed % AGAIN == 0 else None)
        return found


def settled(pbx: Sandbox) -> None:
    """Wait until the PBX has carried out what a process that is dead by now has sent to it."""
    address = urlsplit(pbx.url)
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE) as behind_all_others:
        behind_all_others.sendall(b"GET / HTTP/1.0\r\n\r\n")
        while behind_all_others.recv(4096):
            pass
    for thread in threading.enumerate():
        if thread.name.startswith("pbxsync sandbox "):  # one connection's
            thread.join(PATIENCE)


def situation(pbx: Sandbox) -> Hashable:
    """All that the next run can tell: what the PBX holds, what is in the files, which locks lie about."""
    texts = [(path.name, path.read_text(encoding="utf-8").replace(pbx.url, "")) for path in files()]
    locks = sorted(path.suffix for path in Path("locks").glob("*"))
    rows = [tuple(row.items()) for row in pbx.routes()]
    return (tuple(texts), len(leftovers()), tuple(locks), tuple(rows), tuple(changing(pbx)))


def files() -> list[Path]:
    """The files of this folder but those that were being written."""
    return sorted(path for path in Path().iterdir() if path.is_file() and path.suffix != ".tmp")


def leftovers() -> list[str]:
    """The names of files that were being written."""
    return [path.name for path in Path().glob(".*.tmp")]


# --- what must hold after each --------------------------------------------------------------------------------------


def check_apply(start: Start, pbx: Sandbox, env: Mapping[str, str], settle: Settle | None) -> None:
    """Look at what a killed apply, or a killed resolve, has left, and at what the next runs make of it."""
    work = start.work
    received = changing(pbx)
    assert received == list(start.left[: len(received)]), "something was sent twice, or out of its turn"
    assert names(pbx) == replayed([row["name"] for row in start.rows], received)
    assert len(leftovers()) <= 1
    if work is REORDER:
        assert astray(pbx) == []
    state = recorded(pbx) if work.state else None
    if state is not None:
        check_record(state, pbx)
    if settle is None:
        return
    left = leftovers()
    if work.state:
        check_doubt(work, pbx, env, state, settle if work.firmware == ALL_CALLS else "resolve")
    done = apply(work, pbx, env)
    assert done.code == 0, done.everything
    assert table(pbx) == [declared(one) for one in work.declared]
    final = plan(work, pbx, env, "--detailed-exitcode")
    assert final.code == 0, final.everything
    # A reorder that was begun is planned anew for what is left of it, and need not go in the first one's order.
    assert sorted(changing(pbx)) == sorted(start.left), "something was repeated, or forgotten"
    assert leftovers() == left


def recorded(pbx: Sandbox) -> KnownState | None:
    """What the state file holds; None if there is none yet, and then nothing was sent."""
    if not STATE.exists():
        assert changing(pbx) == []
        return None
    Draft202012Validator(schemas.load("state")).validate(json.loads(STATE.read_bytes()))
    return StateFile.read(STATE, pbx=None).state


def check_record(state: KnownState, pbx: Sandbox) -> None:
    """See that the PBX holds what is recorded of it, but for what is in doubt."""
    assert state.pbx == pbx.url
    assert len(state.doubts) <= 1
    known = [one.route for one in state.routes]
    assert table(pbx) in [known, *(with_change(known, doubt.change) for doubt in state.doubts)]
    if table(pbx) == known:
        ids = [row["id"] for row in pbx.routes()]
        assert all(one.id in (None, there) for one, there in zip(state.routes, ids, strict=True))


def check_doubt(work: Work, pbx: Sandbox, env: Mapping[str, str], state: KnownState | None, settle: Settle) -> None:
    """See that what is in doubt is shown, and keeps anything from being sent; then settle it as it is on the PBX."""
    doubts = state.doubts if state else ()
    planned = plan(work, pbx, env, "--format", "json")
    assert planned.code == (3 if doubts else 0), planned.everything
    rules = [warning["rule"] for warning in planned.json["plans"][0]["warnings"]]
    assert rules.count("in-doubt") == len(doubts)
    if not doubts or state is None:
        return
    requests = len(pbx.requests)
    refused = apply(work, pbx, env)
    assert refused.code == 3, refused.everything
    assert len(pbx.requests) == requests
    [doubt] = doubts
    applied = table(pbx) != [one.route for one in state.routes]
    if settle == "refresh":
        done = pbxsync("refresh", "--state", STATE, env=env)
        assert done.code == 0, done.everything
        assert ("No longer in doubt" in done.out) == applied
        assert ("still in doubt" in done.err) != applied
    if settle == "resolve" or not applied:
        found = "--applied" if applied else "--not-applied"
        done = pbxsync("resolve", "--state", STATE, found, "--", doubt.change.name, env=env)
        assert done.code == 0, done.everything


def plan(work: Work, pbx: Sandbox, env: Mapping[str, str], *more: str) -> Any:
    return pbxsync("plan", FILE, *options(work, pbx), *more, env=env)


def apply(work: Work, pbx: Sandbox, env: Mapping[str, str]) -> Any:
    return pbxsync("apply", FILE, *options(work, pbx), env=env)


def options(work: Work, pbx: Sandbox) -> list[str]:
    """What the next run is told: to reorder only where no copy tells it, and to begin a state file that isn't there."""
    wanted = [one for one in work.options if one != "--reorder" or not half_done(pbx)]
    if work.state:
        wanted += ["--state", str(STATE), *([] if STATE.exists() else ["--init"])]
    return wanted


def with_change(routes: Sequence[Route], change: Change) -> list[Route]:
    """The routes once the PBX has carried a single call out."""
    if change.before is None:
        return [*routes, *([change.after] if change.after else [])]
    return [one for one in (change.after if one == change.before else one for one in routes) if one is not None]


def replayed(held: Sequence[str], received: Iterable[str]) -> list[str]:
    """The names of a PBX's routes once it has carried out these calls."""
    there = list(held)
    for action, _, name in (one.partition(" ") for one in received):
        if action == "add":
            there.append(name)
        elif action == "delete":
            there.remove(name)
        elif name not in there:
            there[there.index(f"{name}~pbxsync")] = name
    return there


def table(pbx: Sandbox) -> list[Route]:
    return [
        declared({**{name: row[name] for name in FIELDS}, "trunks": row["trunks"].split(",")}) for row in pbx.routes()
    ]


def declared(one: Mapping[str, Any]) -> Route:
    return Route(**{**one, "trunks": tuple(one["trunks"])})


# --- apply ----------------------------------------------------------------------------------------------------------


def of_apply(work: Work, kind: str, follow: Follow = "system") -> Kills:
    begin = start(work, kind)
    with begun(begin) as pbx:
        command = ["apply", FILE, *options(work, pbx)]
    return Kills(begin, kind, command, lambda *found: check_apply(begin, *found), follow)


@JSON_AND_XML
def test_an_apply_with_a_state_file_repeats_and_forgets_nothing(kind: str) -> None:
    of_apply(EVERYTHING, kind).everywhere(KILLS[kind])


@JSON_AND_XML
def test_an_apply_on_firmware_that_only_adds_repeats_and_forgets_nothing(kind: str) -> None:
    of_apply(ADDS, kind).everywhere(KILLS[kind])


@JSON_AND_XML
def test_a_live_apply_repeats_and_forgets_nothing(kind: str) -> None:
    of_apply(LIVE, kind).everywhere(KILLS[kind])


@JSON_AND_XML
def test_a_reorder_with_a_state_file_repeats_and_forgets_nothing_and_no_call_goes_astray(kind: str) -> None:
    of_apply(REORDER, kind).everywhere(KILLS[kind])


def test_an_apply_that_is_killed_between_calls_of_python_repeats_and_forgets_nothing() -> None:
    of_apply(EVERYTHING, "json", "calls").everywhere(30, closely=False)


# --- commands that write one file -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "found"), [("outroute/add@1=after:reset", "--applied"), ("outroute/add@1=before:reset", "--not-applied")]
)
def test_a_resolve_leaves_the_doubt_or_settles_it(fault: str, found: str) -> None:
    begin = start(EVERYTHING, "json", fault=fault)
    left = begin.left if found == "--applied" else ["add n1", *begin.left]
    begin = Start(begin.work, begin.rows, begin.files, begin.url, left)

    def check(pbx: Sandbox, env: Mapping[str, str], settle: Settle | None) -> None:
        assert pbx.requests == []
        check_apply(begin, pbx, env, settle)

    Kills(begin, "json", ["resolve", "--state", STATE, found, "--", "n1"], check).everywhere(KILLS_OF_OTHERS)


@JSON_AND_XML
def test_a_refresh_leaves_the_old_record_or_the_new_one(kind: str) -> None:
    begin = start(EVERYTHING, kind, fault="outroute/add@1=after:reset")
    # Somebody has changed the PBX by hand meanwhile, so that there is more to record than that n1 is there.
    begin = Start(begin.work, [*begin.rows, *stored(route("by hand", "7X"))], begin.files, begin.url, begin.left)
    command = ["refresh", "--state", STATE]
    check_one_file(begin, kind, command, STATE, ["plan", FILE, "--prune", "--state", STATE])


@JSON_AND_XML
def test_an_export_leaves_the_old_file_or_the_new_one(kind: str) -> None:
    exported = Path("hq.yaml")
    begin = start(LIVE, kind, more={str(exported): "# what was there\nroutes: []\n"})
    check_one_file(begin, kind, ["export", "-o", exported], exported, ["plan", exported, "--detailed-exitcode"])


def check_one_file(begin: Start, kind: str, command: Sequence[object], file: Path, then: Sequence[object]) -> None:
    """Kill a command that writes one file, and see that it is the old one or the new one, and made new by another."""
    with begun(begin) as pbx:
        env = settings(pbx, kind)
        old = file.read_text(encoding="utf-8").replace(pbx.url, begin.url)
        assert pbxsync(*command, env=env).code == 0
        new = file.read_text(encoding="utf-8").replace(pbx.url, begin.url)
    assert old != new

    def check(pbx: Sandbox, env: Mapping[str, str], settle: Settle | None) -> None:
        assert file.read_text(encoding="utf-8").replace(pbx.url, begin.url) in (old, new)
        assert changing(pbx) == []
        assert len(leftovers()) <= 1
        if settle is None:
            return
        left = leftovers()
        again = pbxsync(*command, env=env)
        assert again.code == 0, again.everything
        assert file.read_text(encoding="utf-8").replace(pbx.url, begin.url) == new
        planned = pbxsync(*then, env=env)
        assert planned.code == 0, planned.everything
        assert leftovers() == left

    Kills(begin, kind, command, check).everywhere(KILLS_OF_OTHERS)
