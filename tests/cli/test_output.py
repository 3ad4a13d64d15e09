"""What goes where: results on standard output, all else on standard error, one JSON document whatever happens."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import pytest
from jsonschema import Draft202012Validator

from pbxsync import schemas
from pbxsync.sandbox import Sandbox
from tests.cli.process import (
    COMMAND,
    PATIENCE,
    Ended,
    declare,
    ended_without_reader,
    environment,
    names,
    numbered,
    pbxsync,
    route,
    stored,
    to,
)


def check(name: str, done: Ended) -> None:
    """Hold the one JSON document of a run against the schema of this name."""
    document = done.json
    assert next(iter(document)) == "format_version"
    Draft202012Validator(schemas.load(name)).validate(document)


def test_every_plan_in_json_is_as_its_schema_says() -> None:
    declare("routes.yaml", [route("new", "1", renamed_from="old"), route("r1", "2", ["b", "c"]), route("r2", "3")])
    declare("refused.yaml", [route("r2")])
    declare("bad.yaml", [route("all")])
    there = stored(route("old", "1"), route("r1", "1"), route("bell\x07\x1b"), route("twice"), route("twice"))
    with Sandbox(tokens=["t"], routes=there) as pbx:
        full = pbxsync("plan", "routes.yaml", "--prune", "--format", "json", env=to(pbx))
        bad = pbxsync("plan", "routes.yaml", "bad.yaml", "--format", "json", env=to(pbx))
        missing = pbxsync("plan", "missing.yaml", "--format", "json", env=to(pbx))
        dead = pbxsync("plan", "routes.yaml", "--format", "json", env=to(pbx, PBXSYNC_TOKEN="no"))
        add_only = pbxsync("plan", "routes.yaml", "--add-only", "--format", "json", env=to(pbx))
        refused = pbxsync("plan", "refused.yaml", "--format", "json", env=to(pbx))
    for done in (full, bad, missing, dead, add_only, refused):
        check("plan", done)
    assert [done.code for done in (full, bad, missing, dead, add_only, refused)] == [0, 1, 1, 1, 0, 1]
    [plan] = full.json["plans"]
    assert [(change["action"], change["name"]) for change in plan["changes"]] == [
        ("update", "new"),
        ("update", "r1"),
        ("add", "r2"),
    ]
    assert plan["pbx"] == {"url": pbx.url, "name": None}
    assert plan["unmanaged"] == ["bell\x07\x1b", "twice"]
    assert [change["name"] for change in add_only.json["plans"][0]["skipped"]] == ["new", "r1"]
    assert [refusal["rule"] for refusal in refused.json["plans"][0]["refusals"]] == ["same-fields"]
    assert [problem["rule"] for problem in missing.json["problems"]] == ["unreadable"]
    assert "\x1b" not in full.out


def test_every_apply_in_json_is_as_its_schema_says() -> None:
    declare("routes.yaml", numbered(3))
    faults = ["outroute/add@2=refuse:10004", "outroute/add@3=alter:trunks=b", "outroute/add@4=after:reset"]
    state = ("--state", "state.json", "--format", "json")
    with Sandbox(tokens=["t"], faults=faults) as pbx:
        arguments = ("apply", "routes.yaml", "--format", "json")
        failed = pbxsync(*arguments, env=to(pbx))
        altered = pbxsync(*arguments, env=to(pbx))
        updated = pbxsync(*arguments, env=to(pbx))
    with Sandbox(tokens=["t"], calls={"outroute/add"}, faults=["outroute/add@1=reset"]) as pbx:
        lost = pbxsync("apply", "routes.yaml", "--init", *state, env=to(pbx))
        doubt = pbxsync("apply", "routes.yaml", *state, env=to(pbx))
        planned = pbxsync("plan", "routes.yaml", *state, env=to(pbx))
    for done in (failed, altered, updated, lost, doubt):
        check("apply", done)
    check("plan", planned)
    assert [done.code for done in (failed, altered, updated, lost, doubt)] == [1, 1, 0, 3, 3]
    assert "✗ failed  add r2" in failed.err
    assert [one["status"] for one in lost.json["plans"][0]["outcomes"]] == ["in_doubt", *["not_attempted"] * 2]
    assert [one["name"] for one in planned.json["plans"][0]["in_doubt"]] == ["r1"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", "--format", "json"],
        ["plan", "--format=json", "--no-such-option", "routes.yaml"],
        ["apply", "--format", "json", "--max-deletes", "many", "routes.yaml"],
        ["apply", "--format", "json", "--init", "routes.yaml"],
        ["apply", "--format", "json", "empty"],
        ["plan", "--format", "json", "--url", "ftp://192.0.2.1", "routes.yaml"],
        ["validate", "--format", "json", "--no-such-option"],
    ],
)
def test_a_run_that_is_refused_for_its_arguments_prints_a_document_too(arguments: list[str]) -> None:
    Path("empty").mkdir()
    declare("routes.yaml", numbered(1))
    done = pbxsync(*arguments)
    assert done.code == 1
    check(arguments[0], done)
    found = [*done.json["problems"], *done.json.get("errors", [])]
    assert len(found) == 1
    assert found[0]["message"] in done.err


def test_the_format_may_come_from_the_variable_also_where_the_arguments_are_wrong() -> None:
    done = pbxsync("plan", "--no-such-option", env={"PBXSYNC_FORMAT": "json"})
    assert done.code == 1
    check("plan", done)


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["plan"], ["plan", "-x"], ["schema", "x"], ["resolve", "x"]])
def test_wrong_usage_exits_1_and_leaves_standard_output_empty(arguments: list[str]) -> None:
    done = pbxsync(*arguments)
    assert (done.code, done.out) == (1, "")
    assert "Usage: " in done.err


@pytest.mark.parametrize("files", [["a.yaml"], ["a.yaml", "b.yaml"]])
def test_a_fault_of_pbxsync_itself_is_named_without_what_it_was_about(files: list[str]) -> None:
    for file in files:
        declare(file, numbered(1))
    broken = (
        "import sys, pbxsync.differ\n"
        "def plan(*_): raise RuntimeError('SEC' + 'RET')\n"
        "pbxsync.differ.plan = plan\n"
        "from pbxsync.cli import main\n"
        "main()"
    )
    done = pbxsync("plan", *files, "--sandbox", "--format", "json", command=(sys.executable, "-c", broken))
    assert done.code == 1
    check("plan", done)
    assert "pbxsync: internal error (RuntimeError); this is a fault of pbxsync, please report it" in done.err
    assert ", in plan\n" in done.err
    assert "SECRET" not in done.everything


def test_names_that_could_act_on_the_terminal_never_reach_it() -> None:
    nasty = "evil\x1b]0;x\x07\u202e\x9b2J"
    declare("routes.yaml", [route("r1", "1", ["b"], prepend="5")])
    with Sandbox(tokens=["t"], routes=stored(route(nasty), route("r1", "1", [nasty], prepend=nasty))) as pbx:
        runs = [
            pbxsync("plan", "routes.yaml", env=to(pbx)),
            pbxsync("export", env=to(pbx)),
            pbxsync("apply", "routes.yaml", "--prune", env=to(pbx)),
        ]
    for done in runs:
        assert done.code == 0
        assert "evil\\" in done.out
        assert not set("\x1b\x07\u202e\x9b") & set(done.everything)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows forbids such names")
def test_a_file_whose_name_could_act_on_the_terminal_is_shown_escaped() -> None:
    declare("a\x1b[2J.yaml", numbered(1))
    declare("b.yaml", numbered(1))
    done = pbxsync("apply", "a\x1b[2J.yaml", "b.yaml", "--sandbox")
    assert done.code == 0
    assert "a\\x1b[2J.yaml:  ✓ applied  add r1\n" in done.out
    assert "\x1b" not in done.everything


BAD_URL = "pbxsync: --url: it must begin with http:// or https://; write one such as https://192.0.2.10\n"
CONTRADICTION = "Error: --prune deletes and --add-only only adds: use one of them.\n"


def into(output: BinaryIO, *arguments: str) -> tuple[int, str]:
    """Run pbxsync with its results going there; its exit code and what it says on standard error."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        env=environment(None),
        stdout=output,
        stderr=subprocess.PIPE,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["schema"], ""),
        (["plan", "routes.yaml", "--sandbox"], ""),
        (["--help"], ""),
        (["plan", "routes.yaml", "--format", "json", "--url", "x"], BAD_URL),
        (["plan", "routes.yaml", "--format", "json", "--prune", "--add-only"], CONTRADICTION),
    ],
)
def test_an_output_that_nobody_reads_gives_no_traceback(arguments: list[str], message: str) -> None:
    declare("routes.yaml", numbered(1))
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as gone:
        code, err = into(gone, *arguments)
    assert (code, err.rpartition("\n\n")[2]) == (1, message)


