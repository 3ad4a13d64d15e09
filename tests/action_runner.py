"""Runs action.yml as GitHub's runner does: its conditions, its expressions, and each ``run`` by bash."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.expressions import holds, substituted
from tests.fake_github import REPOSITORY, TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.fake_github import FakeGitHub

ROOT = Path(__file__).resolve().parent.parent
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
PATIENCE = 300.0
COMMIT = "0123456789abcdef0123456789abcdef01234567"
#: How the runner reads a line of a log: ``::name properties::data`` behind spaces, or ``##[name properties]data``.
COMMAND = re.compile(r"(?:\s*::|.*?##\[)(?P<name>[\w-]+)(?: (?P<properties>.*?))?(?:::|\])(?P<data>.*)")
PULL_REQUEST = {"pull_request": {"number": 5, "head": {"sha": COMMIT}}}


@dataclass(slots=True)
class Job:
    """What a job that used the action left behind."""

    failed: bool = False
    log: str = ""
    summary: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    used: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def commands(self) -> list[tuple[str, str, str]]:
        """Name, properties and data of each workflow command that the runner would obey."""
        return list(_obeyed(self.log))

    def annotations(self, severity: str) -> list[str]:
        """What the annotations of a severity say."""
        return [data for name, _, data in self.commands if name == severity]


def _obeyed(log: str) -> Iterator[tuple[str, str, str]]:
    stopped = None
    for line in log.splitlines():
        found = COMMAND.fullmatch(line)
        if not found:
            continue
        name, data = found["name"], found["data"]
        if stopped is not None:
            stopped = None if name == stopped else stopped
        elif name == "stop-commands":
            stopped = data
        else:
            yield name, found["properties"] or "", data
    assert stopped is None, "commands were stopped, and not taken up again"


@dataclass(frozen=True, slots=True)
class Runner:
    """A machine with a checkout, as one job of a pull request finds it."""

    workspace: Path
    temp: Path
    github: FakeGitHub
    event_name: str = "pull_request"
    event: Mapping[str, Any] = field(default_factory=lambda: PULL_REQUEST)
    #: The Python that has pbxsync; None has the action install it.
    python: str | None = sys.executable

    def run(self, inputs: Mapping[str, str], env: Mapping[str, str] | None = None) -> Job:
        """Run the action with these inputs, and this ``env`` of the step that uses it."""
        assert set(inputs) <= set(ACTION["inputs"])
        job = Job()
        steps: dict[str, Any] = {}
        context: dict[str, Any] = {
            "github": {"token": TOKEN, "event_name": self.event_name},
            "steps": steps,
        }
        context["inputs"] = {
            name: inputs.get(name, substituted(str(wanted.get("default", "")), context))
            for name, wanted in ACTION["inputs"].items()
        }
        for step in ACTION["runs"]["steps"]:
            context["functions"] = {
                "always": True,
                "cancelled": False,
                "success": not job.failed,
                "failure": job.failed,
            }
            if not holds(str(step.get("if", "success()")), context):
                continue
            job.ran.append(step["name"])
            outputs = self._use(step, context, job) if "uses" in step else self._run(step, context, job, env or {})
            if "id" in step:
                steps[step["id"]] = {"outputs": outputs}
        job.outputs = {name: substituted(one["value"], context) for name, one in ACTION["outputs"].items()}
        return job

    def _use(self, step: Mapping[str, Any], context: Mapping[str, Any], job: Job) -> dict[str, str]:
        job.used[step["uses"]] = {name: _given(text, context) for name, text in step["with"].items()}
        return {"python-path": sys.executable} if step["uses"].startswith("actions/setup-python@") else {}

    def _run(
        self, step: Mapping[str, Any], context: Mapping[str, Any], job: Job, env: Mapping[str, str]
    ) -> dict[str, str]:
        if step.get("id") == "install" and self.python is not None:
            return {"python": self.python}
        assert step["shell"] == "bash"
        files = {
            name: self.temp / f"{name.lower()}-{len(job.ran)}" for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")
        }
        for file in files.values():
            file.write_text("", encoding="utf-8")
        event = self.temp / "event.json"
        event.write_text(json.dumps(self.event), encoding="utf-8")
        own = {name: _given(text, context) for name, text in step.get("env", {}).items()}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
            cwd=self.workspace,
            env={
                **{name: text for name, text in os.environ.items() if not name.startswith(("GITHUB_", "COV_"))},
                **self._variables(event),
                **env,
                **{name: str(path) for name, path in files.items()},
                **own,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
            check=False,
        )
        job.failed = job.failed or done.returncode != 0
        job.log += done.stdout.decode()
        job.summary += files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
        return _outputs(files["GITHUB_OUTPUT"].read_text(encoding="utf-8"))

    def _variables(self, event: Path) -> dict[str, str]:
        return {
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_API_URL": self.github.url,
            "GITHUB_EVENT_NAME": self.event_name,
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_RUN_ID": "42",
            "GITHUB_SERVER_URL": "https://github.example.com",
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temp),
        }


def _given(text: Any, context: Mapping[str, Any]) -> str:
    """A value of ``with`` or ``env`` as the step gets it; YAML's true is the text true."""
    return str(text).lower() if isinstance(text, bool) else substituted(str(text), context)


def _outputs(text: str) -> dict[str, str]:
    """The outputs as the runner reads them: ``name=value``, or ``name<<END``, lines, ``END``."""
    outputs = {}
    lines = iter(text.splitlines())
    for line in lines:
        if found := re.fullmatch(r"([\w-]+)<<(\S+)", line):
            value = []
            for inner in lines:
                if inner == found[2]:
                    break
                value.append(inner)
            else:
                raise AssertionError(f"{found[1]} has no end")
            outputs[found[1]] = "\n".join(value)
        else:
            name, sign, value_text = line.partition("=")
            assert sign, f"the runner refuses {line!r}"
            outputs[name] = value_text
    return outputs
