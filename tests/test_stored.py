"""What a PBX makes of a route when it stores it: recognised, and never added or deleted by any later run."""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxsync.differ import plan
from pbxsync.known_state import with_changes
from pbxsync.model import Action, Change, Desired, KnownRoute, KnownState, PlanChoices, Route
from pbxsync.names import is_copy, original
from pbxsync.steps import Stage, steps
from pbxsync.stored import may_be_stored_as, name_stored_as, stored_key, what_to_write
from tests.reordering import with_ids
from tests.strategies import desired

if TYPE_CHECKING:
    from collections.abc import Callable

    from pbxsync.model import Plan

Storing: TypeAlias = "Callable[[Route], Route]"
ROUTE = Route("sales & more", "[2-9]xx!", ("t1", "t2"), prefix="_9", prepend="00 ", callerid="20x")
RUNS = 10


def renamed(change: Callable[[str], str]) -> Storing:
    return lambda route: replace(route, name=change(route.name))


def texts(change: Callable[[str], str]) -> Storing:
    return lambda route: replace(
        route,
        matchpattern=change(route.matchpattern),
        prefix=change(route.prefix),
        prepend=change(route.prepend),
        callerid=change(route.callerid),
    )


def cut_to_bytes(name: str, size: int = 40) -> str:
    return name.encode()[:size].decode(errors="ignore")


def filtered(text: str) -> str:
    return re.sub(r"[^0-9*#+\-.\[\]XNZ]", "", text.upper())


