"""The workflows, the action and the CI examples: right by their schemas, safe by zizmor, and they do what they say."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from pbxsync.sandbox import Sandbox
from tests.action_runner import ACTION, ROOT, Runner
from tests.cli.process import declare, names, route, stored, to
from tests.fake_github import FakeGitHub

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
EXAMPLES = sorted((ROOT / "examples" / "github").glob("*.yml"))
GITLAB = ROOT / "examples" / "gitlab" / ".gitlab-ci.yml"
PROGRAMS = sysconfig.get_path("scripts")

in_bash = pytest.mark.skipif(sys.platform == "win32", reason="the bash that Windows finds is not the runner's")


def loaded(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def steps(path: Path) -> list[dict[str, Any]]:
    content = loaded(path)
    jobs = content["jobs"].values() if "jobs" in content else [content["runs"]]
    return [step for job in jobs for step in job["steps"]]


def example(name: str) -> dict[str, Any]:
    return loaded(ROOT / "examples" / "github" / f"{name}.yml")


def step_of(job: Mapping[str, Any], *, name: str = "", uses: str = "") -> dict[str, Any]:
    found: list[dict[str, Any]] = [
        one for one in job["steps"] if one.get("name") == name or (uses and one.get("uses", "").startswith(uses))
    ]
    assert len(found) == 1
    return found[0]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=120, check=False)


# --- by their schemas, and by zizmor --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", [*WORKFLOWS, *EXAMPLES]),
        ("vendor.github-actions", [ROOT / "action.yml"]),
        ("vendor.dependabot", [ROOT / ".github" / "dependabot.yml"]),
        ("vendor.gitlab-ci", [GITLAB]),
    ],
)
def test_each_file_keeps_the_schema_of_its_vendor(schema: str, files: list[Path]) -> None:
    assert files
    transform = ["--data-transform", "gitlab-ci"] if "gitlab" in schema else []
    done = run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *transform, *map(str, files))
    assert done.returncode == 0, done.stdout + done.stderr


def test_ci_tests_each_python_that_the_package_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {text.rpartition(" ")[2] for text in project["classifiers"] if re.search(r":: 3\.\d+$", text)}
    matrix = loaded(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]["test"]["strategy"]["matrix"]["include"]
    assert {run["python"] for run in matrix if run["os"] == "ubuntu-latest"} == named
    assert {"3.11", "3.12", "3.13", "3.14"} <= named


@in_bash
def test_bare_systems_are_not_made_without_what_makes_them(tmp_path: Path) -> None:
    for program in ("bash", "dirname", "id"):
        found = shutil.which(program)
        assert found is not None
        (tmp_path / program).symlink_to(found)
    done = subprocess.run(
        [ROOT / ".ci" / "debian"], env={"PATH": str(tmp_path)}, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 2
    assert re.fullmatch("make debian: (only root can|debootstrap is missing: apt-get install) .*\n", done.stderr)


def test_zizmor_finds_nothing_and_needs_no_exception() -> None:
    files = [ROOT / "action.yml", ROOT / ".github" / "dependabot.yml", *WORKFLOWS, *EXAMPLES]
    options = ("--offline", "--no-config", "--no-ignores", "--strict-collection", "--persona", "regular")
    done = run(str(Path(PROGRAMS, "zizmor")), *options, "--format", "json", *map(str, files))
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize("path", [ROOT / "action.yml", *WORKFLOWS, *EXAMPLES], ids=lambda path: path.stem)
def test_what_is_used_is_pinned_to_a_commit_and_no_expression_is_in_a_shell(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    used = re.findall(r"^ *(?:- )?uses: (.*)$", text, re.M)
    assert len(used) == sum("uses" in step for step in steps(path))
    for one in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one), one
    for step in steps(path):
        assert "${{" not in step.get("run", "")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_uses_inputs_and_outputs_that_the_action_has_and_no_release_by_mistake(path: Path) -> None:
    used = [step for step in steps(path) if step.get("uses", "").startswith("pbxsync/")]
    assert used
    for step in used:
        assert set(step["with"]) <= set(ACTION["inputs"])
        assert {name for name, one in ACTION["inputs"].items() if one.get("required")} <= set(step["with"])
        # Zeros are no commit: GitHub refuses them, and nobody runs a version that he hasn't chosen.
        assert step["uses"] == f"pbxsync/pbxsync@{'0' * 40}"
    outputs = set(re.findall(r"steps\.plan\.outputs\.([\w-]+)", path.read_text(encoding="utf-8")))
    assert outputs <= set(ACTION["outputs"])


def test_only_the_job_that_comments_may_write_pull_requests_and_it_has_no_secret() -> None:
    for path in EXAMPLES:
        content = loaded(path)
        assert content["permissions"] == {}
        for job in content["jobs"].values():
            may_write = {name for name, access in job["permissions"].items() if access == "write"}
            assert not (may_write and "secrets." in str(job)), path.name


def test_each_step_that_sees_a_token_says_which_address_it_is_for() -> None:
    seen = 0
    for path in EXAMPLES:
        for step in steps(path):
            env = step.get("env", {})
            for name in (name for name, text in env.items() if "secrets." in str(text)):
                seen += 1
                suffix = name.removeprefix("PBXSYNC_TOKEN")
                assert env[f"PBXSYNC_TOKEN_URL{suffix}"] == f"${{{{ vars.PBXSYNC_TOKEN_URL{suffix} }}}}", path.name
    assert seen


# --- as they run ----------------------------------------------------------------------------------------------------


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout as the examples ask for it, which is the current folder too."""
    folder = tmp_path / "workspace"
    (folder / "state").mkdir(parents=True)
    (tmp_path / "temp").mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def runner(workspace: Path, tmp_path: Path) -> Iterator[Runner]:
    with FakeGitHub() as github:
        yield Runner(workspace, tmp_path / "temp", github)


