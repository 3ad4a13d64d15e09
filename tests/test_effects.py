"""Plan and known state → what the plan does to calls: before and after, the order, the tests, what is left out."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxsync import differ, errors
from pbxsync.dialplan.impact import impact
from pbxsync.effects import foreseen
from pbxsync.model import Claim, Doubt, KnownRoute, KnownState, Location, Plan, PlanChoices, Route
from pbxsync.preflight import check_tested
from pbxsync.render.text import plan_text, totals
from tests.dialplan_strategies import CALLERS, NUMBERS, callers_between, numbers_of_all, winners
from tests.dialplan_strategies import routes as odd_routes
from tests.naive_dialplan import sent
from tests.strategies import desired, known

if TYPE_CHECKING:
    from collections.abc import Sequence

PRUNE = PlanChoices(prune=True, max_deletes=1000)
EMERGENCY = Route("emergency", "911", ("a", "line"))
LOCAL = Route("local", "NXXXXXX", ("a",), prefix="9")
WORLD = Route("world", "X.", ("intl",), prefix="9011", prepend="00")
REST = Route("rest", ".", ("b",), prefix="9")
FAX = Route("fax", "8X.", ("line",))


def planned(
    wanted: Sequence[Route],
    there: Sequence[Route],
    choices: PlanChoices | None = None,
    *claims: Claim,
    renamed: dict[str, str] | None = None,
    ignore: tuple[str, ...] = (),
) -> Plan:
    """The plan of a file with these routes and claims for a PBX with those, with what it does to calls."""
    choices = choices or PlanChoices()
    file, state = replace(desired(list(wanted), renamed), tests=claims, ignore=ignore), known(list(there))
    return foreseen(differ.plan(file, state, choices), file, state, choices)


def claim(dial: str, route: str | None = None, line: int = 9) -> Claim:
    return Claim(Location("routes.yaml", line, 5), dial, route=route, no_route=route is None)


def ways(plan: Plan) -> list[tuple[tuple[str, ...], str | None, str | None]]:
    """Each entry of the impact: its numbers, and the routes that took them and take them."""
    return [
        (one.words.patterns, one.before.route if one.before else None, one.after.route if one.after else None)
        for one in plan.impact or ()
    ]


def rules(plan: Plan) -> list[str]:
    return [warning.rule for warning in plan.warnings]


def messages(plan: Plan, rule: str = "order") -> list[str]:
    return [warning.message for warning in plan.warnings if warning.rule == rule]


def steps(count: int) -> list[Route]:
    """So many routes, each of which takes some other calls of LOCAL."""
    return [Route(f"step-{n}", "XXXXXX", (f"s{n}",), prefix=f"9{n + 2}") for n in range(count)]


# --- before and after ---------------------------------------------------------------------------------------------


def test_an_updated_route_stays_in_its_place() -> None:
    plan = planned([replace(LOCAL, trunks=("c",)), REST], [LOCAL, REST])
    assert ways(plan) == [(("9NXXXXXX",), "local", "local")]
    assert plan.warnings == ()


def test_an_added_route_is_below_all_others_wherever_the_file_has_it() -> None:
    assert ways(planned([WORLD, REST], [REST])) == []
    assert ways(planned([FAX, REST], [REST])) == [(("8X.",), None, "fax")]
    assert ways(planned([REST, Route("every", "9X", ("c",))], [REST])) == []


def test_the_calls_of_a_deleted_route_go_to_what_is_below_it_or_nowhere() -> None:
    assert ways(planned([REST], [LOCAL, REST], PRUNE)) == [(("9NXXXXXX",), "local", "rest")]
    assert ways(planned([REST], [FAX, REST], PRUNE)) == [(("8X.",), "fax", None)]


def test_what_is_not_pruned_goes_on_taking_calls() -> None:
    assert ways(planned([REST], [LOCAL, REST])) == []
    assert ways(planned([replace(REST, trunks=("c",))], [replace(REST, name="theirs"), REST])) == []
    assert ways(planned([LOCAL], [replace(LOCAL, name="theirs")])) == []


def test_an_update_an_add_and_a_delete_are_seen_together() -> None:
    wanted = [EMERGENCY, replace(LOCAL, prepend="212"), Route("pager", "7XXX", ("line",))]
    plan = planned(wanted, [EMERGENCY, LOCAL, FAX], PRUNE)
    assert ways(plan) == [(("9NXXXXXX",), "local", "local"), (("8X.",), "fax", None), (("7XXX",), None, "pager")]


def test_a_rename_goes_without_impact_and_without_a_warning() -> None:
    plan = planned([replace(LOCAL, name="new"), REST], [LOCAL, REST], renamed={"new": "local"})
    assert [change.action for change in plan.changes] == ["update"]
    assert (plan.impact, plan.warnings) == ((), ())


def test_the_impact_is_that_of_the_routes_after_against_those_before() -> None:
    there = [LOCAL, FAX, REST]
    plan = planned([EMERGENCY, WORLD, replace(LOCAL, trunks=("c",)), REST], there, PRUNE)
    assert plan.impact == impact(there, [replace(LOCAL, trunks=("c",)), REST, EMERGENCY, WORLD])


def numbered(routes: Sequence[Route]) -> list[Route]:
    """The routes called r0, r1 and so on, so that those of two lists are the same ones as far as both go."""
    return [replace(route, name=f"r{number}") for number, route in enumerate(routes)]


def treated(route: Route, number: str) -> tuple[tuple[str, ...], str]:
    return route.trunks, sent(route, number)


@given(st.lists(odd_routes(), max_size=4), st.lists(odd_routes(), max_size=4), st.booleans())
def test_the_calls_of_the_impact_are_those_that_a_simple_reference_finds_by_trying_every_call(
    wanted: list[Route], there: list[Route], prune: bool
) -> None:
    wanted, there = numbered(wanted), numbered(there)
    after = [*wanted[: len(there)], *([] if prune else there[len(wanted) :]), *wanted[len(there) :]]
    then, now = winners(there), winners(after)
    expected = {}
    for number in NUMBERS:
        for caller in CALLERS:
            old, new = then[number][caller], now[number][caller]
            before = None if old is None else treated(there[old], number)
            afterwards = None if new is None else treated(after[new], number)
            if before != afterwards:
                expected[number, caller] = (before, afterwards)
    found = {}
    for entry in planned(wanted, there, PRUNE if prune else PlanChoices()).impact or ():
        paths = [path and (path.trunks, path.prepend, path.strip) for path in (entry.before, entry.after)]
        for number in numbers_of_all(entry.numbers):
            ends = tuple(path and (path[0], path[1] + number[path[2] :]) for path in paths)
            for caller in callers_between(entry.match, entry.but_not):
                assert (number, caller) not in found
                found[number, caller] = ends
    assert found == expected


# --- what is left out ---------------------------------------------------------------------------------------------


def test_without_changes_there_is_no_impact() -> None:
    assert planned([LOCAL, REST], [LOCAL, REST]).impact == ()
    assert planned([REST, LOCAL], [LOCAL, REST]).impact == ()
    assert planned([], []).impact == ()


def test_where_the_impact_is_not_wanted_it_is_none_and_nothing_is_said_of_order_but_still_of_too_many_routes() -> None:
    many = [Route(f"r{n}", f"{n}", ("a",)) for n in range(1000, 1512)]
    plan = planned([WORLD, REST, *many], [REST, *many], PlanChoices(impact=False))
    assert (plan.impact, rules(plan)) == (None, ["beyond-limit"])
    full = planned([WORLD, REST, *many], [REST, *many])
    assert rules(full) == ["beyond-limit", "order"]
    assert messages(plan, "beyond-limit") == messages(full, "beyond-limit")
    assert planned([WORLD, REST], [REST], PlanChoices(impact=False)).warnings == ()


def test_what_the_plan_itself_says_stays_as_it_is_and_its_warnings_come_first() -> None:
    there = known([REST, WORLD, REST])
    file = desired([WORLD, REST])
    made = differ.plan(file, there, PlanChoices())
    plan = foreseen(made, file, there, PlanChoices())
    assert replace(plan, impact=None, warnings=made.warnings) == made
    assert ([failure.rule for failure in plan.failures], rules(plan)) == (["doubled-on-pbx"], ["order"])


def test_a_plan_in_doubt_is_foreseen_as_if_nothing_were_in_doubt() -> None:
    file = desired([WORLD, REST])
    doubt = Doubt(differ.plan(file, known([REST]), PlanChoices()).changes[0], "reset")
    state = replace(known([REST]), doubts=(doubt,))
    plan = foreseen(differ.plan(file, state, PlanChoices()), file, state, PlanChoices())
    assert rules(plan) == ["in-doubt", "order"]


# --- order --------------------------------------------------------------------------------------------------------


def test_a_new_route_that_the_file_has_above_a_broader_one_is_warned_of() -> None:
    plan = planned([WORLD, REST], [REST])
    (message,) = messages(plan)
    assert message.startswith(
        "world will be below rest on the PBX, and loses calls there that the file gives to it: "
        "rest takes 9011X. (such as 9011"
    )
    assert message.endswith("); use --reorder, which moves rest below it, or move world above rest on the PBX")


def test_a_route_that_is_too_low_already_is_warned_of_in_every_plan_until_it_is_moved() -> None:
    for wanted in ([WORLD, REST], [WORLD, REST, FAX]):
        (message,) = messages(planned(wanted, [REST, WORLD]))
        assert message.startswith(
            "world is below rest on the PBX, and loses calls there that the file gives to it: "
            "rest takes 9011X. (such as 9011"
        )
    assert messages(planned([WORLD, REST], [WORLD, REST])) == []


def test_a_single_number_needs_no_example() -> None:
    (message,) = messages(planned([EMERGENCY, Route("every", "X.", ("b",))], [Route("every", "X.", ("b",))]))
    assert message == (
        "emergency will be below every on the PBX, and loses calls there that the file gives to it: "
        "every takes 911; use --reorder, which moves every below it, or move emergency above every on the PBX"
    )


def test_the_callers_whose_calls_go_wrong_are_named() -> None:
    sales = replace(REST, name="sales", trunks=("s",), callerid="20X")
    (message,) = messages(planned([sales, REST], [REST]))
    assert "gives to it: rest takes 9. from 20X (such as 9" in message


def test_a_route_that_several_routes_overtake_is_warned_of_once_and_goes_above_the_topmost() -> None:
    wanted = [LOCAL, *steps(2), REST]
    for there, verb in (([*steps(2), REST], "will be"), ([*steps(2), REST, LOCAL], "is")):
        assert messages(planned(wanted, there)) == [
            f"local {verb} below step-0, step-1, rest on the PBX, and loses calls there that the file gives to it: "
            "step-0 takes 92XXXXXX (such as 92456789), step-1 takes 93XXXXXX (such as 93456789), "
            "rest takes 9[4-9]XXXXXX (such as 94456789); "
            "use --reorder, which moves step-0, step-1, rest below it, or move local above step-0 on the PBX"
        ]


def test_what_is_above_is_named_in_the_order_of_the_pbx_without_what_takes_nothing_away() -> None:
    step, other = steps(2)
    assert messages(planned([LOCAL, step, other], [FAX, other, step, LOCAL])) == [
        "local is below step-1, step-0 on the PBX, and loses calls there that the file gives to it: "
        "step-1 takes 93XXXXXX (such as 93456789), step-0 takes 92XXXXXX (such as 92456789); "
        "use --reorder, which moves step-1, step-0 below it, or move local above step-1 on the PBX"
    ]


def test_each_route_of_the_file_that_is_overtaken_has_one_warning_in_the_file_s_order() -> None:
    found = messages(planned([WORLD, EMERGENCY, LOCAL, *steps(2), REST], [*steps(2), REST, LOCAL]))
    assert [message.partition(" on the PBX")[0] for message in found] == [
        "world will be below rest",
        "emergency will be below rest",
        "local is below step-0, step-1, rest",
    ]


def test_of_more_than_five_routes_above_five_are_named_and_of_what_they_take_five() -> None:
    for count, more in ((5, ""), (6, ", and 1 more"), (8, ", and 3 more")):
        (message,) = messages(planned([LOCAL, *steps(count)], steps(count)))
        where, _, rest = message.partition(" on the PBX, and loses calls there that the file gives to it: ")
        takes, _, move = rest.partition("; ")
        assert where == f"local will be below step-0, step-1, step-2, step-3, step-4{more}"
        assert re.findall(r"(step-\d) takes (\S+) ", takes) == [(f"step-{n}", f"9{n + 2}XXXXXX") for n in range(5)]
        assert takes.endswith(f"){more}")
        moved = "step-0, step-1, step-2, step-3, step-4"
        assert move == f"use --reorder, which moves {moved}{more} below it, or move local above step-0 on the PBX"


def test_a_route_above_is_named_once_with_all_that_it_takes_of_these_and_of_those_callers() -> None:
    narrow = replace(LOCAL, name="narrow", matchpattern="N44XXXX", trunks=("n",), callerid="20X")
    assert messages(planned([narrow, LOCAL, REST], [narrow, REST, LOCAL])) == [
        "local is below rest on the PBX, and loses calls there that the file gives to it: "
        "rest takes 9N[0-35-9]XXXXX, 9N4[0-35-9]XXXX (such as 93456789), "
        "rest takes 9N44XXXX from callers other than 20X (such as 93446789); "
        "use --reorder, which moves rest below it, or move local above rest on the PBX"
    ]


@pytest.mark.parametrize("here", ["1[0-9*#+]!", "1."])
def test_two_ways_to_say_that_something_follows_are_the_same(here: str) -> None:
    there = "1." if here != "1." else "1[0-9*#+]!"
    declared, held = Route("one", here, ("a",)), Route("one", there, ("a",))
    every = Route("every", "X.", ("b",))
    plan = planned([declared, every], [held, every])
    assert (len(plan.changes), plan.impact, plan.warnings) == (1, (), ())
    plan = planned([declared, every], [every, held], PlanChoices(add_only=True))
    assert (len(plan.skipped), plan.impact) == (1, ())
    (message,) = messages(plan)
    assert message.startswith("one is below every on the PBX, ")
    assert "every takes 1. (such as 1" in message


def test_a_new_route_above_which_the_pbx_has_an_unmanaged_one_is_warned_of() -> None:
    theirs = Route("theirs", "X.", ("b",))
    assert [message.split(" on the PBX")[0] for message in messages(planned([EMERGENCY], [theirs]))] == [
        "emergency will be below theirs"
    ]
    assert messages(planned([EMERGENCY], [theirs], PRUNE)) == []


def test_an_unmanaged_route_above_is_to_be_declared_and_nothing_is_to_be_moved_past_it() -> None:
    theirs = Route("emergency-9", "911", ("a",), prefix="9")
    (message,) = messages(planned([REST], [theirs]))
    assert "emergency-9 takes 9911" in message
    assert message.endswith("declare emergency-9, unmanaged so far, in the file where it belongs, or delete it")
    assert "move" not in message


def test_a_route_is_to_be_moved_above_those_of_the_file_and_the_unmanaged_ones_to_be_declared() -> None:
    theirs, own = Route("theirs", "911", ("c",), callerid="20X"), Route("own", "9XX", ("d",))
    (message,) = messages(planned([EMERGENCY, own], [theirs, own]))
    assert message.endswith(
        "use --reorder, which moves own below it, or move emergency above own on the PBX; "
        "declare theirs, unmanaged so far, in the file where it belongs, or delete it"
    )


def test_above_an_ignored_route_a_route_is_to_be_moved_by_hand() -> None:
    theirs, own = Route("lab-1", "911", ("c",), callerid="20X"), Route("own", "9XX", ("d",))
    (message,) = messages(planned([EMERGENCY], [theirs], ignore=("lab-*",)))
    assert message.endswith("lab-1 takes 911 from 20X; move emergency above lab-1 on the PBX")
    (message,) = messages(planned([EMERGENCY, own], [theirs, own], ignore=("lab-*",)))
    assert message.endswith("; use --reorder, which moves own below it, or move emergency above own on the PBX")


@pytest.mark.parametrize("there", [[], [REST], [LOCAL, REST], [REST, FAX], [LOCAL, FAX]])
def test_a_route_that_loses_no_call_where_it_will_be_is_not_warned_of(there: list[Route]) -> None:
    assert messages(planned([FAX, replace(LOCAL, trunks=REST.trunks), REST], there)) == []


def test_updates_that_are_skipped_are_no_matter_of_order() -> None:
    wanted = [replace(WORLD, prepend="000"), replace(LOCAL, trunks=("c",)), REST]
    there = [REST, WORLD, LOCAL]
    assert [message.split()[0] for message in messages(planned(wanted, there))] == ["world", "local"]
    plan = planned(wanted, there, PlanChoices(add_only=True))
    assert (len(plan.skipped), plan.impact, plan.warnings) == (2, (), ())


def test_a_skipped_update_of_the_broader_route_hides_no_wrong_order() -> None:
    wanted = [WORLD, replace(REST, trunks=("c",))]
    (message,) = messages(planned(wanted, [REST], PlanChoices(add_only=True)))
    assert message.startswith("world will be below rest on the PBX")


def test_routes_that_are_left_alone_since_their_name_is_doubled_are_no_matter_of_order() -> None:
    plan = planned([replace(LOCAL, trunks=("c",)), REST], [REST, LOCAL, LOCAL])
    assert (plan.blocked, rules(plan)) == (("local",), [])


def test_a_route_is_never_said_to_be_below_itself() -> None:
    new = replace(LOCAL, trunks=("c",))
    assert rules(planned([new], [LOCAL, new])) == []
    assert rules(planned([new], [LOCAL, replace(new, name="theirs")], PlanChoices(add_only=True))) == []


def test_a_doubled_route_that_is_as_declared_and_below_a_broader_one_is_warned_of_once() -> None:
    plan = planned([LOCAL, REST], [REST, LOCAL, LOCAL])
    assert rules(plan) == ["order"]


# --- moves --------------------------------------------------------------------------------------------------------

REORDER = PlanChoices(reorder=True)


def test_a_route_that_is_moved_is_foreseen_at_the_end_and_the_order_is_right_then() -> None:
    plan = planned([WORLD, REST], [REST], REORDER)
    assert [f"{change.action} {change.name}" for change in plan.changes] == ["add world", "move rest"]
    assert ways(plan) == [(("9011X.",), "rest", "world")]
    assert plan.impact == impact([REST], [WORLD, REST])
    assert plan.warnings == ()


def test_a_move_that_is_no_matter_to_any_call_in_the_end_has_no_impact() -> None:
    theirs = replace(REST, name="theirs", matchpattern="[0-9*#+]!")  # what it takes, in other fields
    plan = planned([WORLD, REST], [theirs, REST, WORLD], REORDER)
    assert [f"{change.action} {change.name}" for change in plan.changes] == ["move rest"]
    assert plan.impact == ()
    (message,) = messages(plan)
    assert message.startswith("world is below theirs on the PBX, and loses calls there that the file gives to it: ")
    assert message.endswith("; declare theirs, unmanaged so far, in the file where it belongs, or delete it")


def test_updates_deletes_and_moves_are_seen_together() -> None:
    there = [FAX, REST, LOCAL]
    plan = planned([EMERGENCY, WORLD, replace(LOCAL, trunks=("c",)), REST], there, replace(PRUNE, reorder=True))
    assert plan.impact == impact(there, [replace(LOCAL, trunks=("c",)), EMERGENCY, WORLD, REST])
    assert plan.warnings == ()


def test_tests_are_held_against_what_the_pbx_will_hold_once_routes_are_moved() -> None:
    claims = [claim("_9011X.", "world"), claim("95", "rest")]
    assert len(planned([WORLD, REST], [REST], None, *claims).failed_tests) == 1
    assert planned([WORLD, REST], [REST], REORDER, *claims).failed_tests == ()


def test_with_reorder_reorder_is_not_advised() -> None:
    other_case = replace(FAX, name="REST")
    plan = planned([WORLD, REST], [REST, WORLD, other_case], REORDER)
    assert rules(plan) == ["cannot-move", "order"]
    assert messages(plan)[0].endswith("; move world above rest on the PBX")


def test_with_add_only_reorder_is_not_advised() -> None:
    (message,) = messages(planned([WORLD, REST], [REST], PlanChoices(add_only=True)))
    assert message.endswith("; move world above rest on the PBX")


def test_where_a_plan_moves_routes_unasked_reorder_is_not_advised() -> None:
    copy = replace(REST, name="rest~pbxsync")
    other = Route("other", "7X.", ("o",))
    special = Route("special", "71X", ("s",))
    held = [other, REST, special, special, WORLD, copy]
    plan = planned([special, other, WORLD, REST], held)
    assert [f"{change.action} {change.name}" for change in plan.changes] == ["move rest"]
    assert rules(plan) == ["half-done-reorder", "order"]
    assert messages(plan)[0].endswith("; move special above other on the PBX")


def test_where_one_route_can_t_be_moved_so_that_none_is_reorder_is_not_advised() -> None:
    copy = replace(REST, name="rest~pbxsync")
    plan = planned([EMERGENCY, WORLD, REST], [REST, copy, WORLD, EMERGENCY, replace(FAX, name="REST")])
    assert plan.changes == ()
    assert set(rules(plan)) == {"cannot-move", "order"}
    assert not any("use --reorder" in message for message in messages(plan))


def test_reorder_does_not_help_what_is_below_routes_of_a_doubled_name_alone() -> None:
    doubled = [LOCAL, LOCAL, REST, WORLD]
    (message,) = messages(planned([EMERGENCY, replace(WORLD, prefix="92"), LOCAL], [LOCAL, LOCAL]))
    assert message.endswith("; move world above local on the PBX")
    (message,) = messages(planned([WORLD, LOCAL, REST], doubled))
    assert message.endswith("; use --reorder, which moves rest below it, or move world above rest on the PBX")


def test_the_moments_in_which_calls_go_elsewhere_are_warned_of_last_and_only_with_the_impact() -> None:
    there = [replace(REST, trunks=("a",))]
    plan = planned([WORLD, REST], there, REORDER)
    assert rules(plan) == ["meanwhile"]
    assert plan.warnings[0].message.startswith("for a moment, from the update of rest to the delete of rest, calls to ")
    assert planned([WORLD, REST], there, replace(REORDER, impact=False)).warnings == ()
    assert rules(planned([WORLD, REST], [Route("theirs", "901144X.", ("t",)), *there], REORDER)) == [
        "order",
        "meanwhile",
    ]


def test_where_no_route_above_can_be_moved_reorder_is_not_advised() -> None:
    (message,) = messages(planned([WORLD, REST], [REST, WORLD, replace(FAX, name="REST")]))
    assert message.endswith("; move world above rest on the PBX")
    there = KnownState(None, (KnownRoute(REST), KnownRoute(WORLD)), "hq.json")
    file = desired([WORLD, REST])
    (message,) = messages(foreseen(differ.plan(file, there, PlanChoices()), file, there, PlanChoices()))
    assert message.endswith("; move world above rest on the PBX")


def test_a_copy_that_no_file_may_declare_is_to_be_declared_as_its_route() -> None:
    there = [replace(REST, name="rest~pbxsync"), WORLD, replace(REST, trunks=("t",), name="rest~pbxsync~pbxsync")]
    (message,) = messages(planned([WORLD], there))
    assert message.startswith("world is below rest~pbxsync on the PBX, ")
    assert message.endswith("; declare rest, unmanaged so far, in the file where it belongs, or delete it")


# --- too many routes ----------------------------------------------------------------------------------------------


def test_routes_after_the_510th_are_warned_of_by_name() -> None:
    many = [Route(f"r{n}", f"{1000 + n}", ("a",)) for n in range(1, 512)]
    assert rules(planned(many[:510], [])) == []
    (message,) = messages(planned(many, []), "beyond-limit")
    assert message == (
        "of 511 routes on the PBX calls may never reach those beyond the 510th, since Asterisk gives up there: r511"
    )
    assert messages(planned(many, many), "beyond-limit") == [message]


def test_a_long_list_of_routes_after_the_510th_is_cut() -> None:
    many = [Route(f"r{n}", f"{1000 + n}", ("a",)) for n in range(1, 524)]
    (message,) = messages(planned(many, []), "beyond-limit")
    assert message.endswith(": r511, r512, r513, r514, r515, r516, r517, r518, r519, r520, and 3 more")


def test_unmanaged_routes_count_too_and_pruned_ones_do_not() -> None:
    theirs = [Route(f"r{n}", f"{1000 + n}", ("a",)) for n in range(1, 511)]
    (message,) = messages(planned([EMERGENCY], theirs), "beyond-limit")
    assert message.endswith(": emergency")
    assert messages(planned([EMERGENCY], theirs, PRUNE), "beyond-limit") == []


def test_copies_after_the_510th_for_a_moment_are_warned_of() -> None:
    for count, warned in ((504, []), (505, ["beyond-limit"])):
        others = [Route(f"r{n}", f"{1000 + n}", ("a",)) for n in range(count)]
        # Two more in the end, and two copies meanwhile.
        wanted = [*others, EMERGENCY, WORLD, replace(LOCAL, matchpattern="."), REST]
        held = [*others, replace(LOCAL, matchpattern="."), REST]
        for choices in (REORDER, replace(REORDER, impact=False)):
            plan = planned(wanted, held, choices)
            assert [change.action for change in plan.changes] == ["add", "add", "move", "move"]
            assert rules(plan) == warned
    assert messages(plan, "beyond-limit") == [
        "while routes are moved the PBX holds up to 511 routes, and calls may never reach those beyond the 510th, "
        "since Asterisk gives up there: for a moment some calls may not be routed; move fewer routes at a time, or "
        "apply when nobody calls"
    ]


# --- tests of the file --------------------------------------------------------------------------------------------


def test_tests_are_held_against_what_the_pbx_will_hold() -> None:
    plan = planned([EMERGENCY, LOCAL], [LOCAL], None, claim("911", "emergency"), claim("8", None))
    assert [verdict.passed for verdict in plan.tests or ()] == [True, True]
    assert plan.failed_tests == ()
    check_tested(plan)


def test_an_unmanaged_route_may_break_a_test_that_the_file_alone_keeps() -> None:
    theirs = Route("theirs", "X.", ("b",))
    claims = claim("911", "emergency", 7), claim("88", None, 8)
    plan = planned([EMERGENCY], [theirs], None, *claims)
    assert [verdict.claim.location.line for verdict in plan.failed_tests] == [7, 8]
    assert plan.failed_tests[0].counterexample == "911"
    assert planned([EMERGENCY], [theirs], PRUNE, *claims).failed_tests == ()


def test_a_new_route_below_a_broader_one_breaks_its_test() -> None:
    plan = planned([WORLD, REST], [REST], None, claim("_9011X.", "world"))
    assert len(plan.failed_tests) == 1


def test_a_skipped_update_may_break_a_test() -> None:
    test = Claim(Location("routes.yaml", 9, 5), "911", trunks=("c",))
    wanted, there = [replace(EMERGENCY, trunks=("c",))], [EMERGENCY]
    assert planned(wanted, there, None, test).failed_tests == ()
    assert len(planned(wanted, there, PlanChoices(add_only=True), test).failed_tests) == 1


def test_tests_are_held_also_where_nothing_changes_and_where_the_impact_is_not_wanted() -> None:
    for choices in (PlanChoices(), PlanChoices(impact=False)):
        plan = planned([EMERGENCY], [EMERGENCY], choices, claim("911", None))
        assert len(plan.failed_tests) == 1


def test_where_tests_are_not_wanted_it_is_said_that_they_were_not_run() -> None:
    plan = planned([EMERGENCY], [], PlanChoices(tests=False), claim("911", None))
    assert plan.tests is None
    check_tested(plan)
    assert "Tests: not run, because of --no-tests." in plan_text(plan)
    assert planned([EMERGENCY], [], PlanChoices(tests=False)).tests == ()


def test_a_plan_that_breaks_tests_is_refused_with_the_first_of_them_and_the_way_out() -> None:
    claims = [claim("911", "world", 7), claim("8", None, 8), claim("94445555", None, 12)]
    plan = planned([EMERGENCY, LOCAL], [], None, *claims)
    with pytest.raises(errors.TestsFailed) as refused:
        check_tested(plan)
    message = str(refused.value)
    assert message.startswith("routes.yaml: nothing was sent, since tests fail on what the PBX will hold: line 7: 911 ")
    assert message.endswith(
        " (and 1 more). Correct the routes or the tests; --reorder helps where a route is too low on the PBX, and "
        "--no-tests sends all the same"
    )
    with pytest.raises(errors.TestsFailed) as refused:
        check_tested(replace(plan, tests=plan.failed_tests[:1]))
    assert "more)" not in str(refused.value)


def test_routes_of_a_state_file_without_ids_are_foreseen_as_those_of_the_pbx() -> None:
    there = KnownState(None, tuple(KnownRoute(route) for route in (LOCAL, REST)), "hq.json")
    file = desired([WORLD, replace(LOCAL, trunks=("c",)), REST])
    plan = foreseen(differ.plan(file, there, PlanChoices()), file, there, PlanChoices())
    assert ways(plan) == [(("9NXXXXXX",), "local", "local")]
    assert rules(plan) == ["order"]


def test_the_sum_over_several_plans_names_those_whose_tests_fail() -> None:
    good, bad = planned([EMERGENCY], []), planned([EMERGENCY], [], None, claim("911", "world"))
    assert "Tests fail" not in totals([good, good])
    assert totals([good, bad]).endswith(" Tests fail: routes.yaml.\n")


def test_the_sum_over_several_plans_names_those_with_errors_and_does_not_count_them_as_done() -> None:
    idle, refused, failed = (
        planned([EMERGENCY], there) for there in ([EMERGENCY], [replace(EMERGENCY, name="911")], [EMERGENCY, EMERGENCY])
    )
    assert totals([idle, refused]) == (
        "2 PBXs: 0 to add, 0 to update, 0 to delete, 0 to move; 1 with nothing to do. With errors: routes.yaml.\n"
    )
    assert "; 0 with nothing to do. With errors: routes.yaml, routes.yaml." in totals([refused, failed])


def test_an_impact_that_was_not_worked_out_is_said_to_be_so() -> None:
    shown = plan_text(planned([EMERGENCY], [], PlanChoices(impact=False)))
    assert "  Which calls go elsewhere, and whether the order is right, was not worked out (--no-impact).\n" in shown
    assert "was not worked out" not in plan_text(planned([EMERGENCY], [EMERGENCY], PlanChoices(impact=False)))
