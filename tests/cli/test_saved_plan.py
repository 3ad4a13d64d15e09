"""`plan --out` and `apply --plan`: what was reviewed is what is sent, once, or nothing is."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pbxsync.sandbox import Sandbox
from tests.cli.process import calls, declare, names, numbered, route, stored, to
from tests.cli.test_output import check
from tests.in_process import inside as pbxsync

PLANNED = ["plan", "routes.yaml", "--out", "plan.json"]
APPLY = ["apply", "--plan", "plan.json"]


def changing(pbx: Sandbox) -> list[str]:
    return [call for call in calls(pbx) if call != "outroute/query"]


def test_a_saved_plan_is_applied_as_it_was_shown_and_says_what_it_does() -> None:
    declare("routes.yaml", [route("r1", "77"), *numbered(3)[1:]])
    with Sandbox(tokens=["t"], routes=stored(*numbered(2), route("old"))) as pbx:
        planned = pbxsync(*PLANNED, "--prune", env=to(pbx))
        assert changing(pbx) == []
        done = pbxsync(*APPLY, env=to(pbx))
        assert names(pbx) == ["r1", "r2", "r3"]
        assert changing(pbx) == ["outroute/update", "outroute/add", "outroute/delete"]
    assert (planned.code, done.code) == (0, 0)
    assert planned.err == "pbxsync: the plan is saved in plan.json; apply it with: pbxsync apply --plan plan.json\n"
    assert done.out.startswith(planned.out)
    assert done.out.endswith("routes.yaml: 3 applied, 0 failed, 0 in doubt, 0 not attempted.\n")


def test_a_reorder_is_saved_and_applied_too() -> None:
    declare("routes.yaml", [*numbered(1), route("rest", trunks=["b"])])
    with Sandbox(tokens=["t"], routes=stored(route("rest", trunks=["b"]))) as pbx:
        assert pbxsync(*PLANNED, "--reorder", env=to(pbx)).code == 0
        done = pbxsync(*APPLY, "--format", "json", env=to(pbx))
        assert names(pbx) == ["r1", "rest"]
        assert pbxsync("plan", "routes.yaml", "--detailed-exitcode", env=to(pbx)).code == 0
    assert done.code == 0
    check("apply", done)


def test_a_saved_plan_fits_the_schema_of_plans_and_holds_no_secret() -> None:
    declare("routes.yaml", numbered(2))
    with Sandbox(tokens=["s3cret-t0ken"]) as pbx:
        planned = pbxsync(*PLANNED, "--format", "json", env={"PBXSYNC_URL": pbx.url, "PBXSYNC_TOKEN": "s3cret-t0ken"})
    text = Path("plan.json").read_text(encoding="utf-8")
    check("plan", planned)
    saved = json.loads(text)
    header = saved.pop("saved")
    assert saved == planned.json
    assert set(header) == {"pbxsync", "plans", "checksum"}
    assert "s3cret" not in text


def test_a_live_plan_is_stale_once_the_pbx_holds_something_else() -> None:
    declare("routes.yaml", numbered(2))
    with Sandbox(tokens=["t"]) as pbx:
        assert pbxsync(*PLANNED, env=to(pbx)).code == 0
        declare("other.yaml", [route("x", "5")])
        assert pbxsync("apply", "other.yaml", env=to(pbx)).code == 0
        stale = pbxsync(*APPLY, env=to(pbx))
        assert names(pbx) == ["x"]
    assert stale.code == 1
    assert stale.err == (
        "pbxsync: routes.yaml: stale plan: the PBX holds something else than it was made from; plan again\n"
    )


def test_a_plan_is_stale_once_it_was_applied() -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"]) as pbx:
        assert pbxsync(*PLANNED, env=to(pbx)).code == 0
        assert [pbxsync(*APPLY, env=to(pbx)).code for _ in range(2)] == [0, 1]
        assert names(pbx) == ["r1"]


def test_a_state_file_remembers_the_plan_even_where_the_pbx_is_what_it_was() -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"]) as pbx:
        assert pbxsync(*PLANNED, "--state", "state.json", "--init", env=to(pbx)).code == 0
        first = pbxsync(*APPLY, env=to(pbx))
        declare("nothing.yaml", [])
        assert pbxsync("apply", "nothing.yaml", "--prune", env=to(pbx)).code == 0
        assert pbxsync("refresh", "--state", "state.json", env=to(pbx)).code == 0
        again = pbxsync(*APPLY, env=to(pbx))
        assert names(pbx) == []
    assert (first.code, again.code) == (0, 1)
    assert (
        "routes.yaml: state.json has recorded that this plan was applied already, and it is not applied a" in again.err
    )


def test_a_plan_of_which_nothing_was_carried_out_may_be_applied_again() -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"], faults=["outroute/add@1=refuse"]) as pbx:
        assert pbxsync(*PLANNED, "--state", "state.json", "--init", env=to(pbx)).code == 0
        assert [pbxsync(*APPLY, env=to(pbx)).code for _ in range(2)] == [1, 0]
        assert names(pbx) == ["r1"]


def test_a_plan_that_was_begun_is_not_applied_again_but_planned_anew() -> None:
    declare("routes.yaml", numbered(2))
    with Sandbox(tokens=["t"], faults=["outroute/add@2=refuse"]) as pbx:
        assert pbxsync(*PLANNED, "--state", "state.json", "--init", env=to(pbx)).code == 0
        assert [pbxsync(*APPLY, env=to(pbx)).code for _ in range(2)] == [1, 1]
        assert names(pbx) == ["r1"]
        assert pbxsync("apply", "routes.yaml", "--state", "state.json", env=to(pbx)).code == 0
        assert names(pbx) == ["r1", "r2"]


def test_what_was_in_doubt_and_not_carried_out_can_be_planned_and_applied_again() -> None:
    declare("routes.yaml", numbered(2))
    with Sandbox(tokens=["t"], faults=["outroute/add@1=before:close", "outroute/query@4-6=status:500"]) as pbx:
        assert pbxsync(*PLANNED, "--state", "state.json", "--init", env=to(pbx)).code == 0
        assert pbxsync(*APPLY, "--retries", "0", env=to(pbx)).code == 3
        assert pbxsync("resolve", "r1", "--state", "state.json", "--not-applied").code == 0
        refused = pbxsync(*APPLY, env=to(pbx))
        assert "this plan was applied already" in refused.err
        assert pbxsync(*PLANNED, "--state", "state.json", env=to(pbx)).code == 0
        assert pbxsync(*APPLY, env=to(pbx)).code == 0
        assert names(pbx) == ["r1", "r2"]


def test_a_change_that_was_taken_back_can_be_planned_and_applied_again() -> None:
    with Sandbox(tokens=["t"]) as pbx:
        for count in (1, 2, 1, 2, 1, 2):
            declare("routes.yaml", numbered(count))
            state = ["--state", "state.json", "--init", "--prune"]
            assert pbxsync(*PLANNED, *state, env=to(pbx)).code == 0
            assert pbxsync(*APPLY, env=to(pbx)).code == 0
            assert names(pbx) == ["r1", "r2"][:count]


def test_a_plan_of_an_empty_state_file_does_not_begin_another_where_that_is_missing() -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"]) as pbx:
        assert pbxsync("refresh", "--state", "state.json", env=to(pbx)).code == 0
        assert pbxsync(*PLANNED, "--state", "state.json", "--init", env=to(pbx)).code == 0
        Path("state.json").unlink()
        refused = pbxsync(*APPLY, env=to(pbx))
        assert changing(pbx) == []
    assert refused.code == 1
    assert not Path("state.json").exists()
    assert refused.err == (
        f"pbxsync: routes.yaml: state.json: there is no such state file in {Path.cwd()}, and the plan was made from "
        "it: apply it where that file is, by the same path, or plan again\n"
    )


def test_a_state_file_that_is_called_live_is_a_state_file_in_a_saved_plan_too() -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"]) as pbx:
        assert pbxsync(*PLANNED, "--state", "live", "--init", env=to(pbx)).code == 0
        assert pbxsync(*APPLY, env=to(pbx)).code == 0
    assert json.loads(Path("live").read_text(encoding="utf-8"))["applied_plans"]


@pytest.mark.parametrize("option", [["--out", "{}"], ["--report", "json={}"]])
@pytest.mark.parametrize("lost", ["routes.yaml", "./state/routes.json", "link", "folder"])
def test_no_plan_is_written_over_what_it_is_made_from(option: list[str], lost: str) -> None:
    declare("routes.yaml", numbered(1))
    Path("state").mkdir()
    with Sandbox(tokens=["t"]) as pbx:
        assert pbxsync("refresh", "--state", "state/routes.json", env=to(pbx)).code == 0
        Path("link").symlink_to("routes.yaml")
        files = "." if lost == "folder" else "routes.yaml"
        lost = "routes.yaml" if lost == "folder" else lost
        before = Path(lost).read_bytes()
        writes = [option[0], option[1].format(lost)]
        done = pbxsync("plan", files, "--state", "state", *writes, "--format", "json", env=to(pbx))
    assert done.code == 1
    assert Path(lost).read_bytes() == before
    assert "would be written over " in done.err
    assert ", which this command reads; name another file\n" in done.err
    check("plan", done)


def test_a_report_in_place_of_a_faulty_routes_file_is_refused_too() -> None:
    Path("routes.yaml").write_text("routes: 7\n", encoding="utf-8")
    assert pbxsync("plan", "routes.yaml", "--report", "json=routes.yaml").code == 1
    assert Path("routes.yaml").read_text(encoding="utf-8") == "routes: 7\n"


def test_a_report_and_a_saved_plan_can_not_be_one_file() -> None:
    declare("routes.yaml", numbered(1))
    done = pbxsync(*PLANNED, "--report", "json=plan.json")
    assert done.code == 1
    assert "--out: plan.json: would be written over what --report writes; name another file" in done.err


@pytest.mark.parametrize("content", ["routes: 7\n", "routes: []\n"])
def test_where_no_plan_is_saved_an_earlier_one_is_said_to_be_one(content: str) -> None:
    Path("routes.yaml").write_text(content, encoding="utf-8")
    Path("plan.json").write_text("earlier", encoding="utf-8")
    done = pbxsync(*PLANNED, "--state", "state.json", "--init")  # it names no PBX
    assert done.code == 1
    assert done.err.endswith("pbxsync: plan.json: no plan is saved; the one that is there is of an earlier run\n")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_plan_is_written_into_a_pipe_and_does_not_take_its_place() -> None:
    declare("routes.yaml", numbered(1))
    os.mkfifo("pipe")
    with Sandbox(tokens=["t"]) as pbx, os.fdopen(os.open("pipe", os.O_RDONLY | os.O_NONBLOCK), "rb") as reader:
        assert pbxsync("plan", "routes.yaml", "--out", "pipe", env=to(pbx)).code == 0
        assert "saved" in json.loads(reader.read())
    assert Path("pipe").is_fifo()


def test_a_plan_for_another_pbx_is_refused_before_anybody_is_spoken_to() -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"]) as pbx, Sandbox(tokens=["t"]) as other:
        assert pbxsync(*PLANNED, env=to(pbx)).code == 0
        refused = pbxsync(*APPLY, env=to(other))
        assert calls(other) == []
        assert pbxsync(*APPLY, env={"PBXSYNC_TOKEN": "t"}).code == 0
        assert names(pbx) == ["r1"]
    assert refused.code == 1
    assert f"is for another PBX: it was made for {pbx.url}; but --url or PBXSYNC_URL names {other.url}" in refused.err


def test_a_plan_for_a_sandbox_is_applied_to_that_sandbox() -> None:
    declare("routes.yaml", numbered(1))
    assert pbxsync(*PLANNED, "--sandbox").code == 0
    refused = pbxsync(*APPLY)
    assert refused.code == 1
    assert "it was made for sandbox:.pbxsync/sandbox.json; apply it with --sandbox" in refused.err
    assert pbxsync(*APPLY, "--sandbox").code == 0


def test_plans_of_several_pbxs_are_saved_together_and_what_failed_is_told_again() -> None:
    with Sandbox(tokens=["t"]) as a, Sandbox(tokens=["t"]) as b, Sandbox(tokens=["other"]) as c:
        for site, pbx in (("a", a), ("b", b), ("c", c)):
            declare(f"{site}.yaml", numbered(2), url=pbx.url)
        env = {"PBXSYNC_TOKEN": "t", "PBXSYNC_RETRIES": "0"}
        planned = pbxsync("plan", ".", "--out", "plan.json", env=env)
        done = pbxsync(*APPLY, env=env)
        assert (names(a), names(b), names(c)) == (["r1", "r2"], ["r1", "r2"], [])
    assert (planned.code, done.code) == (1, 1)
    assert "pbxsync: c.yaml: not in plan.json, since it was not planned: outroute/query: " in done.err


def test_failing_tests_keep_a_saved_plan_from_being_applied() -> None:
    Path("routes.yaml").write_text(
        'routes:\n- {name: a, matchpattern: "12", trunks: [t]}\ntests:\n- {dial: "12", route: a}\n', encoding="utf-8"
    )
    with Sandbox(tokens=["t"], routes=stored(route("first"))) as pbx:
        assert pbxsync(*PLANNED, env=to(pbx)).code == 1
        refused = pbxsync(*APPLY, env=to(pbx))
        assert changing(pbx) == []
    assert refused.code == 1
    assert "nothing was sent, since tests fail on what the PBX will hold" in refused.err


def test_what_is_in_doubt_is_not_saved() -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"], calls={"outroute/add"}, faults=["outroute/add@1=close"]) as pbx:
        assert pbxsync("apply", "routes.yaml", "--state", "state.json", "--init", env=to(pbx)).code == 3
        planned = pbxsync(*PLANNED, "--state", "state.json", env=to(pbx))
    assert planned.code == 3
    assert "no plan is saved of it while an outcome is in doubt; settle it first" in planned.err
    assert not Path("plan.json").exists()


def test_a_plan_that_names_no_pbx_is_not_saved() -> None:
    declare("routes.yaml", numbered(1))
    planned = pbxsync(*PLANNED, "--state", "state.json", "--init")
    assert planned.code == 1
    assert "no plan is saved of it, since it names no PBX: give --url" in planned.err
    assert not Path("plan.json").exists()


@pytest.mark.parametrize(
    "more", [["routes.yaml"], ["--state", "s.json"], ["--prune"], ["--reorder"], ["--add-only"], ["--no-tests"]]
)
def test_what_a_plan_has_decided_can_not_be_chosen_again(more: list[str]) -> None:
    declare("routes.yaml", numbered(1))
    done = pbxsync(*APPLY, *more)
    assert done.code == 1
    chosen = "FILE" if more == ["routes.yaml"] else more[0]
    assert f"--plan applies what was planned: {chosen} can't be chosen any more; plan again." in done.err


def test_variables_that_plan_are_for_the_plan_alone() -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"], routes=stored(route("old", "5"))) as pbx:
        assert pbxsync(*PLANNED, env=to(pbx)).code == 0
        assert pbxsync(*APPLY, env=to(pbx, PBXSYNC_PRUNE="1", PBXSYNC_STATE="none.json")).code == 0
        assert names(pbx) == ["old", "r1"]


@pytest.mark.parametrize("more", [{"PRUNE": "1", "ADD_ONLY": "1"}, {"REORDER": "1", "ADD_ONLY": "1"}, {"INIT": "1"}])
def test_variables_that_can_not_be_planned_with_keep_no_saved_plan_from_being_applied(more: dict[str, str]) -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"]) as pbx:
        assert pbxsync(*PLANNED, env=to(pbx)).code == 0
        variables = {f"PBXSYNC_{name}": value for name, value in more.items()}
        assert pbxsync(*APPLY, env=to(pbx, **variables)).code == 0
        assert names(pbx) == ["r1"]


def test_without_a_file_and_without_a_plan_the_usage_says_what_is_missing() -> None:
    assert "Missing argument 'FILE...', or --plan PLAN." in pbxsync("apply").err


def test_a_plan_that_can_not_be_written_is_a_failure() -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"]) as pbx:
        done = pbxsync("plan", "routes.yaml", "--out", "none/plan.json", env=to(pbx))
    assert done.code == 1
    assert done.err == "pbxsync: --out: none/plan.json: can't be written: No such file or directory\n"


def test_the_same_plan_is_written_in_every_form_that_is_asked_for() -> None:
    declare("routes.yaml", numbered(2))
    reports = ["--report", "json=plan.json", "--report", "text=plan.txt", "--report", "markdown=plan.md"]
    with Sandbox(tokens=["t"]) as pbx:
        done = pbxsync("plan", "routes.yaml", *reports, "--report", "html=plan.html", env=to(pbx))
        assert calls(pbx) == ["outroute/query"]
    assert done.code == 0
    assert Path("plan.txt").read_text(encoding="utf-8") == done.out
    assert [
        one["name"] for one in json.loads(Path("plan.json").read_text(encoding="utf-8"))["plans"][0]["changes"]
    ] == [
        "r1",
        "r2",
    ]
    assert "r2" in Path("plan.md").read_text(encoding="utf-8")
    assert Path("plan.html").read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_a_file_with_errors_is_shown_in_the_report_too(form: str) -> None:
    Path("routes.yaml").write_text("routes: 7\n", encoding="utf-8")
    done = pbxsync("plan", "routes.yaml", "--format", form, "--report", f"{form}=report", "--comment-key", "hq")
    assert done.code == 1
    assert "routes.yaml:1:9: error: " in done.err
    assert "nothing was planned or sent" in done.err
    assert Path("report").read_text(encoding="utf-8") == done.out
    assert "routes.yaml" in done.out


@pytest.mark.parametrize("value", ["json", "pdf=x", "json=", "=x"])
def test_a_report_without_form_or_file_is_wrong_usage(value: str) -> None:
    assert (
        "is not FORMAT=FILE, where FORMAT is one of text, json, markdown, html."
        in pbxsync("plan", "routes.yaml", "--report", value).err
    )
