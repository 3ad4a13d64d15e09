"""The benchmarks run and measure what they say they do. How long anything takes is no test's business."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"
SCRIPT = FOLDER / "dialplan.py"
SOAK = FOLDER / "soak.py"
PEERS = FOLDER / "peers.py"
BEGIN, END = "<!-- bench: begin -->\n", "<!-- bench: end -->\n"
#: What is compared over the wire needs processes started as Linux and macOS do it.
no_windows = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no posix_spawn")


def peers(folder: Path, *arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """Measure some rows with next to nothing; ``path`` is where programs are looked for beside this Python's."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("COV")} | {"TMPDIR": str(folder)}
    return subprocess.run(
        [sys.executable, str(PEERS), "--small", *arguments],
        cwd=folder,
        env=env if path is None else env | {"PATH": path},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def tables(text: str) -> list[list[list[str]]]:
    """The tables of a text in Markdown: the cells of each line, without the header and the line below it."""
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("| ")]
    return [[[cell.strip() for cell in line.split("|")[1:-1]] for line in block[2:]] for block in blocks]


def test_the_quick_benchmark_measures_each_work_on_the_smallest_table_of_each_kind(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--quick"], cwd=tmp_path, capture_output=True, encoding="utf-8", check=False
    )
    rows = [re.split(r" {2,}", line) for line in done.stdout.splitlines()[4:]]
    found = {(work, table): int(found) for work, table, _, found, *_ in rows}
    kinds = ("prefixes", "overlapping", "callers")
    works = (
        "decide",
        "compare, 1 % changed",
        "compare, 1 appended",
        "reorder, 1 on top",
        "moments, 1 % swapped",
        "lint",
    )

    assert done.returncode == 0, done.stderr
    assert list(found) == [(work, kind) for work in works for kind in kinds]
    assert {routes for _, _, routes, *_ in rows} == {"100"}
    assert all(float(milliseconds.replace(",", "")) >= 0 for _, _, _, _, milliseconds, *_ in rows)
    # Every call is to a number that a route takes; one route of a hundred is changed; nothing gets past a catch-all,
    # and that must make way for what comes above it.
    for kind in kinds:
        assert found["decide", kind] == 200
        assert found["compare, 1 % changed", kind] >= 1
        assert found["compare, 1 appended", kind] == 0
        assert found["reorder, 1 on top", kind] >= 1
        assert found["moments, 1 % swapped", kind] >= 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows can't fork")
def test_the_quick_soak_keeps_every_promise_and_reports_what_it_did(tmp_path: Path) -> None:
    # A process that is killed would leave half a file of coverage behind. What runs here, other tests cover.
    env = {name: value for name, value in os.environ.items() if not name.startswith("COV")} | {"TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, str(SOAK), "--quick", "--seed", "3"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    applies = [int(number) for number in re.findall(r"^applies that ended, (\d+):", done.stdout, re.M)]
    faults = [int(number) for number in re.findall(r"^faults struck, (\d+):", done.stdout, re.M)]

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("\n0 routes twice, 0 lost, 0 falsely claimed\n")
    assert applies == [30]
    assert faults[0] > 0
    assert list(tmp_path.iterdir()) == []


@no_windows
def test_the_small_comparison_has_each_row_and_pbxsync_sends_no_more_than_it_has_to(tmp_path: Path) -> None:
    rows = {"start": 2, "plan-most": 1, "plan-live": 1, "apply": 3, "fleet": 2, "memory": 2}
    done = peers(tmp_path, "--rows", ",".join([*rows, "growth"]))
    pairs, wire, growth = tables(done.stdout)
    served = {(row, does): (requests, connections) for row, does, requests, connections, *_ in wire}

    assert done.returncode == 0, done.stderr
    assert [line[0] for line in pairs] == [row for row, lines in rows.items() for _ in range(lines)]
    assert [line[1] for line in growth] == ["`validate`", "`plan --state --no-impact`"]
    assert served == {
        ("plan-live", "`plan --no-impact`, 40 routes"): ("1", "1"),
        ("apply", "`apply`, 8 adds, no latency"): ("13", "1"),
        ("apply", "`apply --no-impact`, 8 adds, no latency"): ("13", "1"),
        ("apply", "`apply`, 8 adds, 1 ms"): ("13", "1"),
        ("fleet", "`apply --parallel 4`, 4 PBXs × 3 adds, 1 ms"): ("32", "4"),
        ("fleet", "`apply --parallel 4`, 6 PBXs × 2 adds, 1 ms"): ("36", "6"),
        ("memory", "`plan --no-impact`, 5 PBXs × 4 routes"): ("5", "5"),
    }
    assert re.search(
        r"^The server is a process of its own\. It was at work for \d+% of a run's time at most:$", done.stdout, re.M
    )
    assert not any("missed" in line[4] for line in wire)
    assert str(tmp_path) not in done.stdout
    assert list(tmp_path.iterdir()) == []


@no_windows
def test_a_row_whose_peer_is_missing_is_named_and_the_others_are_measured(tmp_path: Path) -> None:
    done = peers(tmp_path, "--rows", "plan,validate-one", path=str(tmp_path))

    assert done.returncode == 1, done.stderr
    assert [line[0] for table in tables(done.stdout) for line in table] == ["validate-one"]
    what = "`plan --state --no-impact`, 40 routes against `octodns-sync`, 40 records"
    assert done.stdout.splitlines()[-1] == f"Not run: plan, {what}: octodns-sync not found"


@no_windows
def test_the_comparison_writes_into_a_page_between_its_marks_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"Before\n{BEGIN}old\n{END}after\n", encoding="utf-8")
    done = peers(tmp_path, "--rows", "validate-one", "--into", str(page))

    assert done.returncode == 0, done.stderr
    assert page.read_text(encoding="utf-8") == f"Before\n{BEGIN}\n{done.stdout}\n{END}after\n"


@no_windows
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--rows", "start,stop"), "no row 'stop'; there are start, "),
        (("--into", "page.md"), "page.md needs one line <!-- bench: begin --> and one line <!-- bench: end -->"),
        (("--into", "none.md"), "none.md: No such file or directory"),
    ],
)
def test_what_the_comparison_is_asked_wrongly_it_says_before_it_measures(
    arguments: tuple[str, ...], says: str, tmp_path: Path
) -> None:
    tmp_path.joinpath("page.md").write_text(f"{END}{BEGIN}", encoding="utf-8")
    done = peers(tmp_path, *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr.splitlines()[-1]


def test_the_page_of_costs_has_the_marks_that_the_comparison_writes_between() -> None:
    page = FOLDER.parent.joinpath("docs", "performance.md").read_text(encoding="utf-8")

    assert (page.count(BEGIN), page.count(END)) == (1, 1)
    assert page.index(BEGIN) < page.index(END)
