"""What it costs to compute with route tables, and how that grows with the table.

Run it with ``make growth``; the page ``docs/performance.md`` has its result. Every measurement is a process of its own,
so that the memory of one is not that of another. The repeats come in turn, so that a busy moment of the machine hits
one repeat of many measurements, not all of one. The tables are the same in every run.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import re
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from random import Random
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from pbxsync.dialplan.coverage import table_findings
from pbxsync.dialplan.impact import impact
from pbxsync.dialplan.lint import field_findings
from pbxsync.dialplan.order import Standing, placed
from pbxsync.dialplan.passing import Version, passing
from pbxsync.dialplan.table import RouteTable
from pbxsync.model import Route

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

#: How often everything is measured.
REPEATS = 3
#: What takes less is done again in the same process until it took so many seconds together; the mean counts.
ENOUGH = 0.2
#: Calls that are decided in one measurement.
CALLS = 200
#: Ways to change a table that it is compared with in one measurement: it is chance how many calls a change concerns.
CHANGES = 5
#: Memory that a table needs beyond what every process needs, in MiB: how less than that grows can't be told.
NOTICED = 1.0

# --- tables ---------------------------------------------------------------------------------------------------------

#: Country codes have two digits; these are the first two of those that have three, and 1 and 7 are codes by themselves.
OF_THREE = {*range(21, 27), 29, 35, 37, 38, 42, 50, 59, *range(67, 70), 80, 85, 87, 88, 96, 97, 99}
COUNTRIES = [
    str(code)
    for first in (*range(20, 70), *range(80, 100))
    for code in (range(first * 10, first * 10 + 10) if first in OF_THREE else (first,))
]
#: Longer prefixes are rare in lists of prices.
LONGEST = 7


def trunk_orders(random: Random) -> list[tuple[str, ...]]:
    """Some ways to try one to three of forty trunks."""
    trunks = [f"carrier-{number:02}" for number in range(40)]
    return [tuple(random.sample(trunks, random.randint(1, 3))) for _ in range(60)]


def prefixes(count: int, random: Random) -> dict[str, tuple[str, ...]]:
    """So many prefixes as carriers publish them, longest first, each with its trunks.

    A country has a prefix, and so have parts of it that cost something else: runs of neighbouring digits, within which
    there may be such parts again.
    """
    orders = trunk_orders(random)
    countries = random.sample(COUNTRIES, min(len(COUNTRIES), max(10, count // 10)))
    found = {country: random.choice(orders) for country in ("1", "7", *countries)}
    within = list(found)
    while len(found) < count:
        parent = random.choice(within)
        parent += str(random.randrange(10)) if len(parent) < LONGEST - 1 and random.random() < 0.4 else ""
        first = random.randrange(10)
        order = random.choice(orders)
        for digit in range(first, min(first + random.randint(1, 5), 10)):
            part = f"{parent}{digit}"
            if part not in found and len(found) < count:
                found[part] = order
                within += [part] if len(part) < LONGEST else []
    return {prefix: found[prefix] for prefix in sorted(found, key=lambda prefix: (-len(prefix), prefix))}


def prefix_table(count: int) -> list[Route]:
    """A list of prefixes, each with its own trunks, and a catch-all."""
    random = Random(f"prefixes {count}")
    routes = [
        Route(f"to-{prefix}", "X.", trunks, prefix=prefix, prepend=prefix)
        for prefix, trunks in prefixes(count - 1, random).items()
    ]
    return [*routes, CATCH_ALL]


def overlapping_table(count: int) -> list[Route]:
    """Patterns that take parts of each other's numbers, some for some callers only, and a catch-all.

    A smaller table is the beginning of a larger one, for it is chance how much patterns have in common.
    """
    random = Random("overlapping")
    orders = trunk_orders(random)
    routes = []
    for number in range(count - 1):
        pattern = "".join(place(random) for _ in range(random.randint(3, 11)))
        tail = random.choices(["", ".", "!"], [90, 8, 2])[0]
        callerid = random.choices(["", f"{random.randint(1, 9)}XX", f"{random.randint(10, 49)}X"], [70, 15, 15])[0]
        routes.append(Route(f"route-{number}", pattern + tail, random.choice(orders), callerid=callerid))
    return [*routes, CATCH_ALL]


def place(random: Random) -> str:
    """A digit, or as often a class or a range of them."""
    if random.random() < 0.5:
        return str(random.randrange(10))
    first = random.randint(0, 7)
    return random.choice(["X", "X", "X", "N", "Z", f"[{first}-{random.randint(first + 1, 9)}]"])


def caller_table(count: int) -> list[Route]:
    """One half: an extension's own way out each, for all that it dials; below them: prefixes for everybody else."""
    random = Random(f"callers {count}")
    extensions = [
        Route(f"line-{extension}", "X.", (f"line-{extension % 40:02}",), prefix="9", callerid=str(extension))
        for extension in range(1000, 1000 + count // 2)
    ]
    below = [
        Route(f"to-{prefix}", "X.", trunks, prefix=f"9{prefix}", prepend=prefix)
        for prefix, trunks in prefixes(count - count // 2 - 1, random).items()
    ]
    return [*extensions, *below, CATCH_ALL]


CATCH_ALL = Route("rest", "X.", ("carrier-00", "carrier-01"))


class Kind(NamedTuple):
    """A kind of table: its name, the numbers of routes to measure, how to make one."""

    name: str
    sizes: tuple[int, ...]
    make: Callable[[int], list[Route]]


KINDS = {
    kind.name: kind
    for kind in (
        Kind("prefixes", (100, 1_000, 10_000), prefix_table),
        Kind("overlapping", (100, 300, 500), overlapping_table),
        Kind("callers", (100, 300, 1_000), caller_table),
    )
}

# --- work -----------------------------------------------------------------------------------------------------------


class Work(NamedTuple):
    """Something to measure: ``prepare`` makes of routes what is run. That returns how much it found.

    The time of one run is divided by ``times``.
    """

    name: str
    prepare: Callable[[list[Route]], Callable[[], int]]
    times: int = 1


def deciding(routes: list[Route]) -> Callable[[], int]:
    """Decide calls to numbers that routes anywhere in the table might take, by callers of whom some have an id."""
    random = Random("calls")
    table = RouteTable(routes)
    callers = ["", "205", *(route.callerid.replace("X", "5") for route in routes if route.callerid)]
    calls = [(number_for(random.choice(routes), random), random.choice(callers)) for _ in range(CALLS)]
    return lambda: sum(table.decide(number, caller) is not None for number, caller in calls)


def number_for(route: Route, random: Random) -> str:
    """A number that the route's pattern takes."""
    number = ""
    for piece in re.findall(r"\[.*?\]|.", route.prefix + route.matchpattern):
        number += random.choice("23456789") if piece in "XZN" else "5551234" if piece in ".!" else piece.strip("[]")[0]
    return number


def comparing(routes: list[Route]) -> Callable[[], int]:
    """Compare the table with some in which one route of a hundred has other trunks, sends or takes something else."""
    random = Random("changes")
    several = [changed(routes, random) for _ in range(CHANGES)]
    return lambda: sum(len(impact(routes, one)) for one in several)


def changed(routes: list[Route], random: Random) -> list[Route]:
    """The table with one route of a hundred changed, never the last."""
    found = list(routes)
    for index in random.sample(range(len(routes) - 1), len(routes) // 100):
        route = routes[index]
        found[index] = random.choice(
            (
                replace(route, trunks=("carrier-new",)),
                replace(route, prepend=f"00{route.prepend}"),
                replace(route, matchpattern=f"X{route.matchpattern}"),
            )
        )
    return found


def appending(routes: list[Route]) -> Callable[[], int]:
    """Compare the table with one that has one route more, behind the catch-all: no call goes elsewhere."""
    longer = [*routes, Route("late", "X.", ("carrier-new",), prefix="4")]
    return lambda: len(impact(routes, longer))


def reordering(routes: list[Route]) -> Callable[[], int]:
    """Work out which routes must move where the file has a new one on top, which takes a hundredth of all numbers."""
    declared = [Route("new", "44X.", ("carrier-new",)), *routes]
    standing = [Standing(), *(Standing((place,)) for place in range(len(routes)))]
    return lambda: sum(one.place is None for one in placed(declared, standing)) - 1


def passing_by(routes: list[Route]) -> Callable[[], int]:
    """Look for calls that go elsewhere for a moment where routes are updated one after the other.

    They are one of a hundred, two at least, and two by two they swap what they take, so that there are such calls.
    """
    random = Random("moments")
    indexes = random.sample(range(len(routes) - 1), max(2, len(routes) // 100 // 2 * 2))
    changing: list[Route] = []
    steps: dict[int, tuple[int, Route]] = {}
    for one, other in zip(indexes[::2], indexes[1::2], strict=True):
        for at, source in ((one, routes[other]), (other, routes[one])):
            new = replace(source, name=routes[at].name, trunks=routes[at].trunks)
            steps[at] = (len(steps) + 1, new)
            changing += [routes[at], new]
    lived: list[Version] = []
    for at, route in enumerate(routes):
        if at in steps:
            step, new = steps[at]
            lived += [Version(route, 0, step), Version(new, step, len(routes))]
        else:
            lived.append(Version(route, 0, len(routes)))
    return lambda: len(passing(lived, len(steps), changing))


def linting(routes: list[Route]) -> Callable[[], int]:
    """Look for what is wrong or odd in each route's fields, and in how the routes stand to each other."""

    def run() -> int:
        in_fields = sum(
            len(list(field_findings(route.prefix, route.matchpattern, route.prepend, route.callerid)))
            for route in routes
        )
        return in_fields + len(list(table_findings(RouteTable(routes))))

    return run


def nothing_at_all(_routes: list[Route]) -> Callable[[], int]:
    """Do nothing, to see what a process needs by itself."""
    return lambda: 0


WORKS = {
    work.name: work
    for work in (
        Work("decide", deciding, times=CALLS),
        Work("compare, 1 % changed", comparing, times=CHANGES),
        Work("compare, 1 appended", appending),
        Work("reorder, 1 on top", reordering),
        Work("moments, 1 % swapped", passing_by),
        Work("lint", linting),
        Work("nothing", nothing_at_all),
    )
}

# --- measuring, in a process of its own -----------------------------------------------------------------------------


class Measured(NamedTuple):
    """What one run took of the processor, what its process held of memory at most (if known), how much it found."""

    seconds: float
    mebibytes: float | None
    found: int


def measured(kind: str, size: int, work: Work, enough: float) -> Measured:
    """Do the work in this process."""
    run = work.prepare(KINDS[kind].make(size))
    seconds, found = timed(run)
    peak = peak_memory()
    runs = 1
    while seconds < enough:
        seconds += timed(run)[0]
        runs += 1
    return Measured(seconds / runs / work.times, peak, found)


def timed(run: Callable[[], int]) -> tuple[float, int]:
    """How long one run keeps the processor busy, and what it finds. What an earlier one left is no burden to it."""
    gc.collect()
    begin = time.process_time()
    found = run()
    return time.process_time() - begin, found


def peak_memory() -> float | None:
    """The most memory that this process has held so far, in MiB."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


# --- all measurements -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the result: a work on a table of one kind and size."""

    work: str
    kind: str
    size: int

    def measure(self, enough: float) -> Measured:
        """Start a process that does the work, and wait for it."""
        command = [sys.executable, __file__, "--one", self.work, self.kind, str(self.size), str(enough)]
        done = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=True)
        return Measured(*json.loads(done.stdout))


NOTHING = Case("nothing", "prefixes", 1)


def cases(*, quick: bool) -> list[Case]:
    """Every work on every table, or only on the smallest of each kind."""
    return [
        Case(work, kind.name, size)
        for work in WORKS
        if work != NOTHING.work
        for kind in KINDS.values()
        for size in (kind.sizes[:1] if quick else kind.sizes)
    ]


def measure_all(these: Sequence[Case], repeats: int, enough: float) -> dict[Case, Measured]:
    """Measure each case so many times, in turn; the medians."""
    found: dict[Case, list[Measured]] = {case: [] for case in these}
    for repeat in range(repeats):
        for number, case in enumerate(these, start=1):
            print(f"repeat {repeat + 1} of {repeats}: {number} of {len(these)}", file=sys.stderr, flush=True)
            found[case].append(case.measure(enough))
    return {case: middle(several) for case, several in found.items()}


def middle(several: Sequence[Measured]) -> Measured:
    """The medians of several measurements of one case."""
    peaks = [one.mebibytes for one in several if one.mebibytes is not None]
    return Measured(median(one.seconds for one in several), median(peaks) if peaks else None, several[0].found)


HEADER = ("work", "table", "routes", "found", "ms", "growth", "MiB", "growth")


def report(results: dict[Case, Measured], nothing: Measured) -> Iterator[str]:
    """The result as text: a line for each case, with how it grew against the one before, of fewer routes."""
    rows: list[tuple[str, ...]] = [HEADER]
    before: tuple[Case, Measured] | None = None
    for case, result in results.items():
        rows.append(cells(case, result, before, nothing))
        before = case, result
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for work, table, *numbers in rows:
        texts = [work.ljust(widths[0]), table.ljust(widths[1])]
        texts += [number.rjust(width) for number, width in zip(numbers, widths[2:], strict=True)]
        yield "  ".join(texts).rstrip()


def cells(case: Case, result: Measured, before: tuple[Case, Measured] | None, nothing: Measured) -> tuple[str, ...]:
    """One line of the result."""
    slower = larger = ""
    if before and (before[0].work, before[0].kind) == (case.work, case.kind):
        times = case.size / before[0].size
        slower = f"{result.seconds / before[1].seconds / times:.2f}"
        was, now = beyond(before[1], nothing), beyond(result, nothing)
        larger = f"{now / was / times:.2f}" if was > NOTICED else ""
    return (
        *(case.work, case.kind, f"{case.size:,}", f"{result.found:,}"),
        *(milliseconds(result), slower, mebibytes(result), larger),
    )


def beyond(result: Measured, nothing: Measured) -> float:
    """The memory of a process beyond that of one which does nothing; 0 where the system doesn't tell."""
    return (result.mebibytes or 0.0) - (nothing.mebibytes or 0.0)


def milliseconds(result: Measured) -> str:
    """The time with three digits that count."""
    time_ = result.seconds * 1000
    return f"{time_:,.0f}" if time_ >= 100 else f"{time_:.3g}"


def mebibytes(result: Measured) -> str:
    """The memory, where the system tells it."""
    return f"{result.mebibytes:.0f}" if result.mebibytes is not None else "-"


def main() -> None:
    """Measure everything and print the result; what is under way goes to standard error."""
    parser = argparse.ArgumentParser(description="Measure what it costs to compute with route tables.")
    parser.add_argument(
        "--quick", action="store_true", help="measure the smallest tables alone, once, to see that it works"
    )
    parser.add_argument("--one", nargs=4, metavar=("WORK", "TABLE", "ROUTES", "SECONDS"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        work, kind, size, enough = chosen.one
        print(json.dumps(measured(kind, int(size), WORKS[work], float(enough))))
        return
    repeats, enough = (1, 0.0) if chosen.quick else (REPEATS, ENOUGH)
    nothing = NOTHING.measure(enough=0)
    results = measure_all(cases(quick=chosen.quick), repeats, enough)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    print(f"{python}, {platform.system()} {platform.machine()}, {os.cpu_count()} CPUs; medians of {repeats}")
    print(f"ms: of the processor; MiB: of the process, {mebibytes(nothing)} if it does nothing; growth: 1 is linear\n")
    for line in report(results, nothing):
        print(line)


if __name__ == "__main__":
    main()
