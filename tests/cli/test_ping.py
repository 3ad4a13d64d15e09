"""`pbxsync ping`: is the PBX there, who is it, what can it do?"""

from __future__ import annotations

import pytest

from pbxsync.sandbox import Firmware, Sandbox
from tests.cli.process import calls, route, stored, to
from tests.in_process import inside as pbxsync


def test_it_shows_the_pbx_its_calls_and_its_trunks_and_changes_nothing() -> None:
    with Sandbox(routes=stored(route("only"))) as pbx:
        before = pbx.routes()
        env = {"PBXSYNC_USERNAME": "admin", "PBXSYNC_PASSWORD": "sandbox"}
        done = pbxsync("ping", "--url", pbx.url, env=env)
        assert pbx.routes() == before
        assert calls(pbx)[0] == "login"
        assert calls(pbx)[-1] == "logout"
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{pbx.url} answers (json).\n  model: UCP-SANDBOX\n  firmware: 0.0.1-sandbox\n")
    assert "  ✓ outroute/query: 1 route\n" in done.out
    assert "  ✓ trunklist/query: 5 trunks\n" in done.out
    assert "trunks:\n  to-18-16-2  Registered  SIP\n" in done.out
    assert "not tried, since they change routes: outroute/add, outroute/update, outroute/delete" in done.out


def test_calls_that_the_firmware_refuses_are_listed() -> None:
    with Sandbox(tokens=["t"], calls={"outroute/query", "outroute/add"}) as pbx:
        done = pbxsync("ping", env=to(pbx))
    assert done.code == 0
    refused = "the PBX refused it (errno 10003, may mean: the firmware does not support this call)"
    for call in ("heartbeat", "deviceinfo/query", "trunklist/query"):
        assert f"  ✗ {call}: {refused}\n" in done.out
    assert "  ✓ outroute/query: 0 routes\n" in done.out
    assert "model" not in done.out
    assert "trunks:" not in done.out


@pytest.mark.parametrize("unsure", [False, True])
def test_an_answer_that_may_hide_routes_is_told_from_an_empty_table(unsure: bool) -> None:
    with Sandbox(tokens=["t"], firmware=Firmware(empty_as="null" if unsure else "list")) as pbx:
        done = pbxsync("ping", env=to(pbx))
    assert done.code == 0
    hides = ", by an answer that may also hide some: apply asks twice, and by name" if unsure else ""
    assert f"  ✓ outroute/query: 0 routes{hides}\n" in done.out


def test_firmware_that_knows_add_alone_is_there_and_the_way_to_keep_it_in_sync_is_shown() -> None:
    with Sandbox(calls={"login", "outroute/add"}) as pbx:
        env = {"PBXSYNC_USERNAME": "admin", "PBXSYNC_PASSWORD": "sandbox"}
        done = pbxsync("ping", "--url", pbx.url, env=env)
    assert (done.code, done.err) == (0, "")
    assert "its routes can't be read: plan and apply with --state FILE, and --init the first time\n" in done.out


@pytest.mark.parametrize("unknown_call", [False, True])
def test_a_pbx_that_refuses_every_call_is_a_failure(unknown_call: bool) -> None:
    with Sandbox(tokens=["t"], calls=[] if unknown_call else ["heartbeat"], unknown_call="404") as pbx:
        done = pbxsync("ping", env=to(pbx, PBXSYNC_TOKEN="t" if unknown_call else "dead"))
    assert done.code == 1
    assert f"pbxsync: {pbx.url}: none of the calls worked; is the token still good?\n" in done.err


def test_a_pbx_that_does_not_answer_is_a_failure_with_nothing_on_standard_output() -> None:
    with Sandbox(tokens=["t"], faults=["trunklist/query@*=close"]) as pbx:
        done = pbxsync("ping", "--retries", "0", env=to(pbx))
    assert (done.code, done.out) == (1, "")
    assert "trunklist/query: the connection broke before the answer was complete" in done.err


def test_names_that_could_act_on_the_terminal_are_shown_escaped() -> None:
    trunks = [{"trunkname": "evil\x1b[2J\u202e", "status": "Registered", "type": "SIP"}]
    with Sandbox(tokens=["t"], trunks=trunks) as pbx:
        done = pbxsync("ping", env=to(pbx))
    assert done.code == 0
    assert "  evil\\x1b[2J\\u202e  Registered  SIP\n" in done.out
