"""Several files, each of them one PBX, in one run."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import pytest

from pbxsync.sandbox import Sandbox
from tests.cli.process import declare, names, numbered, route, to
from tests.in_process import inside as pbxsync

TOKEN = {"PBXSYNC_TOKEN": "t"}


@pytest.mark.parametrize("output", ["text", "json"])
def test_a_pbx_that_fails_keeps_no_other_from_being_applied(output: str) -> None:
    Path("pbxs").mkdir()
    with ExitStack() as stack:
        pbxs = {
            site: stack.enter_context(Sandbox(tokens=["t"], faults=faults))
            for site, faults in (("a", []), ("b", ["outroute/add@2=refuse:10004"]), ("c", ["*@1=refuse:20004"]))
        }
        for site, pbx in pbxs.items():
            declare(f"pbxs/{site}.yaml", numbered(3), url=pbx.url)
        done = pbxsync("apply", "pbxs", "--format", output, env=TOKEN)
        assert {site: len(names(pbx)) for site, pbx in pbxs.items()} == {"a": 3, "b": 1, "c": 0}
    a, b, c = (str(Path("pbxs", f"{site}.yaml")) for site in "abc")
    assert done.code == 1
    assert f"pbxsync: {b}: add r2 failed: " in done.err
    assert f"pbxsync: {c}: outroute/query: the PBX refused it" in done.err
    if output == "text":
        assert f"{a}:  ✓ applied  add r3\n" in done.out
        assert f"{b}:  ✗ failed  add r2: " in done.out
        assert f"{b}:  · not attempted  add r3\n" in done.out
        assert f"{a}: 3 applied, 0 failed, 0 in doubt, 0 not attempted.\n" in done.out
        assert "2 PBXs: 6 to add, 0 to update, 0 to delete, 0 to move; 0 with nothing to do.\n" in done.out
    else:
        outcomes = {plan["file"]: [one["status"] for one in plan["outcomes"]] for plan in done.json["plans"]}
        assert outcomes == {a: ["applied"] * 3, b: ["applied", "failed", "not_attempted"]}
        assert [error["file"] for error in done.json["errors"]] == [c]


def test_two_files_for_one_pbx_are_refused_before_anything_is_sent() -> None:
    with Sandbox(tokens=["t"]) as pbx:
        declare("a.yaml", numbered(1), url=pbx.url)
        declare("b.yaml", numbered(2), url=f"{pbx.url}/")
        done = pbxsync("apply", "a.yaml", "b.yaml", env=TOKEN)
        same = pbxsync("apply", "a.yaml", "b.yaml", env=to(pbx))
        assert pbx.connections == 0
    assert done.code == same.code == 1
    message = f"a.yaml and b.yaml both are for the PBX {pbx.url} (by --url, PBXSYNC_URL or pbx: url: in the file);"
    assert message in done.err
    assert message in same.err


@pytest.mark.parametrize("host", ["localhost", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1"])
def test_two_files_for_one_pbx_are_refused_however_its_address_is_written(host: str) -> None:
    with Sandbox(tokens=["t"]) as pbx:
        other = f"{pbx.url.replace('127.0.0.1', host)}/."
        declare("a.yaml", numbered(1), url=pbx.url)
        declare("b.yaml", numbered(2), url=other)
        done = pbxsync("apply", "a.yaml", "b.yaml", env=TOKEN)
        assert pbx.connections == 0
    assert done.code == 1
    assert f"a.yaml and b.yaml both are for the PBX {other} = {pbx.url} (by --url, " in done.err


def test_two_names_of_one_machine_are_two_pbxs() -> None:
    for name in ("hq", "branch"):
        declare(f"{name}.yaml", numbered(1), url=f"https://{name}.localhost/")
    done = pbxsync("plan", "hq.yaml", "branch.yaml", "--state", ".", "--init", env=TOKEN)
    assert done.code == 0, done.err


@pytest.mark.parametrize("output", ["text", "json"])
def test_one_invalid_file_keeps_everything_from_being_sent(output: str) -> None:
    with Sandbox(tokens=["t"]) as pbx:
        declare("good.yaml", numbered(1), url=pbx.url)
        declare("bad.yaml", [route("all")])
        done = pbxsync("apply", "good.yaml", "bad.yaml", "--format", output, env=TOKEN)
        assert pbx.connections == 0
    assert done.code == 1
    assert "bad.yaml:7:" in done.err
    assert "[reserved-name]" in done.err
    assert "pbxsync: 1 error; nothing was planned or sent" in done.err
    if output == "json":
        assert [problem["rule"] for problem in done.json["problems"]] == ["reserved-name"]
        assert done.json["plans"] == []
    else:
        assert done.out == ""


def test_a_folder_of_states_holds_one_for_each_file() -> None:
    Path("states").mkdir()
    with Sandbox(tokens=["t"]) as one, Sandbox(tokens=["t"], calls={"outroute/add"}) as two:
        declare("a.yaml", numbered(1), url=one.url)
        declare("b.yaml", numbered(2), url=two.url)
        first = pbxsync("apply", "a.yaml", "b.yaml", "--state", "states", "--init", env=TOKEN)
        assert first.code == 0, first.err
        assert sorted(path.name for path in Path("states").iterdir()) == ["a.json", "b.json"]
        assert json.loads(Path("states/b.json").read_text(encoding="utf-8"))["pbx"] == {"url": two.url}
        second = pbxsync("plan", "a.yaml", "b.yaml", "--state", "states", "--detailed-exitcode")
        assert second.code == 0
        assert "2 PBXs: 0 to add, 0 to update, 0 to delete, 0 to move; 2 with nothing to do.\n" in second.out
        # One file alone finds its own state in the folder, too.
        assert pbxsync("plan", "b.yaml", "--state", "states", "--detailed-exitcode").code == 0


def test_several_files_need_a_folder_of_states() -> None:
    declare("a.yaml", numbered(1), url="http://192.0.2.1")
    declare("b.yaml", numbered(1), url="http://192.0.2.2")
    Path("state.json").write_text("{}", encoding="utf-8")
    file = pbxsync("plan", "a.yaml", "b.yaml", "--state", "state.json")
    missing = pbxsync("apply", "a.yaml", "b.yaml", "--state", "states", "--init")
    assert file.code == missing.code == 1
    assert "--state state.json: with several files it names a folder, and this is a file" in file.err
    assert "--state states: with several files it names a folder, and there is no such folder; make it" in missing.err


def test_two_files_whose_states_would_be_one_file_are_refused() -> None:
    Path("states").mkdir()
    declare("a.yaml", numbered(1), url="http://192.0.2.1")
    declare("a.yml", numbered(1), url="http://192.0.2.2")
    done = pbxsync("plan", "a.yaml", "a.yml", "--state", "states", "--init")
    assert done.code == 1
    state = Path("states", "a.json")
    assert f"a.yaml and a.yml both would be kept in the state file {state}; give one of them another name" in done.err


def test_several_files_each_have_a_sandbox_of_their_own() -> None:
    declare("a.yaml", numbered(1))
    declare("b.yaml", numbered(2))
    assert pbxsync("apply", "a.yaml", "b.yaml", "--sandbox").code == 0
    again = pbxsync("plan", "a.yaml", "b.yaml", "--sandbox", "--detailed-exitcode")
    assert again.code == 0
    assert sorted(path.name for path in Path(".pbxsync").iterdir()) == ["sandbox-a.json", "sandbox-b.json"]
