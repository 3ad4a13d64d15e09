"""Whether it is fixed where the PBX's credentials go: a pull request can write any address and name into the files."""

from __future__ import annotations

import os
import re

import runner
import settings

#: A variable with credentials, and the suffix that picks it for the PBX of a name.
_CREDENTIALS = re.compile(r"PBXSYNC_(?:TOKEN|USERNAME|PASSWORD)(?:_FILE)?(?!_URL(?:_|\Z))(?P<suffix>_\w+)?")


def check() -> None:
    """Raise StepError where a live plan of a pull request could send credentials to an address that it chose."""
    if not runner.variable("GITHUB_EVENT_NAME").startswith("pull_request"):
        return
    if settings.value("state") or runner.variable("PBXSYNC_STATE"):
        return  # no connection is opened
    if settings.value("url") or runner.variable("PBXSYNC_URL"):
        return
    found = (_CREDENTIALS.fullmatch(name) for name, value in os.environ.items() if value)
    suffixes = {match["suffix"] or "" for match in found if match} or {""}
    missing = [f"PBXSYNC_TOKEN_URL{suffix}" for suffix in sorted(suffixes)]
    missing = [variable for variable in missing if not runner.variable(variable)]
    if missing:
        raise runner.StepError(
            f"a pull request is not planned live without {' and '.join(missing)}: it could change pbx.url or pbx.name "
            "in a file, and the PBX's credentials would go to that address, where somebody can read them. Set "
            f"{' and '.join(missing)} to the PBX's address in this step's env, or the input url; or plan from a state "
            "file (input state), which needs no credentials"
        )
