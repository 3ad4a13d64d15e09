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
