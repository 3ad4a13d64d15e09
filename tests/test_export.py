"""Known routes → a file: the same text each time, and it plans to nothing whatever the PBX holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pbxsync.differ import plan
from pbxsync.document import parse
from pbxsync.export import export
from pbxsync.model import KnownRoute, KnownState, PlanChoices, Route
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
# Few odd texts are a pattern that takes a number, but any may stand behind a tail.
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
    assert made.changes == ()
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
