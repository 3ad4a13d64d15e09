"""What is checked before the first change of a plan is sent; where a check fails, nothing is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pbxsync import differ
from pbxsync.answers import RouteAnswer
from pbxsync.client import Credentials
from pbxsync.errors import DoubtOpen, LoginRefused, NotSent, PlanRefused, StaleState, UnreliableTable
from pbxsync.model import Action, Change, Doubt, KnownRoute, KnownState, PlanChoices, PlanWarning, Route
from pbxsync.preflight import check_names, check_sendable
from pbxsync.sandbox import Firmware, Sandbox
from tests.applying import (
    A2,
    ADD_C,
    ADD_D,
    CHANGES,
    DELETE_B,
    HELD,
    KINDS,
    QUERY,
    UPDATE_A,
    URL,
    A,
    B,
    C,
    add,
    calls,
    check_recorded,
    client,
    known,
    pbx,
    plan,
    row,
)
from tests.strategies import desired

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbxsync.model import Plan

# --- what can be sent at all ---


def test_a_plan_with_an_open_doubt_is_not_sent_and_says_how_to_settle_it() -> None:
    doubts = (Doubt(ADD_C, "reset"), Doubt(DELETE_B, "reset"))
    with pytest.raises(DoubtOpen) as caught:
        check_sendable(plan(ADD_D, known_state="a b.json", in_doubt=doubts))
    assert "in doubt: add c, delete b. " in str(caught.value)
    assert "pbxsync resolve --state 'a b.json' --applied -- NAME (or with --not-applied)" in str(caught.value)


def test_a_plan_with_refusals_is_not_sent_and_says_the_first() -> None:
    refusals = (PlanWarning("equal-name", "c is not added"), PlanWarning("same-fields", "d is not added"))
    with pytest.raises(PlanRefused) as caught:
        check_sendable(replace(plan(ADD_D), refusals=refusals))
    assert str(caught.value) == "routes.yaml: nothing was sent: c is not added (and 1 more)"
    with pytest.raises(PlanRefused, match=r"nothing was sent: c is not added$"):
        check_sendable(replace(plan(), refusals=refusals[:1]))


def test_an_update_without_an_id_is_not_sent_and_says_how_to_get_one() -> None:
    nameless = replace(UPDATE_A, id=None)
    with pytest.raises(PlanRefused) as caught:
        check_sendable(plan(nameless, ADD_C, known_state="state.json"))
    assert "not known for: a. Record the ids with: pbxsync refresh --state state.json; or, " in str(caught.value)
    with pytest.raises(PlanRefused, match=r"not known for: a\. change these routes on the PBX, and use --add-only"):
        check_sendable(plan(nameless))


def test_adds_and_deletes_need_no_id() -> None:
    check_sendable(plan(ADD_C, replace(DELETE_B, id=None), UPDATE_A))


BRANCH = Route("branch", "7XXX", ("to-branch",))
WORLD = Route("world", "X.", ("intl",), prefix="9011")
REST = Route("rest", "X.", ("out",))
OLD = Route("old", "8X.", ("line",))
ROUTES = (REST, WORLD)


def reorder(*wanted: Route, state: str = "live", held: Sequence[KnownRoute] = known(*ROUTES)) -> Plan:
    return differ.plan(desired(list(wanted)), KnownState(URL, tuple(held), state), PlanChoices(reorder=True))


def test_a_move_needs_no_id_before_it_is_sent() -> None:
    check_sendable(reorder(BRANCH, WORLD, REST))


# --- a state file against the PBX ---

#: What a state file holds of a PBX that has never been asked, and of one that has.
NEVER_ASKED = (KnownRoute(A), KnownRoute(B))
ASKED = (KnownRoute(A, "1"), KnownRoute(B, "2"))


@pytest.mark.parametrize("fault", ["refuse:10003", "status:404", "status:405"])
@pytest.mark.parametrize("recorded", [NEVER_ASKED, ASKED])
def test_a_plan_of_adds_alone_goes_ahead_by_the_file_where_the_firmware_does_not_know_the_query(
    fault: str, recorded: tuple[KnownRoute, ...]
) -> None:
    with pbx(f"outroute/query@*={fault}") as sandbox, client(sandbox) as caller:
        assert check_recorded(plan(ADD_C), recorded, caller) is None


# What a PBX answers that has something to hide for the moment, or firmware that says otherwise that it can't be asked.
NO_ANSWER = pytest.mark.parametrize(
    "fault", ["refuse", "refuse:20002", "status:429", "status:503", "html", "empty", "close", "hang:30"]
)


@NO_ANSWER
def test_a_plan_of_adds_alone_goes_ahead_by_the_file_where_the_user_says_that_the_pbx_can_only_add(fault: str) -> None:
    with pbx(f"outroute/query@*={fault}") as sandbox, client(sandbox, timeout=0.2) as caller:
        assert check_recorded(plan(ADD_C), NEVER_ASKED, caller, add_only=True) is None


@NO_ANSWER
@pytest.mark.parametrize(("recorded", "add_only"), [(NEVER_ASKED, False), (ASKED, False), (ASKED, True)])
def test_nothing_is_added_by_the_file_alone_where_the_pbx_may_hold_something_else(
    fault: str, recorded: tuple[KnownRoute, ...], add_only: bool
) -> None:
    faulty = pbx(f"outroute/query@*={fault}")
    with faulty as sandbox, client(sandbox, timeout=0.2) as caller, pytest.raises(StaleState) as caught:
        check_recorded(plan(ADD_C), recorded, caller, add_only=add_only)
    assert "nothing was sent: what the PBX holds has to be known first, and asking it fails: " in str(caught.value)


def test_one_lost_answer_is_no_firmware_that_can_not_be_asked() -> None:
    with pbx("outroute/query@1=status:503", routes=(A, B, C)) as sandbox, client(sandbox, retries=1) as caller:
        with pytest.raises(StaleState, match="has recorded of: c"):
            check_recorded(plan(ADD_C), NEVER_ASKED, caller)
        assert calls(sandbox) == [QUERY] * 3


def test_one_short_answer_is_not_what_the_pbx_holds() -> None:
    short = pbx("outroute/query@1=short:2", routes=(A, B, C))
    with short as sandbox, client(sandbox) as caller, pytest.raises(StaleState, match="has recorded of: c"):
        check_recorded(plan(ADD_C), ASKED, caller)


def test_a_table_that_is_another_at_each_query_stops_the_plan() -> None:
    faults = [f"outroute/query@{number}=short:{number % 2}" for number in range(1, 9)]
    with pbx(*faults) as sandbox, client(sandbox) as caller, pytest.raises(UnreliableTable):
        check_recorded(plan(ADD_C), ASKED, caller)


def test_a_rename_to_a_name_that_is_on_the_pbx_already_is_not_made() -> None:
    rename = Change(Action.UPDATE, B, replace(B, name="c"), id="2")
    sandbox = pbx(routes=(A, B, C))
    with sandbox, client(sandbox) as caller, pytest.raises(StaleState, match="has recorded of: c"):
        check_recorded(plan(rename), ASKED, caller)


def test_an_add_that_is_on_the_pbx_already_is_not_made_a_second_time() -> None:
    with pbx(routes=(A, B, C)) as sandbox, client(sandbox) as caller:
        with pytest.raises(StaleState, match=r"has recorded of: c\. Record it again with: pbxsync refresh --state"):
            check_recorded(plan(ADD_C, known_state="state.json"), ASKED, caller)
        assert calls(sandbox) == [QUERY] * 2


@KINDS
@pytest.mark.parametrize(
    ("there", "may_be"),
    [
        (replace(C, name="C"), "C"),
        (replace(C, name="ç", prefix="8"), "ç"),
        (replace(C, name="another"), "another"),
        (replace(C, name="another", matchpattern="x."), "another"),
        (replace(C, name="another", trunks=()), "another"),
    ],
)
def test_an_add_is_not_made_where_the_pbx_may_have_it_under_a_name_that_is_not_recorded(
    there: Route, may_be: str, kind: str
) -> None:
    with pbx(routes=(A, B, there)) as sandbox, client(sandbox, kind) as caller:
        with pytest.raises(StaleState) as caught:
            check_recorded(plan(ADD_C, known_state="state.json"), ASKED, caller)
        assert f"than the state file has recorded of: c (which may be {may_be} there). Record it" in str(caught.value)
        # Once it is recorded, the plan itself says what to do about it.
        assert check_recorded(plan(ADD_C, known_state="state.json"), known(A, B, there), caller) is not None


def test_a_rename_is_not_made_to_a_name_that_the_pbx_may_take_for_another_one() -> None:
    rename = Change(Action.UPDATE, B, replace(B, name="c"), id="2")
    there = pbx(routes=(A, B, replace(C, name="C")))
    with there as sandbox, client(sandbox) as caller, pytest.raises(StaleState, match=r"c \(which may be C there\)"):
        check_recorded(plan(rename), ASKED, caller)
    alike = pbx(routes=(A, B, replace(B, name="other")))
    with alike as sandbox, client(sandbox) as caller:
        assert check_recorded(plan(rename), ASKED, caller) is not None


@KINDS
def test_updates_and_deletes_go_ahead_where_the_pbx_holds_what_was_recorded(kind: str) -> None:
    with pbx() as sandbox, client(sandbox, kind) as caller:
        assert check_recorded(plan(UPDATE_A, replace(DELETE_B, id=None)), ASKED, caller) == HELD
        assert calls(sandbox) == [QUERY] * 2


def test_a_login_that_is_refused_does_not_pass_for_a_pbx_that_can_not_be_asked() -> None:
    with pbx() as sandbox, client(sandbox, credentials=Credentials(None, "admin", "wrong")) as caller:
        with pytest.raises(LoginRefused):
            check_recorded(plan(ADD_C), ASKED, caller)
        assert [request.call for request in sandbox.requests] == ["login"]


@pytest.mark.parametrize(
    ("routes", "stale"),
    [
        ((B, A), "a, b"),
        ((A2, B), "a"),
        ((A,), "b"),
        ((A, B, B), "b"),
        ((), "a, b"),
    ],
)
def test_a_recorded_route_that_the_pbx_holds_otherwise_is_not_overwritten(
    routes: tuple[Route, ...], stale: str
) -> None:
    with pbx(routes=routes) as sandbox, client(sandbox) as caller:
        with pytest.raises(StaleState) as caught:
            check_recorded(plan(*CHANGES, known_state="state.json"), ASKED, caller)
        assert f"something else than the state file has recorded of: {stale}. Record it again" in str(caught.value)
        assert calls(sandbox) == [QUERY] * 2


def test_a_pbx_that_refuses_to_be_asked_is_left_to_add_only() -> None:
    old = pbx(calls=["outroute/add", "outroute/update"])
    with old, client(old) as caller, pytest.raises(StaleState, match=r"errno 10003.+ use --add-only"):
        check_recorded(plan(UPDATE_A), ASKED, caller)


def test_no_update_is_made_from_a_state_file_where_the_pbx_does_not_answer() -> None:
    with pbx("*@*=reset") as sandbox, client(sandbox) as caller, pytest.raises(StaleState, match="use --add-only"):
        check_recorded(plan(UPDATE_A), ASKED, caller)


@pytest.mark.parametrize("routes", [(*ROUTES, OLD), ROUTES[::-1], (REST,), (REST, replace(WORLD, trunks=("t",))), ()])
def test_nothing_is_moved_by_a_file_that_does_not_hold_exactly_what_the_pbx_does(routes: tuple[Route, ...]) -> None:
    made = reorder(BRANCH, WORLD, REST, state="a b.json")
    with pbx(routes=routes) as sandbox, client(sandbox) as caller:
        with pytest.raises(StaleState) as caught:
            check_recorded(made, known(*ROUTES), caller)
        assert str(caught.value) == (
            "a b.json: the PBX holds other routes than the state file has recorded, or in another order, so nothing "
            "can be moved by it. Record them again with: pbxsync refresh --state 'a b.json'"
        )
        assert calls(sandbox) == [QUERY] * 2
    plain = differ.plan(desired([BRANCH]), KnownState(URL, known(*ROUTES), "a b.json"), PlanChoices())
    with pbx(routes=routes) as sandbox, client(sandbox) as caller:
        assert check_recorded(plain, known(*ROUTES), caller) is not None


def test_moves_go_ahead_by_a_file_that_holds_what_the_pbx_does_whatever_the_ids() -> None:
    made = reorder(BRANCH, WORLD, REST, state="state.json")
    with pbx(routes=ROUTES) as sandbox, client(sandbox) as caller:
        assert check_recorded(made, (KnownRoute(REST, "7"), KnownRoute(WORLD)), caller) == known(*ROUTES)


def test_an_update_beside_a_move_is_not_made_by_an_id_that_is_another_routes_now() -> None:
    held = (KnownRoute(REST, "2"), KnownRoute(WORLD, "1"))
    made = reorder(BRANCH, replace(WORLD, trunks=("w",)), REST, state="state.json", held=held)
    sandbox = pbx(routes=ROUTES)
    with sandbox, client(sandbox) as caller, pytest.raises(StaleState, match="has recorded of: world"):
        check_recorded(made, held, caller)


def test_no_move_is_made_where_the_pbx_cannot_be_asked() -> None:
    made = reorder(BRANCH, WORLD, REST, state="state.json")
    old = pbx(calls=["outroute/add", "outroute/update", "outroute/delete"], routes=ROUTES)
    with old, client(old) as caller, pytest.raises(StaleState, match="nothing was sent: what the PBX holds has to be"):
        check_recorded(made, known(*ROUTES), caller)


# --- names, as the PBX compares them ---

RENAME_A = Change(Action.UPDATE, A, replace(A, name="z"), id="1")


def asked(sandbox: Sandbox, kind: str, *changes: Change, held: Sequence[KnownRoute] | None = None) -> list[str]:
    """Check the names of these changes; return the queries by name that it took."""
    with client(sandbox, kind) as caller:
        before = caller.query_table().routes if held is None else held
        check_names(plan(*changes), before, caller)
        return calls(sandbox)[held is None :]


def refused(sandbox: Sandbox, kind: str, *changes: Change, held: Sequence[KnownRoute] | None = None) -> str:
    with pytest.raises(StaleState) as caught:
        asked(sandbox, kind, *changes, held=held)
    assert not any(call.startswith(("add", "update", "delete")) for call in calls(sandbox))
    return str(caught.value)


@KINDS
def test_the_names_that_are_added_renamed_to_or_deleted_are_asked_for_in_one_query(kind: str) -> None:
    with pbx() as sandbox:
        assert asked(sandbox, kind, UPDATE_A, ADD_C, ADD_D, DELETE_B) == ["query c,d,b"]
    with pbx() as sandbox:
        assert asked(sandbox, kind, RENAME_A, ADD_C) == ["query z,c"]
    with pbx() as sandbox:
        assert asked(sandbox, kind, UPDATE_A) == []


@KINDS
def test_the_copy_and_the_name_of_a_route_that_is_moved_are_asked_for(kind: str) -> None:
    with pbx(routes=ROUTES) as sandbox, client(sandbox, kind) as caller:
        check_names(reorder(BRANCH, WORLD, REST), known(*ROUTES), caller)
        assert calls(sandbox) == ["query branch,rest~pbxsync,rest"]


@KINDS
def test_many_names_are_asked_for_in_several_queries(kind: str) -> None:
    adds = [add(replace(C, name=f"{number:0>39}", prefix=str(number))) for number in range(120)]
    with pbx() as sandbox:
        queries = asked(sandbox, kind, *adds)
    assert [len(query.removeprefix("query ")) for query in queries] == [1999, 1999, 799]
    assert ",".join(query.removeprefix("query ") for query in queries) == ",".join(change.name for change in adds)


CASE = Firmware(equal_names="case")
#: A rule by which a PBX compares names, a name that is sent, and one that it has.
PAIRS = [
    ("case", "local", "LOCAL"),
    ("accents", "München", "Munchen"),
    ("german", "Straße", "Strasse"),
    ("swedish", "Müller", "Myller"),
    ("general", "fire 🔥", "fire 🚒"),
]


@KINDS
@pytest.mark.parametrize(("rule", "sent", "there"), PAIRS)
def test_a_name_that_the_pbx_takes_for_one_that_it_has_stops_an_add_with_the_pair(
    rule: str, sent: str, there: str, kind: str
) -> None:
    other = replace(C, name=there)
    with pbx(routes=(A, B, other), firmware=Firmware.parse([f"equal_names={rule}"])) as sandbox:
        message = refused(sandbox, kind, ADD_D, add(replace(C, name=sent)))
        assert message == (
            f"nothing was sent: the PBX takes {there}, which it has, for {sent}: to it the two names are one; is it "
            f"the same route? Then write name: {there}. If not, choose another name"
        )
        assert calls(sandbox)[1:] == [f"query d,{sent}", "query pbxsync-asks-for-no-route", f"query {sent}"]


@KINDS
@pytest.mark.parametrize(("rule", "deleted", "there"), PAIRS)
def test_it_stops_a_delete_that_could_take_both(rule: str, deleted: str, there: str, kind: str) -> None:
    doomed = replace(B, name=deleted)
    firmware = Firmware.parse([f"equal_names={rule}"])
    with pbx(routes=(A, doomed, replace(C, name=there)), firmware=firmware) as sandbox:
        message = refused(sandbox, kind, Change(Action.DELETE, doomed, None, id="2"))
        assert (
            f"the PBX takes {there}, which it has, for {deleted}: to it the two names are one; a delete of" in message
        )
        assert message.endswith("Delete it in the PBX's web page, or rename one of them there")


class TakesZeroForO:
    """A PBX that compares names by a rule of its own."""

    def __init__(self, *routes: Route) -> None:
        self._routes = known(*routes)

    def query_table(self) -> RouteAnswer:
        return RouteAnswer(self._routes)

    def query_named(self, names: Sequence[str]) -> Sequence[KnownRoute]:
        asked_for = {name.replace("0", "O") for name in names}
        return [route for route in self._routes if route.route.name.replace("0", "O") in asked_for]


def test_a_pair_that_only_this_pbx_takes_for_equal_is_found() -> None:
    sent, there = replace(C, name="F0"), replace(C, name="FO")
    with pytest.raises(StaleState, match=r"the PBX takes FO, which it has, for F0: to it the two names are one; is it"):
        check_names(plan(ADD_D, add(sent)), known(A, B, there), TakesZeroForO(A, B, there))
    check_names(plan(ADD_D), known(A, B, there), TakesZeroForO(A, B, there))


@KINDS
def test_it_stops_a_rename(kind: str) -> None:
    with pbx(routes=(A, B, replace(C, name="Z")), firmware=Firmware(equal_names="case")) as sandbox:
        assert "the PBX takes Z, which it has, for z: " in refused(sandbox, kind, RENAME_A)


@KINDS
def test_the_route_that_is_renamed_is_no_obstacle_to_its_own_new_name(kind: str) -> None:
    upper = Change(Action.UPDATE, A, replace(A, name="A"), id="1")
    with pbx(firmware=Firmware(equal_names="case")) as sandbox:
        assert asked(sandbox, kind, upper, ADD_C) == ["query A,c"]
    # Nor is it to a new one that takes its name over.
    with pbx(firmware=Firmware(equal_names="case")) as sandbox:
        assert asked(sandbox, kind, RENAME_A, add(replace(C, name="A"))) == ["query z,A"]


@KINDS
@pytest.mark.parametrize("answers", ["works", "all"])
def test_a_route_that_the_list_leaves_out_stops_the_plan(answers: str, kind: str) -> None:
    firmware = Firmware.parse(["page=2", f"named_query={answers}"])
    with pbx(routes=(A, B, C), firmware=firmware) as sandbox:
        assert refused(sandbox, kind, ADD_C, held=HELD) == (
            "nothing was sent: the PBX finds c by name, but its list of all routes does not show it, so the list is "
            "not whole. Look at the routes in the PBX's web page"
        )


@KINDS
def test_a_route_of_a_known_name_and_another_id_stops_the_plan(kind: str) -> None:
    with pbx(routes=(A, B, B), firmware=Firmware(page=2)) as sandbox:
        assert "the PBX finds b by name" in refused(sandbox, kind, DELETE_B, held=HELD)


@KINDS
@pytest.mark.parametrize("answers", ["all", "none", "refuse", "first", "whole"])
def test_firmware_that_does_not_answer_a_query_for_names_as_documented_is_noticed_and_passes(
    answers: Any, kind: str
) -> None:
    with pbx(firmware=Firmware(named_query=answers, equal_names="accents")) as sandbox:
        queries = asked(sandbox, kind, ADD_C, ADD_D, DELETE_B)
        assert queries == ["query c,d,b", *(["query pbxsync-asks-for-no-route"] if answers == "all" else [])]
    # A name that nobody has says nothing of whether the query works.
    with pbx(firmware=Firmware(named_query=answers)) as sandbox:
        asked(sandbox, kind, ADD_C)


@KINDS
def test_firmware_that_refuses_unknown_names_is_believed_where_it_answers(kind: str) -> None:
    """A query for a name that nobody has fails there; the answer for names that are there is one to them."""
    with pbx("outroute/query@3=refuse:30004", routes=(A, B, replace(C, name="B")), firmware=CASE) as sandbox:
        assert "the PBX takes B, which it has, for b" in refused(sandbox, kind, DELETE_B)


@KINDS
@pytest.mark.parametrize("fault", ["html", "status:500", "cut-body", "empty"])
def test_a_query_for_names_that_gets_no_answer_passes(fault: str, kind: str) -> None:
    with pbx(f"outroute/query@2={fault}", routes=(A, B, replace(C, name="C")), firmware=CASE) as sandbox:
        assert asked(sandbox, kind, ADD_C) == ["query c"]


@KINDS
def test_the_pair_is_named_as_far_as_it_is_known(kind: str) -> None:
    with pbx("outroute/query@4=status:500", routes=(A, B, replace(C, name="C")), firmware=CASE) as sandbox:
        assert "the PBX takes C, which it has, for d, c: " in refused(sandbox, kind, ADD_D, ADD_C)


def test_a_pbx_that_can_not_be_reached_stops_the_plan() -> None:
    with pbx() as sandbox:
        pass
    with client(sandbox) as caller, pytest.raises(NotSent):
        check_names(plan(ADD_C), HELD, caller)


@KINDS
def test_a_route_of_several_patterns_is_one_route(kind: str) -> None:
    web = {**row(B), "patterns": ["1XX", "2XX"]}
    with Sandbox(tokens=["t"], firmware=Firmware(show_patterns="each"), routes=[row(A), web]) as sandbox:
        assert asked(sandbox, kind, DELETE_B, ADD_C) == ["query b,c"]
