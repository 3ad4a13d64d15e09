"""What a step and GitHub's runner tell each other: variables, outputs, the job's summary, annotations.

Standard library only: the first step runs before anything is installed.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class StepError(Exception):
    """What keeps a step from its work, in words for the person who wrote the workflow."""


def variable(name: str) -> str:
    """A variable of the step; empty where it isn't set."""
    return os.environ.get(name, "").strip()


def needed(name: str) -> str:
    """A variable that every runner sets."""
    value = variable(name)
    if not value:
        raise StepError(f"{name} is not set; these scripts run as steps of the action alone")
    return value


def output(**values: object) -> None:
    """Set outputs of the step: ``exit_code`` is ``exit-code``. No value can end early and set another."""
    lines = []
    for name, value in values.items():
        end = secrets.token_hex(16)
        lines.append(f"{name.replace('_', '-')}<<{end}\n{value}\n{end}\n")
    _append("GITHUB_OUTPUT", "".join(lines))


def summarize(markdown: str) -> None:
    """Add to what the page of the job's run shows."""
    _append("GITHUB_STEP_SUMMARY", markdown.rstrip("\n") + "\n\n")


def error(message: str) -> None:
    """Annotate the run with an error."""
    _annotate("error", message)


def warning(message: str) -> None:
    """Annotate the run with a warning."""
    _annotate("warning", message)


@contextlib.contextmanager
def no_commands() -> Iterator[None]:
    """Let nothing that is printed meanwhile be a workflow command, whoever worded it."""
    token = secrets.token_hex(16)
    print(f"::stop-commands::{token}", flush=True)
    try:
        yield
    finally:
        print(f"::{token}::", flush=True)


def _annotate(severity: str, message: str) -> None:
    data = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    print(f"::{severity} title=pbxsync::{data}", flush=True)


def _append(variable: str, text: str) -> None:
    with Path(needed(variable)).open("a", encoding="utf-8", newline="\n") as file:
        file.write(text)
