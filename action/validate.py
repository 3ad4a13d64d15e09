"""The step that validates: every problem an annotation at its line. It doesn't fail; the last step does."""

from __future__ import annotations

import runner
import settings
from program import pbxsync


def main() -> int:
    """Validate the files, and give pbxsync's exit code as output ``exit-code``."""
    strict = ["--strict"] if settings.flag("strict") else []
    runner.output(exit_code=pbxsync("validate", "--format", "github", *strict, *settings.files()))
    return 0
