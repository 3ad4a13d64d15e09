"""`pbxsync apply` to one PBX that can be asked for its routes."""

from __future__ import annotations

import pytest

from pbxsync import Route
from pbxsync.client import Client, Connection, Credentials
from pbxsync.sandbox import Firmware, Sandbox
from tests.cli.process import Running, calls, declare, names, numbered, received, route, stored, to
from tests.in_process import inside as pbxsync

#: What is asked before the first change: the table until two answers agree, and the names that are added.
ASKED = ["outroute/query"] * 3


def test_a_second_apply_sends_nothing_and_the_routes_are_there_once() -> None:
    declare("routes.yaml", numbered(2))
    with Sandbox(tokens=["t"]) as pbx:
        first = pbxsync("apply", "routes.yaml", env=to(pbx))
        sent = len(pbx.requests)
        second = pbxsync("apply", "routes.yaml", env=to(pbx))
        assert (first.code, second.code) == (0, 0)
        assert names(pbx) == ["r1", "r2"]
        assert calls(pbx)[sent:] == ["outroute/query"] * 2
    assert first.out == (
        f"routes.yaml → {pbx.url}, live\n"
        "  + add     r1  1001 → a\n"
        "  + add     r2  1002 → a\n"
        "  Calls that go elsewhere:\n"
        "    1001, 1002 are now routed, to a, e.g. 1001\n"
        "Plan: 2 to add, 0 to update, 0 to delete, 0 to move; 0 unchanged, 0 unmanaged.\n"
        "\n"
        "  ✓ applied  add r1\n"
        "  ✓ applied  add r2\n"
        "routes.yaml: 2 applied, 0 failed, 0 in doubt, 0 not attempted.\n"
    )
    assert second.out == f"routes.yaml → {pbx.url}, live\nNothing to do: 2 unchanged, 0 unmanaged.\n"
    assert first.err == second.err == ""


@pytest.mark.parametrize("kind", ["json", "xml"])
def test_200_routes_go_over_one_connection_in_file_order_between_the_queries(kind: str) -> None:
    declare("routes.yaml", numbered(200), type=kind)
    with Sandbox(tokens=["t"]) as pbx:
        done = pbxsync("apply", "routes.yaml", env=to(pbx))
        assert done.code == 0, done.err
        assert pbx.connections == 1
        # Only the second add shows whether a new route goes to the end.
        add, query = "outroute/add", "outroute/query"
        assert calls(pbx) == [*ASKED, add, add, query, *[add] * 198, query]
        asked = [request.fields["name"] for request in pbx.requests if request.call == "outroute/query"]
        assert asked == ["all", "all", ",".join(f"r{n}" for n in range(1, 201)), "all", "all"]
        assert names(pbx) == [f"r{n}" for n in range(1, 201)]
        assert {request.type for request in pbx.requests} == {kind}


def test_a_refusal_half_way_says_what_became_of_each_change_and_the_next_run_goes_on_there() -> None:
    declare("routes.yaml", numbered(10))
    with Sandbox(tokens=["t"], faults=["outroute/add@5=refuse:10004"]) as pbx:
        first = pbxsync("apply", "routes.yaml", env=to(pbx))
        assert first.code == 1
        assert names(pbx) == ["r1", "r2", "r3", "r4"]
        assert first.out.count("✓ applied  add r") == 4
        assert "✗ failed  add r5: outroute/add: the PBX refused it (errno 10004" in first.out
        assert [f"· not attempted  add r{n}\n" in first.out for n in range(5, 11)] == [
            False,
            True,
            True,
            True,
            True,
            True,
        ]
        assert first.out.endswith("routes.yaml: 4 applied, 1 failed, 0 in doubt, 5 not attempted.\n")
        assert first.err.startswith(
            "pbxsync: routes.yaml: add r5 failed: outroute/add: the PBX refused it (errno 10004"
        )
        assert first.err.endswith("5 changes not attempted; once that is put right, run again to go on there\n")
        sent = len(pbx.requests)

        second = pbxsync("apply", "routes.yaml", env=to(pbx))
        assert second.code == 0
        assert names(pbx) == [f"r{n}" for n in range(1, 11)]
        added = [request.fields["name"] for request in pbx.requests[sent:] if request.call == "outroute/add"]
        assert added == ["r5", "r6", "r7", "r8", "r9", "r10"]


def test_an_answer_lost_after_the_add_was_carried_out_is_settled_by_a_query_and_the_run_goes_on() -> None:
    declare("routes.yaml", numbered(3))
    with Sandbox(tokens=["t"], faults=["outroute/add@2=after:reset"]) as pbx:
        done = pbxsync("apply", "routes.yaml", env=to(pbx))
        assert done.code == 0, done.err
        assert names(pbx) == ["r1", "r2", "r3"]
        assert calls(pbx).count("outroute/add") == 3
    assert "3 applied, 0 failed, 0 in doubt, 0 not attempted." in done.out


