"""A pbxsync in the tests' own process is as good as a process of its own; a followed one ends where it is told to."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pbxsync.sandbox import Sandbox
from tests.cli import process
from tests.cli.forked import followed
from tests.cli.process import calls, declare, names, numbered, route, to
from tests.in_process import inside

if TYPE_CHECKING:
    from tests.cli.forked import Follow

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="a process is followed step by step on Linux alone")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["plan"],
        ["apply", "--no-such-option"],
        ["validate", "no-such-file.yaml", "--format", "json"],
        ["validate", "routes.yaml"],
        ["validate", "-"],
        ["plan", "--sandbox", "routes.yaml", "--format", "json"],
        ["plan", "routes.yaml"],
        ["ping", "--url", "http://127.0.0.1:1", "--retries", "0"],
        ["schema", "routes"],
        ["explain", "911", "routes.yaml"],
        ["test", "routes.yaml"],
        ["export", "--url", "http://127.0.0.1:1", "--retries", "0"],
        ["refresh", "--state", "no/state.json"],
        ["resolve", "r1", "--state", "state.json", "--applied"],
        ["report", "no-such-file.json"],
        ["sandbox", "--odd", "nothing=1"],
    ],
    ids=" ".join,
)
def test_it_ends_as_a_process_does(arguments: list[str]) -> None:
    declare("routes.yaml", [route("déjà vu — 東京")])
    env, stdin = {"PBXSYNC_TOKEN": "t"}, b"routes: []\n"
    done = process.pbxsync(*arguments, env=env, stdin=stdin)
    called = replace(done, err=done.err.replace("python -m pbxsync", "pbxsync"))
    assert inside(*arguments, env=env, stdin=stdin) == called


def test_nothing_of_one_run_is_left_for_the_next() -> None:
    with Sandbox(tokens=["t"]) as pbx:
        declare("routes.yaml", numbered(2))
        assert inside("apply", "routes.yaml", "--state", "state.json", "--init", env=to(pbx)).code == 0
        assert names(pbx) == ["r1", "r2"]
        Path("below").mkdir()
        os.chdir("below")
        assert "no PBX is named" in inside("plan", "../routes.yaml").err
        assert inside("plan", "../routes.yaml", "--detailed-exitcode", env=to(pbx)).code == 0
        assert pbx.connections == 2


@on_linux
@pytest.mark.parametrize("follow", ["system", "calls"])
def test_a_followed_one_is_killed_at_the_step_that_is_named(follow: Follow) -> None:
    declare("routes.yaml", numbered(3))
    with Sandbox(tokens=["t"]) as pbx:
        command = ("apply", "routes.yaml", "--format", "json")
        early = followed(*command, env=to(pbx), kill_at=1, follow=follow)
        assert (early.ended.code, early.steps, calls(pbx)) == (-signal.SIGKILL, 1, [])
        whole = followed(*command, env=to(pbx), follow=follow)
        assert whole.ended.code == 0
        assert names(pbx) == ["r1", "r2", "r3"]
        assert whole.steps > 100
        late = followed(*command, env=to(pbx), kill_at=10 * whole.steps, follow=follow)
        assert (late.ended.code, late.killed) == (0, False)
