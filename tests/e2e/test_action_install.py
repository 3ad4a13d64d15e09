"""The action's first step, as it is: pbxsync from the action's own commit, in an environment of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pbxsync import __version__
from tests.action_runner import Runner
from tests.cli.process import declare, pbxsync, route
from tests.fake_github import FakeGitHub


@pytest.mark.skipif(sys.platform == "win32", reason="the bash that Windows finds is not the runner's")
def test_the_action_installs_pbxsync_once_a_job_and_plans_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, temp = tmp_path / "workspace", tmp_path / "temp"
    workspace.mkdir()
    temp.mkdir()
    monkeypatch.chdir(workspace)
    declare("hq.yaml", [route("local", "9X.")])
    # A module of the checkout that pip, or what it runs, would load.
    Path("hatchling.py").write_text("raise SystemExit('from the checkout')\n", encoding="utf-8")
    inputs = {"files": "hq.yaml", "state": "hq.json", "init": "true"}
    with FakeGitHub() as github:
        runner = Runner(workspace, temp, github, python=None)
        first = runner.run(inputs)
        assert not first.failed, first.log
        installed = temp / "pbxsync-venv" / "bin"
        version = pbxsync("--version", command=[str(installed / "pbxsync")])
        made = (installed / "python").lstat().st_ctime_ns
        second = runner.run(inputs)
        bodies = github.bodies

    assert __version__ in version.out
    assert not second.failed, second.log
    assert (installed / "python").lstat().st_ctime_ns == made
    assert first.outputs["add"] == "1"
    assert len(bodies) == 1
    assert [path.name for path in sorted(workspace.iterdir())] == ["hatchling.py", "hq.yaml"]
