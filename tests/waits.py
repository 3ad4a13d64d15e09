"""Short waits, where a test tries what pbxsync does after a wait, and not the wait.

Processes that a test starts by themselves wait as long as they do for a user; the tests of the waits are
``tests/test_listing.py`` and ``tests/test_settling.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbxsync import listing, settling

if TYPE_CHECKING:
    import pytest


def shorten(patch: pytest.MonkeyPatch) -> None:
    """Let this process wait for hundredths of a second between two looks at a PBX's table."""
    patch.setattr(listing, "PAUSE", 0.002)
    patch.setattr(settling, "_PAUSE", 0.02)
