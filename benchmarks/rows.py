"""What is compared with what: each row makes its files, opens its server, and yields its pairs."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import made_files
from made_files import NOWHERE, changed, routes
from measure import Command, Growth, Pair, Wire
from wire import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from measure import Run

HERE = Path(__file__).resolve().parent
SCHEMA = HERE.parent / "schema" / "routes.schema.json"
BARE = (sys.executable, str(HERE / "bare.py"))
MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything; nothing is repeated more often than ``repeats``."""

    few: int = 10
    many: int = 10_000
    most: int = 100_000
    adds: int = 1_000
    peer_adds: int = 100
    latency: float = 0.02
    fleet: int = 50
    fleet_adds: int = 20
    large_fleet: int = 1_000
    large_fleet_adds: int = 5
    sites: tuple[int, int] = (10, 1_000)
    site_routes: int = 100
    growth: tuple[int, ...] = (10, 100, 1_000, 10_000, 100_000)
    between: tuple[int, int] = (1_000, 100_000)
    repeats: int = 1_000


FULL = Sizes()
#: To see that everything runs.
SMALL = Sizes(
    few=2,
    many=40,
    most=100,
    adds=8,
    peer_adds=3,
    latency=0.001,
    fleet=4,
    fleet_adds=3,
    large_fleet=6,
    large_fleet_adds=2,
    sites=(2, 5),
    site_routes=4,
    growth=(2, 10, 20, 40),
    between=(10, 40),
    repeats=1,
)


class Stage:
    """The files of one row, in a folder of its own."""

    def __init__(self, folder: Path, sizes: Sizes) -> None:
        self.folder = folder
        self.sizes = sizes

    def file(self, count: int, url: str = NOWHERE) -> str:
        """A routes file of so many routes."""
        path = self.folder / f"{'offline' if url == NOWHERE else 'live'}-{count}.yaml"
        made_files.write_routes(path, url, routes(count))
        return str(path)

    def state(self, count: int) -> str:
        """A state file of as many, of which one of a hundred is another."""
        path = self.folder / f"{count}.json"
        made_files.write_state(path, NOWHERE, changed(routes(count)))
        return str(path)

    def sites(self, urls: Sequence[str], count: int) -> tuple[str, str]:
        """A folder of routes files, one for each PBX, and one of their state files."""
        folders = [self.folder / f"{kind}-{len(urls)}" for kind in ("sites", "states")]
        for folder in folders:
            folder.mkdir()
        for number, url in enumerate(urls):
            made_files.write_routes(folders[0] / f"pbx-{number:04}.yaml", url, routes(count))
            made_files.write_state(folders[1] / f"pbx-{number:04}.json", url, changed(routes(count)))
        return str(folders[0]), str(folders[1])

    def order(self, urls: Sequence[str], count: int) -> str:
        """The same routes for a bare loop."""
        path = self.folder / "order.json"
        order = {"urls": list(urls), "routes": [route.fields() for route in routes(count)]}
        path.write_text(json.dumps(order), encoding="utf-8")
        return str(path)

    def times(self, repeats: int) -> int:
        """How often to repeat what is best repeated so often."""
        return min(repeats, self.sizes.repeats)


