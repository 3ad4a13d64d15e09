"""Random trials on firmwares drawn by chance."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.odd_firmware import draw, run
from tests.share import FULL

if TYPE_CHECKING:
    from pathlib import Path

TRIALS = 2_000 if FULL else 60


@pytest.mark.parametrize("seed", range(TRIALS))
def test_every_promise_holds_on_a_firmware_drawn_by_chance(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run(draw(Random(seed)))  # noqa: S311 - a trial keeps no secret
