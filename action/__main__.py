"""The action's steps: ``python -I action STEP`` runs one of them, from its variables to its outputs.

Started as a folder and isolated (-I), Python imports from this folder and what is installed, and nothing from the
checkout that the job works in: that is a pull request's, and may hold a file named like a module.
"""

from __future__ import annotations

import importlib
import sys

import runner

#: Each a module of this folder with a ``main``. A step loads its own alone: the first runs with nothing installed.
STEPS = ("install", "validate", "plan", "comment", "finish")


def run(arguments: list[str]) -> int:
    """Run the step of this name; its exit code."""
    if len(arguments) != 1 or arguments[0] not in STEPS:
        raise SystemExit(f"usage: python -I action {{{','.join(STEPS)}}}")
    try:
        code: int = importlib.import_module(arguments[0]).main()
    except runner.StepError as error:
        runner.error(str(error))
        return 1
    return code


sys.exit(run(sys.argv[1:]))
