"""What was measured, as Markdown."""

from __future__ import annotations

import os
import platform
import re
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from measure import GrowthResult, PairResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from measure import Run

#: Whose versions matter.
PACKAGES = ("ansible-core", "check-jsonschema", "httpx", "octodns", "yamllint")
#: The share of a run's time from which on the server may be what is measured.
BUSY = 0.5


def document(results: Sequence[PairResult | GrowthResult], not_run: Sequence[str]) -> Iterator[str]:
    """All lines: the machine, the tables, and what was not run."""
    yield machine()
    pairs = [result for result in results if isinstance(result, PairResult)]
    wired = [result for result in pairs if result.ours[0].served]
    grown = [result for result in results if isinstance(result, GrowthResult)]
    if pairs:
        yield from ("", *table(PAIR_HEADER, map(pair_cells, pairs)))
    if wired:
        yield from ("", *table(WIRE_HEADER, map(wire_cells, wired)), "", *load(wired))
    if grown:
        sizes = [f"{size:,} routes" for size in grown[0].growth.sizes]
        less, more = (f"{size:,}" for size in grown[0].growth.between)
        header = ("row", "pbxsync", *sizes, f"a route at {more} against {less}", "spread", "wanted")
        yield from ("", *table(header, map(growth_cells, grown)))
    if not_run:
        yield from ("", *(f"Not run: {line}" for line in not_run))


def machine() -> str:
    """What it was measured on, when, and with what."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        named = re.search(r"^model name\s*: (.*)", cpuinfo.read_text(encoding="utf-8"), re.M)
        model = named[1] if named else model
    python = f"{platform.python_implementation()} {platform.python_version()}"
    system = f"{platform.system()} {platform.release()}"
    return f"{model}, {os.cpu_count()} CPUs; {system}; {python}; {', '.join(versions())}; {date.today():%Y-%m-%d}."


def versions() -> Iterator[str]:
    """What is there of the peers."""
    for package in PACKAGES:
        try:
            yield f"{package} {version(package)}"
        except PackageNotFoundError:
            continue


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table in Markdown."""
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


PAIR_HEADER = ("row", "pbxsync", "time", "memory", "against", "time", "memory", "ratio", "spread", "wanted")


def pair_cells(result: PairResult) -> tuple[str, ...]:
    """One line of the table of ratios."""
    pair = result.pair
    if pair.theirs is None:
        return (pair.row, pair.ours.does, *medians(result.ours), *[""] * 5, wanted(result))
    return (
        *(pair.row, pair.ours.does, *medians(result.ours), pair.theirs.does, *medians(result.theirs)),
        *(number(result.ratio()), spread(result.spread()), wanted(result)),
    )


def wanted(result: PairResult) -> str:
    """What was aimed at, and whether it was reached."""
    pair = result.pair
    texts = []
    if pair.wanted is not None:
        what = "memory " if pair.by(result.ours[0]) == result.ours[0].peak else ""
        texts.append(f"{what}≤ {pair.wanted:g}: {reached(result.ratio() <= pair.wanted)}")
    if pair.most is not None:
        held = median(run.peak for run in result.ours) <= pair.most
        texts.append(f"≤ {megabytes(pair.most)}: {reached(held)}")
    return "; ".join(texts)


def reached(holds: bool) -> str:
    """Whether what was aimed at holds, in a word."""
    return "reached" if holds else "**missed**"


def medians(runs: Sequence[Run]) -> tuple[str, str]:
    """The median time and memory."""
    return seconds(median(run.seconds for run in runs)), megabytes(median(run.peak for run in runs))


def seconds(value: float) -> str:
    """A time with three digits that count."""
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.3g} s"


def megabytes(value: float) -> str:
    """An amount of memory, in millions of bytes."""
    return f"{value / 1_000_000:.0f} MB"


def number(value: float) -> str:
    """A ratio."""
    return f"{value:.4f}" if value < 0.1 else f"{value:.2f}"


def spread(between: tuple[float, float]) -> str:
    """The least and the greatest ratio."""
    return " – ".join(map(number, between))


WIRE_HEADER = (
    *("row", "pbxsync", "requests", "connections", "wanted", "requests/s"),
    *("server's share of the time", "of the peer's time"),
)


def wire_cells(result: PairResult) -> tuple[str, ...]:
    """One line of the table of what the server saw."""
    pair = result.pair
    served = [run.served for run in result.ours if run.served]
    requests, connections = {one.requests for one in served}, {one.connections for one in served}
    aims = [
        f"{what} {count:,}: {reached(seen == {count})}"
        for what, count, seen in (
            ("requests", pair.requests, requests),
            ("connections", pair.connections, connections),
        )
        if count is not None
    ]
    rate = median(run.served.requests / run.seconds for run in result.ours if run.served)
    theirs = shares(result.theirs)
    return (
        *(pair.row, pair.ours.does, counts(requests), counts(connections), "; ".join(aims), f"{rate:,.0f}"),
        *(f"{median(shares(result.ours)):.0%}", f"{median(theirs):.0%}" if theirs else ""),
    )


def counts(seen: set[int]) -> str:
    """How many there were; the least and the most where the runs differ."""
    return " – ".join(f"{count:,}" for count in sorted({min(seen), max(seen)}))


def shares(runs: Sequence[Run]) -> list[float]:
    """How much of each run's time the server was at work."""
    return [run.served.processor / run.seconds for run in runs if run.served]


def load(wired: Sequence[PairResult]) -> Iterator[str]:
    """Whether the server may be what was measured."""
    most: dict[str, float] = {}
    for result in wired:
        row = result.pair.row
        most[row] = max(most.get(row, 0.0), *shares([*result.ours, *result.theirs]))
    busy = [row for row, share in most.items() if share > BUSY]
    yield f"The server is a process of its own. It was at work for {max(most.values()):.0%} of a run's time at most:"
    yield f"it may be what is measured in {', '.join(busy)}." if busy else "it is not the bottleneck."


def growth_cells(result: GrowthResult) -> tuple[str, ...]:
    """One line of the table of growth."""
    growth, ratio, between = result.growth, result.ratio(), result.spread()
    sizes = [", ".join(medians(runs)) for runs in result.runs.values()]
    if ratio is None or between is None:
        return (growth.row, growth.does, *sizes, "", "", f"≤ {growth.wanted:g}")
    aim = f"≤ {growth.wanted:g}: {reached(ratio <= growth.wanted)}"
    return (growth.row, growth.does, *sizes, number(ratio), spread(between), aim)
