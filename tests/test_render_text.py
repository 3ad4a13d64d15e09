"""Problems, plans and outcomes as text: each kind of line, the sums, what is cut, hostile names."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxsync import differ
from pbxsync.model import (
    Action,
    Applied,
    Behind,
    Change,
    Claim,
    Doubt,
    FieldChange,
    Finding,
    Location,
    Move,
    NumberWords,
    Outcome,
    Plan,
    PlanChoices,
    PlanWarning,
    Problem,
    Route,
    Severity,
    Status,
    Verdict,
)
from pbxsync.render.paint import Paint
from pbxsync.render.text import applied_text, counted, faults, outcome_line, plan_text, problem_lines, totals
from pbxsync.steps import HALF_DONE, STUCK
from tests.strategies import desired, known

AT = Location("hq.yaml", 3, 5)
LOCAL = Route("local", "NXXXXXX", ("a", "b"), prefix="9", prepend="212", callerid="20X")
REST = Route("rest", "X.", ("out",))
ADD = Change(Action.ADD, None, LOCAL, location=AT)
DELETE = Change(Action.DELETE, REST, None, id="7")
UPDATE = Change(
    Action.UPDATE,
    replace(LOCAL, prepend="", trunks=("a",)),
    LOCAL,
    (FieldChange("prepend", "", "212"), FieldChange("trunks", ("a",), ("a", "b"))),
    "1",
    AT,
)
NUMBERS = NumberWords(("7XXX",))
ERROR = PlanWarning("equal-name", "local is\nnot added")


def copy(route: Route, more: str = "") -> Route:
    """The copy of a route that a reorder makes."""
    return replace(route, name=f"{route.name}~pbxsync{more}")


def behind(
    name: str, *numbers: str, match: tuple[str, ...] = (), but_not: tuple[str, ...] = (), words: NumberWords = NUMBERS
) -> Behind:
    return Behind(name, numbers or ("7XXX",), match, but_not, NumberWords(numbers) if numbers else words)


def move(*why: Behind, others: int = 0) -> Change:
    """A move of REST that begins with this run."""
    rename = Change(Action.UPDATE, copy(REST), REST, (FieldChange("name", "rest~pbxsync", "rest"),))
    how = Move(Change(Action.ADD, None, copy(REST)), (DELETE,), rename, why, others)
    return Change(Action.MOVE, REST, REST, id="7", location=AT, move=how)


def plan(*changes: Change, **more: object) -> Plan:
    # Without an impact, so that each line is one that the tests are about.
    return replace(Plan("hq.yaml", "https://192.0.2.10", "hq", "live", changes, impact=()), **more)  # type: ignore[arg-type]


def lines(made: Plan, paint: Paint | None = None) -> list[str]:
    return plan_text(made, paint or Paint()).splitlines()


def line(change: Change) -> str:
    """The one line of a change."""
    _, only, *_ = lines(plan(change))
    return only


# --- problems ---


def test_a_problem_is_one_line_with_its_place_its_severity_and_its_rule() -> None:
    problems = [
        Problem(AT, "routes[0].name", Severity.ERROR, "not-text", "011 is\na number"),
        Problem(replace(AT, line=9), "", Severity.WARNING, "dead", "never reached"),
    ]
    assert problem_lines(problems) == (
        "hq.yaml:3:5: error: 011 is\\na number [not-text]\nhq.yaml:9:5: warning: never reached [dead]\n"
    )
    assert problem_lines([]) == ""


# --- plans: head, sum, what is between ---


@pytest.mark.parametrize(
    ("more", "head"),
    [
        ({}, "hq.yaml → https://192.0.2.10 (hq), live"),
        ({"pbx_name": None, "known_state": "a\nb.json"}, "hq.yaml → https://192.0.2.10, known from a\\nb.json"),
        ({"pbx_url": None, "pbx_name": None}, "hq.yaml → no PBX named, live"),
    ],
)
def test_the_first_line_says_which_file_goes_to_which_pbx_and_by_what_it_is_known(
    more: dict[str, str | None], head: str
) -> None:
    assert lines(plan(**more))[0] == head


@pytest.mark.parametrize(
    ("made", "last"),
    [
        (plan(unchanged=2, unmanaged=("x",)), "Nothing to do: 2 unchanged, 1 unmanaged."),
        (plan(ignored=("x", "y")), "Nothing to do: 0 unchanged, 0 unmanaged, 2 ignored."),
        (
            plan(blocked=("x",), failures=(ERROR,)),
            "Nothing that can be done, because of 1 error: 0 unchanged, 0 unmanaged, 1 left alone.",
        ),
        (
            plan(ADD, UPDATE, move(), move(), blocked=("x", "y"), failures=(ERROR, ERROR)),
            "Plan: 1 to add, 1 to update, 0 to delete, 2 to move; 0 unchanged, 0 unmanaged, 2 left alone. 2 errors: "
            "see above.",
        ),
        (
            plan(refusals=(ERROR,)),
            "Refused: apply sends nothing of this plan, because of 1 error; 0 unchanged, 0 unmanaged.",
        ),
        (
            plan(ADD, refusals=(ERROR, ERROR), failures=(ERROR,), in_doubt=(Doubt(ADD, "reset"),)),
            "Refused: apply sends nothing of this plan, because of 3 errors; 0 unchanged, 0 unmanaged.",
        ),
        (
            plan(ADD, in_doubt=(Doubt(ADD, "reset"),)),
            "Nothing of this is sent before what is in doubt (1) is settled: 0 unchanged, 0 unmanaged.",
        ),
    ],
)
def test_the_sum_says_what_is_to_be_done(made: Plan, last: str) -> None:
    assert lines(made)[-1] == last


def test_changes_are_listed_under_each_other_with_what_they_do() -> None:
    made = plan(UPDATE, ADD, move(behind("local")), DELETE)
    assert lines(made)[1:6] == [
        "  ~ update  local",
        '              prepend: "" → "212"',
        "              trunks: [a] → [a, b]",
        "  + add     local  9 | NXXXXXX from 20X, 212 in front → a, b",
        "  ↓ move    rest   must come after local: 7XXX",
    ]
    assert lines(made)[6] == "  - delete  rest   X. → out"


def test_what_is_skipped_is_below_the_changes_and_counts_for_the_width() -> None:
    skipped = replace(UPDATE, after=replace(LOCAL, name="a-long-name"), fields=UPDATE.fields[:1])
    assert lines(plan(DELETE, skipped=(skipped, move(behind("local")))))[1:6] == [
        "  - delete  rest         X. → out",
        "  skipped, because of --add-only:",
        "    ~ update  a-long-name",
        '                prepend: "" → "212"',
        "    ↓ move    rest         must come after local: 7XXX",
    ]


def test_unmanaged_routes_are_named_and_those_with_a_comma_quoted() -> None:
    assert lines(plan(unmanaged=("fax", "a,b", "c\x07")))[1] == '  unmanaged, left as they are: fax, "a,b", c\\x07'


def test_of_warnings_of_one_rule_ten_are_shown_and_the_others_counted() -> None:
    many = [PlanWarning("order", f"number {n}") for n in range(12)]
    made = plan(warnings=(*many[:11], PlanWarning("in-doubt", "look"), many[11]))
    assert lines(made)[1:-1] == [
        *(f"  warning: number {n} [order]" for n in range(10)),
        "  warning: look [in-doubt]",
        "  … and 2 more of this kind; --format json shows them all [order]",
    ]
    assert lines(plan(warnings=tuple(many[:10])))[1:-1] == [f"  warning: number {n} [order]" for n in range(10)]


def test_ignored_routes_are_named() -> None:
    assert lines(plan(ignored=("lab-1", "lab\x07")))[1] == "  ignored, as the file says: lab-1, lab\\x07"


def test_failures_and_refusals_are_errors_below_the_warnings_and_none_is_left_out() -> None:
    failure, refusals = PlanWarning("doubled-on-pbx", "doubled"), [ERROR] * 20
    made = plan(ADD, warnings=(PlanWarning("order", "w"),), failures=(failure,), refusals=tuple(refusals))
    assert lines(made)[3:-1] == [
        "  warning: w [order]",
        "  ✗ error: doubled [doubled-on-pbx]",
        *["  ✗ error: local is\\nnot added [equal-name]"] * 20,
    ]


@pytest.mark.parametrize("name", ["x" * 2_000_000, "~pbxsync" * 250_000])
def test_a_name_of_two_million_characters_is_cut_wherever_it_is_shown(name: str) -> None:
    route = replace(LOCAL, name=name, matchpattern=name, trunks=(name,))
    changes = [ADD, replace(ADD, after=route), replace(UPDATE, after=route), replace(DELETE, before=route)]
    update = replace(UPDATE, after=route, fields=(FieldChange("name", "local", name),))
    made = plan(*changes, update, move(behind(name)), unmanaged=(name,), ignored=(name,), skipped=(update,))
    shown = plan_text(made)
    assert len(shown) < 12_000
    assert f"{name[:200]}…" in shown
    assert len(outcome_line(Outcome(changes[1], Status.FAILED, "no", moving=name))) < 500
    assert len("".join(faults(applied(Outcome(changes[1], Status.FAILED, "no"))))) < 300


def verdict(message: str = "") -> Verdict:
    return Verdict(Claim(AT, "911"), message)


def test_tests_are_summed_up_and_those_that_fail_are_shown_with_their_place() -> None:
    bad = verdict("911 goes\nelsewhere")
    assert lines(plan(tests=(verdict(),)))[-1] == "Tests: 1 test passed."
    assert lines(plan(tests=(verdict(), verdict())))[-1] == "Tests: 2 tests passed."
    assert lines(plan(tests=None))[-1] == "Tests: not run, because of --no-tests."
    assert lines(plan(tests=()))[-1].startswith("Nothing to do: ")
    assert lines(plan(tests=(verdict(), bad)))[1:] == [
        "  ✗ test hq.yaml:3:5: 911 goes\\nelsewhere",
        "Nothing to do: 0 unchanged, 0 unmanaged.",
        "Tests: 1 of 2 fail on what the PBX holds; apply sends nothing.",
    ]
    assert lines(plan(ADD, tests=(bad,)))[-1] == "Tests: 1 of 1 fail on what the PBX will hold; apply sends nothing."


def test_the_impact_is_shown_only_where_something_changes() -> None:
    assert "  No call changes." in lines(plan(ADD))
    assert "  No call changes." not in lines(plan(skipped=(UPDATE,)))


# --- moves ---


def test_a_move_says_after_what_and_for_which_calls() -> None:
    one = behind("branch", "7XXX", "8X.", match=("20X",), but_not=("201",))
    other = behind("world", words=NumberWords(("9X.",), ("911",)))
    assert line(move(one, other)) == (
        "  ↓ move    rest  must come after branch: 7XXX, 8X. from 20X but not 201; world: 9X. (but not 911)"
    )


def test_of_the_routes_that_one_must_come_after_three_are_named_with_all_their_calls_and_the_others_counted() -> None:
    own = [behind(f"r{n}", f"{n}X") for n in range(5)]
    again = behind("r1", "1Z", match=("20X",))
    assert line(move(*own[:3], again)).endswith("r0: 0X; r1: 1X; r2: 2X; r1: 1Z from 20X")
    assert line(move(*own[:4])).endswith("r0: 0X; r1: 1X; r2: 2X; and 1 route more")
    assert line(move(*own, behind("r4", "4Z"), others=80)).endswith("r2: 2X; and 82 routes more")
    assert line(move(*own[:3], others=1)).endswith("r2: 2X; and 1 route more")


def of_an_earlier_run(wanted: list[Route], held: list[Route]) -> str:
    """The line of the one move that completes a reorder."""
    (change,) = differ.plan(desired(wanted), known(held), PlanChoices(reorder=True)).changes
    return line(change)


BRANCH = Route("branch", "7XXX", ("to-branch",))


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (
            [REST, BRANCH, copy(REST)],
            "must come after branch: 7XXX (an earlier run began to move it; deleted: rest; rest~pbxsync gets its name)",
        ),
        (
            [copy(REST), BRANCH, REST],
            "must come after branch: 7XXX (an earlier run began to move it; deleted: rest~pbxsync)",
        ),
        ([BRANCH, REST, copy(REST)], "stays where it is (an earlier run began to move it; deleted: rest~pbxsync)"),
        (
            [replace(REST, trunks=("t",)), BRANCH, copy(REST)],
            "must come after branch: 7XXX (an earlier run began to move it; deleted: rest (X. → t); "
            "rest~pbxsync gets its name)",
        ),
        (
            [copy(REST), copy(REST, "~pbxsync"), BRANCH, copy(REST, "~pbxsync~pbxsync")],
            "must come after branch: 7XXX (an earlier run began to move it; "
            "deleted: rest~pbxsync, rest~pbxsync~pbxsync; rest~pbxsync~pbxsync~pbxsync gets its name)",
        ),
        ([copy(REST), BRANCH], "stays where it is (an earlier run began to move it; rest~pbxsync gets its name)"),
        ([BRANCH, copy(REST)], "stays where it is (an earlier run began to move it; rest~pbxsync gets its name)"),
    ],
)
def test_what_is_left_of_a_move_that_an_earlier_run_began_is_said(held: list[Route], said: str) -> None:
    assert of_an_earlier_run([BRANCH, REST], held) == f"  ↓ move    rest  {said}"


# --- outcomes ---


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Outcome(ADD, Status.APPLIED), "  ✓ applied  add local"),
        (Outcome(DELETE, Status.NOT_ATTEMPTED), "  · not attempted  delete rest"),
        (Outcome(UPDATE, Status.FAILED, "no\nway"), "  ✗ failed  update local: no\\nway"),
        (Outcome(ADD, Status.IN_DOUBT, "reset"), "  ? in doubt  add local: reset"),
        (Outcome(ADD, Status.IN_DOUBT), "  ? in doubt  add local: "),
    ],
)
def test_an_outcome_is_one_line(outcome: Outcome, said: str) -> None:
    assert outcome_line(outcome) == said


def test_the_steps_of_a_move_are_said_in_words() -> None:
    how = move().move
    assert how is not None
    assert how.copy is not None
    assert how.rename is not None
    shown = [
        outcome_line(Outcome(step, Status.APPLIED, moving="rest")) for step in (how.copy, *how.removals, how.rename)
    ]
    assert shown == [
        "  ✓ applied  move rest: add a copy, rest~pbxsync",
        "  ✓ applied  move rest: delete rest where it was",
        "  ✓ applied  move rest: give the copy its name",
    ]
    failed = outcome_line(Outcome(how.rename, Status.FAILED, "refused", moving="re\nst"))
    assert failed == "  ✗ failed  move re\\nst: give the copy its name: refused"


def applied(*outcomes: Outcome, **more: object) -> Applied:
    return replace(Applied(plan(*(outcome.change for outcome in outcomes)), outcomes), **more)  # type: ignore[arg-type]


def test_what_an_apply_came_to_is_summed_up() -> None:
    every = [Outcome(ADD, status) for status in (Status.APPLIED, Status.FAILED, Status.IN_DOUBT, Status.NOT_ATTEMPTED)]
    assert applied_text(applied(*every, every[0])) == ("hq.yaml: 2 applied, 1 failed, 1 in doubt, 1 not attempted.\n")
    done = applied(findings=(Finding("a", "a is\ngone"),), notes=("b too",), error="no answer", interrupted=15)
    assert applied_text(done).splitlines() == [
        "  ✗ a is\\ngone",
        "  note: b too",
        "  error: no answer",
        "hq.yaml: 0 applied, 0 failed, 0 in doubt, 0 not attempted. 1 not as it should be on the PBX; see "
        "above. Interrupted: the rest was not attempted.",
    ]


def test_moves_that_were_begun_and_not_finished_are_summed_up_by_themselves() -> None:
    half, stuck = Outcome(move(), Status.FAILED, HALF_DONE), Outcome(move(), Status.FAILED, STUCK)
    assert applied_text(applied(half, stuck, Outcome(ADD, Status.FAILED, "no"))) == (
        "hq.yaml: 0 applied, 1 failed, 2 begun and not finished, 0 in doubt, 0 not attempted.\n"
    )


def test_each_fault_of_an_apply_is_one_line_with_what_is_left_to_do() -> None:
    waiting = Outcome(ADD, Status.NOT_ATTEMPTED)
    assert faults(applied(Outcome(ADD, Status.APPLIED))) == []
    assert faults(applied(Outcome(ADD, Status.FAILED, "refused"))) == ["add local failed: refused"]
    assert faults(applied(Outcome(ADD, Status.FAILED, "refused"), waiting)) == [
        "add local failed: refused. 1 change not attempted; once that is put right, run again to go on there"
    ]
    assert faults(applied(Outcome(ADD, Status.FAILED, "refused"), waiting, findings=(Finding("a", "a is gone"),))) == [
        "add local failed: refused. 1 change not attempted",
        "a is gone",
    ]
    assert faults(applied(Outcome(DELETE, Status.IN_DOUBT, "reset"))) == ["delete rest is in doubt: reset"]
    assert faults(applied(Outcome(DELETE, Status.IN_DOUBT, "reset"), waiting, waiting)) == [
        "delete rest is in doubt: reset. 2 changes not attempted"
    ]
    assert faults(applied(findings=(Finding("a", "a is gone"),), error="no answer")) == ["a is gone", "no answer"]


def test_a_move_that_failed_says_so_where_nothing_else_waits() -> None:
    assert faults(applied(Outcome(move(), Status.FAILED, "refused"))) == ["move rest failed: refused"]


def test_moves_that_were_begun_and_not_finished_are_one_fault() -> None:
    half = Outcome(move(), Status.FAILED, HALF_DONE)
    other = replace(half, change=replace(move(), after=replace(REST, name="other")))
    failed = Outcome(ADD, Status.FAILED, "refused")
    assert faults(applied(half, failed, other)) == ["add local failed: refused", f"move rest, other: {HALF_DONE}"]
    assert faults(applied(replace(half, error=STUCK), other)) == [
        f"move other: {HALF_DONE}",
        f"move rest: {STUCK}",
    ]


def test_the_sum_over_several_plans_counts_each_kind_and_the_idle_ones() -> None:
    bad = plan(ADD, tests=(verdict("no"),))
    assert totals([plan(ADD, move()), plan(move()), plan()]) == (
        "3 PBXs: 1 to add, 0 to update, 0 to delete, 2 to move; 1 with nothing to do.\n"
    )
    assert totals([bad, plan()]).endswith("; 1 with nothing to do. Tests fail: hq.yaml.\n")
    wrong = plan(refusals=(ERROR,), pbx_name=None, file="a\nb.yaml"), plan(failures=(ERROR,))
    assert totals([*wrong, plan(), bad]).endswith(
        "; 1 with nothing to do. With errors: a\\nb.yaml, hq.yaml. Tests fail: hq.yaml.\n"
    )


def test_things_are_counted_in_words() -> None:
    assert [counted(n, "copy", "copies") for n in (0, 1, 2)] == ["0 copies", "1 copy", "2 copies"]
    assert [counted(n, "route") for n in (0, 1, 2)] == ["0 routes", "1 route", "2 routes"]


# --- colour and hostile names ---


def test_colour_changes_no_word() -> None:
    made = plan(
        UPDATE,
        ADD,
        DELETE,
        move(behind("local")),
        unmanaged=("x",),
        ignored=("y",),
        warnings=tuple(PlanWarning("order", "w") for _ in range(11)),
        refusals=(ERROR,),
        tests=(verdict("no"),),
    )
    coloured = "\n".join(lines(made, Paint(on=True)))
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == "\n".join(lines(made))
    for sign in ("\x1b[32m+ add", "\x1b[33m~ update", "\x1b[31m- delete", "\x1b[33m↓ move"):
        assert sign in coloured


ANY = st.text(st.characters(exclude_categories=()), max_size=6)
ROUTES = st.builds(Route, ANY, ANY, st.lists(ANY, max_size=2).map(tuple), prefix=ANY, prepend=ANY, callerid=ANY)
MOVES = st.builds(
    lambda route, old, why: Change(
        Action.MOVE,
        route,
        route,
        move=Move(None, (Change(Action.DELETE, old, None),), Change(Action.UPDATE, old, route), why),
    ),
    ROUTES,
    ROUTES,
    st.lists(
        st.builds(Behind, ANY, st.just(("X",)), st.tuples(ANY), st.tuples(ANY), st.builds(NumberWords, st.tuples(ANY))),
        max_size=2,
    ).map(tuple),
)


@given(MOVES, ANY)
def test_whatever_routes_are_called_a_move_is_one_line_that_acts_on_no_terminal(change: Change, text: str) -> None:
    shown = [
        line(change),
        outcome_line(Outcome(change, Status.FAILED, text)),
        outcome_line(Outcome(change, Status.APPLIED, moving=text)),
    ]
    for one in shown:
        assert not {unicodedata.category(char)[0] for char in one} & {"C"}
    assert len(lines(plan(change))) == 4
