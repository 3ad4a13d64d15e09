"""pbxsync against what else there is: ratios of medians, from runs in turn, on the same data and the same server.

Run it with ``make bench``, which installs the peers; the page ``docs/performance.md`` has its result and says what is
compared. Every run is a process of its own, whose time is by the clock, from its start to its end. This needs Linux or
macOS.

Exits 0 if everything was measured, whatever the ratios; 1 if something was not run, such as a row whose peer is not
installed, which is said below the tables; 2 for wrong usage.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from measure import Measurer, NotRun, Pair
from rows import FULL, ROWS, SMALL, Stage
from tables import document

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from measure import Growth, GrowthResult, PairResult
    from rows import Sizes

#: Between these a page has the result.
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
SMALL_SAYS = "Next to nothing was measured, to see that it works: these times and ratios mean nothing.\n"


def measured(names: Iterable[str], sizes: Sizes) -> tuple[list[PairResult | GrowthResult], list[str]]:
    """The results of some rows, and what could not be measured."""
    results: list[PairResult | GrowthResult] = []
    not_run: list[str] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        measurer = Measurer(Path(made), lambda line: print(line, file=sys.stderr, flush=True))
        for name in names:
            folder = Path(made, name)
            folder.mkdir()
            for one in ROWS[name](Stage(folder, sizes)):
                try:
                    results.append(result_of(one, measurer))
                except NotRun as reason:
                    not_run.append(f"{name}, {words(one)}: {reason}")
    return results, not_run


def result_of(one: Pair | Growth, measurer: Measurer) -> PairResult | GrowthResult:
    """Measure a pair, or a growth. Raises NotRun."""
    return measurer.pair(one) if isinstance(one, Pair) else measurer.growth(one)


def words(one: Pair | Growth) -> str:
    """What was to be measured."""
    if not isinstance(one, Pair):
        return one.does
    return f"{one.ours.does} against {one.theirs.does}" if one.theirs else one.ours.does


def replaced(page: str, lines: Iterable[str]) -> str:
    """The page with these lines between its marks. Raises ValueError where it does not have both, once each."""
    found = re.fullmatch(f"(.*{BEGIN}\n)(.*)({END}\n.*)", page, re.S)
    if found is None or (page.count(BEGIN), page.count(END)) != (1, 1):
        raise ValueError(f"needs one line {BEGIN} and one line {END} behind it")
    text = "\n".join(lines)
    return f"{found[1]}\n{text}\n\n{found[3]}"


def chosen_rows(text: str) -> list[str]:
    """The rows that an argument names."""
    names = text.split(",")
    for name in names:
        if name not in ROWS:
            raise argparse.ArgumentTypeError(f"no row {name!r}; there are {', '.join(ROWS)}")
    return names


def page_with_marks(text: str) -> Path:
    """A page that the result can be written into."""
    try:
        replaced(Path(text).read_text(encoding="utf-8"), ())
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text}: {error.strerror}") from None
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} {error}") from None
    return Path(text)


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser(description="Measure pbxsync against what else there is.")
    parser.add_argument(
        "--rows", type=chosen_rows, default=list(ROWS), metavar="ROW,ROW", help=f"only these: {', '.join(ROWS)}"
    )
    parser.add_argument("--small", action="store_true", help="measure next to nothing, once, to see that it works")
    parser.add_argument(
        "--into", type=page_with_marks, metavar="PAGE", help="write the result into this page, too, between its marks"
    )
    return parser.parse_args(arguments)


def main() -> int:
    """Measure, print the result; what is under way goes to standard error."""
    chosen = options()
    results, not_run = measured(chosen.rows, SMALL if chosen.small else FULL)
    lines = [*([SMALL_SAYS] if chosen.small else []), *document(results, not_run)]
    print("\n".join(lines))
    if chosen.into:
        page = chosen.into.read_text(encoding="utf-8")
        chosen.into.write_text(replaced(page, lines), encoding="utf-8")
    return 1 if not_run else 0


if __name__ == "__main__":
    sys.exit(main())
