"""`pbxsync explain`: which route takes a call, by the file, a state file or the PBX."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from pbxsync import schemas
from pbxsync.model import Action, Change, Doubt, KnownRoute, KnownState, Route
from pbxsync.sandbox import Sandbox
from pbxsync.state_text import dump
from tests.cli import process
from tests.cli.process import Ended, OnTerminal, calls, declare, numbered, route, stored, to
from tests.in_process import inside as pbxsync

ROUTES = [
    route("emergency", "911", ["carrier-a", "analog-line"]),
    route("fax", "X.", ["analog-line"], prefix="9", callerid="250X"),
    route("international", "X.", ["carrier-intl"], prefix="9011", prepend="00"),
]
URL = "http://192.0.2.10"


def check(done: Ended) -> None:
    """Hold the one JSON document of a run against its schema."""
    document = done.json
    assert next(iter(document)) == "format_version"
    Draft202012Validator(schemas.load("explain")).validate(document)


def record(path: str, state: KnownState) -> None:
    Path(path).write_text(dump(state), encoding="utf-8")


def headlines(done: Ended) -> list[str]:
    """The calls that are explained, and the line that answers each."""
    assert (done.code, done.err) == (0, "")
    blocks = done.out.split("\n\n")
    return [line for block in blocks for line in block.splitlines()[:2]]


# --- the file -------------------------------------------------------------------------------------------------------


def test_a_call_is_explained_by_the_file_without_a_connection() -> None:
    declare("hq.yaml", ROUTES, url=URL)
    done = pbxsync("explain", "hq.yaml", "9011442079460000", "--callerid", "2001")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "9011442079460000 from 2001 (hq.yaml)\n"
        "  → international, the 3rd route: 9011 | X.\n"
        "    9011 is taken off the front, 00 is put in front: 00442079460000\n"
        "    carrier-intl gets 00442079460000\n"
        "  passed over, 2 routes:\n"
        "    1  emergency  911               the 2nd digit of the number is 0, not 1\n"
        "    2  fax        9 | X. from 250X  the number matches, but the 2nd digit of the caller id is 0, not 5\n"
    )


def test_that_no_route_takes_a_call_is_an_answer_and_no_failure() -> None:
    declare("hq.yaml", ROUTES)
    done = pbxsync("explain", "hq.yaml", "5551234")
    assert headlines(done) == [
        "5551234 without a caller id (hq.yaml)",
        "  → not routed: no route takes this call",
    ]


def test_the_caller_decides_where_a_route_is_for_some_callers_only() -> None:
    declare("hq.yaml", ROUTES)
    for arguments, env, taken in [
        (("--callerid", "2501"), {}, "fax, the 2nd route"),
        ((), {"PBXSYNC_CALLERID": "2501"}, "fax, the 2nd route"),
        (("--callerid", "2001"), {"PBXSYNC_CALLERID": "2501"}, "international, the 3rd route"),
        (("--callerid", ""), {}, "international, the 3rd route"),
        ((), {}, "international, the 3rd route"),
    ]:
        assert f"  → {taken}: " in pbxsync("explain", "hq.yaml", "9011442", *arguments, env=env).out


def test_several_numbers_are_explained_in_their_order_with_an_empty_line_between() -> None:
    declare("hq.yaml", ROUTES)
    done = pbxsync("explain", "hq.yaml", "911", "#31#", "911")
    assert headlines(done) == [
        "911 without a caller id (hq.yaml)",
        "  → emergency, the 1st route: 911",
        "#31# without a caller id (hq.yaml)",
        "  → not routed: no route takes this call",
        "911 without a caller id (hq.yaml)",
        "  → emergency, the 1st route: 911",
    ]


def test_a_number_that_begins_with_a_dash_stands_behind_two_of_them() -> None:
    declare("hq.yaml", ROUTES)
    done = pbxsync("explain", "--", "hq.yaml", "-911")
    assert headlines(done)[1] == "  → emergency, the 1st route: 911"
    assert "    carrier-a gets -911; if that fails, analog-line gets the same\n" in done.out


def test_the_file_may_come_from_standard_input() -> None:
    text = declare("hq.yaml", ROUTES).read_bytes()
    done = pbxsync("explain", "-", "911", stdin=text)
    assert headlines(done)[0] == "911 without a caller id (<stdin>)"


def test_a_table_of_600_routes_is_explained_in_a_few_lines() -> None:
    declare("hq.yaml", [*numbered(598), route("fax", "5XXX", callerid="250X"), route("last", "5!")])
    done = pbxsync("explain", "hq.yaml", "5551")
    assert done.out == (
        "5551 without a caller id (hq.yaml)\n"
        "  → last, the 600th route: 5!\n"
        "    the number stays as it is: 5551\n"
        "    a gets 5551\n"
        "  note: a PBX gives up behind some 510 routes, so it may never reach this one\n"
        "  passed over, 599 routes:\n"
        "  599  fax  5XXX from 250X  the number matches, but the call shows no caller id\n"
        "       598 whose pattern does not match the number\n"
    )
    document = pbxsync("explain", "hq.yaml", "5551", "--format", "json").json
    assert (document["index"], len(document["passed_over"])) == (599, 599)


# --- numbers from standard input ------------------------------------------------------------------------------------


def test_numbers_come_from_standard_input_with_a_caller_id_of_their_own() -> None:
    declare("hq.yaml", ROUTES)
    lines = "\ufeff9011442\n\n  \n 9011442 2501\n9011442\t2501  \r\n#31#\n9011442 2 501"
    done = pbxsync("explain", "hq.yaml", "-", "--callerid", "2001", stdin=lines.encode())
    assert headlines(done) == [
        "9011442 from 2001 (hq.yaml)",
        "  → international, the 3rd route: 9011 | X.",
        "9011442 from 2501 (hq.yaml)",
        "  → fax, the 2nd route: 9 | X. from 250X",
        "9011442 from 2501 (hq.yaml)",
        "  → fax, the 2nd route: 9 | X. from 250X",
        "#31# from 2001 (hq.yaml)",
        "  → not routed: no route takes this call",
        "9011442 from 2 501 (hq.yaml)",
        "  → international, the 3rd route: 9011 | X.",
    ]


def test_standard_input_and_numbers_may_be_given_together() -> None:
    declare("hq.yaml", ROUTES)
    done = pbxsync("explain", "hq.yaml", "1", "-", "3", "--format", "json", stdin=b"2\n")
    assert [call["dial"] for call in done.json["calls"]] == ["1", "2", "3"]


@pytest.mark.parametrize("output", ["text", "json"])
def test_standard_input_without_a_number_explains_nothing(output: str) -> None:
    declare("hq.yaml", ROUTES)
    done = pbxsync("explain", "hq.yaml", "-", "--format", output, stdin=b"\n\n")
    assert (done.code, done.err) == (0, "")
    if output == "json":
        check(done)
        assert done.json["calls"] == []
    else:
        assert done.out == ""


def test_what_is_no_text_on_standard_input_is_explained_like_any_number() -> None:
    declare("hq.yaml", ROUTES)
    done = pbxsync("explain", "hq.yaml", "-", stdin=b"9\xff\x1b\n")
    assert headlines(done)[0] == "9\\udcff\\x1b without a caller id (hq.yaml)"
    again = pbxsync("explain", "hq.yaml", "-", "--format", "json", stdin=b"9\xff\x1b\n")
    check(again)
    assert again.json["calls"][0]["dial"] == "9\udcff\x1b"


def test_a_standard_input_that_is_closed_is_said_so() -> None:
    declare("hq.yaml", ROUTES)
    closed = (sys.executable, "-c", "import sys; sys.stdin = None; from pbxsync.cli import main; main()")
    done = process.pbxsync("explain", "hq.yaml", "-", command=closed)
    assert (done.code, done.out) == (1, "")
    assert done.err == "pbxsync: standard input is closed, and NUMBER is -: there are no numbers\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pty")
def test_numbers_that_are_typed_are_answered_one_by_one() -> None:
    declare("hq.yaml", ROUTES)
    with OnTerminal("explain", "hq.yaml", "-") as terminal:
        terminal.type("911\n")
        terminal.wait_for("emergency")
        terminal.type("5\n")
        terminal.wait_for("not routed")
        terminal.type("\x04")
        done = terminal.ended()
    assert done.code == 0
    assert "\x1b[32memergency\x1b[0m" in done.out


# --- what the PBX holds ---------------------------------------------------------------------------------------------


def test_a_state_file_is_explained_without_a_connection_instead_of_the_file() -> None:
    declare("hq.yaml", ROUTES, url=URL)
    record("hq.json", KnownState(URL, (KnownRoute(Route("old", "911", ("carrier-b",)), "7"),)))
    for arguments, env in [(("--state", "hq.json"), {}), (("--state", "."), {}), ((), {"PBXSYNC_STATE": "hq.json"})]:
        done = pbxsync("explain", "hq.yaml", "911", *arguments, env=env)
        assert headlines(done) == [
            "911 without a caller id (known from hq.json)",
            "  → old, the 1st route: 911",
        ]


def test_what_a_state_file_has_in_doubt_is_warned_of() -> None:
    declare("hq.yaml", ROUTES, url=URL)
    add = Change(Action.ADD, None, Route("new\x1b", "911", ("carrier-b",)))
    record("hq.json", KnownState(URL, (), doubts=(Doubt(add, "no answer"),)))
    done = pbxsync("explain", "hq.yaml", "911", "--state", "hq.json", "--format", "json")
    assert done.code == 0
    assert done.err == (
        "pbxsync: warning: hq.json: in doubt: new\\x1b; the PBX may hold it otherwise, and calls go elsewhere\n"
    )
    check(done)
    assert done.json["route"] is None


def test_the_state_file_of_another_pbx_is_refused_as_plan_refuses_it() -> None:
    declare("hq.yaml", ROUTES, url=URL)
    record("hq.json", KnownState("http://192.0.2.11", ()))
    done = pbxsync("explain", "hq.yaml", "911", "--state", "hq.json")
    assert (done.code, done.out) == (1, "")
    assert done.err == pbxsync("plan", "hq.yaml", "--state", "hq.json").err.replace("hq.yaml: ", "")
    assert "the state file is of another PBX" in done.err


def test_the_routes_that_the_pbx_holds_are_asked_for_and_explained() -> None:
    with Sandbox(tokens=["t"], routes=stored(route("old", "911", ["carrier-b"]), *ROUTES)) as pbx:
        declare("hq.yaml", ROUTES, url=pbx.url)
        done = pbxsync("explain", "hq.yaml", "911", "9011442", "--live", env={"PBXSYNC_TOKEN": "t"})
        assert calls(pbx) == ["outroute/query"]
        assert headlines(done) == [
            f"911 without a caller id ({pbx.url}, live)",
            "  → old, the 1st route: 911",
            f"9011442 without a caller id ({pbx.url}, live)",
            "  → international, the 4th route: 9011 | X.",
        ]
        declare("hq.yaml", ROUTES, url=URL)
        elsewhere = pbxsync("explain", "hq.yaml", "911", "--url", pbx.url, env=to(pbx, PBXSYNC_LIVE="1"))
        assert "  → old, the 1st route: 911\n" in elsewhere.out
        assert f"the file is for {URL}, and --url or PBXSYNC_URL sends it to {pbx.url}" in elsewhere.err


def test_the_embedded_sandbox_is_explained_too() -> None:
    declare("hq.yaml", ROUTES)
    assert pbxsync("apply", "hq.yaml", "--sandbox").code == 0
    declare("hq.yaml", [])
    done = pbxsync("explain", "hq.yaml", "911", "--live", "--sandbox")
    assert headlines(done) == [
        "911 without a caller id (sandbox:.pbxsync/sandbox.json, live)",
        "  → emergency, the 1st route: 911",
    ]


def test_without_live_an_address_is_of_no_account() -> None:
    declare("hq.yaml", ROUTES)
    assert headlines(pbxsync("explain", "hq.yaml", "911", "--url", URL))[0].endswith("(hq.yaml)")


# --- JSON -----------------------------------------------------------------------------------------------------------


def test_one_number_is_one_object_in_json() -> None:
    declare("hq.yaml", ROUTES)
    done = pbxsync("explain", "hq.yaml", "9011442", "--callerid", "2001", "--format", "json")
    assert (done.code, done.err) == (0, "")
    check(done)
    assert done.json == {
        "format_version": "1.1",
        "dial": "9011442",
        "callerid": "2001",
        "route": "international",
        "index": 2,
        "sends": "00442",
        "trunks": ["carrier-intl"],
        "passed_over": [{"route": "emergency", "reason": "number"}, {"route": "fax", "reason": "callerid"}],
    }


def test_a_call_that_no_route_takes_has_nulls_in_json() -> None:
    declare("hq.yaml", ROUTES)
    done = pbxsync("explain", "hq.yaml", "5", "--format", "json")
    assert done.code == 0
    check(done)
    assert {key for key, value in done.json.items() if value is None} == {
        "callerid",
        "route",
        "index",
        "sends",
        "trunks",
    }
    assert len(done.json["passed_over"]) == 3


@pytest.mark.parametrize("numbers", [["911", "5"], ["-"]])
def test_several_numbers_or_standard_input_are_a_list_in_json(numbers: list[str]) -> None:
    declare("hq.yaml", ROUTES)
    stdin = b"911\n"
    done = pbxsync("explain", "hq.yaml", *numbers, "--format", "json", stdin=stdin)
    assert (done.code, done.err) == (0, "")
    check(done)
    assert done.json["calls"][0]["route"] == "emergency"
    assert len(done.json["calls"]) == len(numbers)
    assert (done.json["problems"], done.json["errors"]) == ([], [])


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["text", "json"])
@pytest.mark.parametrize(
    ("content", "rule"), [('{"routes": [{"name": "all"}]}', "reserved-name"), (None, "unreadable")]
)
def test_a_file_with_errors_is_not_explained(content: str | None, rule: str, output: str) -> None:
    if content is not None:
        Path("hq.yaml").write_text(content, encoding="utf-8")
    done = pbxsync("explain", "hq.yaml", "911", "--format", output)
    assert done.code == 1
    assert done.err.startswith("hq.yaml:1:")
    assert done.err.endswith("; nothing was explained\n")
    if output == "json":
        check(done)
        assert done.json["calls"] == []
        assert rule in [problem["rule"] for problem in done.json["problems"]]
    else:
        assert done.out == ""


@pytest.mark.parametrize("output", ["text", "json"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-", "-"], "FILE and NUMBER are both -, and there is one standard input: name the file."),
        (["hq.yaml", ""], "NUMBER is empty: give what is dialled."),
        (
            ["hq.yaml", "911", "--live", "--state", "hq.json"],
            "--live asks the PBX, --state (PBXSYNC_STATE) reads a state file: use one of them.",
        ),
        (["folder", "911"], "folder: this is a folder, and explain looks at one PBX: name one of its files"),
        (["hq.yaml"], "Missing argument 'NUMBER...'."),
        (["hq.yaml", "911", "--state", "none.json"], "none.json: there is no such state file"),
        (["hq.yaml", "911", "--live"], "no PBX is named: give --url (or PBXSYNC_URL), or pbx: url: in the file"),
        (["hq.yaml", "911", "--live", "--url", "x"], "--url: it must begin with http:// or https://"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(arguments: list[str], message: str, output: str) -> None:
    declare("hq.yaml", ROUTES)
    Path("folder").mkdir()
    declare("folder/hq.yaml", ROUTES)
    done = pbxsync("explain", *arguments, "--format", output)
    assert done.code == 1
    assert message in done.err
    if output == "json":
        check(done)
        assert done.json["errors"][0]["file"] is None
        assert done.json["errors"][0]["message"].startswith(message)
        assert (done.json["calls"], done.json["problems"]) == ([], [])
    else:
        assert done.out == ""


def test_a_pbx_that_gives_no_answer_is_a_failure_and_no_explanation() -> None:
    declare("hq.yaml", ROUTES)
    with Sandbox(tokens=["t"]) as pbx:
        done = pbxsync("explain", "hq.yaml", "911", "--live", "--format", "json", env=to(pbx, PBXSYNC_TOKEN="no"))
    assert done.code == 1
    check(done)
    assert "outroute/query" in done.json["errors"][0]["message"]
    assert done.err == f"pbxsync: {done.json['errors'][0]['message']}\n"


def test_names_that_could_act_on_the_terminal_never_reach_it() -> None:
    nasty = "evil\x1b]0;x\x07\u202e"
    Path("hq.yaml").write_text(json.dumps({"routes": []}), encoding="utf-8")
    with Sandbox(tokens=["t"], routes=stored(route(nasty, "X.", [nasty], prepend=nasty))) as pbx:
        done = pbxsync("explain", "hq.yaml", "911", "--live", "--callerid", nasty, env=to(pbx))
    assert done.code == 0
    assert "evil\\x1b" in done.out
    assert not {"\x1b", "\x07", "\u202e"} & set(done.everything)
