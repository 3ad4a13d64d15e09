"""Plans as Markdown: what a reader sees of them, in what order, names that would act there, and what is left out."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pbxsync.model import (
    Action,
    Behind,
    CallExample,
    CallPath,
    Change,
    Claim,
    Doubt,
    FieldChange,
    Impact,
    Location,
    Move,
    NumberWords,
    Plan,
    PlanWarning,
    Problem,
    Route,
    Severity,
    Verdict,
)
from pbxsync.render.markdown import LEAST, plans_markdown
from pbxsync.render.markdown_text import code, prose
from pbxsync.text import printable
from tests.markdown_page import Page, Piece
from tests.share import examples

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
)
BEHIND = Behind("local", ("7XXX",), ("20X",), ("201",), NumberWords(("7XXX",), ("7000",)))
A, B = CallPath("r", ("a",), "", 0), CallPath("s", ("b", "c"), "", 0)
#: Each means something to GitHub or GitLab where it stands in text, ends a span or a cell, or is an odd value.
NASTY = [
    "@someone",
    "@example/team",
    "http://example.com",
    "https://example.com/a|b",
    "www.example.com",
    "someone@example.com",
    "mailto:someone@example.com",
    "#123",
    "GH-123",
    "owner/repo#1",
    "owner/repo@deadbeef",
    "deadbeef",
    "defaced",
    "0123456789abcdef0123456789abcdef01234567",
    ":smile:",
    ":+1:",
    "<script>alert(1)</script>",
    "<b>",
    "</code>",
    "</details>",
    "</td></tr></table>",
    "<!--",
    "-->",
    "&lt;b&gt; &#64; &amp;",
    "`",
    "``",
    "` `",
    "`a`",
    "a`",
    "`" * 81,
    "".join("`" * n + "a" for n in range(1, 15)),
    "|",
    "a | b",
    "\\|",
    "\\\\|",
    "|\\",
    "\\",
    "\\`",
    "*a*",
    "**a**",
    "_a_",
    "~~a~~",
    "$x^2$",
    "$`x`$",
    "$$",
    "[a](http://example.com)",
    "![a](http://example.com/a.png)",
    "[^1]",
    "[^1]: note",
    "[ ] task",
    "- [x] task",
    "> quote",
    "# heading",
    "---",
    "===",
    "1. one",
    "/close",
    "!12",
    "%1",
    "~label",
    "&1",
    "{+ added +}",
    "[[_TOC_]]",
    "a\nb",
    "\n\n</details>\n\n# x",
    "\t",
    "\x00\x1b[31m",
    "\ud800",
    "\u202egnp",
    "\u00a0",
    "",
    " ",
    "   ",
    " a ",
    "a  b",
    "::error::x",
    "##[error]x",
    "{}",
    "{0}",
    "%s",
    "x" * 5000,
    "|" * 5000,
    "\x00" * 5000,
    "Ä ☎ \U0001f4de",
]
TEXTS = (
    st.sampled_from(NASTY)
    | st.lists(st.sampled_from([*NASTY, "a", " ", ":", "."]), min_size=1, max_size=4).map("".join)
    | st.text(st.characters(exclude_categories=()), max_size=12)
    | st.text("`|\\ a@<", max_size=10)
)
SEVERAL = st.lists(TEXTS, max_size=3).map(tuple)
ROUTES = st.builds(Route, TEXTS, TEXTS, SEVERAL, TEXTS, TEXTS, TEXTS)
VALUES = TEXTS | SEVERAL
LOCATIONS = st.builds(Location, TEXTS, st.integers(1, 9), st.integers(1, 9))
WORDS = st.builds(NumberWords, SEVERAL, SEVERAL)
BEHINDS = st.lists(st.builds(Behind, TEXTS, SEVERAL, SEVERAL, SEVERAL, WORDS), max_size=2).map(tuple)
ADDS = ROUTES.map(lambda route: Change(Action.ADD, None, route))
DELETES = ROUTES.map(lambda route: Change(Action.DELETE, route, None))
UPDATES = st.builds(
    Change,
    st.just(Action.UPDATE),
    ROUTES,
    ROUTES,
    st.lists(st.builds(FieldChange, TEXTS, VALUES, VALUES), min_size=1, max_size=2).map(tuple),
)
MOVES = st.builds(
    lambda route, *how: Change(Action.MOVE, route, route, move=Move(*how)),
    ROUTES,
    st.none() | ADDS,
    st.lists(DELETES, max_size=2).map(tuple),
    st.none() | UPDATES,
    BEHINDS,
    st.integers(0, 2),
)
CHANGES = st.lists(ADDS | DELETES | UPDATES | MOVES, max_size=3).map(tuple)
PATHS = st.none() | st.builds(CallPath, TEXTS, SEVERAL, TEXTS, st.integers(0, 3))
EXAMPLES = st.builds(CallExample, TEXTS, st.none() | TEXTS, st.none() | TEXTS, st.none() | TEXTS)
IMPACTS = st.lists(st.builds(Impact, SEVERAL, SEVERAL, SEVERAL, PATHS, PATHS, EXAMPLES, WORDS), max_size=3).map(tuple)
SAID = st.lists(st.builds(PlanWarning, TEXTS, TEXTS), max_size=2).map(tuple)
PLANS = st.builds(
    Plan,
    file=TEXTS,
    pbx_url=st.none() | TEXTS,
    pbx_name=st.none() | TEXTS,
    known_state=TEXTS,
    changes=CHANGES,
    unmanaged=SEVERAL,
    blocked=SEVERAL,
    skipped=CHANGES,
    in_doubt=st.lists(st.builds(Doubt, ADDS, TEXTS), max_size=2).map(tuple),
    ignored=SEVERAL,
    warnings=SAID,
    refusals=SAID,
    failures=SAID,
    impact=st.none() | IMPACTS,
    tests=st.none() | st.lists(st.builds(Verdict, st.builds(Claim, LOCATIONS, TEXTS), TEXTS), max_size=2).map(tuple),
)
PROBLEMS = st.lists(st.builds(Problem, LOCATIONS, TEXTS, st.sampled_from(Severity), TEXTS, TEXTS), max_size=2)
ERRORS = st.lists(st.tuples(st.none() | TEXTS, TEXTS), max_size=2)


def move(*why: Behind, others: int = 0) -> Change:
    """A move of REST that begins with this run."""
    copied = replace(REST, name="rest~pbxsync")
    how = Move(Change(Action.ADD, None, copied), (DELETE,), Change(Action.UPDATE, copied, REST), why, others)
    return Change(Action.MOVE, REST, REST, move=how)


def calls(before: CallPath | None, after: CallPath | None, *patterns: str, **more: object) -> Impact:
    sends = [None if path is None else path.prepend + "95"[path.strip :] for path in (before, after)]
    shown = CallExample("95", None, sends[0], sends[1])
    entry = Impact(patterns, (), (), before, after, shown, NumberWords(patterns or ("9X.",)))
    return replace(entry, **more)  # type: ignore[arg-type]


def plan(*changes: Change, file: str = "hq.yaml", **more: object) -> Plan:
    return replace(Plan(file, "https://192.0.2.10", "hq", "live", changes, impact=()), **more)  # type: ignore[arg-type]


def many(count: int, file: str = "hq.yaml", name: str = "") -> Plan:
    """A plan of so many changes, kinds of calls, and warnings."""
    return plan(
        *(Change(Action.ADD, None, replace(LOCAL, name=f"{name}r{n}")) for n in range(count)),
        file=file,
        impact=tuple(calls(None, replace(A, trunks=(f"{name}t{n}",)), f"{n}X") for n in range(count)),
        warnings=tuple(PlanWarning("order", f"{name}r{n} is below") for n in range(count)),
    )


def page(*plans: Plan, **more: object) -> Page:
    return Page(plans_markdown(plans, **more))  # type: ignore[arg-type]


def cells(table: list[list[Piece]]) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table]


def shown(text: str) -> str:
    """What is seen of a value."""
    return printable(text)[:120]


# --- what is said, and where ---


def test_the_sentence_that_matters_comes_first_and_what_keeps_it_from_happening_with_it() -> None:
    bad = Verdict(Claim(AT, "911"), "911 goes to rest")
    good = Verdict(Claim(AT, "912"))
    said = page(plan(ADD, in_doubt=(Doubt(ADD, "reset"),), tests=(bad, good))).texts("p")[0]
    assert said == (
        "Adds 1 route; no call goes elsewhere. Nothing is sent before what is in doubt (1) is settled. "
        "1 of 2 tests fails; apply sends nothing."
    )
    assert page(plan(ADD, tests=(bad, bad))).texts("p")[0].endswith("2 of 2 tests fail; apply sends nothing.")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"unchanged": 2, "unmanaged": ("x",)}, "hq.yaml → https://192.0.2.10 (hq), live; 2 unchanged, 1 unmanaged."),
        (
            {"pbx_url": None, "pbx_name": None, "known_state": "hq.json", "tests": None},
            "hq.yaml → no PBX named, known from hq.json; 0 unchanged, 0 unmanaged. Tests were not run (--no-tests).",
        ),
        (
            {"tests": (Verdict(Claim(AT, "911")),)},
            "hq.yaml → https://192.0.2.10 (hq), live; 0 unchanged, 0 unmanaged. 1 test passed.",
        ),
    ],
)
def test_then_it_is_said_which_file_goes_to_which_pbx_by_what_it_is_known_and_what_stays(
    more: dict[str, object], said: str
) -> None:
    assert page(plan(ADD, file="hq.yaml", **more)).texts("p")[1] == said


def test_calls_that_go_elsewhere_are_a_table_with_the_gravest_first() -> None:
    shown_page = page(
        plan(
            ADD,
            impact=(
                calls(None, A, "8X", "7X"),
                calls(A, B, match=("20X", "2XX"), but_not=("201",), example=CallExample("95", "205", "95", "95")),
                calls(A, replace(A, strip=1), words=NumberWords(("9X.",), ("911",)), but_not=("30X",)),
                calls(A, replace(A, strip=2), "6X"),
                calls(None, replace(A, prepend="0"), "5X"),
                calls(replace(A, trunks=()), None, "911"),
            ),
        )
    )
    assert cells(shown_page.tables[0]) == [
        ["Numbers", "Callers", "Before", "After", "Example"],
        ["911", "all", "no trunk", "not routed", "95"],
        ["9X.", "20X and 2XX but not 201", "a", "b, c", "95 from 205"],
        ["9X. (but not 911)", "all but 30X", "a", "a", "95, sent as 5, was 95"],
        ["6X", "all", "a", "a", "95, sent as empty, was 95"],
        ["8X, 7X", "all", "not routed", "a", "95"],
        ["5X", "all", "not routed", "a", "95, sent as 095"],
    ]


def test_each_field_of_a_change_is_a_row_and_a_move_says_why() -> None:
    shown_page = page(plan(UPDATE, ADD, move(BEHIND, others=2), DELETE))
    assert shown_page.texts("summary") == ["4 changes"]
    assert cells(shown_page.tables[0]) == [
        ["Change", "Route", "Field", "Before", "After"],
        ["~ update", "local", "prepend", "empty", "212"],
        ["", "", "trunks", "a", "a, b"],
        ["+ add", "local", "prefix", "", "9"],
        ["", "", "matchpattern", "", "NXXXXXX"],
        ["", "", "prepend", "", "212"],
        ["", "", "callerid", "", "20X"],
        ["", "", "trunks", "", "a, b"],
        [
            "↓ move",
            "rest",
            "place",
            "",
            "must come after local: 7XXX (but not 7000) from 20X but not 201; and 2 more",
        ],
        ["- delete", "rest", "matchpattern", "X.", ""],
        ["", "", "trunks", "out", ""],
    ]


def why(change: Change) -> str:
    return page(plan(change)).tables[0][1][4].text


def test_of_a_move_three_routes_are_named_and_the_others_counted() -> None:
    five = [replace(BEHIND, route=name, match=(), but_not=()) for name in "abcde"]
    assert why(move(*five)) == (
        "must come after a: 7XXX (but not 7000); b: 7XXX (but not 7000); c: 7XXX (but not 7000); and 2 more"
    )
    everybody_else = replace(BEHIND, match=(), but_not=("20X",))
    assert why(move(everybody_else)) == "must come after local: 7XXX (but not 7000) from callers other than 20X"


def test_of_a_move_that_an_earlier_run_began_it_is_said_what_is_left_to_do() -> None:
    begun = move().move
    assert begun is not None
    old = replace(DELETE, before=replace(REST, name="rest~pbxsync", trunks=("old",)))
    half = Change(Action.MOVE, REST, REST, move=replace(begun, copy=None, removals=(DELETE, old)))
    assert why(half) == (
        "stays where it is (an earlier run began to move it; deleted: rest, rest~pbxsync (trunks old); "
        "rest~pbxsync gets its name)"
    )


def test_errors_warnings_doubts_failing_tests_and_what_is_left_alone_are_all_said() -> None:
    shown_page = page(
        plan(
            ADD,
            warnings=(
                PlanWarning("order", "rest takes 9011X. from 20X, too"),
                PlanWarning("meanwhile", "for a moment"),
            ),
            in_doubt=(Doubt(DELETE, "connection reset"), Doubt(ADD, "timed out")),
            tests=(Verdict(Claim(AT, "911"), "911 goes to rest"), Verdict(Claim(replace(AT, line=9), "1"), "no route")),
            unmanaged=("fax", "a,b"),
            ignored=("lab-1", "lab-2"),
            blocked=("twice",),
            skipped=(UPDATE, DELETE),
            refusals=(PlanWarning("equal-name", "local is not added"),),
            failures=(PlanWarning("doubled-on-pbx", "the PBX has 2 routes called twice"),),
        )
    )
    assert shown_page.texts("li") == [
        "local is not added [equal-name]",
        "the PBX has 2 routes called twice [doubled-on-pbx]",
        "rest takes 9011X. from 20X, too [order]",
        "for a moment [meanwhile]",
        "delete rest: connection reset",
        "add local: timed out",
        "hq.yaml:3:5: 911 goes to rest",
        "hq.yaml:9:5: no route",
    ]
    assert shown_page.texts("p")[1:] == [
        "hq.yaml → https://192.0.2.10 (hq), live; 0 unchanged, 2 unmanaged, 2 ignored.",
        "Errors:",
        "Warnings:",
        "In doubt:",
        "Failing tests:",
        "Left alone, see the errors: twice.",
        "Unmanaged, left as they are: fax, a,b.",
        "Ignored, as the file says: lab-1, lab-2.",
    ]
    assert shown_page.texts("summary") == ["1 change", "2 changes skipped, because of --add-only"]
    assert [row[1].text for row in shown_page.tables[1][1:] if row[1].text] == ["local", "rest"]


def test_errors_come_before_the_calls_that_go_elsewhere_and_the_first_line_counts_them() -> None:
    error = PlanWarning("equal-name", "local is not added")
    refused = page(plan(ADD, refusals=(error, error), failures=(error,), impact=(calls(A, B),)))
    assert refused.texts("p")[0] == "Adds 1 route; 1 kind of call is routed otherwise. 3 errors; apply sends nothing."
    assert refused.texts("p")[2:] == ["Errors:", "Calls that go elsewhere:"]
    failed = page(plan(failures=(error,)))
    assert failed.texts("p")[0] == "Changes nothing. 1 error; see below."
    assert failed.texts("li") == ["local is not added [equal-name]"]


def test_errors_and_problems_come_before_the_plans_with_errors_before_warnings() -> None:
    problems = [
        Problem(AT, "", Severity.WARNING, "unreachable", "local takes no call"),
        Problem(replace(AT, line=9), "", Severity.ERROR, "not-text", 'write "011"'),
    ]
    errors = [("x.yaml", "no such file"), (None, "no PBX named")]
    shown_page = page(plan(ADD, warnings=(PlanWarning("order", "look"),)), problems=problems, errors=errors)
    assert shown_page.texts("li") == [
        "x.yaml: no such file",
        "no PBX named",
        'hq.yaml:9:5: error: write "011" [not-text]',
        "hq.yaml:3:5: warning: local takes no call [unreachable]",
        "look [order]",
    ]
    assert shown_page.texts("p")[:3] == [
        "Adds 1 route; no call goes elsewhere.",
        "Not planned, because of 2 errors:",
        "In the files: 1 error and 1 warning:",
    ]


def test_where_nothing_could_be_planned_it_is_said_so() -> None:
    assert page(errors=[("hq.yaml", "no such file")]).texts("p")[0] == "Nothing is planned."


def test_a_pbx_on_which_nothing_changes_is_one_line_and_so_are_forty() -> None:
    forty = [plan(file=f"{n}.yaml", unmanaged=("fax", "door") if n == 3 else ()) for n in range(40)]
    text = plans_markdown([plan(ADD), *forty])
    assert f"No changes on 40 PBXs: `0.yaml`, `1.yaml`, `2.yaml`, `3.yaml` (2 unmanaged), `4.yaml`" in text  # noqa: F541
    assert "\n**1 of 41 PBXs changes: adds 1 route; no call goes elsewhere.**\n" in text
    assert Page(text).texts("h3") == ["hq.yaml"]
    assert plans_markdown([plan(unchanged=5)]) == (
        "<!-- pbxsync:plan -->\n\n**Changes nothing.**\n\n"
        "`hq.yaml` → `https://192.0.2.10` (`hq`), live; 5 unchanged, 0 unmanaged.\n"
    )


@pytest.mark.parametrize(
    "more",
    [
        {"warnings": (PlanWarning("order", "look here"),)},
        {"skipped": (DELETE,)},
        {"blocked": ("twice",)},
        {"in_doubt": (Doubt(ADD, "reset"),)},
        {"refusals": (PlanWarning("equal-name", "local is not added"),)},
        {"failures": (PlanWarning("doubled-on-pbx", "local is there twice"),)},
        {"tests": (Verdict(Claim(AT, "911"), "911 goes to rest"),)},
    ],
)
def test_a_pbx_that_does_not_change_has_a_section_where_there_is_something_to_say_of_it(
    more: dict[str, object],
) -> None:
    shown_page = page(plan(ADD, file="a.yaml"), plan(file="b.yaml", **more))
    assert shown_page.texts("h3") == ["a.yaml", "b.yaml"]


def test_the_total_of_several_pbxs_counts_those_with_errors_in_doubt_and_with_failing_tests() -> None:
    failing = plan(tests=(Verdict(Claim(AT, "911"), "911 goes to rest"),))
    said = page(plan(ADD, in_doubt=(Doubt(ADD, "reset"),)), failing, failing).texts("p")[0]
    assert said == (
        "1 of 3 PBXs changes: adds 1 route; no call goes elsewhere. Something is in doubt on 1 PBX. "
        "Tests fail for 2 PBXs."
    )
    error = PlanWarning("equal-name", "local is not added")
    said = page(plan(refusals=(error,)), plan(failures=(error,)), plan(), failing).texts("p")[0]
    assert said == "Changes nothing on 4 PBXs. There are errors on 2 PBXs. Tests fail for 1 PBX."


# --- the marker ---


def test_the_first_line_is_a_hidden_marker() -> None:
    assert plans_markdown([]).splitlines()[0] == "<!-- pbxsync:plan -->"
    assert plans_markdown([], marker="hq/routes.yaml").splitlines()[0] == "<!-- pbxsync:plan hq/routes.yaml -->"


@given(TEXTS, TEXTS)
@example("-->", "--")
@example("---", "-%2D")
def test_no_marker_ends_its_comment_and_two_are_told_apart(one: str, other: str) -> None:
    first = [plans_markdown([], marker=marker).splitlines()[0] for marker in (one, other)]
    for line in first:
        assert re.fullmatch(r"<!-- pbxsync:plan( \S+)? -->", line)
        assert line.isascii()
        (comment,) = Page(line).comments
        assert "--" not in comment
    assert one == other or first[0] != first[1] or max(map(len, first)) > 200


# --- names that would act ---

#: What GitHub or GitLab makes something of where it stands in text.
ACTS = re.compile(
    r"@|\w#|#\w|GH-|://|www\.\S|[`|<>$\[\]{}\\*~^!&%=]|:\S*\w:|\b(?=[0-9a-f]*\d|[a-f]{7})[0-9a-f]{7,}\b|_\w",
    re.IGNORECASE,
)
TAGS = {
    "p",
    "strong",
    "em",
    "h3",
    "ul",
    "li",
    "code",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "details",
    "summary",
}


def holds(shown_page: Page) -> None:
    """Hold the page against what no name may do."""
    assert shown_page.tags <= TAGS
    assert shown_page.attributes == []
    assert shown_page.open == []
    assert ACTS.search(shown_page.outside.replace("--add-only", "").replace("--no-", "")) is None
    assert all(len(row) == 5 for table in shown_page.tables for row in table)
    assert len(shown_page.comments) == 1


@given(st.lists(PLANS, max_size=2), PROBLEMS, ERRORS)
@settings(max_examples=examples(150), deadline=None)
def test_no_name_becomes_anything_but_text_in_code(
    plans: list[Plan], problems: list[Problem], errors: list[tuple[str | None, str]]
) -> None:
    text = plans_markdown(plans, problems, errors)
    shown_page = Page(text)
    holds(shown_page)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert not re.search(r"[ \t]$", text, re.MULTILINE)
    assert max(map(len, re.findall("`+", re.sub(r"\\|\||[^`]", " ", text))), default=0) <= 120
    details = [change for one in plans for changes in (one.changes, one.skipped) for change in changes]
    assert len(shown_page.texts("li")) == len(problems) + len(errors) + sum(
        len(one.refusals) + len(one.failures) + len(one.warnings) + len(one.in_doubt) + len(one.failed_tests)
        for one in plans
    )
    heads = [row for table in shown_page.tables if table[0][0].text == "Change" for row in table[1:] if row[0].text]
    assert [row[1].codes or ["empty"] for row in heads] == [[shown(change.name) or "empty"] for change in details]


@given(TEXTS, TEXTS, TEXTS, TEXTS)
@settings(max_examples=examples(300), deadline=None)
def test_a_table_has_the_very_values_in_the_right_cells(name: str, before: str, after: str, trunk: str) -> None:
    fields = (FieldChange("prefix", before, after), FieldChange("trunks", (trunk, trunk), ()))
    entry = calls(A, replace(A, trunks=(trunk, after)), name, match=(before,))
    shown_page = page(plan(replace(UPDATE, fields=fields, after=replace(LOCAL, name=name)), impact=(entry,)))
    impact, changes = shown_page.tables
    assert [cell.codes for cell in impact[1]] == [
        values(name),
        values(before),
        ["a"],
        values(trunk, after),
        ["95"],
    ]
    assert [[cell.codes for cell in row] for row in changes[1:]] == [
        [["~"], values(name), ["prefix"], values(before), values(after)],
        [[], [], ["trunks"], values(trunk, trunk), []],
    ]


def values(*texts: str) -> list[str]:
    """The code spans of these values."""
    return [shown(text) for text in texts if text]


@given(TEXTS)
@settings(max_examples=examples(300), deadline=None)
def test_a_value_is_one_code_span_with_a_fence_that_github_knows(text: str) -> None:
    made = code(text or "x")
    only = Page(f"{made}\n")
    assert only.pieces["p"][0].codes == [shown(text or "x")]
    fence = re.match("`+", made)
    assert fence is not None
    assert len(fence[0]) <= 80


@given(TEXTS)
@settings(max_examples=examples(300), deadline=None)
def test_a_message_keeps_its_words_and_no_more_than_plain_words_are_outside_of_code(text: str) -> None:
    made = Page(f"a {prose(text)}\n")
    assert made.tags <= {"p", "code", "em"}
    assert ACTS.search(made.outside) is None
    if len(printable(text)) <= 1000 and text.strip(" "):
        assert made.texts("p")[0].split() == f"a {printable(text)}".split()


@pytest.mark.parametrize(
    ("message", "made"),
    [
        ("international will be below rest on the PBX", "international will be below rest on the PBX"),
        ("rest takes 9011X. (such as 90116789234); look", "rest takes `9011X.` (such as `90116789234`); look"),
        ("goes to rest (X.) instead", "goes to rest (`X.`) instead"),
        ("rest (but not 9XX) doesn't", "rest (but not `9XX`) doesn't"),
        ("9X. 8X. from 201", "`9X. 8X.` from `201`"),
        ("use --reorder, which moves", "use `--reorder`, which moves"),
        ("it was added, then defaced", "it was added, then `defaced`"),
        ("(a)(b) :) , ; look", "`(a)(b) :) ,` `;` look"),
        ("rest (9X. 8X.), or 9(1): look", "rest (`9X. 8X.`), or `9(1)`: look"),
        ("", "_no message_"),
        ("  ", "_no message_"),
        ("a" * 1200, f"{'`' + 'a' * 1000 + '`'}… (cut, 1200 characters)"),
    ],
)
def test_in_a_message_what_is_more_than_a_word_is_in_code_without_the_sentence_s_own_signs(
    message: str, made: str
) -> None:
    assert prose(message) == made


# --- what is left out ---


def test_what_fits_is_shown_whole_to_the_last_character() -> None:
    made = [many(60, "a.yaml"), many(60, "b.yaml")]
    whole = plans_markdown(made, limit=10**6)
    assert "not shown" not in whole
    assert plans_markdown(made, limit=len(whole)) == whole
    assert "Not all of it fits here." in plans_markdown(made, limit=len(whole) - 1)


def rows_of_changes(text: str) -> list[int]:
    """How many changes each table of changes shows."""
    return [sum(row[0].text != "" for row in table[1:]) for table in Page(text).tables if table[0][0].text == "Change"]


def test_details_are_left_out_from_the_last_to_the_first_and_before_anything_else() -> None:
    made = [replace(many(20, f"{name}.yaml"), impact=(calls(A, B),)) for name in "abc"]
    whole = plans_markdown(made, limit=10**6)
    assert rows_of_changes(whole) == [20, 20, 20]
    less = plans_markdown(made, limit=len(whole) - 1500)
    first, second, third = rows_of_changes(less)
    assert (first, second) == (20, 20)
    assert 0 < third < 20
    assert f"… and {20 - third} more." in less
    least = plans_markdown(made, limit=len(whole) - 3 * 20 * 150)
    assert rows_of_changes(least)[0] in range(1, 20)
    assert least.count("\n20 changes, not shown here.\n") == 2
    for text in (less, least):
        assert Page(text).texts("li") == Page(whole).texts("li")
        assert Page(text).texts("h3") == ["a.yaml", "b.yaml", "c.yaml"]
        assert Page(text).texts("p")[-1] == (
            "Not all of it fits here. pbxsync plan and pbxsync plan --format json show everything."
        )


def test_where_that_is_not_enough_long_tables_and_lists_are_cut_and_each_pbx_keeps_some_rows() -> None:
    made = [many(500, f"{n}.yaml") for n in range(40)]
    text = plans_markdown(made)
    assert len(text) <= 65_000
    shown_page = Page(text)
    holds(shown_page)
    assert len(shown_page.texts("h3")) == 40
    assert rows_of_changes(text) == []
    assert text.count("\n500 changes, not shown here.\n") == 40
    impact = [len(table) - 1 for table in shown_page.tables]
    assert len(impact) == 40
    assert min(impact) >= 3
    assert len(shown_page.texts("li")) >= 3 * 40


def test_failures_are_kept_where_warnings_are_cut() -> None:
    failing = tuple(Verdict(Claim(AT, f"{n}"), f"{n} goes to rest") for n in range(30))
    doubts = tuple(Doubt(DELETE, f"reset {n}") for n in range(30))
    errors = tuple(PlanWarning("equal-name", f"r{n} is not added") for n in range(30))
    text = plans_markdown([replace(many(2000), tests=failing, in_doubt=doubts, refusals=errors)], limit=10_000)
    assert all(f"`r{n}` is not added" in text for n in range(30))
    assert all(f"`{n}` goes to rest" in text for n in range(30))
    assert all(f"reset `{n}`" in text for n in range(30))
    assert re.search(r"\n… and \d+ more\.\n", text)


LONG = "|`@" * 1700
WRONG = PlanWarning("equal-name", LONG)


@pytest.mark.parametrize(
    "made",
    [
        [many(5000)],
        [many(300, name=LONG)],
        [many(1, f"{n}{LONG}", LONG) for n in range(400)],
        [plan(file=f"{n}{LONG}") for n in range(1000)],
        [plan(ADD), *(plan(file=f"{n}.yaml") for n in range(20_000))],
        [plan(unmanaged=(LONG,) * 2000, blocked=("x",) * 20_000, skipped=(UPDATE,) * 2000)],
        [plan(Change(Action.ADD, None, replace(LOCAL, trunks=(LONG,) * 5000)))] * 2,
        [plan(ADD, impact=(calls(A, B, *[LONG] * 5000, match=(LONG,) * 5000, but_not=(LONG,) * 5000),))],
        [plan(replace(UPDATE, fields=(FieldChange("prefix", LONG, LONG),) * 1000))],
        [plan(move(*[BEHIND] * 5000, others=9))],
        [plan(ignored=(LONG,) * 2000, refusals=(WRONG,) * 2000, failures=(WRONG,) * 2000)] * 2,
    ],
    ids=[
        "changes",
        "names",
        "pbxs",
        "idle",
        "small-idle",
        "listed",
        "trunks",
        "patterns",
        "fields",
        "behind",
        "errors",
    ],
)
def test_the_limit_is_kept_whatever_the_plans_are(made: list[Plan]) -> None:
    problems = [Problem(AT, "", Severity.ERROR, "not-text", LONG)] * 300
    for limit in (LEAST, 65_000):
        for more in ({}, {"problems": problems, "errors": [(LONG, LONG)] * 300, "marker": LONG}):
            text = plans_markdown(made, limit=limit, **more)  # type: ignore[arg-type]
            assert len(text) <= limit
            assert text.endswith("\n")
            holds(Page(text))


@given(st.lists(PLANS, max_size=3), PROBLEMS, ERRORS, st.integers(LEAST, 20_000))
@settings(max_examples=examples(100), deadline=None)
def test_cut_anywhere_it_is_within_the_limit_and_no_name_acts(
    plans: list[Plan], problems: list[Problem], errors: list[tuple[str | None, str]], limit: int
) -> None:
    text = plans_markdown(plans, problems, errors, limit=limit)
    assert len(text) <= limit
    holds(Page(text))


def test_pbxs_for_which_there_is_no_room_at_all_are_counted() -> None:
    text = plans_markdown([many(1, f"{n}.yaml") for n in range(500)])
    sections = len(Page(text).texts("h3"))
    assert 50 < sections < 500
    assert f"Not all of it fits here. {500 - sections} PBXs left out whole." in text


def test_a_limit_that_nothing_fits_into_is_refused() -> None:
    with pytest.raises(ValueError, match="plans don't fit into 2999 characters: the limit must be 3000 or more"):
        plans_markdown([], limit=LEAST - 1)


@given(st.lists(PLANS, max_size=2))
@settings(max_examples=examples(30), deadline=None)
def test_the_same_plans_give_the_same_text(plans: list[Plan]) -> None:
    assert plans_markdown(plans) == plans_markdown(list(plans))
