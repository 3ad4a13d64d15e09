"""`pbxsync plan`, and what prune, renames and doubled names come to."""

from __future__ import annotations

from pathlib import Path

import pytest

from pbxsync.sandbox import Sandbox
from tests.cli.process import calls, declare, names, numbered, route, stored, to
from tests.in_process import inside as pbxsync


def test_the_exit_code_says_whether_changes_are_pending_where_that_is_wanted() -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"]) as pbx:
        plain = pbxsync("plan", "routes.yaml", env=to(pbx))
        pending = pbxsync("plan", "routes.yaml", "--detailed-exitcode", env=to(pbx))
        assert pbxsync("apply", "routes.yaml", env=to(pbx)).code == 0
        none = pbxsync("plan", "routes.yaml", "--detailed-exitcode", env=to(pbx))
        failed = pbxsync("plan", "routes.yaml", "--detailed-exitcode", env=to(pbx, PBXSYNC_TOKEN="no"))
        wrong = pbxsync("plan", "routes.yaml", "--detailed-exitcode", "--nonsense", env=to(pbx))
    assert [one.code for one in (plain, pending, none, failed, wrong)] == [0, 2, 0, 1, 1]


def test_a_pbx_that_cannot_be_reached_is_an_error_with_its_address() -> None:
    with Sandbox() as gone:
        pass
    declare("routes.yaml", numbered(1), url=gone.url)
    done = pbxsync("plan", "routes.yaml", "--retries", "0", env={"PBXSYNC_TOKEN": "t"})
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("pbxsync: routes.yaml: outroute/query: can't reach 127.0.0.1:")
    assert "is the address right and the PBX up?" in done.err


def test_a_plan_without_any_address_says_where_one_can_be_given() -> None:
    declare("routes.yaml", numbered(1))
    done = pbxsync("plan", "routes.yaml", env={"PBXSYNC_TOKEN": "t"})
    assert done.code == 1
    assert done.err == "pbxsync: routes.yaml: no PBX is named: give --url (or PBXSYNC_URL), or pbx: url: in the file\n"


def test_an_address_on_the_command_line_goes_over_the_variable_and_the_file() -> None:
    declare("routes.yaml", numbered(1), url="http://192.0.2.1")
    with Sandbox(tokens=["t"]) as pbx:
        env = {"PBXSYNC_TOKEN": "t", "PBXSYNC_URL": "http://192.0.2.2"}
        assert pbxsync("plan", "routes.yaml", "--url", pbx.url, env=env).code == 0
        assert pbxsync("plan", "routes.yaml", env=to(pbx)).code == 0
        assert len(pbx.requests) == 2


def test_an_address_that_is_none_is_refused_with_an_example() -> None:
    declare("routes.yaml", numbered(1))
    done = pbxsync("plan", "routes.yaml", "--url", "192.0.2.1")
    assert done.code == 1
    assert "--url: it must begin with http:// or https://; write one such as https://192.0.2.10" in done.err


def test_standard_input_is_a_file_too() -> None:
    with Sandbox(tokens=["t"]) as pbx:
        text = declare("routes.yaml", numbered(1)).read_bytes()
        done = pbxsync("apply", "-", env=to(pbx), stdin=text)
        assert names(pbx) == ["r1"]
    assert done.code == 0
    assert done.out.startswith("<stdin> → ")


def test_routes_that_the_file_does_not_declare_are_listed_and_left_alone() -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"], routes=stored(route("old"), route("older"))) as pbx:
        done = pbxsync("apply", "routes.yaml", env=to(pbx))
        assert names(pbx) == ["old", "older", "r1"]
    assert "  unmanaged, left as they are: old, older\n" in done.out
    assert "0 to delete, 0 to move; 0 unchanged, 2 unmanaged." in done.out


