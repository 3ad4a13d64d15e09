"""`--reorder`: what must stand below is moved, call by call, so that no call goes astray meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from pbxsync.sandbox import Firmware, Sandbox
from tests.cli.process import declare, names, numbered, route, stored, to
from tests.cli.reordering import (
    BRANCH,
    HELD,
    LONG,
    NEXT,
    REST,
    STATE,
    WANTED,
    A,
    changing,
    done_to,
    nothing_to_do,
    outcomes,
    rules,
    without_ids,
)
from tests.cli.test_output import check
from tests.in_process import inside as pbxsync

KINDS = pytest.mark.parametrize("kind", ["json", "xml"])


@pytest.mark.parametrize(
    ("kind", "same_name", "layout"),
    [
        ("json", "second", "wrapped"),
        ("json", "refuse", "wrapped"),
        ("xml", "refuse", "wrapped"),
        ("xml", "second", "bare"),
    ],
)
def test_each_copy_is_seen_before_the_next_and_all_before_anything_is_deleted_from_the_bottom_up_and_renamed(
    kind: str, same_name: Literal["second", "refuse"], layout: Literal["wrapped", "bare"]
) -> None:
    declare("routes.yaml", WANTED)
    with Sandbox(tokens=["t"], routes=stored(*HELD), firmware=Firmware(same_name=same_name), xml_layout=layout) as pbx:
        done = pbxsync("apply", "routes.yaml", "--reorder", "--type", kind, env=to(pbx))
        assert (done.code, done.err) == (0, "")
        assert done_to(pbx) == [
            "query all",
            "query all",
            "query branch,long~pbxsync,rest~pbxsync,rest,long",
            "add branch",
            "query all",
            "add long~pbxsync",
            "query all",
            "add rest~pbxsync",
            "query all",
            "delete rest",
            "delete long",
            "query all",
            "update long",
            "update rest",
            "query all",
        ]
        assert {request.type for request in pbx.requests} == {kind}
        assert [(one["name"], one["id"]) for one in pbx.routes()] == [
            ("a", "1"),
            ("branch", "4"),
            ("long", "5"),
            ("rest", "6"),
        ]
        assert without_ids(pbx.routes()) == without_ids(stored(*WANTED))
        sent = len(pbx.requests)
        again = pbxsync("apply", "routes.yaml", "--reorder", "--type", kind, env=to(pbx))
        assert done_to(pbx, sent) == ["query all"] * 2
        assert nothing_to_do(pbx, kind=kind)
    assert "Nothing to do: 4 unchanged, 0 unmanaged.\n" in again.out
    assert done.out.endswith(
        "Plan: 1 to add, 0 to update, 0 to delete, 2 to move; 1 unchanged, 0 unmanaged.\n"
        "\n"
        "  ✓ applied  add branch\n"
        "  ✓ applied  move long: add a copy, long~pbxsync\n"
        "  ✓ applied  move rest: add a copy, rest~pbxsync\n"
        "  ✓ applied  move rest: delete rest where it was\n"
        "  ✓ applied  move long: delete long where it was\n"
        "  ✓ applied  move long: give the copy its name\n"
        "  ✓ applied  move rest: give the copy its name\n"
        "routes.yaml: 3 applied, 0 failed, 0 in doubt, 0 not attempted.\n"
    )


def test_the_plan_says_why_each_route_is_moved_and_only_with_reorder_does_it_move_any() -> None:
    declare("routes.yaml", WANTED)
    with Sandbox(tokens=["t"], routes=stored(*HELD)) as pbx:
        without = pbxsync("plan", "routes.yaml", "--detailed-exitcode", "--format", "json", env=to(pbx))
        planned = pbxsync("plan", "routes.yaml", *NEXT, env=to(pbx))
        by_variable = pbxsync("plan", "routes.yaml", "--detailed-exitcode", env=to(pbx, PBXSYNC_REORDER="1"))
        assert changing(pbx) == []
    assert [done.code for done in (without, planned, by_variable)] == [2, 2, 2]
    assert without.json["plans"][0]["summary"]["move"] == 0
    assert rules(without) == ["order"]
    assert "--reorder" in without.json["plans"][0]["warnings"][0]["message"]
    assert by_variable.out == planned.out
    assert "  ↓ move    long    must come after branch: 0049X.\n" in planned.out
    assert "  ↓ move    rest    must come after branch: 0049X.; long: 00X." in planned.out
    assert "warning" not in planned.out


@KINDS
def test_each_change_has_one_outcome_in_json_in_the_order_of_the_changes(kind: str) -> None:
    other = {**A, "trunks": ["elsewhere"]}
    declare("routes.yaml", [other, BRANCH, LONG, REST], type=kind)
    arguments = ("--reorder", "--prune", "--format", "json")
    with Sandbox(tokens=["t"], routes=stored(A, LONG, route("old", "7X"), REST)) as pbx:
        planned = pbxsync("plan", "routes.yaml", *arguments, env=to(pbx))
        done = pbxsync("apply", "routes.yaml", *arguments, env=to(pbx))
        assert names(pbx) == ["a", "branch", "long", "rest"]
    check("plan", planned)
    check("apply", done)
    assert (planned.code, done.code) == (0, 0)
    [plan] = done.json["plans"]
    assert plan["changes"] == planned.json["plans"][0]["changes"]
    assert [(change["action"], change["name"]) for change in plan["changes"]] == [
        ("update", "a"),
        ("add", "branch"),
        ("move", "long"),
        ("move", "rest"),
        ("delete", "old"),
    ]
    assert outcomes(done) == [(change["action"], change["name"], "applied") for change in plan["changes"]]
    assert plan["summary"] == {"add": 1, "update": 1, "delete": 1, "move": 2, "unchanged": 0, "unmanaged": 0}
    assert [change["move"] is None for change in plan["changes"]] == [True, True, False, False, True]
    move = plan["changes"][2]
    assert move["before"] == move["after"] == {"prepend": "", "callerid": "", **LONG}
    assert move["move"] == {
        "copy": "long~pbxsync",
        "deletes": ["long"],
        "renames": "long~pbxsync",
        "steps": [
            {"action": "add", "id": None, "before": None, "after": {**move["after"], "name": "long~pbxsync"}},
            {"action": "delete", "id": "2", "before": move["before"], "after": None},
            {
                "action": "update",
                "id": None,
                "before": {**move["after"], "name": "long~pbxsync"},
                "after": move["after"],
            },
        ],
        "behind": [
            {"route": "branch", "numbers": ["0049X."], "callers": {"match": [], "not": []}, "words": None},
        ],
        "others": 0,
    }


def test_a_branch_above_the_catch_all_of_40_routes_moves_the_catch_all_alone() -> None:
    many = numbered(38)
    declare("routes.yaml", [*many[:20], BRANCH, *many[20:], A, REST])
    with Sandbox(tokens=["t"], routes=stored(*many, A, REST)) as pbx:
        done = pbxsync("apply", "routes.yaml", "--reorder", env=to(pbx))
        assert done.code == 0, done.err
        assert changing(pbx) == ["add branch", "add rest~pbxsync", "delete rest", "update rest"]
        assert names(pbx) == [*(one["name"] for one in many), "a", "branch", "rest"]
    assert "1 to add, 0 to update, 0 to delete, 1 to move; 39 unchanged, 0 unmanaged." in done.out


def test_a_route_that_differs_is_updated_in_place_before_its_copy_is_made() -> None:
    declare("routes.yaml", [A, BRANCH, LONG, {**REST, "trunks": ["new", "out"]}])
    with Sandbox(tokens=["t"], routes=stored(*HELD)) as pbx:
        assert pbxsync("apply", "routes.yaml", "--reorder", env=to(pbx)).code == 0
        assert changing(pbx)[:2] == ["update rest", "add branch"]
        assert [one.fields["trunks"] for one in pbx.requests if one.fields.get("name") == "rest~pbxsync"] == ["new,out"]
        assert [(one["name"], one["trunks"]) for one in pbx.routes()][-1] == ("rest", "new,out")


@KINDS
def test_what_is_pruned_goes_with_what_is_moved_from_the_bottom_up(kind: str) -> None:
    declare("routes.yaml", WANTED, type=kind)
    with Sandbox(tokens=["t"], routes=stored(A, route("u1", "9X"), LONG, REST, route("u2", "8X"))) as pbx:
        done = pbxsync("apply", "routes.yaml", "--reorder", "--prune", "--max-deletes", "2", env=to(pbx))
        assert done.code == 0, done.err
        assert [one for one in changing(pbx) if one.startswith("delete")] == [
            "delete u2",
            "delete rest",
            "delete long",
            "delete u1",
        ]
        assert names(pbx) == ["a", "branch", "long", "rest"]
        assert nothing_to_do(pbx)


def test_a_move_is_no_delete_to_max_deletes() -> None:
    declare("routes.yaml", WANTED)
    with Sandbox(tokens=["t"], routes=stored(*HELD)) as pbx:
        done = pbxsync("apply", "routes.yaml", "--reorder", "--prune", "--max-deletes", "0", env=to(pbx))
        assert names(pbx) == ["a", "branch", "long", "rest"]
    assert done.code == 0, done.err
    with Sandbox(tokens=["t"], routes=stored(*HELD, route("u1", "9X"))) as pbx:
        refused = pbxsync("apply", "routes.yaml", "--reorder", "--prune", "--max-deletes", "0", env=to(pbx))
        assert changing(pbx) == []
    assert refused.code == 1
    assert "--prune would delete 1 routes, more than --max-deletes 0 allows: u1" in refused.err


def test_an_unmanaged_route_is_never_moved() -> None:
    declare("routes.yaml", WANTED)
    with Sandbox(tokens=["t"], routes=stored(A, LONG, route("u1", "X.", ["theirs"]), REST)) as pbx:
        done = pbxsync("apply", "routes.yaml", "--reorder", "--format", "json", env=to(pbx))
        assert names(pbx) == ["a", "u1", "branch", "long", "rest"]
        assert not [one for one in changing(pbx) if "u1" in one]
    assert done.code == 0
    assert "order" in rules(done)


def test_a_route_whose_name_another_one_has_in_capitals_is_not_moved() -> None:
    declare("routes.yaml", WANTED)
    with Sandbox(tokens=["t"], routes=stored(*HELD, route("LONG", "777"))) as pbx:
        done = pbxsync("apply", "routes.yaml", "--reorder", "--format", "json", env=to(pbx))
        assert changing(pbx) == ["add branch"]
        assert names(pbx) == ["a", "long", "rest", "LONG", "branch"]
    [message] = [one["message"] for one in done.json["plans"][0]["warnings"] if one["rule"] == "cannot-move"]
    assert message.startswith("long must come ")
    assert "can't be moved, so that nothing is moved: a PBX may take LONG for the same name, and delete both" in message


def test_a_route_that_is_renamed_and_moved_is_renamed_in_place_first() -> None:
    declare("routes.yaml", [A, BRANCH, LONG, {**REST, "name": "all else", "renamed_from": "rest"}])
    with Sandbox(tokens=["t"], routes=stored(*HELD)) as pbx:
        assert pbxsync("apply", "routes.yaml", "--reorder", env=to(pbx)).code == 0
        assert [one for one in changing(pbx) if "long" not in one] == [
            "update all else",
            "add branch",
            "add all else~pbxsync",
            "delete all else",
            "update all else",
        ]
        assert names(pbx) == ["a", "branch", "long", "all else"]
        assert nothing_to_do(pbx)


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_reorder_with_add_only_is_wrong_usage(command: str) -> None:
    declare("routes.yaml", WANTED)
    with Sandbox(tokens=["t"], routes=stored(*HELD)) as pbx:
        both = pbxsync(command, "routes.yaml", "--reorder", "--add-only", env=to(pbx))
        variable = pbxsync(command, "routes.yaml", "--add-only", env=to(pbx, PBXSYNC_REORDER="1"))
        assert pbx.connections == 0
    for done in (both, variable):
        assert (done.code, done.out) == (1, "")
        assert "--reorder moves routes and --add-only only adds: use one of them." in done.err


# --- firmware that knows less ---------------------------------------------------------------------------------------


def test_on_firmware_that_only_adds_a_reorder_is_refused_when_it_is_planned() -> None:
    declare("first.yaml", HELD)
    declare("routes.yaml", WANTED)
    with Sandbox(tokens=["t"], calls={"outroute/add"}) as pbx:
        assert pbxsync("apply", "first.yaml", *STATE, "--init", env=to(pbx)).code == 0
        sent = len(pbx.requests)
        before = Path("state.json").read_bytes()
        planned = pbxsync("plan", "routes.yaml", "--reorder", *STATE)
        applied = pbxsync("apply", "routes.yaml", "--reorder", *STATE, env=to(pbx))
        live = pbxsync("apply", "routes.yaml", "--reorder", env=to(pbx))
        assert done_to(pbx, sent) == ["query all"]
        assert names(pbx) == ["a", "long", "rest"]
    assert [done.code for done in (planned, applied, live)] == [1, 1, 1]
    for done in (planned, applied):
        assert (
            "long, rest must be moved, and that takes outroute/query, outroute/update and outroute/delete" in done.err
        )
        assert "state.json holds no id of a route" in done.err
        assert "pbxsync refresh --state state.json" in done.err
        assert "move the routes on the PBX by hand, and plan without --reorder" in done.err
    assert "the firmware does not support this call" in live.err
    assert Path("state.json").read_bytes() == before


def test_on_firmware_that_only_adds_a_file_in_the_order_of_the_pbx_goes_through_with_reorder() -> None:
    declare("first.yaml", HELD)
    declare("routes.yaml", [*HELD, route("last", "5X")])
    with Sandbox(tokens=["t"], calls={"outroute/add"}) as pbx:
        assert pbxsync("apply", "first.yaml", *STATE, "--init", env=to(pbx)).code == 0
        done = pbxsync("apply", "routes.yaml", "--reorder", *STATE, env=to(pbx))
        assert done.code == 0, done.err
        assert names(pbx) == ["a", "long", "rest", "last"]


def test_a_state_file_with_ids_is_of_no_use_once_the_firmware_cannot_be_asked() -> None:
    declare("routes.yaml", WANTED)
    with Sandbox(tokens=["t"], routes=stored(*HELD)) as pbx:
        assert pbxsync("refresh", *STATE, env=to(pbx)).code == 0
        port = int(pbx.url.rpartition(":")[2])
    with Sandbox(tokens=["t"], routes=stored(*HELD), calls={"outroute/add"}, port=port) as pbx:
        done = pbxsync("apply", "routes.yaml", "--reorder", *STATE, env=to(pbx))
        assert done_to(pbx) == ["query all"]
    assert done.code == 1
    assert "nothing was sent: what the PBX holds has to be known first, and asking it fails" in done.err


def test_where_the_firmware_cannot_delete_every_call_goes_as_before() -> None:
    declare("routes.yaml", WANTED)
    with Sandbox(tokens=["t"], routes=stored(*HELD), calls={"outroute/add", "outroute/query"}) as pbx:
        done = pbxsync("apply", "routes.yaml", "--reorder", env=to(pbx))
        assert names(pbx) == ["a", "long", "rest", "branch", "long~pbxsync", "rest~pbxsync"]
        again = pbxsync("apply", "routes.yaml", "--reorder", env=to(pbx))
        assert len(names(pbx)) == 6
    assert (done.code, again.code) == (1, 1)
    assert "outroute/delete: the PBX refused it (errno 10003" in done.err


# --- several PBXs ---------------------------------------------------------------------------------------------------


@KINDS
def test_a_reorder_that_fails_half_way_keeps_no_other_pbx_from_being_reordered(kind: str) -> None:
    fault = ["outroute/delete@2=refuse:30004"]
    with (
        Sandbox(tokens=["t"], routes=stored(*HELD), faults=fault) as bad,
        Sandbox(tokens=["t"], routes=stored(*HELD)) as good,
    ):
        declare("bad.yaml", WANTED, url=bad.url, type=kind)
        declare("good.yaml", WANTED, url=good.url, type=kind)
        env = {"PBXSYNC_TOKEN": "t"}
        first = pbxsync("apply", "bad.yaml", "good.yaml", "--reorder", "--format", "json", env=env)
        assert names(bad) == ["a", "long", "branch", "long~pbxsync", "rest~pbxsync"]
        assert names(good) == ["a", "branch", "long", "rest"]
        sent = len(good.requests)
        second = pbxsync("apply", "bad.yaml", "good.yaml", env=env)
        assert names(bad) == names(good)
        assert done_to(good, sent) == ["query all"] * 2
    check("apply", first)
    assert (first.code, second.code) == (1, 0)
    status = {plan["file"]: [one["status"] for one in plan["outcomes"]] for plan in first.json["plans"]}
    assert status["good.yaml"] == ["applied"] * 3
    assert status["bad.yaml"] == ["applied", "failed", "failed"]
    assert "pbxsync: bad.yaml: move long failed: outroute/delete: the PBX refused it" in first.err
    assert "good.yaml: " not in "".join(line for line in first.err.splitlines() if line.startswith("pbxsync: "))
