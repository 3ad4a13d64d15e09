"""A file's tests in `pbxsync plan` and `pbxsync apply`: held against what the PBX will hold before a thing is sent."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from pbxsync import schemas
from pbxsync.sandbox import Sandbox
from tests.cli.process import Ended, OnTerminal, calls, declare, names, route, stored, to
from tests.in_process import inside as pbxsync

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

EMERGENCY = route("emergency", "911", ["a", "line"])
THEIRS = route("theirs", "X.", ["b"])
GOOD = {"dial": "911", "route": "emergency"}
ALSO_GOOD = {"dial": "_2XX", "route": None}

REFUSED = "routes.yaml: nothing was sent, since tests fail on what the PBX will hold: line "
WAY_OUT = (
    "Correct the routes or the tests; --reorder helps where a route is too low on the PBX, and --no-tests sends all "
    "the same\n"
)


def declare_tested(
    path: str, routes: Iterable[Mapping[str, Any]], tests: Iterable[Mapping[str, Any]], **pbx: str
) -> None:
    """Write a routes file with these tests."""
    file = declare(path, routes, **pbx)
    document = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**document, "tests": list(tests)}, indent=1), encoding="utf-8")


def plans(name: str, done: Ended) -> list[dict[str, Any]]:
    """The plans of the one JSON document of a run, once it is as its schema says."""
    document = done.json
    Draft202012Validator(schemas.load(name)).validate(document)
    found: list[dict[str, Any]] = document["plans"]
    return found


def test_tests_that_pass_are_counted_in_plan_and_apply_and_where_nothing_is_to_do() -> None:
    declare_tested("routes.yaml", [EMERGENCY], [GOOD, ALSO_GOOD])
    with Sandbox(tokens=["t"]) as pbx:
        planned = pbxsync("plan", "routes.yaml", "--detailed-exitcode", env=to(pbx))
        applied = pbxsync("apply", "routes.yaml", env=to(pbx))
        again = pbxsync("plan", "routes.yaml", "--detailed-exitcode", env=to(pbx))
        assert names(pbx) == ["emergency"]
    assert [done.code for done in (planned, applied, again)] == [2, 0, 0]
    passed = "Tests: 2 tests passed.\n"
    assert planned.out.endswith(
        f"Plan: 1 to add, 0 to update, 0 to delete, 0 to move; 0 unchanged, 0 unmanaged.\n{passed}"
    )
    assert f"0 unmanaged.\n{passed}\n  ✓ applied  add emergency\n" in applied.out
    assert again.out.endswith(f"Nothing to do: 1 unchanged, 0 unmanaged.\n{passed}")
    assert planned.err == applied.err == again.err == ""


def test_a_plan_that_breaks_tests_shows_each_of_them_and_exits_1() -> None:
    declare_tested("routes.yaml", [EMERGENCY], [GOOD, {"dial": "9", "route": None}, ALSO_GOOD])
    with Sandbox(tokens=["t"], routes=stored(THEIRS)) as pbx:
        plain = pbxsync("plan", "routes.yaml", env=to(pbx))
        detailed = pbxsync("plan", "routes.yaml", "--detailed-exitcode", env=to(pbx))
    assert (plain.code, detailed.code) == (1, 1)
    assert plain.out == detailed.out
    assert plain.err == ""
    shown = [line for line in plain.out.splitlines() if "✗" in line]
    assert len(shown) == 2
    assert shown[0].startswith("  ✗ test routes.yaml:16:3: 911 goes to theirs (X.) instead of emergency")
    assert shown[1].startswith("  ✗ test routes.yaml:24:3: ")
    assert plain.out.endswith(
        "Plan: 1 to add, 0 to update, 0 to delete, 0 to move; 0 unchanged, 1 unmanaged.\n"
        "Tests: 2 of 3 fail on what the PBX will hold; apply sends nothing.\n"
    )


def test_of_a_plan_without_changes_it_is_said_that_tests_fail_on_what_the_pbx_holds() -> None:
    declare_tested("routes.yaml", [EMERGENCY], [GOOD])
    with Sandbox(tokens=["t"], routes=stored(THEIRS, EMERGENCY)) as pbx:
        planned = pbxsync("plan", "routes.yaml", "--detailed-exitcode", env=to(pbx))
        applied = pbxsync("apply", "routes.yaml", env=to(pbx))
        assert calls(pbx) == ["outroute/query"] * 3
        assert names(pbx) == ["theirs", "emergency"]
    assert (planned.code, applied.code) == (1, 1)
    for done in (planned, applied):
        assert done.out.endswith(
            "Nothing to do: 1 unchanged, 1 unmanaged.\nTests: 1 of 1 fail on what the PBX holds; apply sends nothing.\n"
        )
    assert planned.err == ""


def test_an_apply_that_would_break_tests_sends_nothing_and_exits_1() -> None:
    declare_tested("routes.yaml", [EMERGENCY], [GOOD])
    with Sandbox(tokens=["t"], routes=stored(THEIRS)) as pbx:
        before = pbx.routes()
        done = pbxsync("apply", "routes.yaml", env=to(pbx))
        assert pbx.routes() == before
        assert calls(pbx) == ["outroute/query"] * 2
    assert done.code == 1
    assert done.out.endswith("Tests: 1 of 1 fail on what the PBX will hold; apply sends nothing.\n")
    assert "applied" not in done.out
    assert done.err.startswith(f"pbxsync: {REFUSED}16: 911 goes to theirs")
    assert done.err.endswith(f". {WAY_OUT}")
    assert done.err.count("\n") == 1


def test_the_json_of_both_has_every_test_and_of_an_apply_why_nothing_was_attempted() -> None:
    declare_tested(
        "routes.yaml", [EMERGENCY, route("ext", "7XX")], [GOOD, {"dial": "_2XX", "trunks": ["c"]}, ALSO_GOOD]
    )
    with Sandbox(tokens=["t"], routes=stored(THEIRS)) as pbx:
        planned = pbxsync("plan", "routes.yaml", "--format", "json", env=to(pbx))
        applied = pbxsync("apply", "routes.yaml", "--format", "json", env=to(pbx))
        assert names(pbx) == ["theirs"]
    assert (planned.code, applied.code) == (1, 1)
    (plan,), (result,) = plans("plan", planned), plans("apply", applied)
    assert plan["tests"] == result["tests"]
    assert [test["status"] for test in plan["tests"]] == ["failed", "failed", "failed"]
    first = plan["tests"][0]
    assert (first["file"], first["line"], first["column"], first["dial"]) == ("routes.yaml", 23, 3, "911")
    assert (first["counterexample"], first["counterexample_callerid"]) == ("911", None)
    assert first["message"].startswith("911 goes to theirs")
    assert result["outcomes"] == [
        {"action": "add", "name": name, "status": "not_attempted", "error": None} for name in ("emergency", "ext")
    ]
    assert result["error"].startswith(f"{REFUSED}23: 911 goes to theirs")
    assert "(and 2 more)" in result["error"]
    assert applied.json["errors"] == [{"file": "routes.yaml", "message": result["error"]}]
    assert planned.json["errors"] == []


@pytest.mark.parametrize("by", ["option", "variable"])
def test_without_tests_the_same_plan_is_applied(by: str) -> None:
    declare_tested("routes.yaml", [EMERGENCY], [GOOD])
    with Sandbox(tokens=["t"], routes=stored(THEIRS)) as pbx:
        arguments = ["--no-tests"] if by == "option" else []
        env = to(pbx) if by == "option" else to(pbx, PBXSYNC_NO_TESTS="1")
        planned = pbxsync("plan", "routes.yaml", *arguments, "--format", "json", env=env)
        text = pbxsync("plan", "routes.yaml", *arguments, "--detailed-exitcode", env=env)
        applied = pbxsync("apply", "routes.yaml", *arguments, env=env)
        assert names(pbx) == ["theirs", "emergency"]
    assert [done.code for done in (planned, text, applied)] == [0, 2, 0]
    assert plans("plan", planned)[0]["tests"] is None
    assert "Tests: not run, because of --no-tests." in text.out + applied.out


def test_what_is_pruned_breaks_no_test_and_what_is_skipped_mends_none() -> None:
    declare_tested("routes.yaml", [EMERGENCY], [{**GOOD, "trunks": ["a", "line"]}])
    with Sandbox(tokens=["t"], routes=stored(THEIRS, route("emergency", "911", ["a"]))) as pbx:
        skipped = pbxsync("plan", "routes.yaml", "--add-only", env=to(pbx))
        kept = pbxsync("plan", "routes.yaml", env=to(pbx))
        pruned = pbxsync("apply", "routes.yaml", "--prune", env=to(pbx))
        assert names(pbx) == ["emergency"]
    assert [done.code for done in (skipped, kept, pruned)] == [1, 1, 0]
    assert "Tests: 1 test passed.\n" in pruned.out


def test_a_test_that_the_pbx_breaks_fails_also_where_nothing_is_to_do() -> None:
    declare_tested("routes.yaml", [EMERGENCY], [GOOD])
    with Sandbox(tokens=["t"], routes=stored(THEIRS, EMERGENCY)) as pbx:
        planned = pbxsync("plan", "routes.yaml", env=to(pbx))
        applied = pbxsync("apply", "routes.yaml", env=to(pbx))
        assert names(pbx) == ["theirs", "emergency"]
    assert (planned.code, applied.code) == (1, 1)
    assert "Nothing to do: 1 unchanged, 1 unmanaged.\nTests: 1 of 1 fail " in planned.out


def test_a_state_file_stays_as_it_is_where_tests_fail() -> None:
    state = ("--state", "state.json")
    declare("first.yaml", [THEIRS])
    declare_tested("routes.yaml", [EMERGENCY], [GOOD])
    with Sandbox(tokens=["t"], calls={"outroute/add"}) as pbx:
        assert pbxsync("apply", "first.yaml", *state, "--init", env=to(pbx)).code == 0
        before = Path("state.json").read_bytes()
        sent = len(pbx.requests)
        done = pbxsync("apply", "routes.yaml", *state, env=to(pbx))
        planned = pbxsync("plan", "routes.yaml", *state, "--url", pbx.url)
        assert len(pbx.requests) == sent
    assert (done.code, planned.code) == (1, 1)
    assert f"pbxsync: {REFUSED}16: " in done.err
    assert Path("state.json").read_bytes() == before


@pytest.mark.parametrize("output", ["text", "json"])
def test_a_file_that_fails_its_tests_keeps_no_other_from_being_applied(output: str) -> None:
    with ExitStack() as stack:
        pbxs = {
            site: stack.enter_context(Sandbox(tokens=["t"], routes=stored(*there)))
            for site, there in (("a", []), ("b", [THEIRS]), ("c", []))
        }
        for site, pbx in pbxs.items():
            declare_tested(f"{site}.yaml", [EMERGENCY], [GOOD], url=pbx.url)
        files = [f"{site}.yaml" for site in pbxs]
        env = {"PBXSYNC_TOKEN": "t"}
        planned = pbxsync("plan", *files, "--detailed-exitcode", env=env)
        done = pbxsync("apply", *files, "--format", output, env=env)
        assert {site: names(pbx) for site, pbx in pbxs.items()} == {
            "a": ["emergency"],
            "b": ["theirs"],
            "c": ["emergency"],
        }
    assert (planned.code, done.code) == (1, 1)
    assert planned.out.count("Tests: 1 test passed.\n") == 2
    messages = [line for line in done.err.splitlines() if line.startswith("pbxsync: ")]
    assert len(messages) == 1
    assert messages[0].startswith(
        "pbxsync: b.yaml: nothing was sent, since tests fail on what the PBX will hold: line "
    )
    if output == "text":
        assert "a.yaml: 1 applied, 0 failed, 0 in doubt, 0 not attempted.\n" in done.out
        assert "b.yaml: 0 applied" not in done.out
    else:
        found = plans("apply", done)
        assert [plan["outcomes"][0]["status"] for plan in found] == ["applied", "not_attempted", "applied"]
        assert [plan["error"] is not None for plan in found] == [False, True, False]
        assert [error["file"] for error in done.json["errors"]] == ["b.yaml"]


def test_a_doubt_weighs_more_than_a_failed_test() -> None:
    state = ("--state", "state.json")
    declare("first.yaml", [THEIRS, route("ext", "7XX")])
    declare_tested("routes.yaml", [EMERGENCY], [GOOD])
    with Sandbox(tokens=["t"], faults=["outroute/add@2=reset"], calls={"outroute/add"}) as pbx:
        assert pbxsync("apply", "first.yaml", *state, "--init", env=to(pbx)).code == 3
        planned = pbxsync("plan", "routes.yaml", *state, env=to(pbx))
        applied = pbxsync("apply", "routes.yaml", *state, env=to(pbx))
    assert (planned.code, applied.code) == (3, 3)
    assert "Tests: 1 of 1 fail " in planned.out
    assert "nothing is sent while an outcome is in doubt: add ext" in applied.err


def test_what_fails_is_printable_whatever_the_names_on_the_pbx() -> None:
    declare_tested("routes.yaml", [EMERGENCY], [GOOD])
    hostile = {"name": "\x1b[2Jx\n", "prefix": "", "matchpattern": "X.", "prepend": "", "callerid": "", "trunks": ["b"]}
    document = {
        "format_version": "1.0",
        "pbx": {"url": "http://192.0.2.1"},
        "routes": [{**hostile, "id": "1"}],
        "doubts": [],
    }
    Path("state.json").write_text(json.dumps(document), encoding="utf-8")
    arguments = ("routes.yaml", "--state", "state.json", "--url", "http://192.0.2.1")
    planned, applied = pbxsync("plan", *arguments), pbxsync("apply", *arguments)
    assert (planned.code, applied.code) == (1, 1)
    assert "✗ test routes.yaml:16:3: 911 goes to \\x1b[2Jx\\n" in planned.out
    assert "\x1b" not in planned.everything + applied.everything


terminal_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pty")


@terminal_only
def test_nothing_is_asked_where_nothing_can_be_sent() -> None:
    declare_tested("routes.yaml", [EMERGENCY], [GOOD])
    with Sandbox(tokens=["t"], routes=stored(THEIRS)) as pbx:
        with OnTerminal("apply", "routes.yaml", env=to(pbx)) as terminal:
            done = terminal.ended()
        assert names(pbx) == ["theirs"]
    assert done.code == 1
    assert "Apply?" not in done.out
    assert "applying" not in done.out
    assert "\x1b[31m✗ test\x1b[0m routes.yaml:16:3: " in done.out
    assert f"pbxsync: {REFUSED}16: " in done.out


@terminal_only
def test_it_is_asked_for_the_files_that_can_be_sent() -> None:
    with Sandbox(tokens=["t"], routes=stored(THEIRS)) as bad, Sandbox(tokens=["t"]) as good:
        declare_tested("bad.yaml", [EMERGENCY], [GOOD], url=bad.url)
        declare_tested("good.yaml", [EMERGENCY], [GOOD], url=good.url)
        with OnTerminal("apply", "bad.yaml", "good.yaml", env={"PBXSYNC_TOKEN": "t"}) as terminal:
            terminal.wait_for("Apply? [y/N]: ")
            terminal.type("y\n")
            done = terminal.ended()
        assert (names(bad), names(good)) == (["theirs"], ["emergency"])
    assert done.code == 1
    assert "pbxsync: bad.yaml: nothing was sent, since tests fail" in done.out
