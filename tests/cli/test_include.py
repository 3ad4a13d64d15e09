"""Shared routes, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pbxsync.sandbox import Sandbox
from tests.cli.process import names, to
from tests.in_process import inside as pbxsync

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def shared() -> None:
    Path("common").mkdir()
    Path("sites").mkdir()
    Path(".git").mkdir()
    Path("common/emergency.yaml").write_text(
        'routes:\n  - name: emergency\n    matchpattern: "911"\n    trunks: [pstn]\n'
        'tests:\n  - dial: "911"\n    route: emergency\n',
        encoding="utf-8",
    )
    for site in ("hq", "branch"):
        Path(f"sites/{site}.yaml").write_text(
            "include: [../common/emergency.yaml]\n"
            'routes:\n  - name: rest\n    matchpattern: "X."\n    trunks: [carrier-a]\n',
            encoding="utf-8",
        )


def test_every_command_takes_the_shared_routes_for_the_sites_own() -> None:
    assert pbxsync("validate", "sites").out == "4 routes in 2 files: no problems, 2 tests passed.\n"
    assert pbxsync("test", "sites/hq.yaml").code == 0
    assert "emergency" in pbxsync("explain", "sites/hq.yaml", "911").out
    with Sandbox(tokens=["t"]) as pbx:
        done = pbxsync("apply", "sites/hq.yaml", "--format", "json", env=to(pbx))
        assert names(pbx) == ["emergency", "rest"]
    changes = done.json["plans"][0]["changes"]
    assert [change["location"]["file"] for change in changes] == ["common/emergency.yaml", "sites/hq.yaml"]


def test_a_broken_shared_file_is_told_once_in_every_format_and_stops_all_sites() -> None:
    Path("common/emergency.yaml").write_text("routes:\n  - name: all\n", encoding="utf-8")
    done = pbxsync("validate", "sites", "--format", "json")
    assert {problem["file"] for problem in done.json["problems"]} == {"common/emergency.yaml"}
    [reserved] = [problem for problem in done.json["problems"] if problem["rule"] == "reserved-name"]
    assert done.code == 1
    assert reserved["message"].endswith("(included by sites/branch.yaml:1:11 and 1 more)")
    github = pbxsync("validate", "sites", "--format", "github").out
    assert "::error file=common/emergency.yaml,line=2," in github
    assert "nothing was planned or sent" in pbxsync("apply", "sites", "--sandbox").err


def test_a_saved_plan_is_stale_once_a_shared_file_has_changed() -> None:
    with Sandbox(tokens=["t"]) as pbx:
        assert pbxsync("plan", "sites/hq.yaml", "--out", "p", env=to(pbx)).code == 0
        shared = Path("common/emergency.yaml")
        before = shared.read_text(encoding="utf-8")
        shared.write_text(before.replace("pstn", "other"), encoding="utf-8")
        stale = pbxsync("apply", "--plan", "p", env=to(pbx))
        shared.write_text(before, encoding="utf-8")
        good = pbxsync("apply", "--plan", "p", env=to(pbx))
        assert names(pbx) == ["emergency", "rest"]
    assert (stale.code, good.code) == (1, 0)
    assert "stale plan: the file has changed since it was planned" in stale.err


def test_no_output_is_written_over_a_shared_file() -> None:
    shared = Path("common/emergency.yaml")
    before = shared.read_text(encoding="utf-8")
    done = pbxsync("plan", "sites/hq.yaml", "--sandbox", "--report", f"json={shared}")
    assert done.code == 1
    assert "would be written over common/emergency.yaml, which this command reads" in done.err
    assert shared.read_text(encoding="utf-8") == before


def test_standard_input_includes_from_the_current_folder() -> None:
    text = Path("sites/hq.yaml").read_text(encoding="utf-8").replace("../common", "common")
    done = pbxsync("plan", "-", "--state", "none.json", "--init", "--format", "json", stdin=text.encode())
    assert [change["name"] for change in done.json["plans"][0]["changes"]] == ["emergency", "rest"]
    assert json.loads(done.out)["summary"]["add"] == 2


def test_the_example_of_a_fleet_is_good_and_its_tests_pass() -> None:
    done = pbxsync("validate", "--strict", ROOT / "examples" / "fleet" / "sites")
    assert done.out == "6 routes in 2 files: no problems, 4 tests passed.\n"
