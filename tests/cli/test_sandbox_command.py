"""`pbxsync sandbox`, and `--sandbox` of the other commands."""

from __future__ import annotations

import json
import re
import signal
import sys
from pathlib import Path

import pytest

from pbxsync.sandbox import Sandbox
from tests.cli.process import Running, declare, numbered, pbxsync, route


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal to send")
def test_it_says_how_to_reach_it_serves_and_ends_with_ctrl_c() -> None:
    declare("routes.yaml", numbered(1))
    with Running("sandbox", "--port", "0", "--routes", "kept.json") as sandbox:
        line = re.search(r"export (.*)\n", sandbox.wait_for("PBXSYNC_PASSWORD=sandbox\n"))
        assert line is not None
        env = dict(pair.split("=", 1) for pair in line[1].split())
        assert pbxsync("apply", "routes.yaml", env=env).code == 0
        sandbox.send(signal.SIGINT)
        done = sandbox.ended()
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"a sandbox PBX listens on {env['PBXSYNC_URL']}; Ctrl-C ends it. To talk to it:\n")
    assert done.out.endswith("\nended; 1 route kept in kept.json.\n")
    assert "r1" in Path("kept.json").read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal to send")
def test_it_misbehaves_as_it_is_told() -> None:
    declare("routes.yaml", numbered(2))
    options = ("--fault", "outroute/add@2=refuse:10004", "--calls", "login, outroute/add, outroute/query")
    with Running("sandbox", "--port", "0", *options) as sandbox:
        line = re.search(r"export (.*)\n", sandbox.wait_for("PBXSYNC_PASSWORD=sandbox\n"))
        assert line is not None
        env = dict(pair.split("=", 1) for pair in line[1].split())
        assert "add r2 failed" in pbxsync("apply", "routes.yaml", env=env).err
        assert "✗ heartbeat" in pbxsync("ping", env=env).out
        sandbox.send(signal.SIGTERM)
        assert sandbox.ended().code == 143


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal to send")
def test_it_is_the_firmware_that_it_is_said_to_be() -> None:
    declare("routes.yaml", [route("a", "911"), route("b", "112")])
    with Running("sandbox", "--port", "0", "--odd", "insert=top", "--odd", "html-trunks=yes") as sandbox:
        line = re.search(r"export (.*)\n", sandbox.wait_for("PBXSYNC_PASSWORD=sandbox\n"))
        assert line is not None
        env = dict(pair.split("=", 1) for pair in line[1].split())
        pbxsync("apply", "routes.yaml", env=env)
        exported = pbxsync("export", env=env).out
        assert exported.index('name: "b"') < exported.index('name: "a"')
        sandbox.send(signal.SIGTERM)
        assert sandbox.ended().code == 143


def test_a_firmware_that_there_is_not_is_refused_with_what_there_is() -> None:
    done = pbxsync("sandbox", "--port", "0", "--odd", "insert=left")
    assert (done.code, done.out) == (1, "")
    assert "bad firmware 'insert=left': write insert=bottom|top|sorted. A firmware has name_limit=NUMBER" in done.err


def test_a_port_that_is_taken_is_refused() -> None:
    with Sandbox() as other:
        done = pbxsync("sandbox", "--port", other.url.rsplit(":", 1)[1])
    assert (done.code, done.out) == (1, "")
    assert "try another port" in done.err


def test_every_command_that_talks_to_a_pbx_runs_against_an_embedded_one() -> None:
    declare("routes.yaml", numbered(2))
    assert pbxsync("plan", "routes.yaml", "--sandbox", "--detailed-exitcode").code == 2
    assert pbxsync("apply", "routes.yaml", "--sandbox").code == 0
    assert pbxsync("plan", "routes.yaml", "--sandbox", "--detailed-exitcode").code == 0
    exported = pbxsync("export", "--sandbox")
    assert '  - name: "r2"\n' in exported.out
    assert "url:" not in exported.out
    assert pbxsync("refresh", "--sandbox", "--state", "state.json").code == 0
    assert json.loads(Path("state.json").read_text(encoding="utf-8"))["pbx"] == {"url": "sandbox:.pbxsync/sandbox.json"}
    assert "UCP-SANDBOX" in pbxsync("ping", "--sandbox").out


def test_a_store_that_is_broken_is_named() -> None:
    Path(".pbxsync").mkdir()
    Path(".pbxsync/sandbox.json").write_text("{", encoding="utf-8")
    done = pbxsync("export", "--sandbox")
    assert (done.code, done.out) == (1, "")
    assert "sandbox.json" in done.err
    assert "Traceback" not in done.err
