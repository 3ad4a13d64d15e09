"""Many PBXs side by side: what comes of them in their order, and one that never ends."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from pbxsync.cli.workers import Gate, Stopped, Workers
from pbxsync.errors import PbxsyncError

if TYPE_CHECKING:
    from collections.abc import Callable


def test_results_come_in_the_order_of_the_items_whichever_ends_first() -> None:
    second_is_done = threading.Event()

    def work(item: int, deliver: Callable[[int], None]) -> None:
        if item == 0:
            assert second_is_done.wait(10)
        deliver(item * 10)
        if item == 1:
            second_is_done.set()

    assert list(Workers(range(5), work, 2).results()) == [0, 10, 20, 30, 40]


def test_no_more_than_so_many_are_worked_on_at_once() -> None:
    guard = threading.Lock()
    now, most = 0, 0

    def work(item: int, deliver: Callable[[int], None]) -> None:
        nonlocal now, most
        with guard:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with guard:
            now -= 1
        deliver(item)

    assert list(Workers(range(12), work, 3).results()) == list(range(12))
    assert most == 3


def test_what_fails_is_a_result_and_keeps_no_other_from_being_done() -> None:
    def work(item: int, deliver: Callable[[int], None]) -> None:
        if item == 1:
            raise PbxsyncError("no")
        deliver(item)

    first, second, third = Workers(range(3), work, 3).results()
    assert (first, str(second), third) == (0, "no", 2)


@pytest.mark.parametrize("items", [1, 3])
def test_a_fault_of_the_work_itself_is_raised(items: int) -> None:
    def work(_item: int, _deliver: Callable[[int], None]) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(Workers(range(items), work, 2).results())


def test_a_result_is_there_before_its_work_has_closed_what_it_opened() -> None:
    taken = threading.Event()
    closed: list[int] = []

    def work(item: int, deliver: Callable[[int], None]) -> None:
        deliver(item)
        assert taken.wait(10)
        closed.append(item)

    workers: Workers[int, int] = Workers(range(2), work, 2)
    assert list(workers.results()) == [0, 1]
    assert closed == []
    taken.set()
    workers.join()
    assert sorted(closed) == [0, 1]


def test_who_gives_up_waits_no_longer_for_one_that_hangs_and_has_what_is_there() -> None:
    forever = threading.Event()
    given_up = threading.Event()

    def work(item: int, deliver: Callable[[int], None]) -> None:
        if item == 0:
            forever.wait(60)
        deliver(item)
        if item == 1:
            given_up.set()

    hanging, there = Workers(range(2), work, 2).results(given_up.is_set)
    forever.set()
    assert isinstance(hanging, Stopped)
    assert there == 1


def test_one_item_is_worked_on_by_the_caller_itself_so_that_an_interrupt_ends_it() -> None:
    def work(_item: int, deliver: Callable[[bool], None]) -> None:
        deliver(threading.current_thread() is threading.main_thread())

    assert list(Workers([0], work, 8).results()) == [True]
    assert list(Workers([0, 1], work, 8).results()) == [False, False]


def test_nothing_to_work_on_comes_to_nothing() -> None:
    assert list(Workers([], lambda _item, _deliver: None, 8).results()) == []


def test_a_gate_is_closed_once_there_is_a_wish_to_stop_and_nobody_is_within() -> None:
    stop = threading.Event()
    gate = Gate(stop)
    with gate.within() as begun:
        assert begun
        stop.set()
        assert not gate.closed()
        with gate.within() as late:
            assert not late
        assert not gate.closed()
    assert gate.closed()


def test_a_result_that_takes_long_to_make_is_waited_for_after_a_wish_to_stop() -> None:
    stop = threading.Event()
    gate = Gate(stop)

    def work(item: int, deliver: Callable[[int], None]) -> None:
        with gate.within():
            stop.set()
            time.sleep(0.3)  # longer than between two looks whether the result is still to come
            deliver(item)

    assert next(Workers([7, 8], work, 1).results(gate.closed)) == 7
