"""As many files may be open as a fleet takes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.process import environment

RUN = (
    "import resource; from pbxsync.cli.limits import allow_open_files; "
    "hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]; "
    "resource.setrlimit(resource.RLIMIT_NOFILE, (128, {hard})); "
    "allow_open_files({pbxs}); print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
)


def allowed(pbxs: int, hard: str = "hard") -> int:
    """What a process may have open that began with 128 files, and is to work on so many PBXs."""
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(pbxs=pbxs, hard=hard)],
        env=environment(None),
        capture_output=True,
        encoding="utf-8",
        timeout=90,
        check=True,
    )
    return int(done.stdout)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_fleet_may_open_more_files_than_the_system_gives_by_default_and_few_pbxs_need_no_more() -> None:
    assert allowed(200) == 1700
    assert allowed(8) == 128
    assert allowed(1000, hard="512") == 512
