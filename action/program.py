"""Runs the pbxsync of this Python, isolated as the steps are, and reads what it reports."""

from __future__ import annotations

import os
import subprocess
import sys


def pbxsync(*arguments: str) -> int:
    """Run it, its output in the step's log; its exit code. Both streams are one, so that lines keep their order."""
    # Exit code 2 is for whoever asks for it in a shell. Here an output says whether there are changes.
    env = {name: text for name, text in os.environ.items() if name != "PBXSYNC_DETAILED_EXITCODE"}
    command = [sys.executable, "-I", "-X", "utf8", "-m", "pbxsync", *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, env=env, check=False).returncode
