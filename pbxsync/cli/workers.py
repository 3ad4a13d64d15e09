"""Work on many PBXs side by side, in threads; what comes of it is taken in the order of the PBXs."""

from __future__ import annotations

import contextlib
import queue
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

from pbxsync.errors import PbxsyncError
from pbxsync.threads import without_signals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_T = TypeVar("_T")
_R = TypeVar("_R")

#: How often, in seconds, whoever waits for a result looks whether it is still worth it.
_LOOK = 0.1


class Stopped(PbxsyncError):
    """The run was stopped before this was begun, or while nothing was sent yet."""

    def __init__(self) -> None:
        super().__init__("not planned: the run was stopped before")


class Gate:
    """Lets threads through until there is a wish to stop, and knows whether one of them is still within."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._guard = threading.Lock()
        self._within = 0

    @contextlib.contextmanager
    def within(self) -> Iterator[bool]:
        """Be within for the block, where nobody wishes to stop; the block is told whether it is."""
        with self._guard:
            entered = not self._stop.is_set()
            self._within += entered
        try:
            yield entered
        finally:
            with self._guard:
                self._within -= entered

    def closed(self) -> bool:
        """Whether nobody is within, nor will be any more."""
        with self._guard:
            return self._stop.is_set() and not self._within


class Workers(Generic[_T, _R]):
    """Does the work for each item, at most ``parallel`` at once.

    ``work`` gets an item and a function that it hands its result to; it may go on then, to close what it opened. What
    it raises instead, if it is a PbxsyncError, is the result. One item alone is worked on in the caller's thread, so
    that an interrupt ends whatever it waits for; several are by threads that don't keep the process from ending.
    """

    def __init__(self, items: Sequence[_T], work: Callable[[_T, Callable[[_R], None]], None], parallel: int) -> None:
        self._items = items
        self._work = work
        self._parallel = min(parallel, len(items))
        self._results: dict[int, _R | PbxsyncError | BaseException] = {}
        self._news = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._waiting: queue.SimpleQueue[int] = queue.SimpleQueue()

    def results(self, given_up: Callable[[], bool] = lambda: False) -> Iterator[_R | PbxsyncError]:
        """The results in the items' order, each as soon as it and those before it are there.

        Once ``given_up`` says so nothing more is waited for: what isn't there yet is `Stopped`.
        """
        if len(self._items) == 1:
            self._one(0)
        elif not self._threads:
            self._start()
        for n in range(len(self._items)):
            result = self._wait(n, given_up)
            if isinstance(result, BaseException) and not isinstance(result, PbxsyncError):
                raise result  # a fault of the work itself
            yield result

    def join(self) -> None:
        """Wait until all threads have closed what they opened."""
        for thread in self._threads:
            while thread.is_alive():
                thread.join(_LOOK)

    def _start(self) -> None:
        for n in range(len(self._items)):
            self._waiting.put(n)
        with without_signals():
            for _ in range(self._parallel):
                self._threads.append(threading.Thread(target=self._until_done, daemon=True))
                self._threads[-1].start()

    def _until_done(self) -> None:
        while True:
            try:
                n = self._waiting.get_nowait()
            except queue.Empty:
                return
            self._one(n)

    def _one(self, n: int) -> None:
        try:
            self._work(self._items[n], lambda result: self._deliver(n, result))
        except PbxsyncError as error:
            self._deliver(n, error)
        except BaseException as error:  # it is raised where the result is asked for
            if len(self._items) == 1:
                raise
            self._deliver(n, error)

    def _deliver(self, n: int, result: _R | BaseException) -> None:
        with self._news:
            self._results.setdefault(n, result)
            self._news.notify_all()

    def _wait(self, n: int, given_up: Callable[[], bool]) -> _R | BaseException:
        with self._news:
            while n not in self._results:
                if given_up():
                    return Stopped()
                self._news.wait(_LOOK)
            return self._results.pop(n)
