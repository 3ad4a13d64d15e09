"""A reorder that goes wrong at any step: each call goes as before or as after it, and the next run completes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pbxsync import Route
from pbxsync.client import Client, Connection, Credentials
from pbxsync.sandbox import Sandbox
from tests.cli.process import Running, declare, names, route, stored, to
from tests.cli.reordering import (
    ADDS,
    ALL,
    BRANCH,
    HELD,
    LONG,
    LOOKS,
    QUERIES,
    REST,
    STEPS,
    WANTED,
    astray,
    before,
    changing,
    complete,
    copy,
    fates,
    half_done,
    nothing_to_do,
    outcomes,
    until,
)
from tests.cli.test_output import check
from tests.in_process import inside as pbxsync

if TYPE_CHECKING:
    from tests.cli.process import Ended

#: One step of each kind.
SOME = ["outroute/add@1", "outroute/add@2", "outroute/delete@1", "outroute/update@2"]
LOGIN = {"PBXSYNC_TOKEN": "", "PBXSYNC_USERNAME": "admin", "PBXSYNC_PASSWORD": "sandbox"}


@pytest.fixture(autouse=True)
def routes_file() -> None:
    declare("routes.yaml", WANTED)


def test_the_sample_of_calls_tells_each_route_from_the_others() -> None:
    old, new = fates(stored(*HELD)), fates(stored(*WANTED))
    assert {number for number in old if old[number] != new[number]} == {"004989123"}
    assert len({one for one in (*old.values(), *new.values()) if one and one[1].endswith("1")}) > 1
    assert None in old.values()


# --- what the PBX says it did not do, or does not say ---------------------------------------------------------------


@pytest.mark.parametrize("step", STEPS)
def test_a_refused_step_ends_the_run_and_the_next_one_goes_on_there(step: str) -> None:
    with Sandbox(tokens=["t"], routes=stored(*HELD), faults=[f"{step}=refuse:30004"]) as pbx:
        first = pbxsync("apply", "routes.yaml", "--reorder", "--format", "json", env=to(pbx))
        assert changing(pbx) == [*before(step), STEPS[step]]
        assert astray(pbx) == []
        complete(pbx)
        assert nothing_to_do(pbx)
    check("apply", first)
    assert first.code == 1
    message = f"{step.partition('@')[0]}: the PBX refused it (errno 30004)"
    errors = [one["error"] for one in first.json["plans"][0]["outcomes"]]
    assert len([error for error in errors if error is not None and error.startswith(message)]) == 1
    assert f" failed: {message}" in first.err


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        ("outroute/add@1", "cut-head"),
        ("outroute/add@2", "status:503"),
        ("outroute/add@3", "cut-body"),
        ("outroute/delete@1", "empty"),
        ("outroute/delete@2", "html"),
        ("outroute/update@1", "status:500"),
        ("outroute/update@2", "cut-head"),
    ],
)
def test_a_step_that_is_lost_before_it_is_carried_out_is_sent_again_by_the_next_run_alone(
    step: str, fault: str
) -> None:
    with Sandbox(tokens=["t"], routes=stored(*HELD), faults=[f"{step}=before:{fault}"]) as pbx:
        first = pbxsync("apply", "routes.yaml", "--reorder", "--type", "xml", env=to(pbx))
        assert changing(pbx) == [*before(step), STEPS[step]]
        assert astray(pbx) == []
        complete(pbx, "xml")
    assert first.code == 1
    assert f" failed: {step.partition('@')[0]}: " in first.err
    assert "a query right after says: " in first.err
    assert "it is not sent again in this run; the next run asks the PBX first" in first.err


@pytest.mark.parametrize(("fault", "kind"), [("reset", "json"), ("close", "xml")])
@pytest.mark.parametrize("step", SOME)
def test_a_step_that_goes_into_a_closed_connection_is_sent_again_over_a_new_one(
    step: str, fault: str, kind: str
) -> None:
    with Sandbox(tokens=["t"], routes=stored(*HELD), faults=[f"{step}=before:{fault}"]) as pbx:
        done = pbxsync("apply", "routes.yaml", "--reorder", "--type", kind, env=to(pbx))
        assert changing(pbx) == [*before(step), STEPS[step], *ALL[len(before(step)) :]]
        assert names(pbx) == ["a", "branch", "long", "rest"]
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize(("fault", "kind"), [("after:reset", "json"), ("after:html", "xml")])
@pytest.mark.parametrize("step", STEPS)
def test_an_answer_lost_after_a_step_was_carried_out_is_settled_by_a_query_and_the_run_goes_on(
    step: str, fault: str, kind: str
) -> None:
    with Sandbox(tokens=["t"], routes=stored(*HELD), faults=[f"{step}={fault}"]) as pbx:
        done = pbxsync("apply", "routes.yaml", "--reorder", "--type", kind, env=to(pbx))
        assert changing(pbx) == ALL
        assert names(pbx) == ["a", "branch", "long", "rest"]
    assert (done.code, done.err) == (0, "")
    assert "3 applied, 0 failed, 0 in doubt, 0 not attempted." in done.out


@pytest.mark.parametrize("step", SOME)
def test_a_step_that_no_query_can_settle_is_in_doubt_and_exits_3(step: str) -> None:
    asked = QUERIES + LOOKS[step] + 1
    silent = f"outroute/query@{asked}-{asked + 1}=status:503"
    with Sandbox(tokens=["t"], routes=stored(*HELD), faults=[f"{step}=after:close", silent]) as pbx:
        arguments = ("apply", "routes.yaml", "--reorder", "--retries", "0", "--format", "json")
        first = pbxsync(*arguments, env=to(pbx))
        assert changing(pbx) == [*before(step), STEPS[step]]
        assert astray(pbx) == []
        complete(pbx)
    check("apply", first)
    assert first.code == 3
    assert "in_doubt" in [status for _, _, status in outcomes(first)]
    assert "look on the PBX before the next apply" in first.err


@pytest.mark.parametrize("step", ["outroute/add@2", f"outroute/query@{QUERIES + 1}", "outroute/delete@1"])
def test_a_token_that_dies_at_a_step_is_renewed_and_the_run_goes_on(step: str) -> None:
    with Sandbox(routes=stored(*HELD), faults=[f"{step}=token"]) as pbx:
        done = pbxsync("apply", "routes.yaml", "--reorder", env=to(pbx, **LOGIN))
        assert names(pbx) == ["a", "branch", "long", "rest"]
        assert [request.call for request in pbx.requests].count("login") == 2
    assert done.code == 0, done.err


def test_a_token_that_dies_and_cannot_be_renewed_ends_the_run_half_way() -> None:
    with Sandbox(tokens=["t"], routes=stored(*HELD), faults=["outroute/delete@2=token"]) as pbx:
        first = pbxsync("apply", "routes.yaml", "--reorder", env=to(pbx))
        assert names(pbx) == ["a", "long", "branch", "long~pbxsync", "rest~pbxsync"]
        assert astray(pbx) == []
        complete(pbx, **LOGIN)
    assert first.code == 1
    assert "move long failed: outroute/delete: the PBX refused it" in first.err


# --- the look at the PBX before anything is deleted -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("refuse:10004", "json"),
        ("lie", "xml"),
        ("hang:3", "xml"),
    ],
)
def test_nothing_is_deleted_where_the_pbx_does_not_show_that_it_holds_the_copies(fault: str, kind: str) -> None:
    look = QUERIES + LOOKS["outroute/delete@1"]
    with Sandbox(tokens=["t"], routes=stored(*HELD), faults=[f"outroute/query@{look}-{look + 1}={fault}"]) as pbx:
        arguments = ("apply", "routes.yaml", "--reorder", "--retries", "0", "--timeout", "1", "--type", kind)
        first = pbxsync(*arguments, env=to(pbx))
        assert changing(pbx) == ADDS
        assert astray(pbx) == []
        complete(pbx, kind)
    assert first.code == 1
    assert "move rest failed: not sent: the PBX has to show first what it holds" in first.err
    assert "asking it fails: outroute/query: " in first.err


@pytest.mark.parametrize(("fault", "kind"), [("refuse:10004", "xml"), ("status:503", "json")])
def test_nothing_is_renamed_where_the_pbx_does_not_show_that_what_was_deleted_is_gone(fault: str, kind: str) -> None:
    look = QUERIES + LOOKS["outroute/update@1"]
    with Sandbox(tokens=["t"], routes=stored(*HELD), faults=[f"outroute/query@{look}-{look + 1}={fault}"]) as pbx:
        first = pbxsync("apply", "routes.yaml", "--reorder", "--retries", "0", "--type", kind, env=to(pbx))
        assert changing(pbx) == before("outroute/update@1")
        assert astray(pbx) == []
        complete(pbx, kind)
    assert first.code == 1
    assert "move long failed: not sent: " in first.err
    assert "asking it fails: outroute/query: " in first.err


@pytest.mark.parametrize(("fault", "kind"), [("reset", "json"), ("after:cut-body", "xml")])
def test_a_look_that_gets_no_answer_is_tried_again(fault: str, kind: str) -> None:
    with Sandbox(tokens=["t"], routes=stored(*HELD), faults=[f"outroute/query@{QUERIES + 1}={fault}"]) as pbx:
        done = pbxsync("apply", "routes.yaml", "--reorder", "--type", kind, env=to(pbx))
        assert names(pbx) == ["a", "branch", "long", "rest"]
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        ("add@1=lie", "json", "branch is not there"),
        ("add@1=alter:trunks=zz", "xml", 'branch is not stored as it was sent: trunks was sent as "branch-trunk" and'),
        ("add@1=drop-last", "json", "branch is not there"),
        ("add@2=lie", "xml", "long~pbxsync is not there"),
        ("add@2=alter:matchpattern=9.", "json", "long~pbxsync is not stored as it was sent: matchpattern was sent as"),
        ("add@2=drop-last", "json", "long~pbxsync is not there"),
        ("add@3=lie", "json", "rest~pbxsync is not there"),
        ("add@3=alter:trunks=zz", "xml", "rest~pbxsync is not stored as it was sent: trunks was sent as"),
    ],
)
def test_nothing_more_is_sent_where_the_pbx_does_not_hold_what_was_added(fault: str, kind: str, message: str) -> None:
    added = before(f"outroute/{fault.partition('=')[0]}")
    with Sandbox(tokens=["t"], routes=stored(*HELD), faults=[f"outroute/{fault}"]) as pbx:
        first = pbxsync("apply", "routes.yaml", "--reorder", "--format", "json", "--type", kind, env=to(pbx))
        assert changing(pbx) == ADDS[: len(added) + 1]
        assert astray(pbx) == []
        complete(pbx, kind)
    check("apply", first)
    assert first.code == 1
    assert f" failed: not sent: the PBX is not as it should be: {message}" in first.err
    assert message in first.json["plans"][0]["verification"][0]["message"]


@pytest.mark.parametrize("step", ["outroute/add@1", "outroute/add@2"])
def test_nothing_more_is_sent_where_the_pbx_added_twice_and_the_next_run_leaves_it_alone(
    step: str,
) -> None:
    name = STEPS[step].removeprefix("add ")
    with Sandbox(tokens=["t"], routes=stored(*HELD), faults=[f"{step}=twice"]) as pbx:
        first = pbxsync("apply", "routes.yaml", "--reorder", env=to(pbx))
        assert changing(pbx) == [*before(step), STEPS[step]]
        assert astray(pbx) == []
        second = pbxsync("apply", "routes.yaml", "--reorder", env=to(pbx))
        assert astray(pbx) == []
        assert names(pbx).count(name) == 2
    assert (first.code, second.code) == (1, 1)
    assert f"the PBX is not as it should be: {name} is there 2 times" in first.err
    assert f"error: the PBX has 2 routes called {name}, so none of them is changed" in second.out


# --- a PBX that says Success and does something else -----------------------------------------------------------------


def test_what_the_pbx_did_not_delete_keeps_its_copy_from_being_renamed() -> None:
    with Sandbox(tokens=["t"], routes=stored(*HELD), faults=["outroute/delete@2=lie"]) as pbx:
        first = pbxsync("apply", "routes.yaml", "--reorder", "--format", "json", env=to(pbx))
        assert changing(pbx) == before("outroute/update@1")
        assert names(pbx) == ["a", "long", "branch", "long~pbxsync", "rest~pbxsync"]
        assert astray(pbx) == []
        complete(pbx)
    check("apply", first)
    assert first.code == 1
    assert "the PBX is not as it should be: long is still there" in first.err
    assert outcomes(first) == [("add", "branch", "applied"), ("move", "long", "failed"), ("move", "rest", "failed")]


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        ("update@1=lie", "json", "long is not there: the PBX still has it as long~pbxsync"),
        ("update@2=lie", "xml", "rest is not there: the PBX still has it as rest~pbxsync"),
    ],
)
def test_a_rename_that_was_not_done_is_told_at_the_end_and_done_by_the_next_run(
    fault: str, kind: str, message: str
) -> None:
    with Sandbox(tokens=["t"], routes=stored(*HELD), faults=[f"outroute/{fault}"]) as pbx:
        first = pbxsync("apply", "routes.yaml", "--reorder", "--type", kind, env=to(pbx))
        assert half_done(pbx)
        assert astray(pbx) == []
        complete(pbx, kind)
    assert first.code == 1
    assert f"pbxsync: routes.yaml: {message}\n" in first.err


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        ("update@1=alter:trunks=zz", "json", 'long is not stored as it was sent: trunks was sent as "carrier,out" and'),
        ("update@2=drop-last", "xml", "rest is not there"),
        ("delete@1=drop-last", "json", "rest~pbxsync is not there"),
        (f"query@{QUERIES + LOOKS['outroute/delete@1']}=drop-last", "json", "rest~pbxsync is not there"),
    ],
)
def test_what_the_pbx_itself_lost_or_spoilt_is_told_at_the_end_and_mended_by_the_next_run(
    fault: str, kind: str, message: str
) -> None:
    with Sandbox(tokens=["t"], routes=stored(*HELD), faults=[f"outroute/{fault}"]) as pbx:
        first = pbxsync("apply", "routes.yaml", "--reorder", "--type", kind, env=to(pbx))
        complete(pbx, kind)
    assert first.code == 1
    assert f"pbxsync: routes.yaml: {message}" in first.err


@pytest.mark.parametrize("step", ["outroute/delete@1", "outroute/update@1"])
def test_a_step_that_the_pbx_carries_out_twice_does_no_harm(step: str) -> None:
    with Sandbox(tokens=["t"], routes=stored(*HELD), faults=[f"{step}=twice"]) as pbx:
        done = pbxsync("apply", "routes.yaml", "--reorder", env=to(pbx))
        assert names(pbx) == ["a", "branch", "long", "rest"]
    assert (done.code, done.err) == (0, "")


# --- somebody else at work on the PBX -------------------------------------------------------------------------------


def edit(pbx: Sandbox, what: str) -> None:
    """Change something on the PBX by hand."""
    with Client(Connection(pbx.url), Credentials("t")) as client:
        match what:
            case "deleted":
                client.delete_route("rest")
            case "added":
                client.add_route(Route("theirs", "7X.", ("theirs",)))
            case _:
                there = next(one for one in pbx.routes() if one["name"] == what)
                client.update_route(there["id"], Route(what, "X.", ("theirs",), prefix=there["prefix"]))


def edited_meanwhile(pbx: Sandbox, what: str) -> Ended:
    """A run during which somebody changes the PBX once all copies are there, and before it is looked at."""
    with Running("apply", "routes.yaml", "--reorder", env=to(pbx)) as run:
        until(lambda: "rest~pbxsync" in names(pbx))
        edit(pbx, what)
        return run.ended()


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("rest", "rest was changed on the PBX by somebody else meanwhile, and is not deleted"),
        ("long~pbxsync", "the PBX is not as it should be: long~pbxsync is not stored as it was sent: trunks"),
        ("branch", "the PBX is not as it should be: branch is not stored as it was sent"),
        (
            "deleted",
            "the PBX is not as it should be: rest is gone from the PBX, though this run did not delete it",
        ),
    ],
)
def test_nothing_is_deleted_where_somebody_else_changed_the_pbx_meanwhile(what: str, message: str) -> None:
    with Sandbox(tokens=["t"], routes=stored(*HELD), faults=["outroute/add@3=delay:2"]) as pbx:
        done = edited_meanwhile(pbx, what)
        others = {"deleted": "delete rest"}.get(what, f"update {what}")
        assert changing(pbx) == [*ADDS, others]
        complete(pbx)
    assert done.code == 1
    assert message in done.err


def test_an_upper_route_that_somebody_edits_meanwhile_is_not_deleted_either() -> None:
    with Sandbox(tokens=["t"], routes=stored(*HELD), faults=["outroute/add@3=delay:2"]) as pbx:
        done = edited_meanwhile(pbx, "long")
        assert changing(pbx) == [*ADDS, "update long"]
        assert [(one["name"], one["trunks"]) for one in pbx.routes()][1] == ("long", "theirs")
        complete(pbx)
    assert done.code == 1
    assert "long was changed on the PBX by somebody else meanwhile" in done.err
    assert "  note: changed on the PBX by somebody else meanwhile: long\n" in done.out


def test_a_route_that_somebody_adds_meanwhile_is_noted_and_keeps_nothing_from_being_moved() -> None:
    with Sandbox(tokens=["t"], routes=stored(*HELD), faults=["outroute/add@3=delay:2"]) as pbx:
        done = edited_meanwhile(pbx, "added")
        assert names(pbx) == ["a", "branch", "long", "rest", "theirs"]
    assert done.code == 0, done.err
    assert "  note: added on the PBX by somebody else meanwhile: theirs\n" in done.out


# --- what can't be moved --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "held",
    [
        [*HELD, route("REST", "777")],
        [*HELD, REST],
        [*HELD, BRANCH, copy(LONG), copy(REST), copy(REST)],
    ],
    ids=["other case", "twice", "copy twice"],
)
def test_nothing_is_moved_behind_a_route_that_cannot_be_moved_and_takes_its_calls(held: list[dict[str, str]]) -> None:
    with Sandbox(tokens=["t"], routes=stored(*held)) as pbx:
        old = fates(pbx.routes())
        pbxsync("apply", "routes.yaml", "--reorder", env=to(pbx))
        now, new = fates(pbx.routes()), fates(stored(*WANTED))
        assert [number for number in now if now[number] not in (old[number], new[number])] == []
