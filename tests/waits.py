"""Short waits, where a test tries what pbxsync does after a wait, and not the wait.

Processes that a test starts by themselves wait as long as they do for a user; the tests of the waits are
``tests/test_listing.py`` and ``tests/test_settling.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbxsync import listing, settling

if TYPE_CHECKING:
    from collections.abc import Callable


def shorten(assign: Callable[[object, str, float], None]) -> None:
    """Let this process wait for hundredths of a second between two looks at a PBX's table.

    ``assign`` is `setattr`, or that of a `pytest.MonkeyPatch`, which takes it back.
    """
    assign(listing, "PAUSE", 0.002)
    assign(settling, "_PAUSE", 0.02)
