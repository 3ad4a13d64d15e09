"""Random trials on firmwares drawn by chance. So many are run as PBXSYNC_TEST_TRIALS says."""

from __future__ import annotations

import os
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.odd_firmware import draw, run

if TYPE_CHECKING:
    from pathlib import Path

TRIALS = int(os.environ.get("PBXSYNC_TEST_TRIALS", "120"))


@pytest.mark.parametrize("seed", range(TRIALS))
def test_every_promise_holds_on_a_firmware_drawn_by_chance(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run(draw(Random(seed)), monkeypatch)  # noqa: S311 - a trial keeps no secret
