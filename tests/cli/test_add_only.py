"""Firmware that knows `outroute/add` alone is kept in sync by a state file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pbxsync.sandbox import Sandbox
from tests.cli.process import calls, declare, names, numbered, route, to
from tests.in_process import inside as pbxsync

STATE = ("--state", "state.json")


def doubts() -> list[str]:
    return [doubt["after"]["name"] for doubt in json.loads(Path("state.json").read_text(encoding="utf-8"))["doubts"]]


def add_only(*faults: str) -> Sandbox:
    return Sandbox(tokens=["t"], calls={"outroute/add"}, faults=faults)


def test_a_plan_from_a_new_state_file_opens_no_connection_and_writes_nothing() -> None:
    declare("routes.yaml", numbered(2))
    with add_only() as pbx:
        done = pbxsync("plan", "routes.yaml", *STATE, "--init", "--url", pbx.url)
        assert pbx.connections == 0
    assert done.code == 0, done.err
    assert "Plan: 2 to add, 0 to update, 0 to delete" in done.out
    assert not Path("state.json").exists()


@pytest.mark.parametrize("token", [True, False])
def test_an_apply_records_each_add_and_the_next_one_sends_nothing(token: bool) -> None:
    declare("routes.yaml", numbered(3))
    with Sandbox(tokens=["t"], calls={"login", "outroute/add"}) as pbx:
        env = to(pbx) if token else to(pbx, PBXSYNC_USERNAME="admin", PBXSYNC_PASSWORD="sandbox", PBXSYNC_TOKEN="")
        first = pbxsync("apply", "routes.yaml", *STATE, "--init", env=env)
        assert first.code == 0, first.err
        added = [call for call in calls(pbx) if call not in ("login", "logout")]
        assert added == ["outroute/query", *["outroute/add"] * 3]
        assert names(pbx) == ["r1", "r2", "r3"]
        sent = len(pbx.requests)

        second = pbxsync("apply", "routes.yaml", *STATE, env=env)
        assert second.code == 0
        assert "Nothing to do: 3 unchanged" in second.out
        assert len(pbx.requests) == sent


def test_a_live_plan_there_says_that_a_state_file_is_needed() -> None:
    declare("routes.yaml", numbered(1))
    with add_only() as pbx:
        done = pbxsync("plan", "routes.yaml", env=to(pbx))
    assert done.code == 1
    assert "plan and apply with --state FILE, and --init the first time" in done.err
    assert done.out == ""


def test_a_missing_state_file_is_no_empty_one_unless_told_so() -> None:
    declare("routes.yaml", numbered(1))
    with add_only() as pbx:
        done = pbxsync("apply", "routes.yaml", *STATE, env=to(pbx))
        assert done.code == 1
        assert "state.json: there is no such state file" in done.err
        assert "--init" in done.err
        assert pbx.connections == 0


def test_a_lost_answer_stays_in_doubt_and_nothing_is_sent_until_somebody_resolves_it() -> None:
    declare("routes.yaml", numbered(3))
    with add_only("outroute/add@2=reset") as pbx:
        first = pbxsync("apply", "routes.yaml", *STATE, "--init", env=to(pbx))
        assert first.code == 3
        assert "? in doubt  add r2: " in first.out
        assert "pbxsync resolve --state state.json --applied -- r2 (or with --not-applied)" in first.err
        assert doubts() == ["r2"]
        assert len(pbx.requests) == 3

        planned = pbxsync("plan", "routes.yaml", *STATE, "--url", pbx.url)
        assert planned.code == 3
        assert (
            "Nothing of this is sent before what is in doubt (1) is settled: 1 unchanged, 0 unmanaged." in planned.out
        )
        assert "whether add r2 was carried out is in doubt" in planned.out
        assert pbxsync("plan", "routes.yaml", *STATE, "--url", pbx.url, "--detailed-exitcode").code == 3

        second = pbxsync("apply", "routes.yaml", *STATE, env=to(pbx))
        assert second.code == 3
        assert "nothing is sent while an outcome is in doubt: add r2" in second.err
        assert len(pbx.requests) == 3

        resolved = pbxsync("resolve", "r2", *STATE, "--not-applied")
        assert resolved.code == 0
        assert resolved.out == "r2: recorded as not applied; the next apply sends it.\n"
        assert doubts() == []

        third = pbxsync("apply", "routes.yaml", *STATE, env=to(pbx))
        assert third.code == 0
        assert names(pbx) == ["r1", "r2", "r3"]


def test_what_is_resolved_as_applied_is_not_sent_again() -> None:
    declare("routes.yaml", numbered(2))
    with add_only("outroute/add@1=after:close") as pbx:
        assert pbxsync("apply", "routes.yaml", *STATE, "--init", env=to(pbx)).code == 3
        resolved = pbxsync("resolve", "r1", *STATE, "--applied")
        assert (resolved.code, resolved.out) == (0, "r1: recorded as applied.\n")
        assert pbxsync("apply", "routes.yaml", *STATE, env=to(pbx)).code == 0
        assert names(pbx) == ["r1", "r2"]


def test_a_name_that_is_not_in_doubt_is_not_resolved() -> None:
    declare("routes.yaml", numbered(2))
    with add_only("outroute/add@1=after:close") as pbx:
        assert pbxsync("apply", "routes.yaml", *STATE, "--init", env=to(pbx)).code == 3
    before = Path("state.json").read_bytes()
    unknown = pbxsync("resolve", "r7", *STATE, "--applied")
    assert (unknown.code, unknown.out) == (1, "")
    assert unknown.err == "pbxsync: state.json: r7 is not in doubt; in doubt there: r1\n"
    undecided = pbxsync("resolve", "r1", *STATE)
    assert undecided.code == 1
    assert "Say what you found on the PBX: --applied or --not-applied." in undecided.err
    assert Path("state.json").read_bytes() == before


def test_updates_are_skipped_and_listed_where_only_adds_are_wanted() -> None:
    declare("routes.yaml", [route("r1", "1001", ["b"]), route("r2", "1002")])
    declare("first.yaml", numbered(1))
    with add_only() as pbx:
        assert pbxsync("apply", "first.yaml", *STATE, "--init", env=to(pbx)).code == 0
        done = pbxsync("apply", "routes.yaml", *STATE, "--add-only", env=to(pbx))
        assert done.code == 0, done.err
        assert names(pbx) == ["r1", "r2"]
        assert [call for call in calls(pbx) if call != "outroute/query"] == ["outroute/add"] * 2
    assert "  skipped, because of --add-only:\n    ~ update  r1\n" in done.out
    assert "trunks: [a] → [b]" in done.out


def test_an_update_from_a_state_file_without_ids_is_refused_before_anything_is_sent() -> None:
    declare("routes.yaml", [route("r1", "1001", ["b"]), route("r2", "1002")])
    declare("first.yaml", numbered(1))
    with add_only() as pbx:
        assert pbxsync("apply", "first.yaml", *STATE, "--init", env=to(pbx)).code == 0
        done = pbxsync("apply", "routes.yaml", *STATE, env=to(pbx))
        assert done.code == 1
        assert "--add-only" in done.err
        assert calls(pbx) == ["outroute/query", "outroute/add"]
    assert "0 applied" not in done.out