def test_prune_deletes_what_the_file_does_not_declare() -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"], routes=stored(route("old"), *numbered(1))) as pbx:
        done = pbxsync("apply", "routes.yaml", "--prune", env=to(pbx))
        assert done.code == 0, done.err
        assert names(pbx) == ["r1"]
    assert "  - delete  old  X. → a\n" in done.out
    assert "✓ applied  delete old\n" in done.out


@pytest.mark.parametrize("output", ["text", "json"])
def test_prune_refuses_more_deletions_than_are_allowed_and_names_them(output: str) -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"], routes=stored(route("x1"), route("x2"), route("x3"))) as pbx:
        arguments = ("apply", "routes.yaml", "--prune", "--format", output)
        refused = pbxsync(*arguments, "--max-deletes", "2", env=to(pbx))
        assert calls(pbx) == ["outroute/query"] * 2
        assert refused.code == 1
        message = "--prune would delete 3 routes, more than --max-deletes 2 allows: x1, x2, x3."
        assert f"pbxsync: routes.yaml: {message}" in refused.err
        assert "use --max-deletes 3" in refused.err
        if output == "json":
            assert message in refused.json["errors"][0]["message"]

        allowed = pbxsync(*arguments, "--max-deletes", "3", env=to(pbx))
        assert allowed.code == 0
        assert names(pbx) == ["r1"]


@pytest.mark.parametrize("output", ["text", "json"])
def test_prune_and_add_only_contradict_each_other(output: str) -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"]) as pbx:
        done = pbxsync("apply", "routes.yaml", "--prune", "--add-only", "--format", output, env=to(pbx))
        assert pbx.connections == 0
    message = "--prune deletes and --add-only only adds: use one of them."
    assert done.code == 1
    assert message in done.err
    if output == "json":
        assert done.json["errors"] == [{"file": None, "message": message}]
    else:
        assert done.out == ""


def test_a_rename_is_an_update_that_keeps_id_and_place() -> None:
    declare("routes.yaml", [route("new", "1002", renamed_from="old"), route("r1", "1001")])
    with Sandbox(tokens=["t"], routes=stored(route("old", "1002"), route("r1", "1001"))) as pbx:
        before = pbx.routes()
        done = pbxsync("apply", "routes.yaml", env=to(pbx))
        assert done.code == 0, done.err
        assert pbx.routes() == [{**before[0], "name": "new"}, before[1]]
        assert calls(pbx) == [*["outroute/query"] * 3, "outroute/update", "outroute/query"]
        again = pbxsync("plan", "routes.yaml", "--detailed-exitcode", env=to(pbx))
        assert again.code == 0
    assert '  ~ update  new\n              name: "old" → "new"\n' in done.out


def test_two_routes_of_one_name_are_reported_and_neither_is_changed() -> None:
    declare("routes.yaml", [route("r1", "1", ["b"]), route("r2", "2")])
    with Sandbox(tokens=["t"], routes=stored(route("r1", "1"), route("r1", "3"))) as pbx:
        done = pbxsync("apply", "routes.yaml", "--prune", env=to(pbx))
        assert done.code == 1
        assert names(pbx) == ["r1", "r1", "r2"]
        for options in ([], ["--detailed-exitcode"]):
            again = pbxsync("plan", "routes.yaml", *options, env=to(pbx))
            assert again.code == 1
            assert "Nothing to do" not in again.out
    assert "the PBX has 2 routes called r1, so none of them is changed" in done.out
    assert "[doubled-on-pbx]" in done.out


def test_what_the_validator_warns_of_stands_on_standard_error() -> None:
    text = declare("routes.yaml", numbered(1)).read_text(encoding="utf-8")
    Path("routes.yaml").write_text(text[:-1] + ', "tests": []}', encoding="utf-8")
    with Sandbox(tokens=["t"]) as pbx:
        done = pbxsync("plan", "routes.yaml", env=to(pbx))
    assert done.code == 0
    assert "warning: " in done.err
    assert "[no-tests]" in done.err
    assert "warning" not in done.out
