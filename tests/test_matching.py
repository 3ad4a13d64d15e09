"""What is refused, left alone or ignored: equal names, equal fields, shared ids, several patterns, ignored names."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxsync.differ import plan
from pbxsync.equal_names import may_be_equal
from pbxsync.known_state import with_changes
from pbxsync.matching import Matching
from pbxsync.model import Desired, KnownRoute, KnownState, Plan, PlanChoices, Route
from pbxsync.names import declared_fault, is_copy, original
from pbxsync.steps import steps
from tests import reordering
from tests.strategies import desired, known
from tests.test_differ import PRUNE_ALL, PRUNE_MOVING, REORDER, copy, names, said
from tests.test_equal_names import GUESSED, OTHERS, SURE

#: Names that some PBX may take for one, both ways.
PAIRS = [pair for one, other in (*SURE, *GUESSED) for pair in ((one, other), (other, one))]
CHOICES = [PlanChoices(), PRUNE_ALL, REORDER, PRUNE_MOVING]
LIMITS = [PlanChoices(), PRUNE_ALL]


def routes(*names: str) -> list[Route]:
    """Routes of these names, each with fields of its own."""
    return [Route(name, f"{number}XX", (f"t{number}",)) for number, name in enumerate(names)]


def planned(
    wanted: list[Route],
    held: list[Route],
    choices: PlanChoices = PRUNE_ALL,
    *,
    renamed: dict[str, str] | None = None,
    ignore: tuple[str, ...] = (),
) -> Plan:
    return plan(replace(desired(wanted, renamed), ignore=ignore), known(held), choices)


def refused(made: Plan) -> list[str]:
    return [refusal.rule for refusal in made.refusals]


# --- names that a PBX may take for one -----------------------------------------------------------------------------


@pytest.mark.parametrize("choices", CHOICES)
@pytest.mark.parametrize(("name", "other"), PAIRS)
def test_a_route_is_not_added_beside_one_of_an_equal_name_and_that_one_is_not_deleted(
    name: str, other: str, choices: PlanChoices
) -> None:
    between, last, new, theirs = routes("between", "last", name, other)
    made = planned([between, new, last], [theirs, between], choices)
    assert names(made.changes) == ["add last"]
    assert refused(made) == ["equal-name"]
    assert (made.unmanaged, made.warnings, made.failures) == ((other,), (), ())
    message = made.refusals[0].message
    assert message.startswith(f"{name} is not added, and {other} is left as it is: the PBX has {other}, ")
    assert message.endswith("in the PBX's web page" if declared_fault(other) else "If not, choose another name")


@pytest.mark.parametrize(("name", "other"), PAIRS)
def test_a_route_of_an_equal_name_that_the_file_declares_too_keeps_the_other_from_being_added(
    name: str, other: str
) -> None:
    new, theirs = routes(name, other)
    made = planned([new, theirs], [theirs])
    assert (made.changes, made.unchanged, refused(made)) == ((), 1, ["equal-name"])
    assert made.refusals[0].message.startswith(f"{name} is not added: the PBX has {other}, ")
    assert made.refusals[0].message.endswith(". The file declares both: choose another name for one of them")


@pytest.mark.parametrize(("name", "other"), PAIRS)
def test_renamed_from_is_the_way_out_and_leaves_one_route(name: str, other: str) -> None:
    new, theirs = routes(name, other)
    made = planned([new], [theirs], renamed={name: other})
    assert (names(made.changes), made.refusals, made.unmanaged) == ([f"update {name}"], (), ())
    assert made.changes[0].id == "1"


@pytest.mark.parametrize(("name", "other"), PAIRS)
def test_a_route_is_not_renamed_to_a_name_that_is_equal_to_another_one(name: str, other: str) -> None:
    new, theirs = routes(name, other)
    made = planned([new], [replace(new, name="old"), theirs], renamed={name: "old"})
    assert (made.changes, refused(made), made.unmanaged) == ((), ["equal-name"], (other,))
    assert made.refusals[0].message.startswith(f"old is not renamed to {name}, and {other} is left as it is: ")
    assert "renamed_from" not in made.refusals[0].message


@pytest.mark.parametrize("choices", CHOICES)
@pytest.mark.parametrize(("name", "other"), PAIRS)
def test_a_name_that_is_renamed_away_by_the_same_plan_is_free_for_an_equal_one(
    name: str, other: str, choices: PlanChoices
) -> None:
    away, new = routes("away", name)
    made = planned([new, away], [replace(away, name=other)], choices, renamed={"away": other})
    assert (names(made.changes), made.refusals) == (["update away", f"add {name}"], ())
    done = reordering.after(known([replace(away, name=other)]), made)
    again = planned([new, away], [route.route for route in done.routes], choices)
    assert (again.changes, again.refusals) == ((), ())


def test_a_name_is_not_free_where_renames_are_left_out() -> None:
    away, new = routes("away", "Local")
    made = planned([new, away], [replace(away, name="LOCAL")], PlanChoices(add_only=True), renamed={"away": "LOCAL"})
    assert (made.changes, names(made.skipped), refused(made)) == ((), ["update away"], ["equal-name"])
    assert made.refusals[0].message.endswith("Leave Local out of the file until LOCAL is renamed to away")


@pytest.mark.parametrize("held", [["LOCAL~pbxsync"], ["LOCAL", "LOCAL~pbxsync"]])
def test_a_name_is_not_free_before_a_move_of_its_route_is_finished(held: list[str]) -> None:
    away, new = routes("away", "Local")
    made = planned([new, away], [replace(away, name=name) for name in held], renamed={"away": "LOCAL"})
    if len(held) > 1:
        assert (made.changes, refused(made)) == ((), ["equal-name"])
        assert made.refusals[0].message == (
            "Local is not added: the PBX has LOCAL, and a PBX may take the two names for one. Leave Local out of the "
            "file until LOCAL is renamed to away"
        )
        made = planned([away], [replace(away, name=name) for name in held], renamed={"away": "LOCAL"})
        assert (names(made.changes), refused(made)) == (["move away"], [])
    else:
        assert (names(made.changes), refused(made)) == (["add Local", "move away"], [])


@pytest.mark.parametrize(("name", "other"), PAIRS)
def test_of_two_new_routes_of_equal_names_the_second_is_refused(name: str, other: str) -> None:
    first, second = routes(name, other)
    made = planned([first, second], [])
    assert (names(made.changes), refused(made)) == ([f"add {name}"], ["equal-name"])
    message = made.refusals[0].message
    assert message.startswith(f"{other} is not added: {name} is new on the PBX too, ")
    assert message.endswith(". Choose another name for one of them")
    # What was added in the meantime changes nothing of that.
    assert refused(planned([first, second], [first])) == ["equal-name"]


@pytest.mark.parametrize(("name", "other"), PAIRS)
def test_of_two_routes_of_equal_names_on_the_pbx_both_are_updated_and_neither_is_moved_or_deleted(
    name: str, other: str
) -> None:
    first, second = routes(name, other)
    broad = [replace(first, matchpattern="X."), second]
    assert names(planned([second, broad[0]], [first, second]).changes) == [f"update {name}"]
    made = planned([second, broad[0]], broad, REORDER)
    assert (made.changes, [warning.rule for warning in made.warnings]) == ((), ["cannot-move"])
    made = planned([second], [first, second])
    assert (made.changes, made.unmanaged) == ((), (name,))
    why = f"a PBX may take {other} for the same name, and delete both"
    why = "it begins or ends with a space" if name != name.strip() else why
    assert said(made.warnings) == [f"cannot-delete: {name} is not deleted: {why}; delete it on the PBX"]


@pytest.mark.parametrize(("name", "other"), OTHERS)
def test_names_that_no_pbx_takes_for_one_are_no_matter_to_each_other(name: str, other: str) -> None:
    new, theirs = routes(name, other)
    assert names(planned([new], [theirs]).changes) == [f"add {name}", f"delete {other}"]
    assert names(planned([new, theirs], []).changes) == [f"add {name}", f"add {other}"]


def test_ignore_is_no_way_out_of_an_equal_name() -> None:
    new, theirs = routes("München", "Munchen")
    made = planned([new], [theirs], ignore=("Munchen",))
    assert (made.changes, refused(made), made.ignored, made.unmanaged) == ((), ["equal-name"], ("Munchen",), ())


def test_of_several_routes_of_equal_names_all_are_named_and_none_is_deleted() -> None:
    new, *theirs = routes("München", "Munchen", "MUNCHEN", "munchen", "Múnchen", "old")
    made = planned([new], theirs)
    assert names(made.changes) == ["delete old"]
    assert "and MUNCHEN, Munchen, Múnchen, and 1 more is left as it is" in made.refusals[0].message


def test_names_that_look_alike_are_spelled_out() -> None:
    new, theirs = routes("Büro", "Bu\u0308ro")
    assert r"(they differ in their characters alone: 'B\xfcro' and 'Bu\u0308ro')" in (
        planned([new], [theirs]).refusals[0].message
    )
    new, theirs = routes("Munchen", "München")
    assert "characters alone" not in planned([new], [theirs]).refusals[0].message


@pytest.mark.parametrize(
    ("stored", "how"),
    [("sales  & mor", "cut short"), ("sales  &amp; more", "with HTML entities"), ("sales & more", "with other spaces")],
)
def test_a_name_as_a_pbx_may_store_it_is_said_to_be_so_and_advised_in_place_of_a_rename(stored: str, how: str) -> None:
    new, theirs = (Route(name, "1XX", ("t",)) for name in ("sales  & more" + "!" * 40, stored + "!" * 40))
    if how == "cut short":
        theirs = replace(theirs, name=new.name[:30])
    (refusal,) = planned([new], [theirs]).refusals
    assert how in refusal.message
    assert f'name: "{theirs.name}"' in refusal.message
    assert "renamed_from" not in refusal.message


def test_a_name_that_no_file_can_declare_is_to_be_changed_in_the_web_page() -> None:
    for stored, rule in (("Munchen ", "equal-name"), ("M,unchen", "same-fields")):
        new = Route("Munchen", "1XX", ("t",))
        (refusal,) = planned([new], [replace(new, name=stored)]).refusals
        assert refusal.rule == rule
        assert f"ename or delete {stored} in the PBX's web page" in refusal.message
        assert "name:" not in refusal.message


@pytest.mark.parametrize("choices", CHOICES)
def test_a_route_half_moved_is_not_given_a_name_that_is_equal_to_another(choices: PlanChoices) -> None:
    rest, other = routes("rest", "REST")
    for held in ([copy(rest), other], [other, copy(rest)]):
        made = planned([rest], held, choices)
        assert (made.changes, refused(made)) == ((), ["equal-name"])
        assert made.refusals[0].message.startswith("rest~pbxsync is not renamed to rest, and REST is left as it is: ")


# --- the same fields ------------------------------------------------------------------------------------------------

FULL = Route("new", "[2-9]XX", ("t1", "t2"), prefix="9", prepend="00", callerid="20X")
LONG = Route("new", "1" * 70, ("t1",), prefix="2" * 61, prepend="3" * 101, callerid="4" * 61)

#: What a PBX may make of the fields of a route.
STORED = [
    (FULL, {}),
    (FULL, {"trunks": ("t1",)}),
    (FULL, {"trunks": ("t2",)}),
    (FULL, {"trunks": ()}),
    (FULL, {"trunks": ("T1", "t2")}),
    (replace(FULL, matchpattern="nxx!", callerid="20x"), {"matchpattern": "NXX", "callerid": "20X"}),
    (replace(FULL, matchpattern="nxx!"), {"matchpattern": "NXX!"}),
    (replace(FULL, matchpattern="9[abc] X"), {"matchpattern": "9[]X"}),
    (replace(FULL, prefix="_9 ", prepend="w0"), {"prefix": "9", "prepend": "0"}),
    (replace(FULL, matchpattern="abc"), {"matchpattern": ""}),
    (LONG, {"matchpattern": "1" * 60, "prefix": "2" * 60, "prepend": "3" * 100, "callerid": "4" * 60}),
    (LONG, {"prefix": "2" * 60}),
]


@pytest.mark.parametrize("choices", CHOICES)
@pytest.mark.parametrize(("sent", "stored"), STORED)
def test_a_route_whose_fields_an_unmanaged_one_has_as_a_pbx_may_store_them_is_refused_and_that_one_kept(
    sent: Route, stored: dict[str, object], choices: PlanChoices
) -> None:
    theirs = replace(sent, name="theirs", **stored)  # type: ignore[arg-type]
    made = planned([sent], [theirs], choices)
    assert (made.changes, made.unmanaged, made.warnings) == ((), ("theirs",), ())
    assert said(made.refusals) == [
        "same-fields: new is not added, and theirs is left as it is: the PBX has theirs with the same fields, and the "
        'file does not declare it. Was it renamed? Then write renamed_from: "theirs". Did the PBX store the name '
        'otherwise? Then write name: "theirs". If both are to be there, list "theirs" under ignore'
    ]


@pytest.mark.parametrize(("sent", "stored"), STORED)
def test_each_way_out_of_the_same_fields_leads_out(sent: Route, stored: dict[str, object]) -> None:
    theirs = replace(sent, name="theirs", **stored)  # type: ignore[arg-type]
    assert planned([sent], [theirs], renamed={"new": "theirs"}).refusals == ()
    assert names(planned([sent], [theirs], renamed={"new": "theirs"}).changes) == ["update new"]
    made = planned([sent], [theirs], ignore=("th*rs",))
    assert (names(made.changes), made.refusals, made.ignored, made.unmanaged) == (["add new"], (), ("theirs",), ())
    made = planned([replace(sent, name="theirs")], [theirs])
    assert made.refusals == ()
    assert names(made.changes) == (["update theirs"] if stored else [])


@pytest.mark.parametrize(
    "other",
    [
        {"matchpattern": "[2-8]XX"},
        {"prefix": "8"},
        {"prepend": ""},
        {"callerid": ""},
        {"trunks": ("t2", "t1")},
        {"trunks": ("t1", "t2", "t1")},
        {"trunks": ("t3",)},
    ],
)
def test_a_route_of_other_fields_is_no_matter(other: dict[str, object]) -> None:
    theirs = replace(FULL, name="theirs", **other)  # type: ignore[arg-type]
    assert names(planned([FULL], [theirs]).changes) == ["add new", "delete theirs"]


def test_a_declared_route_may_have_the_fields_of_another_and_so_may_two_new_ones() -> None:
    other = replace(FULL, name="other")
    assert names(planned([FULL, other], [other]).changes) == ["add new"]
    assert names(planned([FULL, other], []).changes) == ["add new", "add other"]
    made = planned([FULL, other], [replace(other, name="old")], renamed={"other": "old"})
    assert (names(made.changes), made.refusals) == (["update other", "add new"], ())


def test_two_new_routes_with_the_fields_of_an_unmanaged_one_are_both_refused() -> None:
    theirs = [replace(FULL, name=name) for name in ("theirs", "old")]
    made = planned([FULL, replace(FULL, name="other")], theirs)
    assert (made.changes, refused(made)) == ((), ["same-fields", "same-fields"])
    assert "and theirs, old is left as it is: the PBX has theirs, old with the same fields" in made.refusals[0].message


def test_an_unmanaged_route_that_is_there_twice_or_has_several_patterns_is_named_once() -> None:
    made = planned([FULL], [replace(FULL, name="theirs")] * 2)
    assert "the PBX has theirs with the same fields" in made.refusals[0].message


def test_of_a_name_that_was_cut_the_cut_one_is_to_be_written_and_a_short_one_is_more_likely_another() -> None:
    sent = replace(FULL, name="the-northern-offices-of-all")
    (refusal,) = planned([sent], [replace(sent, name="the-northern-offi")]).refusals
    assert refusal.message.endswith(
        'The PBX seems to have stored the name cut short: write name: "the-northern-offi" in the file'
    )
    (refusal,) = planned([sent], [replace(sent, name="the-northern")]).refusals
    assert "Was it renamed? Then write" in refusal.message


def test_a_route_whose_copy_may_be_on_the_pbx_under_another_name_is_not_copied_again() -> None:
    branch, rest = Route("branch", "7XXX", ("b",)), Route("rest", "X.", ("out", "spare"))
    for odd in (replace(rest, name="rest-pbxsync", trunks=("out",)), replace(rest, name="?")):
        made = planned([branch, rest], [rest, branch, odd], REORDER)
        assert made.changes == ()
        assert said(made.warnings) == [
            "cannot-move: rest must come after branch, and can't be moved, so that nothing is moved: the PBX has "
            f"{odd.name} with the same fields, perhaps a copy of it (if not, list {odd.name} under ignore); change "
            "that on the PBX, or move the route there"
        ]
        assert names(planned([branch, rest], [rest, branch, odd], REORDER, ignore=(odd.name,)).changes) == ["move rest"]
        # So it is where the file has changed since the copy was made.
        changed = replace(rest, trunks=("new",))
        assert names(planned([branch, changed], [rest, branch, odd], REORDER).changes) == ["update rest"]


# --- ignored names --------------------------------------------------------------------------------------------------


def test_ignored_routes_are_listed_as_such_and_left_alone_whatever_is_planned() -> None:
    held = routes("lab-1", "old", "lab-2", "x-lab-1")
    for choices in CHOICES:
        made = planned([], held, choices, ignore=("lab-*",))
        assert made.ignored == ("lab-1", "lab-2")
        assert made.unmanaged == (() if choices.prune else ("old", "x-lab-1"))
        assert names(made.changes) == (["delete x-lab-1", "delete old"] if choices.prune else [])


def test_ignored_routes_do_not_count_for_max_deletes() -> None:
    held = routes(*(f"lab-{number}" for number in range(20)), "old")
    assert names(planned([], held, PlanChoices(prune=True, max_deletes=1), ignore=("lab-*",)).changes) == ["delete old"]


def test_nothing_is_said_of_ignored_routes_of_one_name_or_of_several_patterns() -> None:
    lab = routes("lab", "lab")
    assert planned([], lab, ignore=("lab",)).warnings == ()
    state = KnownState("https://192.0.2.10", tuple(KnownRoute(route, "7") for route in lab))
    assert plan(replace(desired([]), ignore=("lab",)), state, PRUNE_ALL).warnings == ()
    assert [warning.rule for warning in plan(desired([]), state, PRUNE_ALL).warnings] == ["several-patterns"]


@pytest.mark.parametrize("choices", CHOICES)
def test_a_route_that_is_declared_and_ignored_is_not_changed_and_the_plan_is_refused(choices: PlanChoices) -> None:
    lab, new = routes("lab", "new")
    made = planned([replace(lab, prefix="9")], [lab], choices, ignore=("lab",))
    assert made.changes == ()
    assert said(made.refusals) == [
        "ignored: lab is left as it is: the file lists it under ignore. Take it out there, or here"
    ]
    made = planned([new], [replace(new, name="lab")], choices, renamed={"new": "lab"}, ignore=("lab",))
    assert made.changes == ()
    assert said(made.refusals) == [
        "ignored: lab, which new is renamed from, is left as it is: the file lists it under ignore. Take it out there, "
        "or here"
    ]


def test_copies_of_declared_routes_are_never_ignored_and_others_are() -> None:
    branch, rest, other = Route("branch", "7XXX", ("b",)), Route("rest", "X.", ("out",)), Route("lab", "8X", ("l",))
    made = planned([branch, rest], [rest, branch, copy(rest), copy(other)], ignore=("*~pbxsync",))
    assert (names(made.changes), made.ignored) == (["move rest"], ("lab~pbxsync",))


# --- shared ids, several patterns, doubled names -------------------------------------------------------------------


def with_ids(*items: tuple[Route, str]) -> KnownState:
    return KnownState("https://192.0.2.10", tuple(KnownRoute(route, number) for route, number in items))


A, B, C = routes("a", "b", "c")
NEW = Route("new", "9XX", ("n",))
SHARED = (
    "shared-id: a is not updated: the PBX shows b with the same id, 1, and an update goes by id. Delete or rename "
    "these routes in the PBX's web page"
)


@pytest.mark.parametrize("wanted", [replace(A, prepend="0"), replace(A, name="z")])
def test_an_update_by_an_id_of_two_names_is_refused(wanted: Route) -> None:
    state = with_ids((A, "1"), (B, "1"), (C, "2"))
    renamed = {"z": "a"} if wanted.name == "z" else {}
    for file in ([wanted], [wanted, B, C]):
        made = plan(desired(file, renamed), state, PlanChoices())
        assert said(made.refusals) == [SHARED]
        assert names(made.changes) == [f"update {wanted.name}"]
    assert plan(desired([A, B, replace(C, prepend="0")]), state, PlanChoices()).refusals == ()


def test_a_copy_that_has_the_id_of_another_route_is_not_given_its_name() -> None:
    made = plan(desired([A]), with_ids((copy(A), "1"), (B, "1")), PlanChoices())
    assert [refusal.rule for refusal in made.refusals] == ["shared-id"]
    assert made.refusals[0].message.startswith("a~pbxsync is not updated: the PBX shows b with the same id, 1, ")


@pytest.mark.parametrize("choices", CHOICES)
def test_routes_that_share_an_id_are_neither_deleted_nor_moved(choices: PlanChoices) -> None:
    broad = replace(A, matchpattern="X.")
    state = with_ids((broad, "1"), (B, "1"), (C, "2"))
    made = plan(desired([C, broad]), state, choices)
    assert (made.changes, made.refusals, made.unmanaged) == ((), (), ("b",))
    rules = {"cannot-delete": choices.prune, "cannot-move": choices.reorder}
    assert [warning.rule for warning in made.warnings] == [rule for rule, asked in rules.items() if asked]
    assert all("shows" in warning.message and "with the same id" in warning.message for warning in made.warnings)


@pytest.mark.parametrize("choices", CHOICES)
def test_a_route_of_several_patterns_is_left_alone_with_a_warning_or_where_it_is_declared_as_a_failure(
    choices: PlanChoices,
) -> None:
    items = [replace(A, matchpattern=pattern) for pattern in ("X.", "9XX", "8XX")]
    state = with_ids(*((item, "1") for item in items), (C, "2"))
    undeclared = plan(desired([C, NEW]), state, choices)
    assert (names(undeclared.changes), undeclared.failures, undeclared.unmanaged) == (["add new"], (), ("a",))
    assert said(undeclared.warnings) == [
        "several-patterns: a has 3 patterns, made in the PBX's web page, and is left as it is"
    ]
    declared = plan(desired([C, items[0], NEW]), state, choices)
    assert [change for change in declared.changes if change.name not in ("new", "c")] == []
    assert (declared.blocked, declared.unmanaged, declared.refusals) == (("a",), (), ())
    assert said(declared.failures) == [
        "several-patterns: a has 3 patterns, made in the PBX's web page, and is left as it is; declare each pattern "
        "as a route with a name of its own, and delete this one on the PBX"
    ]


def test_a_route_is_not_renamed_from_one_of_several_patterns() -> None:
    made = plan(desired([replace(A, name="z")], {"z": "a"}), with_ids((A, "1"), (replace(A, prefix="9"), "1")), REORDER)
    assert (made.changes, made.blocked) == ((), ("z",))
    (failure,) = made.failures
    assert "is left as it is, nor is z; declare each pattern" in failure.message


def test_items_of_one_name_are_several_patterns_only_where_all_have_one_id() -> None:
    for ids, rule in (
        (("1", "1"), "several-patterns"),
        (("1", "2"), "doubled-on-pbx"),
        (("1", "1", "2"), "doubled-on-pbx"),
    ):
        state = with_ids(*((replace(A, matchpattern=f"{at}X"), number) for at, number in enumerate(ids)))
        assert [failure.rule for failure in plan(desired([A]), state, PRUNE_ALL).failures] == [rule]
    without = KnownState("https://192.0.2.10", (KnownRoute(A), KnownRoute(A)), "hq.json")
    assert [failure.rule for failure in plan(desired([A]), without, PRUNE_ALL).failures] == ["doubled-on-pbx"]


def test_a_route_of_several_patterns_that_shares_its_id_with_another_name_keeps_that_from_being_updated() -> None:
    state = with_ids((A, "1"), (replace(A, prefix="9"), "1"), (B, "1"))
    made = plan(desired([replace(B, prepend="0")]), state, PRUNE_ALL)
    assert [refusal.rule for refusal in made.refusals] == ["shared-id"]
    assert [warning.rule for warning in made.warnings] == ["several-patterns"]


def test_many_items_of_one_name_are_one_line() -> None:
    state = with_ids(*((replace(A, matchpattern=f"{at}X"), str(at)) for at in range(20_000)))
    for file in ([], [A], [replace(A, name="z")]):
        made = plan(desired(file, {"z": "a"} if file and file[0].name == "z" else {}), state, PRUNE_MOVING)
        assert made.changes == ()
        assert len(made.warnings) + len(made.failures) == 1


# --- any names ------------------------------------------------------------------------------------------------------

ALIKE = st.sampled_from(
    [
        *("local", "LOCAL", "local ", "lócal", "ｌocal", "local~pbxsync", "LOCAL~pbxsync", "other", "third"),
        *("Müller", "Myller", "Muller", "Müller~pbxsync", "a & b", "a &amp; b", "A & B", "fire 🔥", "fire"),
        *(f"{'n' * 32}{end}" for end in ("", "n" * 8, "n" * 9, "-2", "~pbxsync")),
    ]
)
DECLARED = ALIKE.filter(lambda name: not is_copy(name) and name == name.strip())
PATTERNS = st.sampled_from(["X.", "1X", "[1-3]X.", "9x!"])
TRUNKS = st.sampled_from([("t",), ("t", "u"), ("u",)])


@st.composite
def alike(draw: st.DrawFn) -> tuple[Desired, KnownState]:
    """A file and a PBX with names of which a PBX takes many for one, some of them renamed or ignored."""
    routes = st.builds(Route, DECLARED, PATTERNS, TRUNKS)
    wanted = draw(st.lists(routes, max_size=4, unique_by=lambda route: route.name))
    held = draw(st.lists(st.builds(Route, ALIKE, PATTERNS, TRUNKS), max_size=5))
    ids = draw(st.lists(st.sampled_from("123456789"), min_size=len(held), max_size=len(held)))
    free = [route.name for route in held if route.name not in {one.name for one in wanted} and not is_copy(route.name)]
    former = {wanted[0].name: draw(st.sampled_from(free))} if wanted and free and draw(st.booleans()) else {}
    ignore = draw(st.sampled_from([(), (), ("other", "th*"), ("*~pbxsync",)]))
    state = with_ids(*zip(held, ids, strict=True))
    return replace(desired(wanted, former), ignore=ignore), state


@given(alike(), st.sampled_from([*CHOICES, PlanChoices(add_only=True)]))
def test_no_plan_ever_makes_or_deletes_by_a_name_that_a_pbx_may_take_for_another(
    drawn: tuple[Desired, KnownState], choices: PlanChoices
) -> None:
    file, state = drawn
    made = plan(file, state, choices)
    matching = Matching(file, state.routes)
    listed = {*made.unmanaged, *made.ignored, *matching.claimed, *(change.name for change in made.changes)}
    assert listed >= set(matching.names)
    if made.refusals:
        return
    declared = {one.route.name for one in file.routes}
    rows = list(state.routes)
    for step in steps(made):
        before, after = step.change.before, step.change.after
        others = [row.route.name for row in rows if row.route != before]
        assert before is None or before.name not in made.ignored
        if after is None:
            assert before is not None
            assert not [
                name for name in (*others, *declared - {original(before.name)}) if may_be_equal(name, before.name)
            ]
        elif before is None or before.name != after.name:
            assert not [name for name in others if may_be_equal(name, after.name)]
        if before is not None and before != after and after is not None:
            known_id = next(row.id for row in rows if row.route == before)
            assert [row.route.name for row in rows if row.id == known_id] in ([before.name], [])
        rows = list(with_changes(rows, [step.change]))
