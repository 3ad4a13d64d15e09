"""Names of one file that are equal or may be, found by keys, held against pairs; and names that firmware may change."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pbxsync.equal_names import may_be_equal, surely_equal_key
from pbxsync.model import Severity
from pbxsync.name_clashes import (
    Clash,
    Likeness,
    is_odd,
    name_clashes,
    name_fault,
    odd_name,
    odd_trunk,
    rename_clashes,
    rename_fault,
)

NAMES = st.sampled_from(
    [
        *("a", "A", "á", "a ", "a  b", "a b", "A\u00a0b", "ß", "ss", "s", "SS", "ü", "u", "y", "ı", "i"),
        *("x" * 40, "x" * 41, "x" * 45, "é" * 20, "é" * 21, "🔥", "🎉", "fire 🔥", "fire"),
        *("R&D", "R&amp;D", "", "\n", "b", "to16", "to17"),
    ]
)


def likeness(one: str, other: str) -> Likeness | None:
    if one == other:
        return Likeness.SAME
    if surely_equal_key(one) == surely_equal_key(other):
        return Likeness.EQUAL
    return Likeness.SIMILAR if may_be_equal(one, other) else None


def most_like(name: str, others: dict[int, str]) -> tuple[int, Likeness] | None:
    """The first of the names that are most like this one, pair by pair."""
    found = [(kind.value, n) for n, other in others.items() if (kind := likeness(name, other)) is not None]
    return (min(found)[1], Likeness(min(found)[0])) if found else None


@given(st.lists(st.none() | NAMES, max_size=12))
@example([None, None])
@example(["a b", "a  b"])
@example(["a", "a "])
@example(["x" * 41, "x" * 42])
@example(["a", "a\nb"])
def test_each_name_is_held_against_those_before_it(names: list[str | None]) -> None:
    expected = []
    for n, name in enumerate(names):
        before = {m: other for m, other in enumerate(names[:n]) if other is not None}
        found = most_like(name, before) if name is not None else None
        if name is not None and found is not None:
            expected.append(Clash(n, *found, name, before[found[0]]))
    assert list(name_clashes(names)) == expected


@given(st.lists(st.tuples(st.none() | NAMES, st.none() | NAMES), max_size=8))
def test_each_former_name_is_held_against_all_names_and_the_former_ones_before_it(
    routes: list[tuple[str | None, str | None]],
) -> None:
    declared = {n: name for n, (name, _) in enumerate(routes) if name is not None}
    taken: dict[int, str] = {}
    expected = []
    for n, (_, old) in enumerate(routes):
        if old is None:
            continue
        # A route may have the name of another case, but not the same, before it is renamed.
        others = {m: name for m, name in declared.items() if m != n or name == old}
        found = [(most_like(old, others), others, False), (most_like(old, taken), taken, True)]
        clashes = [Clash(n, *one, old, names[one[0]], former) for one, names, former in found if one is not None]
        if clashes:
            expected.append(min(clashes, key=lambda clash: clash.likeness.value))
        if all(clash.likeness is Likeness.SIMILAR for clash in clashes):
            taken[n] = old
    assert list(rename_clashes([name for name, _ in routes], [old for _, old in routes])) == expected


def test_ten_thousand_names_that_share_a_key_are_found_each_once() -> None:
    names = [f"{'x' * 40}{n}" for n in range(10_000)]
    found = list(name_clashes(names))
    assert len(found) == 9_999
    assert {clash.other for clash in found} == {0}
    assert len(list(rename_clashes(["a"] * 10_000, names))) == 9_999


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        ("FAX", "fax", ": they differ in case alone"),
        ("Munchen", "München", ": they differ in accents alone"),
        ("MUNCHEN", "München", ": they differ in case and accents alone"),
        ("ｆａｘ", "fax", ": they differ in width alone"),
        ("a  b", "a b", ": they differ in spaces alone"),
        ("a\u200bb", "ab", ": they differ in invisible characters alone"),
        ("x" * 41, "x" * 42, ": they differ in what follows the 40th character alone"),
        ("ÄB\u200b C", "ab  c", ": they differ in case, accents, spaces and invisible characters alone"),
        ("Bu\u0308ro", "Büro", ": they differ in how their accents are stored alone"),
        ("Straße", "STRASSE", ", if it reads ß as ss or s"),
        ("Müller", "Myller", ", if it reads ü as y"),
        ("Kadıköy", "Kadikoy", ", if it reads ı as i"),
        ("R&D", "R&#38;D", ", if it stores names with HTML entities"),
        ("🔥", "🎉", ", if it takes all emoji for one, or ends a name at the first"),
        ("é" * 21, "é" * 22, ", if it keeps 40 bytes of a name"),
        ("ß 🔥", "ss 🎉", ", if it reads ß as ss or s and takes all emoji for one, or ends a name at the first"),
    ],
)
def test_what_makes_two_names_equal_is_said(one: str, other: str, why: str) -> None:
    (clash,) = name_clashes([other, one])
    rule, message, severity = name_fault(clash, "in line 3")
    assert f" in line 3{why}; choose names that differ in more" in message
    sure = why.startswith(":")
    assert (rule, severity) == (("equal-name", Severity.ERROR) if sure else ("similar-name", Severity.WARNING))
    (renamed,) = rename_clashes([other, "new"], [None, one])
    rule, message, severity = rename_fault(renamed, "in line 3")
    assert why in message
    assert (rule, severity) == (("rename-clash", Severity.ERROR) if sure else ("similar-name", Severity.WARNING))


# --- names by themselves --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("x" * 40, []),
        ("x" * 41, ["long-name"]),
        ("é" * 20, []),
        ("é" * 21, ["long-name"]),
        ("é" * 41, ["long-name"]),
        ("to16 (Zürich) 50%", []),
        *((f"a{sign}b", ["stored-otherwise"]) for sign in "&<>\"'\\"),
        ("&" * 41, ["long-name", "stored-otherwise"]),
        ("\ud800", []),
    ],
)
def test_what_firmware_may_do_to_a_name_is_said(name: str, rules: list[str]) -> None:
    assert [rule for rule, _ in odd_name(name)] == rules
    assert is_odd(name) is bool(rules)
    fault = odd_trunk(name)
    assert (fault is not None) is ("stored-otherwise" in rules)