def test_an_add_that_was_lost_and_not_carried_out_is_sent_by_the_next_run_alone() -> None:
    declare("routes.yaml", numbered(3))
    with Sandbox(tokens=["t"], faults=["outroute/add@2=cut-head"]) as pbx:
        first = pbxsync("apply", "routes.yaml", env=to(pbx))
        assert first.code == 1
        # The lost add is asked for until two answers agree, and then the whole table is checked.
        assert calls(pbx) == [*ASKED, "outroute/add", "outroute/add", *["outroute/query"] * 3]
        assert "a query right after says: r2 is not there" in first.err
        assert "1 applied, 1 failed, 0 in doubt, 1 not attempted." in first.out

        second = pbxsync("apply", "routes.yaml", env=to(pbx))
        assert second.code == 0
        assert names(pbx) == ["r1", "r2", "r3"]


def test_an_add_that_goes_into_a_connection_that_the_pbx_has_closed_is_sent_again_over_a_new_one() -> None:
    declare("routes.yaml", numbered(3))
    with Sandbox(tokens=["t"], faults=["outroute/add@2=close"]) as pbx:
        done = pbxsync("apply", "routes.yaml", env=to(pbx))
        assert names(pbx) == ["r1", "r2", "r3"]
        assert calls(pbx).count("outroute/add") == 4
    assert (done.code, done.err) == (0, "")
    assert "3 applied, 0 failed, 0 in doubt, 0 not attempted." in done.out


def test_an_outcome_that_no_query_can_settle_is_in_doubt_and_exits_3() -> None:
    declare("routes.yaml", numbered(3))
    with Sandbox(tokens=["t"], faults=["outroute/add@2=after:reset", "outroute/query@4-=status:503"]) as pbx:
        done = pbxsync("apply", "routes.yaml", "--retries", "0", env=to(pbx))
        assert done.code == 3
        assert calls(pbx).count("outroute/add") == 2
    assert "? in doubt  add r2: " in done.out
    assert "1 applied, 0 failed, 1 in doubt, 1 not attempted." in done.out
    assert "pbxsync: routes.yaml: add r2 is in doubt: " in done.err
    assert "look on the PBX before the next apply" in done.err


@pytest.mark.parametrize("output", ["text", "json"])
def test_what_the_pbx_stored_otherwise_than_it_was_sent_is_reported_and_fails(output: str) -> None:
    declare("routes.yaml", [route("r1", "1001"), route("r2", "1002", callerid="alice")])
    with Sandbox(tokens=["t"], firmware=Firmware(filter_fields=True)) as pbx:
        done = pbxsync("apply", "routes.yaml", "--format", output, env=to(pbx))
    message = (
        'r2 is not stored as it was sent: callerid was sent as "alice" and stored as "". With that the route does '
        "something else: write callerid in signs that the PBX keeps"
    )
    assert done.code == 1
    assert f"pbxsync: routes.yaml: {message}\n" in done.err
    if output == "text":
        assert f"  ✗ {message}\n" in done.out
        assert done.out.endswith(
            "2 applied, 0 failed, 0 in doubt, 0 not attempted. 1 not as it should be on the PBX; see above.\n"
        )
    else:
        assert done.json["plans"][0]["verification"] == [{"name": "r2", "message": message}]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            "outroute/add@2=alter:trunks=b",
            'r2 is not stored as it was sent: trunks was sent as "a" and stored as "b". Write the trunks as the PBX '
            "has them (pbxsync ping shows them)",
        ),
        ("outroute/add@2=twice", "r2 is there 2 times; delete all but one on the PBX"),
        ("outroute/add@2=lie", "r2 is not there"),
        ("outroute/add@3=drop-last", "r3 is not there"),
    ],
)
def test_the_query_at_the_end_finds_what_the_pbx_did_wrong(fault: str, message: str) -> None:
    declare("routes.yaml", numbered(3))
    with Sandbox(tokens=["t"], faults=[fault]) as pbx:
        done = pbxsync("apply", "routes.yaml", env=to(pbx))
    assert done.code == 1
    assert f"pbxsync: routes.yaml: {message}\n" in done.err


def test_a_route_that_this_run_did_not_add_is_noted_at_the_end() -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"], faults=["outroute/add@1=delay:2"]) as pbx:
        with Running("apply", "routes.yaml", env=to(pbx)) as run, Client(Connection(pbx.url), Credentials("t")) as hand:
            received(pbx, 1, "outroute/add")
            hand.add_route(Route("theirs", "7X.", ("b",)))
            done = run.ended()
        assert names(pbx) == ["r1", "theirs"]
    assert (done.code, done.err) == (0, "")
    assert "  note: added on the PBX by somebody else meanwhile: theirs\n" in done.out


def test_a_route_that_the_pbx_stored_under_another_name_is_not_taken_for_somebody_elses() -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"], routes=stored(route("old", "1")), faults=["outroute/add@1=alter:name=theirs"]) as pbx:
        done = pbxsync("apply", "routes.yaml", env=to(pbx))
    assert done.code == 1
    message = 'r1 is not stored as it was sent: name was sent as "r1" and stored as "theirs". Write name: "theirs" in'
    assert message in done.err
    assert "somebody else" not in done.everything


def test_an_end_that_cannot_be_checked_is_no_success() -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"], faults=["outroute/query@4-=status:500"]) as pbx:
        done = pbxsync("apply", "routes.yaml", "--retries", "0", env=to(pbx))
        assert names(pbx) == ["r1"]
    assert done.code == 1
    assert "what the PBX stored can't be checked" in done.err
    assert "run pbxsync plan once the PBX answers" in done.err
