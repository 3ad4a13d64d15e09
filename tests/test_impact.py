"""What a change of routes does to calls: by trying every number and caller that matters, and on examples."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbxsync.dialplan.impact import impact
from pbxsync.model import CallExample, CallPath, Impact, NumberWords, Route
from tests import naive_dialplan
from tests.dialplan_strategies import (
    CALLERS,
    NUMBERS,
    callers_between,
    changes,
    numbers_of_all,
    routes,
    tables,
    winners,
)
from tests.share import examples
from tests.strategies import TRUNKS, calls_near, odd_routes

Table: TypeAlias = list[Route]
Paths: TypeAlias = tuple[CallPath | None, CallPath | None]

ALL = Route("all", "X.", ("sip",))
EMERGENCY = Route("emergency", "911", ("line",))


def path(table: Table, index: int | None) -> CallPath | None:
    """The path that calls take by the route with this index."""
    if index is None:
        return None
    route = table[index]
    return CallPath(route.name, route.trunks, route.prepend, len(re.sub(r"\[[^]]*\]", "?", route.prefix)))


def notice(table: Table, index: int | None, number: str) -> tuple[tuple[str, ...], str] | None:
    """What caller and trunk notice of a call: the trunks and the digits; None is no route."""
    return (table[index].trunks, naive_dialplan.sent(table[index], number)) if index is not None else None


def expected(before: Table, after: Table) -> dict[tuple[str, str | None], Paths]:
    """The calls that go elsewhere, with both paths."""
    old, new = winners(before), winners(after)
    calls: dict[tuple[str, str | None], Paths] = {}
    for number in NUMBERS:
        was, now = ({*by_caller.values()} for by_caller in (old[number], new[number]))
        elsewhere = {
            (one, other): (path(before, one), path(after, other))
            for one in was
            for other in now
            if notice(before, one, number) != notice(after, other, number)
        }
        if elsewhere:
            pairs = ((caller, (old[number][caller], new[number][caller])) for caller in CALLERS)
            calls |= {(number, caller): elsewhere[pair] for caller, pair in pairs if pair in elsewhere}
    return calls


def calls(entry: Impact) -> set[tuple[str, str | None]]:
    callers = callers_between(entry.match, entry.but_not)
    return {(number, caller) for number in numbers_of_all(entry.numbers) for caller in callers}


def told(entries: tuple[Impact, ...]) -> dict[tuple[str, str | None], Paths]:
    """The calls of some entries, with both paths; no two entries may have a call in common."""
    found: dict[tuple[str, str | None], Paths] = {}
    for entry in entries:
        new = dict.fromkeys(calls(entry), (entry.before, entry.after))
        assert not found.keys() & new.keys()
        found |= new
    return found


def takes(entry: Impact, number: str, caller: str | None) -> bool:
    """Whether an entry speaks of the call, by what its patterns mean."""
    return (
        any(naive_dialplan.takes(text, number) for text in entry.numbers)
        and all(caller is not None and naive_dialplan.takes(text, caller) for text in entry.match)
        and not any(caller is not None and naive_dialplan.takes(text, caller) for text in entry.but_not)
    )


# --- every call -----------------------------------------------------------------------------------------------------


@settings(max_examples=examples(150))
@given(changes())
def test_a_call_is_in_one_entry_with_its_paths_exactly_if_its_trunks_or_digits_change(
    change: tuple[Table, Table],
) -> None:
    before, after = change
    assert told(impact(before, after)) == expected(before, after)


@given(changes())
def test_the_example_of_an_entry_is_a_call_of_it_with_the_digits_sent_for_it(change: tuple[Table, Table]) -> None:
    before, after = change
    for entry in impact(before, after):
        example = entry.example
        assert takes(entry, example.dial, example.callerid)
        for table, sends, trunks in (
            (before, example.sends_before, entry.before and entry.before.trunks),
            (after, example.sends_after, entry.after and entry.after.trunks),
        ):
            index = naive_dialplan.winner(table, example.dial, example.callerid)
            assert (sends, trunks) == (
                (naive_dialplan.sent(table[index], example.dial), table[index].trunks)
                if index is not None
                else (None, None)
            )
        assert (example.callerid is None) is (not entry.match)


@given(changes())
def test_the_words_of_an_entry_mean_its_numbers(change: tuple[Table, Table]) -> None:
    for entry in impact(*change):
        words = entry.words
        assert numbers_of_all(words.patterns) - numbers_of_all(words.but_not) == numbers_of_all(entry.numbers)
        assert words == NumberWords(entry.numbers) or len(words.patterns) == 1


@given(changes())
def test_the_change_back_has_the_same_calls_the_other_way_round(change: tuple[Table, Table]) -> None:
    before, after = change
    back = {call: (was, now) for call, (now, was) in told(impact(after, before)).items()}
    assert told(impact(before, after)) == back


@st.composite
def real_changes(draw: st.DrawFn) -> tuple[Table, Table, list[tuple[str, str | None]]]:
    """Two tables of whatever patterns, with calls that one of their routes may well take."""
    pool = draw(st.lists(odd_routes(), min_size=1, max_size=6))
    some = st.lists(st.sampled_from(pool), max_size=6)
    before, after = draw(some), draw(some)
    after = [replace(one, trunks=draw(TRUNKS)) if draw(st.booleans()) else one for one in after]
    near = [draw(calls_near(pool)) for _ in range(10)]
    dialled = ["".join(sign for sign in number if sign in "0123456789*#+")[:79] or "1" for number, _ in near]
    callers = ["".join(sign for sign in id_ or "" if sign in "0123456789*#+")[:79] or None for _, id_ in near]
    return before, after, list(zip(dialled, callers, strict=True))


@settings(max_examples=examples(200))
@given(real_changes())
def test_calls_to_whatever_patterns_are_in_one_entry_exactly_if_their_trunks_or_digits_change(
    change: tuple[Table, Table, list[tuple[str, str | None]]],
) -> None:
    before, after, some = change
    entries = impact(before, after)
    for number, caller in some:
        was, now = (naive_dialplan.winner(table, number, caller) for table in (before, after))
        elsewhere = notice(before, was, number) != notice(after, now, number)
        assert [(one.before, one.after) for one in entries if takes(one, number, caller)] == (
            [(path(before, was), path(after, now))] if elsewhere else []
        )


# --- what has none --------------------------------------------------------------------------------------------------


@given(tables())
def test_no_change_has_no_impact(table: Table) -> None:
    assert impact(table, table) == ()
    assert impact(table, [*table, *table]) == ()


@given(tables(), st.sampled_from("xyz"))
def test_a_rename_has_no_impact(table: Table, name: str) -> None:
    assert impact(table, [replace(route, name=name) for route in table]) == ()


@given(tables(), routes())
def test_a_route_below_one_that_takes_every_call_has_no_impact(table: Table, route: Route) -> None:
    above = [*table, Route("every", "!", ("t",))]
    assert impact(above, [*above, route]) == ()


@given(st.permutations(["1X", "2.", "30", "31!", "*X", "[4-6]", "[7-9]X.", "0"]))
def test_a_reorder_of_routes_that_have_no_number_in_common_has_no_impact(order: list[str]) -> None:
    table = [Route(text, text, (text,)) for text in sorted(order)]
    assert impact(table, [Route(text, text, (text,)) for text in order]) == ()


@given(st.permutations(["1X", "2X", "31X", "3[02-9]X"]))
def test_a_reorder_of_routes_that_have_no_caller_in_common_has_no_impact(order: list[str]) -> None:
    table = [Route(text, "X.", (text,), callerid=text) for text in sorted(order)]
    assert impact(table, [Route(text, "X.", (text,), callerid=text) for text in order]) == ()


def test_to_strip_what_is_prepended_again_has_no_impact() -> None:
    plain = Route("a", "16X.", ("t",))
    assert impact([plain], [Route("a", "X.", ("t",), prefix="16", prepend="16")]) == ()
    assert impact([plain], [Route("a", "6X.", ("t",), prefix="1", prepend="1")]) == ()
    assert impact([plain], [Route("a", "16X.", ("t",), callerid="")]) == ()
    assert impact([plain], [Route("a", "X.", ("t",), prefix="16", prepend="61")]) != ()
    broad = Route("b", "XX.", ("t",))
    (entry,) = impact([broad], [Route("b", ".", ("t",), prefix="XX", prepend="16")])
    assert entry.numbers == ("[02-9]X.", "1[0-57-9].")


def test_a_pattern_written_otherwise_has_no_impact() -> None:
    one = Route("a", "NX-XX", ("t",), callerid="(20) X")
    other = Route("b", "[2-9][0-9]x[5-90-4]", ("t",), callerid="20[0-9]")
    assert impact([one], [other]) == ()


def test_empty_tables_have_no_impact_and_a_first_route_has_all_its_calls() -> None:
    assert impact([], []) == ()
    (entry,) = impact([], [EMERGENCY])
    assert entry == Impact(
        numbers=("911",),
        match=(),
        but_not=(),
        before=None,
        after=CallPath("emergency", ("line",), "", 0),
        example=CallExample("911", None, None, "911"),
        words=NumberWords(("911",)),
    )


# --- entries on examples --------------------------------------------------------------------------------------------


def shown(before: Table, after: Table) -> list[tuple[str | None, str | None, tuple[str, ...]]]:
    """The entries as who took the calls, who takes them, and to which numbers."""
    return [
        (one.before.route if one.before else None, one.after.route if one.after else None, one.numbers)
        for one in impact(before, after)
    ]


def test_a_catch_all_put_above_takes_the_calls_of_what_is_below_it() -> None:
    assert shown([EMERGENCY, ALL], [ALL, EMERGENCY]) == [("emergency", "all", ("911",))]


def test_what_a_deleted_route_took_goes_to_the_next_that_takes_it_or_nowhere() -> None:
    local = Route("local", "[02-9]XX", ("line",))
    rest = Route("rest", "NXX", ("sip",))
    assert shown([local, rest], [rest]) == [("local", "rest", ("NXX",)), ("local", None, ("0XX",))]


def test_entries_come_in_the_order_of_the_routes_that_took_the_calls_and_then_of_those_that_take_them() -> None:
    before = [Route("one", "1X", ("t",)), Route("two", "2X", ("t",))]
    after = [Route("new", "32", ("t",)), Route("both", "[12]2", ("u",)), Route("other", "X5", ("v",))]
    assert [(was, now) for was, now, _ in shown(before, after)] == [
        ("one", "both"),
        ("one", "other"),
        ("one", None),
        ("two", "both"),
        ("two", "other"),
        ("two", None),
        (None, "new"),
        (None, "other"),
    ]


def test_the_order_of_trunks_is_a_change_and_so_is_each_of_them() -> None:
    two = replace(ALL, trunks=("a", "b"))
    assert shown([two], [replace(ALL, trunks=("b", "a"))]) == [("all", "all", ("X.",))]
    assert shown([two], [replace(ALL, trunks=("a",))]) == [("all", "all", ("X.",))]


def test_digits_that_change_are_shown_on_an_example() -> None:
    (entry,) = impact(
        [Route("out", "NXX", ("t",), prefix="9")], [Route("out", "NXX", ("t",), prefix="9", prepend="+1")]
    )
    assert entry.example == CallExample("9345", None, "345", "+1345")
    assert (entry.before, entry.after) == (CallPath("out", ("t",), "", 1), CallPath("out", ("t",), "+1", 1))


def test_a_route_for_some_callers_is_told_of_with_them_and_a_call_without_an_id_is_not_theirs() -> None:
    sales = Route("sales", "X.", ("gsm",), callerid="20X")
    (entry,) = impact([ALL], [sales, ALL])
    assert (entry.match, entry.but_not) == (("20X",), ())
    assert entry.example == CallExample("23456789234", "204", "23456789234", "23456789234")
    (left,) = impact([sales], [])
    assert (left.match, left.but_not) == (("20X",), ())
    (others,) = impact([sales, ALL], [sales])
    assert (others.match, others.but_not) == ((), ("20X",))
    assert others.example.callerid is None


def test_callers_of_overlapping_patterns_are_told_apart() -> None:
    before = [Route("a", "911", ("a",), callerid="2[0-5]X"), ALL]
    after = [Route("b", "911", ("b",), callerid="20X"), *before]
    assert [(one.match, one.but_not) for one in impact(before, after)] == [(("20X",), ())]
    assert [(one.match, one.but_not) for one in impact(before[:1], [])] == [(("2[0-5]X",), ())]
    assert [(one.match, one.but_not) for one in impact(after, after[1:])] == [(("20X",), ())]
    rest = impact(before, before[:1])
    assert [(one.numbers, one.match, one.but_not) for one in rest if one.numbers == ("911",)] == [
        (("911",), (), ("2[0-5]X",))
    ]


def test_every_caller_with_an_id_is_not_every_call() -> None:
    (entry,) = impact([EMERGENCY], [replace(EMERGENCY, callerid="!")])
    assert (entry.match, entry.but_not, entry.example.callerid, entry.after) == ((), (".",), None, None)


@pytest.mark.parametrize("callerid", ["X.", ".", "20X"])
def test_entries_of_one_number_differ_in_the_callers(callerid: str) -> None:
    before = [Route("some", "911", ("a",), callerid=callerid), Route("rest", "911", ("b",))]
    entries = impact(before, [])
    assert [(one.before.route if one.before else None, one.match, one.but_not) for one in entries] == [
        ("some", (callerid,), ()),
        ("rest", (), (callerid,)),
    ]


def test_numbers_are_told_in_words_as_one_pattern_but_not_others_where_that_is_shorter() -> None:
    table = [Route(text, text, ("line",)) for text in ("911", "112", "0.", "NXXXXXX")]
    (entry,) = impact([*table, ALL], [*table, replace(ALL, trunks=("other",))])
    assert entry.words == NumberWords(("X.",), ("0.", "112", "911", "NXXXXXX"))
    assert len(entry.numbers) > 5


@pytest.mark.parametrize("digits", [2, 3])
def test_so_they_are_also_below_very_many_routes_and_mean_the_same(digits: int) -> None:
    tens = 10 ** (digits - 1)
    above = [Route(str(number), f"{number}X", ("line",)) for number in range(tens, 9 * tens)]
    (entry,) = impact([*above, ALL], [*above, replace(ALL, trunks=("other",))])
    for number in range(0, 100 * tens, 7):
        dialled = f"{number:0{digits + 1}}"
        said = not 10 * tens <= number < 90 * tens
        assert any(naive_dialplan.takes(text, dialled) for text in entry.numbers) is said
        in_words = any(naive_dialplan.takes(text, dialled) for text in entry.words.patterns)
        assert (in_words and not any(naive_dialplan.takes(text, dialled) for text in entry.words.but_not)) is said


def test_numbers_that_some_callers_routes_take_are_told_as_they_are_for_the_other_callers() -> None:
    texts = ("NXXNXXXXXX", "1NXXNXXXXXX", "011.", "911", "555XXXX")
    above = [Route(text, text, ("line",), callerid="20X") for text in texts]
    entries = impact([*above, ALL], [*above, replace(ALL, trunks=("other",))])
    (entry,) = (one for one in entries if one.but_not)
    assert sorted(entry.numbers) == sorted(texts)
    assert entry.words == NumberWords(entry.numbers)


def test_numbers_are_told_as_they_are_where_that_is_no_longer() -> None:
    (entry,) = impact([EMERGENCY, Route("rest", "9X1", ("sip",))], [EMERGENCY])
    assert entry.words == NumberWords(entry.numbers) == NumberWords(("9[02-9]1",))


def test_a_table_with_hundreds_of_changes_is_still_told_of_exactly() -> None:
    table = [Route(str(number), str(number), (f"t{number % 3}",)) for number in range(100, 350)]
    before, after = [*table, Route("rest", "XXX", ("t0",))], [Route("rest", "XXX", ("t0",)), *table]
    entries = impact(before, after)
    assert {number for one in entries for number in one.numbers} == {
        route.matchpattern for route in table if route.trunks != ("t0",)
    }
    (removed,) = impact(before, before[:-1])
    assert sum(naive_dialplan.takes(text, f"{n:03}") for text in removed.numbers for n in range(1000)) == 750


def test_calls_to_numbers_of_79_signs_are_told_of_exactly() -> None:
    before = [Route("a", "X" * 79, ("t",)), Route("b", "X" * 78 + ".", ("u",))]
    assert shown(before, before[1:]) == [("a", "b", ("X" * 79,))]
    assert shown(before, before[:1]) == [("b", None, ("X" * 78 + "[*#+]",))]
    assert impact(before, [*before, Route("c", "X" * 80, ("t",)), Route("d", "X" * 79 + ".", ("t",))]) == ()


# --- always the same ------------------------------------------------------------------------------------------------

PROGRAM = """
import random
from pbxsync.dialplan.impact import impact
from pbxsync.model import Route
pick = random.Random(20)
def route(number):
    places = "".join(pick.choice(["0", "1", "5", "X", "N", "Z", "[2-5]", "[*#]"]) for _ in range(pick.randint(1, 5)))
    callerid = pick.choice(["", "", "20X", "2[0-5]X", "X.", "!", "201", "1X"])
    return Route(f"r{number}", places + pick.choice(["", ".", "!"]), (pick.choice("tuv"),), callerid=callerid)
before = [route(number) for number in range(40)]
after = pick.sample(before, 30) + [route(number) for number in range(40, 50)]
pick.shuffle(after)
entries = impact(before, after)
assert len(entries) > 20, len(entries)
print(repr(entries))
"""


def test_the_same_change_is_told_in_the_same_words_whatever_the_seed_of_hashes() -> None:
    runs = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env=os.environ | {"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("0", "1", "2", "77")
    ]
    assert len(set(runs)) == 1
