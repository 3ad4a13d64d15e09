"""pbxsync on a terminal: the question, the bar, colours."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from pbxsync.sandbox import Sandbox
from tests.cli.process import OnTerminal, calls, declare, names, numbered, pbxsync, received, route, to

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pty")

# A second thread takes each signal, so that none ends what the main thread waits for: that is how it is for a signal
# that arrives right before the wait.
_MISSED = (
    "import runpy, signal, threading; threading.Thread(target=threading.Event().wait, daemon=True).start(); "
    "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT]); runpy.run_module('pbxsync', run_name='__main__')"
)

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def test_a_question_that_is_answered_with_no_sends_nothing() -> None:
    declare("routes.yaml", numbered(2))
    with Sandbox(tokens=["t"]) as pbx:
        with OnTerminal("apply", "routes.yaml", env=to(pbx)) as terminal:
            terminal.wait_for("Apply? [y/N]: ")
            terminal.type("n\n")
            done = terminal.ended()
        assert calls(pbx) == ["outroute/query"] * 2
    assert done.code == 1
    assert "pbxsync: declined: nothing was sent\n" in done.out


def test_a_question_that_is_answered_with_yes_applies_with_a_bar_below_the_outcomes() -> None:
    declare("routes.yaml", numbered(3))
    with Sandbox(tokens=["t"], latency=0.15) as pbx:
        with OnTerminal("apply", "routes.yaml", env=to(pbx)) as terminal:
            terminal.wait_for("Apply? [y/N]: ")
            terminal.type("y\n")
            done = terminal.ended()
        assert names(pbx) == ["r1", "r2", "r3"]
        # The table until two answers agree, once more after the answer, the names; a look after the first add to a
        # table with routes; and the table at the end.
        adds = ["outroute/add", "outroute/add", "outroute/query", "outroute/add"]
        assert calls(pbx) == [*["outroute/query"] * 4, *adds, "outroute/query"]
    assert done.code == 0, done.out
    assert "\x1b[32m+ add   \x1b[0m  r1  1001 → a\n" in done.out
    assert "\x1b[32m✓ applied\x1b[0m  add r3\n" in done.out
    # Lines go above the bar: none stands beside it.
    drawn = re.split(r"\x1b\[2K|\n", done.out)
    assert any("applying" in part and "1/3" in part for part in drawn)
    assert [part for part in drawn if "applying" in part and "✓" in part] == []
    assert done.out.endswith("routes.yaml: 3 applied, 0 failed, 0 in doubt, 0 not attempted.\n")


@pytest.mark.parametrize("keys", ["\x03", "\x04"])
def test_ctrl_c_or_an_end_of_input_at_the_question_sends_nothing(keys: str) -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"]) as pbx:
        with OnTerminal("apply", "routes.yaml", env=to(pbx)) as terminal:
            terminal.wait_for("Apply? [y/N]: ")
            terminal.type(keys)
            done = terminal.ended()
        assert names(pbx) == []
    assert done.code == 130
    assert done.out.endswith("\npbxsync: interrupted\n")


@pytest.mark.parametrize("output", ["text", "json"])
def test_ctrl_c_right_before_the_wait_for_an_answer_ends_the_run_all_the_same(output: str) -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"]) as pbx:
        arguments = ("apply", "routes.yaml", "--format", output)
        late = (sys.executable, "-c", _MISSED)
        with OnTerminal(*arguments, env=to(pbx), command=late) as terminal:
            terminal.wait_for("Apply? [y/N]: ")
            terminal.type("\x03")
            done = terminal.ended()
        assert names(pbx) == []
    assert done.code == 130
    assert "\npbxsync: interrupted\n" in done.out


def test_ctrl_c_while_the_bar_is_drawn_finishes_the_call_in_flight_and_leaves_the_screen_tidy() -> None:
    declare("routes.yaml", numbered(3))
    with Sandbox(tokens=["t"], faults=["outroute/add@2=delay:2"]) as pbx:
        with OnTerminal("apply", "routes.yaml", "-y", env=to(pbx)) as terminal:
            terminal.wait_for("  add r1\r\n")
            received(pbx, 2, "outroute/add")
            terminal.type("\x03")
            done = terminal.ended()
        assert names(pbx) == ["r1", "r2"]
    assert done.code == 130
    assert "pbxsync: stopping; the call in flight is finished and recorded first\n" in done.out
    assert "· not attempted\x1b[0m  add r3\n" in done.out
    assert done.out.rfind("\x1b[?25h") > done.out.rfind("\x1b[?25l") > -1  # the cursor is shown again
    assert done.out.endswith("1 not attempted. Interrupted: the rest was not attempted.\n")


def test_a_pbx_that_changed_while_the_question_was_open_is_refused() -> None:
    declare("routes.yaml", numbered(2))
    declare("theirs.yaml", [route("theirs")])
    with Sandbox(tokens=["t"]) as pbx:
        with OnTerminal("apply", "routes.yaml", env=to(pbx)) as terminal:
            terminal.wait_for("Apply? [y/N]: ")
            # From another machine, say, where no lock of this one counts.
            assert pbxsync("apply", "theirs.yaml", env=to(pbx, PBXSYNC_LOCK_DIR="elsewhere")).code == 0
            terminal.type("y\n")
            done = terminal.ended()
        assert names(pbx) == ["theirs"]
    assert done.code == 1
    assert "pbxsync: routes.yaml: the PBX's routes changed since the plan was made; plan again\n" in done.out


def test_nothing_is_asked_where_there_is_nothing_to_do_or_yes_was_said() -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"]) as pbx:
        for arguments in (["--yes"], []):
            with OnTerminal("apply", "routes.yaml", *arguments, env=to(pbx)) as terminal:
                done = terminal.ended()
            assert done.code == 0
            assert "Apply?" not in done.out
        assert names(pbx) == ["r1"]


def test_nothing_is_asked_while_an_outcome_is_in_doubt() -> None:
    declare("routes.yaml", numbered(2))
    with Sandbox(tokens=["t"], calls={"outroute/add"}, faults=["outroute/add@1=reset"]) as pbx:
        state = ("--state", "state.json")
        assert pbxsync("apply", "routes.yaml", *state, "--init", env=to(pbx)).code == 3
        with OnTerminal("apply", "routes.yaml", *state, env=to(pbx)) as terminal:
            done = terminal.ended()
    assert done.code == 3
    assert "Apply?" not in done.out
    assert "nothing is sent while an outcome is in doubt: add r1" in done.out


@pytest.mark.parametrize("switch", ["NO_COLOR", "--no-color"])
def test_colour_is_left_out_where_the_user_wants_none(switch: str) -> None:
    declare("routes.yaml", numbered(2))
    arguments = ["apply", "routes.yaml", "--yes"] + ([switch] if switch.startswith("-") else [])
    with Sandbox(tokens=["t"], faults=["outroute/add@2=refuse:10004"], latency=0.15) as pbx:
        env = to(pbx, **({} if switch.startswith("-") else {switch: "1"}))
        with OnTerminal(*arguments, env=env) as terminal:
            done = terminal.ended()
    assert done.code == 1
    assert "applying" in done.out
    assert COLOUR.findall(done.out) == []


def test_what_is_wrong_is_coloured_on_a_terminal() -> None:
    declare("routes.yaml", [route("all")])
    with OnTerminal("plan", "routes.yaml") as terminal:
        done = terminal.ended()
    assert done.code == 1
    assert "\x1b[1mroutes.yaml:7:" in done.out
    assert ": \x1b[31merror\x1b[0m: a route can't be called" in done.out
    assert "\x1b[2m[reserved-name]\x1b[0m\n" in done.out


def test_a_redirected_output_holds_neither_colour_nor_bar_and_the_question_shows_the_plan() -> None:
    declare("routes.yaml", numbered(2))
    with (
        Sandbox(tokens=["t"], latency=0.15) as pbx,
        OnTerminal("apply", "routes.yaml", env=to(pbx), out=Path("out.txt")) as terminal,
    ):
        terminal.wait_for("Apply? [y/N]: ")
        terminal.type("y\n")
        done = terminal.ended()
    out = Path("out.txt").read_text(encoding="utf-8")
    assert done.code == 0
    assert "  + add     r2  1002 → a\n" in done.out
    assert "applying" in done.out
    assert "✓ applied  add r1\n  ✓ applied  add r2\n" in out
    assert "\x1b" not in out
    assert "✓" not in done.out


@pytest.mark.parametrize("output", ["text", "json"])
def test_the_question_is_asked_on_standard_output_where_standard_error_goes_to_a_file(output: str) -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"]) as pbx:
        arguments = ("apply", "routes.yaml", "--format", output)
        with OnTerminal(*arguments, env=to(pbx), err=Path("err.txt")) as terminal:
            terminal.wait_for("Apply? [y/N]: ")
            terminal.type("y\n")
            done = terminal.ended()
        assert names(pbx) == ["r1"]
    assert done.code == 0
    assert "+ add" in done.out
    err = Path("err.txt").read_text(encoding="utf-8")
    assert err == ("" if output == "text" else "  ✓ applied  add r1\n")


def test_a_terminal_on_which_nobody_would_see_the_question_is_none() -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"]) as pbx:
        with OnTerminal("apply", "routes.yaml", env=to(pbx), out=Path("out.txt"), err=Path("err.txt")) as terminal:
            assert terminal.ended().code == 0
        assert names(pbx) == ["r1"]


@pytest.mark.parametrize("keys", ["n\n", "y\n", "\x03"])
def test_with_json_the_plan_and_the_question_stand_on_standard_error(keys: str) -> None:
    declare("routes.yaml", numbered(2))
    with Sandbox(tokens=["t"], latency=0.15) as pbx:
        arguments = ("apply", "routes.yaml", "--format", "json", "-v")
        with OnTerminal(*arguments, env=to(pbx), out=Path("out.json")) as terminal:
            terminal.wait_for("Apply? [y/N]: ")
            terminal.type(keys)
            done = terminal.ended()
        assert names(pbx) == (["r1", "r2"] if keys == "y\n" else [])
    document = json.loads(Path("out.json").read_text(encoding="utf-8"))
    assert "+ add     r1" in done.out
    statuses = [one["status"] for plan in document["plans"] for one in plan["outcomes"]]
    messages = [error["message"] for error in document["errors"]]
    code, expected, errors = {
        "n\n": (1, ["not_attempted"] * 2, ["declined: nothing was sent"]),
        "y\n": (0, ["applied"] * 2, []),
        "\x03": (130, [], ["interrupted"]),
    }[keys]
    assert (done.code, statuses, messages) == (code, expected, errors)
    drawn = re.split(r"\x1b\[2K|\n", done.out)
    assert [part for part in drawn if "applying" in part and ("✓" in part or "HTTP" in part)] == []
