"""Runs commands in turn, and keeps what each run took."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from wire import Served, Server

SPAWN = Path(__file__).with_name("spawn.py")


class NotRun(Exception):
    """Something can't be measured; the message says why, in one line."""


@dataclass(frozen=True, slots=True)
class Wire:
    """The server that a command talks to, how it is before each run, and how many routes it holds afterwards."""

    server: Server
    left: int
    latency: float = 0.0
    held: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """What is measured: ``does`` names it in the table, ``says`` must stand in its output."""

    does: str
    argv: Sequence[str]
    says: str = ""
    wire: Wire | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


class Run(NamedTuple):
    """What one run took: seconds, the most memory it held in bytes, and what the server counted."""

    seconds: float
    peak: float
    served: Served | None


@dataclass(frozen=True, slots=True)
class Pair:
    """A command of pbxsync and what it is compared with; without ``theirs`` it is measured alone.

    ``wanted`` is the ratio that is aimed at, of what ``by`` gives of a run. ``most`` is how many bytes pbxsync may
    hold, ``requests`` and ``connections`` are how many the server has to see of it. ``needs`` names programs that a
    script runs.
    """

    row: str
    ours: Command
    theirs: Command | None = None
    repeats: int = 1
    wanted: float | None = None
    by: Callable[[Run], float] = lambda run: run.seconds
    most: float | None = None
    requests: int | None = None
    connections: int | None = None
    needs: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Growth:
    """One command on more and more routes; the first of ``sizes`` stands for what it takes to start."""

    row: str
    does: str
    sizes: Mapping[int, Command]
    between: tuple[int, int]
    repeats: int
    wanted: float


@dataclass(frozen=True, slots=True)
class PairResult:
    """Every run of a pair, each of ``ours`` with the one of ``theirs`` that came after it."""

    pair: Pair
    ours: Sequence[Run]
    theirs: Sequence[Run]

    def ratio(self) -> float:
        """The median of ours by the median of theirs."""
        by = self.pair.by
        return median(map(by, self.ours)) / median(map(by, self.theirs))

    def spread(self) -> tuple[float, float]:
        """The least and the greatest ratio of two runs that came one after the other."""
        by = self.pair.by
        each = [by(ours) / by(theirs) for ours, theirs in zip(self.ours, self.theirs, strict=True)]
        return min(each), max(each)


@dataclass(frozen=True, slots=True)
class GrowthResult:
    """Every run of each size, the repeats in their order."""

    growth: Growth
    runs: Mapping[int, Sequence[Run]]

    def ratio(self) -> float | None:
        """How much longer a route takes at the larger size, by medians; None where the start is all that there is."""
        return self._grown({size: median(run.seconds for run in runs) for size, runs in self.runs.items()})

    def spread(self) -> tuple[float, float] | None:
        """The least and the greatest such ratio of one repeat."""
        each = [
            self._grown({size: runs[repeat].seconds for size, runs in self.runs.items()})
            for repeat in range(self.growth.repeats)
        ]
        known = [ratio for ratio in each if ratio is not None]
        return (min(known), max(known)) if known else None

    def _grown(self, seconds: Mapping[int, float]) -> float | None:
        start = min(seconds)
        less, more = ((seconds[size] - seconds[start]) / (size - start) for size in self.growth.between)
        return more / less if less > 0 else None


class Measurer:
    """Runs commands in a folder for temporary files, which they have for a home, too. ``tell`` hears of each run."""

    def __init__(self, folder: Path, tell: Callable[[str], None]) -> None:
        self._folder = folder
        self._tell = tell
        self._path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"

    def pair(self, pair: Pair) -> PairResult:
        """Run both in turn. Raises NotRun."""
        both = [pair.ours, *([pair.theirs] if pair.theirs else [])]
        runs = self._in_turn(pair.row, both, pair.repeats, pair.needs)
        return PairResult(pair, runs[0], runs[1] if pair.theirs else ())

    def growth(self, growth: Growth) -> GrowthResult:
        """Run all sizes in turn. Raises NotRun."""
        runs = self._in_turn(growth.row, list(growth.sizes.values()), growth.repeats)
        return GrowthResult(growth, dict(zip(growth.sizes, runs, strict=True)))

    def _in_turn(
        self, row: str, commands: Sequence[Command], repeats: int, needs: Sequence[str] = ()
    ) -> list[list[Run]]:
        self._check_there([*(command.argv[0] for command in commands), *needs])
        runs: list[list[Run]] = [[] for _ in commands]
        for repeat in range(repeats):
            for command, several in zip(commands, runs, strict=True):
                self._tell(f"{row}: {repeat + 1} of {repeats}: {command.does}")
                several.append(self._run(command))
        return runs

    def _check_there(self, programs: Iterable[str]) -> None:
        missing = [program for program in programs if self._found(program) is None]
        if missing:
            raise NotRun(f"{' and '.join(missing)} not found")

    def _found(self, program: str) -> str | None:
        return shutil.which(program, path=self._path)

    def _run(self, command: Command) -> Run:
        if command.wire:
            command.wire.server.reset(command.wire.latency, command.wire.held)
        took = self._spawned(command)
        served = command.wire.server.served() if command.wire else None
        out, err = (
            self._folder.joinpath(name).read_text(encoding="utf-8", errors="replace") for name in ("out", "err")
        )
        if took["code"]:
            last = (err.strip() or out.strip()).splitlines()[-1:]
            raise NotRun(f"{command.does} exits {took['code']:.0f}: {' '.join(last)}")
        if command.says not in out + err:
            raise NotRun(f"{command.does} does not say {command.says!r}")
        if command.wire and served and served.routes != command.wire.left:
            raise NotRun(f"{command.does} leaves {served.routes} routes, not {command.wire.left}")
        return Run(took["seconds"], took["peak"], served)

    def _spawned(self, command: Command) -> dict[str, float]:
        order = {
            "argv": [self._found(command.argv[0]), *command.argv[1:]],
            "folder": str(self._folder),
            "environment": {**self._environment(), **command.environment},
            "out": str(self._folder / "out"),
            "err": str(self._folder / "err"),
        }
        small = [sys.executable, "-I", "-S", str(SPAWN), json.dumps(order)]
        done = subprocess.run(small, stdout=subprocess.PIPE, encoding="utf-8", check=True)
        took: dict[str, float] = json.loads(done.stdout)
        return took

    def _environment(self) -> dict[str, str]:
        """Nothing of the user's own, so that nobody's settings change what is measured."""
        folder = str(self._folder)
        return {
            "PATH": self._path,
            "HOME": folder,
            "TMPDIR": folder,
            "LANG": "C.UTF-8",
            "PBXSYNC_TOKEN": "t",
            "PBXSYNC_LOCK_DIR": str(self._folder / "locks"),
        }