def given(step: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(text).lower() if isinstance(text, bool) else str(text) for name, text in step["with"].items()}


def bash(script: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a script as both runners do: it ends at the first command that fails."""
    path = os.pathsep.join([PROGRAMS, os.environ["PATH"]])
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        env={**os.environ, "PATH": path, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@in_bash
def test_the_github_example_of_a_pull_request_comments_the_plan(runner: Runner) -> None:
    declare("hq.yaml", [route("local", "9X.")], url="https://192.0.2.10")
    job = runner.run(given(step_of(example("pull-request")["jobs"]["plan"], uses="pbxsync/")))
    assert not job.failed, job.log
    assert "local" in runner.github.bodies[0]


@in_bash
def test_the_github_example_applies_the_plan_that_was_approved_and_no_stale_one(runner: Runner, tmp_path: Path) -> None:
    jobs = example("apply")["jobs"]
    apply = step_of(jobs["apply"], name="Apply")["run"]
    (runner.temp / "venv").mkdir()
    (runner.temp / "venv" / "bin").symlink_to(PROGRAMS)
    pushed = Runner(runner.workspace, runner.temp, runner.github, "push", {"ref": "refs/heads/main"})
    with Sandbox(tokens=["t"]) as pbx:
        declare("hq.yaml", [route("local", "9X.")], url=pbx.url)
        to_it = {"PBXSYNC_TOKEN": "t", "PBXSYNC_TOKEN_URL": pbx.url}
        planned = pushed.run(given(step_of(jobs["plan"], uses="pbxsync/")), to_it)
        assert not planned.failed, planned.log
        assert planned.outputs["changes"] == "true"
        first = bash(apply, RUNNER_TEMP=str(runner.temp), **to_it)
        again = bash(apply, RUNNER_TEMP=str(runner.temp), **to_it)
        assert first.returncode == 0, first.stdout + first.stderr
        assert names(pbx) == ["local"]
    assert again.returncode == 1
    assert "stale" in again.stderr


@in_bash
def test_the_github_example_of_a_fleet_plans_and_applies_by_shards_and_joins_what_became_of_them(
    runner: Runner, tmp_path: Path
) -> None:
    jobs = example("fleet")["jobs"]
    shards = jobs["plan"]["strategy"]["matrix"]["shard"]
    join = step_of(jobs["report"], name="Join")
    assert jobs["apply"]["strategy"]["matrix"]["shard"] == shards
    assert join["env"]["SHARDS"].split() == [str(shard) for shard in shards]
    planning = step_of(jobs["plan"], uses="pbxsync/")
    assert planning["env"]["PBXSYNC_SHARD"] == f"${{{{ matrix.shard }}}}/{len(shards)}"
    (runner.temp / "venv").mkdir()
    (runner.temp / "venv" / "bin").symlink_to(PROGRAMS)
    summary = tmp_path / "summary.md"
    pushed = Runner(runner.workspace, runner.temp, runner.github, "push", {"ref": "refs/heads/main"})
    Path("sites").mkdir()
    sites = ["east", "hq", "north", "south", "west"]
    with ExitStack() as stack:
        pbxs = {site: stack.enter_context(Sandbox(tokens=["t"], faults=FAULTS.get(site, ()))) for site in sites}
        for site, pbx in pbxs.items():
            declare(f"sites/{site}.yaml", [route("local", "9X."), route("other", "8X.")], url=pbx.url, name=site)
        tokens = {f"PBXSYNC_TOKEN_{site.upper()}": "t" for site in sites}
        tokens |= {f"PBXSYNC_TOKEN_URL_{site.upper()}": pbx.url for site, pbx in pbxs.items()}
        for shard in shards:
            planned = pushed.run(given(planning), {**tokens, "PBXSYNC_SHARD": f"{shard}/{len(shards)}"})
            assert not planned.failed, planned.log
            done = bash(
                step_of(jobs["apply"], name="Apply")["run"],
                RUNNER_TEMP=str(runner.temp),
                SHARD=str(shard),
                **tokens,
            )
            assert done.returncode in (0, 1), done.stderr
            Path("shard.plan").unlink(missing_ok=True)
        held = {site: names(pbx) for site, pbx in pbxs.items()}
    Path(next(iter(sorted(Path().glob("applied-*.json"))))).rename("taken-away.json")
    joined = bash(join["run"], RUNNER_TEMP=str(runner.temp), GITHUB_STEP_SUMMARY=str(summary), **join["env"])
    assert held == {site: ["local"] if site == "south" else ["local", "other"] for site in sites}
    assert joined.returncode == 1
    text = summary.read_text(encoding="utf-8")
    assert text.count(" told nothing") == len(shards) - len(list(Path().glob("applied-*.json")))
    assert "- `sites/south.yaml`: " in text
    assert "1 failed" in text


FAULTS = {"south": ["outroute/add@2=refuse:10004"]}


@in_bash
def test_the_github_example_finds_drift_and_a_route_made_by_hand_is_drift(runner: Runner) -> None:
    wanted = given(step_of(example("drift")["jobs"]["compare"], uses="pbxsync/"))
    nightly = Runner(runner.workspace, runner.temp, runner.github, "schedule", {})
    with Sandbox(tokens=["t"], routes=stored(route("local", "9X."), route("by-hand", "8X."))) as pbx:
        declare("hq.yaml", [route("local", "9X.")], url=pbx.url)
        to_it = {"PBXSYNC_TOKEN": "t", "PBXSYNC_TOKEN_URL": pbx.url}
        drifted = nightly.run(wanted, to_it)
        declare("hq.yaml", [route("local", "9X."), route("by-hand", "8X.")], url=pbx.url)
        agreed = nightly.run(wanted, to_it)
        assert [request.call for request in pbx.requests if "outroute/query" not in request.call] == []
    assert (drifted.failed, drifted.outputs["changes"]) == (False, "true")
    assert "by-hand" in Path(drifted.outputs["markdown"]).read_text(encoding="utf-8")
    assert (agreed.failed, agreed.outputs["changes"]) == (False, "false")


@in_bash
@pytest.mark.parametrize(
    ("changes", "open_issue", "done"),
    [
        ("true", "", "issue create"),
        ("true", "7", "issue edit 7 --body-file plan.md"),
        ("false", "7", "issue close 7"),
        ("false", "", ""),
        # No plan: the run of the first job has failed, and an issue stays as it is.
        ("", "", ""),
    ],
)
def test_drift_has_one_issue_that_is_closed_when_there_is_none(
    changes: str, open_issue: str, done: str, workspace: Path
) -> None:
    fake = workspace / "bin" / "gh"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\necho "$@" >>calls\n[ "$2" != list ] || printf "%s" "$OPEN"\n', encoding="utf-8")
    fake.chmod(0o755)
    report = example("drift")["jobs"]["report"]
    ended = bash(
        step_of(report, name="Open, update or close the issue")["run"],
        PATH=f"{fake.parent}{os.pathsep}{os.environ['PATH']}",
        CHANGES=changes,
        OPEN=open_issue,
    )
    written = [call for call in Path("calls").read_text(encoding="utf-8").splitlines() if "list" not in call]
    assert ended.returncode == 0, ended.stderr
    assert written[0].startswith("label create")
    assert [call[: len(done)] for call in written[1:]] == ([done] if done else [])


@in_bash
def test_the_gitlab_example_checks_plans_applies_and_finds_drift(workspace: Path) -> None:
    jobs = loaded(GITLAB)
    script = {name: "\n".join(jobs[name]["script"]) for name in ("check", "plan", "apply", "drift")}
    with Sandbox(tokens=["t"]) as pbx:
        declare("hq.yaml", [route("local", "9X.")], url=pbx.url)
        checked = bash(script["check"])
        made = {*jobs["check"]["artifacts"]["paths"], jobs["check"]["artifacts"]["reports"]["junit"]}
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert {path.name for path in workspace.iterdir()} == {"hq.yaml", "state", *made}
        assert pbx.requests == []

        unfixed = [bash(script[name], PBXSYNC_TOKEN="t") for name in ("plan", "apply", "drift")]
        assert [(done.returncode, done.stdout) for done in unfixed] == [(1, "PBXSYNC_TOKEN_URL is not set\n")] * 3
        assert pbx.requests == []

        to_it = {"PBXSYNC_TOKEN": "t", "PBXSYNC_TOKEN_URL": pbx.url}
        for name in ("plan", "apply"):
            done = bash(script[name], **to_it)
            assert done.returncode == 0, done.stdout + done.stderr
        assert names(pbx) == ["local"]
        assert all((workspace / path).is_file() for path in jobs["plan"]["artifacts"]["paths"])
        assert bash(script["apply"], **to_it).returncode == 1
        assert bash(script["drift"], **to_it).returncode == 0

    with Sandbox(tokens=["t"], routes=stored(route("local", "9X."), route("by-hand", "8X."))) as pbx:
        assert bash(script["drift"], **to(pbx, PBXSYNC_TOKEN_URL=pbx.url)).returncode == 2
