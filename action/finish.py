"""The last step: fails the job where validating or planning failed, when everybody has been told."""

from __future__ import annotations

import runner

WHY = {
    "1": "pbxsync plan failed: a file has errors, a test of a file fails, or a PBX could not be planned; see the step "
    "Plan",
    "3": "an outcome is in doubt: a change was sent and nobody knows whether the PBX carried it out; settle it with "
    "pbxsync resolve",
}
INVALID = "pbxsync validate failed; the errors, or with strict the warnings, are annotated at their lines"


def main() -> int:
    """Say what failed; the exit code of pbxsync."""
    validated, ended = runner.variable("VALIDATED"), runner.variable("EXIT_CODE")
    if validated not in ("", "0"):
        runner.error(INVALID)
    elif ended not in ("", "0"):
        runner.error(WHY.get(ended, f"pbxsync plan ended with exit code {ended}; see the step Plan"))
    return int(ended or 0)
