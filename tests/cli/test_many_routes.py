"""A PBX and a file with 100,000 routes, or a tenth of them: commands work on them, within a bounded size of memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pbxsync.sandbox import Sandbox
from tests.cli.process import COMMAND, environment, names, to
from tests.share import FULL

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the unit of a process's size differs elsewhere")

COUNT = 100_000 if FULL else 10_000
#: In KiB. What a command takes for these is half of it; what took the square of their number, or kept each thing
#: several times over, would be beyond this.
LIMIT = (700 if FULL else 150) * 1024


def test_many_routes_are_recorded_planned_and_changed_in_bounded_memory(tmp_path: Path) -> None:
    with Sandbox(tokens=["t"], routes=[_stored(n) for n in range(COUNT)]) as pbx:
        env = to(pbx)
        Path("routes.yaml").write_text(
            "routes:\n" + "".join(map(_declared, (*range(COUNT), COUNT))).replace("[t7]", "[t8]", 1), encoding="utf-8"
        )
        refresh = ["refresh", "--state", "state.json"]
        plan = ["plan", "routes.yaml", "--state", "state.json", "--no-impact", "--format", "json"]
        apply = ["apply", "routes.yaml", "--state", "state.json", "--no-impact", "--yes"]

        assert _run(tmp_path, refresh, env).endswith(f"{COUNT} routes of {pbx.url} recorded.\n")
        (planned,) = json.loads(_run(tmp_path, plan, env))["plans"]
        assert [(one["action"], one["name"]) for one in planned["changes"]] == [("update", "r7"), ("add", f"r{COUNT}")]
        assert planned["summary"]["unchanged"] == COUNT - 1
        assert "routes.yaml: 2 applied, 0 failed" in _run(tmp_path, apply, env)
        assert names(pbx)[-2:] == [f"r{COUNT - 1}", f"r{COUNT}"]
        assert pbx.routes()[7]["trunks"] == "t8"


# Started by a process that is small itself: until it is the other program, a new process counts as its parent does.
_MEASURED = """
import pathlib, resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
pathlib.Path("size").write_text(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""


def _stored(n: int) -> dict[str, str]:
    return {"name": f"r{n}", "matchpattern": f"{n:06}X.", "trunks": f"t{n % 9}"}


def _declared(n: int) -> str:
    return f'  - {{name: r{n}, matchpattern: "{n:06}X.", trunks: [t{n % 9}]}}\n'


def _run(folder: Path, arguments: list[str], env: dict[str, str]) -> str:
    """What a command printed that has succeeded, and has stayed within the limit."""
    # What measures coverage would take memory too.
    unmeasured = {name: value for name, value in environment(env).items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *COMMAND, *arguments],
        cwd=folder, env=unmeasured, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    most = int(Path("size").read_text(encoding="ascii"))
    assert most < LIMIT, f"{arguments[0]} took {most >> 10} MiB"
    return done.stdout