def updates(count: int) -> int:
    """How many of so many routes `changed` changes."""
    return -(-count // 100)


def to_update(count: int) -> str:
    """What a plan that finds these says."""
    return f"{updates(count)} to update"


def python(imports: str) -> Command:
    """Python with nothing but some imports."""
    return Command(f"`python -c 'import {imports}'`", (sys.executable, "-c", f"import {imports}"))


# --- one file -------------------------------------------------------------------------------------------------------


def start(at: Stage) -> Iterator[Pair]:
    """What it takes to say nothing."""
    for option, says in (("--version", "pbxsync"), ("--help", "Usage")):
        ours = Command(f"`pbxsync {option}`", ("pbxsync", option), says)
        yield Pair("start", ours, python("click"), at.times(21), wanted=1.3)


def validate_one(at: Stage) -> Iterator[Pair]:
    """A file as an editor or a commit hook checks it."""
    few = at.sizes.few
    ours = Command(f"`validate`, {few:,} routes", ("pbxsync", "validate", at.file(few)), "in 1 file")
    yield Pair("validate-one", ours, python("click, yaml, jsonschema"), at.times(21), wanted=1.3)


def plan_one(at: Stage) -> Iterator[Pair]:
    """A plan as a pull request shows it."""
    few = at.sizes.few
    yield Pair("plan-one", offline(at, few, impact=True), repeats=at.times(21))


def offline(at: Stage, count: int, *, impact: bool = False) -> Command:
    """A plan from a state file."""
    options = () if impact else ("--no-impact",)
    argv = ("pbxsync", "plan", *options, "--state", at.state(count), at.file(count))
    return Command(f"`{' '.join(('plan --state', *options))}`, {count:,} routes", argv, to_update(count))


def validate(at: Stage) -> Iterator[Pair]:
    """A large file, against what checks YAML with a schema, and against what checks how it is written."""
    many = at.sizes.many
    file = at.file(many)
    ours = Command(f"`validate`, {many:,} routes", ("pbxsync", "validate", file), "in 1 file")
    schema = Command(
        "`check-jsonschema`, the same schema", ("check-jsonschema", "--schemafile", str(SCHEMA), file), "ok"
    )
    style = Command("`yamllint -d relaxed`", ("yamllint", "-d", "relaxed", file))
    yield Pair("validate", ours, schema, at.times(5), wanted=0.07)
    yield Pair("validate", ours, style, at.times(5))


def plan(at: Stage) -> Iterator[Pair]:
    """A plan of a large file, against a planner for DNS."""
    many = at.sizes.many
    config = made_files.write_octodns(at.folder / "octodns", routes(many), changed(routes(many)))
    theirs = Command(
        f"`octodns-sync`, {many:,} records",
        ("octodns-sync", "--config-file", str(config)),
        f"Updates={updates(many)},",
    )
    yield Pair("plan", offline(at, many), theirs, at.times(5), wanted=0.15, most=80 * MB)


def plan_most(at: Stage) -> Iterator[Pair]:
    """A plan of a file larger than any PBX can use, against reading it and the state alone."""
    ours = offline(at, at.sizes.most)
    *_, state, file = ours.argv
    theirs = Command("draining YAML events, `json.load`", (*BARE, "drain", file, state))
    yield Pair("plan-most", ours, theirs, at.times(5), wanted=2.5, most=250 * MB)


# --- over the wire --------------------------------------------------------------------------------------------------


def plan_live(at: Stage) -> Iterator[Pair]:
    """A plan of what the PBX answers, against one of a state file."""
    many = at.sizes.many
    with Server(1) as server:
        held = [route.fields() for route in changed(routes(many))]
        argv = ("pbxsync", "plan", "--no-impact", at.file(many, server.urls[0]))
        ours = Command(f"`plan --no-impact`, {many:,} routes", argv, to_update(many), Wire(server, many, held=held))
        yield Pair("plan-live", ours, offline(at, many), at.times(9), wanted=1.5, requests=1, connections=1)


def apply(at: Stage) -> Iterator[Pair]:
    """Many adds to one PBX, against a bare loop of these adds, which asks nothing before and checks nothing after."""
    adds = at.sizes.adds
    with Server(1) as server:
        file, order = at.file(adds, server.urls[0]), at.order(server.urls, adds)
        for latency, options, repeats, wanted in (
            (0.0, (), 9, 1.15),
            (0.0, ("--no-impact",), 9, None),
            (at.sizes.latency, (), 3, 1.05),
        ):
            wire = Wire(server, adds, latency)
            what = f"{adds:,} adds, {milliseconds(latency)}"
            ours = applied((*options, file), f"`{' '.join(('apply', *options))}`, {what}", wire)
            theirs = Command("a loop on one `httpx.Client`", (*BARE, "httpx", order), wire=wire)
            yield Pair("apply", ours, theirs, at.times(repeats), wanted=wanted, connections=1)


def applied(arguments: Sequence[str], does: str, wire: Wire) -> Command:
    """An apply that asks nobody."""
    return Command(does, ("pbxsync", "apply", "--yes", *arguments), wire=wire)


def milliseconds(latency: float) -> str:
    """A latency in words."""
    return f"{latency * 1000:g} ms" if latency else "no latency"


def apply_peers(at: Stage) -> Iterator[Pair]:
    """Some adds to one PBX, against what people do who have nothing made for it."""
    adds = at.sizes.peer_adds
    with Server(1) as server:
        wire, url = Wire(server, adds), server.urls[0]
        ours = applied((at.file(adds, url),), f"`apply`, {adds:,} adds, no latency", wire)
        playbook, script = at.folder / "playbook.yaml", at.folder / "curls.sh"
        made_files.write_playbook(playbook, url, routes(adds))
        made_files.write_curls(script, url, routes(adds))
        inventory = ("-i", "localhost,", "-e", f"ansible_python_interpreter={sys.executable}")
        ansible = Command(
            "Ansible's `uri`, a loop",
            ("ansible-playbook", *inventory, str(playbook)),
            f"to-{routes(1)[0].prefix}",
            wire,
        )
        yield Pair("apply-peers", ours, ansible, at.times(3), wanted=0.015)
        curls = Command("one `curl` a route", ("sh", str(script)), wire=wire)
        yield Pair("apply-peers", ours, curls, at.times(5), needs=("curl",))


def fleet(at: Stage) -> Iterator[Pair]:
    """Adds to many PBXs side by side, against raw sockets that send the same; then to very many."""
    sizes = at.sizes
    for pbxs, adds, raw in ((sizes.fleet, sizes.fleet_adds, True), (sizes.large_fleet, sizes.large_fleet_adds, False)):
        with Server(pbxs) as server:
            wire = Wire(server, pbxs * adds, sizes.latency)
            parallel = min(pbxs, sizes.fleet)
            sites, _ = at.sites(server.urls, adds)
            does = f"`apply --parallel {parallel}`, {pbxs:,} PBXs × {adds} adds, {milliseconds(sizes.latency)}"
            ours = applied(("--parallel", str(parallel), sites), does, wire)
            theirs = Command(
                f"raw sockets in {pbxs} threads, the same requests",
                (*BARE, "sockets", at.order(server.urls, adds)),
                wire=wire,
            )
            # The table twice, the names, the adds with a look at where new routes go, and a query that sees what became
            # of them.
            requests = pbxs * (adds + 4 + (adds > 2))
            if raw:
                yield Pair("fleet", ours, theirs, at.times(5), 2.5, requests=requests, connections=pbxs)
            else:
                yield Pair("fleet", ours, repeats=at.times(3), requests=requests)


# --- memory and growth ----------------------------------------------------------------------------------------------


def peak(run: Run) -> float:
    """What a run held of memory at most."""
    return run.peak


def memory(at: Stage) -> Iterator[Pair]:
    """Many PBXs against few: from state files, and live."""
    few, many = at.sizes.sites
    per = at.sizes.site_routes
    held = [route.fields() for route in changed(routes(per))]
    with Server(few) as small, Server(many) as large:
        states, live = {}, {}
        for pbxs, server in ((few, small), (many, large)):
            sites, known = at.sites(server.urls, per)
            what, says = f"{pbxs:,} PBXs × {per:,} routes", to_update(per)
            argv = ("pbxsync", "plan", "--no-impact")
            states[pbxs] = Command(f"`plan --no-impact --state`, {what}", (*argv, "--state", known, sites), says)
            wire = Wire(server, pbxs * per, held=held)
            live[pbxs] = Command(f"`plan --no-impact`, {what}", (*argv, sites), says, wire)
        yield Pair("memory", states[many], states[few], at.times(3), wanted=2, by=peak)
        yield Pair("memory", live[many], live[few], at.times(3), wanted=2, by=peak, requests=many, connections=many)


def growth(at: Stage) -> Iterator[Growth]:
    """The same on more and more routes."""
    sizes = at.sizes
    checks = {size: Command("validate", ("pbxsync", "validate", at.file(size)), "in 1 file") for size in sizes.growth}
    plans = {size: offline(at, size) for size in sizes.growth}
    for does, commands in (("`validate`", checks), ("`plan --state --no-impact`", plans)):
        yield Growth("growth", does, commands, sizes.between, at.times(7), wanted=1.3)


ROWS: dict[str, Callable[[Stage], Iterator[Pair] | Iterator[Growth]]] = {
    "start": start,
    "validate-one": validate_one,
    "plan-one": plan_one,
    "validate": validate,
    "plan": plan,
    "plan-most": plan_most,
    "plan-live": plan_live,
    "apply": apply,
    "apply-peers": apply_peers,
    "fleet": fleet,
    "memory": memory,
    "growth": growth,
}
