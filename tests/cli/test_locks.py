"""Two runs on one PBX, or on one state file, from one machine."""

from __future__ import annotations

import contextlib
import hashlib
import re
from pathlib import Path

import pytest

from pbxsync.errors import LockHeld
from pbxsync.locks import hold
from pbxsync.sandbox import Sandbox
from tests.cli.process import Running, calls, declare, names, numbered, pbxsync, received, to


def test_a_second_apply_is_told_who_holds_the_pbx_and_sends_nothing() -> None:
    declare("routes.yaml", numbered(2))
    with Sandbox(tokens=["t"], faults=["outroute/add@2=hang"]) as pbx:
        with Running("apply", "routes.yaml", "--timeout", "600", env=to(pbx)) as first:
            first.wait_for("✓ applied  add r1\n")
            second = pbxsync("apply", "routes.yaml", env=to(pbx))
            waited = pbxsync("apply", "routes.yaml", "--lock-timeout", "0.2", "--format", "json", env=to(pbx))
            planned = pbxsync("plan", "routes.yaml", env=to(pbx))
        assert calls(pbx).count("outroute/add") <= 2
    assert second.code == waited.code == 1
    assert second.err.startswith(
        f"pbxsync: routes.yaml: another pbxsync is at work on {pbx.url.removeprefix('http://')}: process "
    )
    assert "started by" in second.err
    assert "--lock-timeout" in second.err
    assert re.search(r"\(waited 0\.\d+ s\)", waited.json["errors"][0]["message"])
    # A plan changes nothing, so it needs no lock.
    assert planned.code == 0


@pytest.mark.parametrize("host", ["localhost", "127.1", "[::1]"])
def test_a_pbx_is_held_however_its_address_is_written(host: str) -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"]) as pbx, hold([pbx.url.removeprefix("http://")], 0):
        other = f"{pbx.url.replace('127.0.0.1', host)}/."
        done = pbxsync("apply", "--yes", "routes.yaml", "--url", other, env={"PBXSYNC_TOKEN": "t"})
        assert pbx.connections == 0
    assert done.code == 1
    assert "another pbxsync is at work on " in done.err


def test_apply_takes_the_lock_before_it_asks_the_pbx_anything_and_holds_it_until_it_has_logged_out() -> None:
    declare("routes.yaml", numbered(1))
    login = {"PBXSYNC_USERNAME": "admin", "PBXSYNC_PASSWORD": "sandbox"}
    with Sandbox(faults=["logout@1=hang"]) as pbx:
        env = {**login, "PBXSYNC_URL": pbx.url}
        thing = pbx.url.removeprefix("http://")
        with hold([thing], 0):
            early = pbxsync("apply", "--yes", "routes.yaml", env=env)
            assert pbx.connections == 0
        with Running("apply", "--yes", "routes.yaml", "--timeout", "600", env=env):
            while "logout" not in calls(pbx):
                received(pbx, len(pbx.requests) + 1)
            assert "outroute/add" in calls(pbx)
            assert calls(pbx)[-2:] == ["outroute/query", "logout"]
            with pytest.raises(LockHeld), hold([thing], 0):
                pass
    assert early.code == 1
    assert "another pbxsync is at work on " in early.err


def test_a_lock_that_is_a_link_ends_the_run_before_anything_is_sent() -> None:
    declare("routes.yaml", numbered(1))
    Path("victim").write_text("precious", encoding="utf-8")
    with Sandbox(tokens=["t"]) as pbx:
        env = to(pbx, PBXSYNC_LOCK_DIR="shared")
        Path("shared").mkdir()
        name = hashlib.sha256(pbx.url.removeprefix("http://").encode()).hexdigest()[:32]
        for ending in ("lock", "holder"):
            link = Path("shared", f"{name}.{ending}")
            link.symlink_to("../victim")
            done = pbxsync("apply", "--yes", "routes.yaml", env=env)
            assert done.code == 1
            assert f"{link}: this is a link, and pbxsync makes none: " in done.err
            assert Path("victim").read_text(encoding="utf-8") == "precious"
            link.unlink()
        assert pbx.connections == 0
        assert pbxsync("apply", "--yes", "routes.yaml", env=env).code == 0


def test_a_second_apply_may_wait_for_the_first() -> None:
    declare("routes.yaml", numbered(3))
    with Sandbox(tokens=["t"], faults=["outroute/add@2=delay:1"]) as pbx:
        with Running("apply", "routes.yaml", env=to(pbx)) as first:
            first.wait_for("✓ applied  add r1\n")
            second = pbxsync("apply", "routes.yaml", "--lock-timeout", "80", env=to(pbx))
            assert first.ended().code == 0
        assert names(pbx) == ["r1", "r2", "r3"]
    assert second.code == 0, second.err
    assert "Nothing to do: 3 unchanged" in second.out


def test_a_state_file_is_held_too() -> None:
    declare("routes.yaml", numbered(2))
    state = ("--state", "state.json")
    with (
        Sandbox(tokens=["t"], faults=["outroute/add@2=hang"]) as pbx,
        Running("apply", "routes.yaml", *state, "--init", "--timeout", "600", env=to(pbx)) as first,
    ):
        first.wait_for("✓ applied  add r1\n")
        resolved = pbxsync("resolve", "r2", *state, "--applied")
        refreshed = pbxsync("refresh", *state, env=to(pbx))
    assert resolved.code == refreshed.code == 1
    for done in (resolved, refreshed):
        assert "another pbxsync is at work on " in done.err
        assert "state.json: process " in done.err


def test_a_run_over_several_pbxs_goes_on_with_the_others_while_it_waits_for_one_and_holds_none_of_them() -> None:
    token = {"PBXSYNC_TOKEN": "t"}
    with Sandbox(tokens=["t"]) as one, Sandbox(tokens=["t"]) as two:
        first, second = sorted((one, two), key=lambda pbx: pbx.url)
        for name, pbx in (("a", second), ("b", first)):
            declare(f"{name}.yaml", numbered(1), url=pbx.url)
        with contextlib.ExitStack() as until_waited_for:
            until_waited_for.enter_context(hold([first.url.removeprefix("http://")], 0))
            with Running("apply", "a.yaml", "b.yaml", "--lock-timeout", "60", env=token) as both:
                both.wait_for("a.yaml: 1 applied\n", stream="err")
                alone = pbxsync("apply", "a.yaml", "--lock-timeout", "60", env=token)
                assert alone.code == 0, alone.err
                until_waited_for.close()
                assert both.ended().code == 0
        assert names(first) == names(second) == ["r1"]
