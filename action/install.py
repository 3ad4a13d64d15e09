"""Installs pbxsync as it is in the action's own commit, into a virtual environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import runner

OLDEST = (3, 11)


def main() -> int:
    """Install, and say as output ``python`` which Python has it. A second use in the same job finds it there."""
    if sys.version_info < OLDEST:
        here, oldest = (".".join(map(str, version[:2])) for version in (sys.version_info, OLDEST))
        raise runner.StepError(
            f"pbxsync needs Python {oldest} or later, and this is {here}: "
            f'set the input python-version, such as python-version: "{oldest}"'
        )
    action = Path(runner.needed("GITHUB_ACTION_PATH")).resolve()
    folder = Path(runner.needed("RUNNER_TEMP")) / "pbxsync-venv"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    # Written last: what an interrupted step left behind is made anew.
    done = folder / "installed-from"
    if not done.is_file() or done.read_text(encoding="utf-8") != str(action):
        _install(action, folder, python)
        done.write_text(str(action), encoding="utf-8")
    runner.output(python=python)
    return 0


def _install(action: Path, folder: Path, python: Path) -> None:
    pip = [str(python), "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(action)]
    try:
        venv.EnvBuilder(clear=True, with_pip=True).create(folder)
        subprocess.run(pip, stdin=subprocess.DEVNULL, check=True)
    except subprocess.CalledProcessError as error:
        raise runner.StepError(
            f"pbxsync could not be installed (exit code {error.returncode}); the lines above say why. "
            "It needs Python's venv and ensurepip, and a package index (PIP_INDEX_URL names another than PyPI)"
        ) from None
