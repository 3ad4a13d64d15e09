"""The benchmarks run and measure what they say they do. How long anything takes is no test's business."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent.parent / "benchmarks" / "dialplan.py"


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