def without_accents(name: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFD", name) if not unicodedata.combining(char))


#: What a PBX may make of the names that it is sent, and of the fields.
NAMES: dict[str, Storing] = {
    "as sent": lambda route: route,
    "cut to 40 characters": renamed(lambda name: name[:40]),
    "cut to 40 bytes": renamed(cut_to_bytes),
    "cut to 20 characters": renamed(lambda name: name[:20]),
    "in upper case": renamed(str.upper),
    "with HTML entities": renamed(html.escape),
    "with HTML entities twice": renamed(lambda name: html.escape(html.escape(name))),
    "without accents": renamed(without_accents),
    "with one space each": renamed(lambda name: " ".join(name.split())),
    "without spaces": renamed(lambda name: name.replace(" ", "")),
    "with a space after it": renamed("{} ".format),
    "with ? for what is not ASCII": renamed(lambda name: name.encode("ascii", "replace").decode()),
    "without signs": renamed(lambda name: re.sub(r"[^\w -]", "", name)),
    "empty": renamed(lambda name: ""),
    "all alike": renamed(lambda name: "route"),
}
FIELDS: dict[str, Storing] = {
    "as sent": lambda route: route,
    "in upper case": texts(str.upper),
    "filtered": texts(filtered),
    "cut": lambda route: replace(
        route,
        matchpattern=route.matchpattern[:60],
        prefix=route.prefix[:60],
        prepend=route.prepend[:100],
        callerid=route.callerid[:60],
    ),
    "filtered and cut": lambda route: FIELDS["cut"](FIELDS["filtered"](route)),
    "without the first trunk": lambda route: replace(route, trunks=route.trunks[1:]),
    "without the last trunk": lambda route: replace(route, trunks=route.trunks[:-1]),
    "without trunks": lambda route: replace(route, trunks=()),
    "with trunks in capitals": lambda route: replace(route, trunks=tuple(map(str.upper, route.trunks))),
}


def together(name: str, fields: str) -> Storing:
    return lambda route: NAMES[name](FIELDS[fields](route))


#: All that a PBX may make of names alone, of fields alone, and each of both with something of the other.
PAIRS = {
    *((name, fields) for name in NAMES for fields in ("as sent", "filtered and cut")),
    *((name, fields) for name in ("as sent", "with ? for what is not ASCII") for fields in FIELDS),
}
ALL = [pytest.param(together(*pair), id=f"{pair[0]}, fields {pair[1]}") for pair in sorted(PAIRS)]


# --- what counts as the same ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fields", FIELDS)
def test_fields_are_known_again_whatever_a_pbx_makes_of_them(fields: str) -> None:
    long = Route("long", "1" * 70 + "x!", ("a", "b", "c"), "2" * 61, "3" * 101, "4" * 61)
    for route in (ROUTE, long, replace(ROUTE, matchpattern="abc"), replace(ROUTE, callerid="")):
        stored = FIELDS[fields](route)
        assert may_be_stored_as(route, stored)
        assert stored_key(route) == stored_key(stored)


@pytest.mark.parametrize(
    "other",
    [
        {"matchpattern": "[2-8]XX"},
        {"prefix": "8"},
        {"prepend": "0"},
        {"callerid": "21X"},
        {"trunks": ("t2", "t1")},
        {"trunks": ("t1", "t2", "t3")},
        {"trunks": ("t3",)},
    ],
)
def test_other_fields_are_other_routes(other: dict[str, object]) -> None:
    assert not may_be_stored_as(ROUTE, replace(ROUTE, **other))  # type: ignore[arg-type]


def test_what_is_left_of_a_route_is_not_the_route_that_was_sent() -> None:
    assert may_be_stored_as(ROUTE, replace(ROUTE, trunks=("t2",)))
    assert not may_be_stored_as(replace(ROUTE, trunks=("t2",)), ROUTE)


@pytest.mark.parametrize("sign", ["1", "&", "&amp;", "[", "\u00e9"])
def test_fields_and_trunks_of_any_size_are_no_work(sign: str) -> None:
    huge = replace(ROUTE, matchpattern=sign * 2_000_000, trunks=("t",) * 100_000)
    assert may_be_stored_as(huge, huge)
    assert not may_be_stored_as(ROUTE, huge)


# --- no later run adds or deletes anything --------------------------------------------------------------------------

BRANCH, REST = Route("branch", "7XXX", ("to-branch",)), Route("rest", "X.", ("out", "spare"))
#: Routes whose names and fields a PBX may store otherwise, each in another way.
NEW = [
    ROUTE,
    Route("the-northern-offices-of-the-whole-company-in-the-city", "8xx", ("n1", "n2")),
    Route("M\u00fcnchen  \u00c4u\u00dfere Stra\u00dfe der kleinen T\u00fcrme", "6[abc]XX", ("m1", "m2")),
    Route("long", "5" * 61 + "x!", ("l1", "l2"), prepend="3" * 101),
]
CHOICES = [
    PlanChoices(),
    PlanChoices(prune=True),
    PlanChoices(reorder=True),
    PlanChoices(prune=True, reorder=True),
]


def stored(state: KnownState, change: Change, store: Storing, place: str = "end") -> KnownState:
    """What the PBX holds once it has carried out an add, and stored the route in its own way."""
    assert change.after is not None
    route = KnownRoute(store(change.after))
    routes = [*state.routes, route]
    if place == "top":
        routes = [route, *state.routes]
    elif place == "sorted":
        routes.sort(key=lambda known: known.route.name)
    return with_ids(routes)


def added(made: Plan) -> list[str]:
    """The names of what a plan would add, copies too."""
    calls = [step.change for step in steps(made)] if not made.refusals else []
    return [change.name for change in calls if change.action is Action.ADD]


def deleted(made: Plan) -> list[str]:
    calls = [step.change for step in steps(made)] if not made.refusals else []
    return [change.name for change in calls if change.action is Action.DELETE]


def up_to_the_first_add(state: KnownState, made: Plan) -> tuple[KnownState, Change]:
    """What the PBX holds before the first add of a plan, and that add."""
    before = [step.change for step in steps(made) if step.stage is Stage.UPDATE]
    first = next(step.change for step in steps(made) if step.change.action is Action.ADD)
    return with_ids(with_changes(state.routes, before)), first


@pytest.mark.parametrize("choices", CHOICES)
@pytest.mark.parametrize("store", ALL)
def test_ten_runs_after_an_add_that_was_stored_otherwise_add_nothing_of_it_and_delete_nothing(
    store: Storing, choices: PlanChoices
) -> None:
    for new in NEW:
        file = desired([BRANCH, new])
        state = with_ids([KnownRoute(BRANCH)])
        state, add = up_to_the_first_add(state, plan(file, state, choices))
        assert add.after == new
        state = stored(state, add, store)
        seen: list[KnownState] = []
        # On what was planned for already the plan is the same.
        while state not in seen and len(seen) < RUNS:
            seen.append(state)
            made = plan(file, state, choices)
            assert (added(made), deleted(made)) == ([], [])
            assert made.changes or made.refusals or state.routes[-1].route == new
            if not made.refusals:
                # What is sent is stored in the same way again.
                routes = with_changes(state.routes, [step.change for step in steps(made)])
                state = with_ids([replace(known, route=store(known.route)) for known in routes])


@pytest.mark.parametrize("place", ["end", "top", "sorted"])
@pytest.mark.parametrize("choices", CHOICES)
@pytest.mark.parametrize("store", ALL)
def test_ten_runs_after_a_copy_that_was_stored_otherwise_or_elsewhere_make_no_other_copy_and_delete_no_route(
    store: Storing, choices: PlanChoices, place: str
) -> None:
    for rest in (REST, replace(REST, name=NEW[1].name), replace(REST, name="M\u00fcller & S\u00f6hne")):
        file = desired([BRANCH, rest])
        state = with_ids([KnownRoute(rest), KnownRoute(BRANCH)])
        state, add = up_to_the_first_add(state, plan(file, state, PlanChoices(reorder=True)))
        assert is_copy(add.name)
        state = stored(state, add, store, place)
        seen: list[KnownState] = []
        while state not in seen and len(seen) < RUNS:
            seen.append(state)
            made = plan(file, state, choices)
            assert added(made) == []
            if made.refusals:
                break
            # To be deleted is the copy, or the route where the copy can take its place; never both.
            moves = [change for change in made.changes if change.move]
            gone = deleted(made)
            assert (
                not gone
                or rest.name not in gone
                or (len(gone) == 1 and moves[0].move is not None and moves[0].move.rename is not None)
            )
            assert BRANCH.name not in gone
            state = with_ids(with_changes(state.routes, [step.change for step in steps(made)]))
            assert {BRANCH.name, rest.name} <= {known.route.name for known in state.routes}


@st.composite
def stored_tables(draw: st.DrawFn) -> tuple[Desired, Storing, PlanChoices]:
    """A file, and a PBX that stores names and fields in its own way."""
    texts = st.sampled_from(["X.", "2xx", "_9X.", "8[abc]X", "5" * 61, "7!"])
    names = st.text(st.sampled_from("aAbé&<ü -"), min_size=1, max_size=45).map(str.strip).filter(bool)
    routes = st.builds(Route, names, texts, st.sampled_from([("t1", "t2"), ("t1",), ("t3",)]))
    table = draw(st.lists(routes, min_size=1, max_size=3, unique_by=lambda route: route.name))
    store = together(draw(st.sampled_from(sorted(NAMES))), draw(st.sampled_from(sorted(FIELDS))))
    return desired(table), store, draw(st.sampled_from(CHOICES))


@given(stored_tables())
def test_whatever_a_pbx_makes_of_the_routes_of_a_file_each_is_added_once(
    drawn: tuple[Desired, Storing, PlanChoices],
) -> None:
    file, store, choices = drawn
    state = with_ids([])
    sent: list[str] = []
    for _ in range(2 * len(file.routes)):
        made = plan(file, state, choices)
        assert deleted(made) == []
        if not added(made):
            break
        state, add = up_to_the_first_add(state, made)
        sent.append(original(add.name))
        state = stored(state, add, store)
    assert len(sent) == len(set(sent))


# --- words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "kept", "how"),
    [
        ("a", "a", None),
        ("a" * 45, "a" * 40, "cut to 40 "),
        ("\u00e9" * 25, "\u00e9" * 20, "cut to 40 bytes"),
        ("\u00e9" * 45, "\u00e9" * 40, "cut to 40 characters"),
        ("a" * 45, "a" * 30, "cut short"),
        ("a & b", "a &amp; b", "with HTML entities"),
        ("a  b", "a b", "with other spaces"),
        ("a", "b", None),
    ],
)
def test_how_a_name_was_stored_is_said_where_it_is_plain(sent: str, kept: str, how: str | None) -> None:
    found = name_stored_as(sent, kept)
    assert found == how or (found or "").startswith(how or "-")


@pytest.mark.parametrize(
    ("kept", "advice"),
    [
        ({"name": "sales &amp; more"}, 'Write name: "sales &amp; more" in the file (the name was stored with HTML'),
        (
            {"matchpattern": "[2-9]XX!", "callerid": "20X"},
            'Write matchpattern: "[2-9]XX!", callerid: "20X" in the file',
        ),
        ({"matchpattern": "[2-9]XX"}, "With that the route does something else: write matchpattern in signs that"),
        ({"trunks": ("t1",)}, "Write the trunks as the PBX has them (pbxsync ping shows them)"),
    ],
)
def test_it_is_said_what_to_write_where_a_route_was_stored_otherwise(kept: dict[str, object], advice: str) -> None:
    assert what_to_write(ROUTE, replace(ROUTE, **kept)).startswith(advice)  # type: ignore[arg-type]
