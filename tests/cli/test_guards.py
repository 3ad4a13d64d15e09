"""What keeps a route from being made twice, or on the wrong PBX, where somebody makes a mistake."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pbxsync.sandbox import Sandbox
from tests.cli.process import Running, calls, declare, names, numbered, pbxsync, route, stored, to

STATE = ("--state", "state.json")


def test_an_apply_whose_state_file_was_lost_adds_nothing_a_second_time() -> None:
    declare("routes.yaml", numbered(3))
    with Sandbox(tokens=["t"]) as pbx:
        assert pbxsync("apply", "routes.yaml", *STATE, "--init", env=to(pbx)).code == 0
        Path("state.json").unlink()
        again = pbxsync("apply", "routes.yaml", *STATE, "--init", env=to(pbx))
        assert names(pbx) == ["r1", "r2", "r3"]
    assert again.code == 1
    assert "something else than the state file has recorded of: r1, r2, r3. Record it anew with: pbxsync" in again.err
    assert "0 applied" not in again.out


def test_an_apply_from_a_state_file_checks_at_the_end_what_a_pbx_that_can_be_asked_stored() -> None:
    declare("routes.yaml", numbered(2))
    with Sandbox(tokens=["t"], faults=["outroute/add@2=lie"]) as pbx:
        done = pbxsync("apply", "routes.yaml", *STATE, "--init", env=to(pbx))
        assert calls(pbx) == ["outroute/query", "outroute/add", "outroute/add", "outroute/query"]
    assert done.code == 1
    assert "r2 is not there" in done.err


def test_a_refresh_waits_for_an_apply_to_the_same_pbx() -> None:
    declare("routes.yaml", numbered(2))
    with Sandbox(tokens=["t"], faults=["outroute/add@2=delay:2"]) as pbx:
        with Running("apply", "routes.yaml", env=to(pbx)) as run:
            run.wait_for("✓ applied  add r1\n")
            refused = pbxsync("refresh", *STATE, env=to(pbx))
            assert run.ended().code == 0
        assert refused.code == 1
        assert "another pbxsync is at work on" in refused.err
        assert not Path("state.json").exists()


def test_what_was_refreshed_before_a_doubt_is_settled_is_not_recorded_twice() -> None:
    declare("routes.yaml", [route("r1", "1xX.")])
    with Sandbox(tokens=["t"], faults=["outroute/add@1=after:close"], filter_fields=True) as pbx:
        assert pbxsync("apply", "routes.yaml", *STATE, "--init", env=to(pbx)).code == 3
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
    assert done.out.endswith("Nothing that can be done: 1 unchanged, 0 unmanaged, 1 left alone (doubled on the PBX).\n")


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