def test_an_apply_goes_to_its_end_though_its_reader_goes_away() -> None:
    declare("routes.yaml", numbered(5))
    with Sandbox(tokens=["t"], latency=0.1) as pbx:
        code, err = ended_without_reader("apply", "routes.yaml", env=to(pbx), read_to="applied  add r1")
        assert "Traceback" not in err
        assert code == 0  # what it was asked to do is done
        assert names(pbx) == ["r1", "r2", "r3", "r4", "r5"]


FULL = Path("/dev/full")


@pytest.mark.parametrize("full", [False, *([True] if FULL.exists() else [])])
def test_an_output_that_cannot_be_written_is_said_so(full: bool) -> None:
    Path("read-only").touch()
    with FULL.open("wb") if full else Path("read-only").open("rb") as no_output:
        code, err = into(no_output, "schema")
    reason = "No space left on device" if full else "Bad file descriptor"
    assert (code, err) == (1, f"pbxsync: standard input or output failed: {reason}\n")


@pytest.mark.parametrize("name", schemas.NAMES)
def test_a_schema_is_printed_as_it_is_kept(name: str) -> None:
    done = pbxsync("schema", name)
    assert (done.code, done.err) == (0, "")
    assert done.out == schemas.text(name)


def test_the_schema_of_routes_files_is_printed_without_a_name() -> None:
    assert pbxsync("schema").out == schemas.text("routes")
