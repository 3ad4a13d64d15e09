"""Which calls go elsewhere, and where the order is wrong, as `pbxsync plan` and `pbxsync apply` show it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pbxsync import schemas
from pbxsync.sandbox import Sandbox
from tests.cli.process import Ended, OnTerminal, calls, declare, names, numbered, route, stored, to
from tests.in_process import inside as pbxsync

EMERGENCY = route("emergency", "911", ["a", "line"])
LOCAL = route("local", "NXXXXXX", ["a"], prefix="9")
WORLD = route("world", "X.", ["intl"], prefix="9011", prepend="00")
REST = route("rest", ".", ["b"], prefix="9")
FAX = route("fax", "8X.", ["line"])

IS_BELOW = (
    "world {} below rest on the PBX, and loses calls there that the file gives to it: rest takes 9011X. (such as "
    "90116789234); use --reorder, which moves rest below it, or move world above rest on the PBX"
)


def plans(name: str, done: Ended) -> list[dict[str, Any]]:
    """The plans of the one JSON document of a run, once it is as its schema says."""
    document = done.json
    Draft202012Validator(schemas.load(name)).validate(document)
    found: list[dict[str, Any]] = document["plans"]
    return found


def recorded(path: str, *routes: dict[str, Any], url: str = "http://192.0.2.1") -> None:
    """Write a state file of a PBX that holds these routes."""
    full = [
        {"prefix": "", "prepend": "", "callerid": "", **one, "id": str(number)} for number, one in enumerate(routes, 1)
    ]
    document = {"format_version": "1.0", "pbx": {"url": url}, "routes": full, "doubts": []}
    Path(path).write_text(json.dumps(document), encoding="utf-8")


def changed_prefixes(count: int, *, trunks: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """So many routes as they were, and as they are declared, over so many other trunks."""
    old = [route(f"r{n}", "XXXX", ["old"], prefix=str(100 + n)) for n in range(count)]
    return old, [{**one, "trunks": [f"new-{n % trunks}"]} for n, one in enumerate(old)]


@pytest.mark.parametrize("known", ["live", "state"])
def test_a_plan_says_which_calls_go_elsewhere_and_where_the_order_is_wrong(known: str) -> None:
    new = {**LOCAL, "prepend": "212"}
    declare("routes.yaml", [{**EMERGENCY, "trunks": ["line", "a"]}, new, WORLD, REST, route("ext", "7XX", ["line"])])
    there = [EMERGENCY, LOCAL, REST, FAX]
    with Sandbox(tokens=["t"], routes=stored(*there)) as pbx:
        arguments = ["plan", "routes.yaml", "--prune"]
        if known == "state":
            recorded("state.json", *there, url=pbx.url)
            arguments += ["--state", "state.json"]
        text = pbxsync(*arguments, env=to(pbx))
        done = pbxsync(*arguments, "--format", "json", env=to(pbx))
        assert calls(pbx) == (["outroute/query"] * 2 if known == "live" else [])
    assert (text.code, text.err) == (0, "")
    assert text.out.endswith(
        "  - delete  fax        8X. → line\n"
        "  Calls that go elsewhere:\n"
        "    8X. is no longer routed (went to line), e.g. 83456789234\n"
        "    911 now goes to [line, a] (was [a, line])\n"
        "    9NXXXXXX still goes to a, with other digits, e.g. 93456789, sent as 2123456789 (was 3456789)\n"
        "    7XX is now routed, to line, e.g. 734\n"
        f"  warning: {IS_BELOW.format('will be')} [order]\n"
        "Plan: 2 to add, 2 to update, 1 to delete, 0 to move; 1 unchanged, 0 unmanaged.\n"
    )
    (plan,) = plans("plan", done)
    assert [entry["numbers"] for entry in plan["impact"]] == [["911"], ["9NXXXXXX"], ["8X."], ["7XX"]]
    assert plan["impact"][1] == {
        "numbers": ["9NXXXXXX"],
        "callers": {"match": [], "not": []},
        "words": None,
        "before": {"route": "local", "trunks": ["a"], "prepend": "", "strip": 1},
        "after": {"route": "local", "trunks": ["a"], "prepend": "212", "strip": 1},
        "example": {"dial": "93456789", "callerid": None, "sends_before": "3456789", "sends_after": "2123456789"},
    }
    assert (plan["impact"][2]["after"], plan["impact"][3]["before"]) == (None, None)
    assert plan["warnings"] == [{"rule": "order", "message": IS_BELOW.format("will be")}]


def test_callers_are_told_apart_in_text_and_json() -> None:
    declare("routes.yaml", [route("sales", ".", ["s"], prefix="9", callerid="20X"), REST])
    with Sandbox(tokens=["t"], routes=stored(route("sales", ".", ["s"], prefix="9", callerid="201"), REST)) as pbx:
        text = pbxsync("plan", "routes.yaml", env=to(pbx))
        (plan,) = plans("plan", pbxsync("plan", "routes.yaml", "--format", "json", env=to(pbx)))
    assert "\n    9. from 20X but not 201 now goes to s (was b), e.g. 93456789234 from 20" in text.out
    (entry,) = plan["impact"]
    assert entry["callers"] == {"match": ["20X"], "not": ["201"]}
    assert entry["example"]["callerid"].startswith("20")
    assert entry["example"]["callerid"] != "201"


@pytest.mark.parametrize("trunks", [1, 60])
def test_json_has_every_entry_where_the_text_is_cut(trunks: int) -> None:
    old, new = changed_prefixes(60, trunks=trunks)
    declare("routes.yaml", new)
    recorded("state.json", *old)
    arguments = ("plan", "routes.yaml", "--state", "state.json")
    text = pbxsync(*arguments)
    (plan,) = plans("plan", pbxsync(*arguments, "--format", "json"))
    lines = text.out.partition("  Calls that go elsewhere:\n")[2].splitlines()[:-1]
    if trunks == 1:
        assert lines == [
            "    100XXXX, 101XXXX, 102XXXX, 103XXXX, 104XXXX, 105XXXX, 106XXXX, 107XXXX, and 52 more now go to new-0 "
            "(was old), e.g. 1005678",
            "    (--format json shows all patterns)",
        ]
    else:
        assert len(lines) == 21
        assert lines[-1] == "    … and 40 more; --format json shows all sets of calls"
    shown = [pattern for entry in plan["impact"] for pattern in entry["numbers"]]
    assert sorted(shown) == [f"{100 + n}XXXX" for n in range(60)]
    assert {tuple(entry["after"]["trunks"]) for entry in plan["impact"]} == {(f"new-{n}",) for n in range(trunks)}


def test_json_has_every_warning_of_order_where_the_text_is_cut() -> None:
    every = route("every", "X.")
    declare("routes.yaml", [*(route(f"r{n}", f"{100 + n}", ["b"]) for n in range(14)), every])
    recorded("state.json", every)
    arguments = ("plan", "routes.yaml", "--state", "state.json")
    text = pbxsync(*arguments)
    (plan,) = plans("plan", pbxsync(*arguments, "--format", "json"))
    assert text.out.count(" will be below every on the PBX") == 10
    assert "  … and 4 more of this kind; --format json shows them all [order]\n" in text.out
    assert [warning["message"].split()[0] for warning in plan["warnings"]] == [f"r{n}" for n in range(14)]


@pytest.mark.parametrize("by", ["option", "variable"])
def test_without_impact_neither_calls_nor_order_are_looked_at(by: str) -> None:
    declare("routes.yaml", [WORLD, REST])
    with Sandbox(tokens=["t"], routes=stored(REST)) as pbx:
        arguments = ["--no-impact"] if by == "option" else []
        env = to(pbx) if by == "option" else to(pbx, PBXSYNC_NO_IMPACT="1")
        text = pbxsync("plan", "routes.yaml", *arguments, env=env)
        planned = pbxsync("plan", "routes.yaml", *arguments, "--format", "json", env=env)
        applied = pbxsync("apply", "routes.yaml", *arguments, "--format", "json", env=env)
        assert names(pbx) == ["rest", "world"]
    assert text.out == (
        f"routes.yaml → {pbx.url}, live\n"
        "  + add     world  9011 | X., 00 in front → intl\n"
        "  Which calls go elsewhere, and whether the order is right, was not worked out (--no-impact).\n"
        "Plan: 1 to add, 0 to update, 0 to delete, 0 to move; 1 unchanged, 0 unmanaged.\n"
    )
    for name, done in (("plan", planned), ("apply", applied)):
        (plan,) = plans(name, done)
        assert (plan["impact"], plan["warnings"]) == (None, [])


def test_a_plan_that_no_call_notices_says_so_and_one_without_changes_says_nothing_of_calls() -> None:
    declare("renamed.yaml", [{**LOCAL, "name": "new", "renamed_from": "local"}, REST])
    declare("same.yaml", [LOCAL, REST])
    with Sandbox(tokens=["t"], routes=stored(LOCAL, REST)) as pbx:
        renamed = pbxsync("plan", "renamed.yaml", env=to(pbx))
        same = pbxsync("plan", "same.yaml", env=to(pbx))
        (plan,) = plans("plan", pbxsync("plan", "same.yaml", "--format", "json", env=to(pbx)))
    assert '              name: "local" → "new"\n  No call changes.\nPlan: ' in renamed.out
    assert same.out == f"same.yaml → {pbx.url}, live\nNothing to do: 2 unchanged, 0 unmanaged.\n"
    assert (plan["impact"], plan["warnings"]) == ([], [])


def test_a_wrong_order_is_warned_of_after_the_apply_too_until_somebody_mends_it_on_the_pbx() -> None:
    declare("routes.yaml", [WORLD, REST])
    with Sandbox(tokens=["t"], routes=stored(REST)) as pbx:
        applied = pbxsync("apply", "routes.yaml", env=to(pbx))
        assert applied.code == 0
        assert names(pbx) == ["rest", "world"]
        again = pbxsync("plan", "routes.yaml", "--detailed-exitcode", env=to(pbx))
    with Sandbox(tokens=["t"], routes=stored(WORLD, REST)) as pbx:
        mended = pbxsync("plan", "routes.yaml", env=to(pbx))
    assert f"  No call changes.\n  warning: {IS_BELOW.format('will be')} [order]\nPlan: " in applied.out
    assert again.code == 0
    assert f"  warning: {IS_BELOW.format('is')} [order]\nNothing to do: " in again.out
    assert "warning" not in mended.everything


def test_an_apply_in_json_has_the_impact_of_what_it_did() -> None:
    declare("routes.yaml", [{**REST, "trunks": ["c"]}])
    with Sandbox(tokens=["t"], routes=stored(REST)) as pbx:
        done = pbxsync("apply", "routes.yaml", "--format", "json", env=to(pbx))
    (plan,) = plans("apply", done)
    assert (done.code, plan["outcomes"][0]["status"]) == (0, "applied")
    assert [(entry["before"]["trunks"], entry["after"]["trunks"]) for entry in plan["impact"]] == [(["b"], ["c"])]


def test_adding_only_says_what_the_adds_alone_do() -> None:
    declare("routes.yaml", [{**LOCAL, "trunks": ["c"]}, WORLD, REST, FAX])
    recorded("state.json", LOCAL, REST, route("theirs", "7X.", ["b"]))
    done = pbxsync("plan", "routes.yaml", "--state", "state.json", "--add-only")
    assert "  Calls that go elsewhere:\n    8X. is now routed, to line, e.g. 83456789234\n  warning: world " in done.out
    assert done.out.count("warning: ") == 1
    assert "theirs\n" in done.out


def test_each_of_several_plans_has_its_own_impact() -> None:
    Path("states").mkdir()
    for site, trunk in (("a", "c"), ("b", "b")):
        declare(f"{site}.yaml", [{**REST, "trunks": [trunk]}], url=f"http://192.0.2.{ord(site)}")
        recorded(f"states/{site}.json", REST, url=f"http://192.0.2.{ord(site)}")
    done = pbxsync("plan", "a.yaml", "b.yaml", "--state", "states", "--format", "json")
    assert [len(plan["impact"]) for plan in plans("plan", done)] == [1, 0]


def test_hostile_names_on_the_pbx_come_out_printable() -> None:
    declare("routes.yaml", [WORLD, route("here", "7XX", ["line"])])
    recorded("state.json", route("\x1b[2Jrest\n", "9.", ["\x1b[31mb\u202e"]), route("here", "7XX", ["\x07", "line"]))
    text = pbxsync("plan", "routes.yaml", "--state", "state.json")
    done = pbxsync("plan", "routes.yaml", "--state", "state.json", "--format", "json")
    assert "    7XX now goes to line (was [\\x07, line]), e.g. 734\n" in text.out
    assert "  warning: world will be below \\x1b[2Jrest\\n on the PBX, and loses " in text.out
    assert " gives to it: \\x1b[2Jrest\\n takes 9011X. " in text.out
    for out in (text.out, done.out):
        assert not set(out) & {"\x1b", "\x07", "\u202e"}
    (plan,) = plans("plan", done)
    assert plan["impact"][0]["before"]["trunks"] == ["\x07", "line"]


def test_more_routes_than_a_pbx_comes_to_are_warned_of() -> None:
    declare("routes.yaml", numbered(512))
    arguments = ("plan", "routes.yaml", "--url", "http://192.0.2.1", "--state", "state.json", "--init")
    for done in (pbxsync(*arguments), pbxsync(*arguments, "--no-impact")):
        assert (
            "  warning: of 512 routes on the PBX calls may never reach those beyond the 510th, since Asterisk gives up "
            "there: r511, r512 [beyond-limit]\n"
        ) in done.out


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pty")
def test_on_a_terminal_the_calls_that_go_elsewhere_are_seen_in_colour_before_the_question() -> None:
    declare("routes.yaml", [REST])
    with Sandbox(tokens=["t"], routes=stored(FAX, REST)) as pbx:
        with OnTerminal("apply", "routes.yaml", "--prune", env=to(pbx)) as terminal:
            terminal.wait_for("Apply? [y/N]: ")
            terminal.type("n\n")
            done = terminal.ended()
        assert names(pbx) == ["fax", "rest"]
    seen = done.out.partition("Apply? ")[0]
    assert "\x1b[1m8X.\x1b[0m \x1b[31mis no longer routed\x1b[0m (went to line), e.g. 83456789234" in seen
