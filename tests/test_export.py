"""Known routes → a file: the same text each time, and it plans to nothing whatever the PBX holds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxsync.differ import plan
from pbxsync.document import parse
from pbxsync.effects import foreseen
from pbxsync.equal_names import surely_equal_key
from pbxsync.export import Export, export
from pbxsync.model import Action, Desired, KnownRoute, KnownState, Plan, PlanChoices, Route
from pbxsync.names import is_copy, original
from pbxsync.validator import check
from tests.strategies import known

URL = "https://192.0.2.10"

# Whatever a PBX may hold: any text that JSON can bring, with a liking for what YAML and the API trip over.
ODD = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        [
            "",
            "all",
            "ALL",
            "a,b",
            " a",
            "a ",
            "yes",
            "011",
            "*9X.",
            "&a",
            "!",
            "- x",
            "a: b",
            "a #b",
            '"',
            "\\",
            "'",
            "~",
        ]
    ),
    st.sampled_from(["\x07", "\n", "\u2028", "\ufeff", "\u202e", "\x85", "\U0001f4de", "%YAML", "---", "?", "|", ">"]),
)
ODD_RULES = {"stored-otherwise", "leading-underscore", "text-after-tail", "sign-in-prefix"}
# Few odd texts are a pattern that takes a number, but any may follow a tail.
ODD_PATTERNS = ODD | ODD.map("X.{}".format)
ODD_ROUTES = st.builds(
    Route,
    ODD,
    ODD_PATTERNS,
    st.lists(ODD, max_size=2).map(tuple),
    prefix=st.just("") | ODD_PATTERNS,
    prepend=ODD,
    callerid=ODD,
)


@given(st.lists(ODD_ROUTES, max_size=6))
def test_an_export_plans_to_nothing_whatever_the_pbx_holds(table: list[Route]) -> None:
    state = known(table)
    written = export(state, url=URL, type="json")
    checked = check(parse(written.text.encode(), "export.yaml"))
    # What such a PBX holds is odd, and said to be; none of it keeps the file from being used.
    assert {problem.rule for problem in checked.problems} <= ODD_RULES
    assert checked.desired is not None
    assert checked.desired.url == URL
    made = plan(checked.desired, state, PlanChoices())
    assert (made.changes, made.refusals, made.failures) == ((), (), ())
    # Every route is either declared or left out, and none is both.
    declared = [one.route for one in checked.desired.routes]
    assert len(declared) + len(written.left_out) == len(table)
    assert [route for route in table if route in declared] == declared


@given(st.lists(ODD_ROUTES, max_size=6))
def test_an_export_comes_out_the_same_each_time(table: list[Route]) -> None:
    assert export(known(table), url=None, type="xml") == export(known(table), url=None, type="xml")


@given(ODD, ODD)
def test_what_is_left_out_can_begin_no_line_of_its_own_in_the_file(name: str, trunk: str) -> None:
    written = export(known([Route(f"{name},", "X.", (trunk,))]), url=None, type="json")
    assert written.text.splitlines()[-1].startswith("  # left out: ")
    assert "routes: []" in written.text.splitlines()


def test_what_no_file_can_declare_is_left_out_with_its_reason_where_it_stood() -> None:
    state = KnownState(
        URL,
        (
            KnownRoute(Route("all", "X.", ("t",)), "1"),
            KnownRoute(Route("a", "X.", ("t",), prefix="9"), "2"),
            KnownRoute(Route("b", "X.", ("t",)), "3"),
            KnownRoute(Route("b", "911", ("t",)), "4"),
            KnownRoute(Route("c", "", ("t",)), "5"),
            KnownRoute(Route("d", "X.", ()), "6"),
            KnownRoute(Route("e", "X.\x07", ("t",)), "7"),
            KnownRoute(Route("f", "X.", ("t,u",)), "8"),
            KnownRoute(Route("g", "[9-1]", ("t",)), "9"),
            KnownRoute(Route("h", "X.", ("t",), callerid="[1"), "10"),
        ),
    )
    assert export(state, url=URL, type="json").text.splitlines()[2:] == [
        "version: 1",
        "pbx:",
        '  url: "https://192.0.2.10"',
        "  type: json",
        "routes:",
        '  # left out: "all": no route of a file can have this name: the PBX\'s API reads it as every route',
        '  - name: "a"',
        '    prefix: "9"',
        '    matchpattern: "X."',
        '    trunks: ["t"]',
        '  # left out: "b": the PBX has 2 routes of this name',
        '  # left out: "b": the PBX has 2 routes of this name',
        '  # left out: "c": its matchpattern is empty',
        '  # left out: "d": it has no trunk',
        '  # left out: "e": one of its fields holds the control character U+0007',
        '  # left out: "f": no trunk of a file can have the name "t,u": it holds a comma, which separates names for '
        "the PBX",
        '  # left out: "g": no number matches: the range in "[9-1]" runs backwards, so it has no member; write "[1-9]"',
        '  # left out: "h": "[1" has no ] that closes the set, so no call gets to the route; write one as in "[1-3]X"',
    ]


# --- names that a PBX takes for one, several patterns ---------------------------------------------------------------

EQUAL = "a PBX takes {} for the same name, and no file can declare both"
OFFICE = Route("office", "2XX", ("t",))


def routes_called(*names: str) -> list[Route]:
    return [Route(name, f"{number}XX", ("t",)) for number, name in enumerate(names)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("local", "LOCAL"),
        ("Munchen", "München"),
        ("Bu\u0308ro", "Büro"),
        ("ＡＢ", "ab"),
        ("a  b", "a b"),
        ("n" * 45, "n" * 40),
    ],
)
def test_two_routes_whose_names_a_pbx_surely_takes_for_one_are_both_left_out(one: str, other: str) -> None:
    held = routes_called(one, "between", other)
    written = exported(*held)
    assert [(left.name, left.reason) for left in written.left_out] == [
        (one, EQUAL.format(f'"{other}"')),
        (other, EQUAL.format(f'"{one}"')),
    ]
    assert [route.route.name for route in declared(written).routes] == ["between"]
    assert written.text.splitlines()[-5] == f'  # left out: "{one}": {EQUAL.format(f"{chr(34)}{other}{chr(34)}")}'
    made = again(*held)
    assert (made.changes, made.refusals) == ((), ())


@pytest.mark.parametrize(
    ("one", "other"), [("Straße", "Strasse"), ("Müller", "Myller"), ("a & b", "a &amp; b"), ("fire 🔥", "fire 🎉")]
)
def test_two_routes_whose_names_only_some_pbx_takes_for_one_are_both_declared(one: str, other: str) -> None:
    held = routes_called(one, other)
    assert [route.route for route in declared(exported(*held)).routes] == held
    made = again(*held)
    assert (made.changes, made.refusals, made.failures) == ((), (), ())


def test_a_name_that_is_equal_to_one_that_no_file_can_declare_is_declared() -> None:
    held = [Route("all-day", "1XX", ("t",)), Route("all-day ", "2XX", ("t",)), Route("ALL-DAY", "3XX", ())]
    written = exported(*held)
    assert [route.route for route in declared(written).routes] == held[:1]
    assert [left.reason for left in written.left_out] == [
        "no route of a file can have this name: it begins or ends with a space",
        "it has no trunk",
    ]
    assert again(*held).changes == ()


def test_a_route_of_several_patterns_is_left_out_with_one_comment_that_says_so() -> None:
    items = [replace(OFFICE, matchpattern=f"{n}XX") for n in (2, 3, 4)]
    state = KnownState(URL, (*(KnownRoute(item, "3") for item in items), KnownRoute(REST, "4")))
    written = export(state, url=None, type="json")
    reason = "it has 3 patterns, made in the PBX's web page, and a route of a file has one"
    assert {(left.name, left.reason) for left in written.left_out} == {("office", reason)}
    assert written.text.splitlines()[6:8] == [f'  # left out: "office": {reason}', '  - name: "rest"']
    assert "doubled" not in written.text
    made = plan(declared(written), state, PlanChoices(prune=True))
    assert (made.changes, made.unmanaged) == ((), ("office",))
    assert [warning.rule for warning in made.warnings] == ["several-patterns"]


def test_items_of_one_name_without_an_id_are_routes_of_one_name() -> None:
    state = KnownState(URL, (KnownRoute(OFFICE), KnownRoute(OFFICE)))
    assert [left.reason for left in export(state, url=None, type="json").left_out] == [
        "the PBX has 2 routes of this name"
    ] * 2


#: Names of which a PBX takes many for one, surely or perhaps, and copies of some of them.
ALIKE = st.sampled_from(
    [
        *("local", "LOCAL", "Local ", "lócal", "ｌocal", "local~pbxsync", "LOCAL~pbxsync", "local~pbxsync~pbxsync"),
        *("Müller", "Myller", "Muller", "Müller~pbxsync", "Myller~pbxsync"),
        *("a & b", "a &amp; b", "A & B", "a  & b", "a &amp; b~pbxsync"),
        *(f"{'n' * 32}{end}" for end in ("", "n" * 8, "n" * 9, "-2", "~pbxsync")),
        *("all", "all~pbxsync", "~pbxsync", "", "x,y", "x,y~pbxsync"),
    ]
)
ALIKE_ROUTES = st.builds(
    Route, ALIKE, st.sampled_from(["X.", "9X."]), st.sampled_from([("t",), ("t", "u"), ()]), callerid=st.just("")
)


@given(st.lists(st.tuples(ALIKE_ROUTES, st.sampled_from("1234567890")), max_size=7))
def test_an_export_of_names_that_are_alike_plans_to_nothing_but_clearing_up_copies(
    drawn: list[tuple[Route, str]],
) -> None:
    # A copy has an id of its own: pbxsync has added it.
    ids = [number if not is_copy(route.name) else f"c{at}" for at, (route, number) in enumerate(drawn)]
    held = [route for route, _ in drawn]
    state = KnownState(URL, tuple(map(KnownRoute, held, ids)))
    written = export(state, url=URL, type="json")
    checked = check(parse(written.text.encode(), "export.yaml"))
    assert checked.desired is not None
    names = [one.route.name for one in checked.desired.routes]
    assert len({surely_equal_key(name) for name in names}) == len(names) == written.declared
    made = plan(replace(checked.desired, no_hidden_fields=True), state, PlanChoices(reorder=True))
    assert made.refusals == ()
    twice = [route.name for route in held if is_copy(route.name) and [one.name for one in held].count(route.name) > 1]
    assert made.failures == () or twice
    if not any(is_copy(route.name) for route in held):
        assert made.changes == ()
    for change in made.changes:
        assert change.move is not None or (change.before is not None and is_copy(change.before.name))
        assert change.move is None or change.move.copy is None
    rows = [one for one in state.routes if one.route.name not in {left.name for left in written.left_out}]
    assert {replace(one.route, name="") for one in rows} == {
        replace(one.route, name="") for one in checked.desired.routes
    }


# --- what a reorder left half done ----------------------------------------------------------------------------------

BRANCH = Route("branch", "7XXX", ("to-branch",))
REST = Route("rest", "X.", ("out",))
COPY = replace(REST, name="rest~pbxsync")
COPY_OF_COPY = replace(REST, name="rest~pbxsync~pbxsync")


def exported(*held: Route) -> Export:
    return export(known(list(held)), url=None, type="json")


def declared(written: Export) -> Desired:
    desired = check(parse(written.text.encode(), "export.yaml")).desired
    assert desired is not None
    return desired


def again(*held: Route) -> Plan:
    """The plan that an export of these routes gives for the PBX that they are on."""
    state, desired = known(list(held)), declared(exported(*held))
    return foreseen(plan(desired, state, PlanChoices()), desired, state, PlanChoices())


@pytest.mark.parametrize(
    ("held", "names"),
    [
        ([REST, BRANCH, COPY], ["rest", "branch"]),
        ([COPY, BRANCH, REST], ["rest", "branch"]),
        ([BRANCH, COPY], ["branch", "rest"]),
        ([BRANCH, COPY, COPY_OF_COPY], ["branch", "rest"]),
    ],
    ids=["copy below", "copy above", "copy alone", "two copies"],
)
def test_a_route_of_which_there_are_copies_is_declared_once_where_the_first_of_them_is(
    held: list[Route], names: list[str]
) -> None:
    written = exported(*held)
    assert [one.route for one in declared(written).routes] == [REST if name == "rest" else BRANCH for name in names]
    assert (written.declared, written.left_out) == (2, ())
    assert written.copies == tuple(route.name for route in held if is_copy(route.name))
    assert "~pbxsync" not in written.text
    made = again(*held)
    assert made.impact == ()
    assert {change.action for change in made.changes} <= {Action.MOVE, Action.UPDATE}


def test_a_copy_that_differs_from_what_is_above_it_is_left_out_with_the_reason_in_its_place() -> None:
    other = replace(COPY, trunks=("t",))
    written = exported(REST, other, BRANCH)
    why = 'it is of a half-done reorder, and differs from "rest" above; the next plan takes it away'
    assert [(one.name, one.reason) for one in written.left_out] == [("rest~pbxsync", why)]
    assert (written.declared, written.copies) == (2, ())
    assert written.text.splitlines()[-4] == f'  # left out: "rest~pbxsync": {why}'
    assert [change.move and [one.name for one in change.move.removals] for change in again(REST, other).changes] == [
        ["rest~pbxsync"]
    ]
    assert [(one.name, one.reason) for one in exported(other, REST).left_out] == [("rest", why)]


def test_a_copy_that_is_as_the_first_is_no_matter_where_another_one_differs() -> None:
    other = replace(COPY, trunks=("t",))
    written = exported(REST, other, COPY_OF_COPY)
    assert [one.name for one in written.left_out] == ["rest~pbxsync"]
    assert written.copies == ("rest~pbxsync~pbxsync",)


def test_a_copy_below_its_route_that_is_left_out_is_left_out_too() -> None:
    written = exported(replace(REST, trunks=()), COPY, BRANCH)
    assert [(left.name, left.reason) for left in written.left_out] == [
        ("rest", "it has no trunk"),
        ("rest~pbxsync", 'it is of a half-done reorder, and "rest" above is left out'),
    ]
    assert again(replace(REST, trunks=()), COPY, BRANCH).changes == ()


@pytest.mark.parametrize(
    ("held", "left_out"),
    [
        (
            [REST, REST, COPY],
            {"rest": "the PBX has 2 routes of this name", COPY.name: "the PBX has 2 routes of this name"},
        ),
        (
            [REST, COPY, COPY],
            {COPY.name: "no route of a file can have this name: names that end in ~pbxsync are those"},
        ),
        (
            [REST, replace(REST, name="~pbxsync")],
            {"~pbxsync": "no route of a file can have this name: names that end in"},
        ),
        (
            [REST, replace(REST, name="all~pbxsync")],
            {"all~pbxsync": "no route of a file can have this name: the PBX's"},
        ),
        (
            [REST, replace(REST, name="a~PBXSYNC")],
            {"a~PBXSYNC": "no route of a file can have this name: names that end"},
        ),
        ([REST, replace(COPY, trunks=())], {COPY.name: "it has no trunk"}),
    ],
    ids=["route doubled", "copy doubled", "ending alone", "of all", "in capitals", "without trunks"],
)
def test_a_copy_whose_route_no_file_can_declare_is_left_out_like_any_other(
    held: list[Route], left_out: dict[str, str]
) -> None:
    written = exported(*held)
    assert {one.name for one in written.left_out} == left_out.keys()
    assert all(one.reason.startswith(left_out[one.name]) for one in written.left_out)
    assert written.copies == ()


LONG = "the-rest-of-the-world-and-of-the"


def test_a_copy_of_a_route_with_a_long_name_is_known_as_such_and_one_of_two_is_left_out() -> None:
    held = [replace(REST, name=f"{LONG}-country"), BRANCH, replace(REST, name=f"{LONG}~pbxsync")]
    written = exported(*held)
    assert [one.route for one in declared(written).routes] == held[:2]
    assert written.copies == (f"{LONG}~pbxsync",)
    assert [change.move and change.move.copy for change in again(*held).changes] == [None]
    other = replace(BRANCH, name=f"{LONG}-city")
    written = exported(*held, other)
    assert [(left.name, left.reason) for left in written.left_out] == [
        (
            f"{LONG}~pbxsync",
            f'it is of a half-done reorder, and may be a copy of "{LONG}-city", "{LONG}-country"',
        )
    ]
    assert again(*held, other).changes == ()


def test_a_copy_alone_whose_name_a_pbx_may_take_for_another_is_left_out() -> None:
    held = [replace(REST, name="Müller~pbxsync"), replace(BRANCH, name="Myller")]
    written = exported(*held)
    assert [left.reason for left in written.left_out] == [
        'it is of a half-done reorder, and a PBX may take its name for that of "Myller"'
    ]
    made = again(*held)
    assert (made.changes, made.refusals) == ((), ())


NAMES = st.sampled_from(["a", "b", "a~pbxsync", "b~pbxsync", "a~pbxsync~pbxsync", "c~pbxsync", "A", "~pbxsync"])


@given(st.lists(st.builds(Route, NAMES, st.sampled_from(["X.", "9X."]), st.just(("t",))), max_size=6))
def test_every_route_of_a_half_done_reorder_is_declared_left_out_or_a_copy_and_no_call_changes(
    held: list[Route],
) -> None:
    written = exported(*held)
    own = {one.route.name: one.route for one in declared(written).routes}
    left_out = {one.name for one in written.left_out}
    kept = [route for route in held if route.name not in left_out]
    assert written.declared == len(declared(written).routes) == len(own)
    assert list(own) == list(dict.fromkeys(original(route.name) for route in kept))
    assert all(replace(route, name=original(route.name)) == own[original(route.name)] for route in kept)
    assert list(written.copies) == [route.name for route in kept if is_copy(route.name)]
    if not any("half-done" in one.reason for one in written.left_out):
        made = again(*held)
        assert made.impact == ()
        assert not any(change.action in (Action.ADD, Action.DELETE) for change in made.changes)


# --- editors --------------------------------------------------------------------------------------------------------


def test_a_file_begins_with_the_line_that_names_its_schema_to_editors_and_says_where_that_comes_from() -> None:
    first, second, *rest = exported(REST).text.splitlines()
    assert first == "# yaml-language-server: $schema=routes.schema.json"
    assert second.endswith(": pbxsync schema routes > routes.schema.json")
    assert rest[0] == "version: 1"
    assert exported().text.startswith(f"{first}\n{second}\n")
