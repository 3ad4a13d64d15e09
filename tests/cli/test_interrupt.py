"""Ctrl-C, SIGTERM and SIGHUP: what is in flight is finished and recorded, the rest is not attempted."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from pbxsync.known_state import StateFile
from pbxsync.sandbox import Sandbox
from tests.cli.process import (
    COMMAND,
    PATIENCE,
    Running,
    calls,
    declare,
    environment,
    names,
    numbered,
    pbxsync,
    received,
    route,
    stand_still,
    stored,
    to,
)
from tests.cli.test_output import check

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals to send")

_HANGUP = getattr(signal, "SIGHUP", signal.SIGTERM)  # Windows, where none of this runs, has none
SIGNALS = pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (_HANGUP, 128 + _HANGUP)]
)


@SIGNALS
def test_the_call_in_flight_is_finished_and_the_rest_not_attempted(number: signal.Signals, code: int) -> None:
    declare("routes.yaml", numbered(5))
    with (
        Sandbox(tokens=["t"], faults=["outroute/add@3=delay:2"]) as pbx,
        Running("apply", "routes.yaml", env=to(pbx)) as run,
    ):
        run.wait_for("✓ applied  add r2\n")
        received(pbx, 3, "outroute/add")
        run.send(number)
        done = run.ended()
        assert names(pbx) == ["r1", "r2", "r3"]
        add, query = "outroute/add", "outroute/query"
        assert calls(pbx) == [query, query, query, add, add, query, add, query]
    assert done.code == code
    assert "✓ applied  add r3\n  · not attempted  add r4\n  · not attempted  add r5\n" in done.out
    assert done.out.endswith("2 not attempted. Interrupted: the rest was not attempted.\n")
    assert done.err == "pbxsync: stopping; the call in flight is finished and recorded first\n"


@SIGNALS
def test_with_a_state_file_the_call_in_flight_is_recorded(number: signal.Signals, code: int) -> None:
    declare("routes.yaml", numbered(4))
    arguments = ("apply", "routes.yaml", "--state", "state.json", "--format", "json")
    with Sandbox(tokens=["t"], calls={"outroute/add"}, faults=["outroute/add@3=delay:2"]) as pbx:
        with Running(*arguments, "--init", env=to(pbx)) as run:
            run.wait_for("✓ applied  add r2\n", stream="err")
            received(pbx, 3, "outroute/add")
            run.send(number)
            done = run.ended()
        assert done.code == code
        assert [one["status"] for one in done.json["plans"][0]["outcomes"]] == ["applied"] * 3 + ["not_attempted"]
        state = json.loads(Path("state.json").read_text(encoding="utf-8"))
        assert [one["name"] for one in state["routes"]] == ["r1", "r2", "r3"]
        assert state["doubts"] == []

        assert pbxsync(*arguments, env=to(pbx)).code == 0
        assert names(pbx) == ["r1", "r2", "r3", "r4"]


@pytest.mark.parametrize("sites", [["a"], ["a", "b"]])
def test_a_second_signal_ends_the_run_at_once_and_says_that_the_outcome_is_unknown(sites: list[str]) -> None:
    with Sandbox(tokens=["t"], faults=["outroute/add@2=hang"]) as a, Sandbox(tokens=["t"]) as b:
        for site, pbx in (("a", a), ("b", b)):
            declare(f"{site}.yaml", numbered(3), url=pbx.url)
        files = [f"{site}.yaml" for site in sites]
        with Running("apply", *files, "--state", ".", "--init", "--format", "json", env={"PBXSYNC_TOKEN": "t"}) as run:
            if len(sites) == 1:
                run.wait_for("✓ applied  add r1\n", stream="err")
            for site in sites[1:]:
                run.wait_for(f"{site}.yaml: 3 applied\n", stream="err")
            received(a, 2, "outroute/add")
            run.send(signal.SIGINT)
            run.wait_for("stopping; the call in flight is finished and recorded first", stream="err")
            run.send(signal.SIGINT)
            done = run.ended()
        assert done.code == 130
        assert (
            "\npbxsync: stopped at once; whether it was carried out is not known: add r2 (a.yaml). With --state it is "
            "recorded as in doubt; else plan again to see\n"
        ) in done.err
        check("apply", done)
        of_a = done.json["plans"][0]
        assert [outcome["status"] for outcome in of_a["outcomes"]] == ["applied", "in_doubt", "not_attempted"]
        assert of_a["outcomes"][1]["error"].startswith("pbxsync was stopped at once, while this was on its way")
        for of_b in done.json["plans"][1:]:
            assert [outcome["status"] for outcome in of_b["outcomes"]] == ["applied"] * 3
        assert names(a) == ["r1"]
        again = pbxsync("apply", "a.yaml", "--state", ".", env={"PBXSYNC_TOKEN": "t"})
        assert again.code == 3
        assert "nothing is sent while an outcome is in doubt: add r2" in again.err


def test_a_second_signal_in_the_check_at_the_end_leaves_a_record_of_what_was_done() -> None:
    declare("routes.yaml", numbered(2))
    with (
        Sandbox(tokens=["t"], faults=["outroute/query@4=hang"]) as pbx,
        Running("apply", "routes.yaml", "--format", "json", env=to(pbx)) as run,
    ):
        received(pbx, 4, "outroute/query")
        run.send(signal.SIGTERM)
        run.wait_for("stopping; ", stream="err")
        run.send(signal.SIGTERM)
        done = run.ended()
    assert done.code == 143
    assert done.err.endswith("\npbxsync: stopped at once; no change was on its way to a PBX\n")
    check("apply", done)
    assert [outcome["status"] for outcome in done.json["plans"][0]["outcomes"]] == ["applied"] * 2


def test_a_second_signal_tells_in_text_what_was_on_its_way_and_not_of_pbxs_whose_turn_had_not_come() -> None:
    with Sandbox(tokens=["t"], faults=["outroute/add@1=hang"]) as a, Sandbox(tokens=["t"]) as b:
        declare("a.yaml", numbered(2), url=a.url)
        declare("b.yaml", numbered(2), url=b.url)
        one_by_one = {"PBXSYNC_TOKEN": "t", "PBXSYNC_PARALLEL": "1"}
        with Running("apply", "a.yaml", "b.yaml", env=one_by_one) as run:
            received(a, 1, "outroute/add")
            run.send(signal.SIGINT)
            run.wait_for("stopping; ", stream="err")
            run.send(signal.SIGINT)
            done = run.ended()
        assert calls(b) == []
    assert done.code == 130
    assert "not known: add r1 (a.yaml). With --state" in done.err


@SIGNALS
@pytest.mark.parametrize("several", [False, True])
def test_a_plan_of_pbxs_that_hang_ends_at_once(number: signal.Signals, code: int, several: bool) -> None:
    fault = ["outroute/query@*=hang"]
    with Sandbox(tokens=["t"], faults=fault) as a, Sandbox(tokens=["t"], faults=fault) as b:
        files = [declare("a.yaml", numbered(1), url=a.url)]
        files += [declare("b.yaml", numbered(1), url=b.url)] if several else []
        # Waited for, the hanging answers would take longer than the test's patience.
        with Running("plan", *files, "--timeout", "600", "--format", "json", env={"PBXSYNC_TOKEN": "t"}) as run:
            for pbx in (a, b)[: len(files)]:
                received(pbx, 1)
            run.send(number)
            done = run.ended()
    assert done.code == code
    word = "interrupted" if number == signal.SIGINT else "terminated"
    assert done.err.endswith(f"pbxsync: {word}\n")
    assert done.json["errors"] == [{"file": None, "message": word}]


@SIGNALS
def test_two_signals_in_a_row_end_a_plan_at_once_without_a_traceback(number: signal.Signals, code: int) -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"], faults=["outroute/query@*=hang"]) as pbx:
        for n in range(4):
            with Running("plan", "routes.yaml", "--timeout", "600", env=to(pbx)) as run:
                received(pbx, n + 1)
                time.sleep(0.2)  # until it waits for the answer: Python sees no signal that comes right before that
                run.send(number)
                run.send(signal.SIGINT)
                done = run.ended()
            # Either the first to come was told of by then, or not.
            assert done.code in (code, 130)
            assert done.err.strip() in ("", "pbxsync: interrupted", "pbxsync: terminated")


@SIGNALS
def test_a_signal_after_all_is_said_takes_nothing_back(number: signal.Signals, code: int) -> None:
    declare("routes.yaml", numbered(1))
    for _ in range(6):
        Path("state.json").unlink(missing_ok=True)
        with (
            Sandbox(tokens=["t"], calls={"outroute/add"}, faults=["outroute/add@1=after:reset"]) as pbx,
            Running("apply", "routes.yaml", "--state", "state.json", "--init", "--format", "json", env=to(pbx)) as run,
        ):
            run.wait_for("\n}\n")
            run.send(number)
            done = run.ended()
        assert done.code == 3
        check("apply", done)


def test_what_was_ignored_from_the_beginning_stays_ignored() -> None:
    declare("routes.yaml", numbered(2))
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with (
            Sandbox(tokens=["t"], faults=["outroute/add@1=delay:1"]) as pbx,
            Running("apply", "routes.yaml", env=to(pbx)) as run,
        ):
            received(pbx, 1, "outroute/add")
            run.send(signal.SIGINT)
            assert run.ended().code == 0
            assert names(pbx) == ["r1", "r2"]
    finally:
        signal.signal(signal.SIGINT, before)


@SIGNALS
def test_a_signal_finds_the_call_in_flight_finished_also_where_nobody_reads_the_errors_any_more(
    number: signal.Signals, code: int
) -> None:
    declare("routes.yaml", numbered(3))
    with Sandbox(tokens=["t"], faults=["outroute/add@2=delay:1"]) as pbx:
        reader, writer = os.pipe()
        arguments = [*COMMAND, "apply", "routes.yaml", "--state", "state.json", "--init", "--format", "json"]
        run = subprocess.Popen(arguments, env=environment(to(pbx)), stdout=subprocess.PIPE, stderr=writer)
        os.close(writer)
        received(pbx, 2, "outroute/add")
        os.close(reader)
        run.send_signal(number)
        out, _ = run.communicate(timeout=60)
        assert names(pbx) == ["r1", "r2"]
    assert run.returncode == code
    assert [one["status"] for one in json.loads(out)["plans"][0]["outcomes"]] == ["applied"] * 2 + ["not_attempted"]
    assert StateFile.read(Path("state.json"), pbx=None).state.doubts == ()


@SIGNALS
def test_a_signal_that_comes_while_errors_are_written_is_heard(number: signal.Signals, code: int) -> None:
    declare("routes.yaml", numbered(300))
    with Sandbox(tokens=["t"]) as pbx:
        arguments = [*COMMAND, "apply", "routes.yaml", "--no-impact", "--format", "json", "-vv"]
        own = environment(to(pbx))
        run = subprocess.Popen(arguments, env=own, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        # Nobody reads what it writes, so it waits in the middle of a line once the pipe is full.
        assert run.stderr
        fcntl.fcntl(run.stderr, fcntl.F_SETPIPE_SZ, 4096)
        received(pbx, 1)
        stand_still(pbx)
        run.send_signal(number)
        time.sleep(0.5)
        out, err = run.communicate(timeout=60)
    statuses = [one["status"] for one in json.loads(out)["plans"][0]["outcomes"]]
    assert b"internal error" not in err
    assert run.returncode == code
    assert "not_attempted" in statuses
    assert statuses.count("applied") == len(pbx.routes())


def test_a_doubt_is_told_where_errors_cannot_be_written() -> None:
    declare("routes.yaml", numbered(2))
    lost = ["outroute/add@1=after:reset"]
    with (
        Sandbox(tokens=["t"], calls={"outroute/add"}, faults=lost) as pbx,
        Path("/dev/full").open("wb") as full,
    ):
        arguments = [*COMMAND, "apply", "routes.yaml", "--state", "state.json", "--init", "--format", "json"]
        run = subprocess.run(
            arguments, env=environment(to(pbx)), stdout=subprocess.PIPE, stderr=full, check=False, timeout=60
        )
    assert run.returncode == 3
    assert json.loads(run.stdout)["plans"][0]["outcomes"][0]["status"] == "in_doubt"


def until_full(run: subprocess.Popen[bytes]) -> None:
    """Wait until a process waits for somebody to read the rest of what it prints."""
    assert run.stdout
    size = fcntl.fcntl(run.stdout, fcntl.F_GETPIPE_SZ)
    for _ in range(int(PATIENCE / 0.05)):
        waiting = bytearray(4)
        fcntl.ioctl(run.stdout, termios.FIONREAD, waiting)
        # A write of a part that no longer fits leaves less than a page free.
        if int.from_bytes(waiting, sys.byteorder) > size - 4096:
            break
        time.sleep(0.05)
    time.sleep(0.2)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("signals", [1, 2])
def test_a_document_is_whole_though_a_signal_comes_while_it_is_printed(unbuffered: str, signals: int) -> None:
    declare("routes.yaml", [])
    held = stored(*(route(f"unmanaged {n:07} {'x' * 100}", str(n)) for n in range(1500)))
    with Sandbox(tokens=["t"], routes=held) as pbx:
        arguments = [*COMMAND, "apply", "routes.yaml", "--no-impact", "--format", "json"]
        own = environment(to(pbx, PYTHONUNBUFFERED=unbuffered))
        run = subprocess.Popen(arguments, env=own, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        until_full(run)
        for _ in range(signals):
            run.send_signal(signal.SIGTERM)
            time.sleep(0.2)
        out, _ = run.communicate(timeout=60)
    assert run.returncode == 0
    if signals == 1:
        assert len(json.loads(out)["plans"][0]["unmanaged"]) == 1500
    else:  # somebody wants it to end, whoever does not read
        assert out.count(b'"format_version"') == 1


@SIGNALS
def test_a_signal_ends_the_search_for_a_change_whose_answer_did_not_come_in_time(
    number: signal.Signals, code: int
) -> None:
    declare("routes.yaml", numbered(2))
    with (
        Sandbox(tokens=["t"], faults=["outroute/add@1=hang"]) as pbx,
        Running("apply", "routes.yaml", "--timeout", "3", "--format", "json", env=to(pbx)) as run,
    ):
        received(pbx, 5)  # the query that looks for it
        run.send(number)
        done = run.ended()
        # Without the signal it would be looked for three more times.
        assert calls(pbx)[3] == "outroute/add"
        assert set(calls(pbx)[4:]) == {"outroute/query"}
        assert len(calls(pbx)[4:]) <= 2 + 2 + 1
        assert names(pbx) == []
    assert done.code == 3  # before the signal's code, since somebody must look
    assert [one["status"] for one in done.json["plans"][0]["outcomes"]] == ["in_doubt", "not_attempted"]
    assert "a run right away could make it twice" in done.err


def test_a_second_signal_before_anything_was_sent_claims_no_doubt() -> None:
    declare("routes.yaml", numbered(1))
    with (
        Sandbox(tokens=["t"], faults=["outroute/query@1=hang"]) as pbx,
        Running("apply", "routes.yaml", "--state", "s.json", "--init", "--format", "json", env=to(pbx)) as run,
    ):
        received(pbx, 1)
        run.send(signal.SIGINT)
        run.wait_for("stopping; ", stream="err")
        run.send(signal.SIGINT)
        done = run.ended()
    assert done.code == 130
    assert done.err.endswith("pbxsync: stopped at once; no change was on its way to a PBX\n")
    assert [one["status"] for one in done.json["plans"][0]["outcomes"]] == ["not_attempted"]


@pytest.mark.parametrize(("held", "code"), [((), 1), (("after:reset",), 3)])
def test_a_document_that_cannot_be_written_is_a_failure_and_a_doubt_stays_one(held: tuple[str, ...], code: int) -> None:
    declare("routes.yaml", numbered(1))
    faults = [f"outroute/add@1={fault}" for fault in held]
    with (
        Sandbox(tokens=["t"], calls={"outroute/add"}, faults=faults) as pbx,
        Path("/dev/full").open("wb") as full,
    ):
        arguments = [*COMMAND, "apply", "routes.yaml", "--state", "state.json", "--init", "--format", "json"]
        run = subprocess.run(
            arguments, env=environment(to(pbx)), stdout=full, stderr=subprocess.PIPE, check=False, timeout=60
        )
        assert names(pbx) == ["r1"]
    assert run.returncode == code
    assert run.stderr.decode().endswith("pbxsync: standard output can't be written: No space left on device\n")


def test_a_document_that_nobody_reads_changes_nothing_of_the_result() -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"]) as pbx:
        reader, writer = os.pipe()
        os.close(reader)
        arguments = [*COMMAND, "apply", "routes.yaml", "--format", "json"]
        run = subprocess.run(
            arguments, env=environment(to(pbx)), stdout=writer, stderr=subprocess.PIPE, check=False, timeout=60
        )
        os.close(writer)
        assert names(pbx) == ["r1"]
    assert run.returncode == 0
    assert b"standard output" not in run.stderr
