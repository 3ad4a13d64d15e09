"""What keeps a route from being made twice, or on the wrong PBX, where somebody makes a mistake."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pbxsync.sandbox import Firmware, Sandbox
from tests.cli.process import (
    Running,
    calls,
    declare,
    ended_without_reader,
    environment,
    names,
    numbered,
    pbxsync,
    received,
    route,
    stored,
    to,
)
from tests.in_process import inside

STATE = ("--state", "state.json")


def test_an_apply_whose_state_file_was_lost_adds_nothing_a_second_time() -> None:
    declare("routes.yaml", numbered(3))
    with Sandbox(tokens=["t"]) as pbx:
        assert pbxsync("apply", "routes.yaml", *STATE, "--init", env=to(pbx)).code == 0
        Path("state.json").unlink()
        again = pbxsync("apply", "routes.yaml", *STATE, "--init", env=to(pbx))
        assert names(pbx) == ["r1", "r2", "r3"]
    assert again.code == 1
    assert "something else than the state file has recorded of: r1, r2, r3. Record it again with: pbxsync" in again.err
    assert "0 applied" not in again.out


def test_an_apply_from_a_state_file_checks_at_the_end_what_a_pbx_that_can_be_asked_stored() -> None:
    declare("routes.yaml", numbered(2))
    with Sandbox(tokens=["t"], faults=["outroute/add@2=lie"]) as pbx:
        done = pbxsync("apply", "routes.yaml", *STATE, "--init", env=to(pbx))
        called = calls(pbx)
        assert [call for call in called if call != "outroute/query"] == ["outroute/add", "outroute/add"]
        assert called[-1] == "outroute/query"
    assert done.code == 1
    assert "r2 is not there" in done.err


def test_a_refresh_waits_for_an_apply_to_the_same_pbx() -> None:
    declare("routes.yaml", numbered(2))
    with Sandbox(tokens=["t"], faults=["outroute/add@2=delay:2"]) as pbx:
        with Running("apply", "routes.yaml", env=to(pbx)) as run:
            run.wait_for("✓ applied  add r1\n")
            refused = inside("refresh", *STATE, env=to(pbx))
            assert run.ended().code == 0
        assert refused.code == 1
        assert "another pbxsync is at work on" in refused.err
        assert not Path("state.json").exists()


def test_what_was_refreshed_before_a_doubt_is_settled_is_not_recorded_twice() -> None:
    declare("routes.yaml", [route("r1", "1xX.")])
    with Sandbox(tokens=["t"], faults=["outroute/add@1=after:hang:5"], firmware=Firmware(filter_fields=True)) as pbx:
        assert pbxsync("apply", "routes.yaml", *STATE, "--init", "--timeout", "0.5", env=to(pbx)).code == 3
        assert pbxsync("refresh", *STATE, env=to(pbx)).code == 0
    assert pbxsync("resolve", "r1", *STATE, "--applied").code == 0
    state = json.loads(Path("state.json").read_text(encoding="utf-8"))
    assert [one["name"] for one in state["routes"]] == ["r1"]
    assert state["doubts"] == []


def test_an_empty_state_that_init_began_is_there_for_the_next_run() -> None:
    declare("routes.yaml", [])
    with Sandbox(tokens=["t"]) as pbx:
        assert pbxsync("apply", "routes.yaml", *STATE, "--init", env=to(pbx)).code == 0
        assert pbxsync("apply", "routes.yaml", *STATE, env=to(pbx)).code == 0
        assert pbx.connections == 0


def test_routes_that_go_to_another_pbx_than_the_file_names_are_warned_of() -> None:
    declare("routes.yaml", numbered(1), url="https://192.0.2.10")
    with Sandbox(tokens=["t"]) as pbx:
        done = pbxsync("plan", "routes.yaml", env=to(pbx))
        same = pbxsync("plan", declare("same.yaml", numbered(1), url=f"{pbx.url}/"), env=to(pbx))
    assert done.code == 0
    assert done.err == (
        "pbxsync: warning: routes.yaml: the file is for https://192.0.2.10, and --url or PBXSYNC_URL sends it to "
        f"{pbx.url}\n"
    )
    assert same.err == ""


def test_http_and_https_are_one_pbx() -> None:
    declare("a.yaml", numbered(1), url="http://192.0.2.10")
    declare("b.yaml", numbered(1), url="https://192.0.2.10")
    Path("states").mkdir()
    done = pbxsync("plan", "a.yaml", "b.yaml", "--state", "states", "--init")
    assert done.code == 1
    assert "a.yaml and b.yaml both are for the PBX https://192.0.2.10" in done.err


def test_a_route_that_is_doubled_on_the_pbx_is_no_nothing_to_do() -> None:
    declare("routes.yaml", numbered(2))
    with Sandbox(tokens=["t"], routes=stored(*numbered(2), *numbered(1))) as pbx:
        done = pbxsync("plan", "routes.yaml", env=to(pbx))
    assert done.code == 1
    assert done.out.endswith("Nothing that can be done, because of 1 error: 1 unchanged, 0 unmanaged, 1 left alone.\n")


def test_every_unmanaged_route_is_named() -> None:
    declare("routes.yaml", [])
    with Sandbox(tokens=["t"], routes=stored(*numbered(60))) as pbx:
        done = pbxsync("plan", "routes.yaml", env=to(pbx))
    assert f"left as they are: {', '.join(f'r{n}' for n in range(1, 61))}\n" in done.out


def test_an_export_to_a_dash_goes_to_standard_output() -> None:
    with Sandbox(tokens=["t"], routes=stored(*numbered(1))) as pbx:
        done = pbxsync("export", "-o", "-", env=to(pbx))
    assert '  - name: "r1"\n' in done.out
    assert not Path("-").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permission bits")
def test_an_export_keeps_the_permissions_of_a_file_and_makes_a_new_one_by_the_umask() -> None:
    Path("kept.yaml").write_text("", encoding="utf-8")
    Path("kept.yaml").chmod(0o640)
    with Sandbox(tokens=["t"]) as pbx:
        assert pbxsync("export", "-o", "kept.yaml", env=to(pbx)).code == 0
        before = os.umask(0o027)
        try:
            assert pbxsync("export", "-o", "new.yaml", env=to(pbx)).code == 0
        finally:
            os.umask(before)
    assert [stat.S_IMODE(Path(name).stat().st_mode) for name in ("kept.yaml", "new.yaml")] == [0o640, 0o640]


@pytest.mark.parametrize("value", ["nan", "-1", "1e9"])
def test_a_number_of_seconds_that_is_none_is_wrong_usage(value: str) -> None:
    declare("routes.yaml", numbered(1))
    done = pbxsync("plan", "routes.yaml", "--timeout", value)
    assert done.code == 1
    assert "Invalid value for '--timeout'" in done.err


def test_a_number_that_is_none_is_said_in_words() -> None:
    declare("routes.yaml", numbered(1))
    for option, message in (
        ("--timeout", "'soon' is not a valid number of seconds."),
        ("--retries", "'soon' is not a valid whole number."),
    ):
        assert message in pbxsync("plan", "routes.yaml", option, "soon").err


def test_an_empty_name_of_a_file_is_not_taken_for_the_current_folder() -> None:
    declare("routes.yaml", numbered(1))
    done = pbxsync("apply", "routes.yaml", "--state", "", "--init", "--yes")
    assert done.code == 1
    assert "the name of a file is missing: it is empty." in done.err


def test_the_client_loads_neither_rich_nor_the_command_line_of_httpx() -> None:
    program = "import sys, pbxsync.client, httpx; print([m for m in ('rich', 'httpx._main') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert result.stdout == "[]\n"


def test_a_mistyped_address_is_not_taken_for_firmware_that_needs_a_state_file() -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox() as pbx:
        env = {"PBXSYNC_USERNAME": "admin", "PBXSYNC_PASSWORD": "sandbox"}
        done = pbxsync("plan", "routes.yaml", "--url", f"{pbx.url}/admin", env=env)
    assert done.code == 1
    assert "login: the PBX does not know this call (HTTP 404); is the address that of a PBX with this API?" in done.err
    assert "--state" not in done.err


def test_what_the_check_at_the_end_found_is_in_the_state_file_so_that_the_next_apply_mends_it() -> None:
    declare("routes.yaml", numbered(3))
    with Sandbox(tokens=["t"], faults=["outroute/add@2=lie"]) as pbx:
        first = pbxsync("apply", "routes.yaml", *STATE, "--init", env=to(pbx))
        assert first.code == 1
        assert "r2 is not there" in first.err
        again = pbxsync("apply", "routes.yaml", *STATE, env=to(pbx))
        assert again.code == 0, again.err
        assert names(pbx) == ["r1", "r2", "r3"]


def test_an_apply_that_was_never_checked_says_so() -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"], calls={"outroute/add"}) as pbx:
        done = pbxsync("apply", "routes.yaml", *STATE, "--init", "--format", "json", env=to(pbx))
    assert done.code == 0
    assert done.json["plans"][0]["notes"] == [
        "this PBX can't be asked for its routes, so what it held before and what it stored was not checked"
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals to send")
def test_a_signal_while_it_logs_out_takes_nothing_back_of_what_was_done() -> None:
    declare("routes.yaml", numbered(2))
    env_of = {"PBXSYNC_USERNAME": "admin", "PBXSYNC_PASSWORD": "sandbox", "PBXSYNC_TOKEN": ""}
    faults = ["outroute/add@2=close", "outroute/query@4-=status:503", "logout@1=hang"]
    with (
        Sandbox(faults=faults) as pbx,
        Running("apply", "routes.yaml", "--format", "json", "--retries", "0", env=to(pbx, **env_of)) as run,
    ):
        received(pbx, 1, "logout")
        run.wait_for("\n}\n")
        run.send(signal.SIGTERM)
        done = run.ended()
    assert calls(pbx)[-1] == "logout"
    assert done.code == 3
    assert [one["status"] for one in done.json["plans"][0]["outcomes"]] == ["applied", "in_doubt"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals to send")
def test_a_pbx_whose_turn_had_not_come_when_somebody_stopped_the_run_is_not_spoken_to() -> None:
    with Sandbox(tokens=["t"], faults=["outroute/add@1=delay:2"]) as a, Sandbox(tokens=["t"]) as b:
        for site, pbx in (("a", a), ("b", b)):
            declare(f"{site}.yaml", numbered(2), url=pbx.url)
        arguments = ("apply", "a.yaml", "b.yaml", "--state", ".", "--init", "--parallel", "1", "--format", "json")
        with Running(*arguments, env={"PBXSYNC_TOKEN": "t"}) as run:
            received(a, 1, "outroute/add")
            run.send(signal.SIGINT)
            done = run.ended()
        assert b.connections == 0
    assert done.code == 130
    assert [[one["status"] for one in plan["outcomes"]] for plan in done.json["plans"]] == [
        ["applied", "not_attempted"],
    ]
    assert done.json["errors"] == [{"file": "b.yaml", "message": "not planned: the run was stopped before"}]


def test_a_doubt_is_told_of_though_nobody_reads_the_output_any_more() -> None:
    declare("routes.yaml", numbered(2))
    with Sandbox(tokens=["t"], faults=["outroute/add@2=close", "outroute/query@4-=status:503"], latency=0.3) as pbx:
        arguments = ("apply", "routes.yaml", "--retries", "0")
        code, err = ended_without_reader(*arguments, env=to(pbx), read_to="applied  add r1")
    assert "add r2 is in doubt" in err
    assert code == 3


def test_an_address_with_a_password_is_refused_without_showing_it() -> None:
    declare("routes.yaml", numbered(1), url="https://192.0.2.10")
    for address in ("https://admin:hunter2@192.0.2.1", "https://192.0.2.1/?token=hunter2"):
        done = pbxsync("plan", "routes.yaml", "--url", address)
        assert done.code == 1
        assert "hunter2" not in done.everything


def test_a_port_that_is_the_usual_one_makes_no_other_pbx() -> None:
    declare("routes.yaml", numbered(1), url="https://192.0.2.10")
    done = pbxsync("plan", "routes.yaml", *STATE, "--init", "--url", "https://192.0.2.10:443/")
    assert (done.code, done.err) == (0, "")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no shell to close the streams")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_closed_stream_is_no_fault(closed: str) -> None:
    declare("routes.yaml", numbered(1))
    command = f'"$0" -m pbxsync plan routes.yaml --state s.json --init {closed}'
    ended = subprocess.run(
        ["sh", "-c", command, sys.executable], check=False, capture_output=True, text=True, env=environment(None)
    )
    assert ended.returncode == 0
    assert "Traceback" not in ended.stderr


def test_no_state_file_is_begun_for_a_pbx_that_nobody_names() -> None:
    declare("routes.yaml", [])
    done = pbxsync("apply", "routes.yaml", *STATE, "--init")
    assert done.code == 1
    assert "no PBX is named" in done.err
    assert not Path("state.json").exists()


def test_a_state_file_in_a_folder_that_is_not_there_is_refused_before_the_pbx_is_asked() -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"]) as pbx:
        done = pbxsync("apply", "routes.yaml", "--state", "nowhere/state.json", "--init", env=to(pbx))
        assert pbx.connections == 0
    assert done.code == 1
    assert "the folder for the state file doesn't exist; make it first" in done.err


def test_two_files_of_one_name_can_not_share_a_sandbox() -> None:
    for folder in ("x", "y"):
        Path(folder).mkdir()
        declare(f"{folder}/hq.yaml", numbered(1))
    done = pbxsync("plan", "--sandbox", "x/hq.yaml", "y/hq.yaml")
    assert done.code == 1
    assert "since they have one name; give one of them another" in done.err


def test_the_ids_of_new_routes_are_recorded_where_the_pbx_can_be_asked() -> None:
    declare("routes.yaml", numbered(2))
    with Sandbox(tokens=["t"]) as pbx:
        assert pbxsync("apply", "routes.yaml", *STATE, "--init", env=to(pbx)).code == 0
        state = json.loads(Path("state.json").read_text(encoding="utf-8"))
        assert [one["id"] for one in state["routes"]] == [one["id"] for one in pbx.routes()]
        declare("routes.yaml", [route("r1", "1001", ["b"]), route("r2", "1002")])
        assert pbxsync("apply", "routes.yaml", *STATE, env=to(pbx)).code == 0
        assert [one["trunks"] for one in pbx.routes()] == ["b", "a"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not keep a folder from being renamed like this")
def test_a_state_file_that_can_not_be_written_at_the_end_takes_nothing_back_of_what_was_done() -> None:
    declare("routes.yaml", numbered(1))
    Path("states").mkdir()
    with Sandbox(tokens=["t"], faults=["outroute/query@4=delay:2"]) as pbx:
        arguments = ("apply", "routes.yaml", "--state", "states/s.json", "--init", "--format", "json")
        with Running(*arguments, env=to(pbx)) as run:
            received(pbx, 4, "outroute/query")
            Path("states").rename("elsewhere")
            done = run.ended()
    assert done.code == 1
    (plan,) = done.json["plans"]
    assert [one["status"] for one in plan["outcomes"]] == ["applied"]
    assert "states/s.json: the state file can't be written" in plan["error"]
