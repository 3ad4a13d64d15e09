"""Sets of callers, and who gets which route: by trying every caller that matters against plain first match."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pbxsync.dialplan.callers import EVERYBODY, Callers, CallerSpace, Taker, outcomes
from tests import naive_dialplan
from tests.dialplan_strategies import CALLERS, TIDY_CALLERIDS, callers_between, callers_of, shape

if TYPE_CHECKING:
    from pbxsync.dialplan.shape import Shape

IDS = st.lists(TIDY_CALLERIDS, max_size=3)


def of(match: list[str], but_not: list[str]) -> Callers:
    return Callers(tuple(map(shape, match)), tuple(map(shape, but_not)))


def texts(shapes: tuple[Shape, ...]) -> list[str]:
    return [one.text for one in shapes]


def held(callers: Callers) -> frozenset[str | None]:
    return callers_between(texts(callers.match), texts(callers.but_not))


@st.composite
def chains(draw: st.DrawFn) -> tuple[list[Taker], list[Taker]]:
    """Two lists of takers that have some in common; a taker asks the same of the caller in both."""
    pool = [Taker(key, shape(text)) for key, text in enumerate(draw(st.lists(TIDY_CALLERIDS, min_size=1, max_size=5)))]
    pool += [Taker(len(pool), None), Taker(len(pool) + 1, None)]
    some = st.lists(st.sampled_from(pool), max_size=5)
    return draw(some), draw(some)


def first(takers: list[Taker], caller: str | None) -> int | None:
    """The key of the first taker whose callers this one is among."""
    return next(
        (one.key for one in takers if one.callers is None or caller in callers_of(one.callers.text)),
        None,
    )


@given(IDS, IDS)
def test_a_set_holds_somebody_exactly_if_a_caller_is_matched_by_all_and_not_by_the_others(
    match: list[str], but_not: list[str]
) -> None:
    callers = of(match, but_not)
    assert CallerSpace().anybody(callers) is bool(held(callers))


@given(IDS, IDS)
def test_the_example_is_a_caller_of_the_set_and_has_no_id_only_where_no_pattern_is_to_match(
    match: list[str], but_not: list[str]
) -> None:
    callers = of(match, but_not)
    example = CallerSpace().example(callers)
    if not match or not held(callers):
        assert example is None
    else:
        assert example is not None
        assert all(naive_dialplan.takes(text, example) for text in match)
        assert not any(naive_dialplan.takes(text, example) for text in but_not)


@given(IDS, IDS)
def test_the_simplest_words_for_a_set_mean_the_same_callers(match: list[str], but_not: list[str]) -> None:
    callers = of(match, but_not)
    assume(held(callers))
    assert held(CallerSpace().simplest(callers)) == held(callers)


@pytest.mark.parametrize(
    ("match", "but_not", "simplest"),
    [
        ([], [], ([], [])),
        (["20X"], [], (["20X"], [])),
        (["20X", "X."], [], (["20X"], [])),
        (["X.", "20X", "!", "20X"], [], (["20X"], [])),
        (["20X"], ["30X"], (["20X"], [])),
        (["20X"], ["201", "301"], (["20X"], ["201"])),
        ([], ["201", "30X"], ([], ["201", "30X"])),
        (["[2-4]X", "X[2-4]"], [], (["X[2-4]", "[2-4]X"], [])),
    ],
)
def test_conditions_that_say_nothing_are_left_out(
    match: list[str], but_not: list[str], simplest: tuple[list[str], list[str]]
) -> None:
    found = CallerSpace().simplest(of(match, but_not))
    assert (texts(found.match), texts(found.but_not)) == simplest


def test_a_call_without_an_id_is_matched_by_no_pattern_and_refused_by_none() -> None:
    space = CallerSpace()
    assert space.anybody(Callers(but_not=(shape("!"),)))
    assert space.example(Callers(but_not=(shape("!"),))) is None
    assert space.example(Callers((shape("!"),))) is not None
    assert not space.anybody(Callers((shape("!"),), (shape("."),)))


def test_patterns_that_have_no_caller_in_common_match_nobody_whatever_comes_after_them() -> None:
    space = CallerSpace()
    for match in (["1", "2"], ["1", "2", "X"], ["1", "2", "3", "!"]):
        assert not space.anybody(of(match, []))
        assert space.example(of(match, [])) is None
        assert list(outcomes(space, [Taker(0, None)], [], of(match, []))) == []


@given(st.lists(TIDY_CALLERIDS, max_size=5), st.booleans())
def test_of_conditions_asked_one_after_the_other_some_come_to_a_caller_with_an_id(
    conditions: list[str], rest: bool
) -> None:
    takers = [Taker(key, shape(text)) for key, text in enumerate(conditions)]
    firsts = {first(takers, caller) for caller in CALLERS if caller is not None} - {None}
    asked = [*(one.callers for one in takers), *([None] if rest else [])]
    assert CallerSpace().asked(asked) == firsts


# --- who gets what --------------------------------------------------------------------------------------------------


@given(chains(), IDS, IDS)
def test_each_caller_gets_the_first_taker_of_each_list_and_is_told_of_once_at_most(
    two: tuple[list[Taker], list[Taker]], match: list[str], but_not: list[str]
) -> None:
    before, after = two
    asked = of(match, but_not)
    left = held(asked)
    for one, other, who in outcomes(CallerSpace(), before, after, asked):
        some = held(who)
        assert some
        assert some <= left
        assert {(first(before, caller), first(after, caller)) for caller in some} == {(one, other)}
        left -= some
    assert all(first(before, caller) == first(after, caller) is not None for caller in left)


@given(chains())
def test_with_one_list_every_caller_is_told_of_also_who_has_no_taker(two: tuple[list[Taker], list[Taker]]) -> None:
    takers, _ = two
    found = {caller: one for one, _, who in outcomes(CallerSpace(), takers, []) for caller in held(who)}
    assert found == {caller: first(takers, caller) for caller in CALLERS}


@given(chains())
def test_two_lists_that_are_the_same_tell_of_no_caller_with_different_takers(
    two: tuple[list[Taker], list[Taker]],
) -> None:
    takers, _ = two
    assert all(one == other for one, other, _ in outcomes(CallerSpace(), takers, takers))


def test_lists_for_many_callers_that_differ_in_one_are_told_apart_there_alone() -> None:
    takers = [Taker(number, shape(str(2000 + number))) for number in range(300)]
    found = list(outcomes(CallerSpace(), takers, [*takers[:150], *takers[151:]]))
    changed = [(one, other, texts(who.match)) for one, other, who in found if one != other]
    assert changed == [(150, None, ["2150"])]


def test_everybody_is_asked_where_nobody_else_is_named() -> None:
    (found,) = outcomes(CallerSpace(), [Taker(7, None)], [])
    assert found == (7, None, EVERYBODY)
