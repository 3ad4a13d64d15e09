"""The impact of a plan as text: each kind of line, what is grouped, what comes first, what is cut, hostile names."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxsync.model import CallExample, CallPath, Impact, NumberWords
from pbxsync.render.impact import impact_lines
from pbxsync.render.paint import Paint

A = CallPath("by-a", ("a",), "", 0)
B = CallPath("by-b", ("b",), "", 0)
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=6)
PATHS = st.builds(CallPath, ANY_TEXT, st.lists(ANY_TEXT, max_size=2).map(tuple), ANY_TEXT, st.integers(0, 3))
TEXTS = st.lists(ANY_TEXT, max_size=2).map(tuple)
ENTRIES = st.builds(
    Impact,
    numbers=TEXTS,
    match=TEXTS,
    but_not=TEXTS,
    before=st.none() | PATHS,
    after=st.none() | PATHS,
    example=st.builds(
        CallExample, ANY_TEXT, st.none() | ANY_TEXT, sends_before=st.none() | ANY_TEXT, sends_after=st.none() | ANY_TEXT
    ),
    words=st.builds(NumberWords, TEXTS, TEXTS),
)


def entry(
    before: CallPath | None, after: CallPath | None, *patterns: str, dial: str = "95", callerid: str | None = None
) -> Impact:
    """An entry of these patterns, with an example and what each path makes of it."""
    sends = [path.prepend + dial[path.strip :] if path is not None else None for path in (before, after)]
    example = CallExample(dial, callerid, sends[0], sends[1])
    numbers = patterns or ("9X.",)
    return Impact(numbers, (), (), before, after, example, NumberWords(numbers))


def line(*impact: Impact, paint: Paint | None = None) -> str:
    """The one line that these entries come to."""
    head, *lines = impact_lines(impact, paint or Paint())
    assert head == "  Calls that go elsewhere:"
    only, *hint = lines
    assert hint in ([], ["    (--format json shows all patterns)"])
    assert only.startswith("    ")
    return only[4:]


def test_no_impact_is_said_so() -> None:
    assert impact_lines([]) == ["  No call changes."]


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (A, B, "9X. now goes to b (was a), e.g. 95"),
        (A, replace(A, trunks=("a", "b")), "9X. now goes to [a, b] (was a), e.g. 95"),
        (replace(A, trunks=("b", "a")), replace(A, trunks=("a", "b")), "9X. now goes to [a, b] (was [b, a]), e.g. 95"),
        (A, replace(B, strip=1, prepend="00"), "9X. now goes to b (was a), e.g. 95, sent as 005 (was 95)"),
        (A, replace(A, strip=1), "9X. still goes to a, with other digits, e.g. 95, sent as 5 (was 95)"),
        (A, replace(A, strip=2), "9X. still goes to a, with other digits, e.g. 95, sent as nothing (was 95)"),
        (replace(A, strip=2), A, "9X. still goes to a, with other digits, e.g. 95, sent as 95 (was nothing)"),
        (A, None, "9X. is no longer routed (went to a), e.g. 95"),
        (replace(A, strip=1), None, "9X. is no longer routed (went to a), e.g. 95"),
        (None, A, "9X. is now routed, to a, e.g. 95"),
        (None, replace(A, prepend="0"), "9X. is now routed, to a, e.g. 95, sent as 095"),
        (None, replace(A, strip=2), "9X. is now routed, to a, e.g. 95, sent as nothing"),
        (A, replace(A, trunks=()), "9X. now goes to no trunk (was a), e.g. 95"),
    ],
)
def test_each_kind_of_change_has_words_of_its_own(before: CallPath | None, after: CallPath | None, shown: str) -> None:
    assert line(entry(before, after)) == shown


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (A, B, "8X., 9X. now go to b (was a), e.g. 95"),
        (A, replace(A, strip=1), "8X., 9X. still go to a, with other digits, e.g. 95, sent as 5 (was 95)"),
        (A, None, "8X., 9X. are no longer routed (went to a), e.g. 95"),
        (None, A, "8X., 9X. are now routed, to a, e.g. 95"),
    ],
)
def test_several_patterns_are_spoken_of_in_the_plural(
    before: CallPath | None, after: CallPath | None, shown: str
) -> None:
    assert line(entry(before, after, "8X.", "9X.")) == shown


def test_a_single_number_is_its_own_example() -> None:
    assert line(entry(A, B, "911", dial="911")) == "911 now goes to b (was a)"
    assert line(entry(A, replace(A, strip=1), "911", dial="911")) == (
        "911 still goes to a, with other digits, sent as 11 (was 911)"
    )
    assert line(replace(entry(A, B, "911", dial="911", callerid="201"), match=("20X",))) == (
        "911 from 20X now goes to b (was a), e.g. 911 from 201"
    )


@pytest.mark.parametrize(
    ("match", "but_not", "callerid", "who"),
    [
        (("20X",), (), "205", " from 20X"),
        (("20X",), ("201", "202"), "205", " from 20X but not 201, 202"),
        (("X.", "!1"), (), "11", " from X. and !1"),
        ((), ("20X", "30X"), None, " from callers other than 20X, 30X"),
        ((), (), None, ""),
    ],
)
def test_the_callers_stand_behind_the_numbers_and_one_of_them_in_the_example(
    match: tuple[str, ...], but_not: tuple[str, ...], callerid: str | None, who: str
) -> None:
    shown = line(replace(entry(A, B, callerid=callerid), match=match, but_not=but_not))
    example = f" from {callerid}" if callerid else ""
    assert shown == f"9X.{who} now goes to b (was a), e.g. 95{example}"


def test_numbers_that_are_left_out_stand_in_brackets_and_one_pattern_with_some_left_out_is_still_one() -> None:
    some = replace(entry(A, B), numbers=("9[0-8].", "99"), words=NumberWords(("9X.",), ("99X.", "911")))
    assert line(some) == "9X. (but not 99X., 911) now goes to b (was a), e.g. 95"


def test_entries_of_which_the_same_is_noticed_share_a_line_whatever_their_routes_are_called() -> None:
    shown = line(
        entry(A, B, "1X", dial="15"),
        entry(replace(A, route="other"), B, "2X", "3X", dial="25"),
        entry(A, replace(B, route="other"), "4X", dial="45"),
    )
    assert shown == "1X, 2X, 3X, 4X now go to b (was a), e.g. 15"


def test_in_a_shared_line_what_is_left_out_stands_behind_the_pattern_that_it_is_left_out_of() -> None:
    shown = line(replace(entry(A, B), words=NumberWords(("9X.",), ("911",))), entry(A, B, "8X", dial="85"))
    assert shown == "8X, 9X. (but not 911) now go to b (was a), e.g. 95"


def test_what_differs_to_a_caller_or_a_trunk_has_a_line_of_its_own() -> None:
    impact = [
        entry(A, B, "1X"),
        entry(A, replace(B, prepend="0"), "2X"),
        entry(A, replace(B, strip=1), "3X"),
        entry(replace(A, trunks=("a", "b")), B, "4X"),
        replace(entry(A, B, "5X", callerid="20"), match=("20",)),
        replace(entry(A, B, "6X"), but_not=("20",)),
        entry(A, None, "7X"),
        entry(None, B, "8X"),
    ]
    assert len(impact_lines(impact)) == 1 + len(impact)


def test_calls_that_are_no_longer_routed_come_first_and_newly_routed_ones_last_else_the_order_stays() -> None:
    impact = [
        entry(None, A, "1X"),
        entry(A, B, "2X"),
        entry(B, A, "3X"),
        entry(None, B, "4X"),
        entry(B, None, "5X"),
        entry(A, None, "6X"),
    ]
    shown = [one.split()[0] for one in impact_lines(impact)[1:]]
    assert shown == ["5X", "6X", "2X", "3X", "1X", "4X"]


def test_20_lines_are_shown_and_of_more_how_many_more_there_are() -> None:
    impact = [entry(A, replace(B, trunks=(f"t{n}",)), f"{n}X") for n in range(1, 24)]
    assert len(impact_lines(impact[:20])) == 21
    assert impact_lines(impact[:20])[-1] == "    20X now goes to t20 (was a), e.g. 95"
    assert impact_lines(impact[:21])[-1] == "    … and 1 more; --format json shows all sets of calls"
    assert impact_lines(impact)[20:] == [
        "    20X now goes to t20 (was a), e.g. 95",
        "    … and 3 more; --format json shows all sets of calls",
    ]


def test_what_is_cut_is_what_weighs_least() -> None:
    newly = [entry(None, replace(B, trunks=(f"t{n}",)), f"{n}X") for n in range(30)]
    shown = impact_lines([*newly, entry(A, None, "911", dial="911")])
    assert shown[1] == "    911 is no longer routed (went to a)"
    assert len(shown) == 22


def test_8_patterns_of_a_line_are_shown_and_of_more_how_many_more_there_are() -> None:
    patterns = [f"{n}XX" for n in range(1, 12)]
    assert line(entry(A, B, *patterns[:8])).startswith("1XX, 2XX, 3XX, 4XX, 5XX, 6XX, 7XX, 8XX now go to b")
    assert line(entry(A, B, *patterns)).startswith("1XX, 2XX, 3XX, 4XX, 5XX, 6XX, 7XX, 8XX, and 3 more now go to b")
    shared = line(*(entry(A, B, pattern) for pattern in patterns))
    assert shared.startswith("1XX, 2XX, 3XX, 4XX, 5XX, 6XX, 7XX, 8XX, and 3 more now go to b")
    without = line(replace(entry(A, B), words=NumberWords(("X.",), tuple(patterns))))
    assert without.startswith("X. (but not 1XX, 2XX, 3XX, 4XX, 5XX, 6XX, 7XX, 8XX, and 3 more) now goes to b")
    callers = line(replace(entry(A, B), but_not=tuple(patterns)))
    assert "from callers other than 1XX, 2XX, 3XX, 4XX, 5XX, 6XX, 7XX, 8XX, and 3 more now goes to b" in callers


def test_where_patterns_are_left_out_of_a_line_it_is_said_where_they_are() -> None:
    patterns = tuple(f"{n}XX" for n in range(1, 10))
    hint = "    (--format json shows all patterns)"
    assert hint not in impact_lines([entry(A, B, *patterns[:8])])
    assert impact_lines([entry(A, B, *patterns)])[-1] == hint
    assert impact_lines([replace(entry(A, B), words=NumberWords(("X.",), patterns))])[-1] == hint
    assert impact_lines([replace(entry(A, B), but_not=patterns)])[-1] == hint


def test_hostile_names_of_trunks_and_odd_prepends_come_out_printable() -> None:
    hostile = CallPath("r", ("\x1b[2J", "b\nc"), "\x9b31m", 0)
    shown = line(entry(A, hostile), paint=Paint())
    assert shown == r"9X. now goes to [\x1b[2J, b\nc] (was a), e.g. 95, sent as \x9b31m95 (was 95)"
    assert line(entry(hostile, None)) == r"9X. is no longer routed (went to [\x1b[2J, b\nc]), e.g. 95"


@given(st.lists(ENTRIES, max_size=4), st.booleans())
def test_no_text_that_a_pbx_holds_breaks_a_line_or_acts_on_a_terminal(impact: list[Impact], colour: bool) -> None:
    for shown in impact_lines(impact, Paint(colour)):
        bare = re.sub(r"\x1b\[[0-9;]*m", "", shown) if colour else shown
        assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in bare)


def test_on_a_terminal_the_numbers_stand_out_and_what_is_grave_is_red() -> None:
    assert line(entry(A, None), paint=Paint(on=True)) == (
        "\x1b[1m9X.\x1b[0m \x1b[31mis no longer routed\x1b[0m (went to a), e.g. 95"
    )
    assert line(entry(None, A), paint=Paint(on=True)) == (
        "\x1b[1m9X.\x1b[0m \x1b[32mis now routed\x1b[0m, to a, e.g. 95"
    )
    assert "\x1b[33mb\x1b[0m" in line(entry(A, B), paint=Paint(on=True))
    assert "\x1b[33mwith other digits\x1b[0m" in line(entry(A, replace(A, strip=1)), paint=Paint(on=True))
