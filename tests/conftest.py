"""What all tests share: no test may be skipped where CI says so, and no caller's settings leak in."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.share import examples

if TYPE_CHECKING:
    from collections.abc import Generator

# The same examples in every run: a property that fails, fails for everybody. Timings vary too much for a deadline.
settings.register_profile(
    "pbxsync",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=examples(100),
)
settings.load_profile("pbxsync")

# What a shell starts in the background ignores Ctrl-C, and so would every pbxsync that a test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where PBXSYNC_TEST_NO_SKIP is set, as CI does."""
    report = yield
    if report.skipped and os.environ.get("PBXSYNC_TEST_NO_SKIP"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and no test may be"
    return report


#: Tests with many runs of the same code, or with many processes: nearly all that they run is measured elsewhere too.
UNMEASURED = {
    *("test_fault_table", "test_forked", "test_interrupt", "test_killed", "test_many_routes", "test_reorder_faults"),
    *("test_reorder_interrupted", "test_action_install", "test_distributions", "test_page", "test_pre_commit"),
    *("test_action", "test_benchmarks", "test_docs", "test_fuzz_leaks", "test_fuzz_names", "test_fuzz_state"),
    *("test_odd_firmware", "test_render_markdown", "test_workflows"),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave tests out of the coverage that would take twice as long with it, and add little to it."""
    for item in items:
        if item.path.stem in UNMEASURED:
            item.add_marker("no_cover")


@pytest.fixture(autouse=True)
def no_settings_of_the_caller(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Take the caller's PBXSYNC_ variables and proxies away, and keep locks in a folder of this run."""
    if request.node.get_closest_marker("no_cover"):
        monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    for name in list(os.environ):
        if (name.startswith("PBXSYNC_") and name != "PBXSYNC_TEST_NO_SKIP") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PBXSYNC_LOCK_DIR", str(tmp_path_factory.getbasetemp() / "locks"))
    monkeypatch.delenv("NO_COLOR", raising=False)
