"""Signals, where a process can't be made to get them at the right moment."""

from __future__ import annotations

import signal
import threading

import pytest

from pbxsync.cli import stopping
from pbxsync.cli.stopping import Stop
from pbxsync.threads import without_signals


def test_a_signal_that_raised_where_python_dropped_it_is_a_wish_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "_came", [signal.SIGINT])
    before = signal.getsignal(signal.SIGINT)
    stop = Stop()
    with stop.on_signals():
        assert stop.event.is_set()
        assert stop.signal == signal.SIGINT
    # The run has not come to its exit code, so whoever handled signals before does so again.
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="Windows has no such masks")
def test_a_thread_is_delivered_no_signal_and_this_one_is() -> None:
    masks = []

    def note() -> None:
        masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))

    thread = threading.Thread(target=note)
    with without_signals():
        thread.start()
    thread.join()
    note()
    assert [{signal.SIGINT, signal.SIGTERM, signal.SIGHUP} <= mask for mask in masks] == [True, False]


def test_where_there_are_no_masks_threads_are_started_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(signal, "pthread_sigmask", raising=False)
    with without_signals():
        pass
