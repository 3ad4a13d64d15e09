"""The hook for pre-commit: as a user's repository has it, installed from this project by pre-commit itself."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
HOOKS = ROOT / ".pre-commit-hooks.yaml"
HOOK = "pbxsync-validate"
#: What the package is built from, and the hook itself.
PARTS = ("pbxsync", "schema", "pyproject.toml", "README.md", "LICENSE", HOOKS.name)
GOOD = 'routes:\n  - name: to16\n    matchpattern: "X."\n    trunks: [carrier-a]\n'
BAD = GOOD.replace('"X."', "011")
PROBLEM = 'routes.yaml:3:19: error: 011 is the number 9 to YAML; write matchpattern: "011" [not-text]'


def hook() -> dict[str, Any]:
    (only,) = yaml.safe_load(HOOKS.read_text(encoding="utf-8"))
    assert isinstance(only, dict)
    return only


class Repository:
    """A Git repository in a folder of its own, away from the settings of who runs the tests."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        own = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "GIT_", "PBXSYNC_"))}
        self._environment = {
            **own,
            "PRE_COMMIT_HOME": str(home),
            "PRE_COMMIT_COLOR": "never",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            **{
                f"GIT_{who}_{what}": "pbxsync@example.com"
                for who in ("AUTHOR", "COMMITTER")
                for what in ("NAME", "EMAIL")
            },
        }
        folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )

    def write(self, name: str, text: str) -> None:
        self.folder.joinpath(name).write_text(text, encoding="utf-8")

    def git(self, *arguments: str) -> str:
        done = self.run("git", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self) -> str:
        """Commit all that lies in the folder; gives the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "All")
        return self.git("rev-parse", "HEAD")

    def pre_commit(self, *arguments: str) -> tuple[int, str]:
        self.git("add", "--all")
        done = self.run(sys.executable, "-m", "pre_commit", *arguments)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Repository:
    """A clone of this project as it is on the disk."""
    project = Repository(tmp_path / "pbxsync", tmp_path / "home")
    for part in PARTS:
        source, target = ROOT / part, project.folder / part
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    project.commit()
    return project


def installed(output: str) -> str:
    """What pre-commit printed; where it could install nothing there is nothing to test."""
    if "No matching distribution found for hatchling" in output:
        pytest.skip("no package index can be reached from here")
    return output


def test_the_hook_passes_good_routes_files_stops_bad_ones_and_looks_at_no_other_yaml(
    project: Repository, tmp_path: Path
) -> None:
    users = Repository(tmp_path / "users", tmp_path / "home")
    repository = {"repo": str(project.folder), "rev": project.git("rev-parse", "HEAD"), "hooks": [{"id": HOOK}]}
    users.write(".pre-commit-config.yaml", yaml.safe_dump({"repos": [repository]}))
    users.write("routes.yaml", GOOD)
    users.write("compose.yaml", "services: 011\n")
    code, output = users.pre_commit("run", "--all-files")
    assert (code, installed(output).splitlines()[-1]) == (0, f"{'pbxsync validate':.<73}Passed")

    users.write("routes.yaml", BAD)
    code, output = users.pre_commit("run", "--all-files")
    assert code == 1
    assert f"{'pbxsync validate':.<73}Failed\n" in output
    assert f"\n{PROBLEM}\n1 error, 0 warnings in 1 file.\n" in output

    users.folder.joinpath("routes.yaml").unlink()
    code, output = users.pre_commit("run", "--all-files")
    assert code == 0
    assert "(no files to check)Skipped" in output


@pytest.mark.parametrize(("text", "code", "last"), [(GOOD, 0, "Passed"), (BAD, 1, "Failed")])
def test_whoever_tries_the_hook_out_sees_the_same(
    project: Repository, tmp_path: Path, text: str, code: int, last: str
) -> None:
    users = Repository(tmp_path / "users", tmp_path / "home")
    users.write("hq.yaml", text)
    users.write("routes.yaml", text)
    done, output = users.pre_commit("try-repo", str(project.folder), HOOK, "--files", "routes.yaml", "hq.yaml")
    assert done == code, output
    assert f"{'pbxsync validate':.<73}{last}\n" in installed(output)
    assert (PROBLEM in output) == bool(code)
    assert "hq.yaml:" not in output


def test_pre_commit_takes_the_hooks_of_this_project_for_valid() -> None:
    command = [sys.executable, "-m", "pre_commit", "validate-manifest", str(HOOKS)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.parametrize(
    "name", ["routes.yaml", "routes.yml", "pbxs/hq.routes.yaml", "a/b/routes.hq.yaml", "hq-routes.yml", "routes-7.yaml"]
)
def test_a_file_whose_name_says_that_it_holds_routes_is_checked_unasked(name: str) -> None:
    assert re.search(hook()["files"], name)


@pytest.mark.parametrize(
    "name", ["hq.yaml", "routes/hq.yaml", "routes.json", "subroutes.yaml", "routes.yaml.bak", "routesx.yaml"]
)
def test_a_file_with_another_name_is_left_alone(name: str) -> None:
    assert not re.search(hook()["files"], name)
