"""`pbxsync refresh`: the PBX's routes, recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from pbxsync import schemas
from pbxsync.sandbox import Sandbox
from tests.cli.process import declare, numbered, route, stored, to
from tests.in_process import inside as pbxsync

STATE = ("--state", "state.json")


def recorded() -> Any:
    state = json.loads(Path("state.json").read_text(encoding="utf-8"))
    Draft202012Validator(schemas.load("state")).validate(state)
    return state


def test_what_is_recorded_plans_to_nothing_without_a_connection() -> None:
    declare("routes.yaml", numbered(2))
    with Sandbox(tokens=["t"], routes=stored(*numbered(2))) as pbx:
        done = pbxsync("refresh", *STATE, env=to(pbx))
        assert (done.code, done.err) == (0, "")
        assert done.out == f"state.json: 2 routes of {pbx.url} recorded.\n"
        assert [(one["name"], one["id"]) for one in recorded()["routes"]] == [("r1", "1"), ("r2", "2")]
    assert pbxsync("plan", "routes.yaml", *STATE, "--detailed-exitcode").code == 0


def test_a_recorded_state_is_brought_up_to_date_from_the_pbx_that_it_names() -> None:
    with Sandbox(tokens=["t"], routes=stored(*numbered(1))) as pbx:
        assert pbxsync("refresh", *STATE, env=to(pbx)).code == 0
        declare("routes.yaml", numbered(3))
        assert pbxsync("apply", "routes.yaml", env=to(pbx)).code == 0
        done = pbxsync("refresh", *STATE, env={"PBXSYNC_TOKEN": "t"})
    assert done.code == 0, done.err
    assert done.out.startswith("state.json: 3 routes of ")
    assert [one["name"] for one in recorded()["routes"]] == ["r1", "r2", "r3"]


def test_the_state_of_another_pbx_is_not_overwritten() -> None:
    with Sandbox(tokens=["t"]) as one, Sandbox(tokens=["t"]) as another:
        assert pbxsync("refresh", *STATE, env=to(one)).code == 0
        before = Path("state.json").read_bytes()
        done = pbxsync("refresh", *STATE, env=to(another))
        assert another.connections == 0
    assert done.code == 1
    assert f"it belongs to {one.url}, the routes are for {another.url}" in done.err
    assert Path("state.json").read_bytes() == before


def test_a_doubt_is_settled_where_the_pbx_holds_what_was_sent_and_stays_where_it_does_not() -> None:
    declare("routes.yaml", [route("r1", "1")])
    # Each add's answer is lost, and so are those to the two queries that ask for it.
    unsettled = ["outroute/query@4-5=status:500", "outroute/query@12-13=status:500"]
    with Sandbox(tokens=["t"], faults=["outroute/add@1=reset", "outroute/add@2=after:reset", *unsettled]) as pbx:
        apply = ("apply", "routes.yaml", *STATE, "--retries", "0")
        assert pbxsync(*apply, "--init", env=to(pbx)).code == 3
        still = pbxsync("refresh", *STATE, env=to(pbx))
        assert still.code == 0
        assert "still in doubt: r1; look on the PBX, then run for each: pbxsync resolve --state" in still.err
        assert len(recorded()["doubts"]) == 1

        assert pbxsync("resolve", "r1", *STATE, "--not-applied").code == 0
        assert pbxsync(*apply, env=to(pbx)).code == 3
        settled = pbxsync("refresh", *STATE, env=to(pbx))
        assert (settled.code, settled.err) == (0, "")
        assert "No longer in doubt, the PBX holds what was sent: r1\n" in settled.out
        assert recorded()["doubts"] == []


def test_without_an_address_and_a_file_there_is_nothing_to_refresh() -> None:
    done = pbxsync("refresh", *STATE, env={"PBXSYNC_TOKEN": "t"})
    assert (done.code, done.out) == (1, "")
    assert done.err == "pbxsync: no PBX is named: give --url (or PBXSYNC_URL)\n"


def test_the_state_of_an_embedded_sandbox_is_refreshed_with_sandbox_alone() -> None:
    assert pbxsync("refresh", *STATE, "--sandbox").code == 0
    assert pbxsync("refresh", *STATE, "--sandbox").code == 0
    done = pbxsync("refresh", *STATE, env={"PBXSYNC_TOKEN": "t"})
    assert done.code == 1
    assert "state.json: the state file belongs to sandbox:.pbxsync/sandbox.json; use --sandbox" in done.err


def test_an_update_from_a_recorded_state_is_made_only_where_the_pbx_still_holds_it() -> None:
    declare("routes.yaml", [route("r1", "1001", ["b"])])
    with Sandbox(tokens=["t"], routes=stored(*numbered(1))) as pbx:
        assert pbxsync("refresh", *STATE, env=to(pbx)).code == 0
        assert pbxsync("apply", "routes.yaml", *STATE, env=to(pbx)).code == 0
        assert [one["trunks"] for one in pbx.routes()] == ["b"]
        declare("elsewhere.yaml", [route("r1", "1001", ["c"])])
        assert pbxsync("apply", "elsewhere.yaml", env=to(pbx)).code == 0
        declare("routes.yaml", [route("r1", "1001", ["d"])])
        stale = pbxsync("apply", "routes.yaml", *STATE, env=to(pbx))
        assert [one["trunks"] for one in pbx.routes()] == ["c"]
    assert stale.code == 1
    assert "something else than the state file has recorded of: r1" in stale.err
    assert "pbxsync refresh --state state.json" in stale.err
