"""The GitHub action, run step by step as GitHub's runner runs it, against a GitHub and PBXs on loopback."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pbxsync.sandbox import Sandbox
from tests.action_runner import ACTION, COMMIT, Runner
from tests.cli.process import declare, pbxsync, route, stored, to
from tests.fake_github import JOB, PERSON, TOKEN, FakeGitHub

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the bash that Windows finds is not the runner's")

MARKER = "<!-- pbxsync:plan -->"
RECORDED = {"files": "hq.yaml", "state": "state/hq.json", "init": "true"}
LIVE = {"files": "hq.yaml", "prune": "true"}


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as github:
        yield github


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one routes file, which is the current folder too."""
    folder = tmp_path / "a workspace"
    (folder / "state").mkdir(parents=True)
    monkeypatch.chdir(folder)
    declare("hq.yaml", [route("local", "9X."), route("emergency", "112")])
    return folder


@pytest.fixture
def runner(workspace: Path, tmp_path: Path, github: FakeGitHub) -> Runner:
    (tmp_path / "temp").mkdir()
    return Runner(workspace, tmp_path / "temp", github)


def on(event_name: str, runner: Runner) -> Runner:
    """The same runner on an event that is no pull request."""
    return Runner(runner.workspace, runner.temp, runner.github, event_name, {"ref": "refs/heads/main"})


# --- the comment ----------------------------------------------------------------------------------------------------


def test_the_first_run_creates_the_comment_and_the_next_one_brings_it_up_to_date(
    runner: Runner, github: FakeGitHub
) -> None:
    first = runner.run(RECORDED)
    (comment,) = github.bodies
    assert not first.failed, first.log
    assert comment.startswith(f"{MARKER}\n")
    assert "emergency" in comment

    declare("hq.yaml", [route("fax", "8X.")])
    second = runner.run(RECORDED)
    (comment,) = github.bodies
    assert not second.failed, second.log
    assert "fax" in comment
    assert "emergency" not in comment


def test_the_comment_says_of_which_commit_it_is_and_leads_to_the_run(runner: Runner, github: FakeGitHub) -> None:
    runner.run(RECORDED)
    last = github.bodies[0].rstrip("\n").rpartition("\n")[2]
    run = "https://github.example.com/example/routes/actions/runs/42"
    assert last == f"Of commit {COMMIT[:12]}, by [this run]({run})."


@pytest.mark.parametrize(
    ("body", "author"),
    [
        (f"{MARKER}\nmine", PERSON),
        (f"> {MARKER}\nquoted", JOB),
        (f"See\n{MARKER}", JOB),
        ("<!-- pbxsync:plan branch -->\nanother job's", JOB),
        ("", JOB),
    ],
)
def test_a_comment_that_is_somebody_elses_or_only_holds_the_marker_is_left_alone(
    body: str, author: dict[str, Any], runner: Runner, github: FakeGitHub
) -> None:
    github.comment(body, author)
    job = runner.run(RECORDED)
    assert not job.failed, job.log
    assert github.bodies[0] == body
    assert len(github.bodies) == 2


def test_a_token_of_a_person_updates_that_persons_comment_and_no_bots(runner: Runner, github: FakeGitHub) -> None:
    github.user = PERSON
    github.comment(f"{MARKER}\na bot's", JOB)
    own = github.comment(f"{MARKER}\nolder", PERSON)
    runner.run(RECORDED)
    assert github.bodies[0] == f"{MARKER}\na bot's"
    assert "emergency" in own["body"]
    assert len(github.bodies) == 2


def test_the_comment_is_found_on_a_later_page_and_the_token_follows_no_foreign_address(
    runner: Runner, github: FakeGitHub
) -> None:
    for n in range(230):
        github.comment(f"word {n}", PERSON)
    own = github.comment(f"{MARKER}\r\nolder", JOB)
    job = runner.run(RECORDED)
    assert not job.failed, job.log
    assert "emergency" in own["body"]
    assert len(github.bodies) == 231


def test_each_comment_key_has_a_comment_of_its_own(runner: Runner, github: FakeGitHub) -> None:
    for key in ("hq", "branch", "hq"):
        job = runner.run({**RECORDED, "comment-key": key})
        assert not job.failed, job.log
    assert [re.findall(r"hq|branch", body.partition("\n")[0]) for body in github.bodies] == [["hq"], ["branch"]]


def test_a_token_that_may_not_write_is_a_warning_and_the_summary_has_the_plan(
    runner: Runner, github: FakeGitHub
) -> None:
    github.read_only = True
    job = runner.run(RECORDED)
    (warning,) = job.annotations("warning")
    assert not job.failed
    assert "403" in warning
    assert "pull-requests: write" in warning
    assert job.annotations("error") == []
    assert "emergency" in job.summary
    assert github.bodies == []


def test_a_token_that_github_does_not_know_fails_the_job_and_is_not_shown(runner: Runner) -> None:
    job = runner.run({**RECORDED, "token": "wr0ng-token"})
    assert job.failed
    assert "Bad credentials" in job.annotations("error")[0]
    assert "wr0ng-token" not in job.log + job.summary


def test_a_comment_whose_creation_seemed_to_fail_is_not_created_twice(runner: Runner, github: FakeGitHub) -> None:
    github.faults["POST"] = [(502, True)]
    job = runner.run(RECORDED)
    assert not job.failed, job.log
    assert len(github.bodies) == 1


def test_a_creation_that_did_fail_is_tried_again(runner: Runner, github: FakeGitHub) -> None:
    github.faults["POST"] = [(500, False)]
    job = runner.run(RECORDED)
    assert not job.failed, job.log
    assert len(github.bodies) == 1


@pytest.mark.parametrize("status", [500, 429, 403])
def test_a_question_or_an_update_that_github_puts_off_is_tried_again(
    status: int, runner: Runner, github: FakeGitHub
) -> None:
    own = github.comment(f"{MARKER}\nolder", JOB)
    github.headers = {"Retry-After": "0"}
    github.faults = {"GET": [(status, False)], "PATCH": [(status, False)]}
    job = runner.run(RECORDED)
    assert not job.failed, job.log
    assert "emergency" in own["body"]


def test_a_github_that_stays_away_fails_the_job_for_an_older_comment_would_show_an_older_plan(
    runner: Runner, github: FakeGitHub
) -> None:
    github.comment(f"{MARKER}\nolder", JOB)
    github.faults["PATCH"] = [(503, False)] * 9
    job = runner.run(RECORDED)
    (error,) = job.annotations("error")
    assert job.failed
    assert "503" in error
    assert "older plan" in error
    assert len(github.faults["PATCH"]) > 1
    assert job.outputs["exit-code"] == "0"


def test_there_is_no_comment_where_none_is_wanted(runner: Runner, github: FakeGitHub) -> None:
    job = runner.run({**RECORDED, "comment": "false"})
    assert not job.failed, job.log
    assert github.requests == []


@pytest.mark.parametrize("event", ["push", "schedule", "workflow_dispatch", "pull_request_target"])
def test_on_an_event_that_is_no_pull_request_github_is_not_called(
    event: str, runner: Runner, github: FakeGitHub
) -> None:
    job = on(event, runner).run(RECORDED)
    assert not job.failed, job.log
    assert github.requests == []
    assert "emergency" in job.summary


# --- what is planned ------------------------------------------------------------------------------------------------


def test_the_outputs_are_what_the_plan_of_a_live_pbx_says(runner: Runner) -> None:
    known = [route("gone", "7X."), route("local", "9X.", ["b"]), route("gone-too", "6X.")]
    with Sandbox(tokens=["t"], routes=stored(*known)) as pbx:
        plain = pbxsync("plan", "--prune", "--format", "json", "hq.yaml", env=to(pbx)).json["plans"][0]
        job = runner.run(LIVE, to(pbx))
    assert not job.failed, job.log
    assert {name: job.outputs[name] for name in ("changes", "add", "update", "delete", "move", "exit-code")} == {
        "changes": "true",
        "add": "1",
        "update": "1",
        "delete": "2",
        "move": "0",
        "exit-code": "0",
    }
    assert job.outputs["impact"] == str(len(plain["impact"]))
    assert int(job.outputs["impact"]) > 0


def test_the_pbx_is_queried_once(runner: Runner) -> None:
    with Sandbox(tokens=["t"]) as pbx:
        runner.run(LIVE, to(pbx))
        asked = [request.call for request in pbx.requests]
    assert asked.count("outroute/query") == 1


def test_several_files_are_counted_together(runner: Runner) -> None:
    declare("branch.yaml", [route("only", "1X.")])
    job = runner.run({"files": "\n  hq.yaml  \n\nbranch.yaml\n", "state": "state", "init": "true"})
    assert not job.failed, job.log
    assert job.outputs["add"] == "3"


def test_a_plan_without_changes_says_so(runner: Runner) -> None:
    declare("hq.yaml", [])
    job = runner.run(RECORDED)
    assert (job.outputs["changes"], job.outputs["add"], job.outputs["impact"]) == ("false", "0", "0")


def test_the_summary_is_the_comment_without_its_last_line(runner: Runner, github: FakeGitHub) -> None:
    job = runner.run(RECORDED)
    assert github.bodies[0].startswith(job.summary.rstrip("\n") + "\n")
    assert "emergency" in job.summary


def test_the_inputs_become_options_of_plan(runner: Runner) -> None:
    known = [route("gone", "7X."), route("local", "9X.", ["b"])]
    with Sandbox(tokens=["t"], routes=stored(*known)) as pbx:
        url, token = pbx.url, {"PBXSYNC_TOKEN": "t"}
        refused = runner.run({**LIVE, "url": url, "max-deletes": "0", "comment": "false"}, token)
        only_added = runner.run({"files": "hq.yaml", "url": url, "add-only": "true", "comment": "false"}, token)
    assert refused.failed
    assert "--max-deletes" in refused.log
    assert (only_added.outputs["add"], only_added.outputs["update"], only_added.outputs["delete"]) == ("1", "0", "0")


def test_a_variable_that_asks_for_exit_code_2_does_not_fail_the_job(runner: Runner) -> None:
    job = runner.run(RECORDED, {"PBXSYNC_DETAILED_EXITCODE": "1", "PBXSYNC_COMMENT_KEY": "other"})
    assert not job.failed, job.log
    assert (job.outputs["changes"], job.outputs["exit-code"]) == ("true", "0")


def test_paths_are_relative_to_the_working_directory_and_annotations_to_the_root(
    runner: Runner, workspace: Path
) -> None:
    (workspace / "pbx" / "one" / "state").mkdir(parents=True)
    declare("pbx/one/hq.yaml", [route("bad", "[")])
    job = runner.run({**RECORDED, "working-directory": "pbx/one"})
    properties = [found for name, found, _ in job.commands if name == "error" and "line=" in found]
    assert [found.partition(",")[0] for found in properties] == ["file=pbx/one/hq.yaml"]

    declare("pbx/one/hq.yaml", [route("good", "9X.")], url="https://192.0.2.10")
    job = runner.run({**RECORDED, "working-directory": "pbx/one/", "plan-file": "hq.plan"})
    assert not job.failed, job.log
    assert Path(job.outputs["plan"]).resolve() == workspace / "pbx" / "one" / "hq.plan"


def test_the_saved_plan_can_be_applied(runner: Runner) -> None:
    with Sandbox(tokens=["t"]) as pbx:
        planned = on("push", runner).run({**LIVE, "url": pbx.url, "plan-file": "hq.plan"}, to(pbx))
        assert not planned.failed, planned.log
        applied = pbxsync("apply", "--yes", "--plan", planned.outputs["plan"], env=to(pbx))
        assert applied.code == 0, applied.everything
        assert [one["name"] for one in pbx.routes()] == ["local", "emergency"]


def test_a_plan_that_was_there_before_is_not_taken_for_this_runs(runner: Runner, workspace: Path) -> None:
    elsewhere = workspace.parent / "elsewhere"
    elsewhere.write_text("somebody's", encoding="utf-8")
    (workspace / "hq.plan").symlink_to(elsewhere)
    declare("hq.yaml", [route("bad", "[")])
    job = runner.run({**RECORDED, "plan-file": "hq.plan"})
    assert job.failed
    assert job.outputs["plan"] == ""
    assert not (workspace / "hq.plan").exists()
    assert elsewhere.read_text(encoding="utf-8") == "somebody's"


def test_the_page_is_uploaded_where_an_artifact_is_named(runner: Runner) -> None:
    job = runner.run({**RECORDED, "html-artifact": "plan of hq"})
    (given,) = (given for name, given in job.used.items() if "upload-artifact" in name)
    assert given["name"] == "plan of hq"
    assert given["path"] == job.outputs["html"]
    assert "<html" in Path(given["path"]).read_text(encoding="utf-8")

    assert not [name for name in runner.run(RECORDED).used if "upload-artifact" in name]


def test_python_is_set_up_where_a_version_is_named(runner: Runner) -> None:
    (given,) = runner.run({**RECORDED, "python-version": "3.12"}).used.values()
    assert given["python-version"] == "3.12"
    assert runner.run({**RECORDED, "python-version": ""}).used == {}


# --- what fails -----------------------------------------------------------------------------------------------------


def test_an_invalid_file_fails_the_job_after_its_errors_are_annotated_and_told(
    runner: Runner, github: FakeGitHub
) -> None:
    github.comment(f"{MARKER}\nolder", JOB)
    declare("hq.yaml", [route("bad", "[")])
    job = runner.run({**RECORDED, "html-artifact": "plan"})
    places = [properties for name, properties, _ in job.commands if name == "error" and "line=" in properties]
    assert job.failed
    assert [place.partition(",")[0] for place in places] == ["file=hq.yaml"]
    assert job.ran[-1] == "Fail where validating or planning failed"
    assert (job.outputs["exit-code"], job.outputs["changes"], job.outputs["add"]) == ("1", "", "")
    assert "older" not in github.bodies[0]
    assert github.bodies[0].startswith(f"{MARKER}\n")
    assert "validate failed" in job.annotations("error")[-1]


def test_a_warning_fails_the_job_where_strict_is_asked_for_and_the_plan_is_shown(
    runner: Runner, github: FakeGitHub
) -> None:
    declare("hq.yaml", [route("all-of-them", "X."), route("never-reached", "9X.")])
    assert not runner.run(RECORDED).failed
    strict = runner.run({**RECORDED, "strict": "true"})
    assert strict.failed
    assert (strict.outputs["exit-code"], strict.outputs["changes"]) == ("1", "true")
    assert "never-reached" in github.bodies[0]


def test_a_test_that_fails_on_what_the_pbx_will_hold_fails_the_job(runner: Runner, workspace: Path) -> None:
    (workspace / "hq.yaml").write_text(
        "routes:\n- {name: local, matchpattern: 9X., trunks: [a]}\ntests:\n- {dial: '9123', route: local}\n",
        encoding="utf-8",
    )
    with Sandbox(tokens=["t"], routes=stored(route("in-the-way", "9X.", ["b"]))) as pbx:
        job = runner.run({"files": "hq.yaml"}, to(pbx))
    assert job.failed
    assert job.outputs["exit-code"] == "1"
    assert "9123" in job.summary


def test_a_pbx_that_does_not_answer_fails_the_job_after_it_is_told(runner: Runner, github: FakeGitHub) -> None:
    env = {"PBXSYNC_TOKEN": "s3cret-of-the-pbx", "PBXSYNC_RETRIES": "0"}
    job = runner.run({**LIVE, "url": "http://127.0.0.1:9"}, env)
    assert job.failed
    assert (job.outputs["exit-code"], job.outputs["changes"]) == ("1", "")
    assert "127.0.0.1:9" in github.bodies[0]
    assert "s3cret-of-the-pbx" not in job.log + job.summary + github.bodies[0]


def test_an_outcome_in_doubt_has_its_own_exit_code(runner: Runner) -> None:
    with Sandbox(tokens=["t"], faults=["outroute/add@1=after:reset"], calls={"outroute/add"}) as pbx:
        doubted = pbxsync("apply", "--yes", "--init", "--state", "state/hq.json", "hq.yaml", env=to(pbx))
        assert doubted.code == 3, doubted.everything
        job = runner.run({**RECORDED, "url": pbx.url})
    assert job.failed
    assert job.outputs["exit-code"] == "3"
    assert "pbxsync resolve" in job.annotations("error")[-1]


def test_a_plan_that_ends_before_there_is_one_is_said_in_the_place_of_an_older_plan(
    runner: Runner, github: FakeGitHub
) -> None:
    github.comment(f"{MARKER}\nolder", JOB)
    job = runner.run({**RECORDED, "max-deletes": "many"})
    assert job.failed
    assert "many" in job.log
    assert "says why" in github.bodies[0]
    assert len(github.bodies) == 1


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"files": " \n"}, "the input files is empty"),
        ({**RECORDED, "prune": "yes"}, "the input prune is 'yes'; write true or false"),
        ({**RECORDED, "strict": "1"}, "the input strict is '1'"),
        ({**RECORDED, "comment": "no"}, "the input comment is 'no'"),
    ],
)
def test_an_input_that_means_nothing_is_named(inputs: dict[str, str], said: str, runner: Runner) -> None:
    job = runner.run(inputs)
    assert job.failed
    assert any(said in error for error in job.annotations("error")), job.log


# --- where the PBX's credentials go ---

UNFIXED = "a pull request is not planned live without "


@pytest.mark.parametrize("event", ["pull_request", "pull_request_target", "pull_request_review"])
def test_a_pull_request_is_not_planned_live_where_it_could_choose_who_gets_the_token(
    event: str, runner: Runner
) -> None:
    with Sandbox(tokens=["t"]) as pbx:
        declare("hq.yaml", [route("local", "9X.")], url=pbx.url)
        job = Runner(runner.workspace, runner.temp, runner.github, event).run(LIVE, {"PBXSYNC_TOKEN": "t"})
        assert pbx.connections == 0
    (said,) = job.annotations("error")
    assert job.failed
    assert said.startswith(f"{UNFIXED}PBXSYNC_TOKEN_URL: it could change pbx.url or pbx.name in a file, ")
    assert "Set PBXSYNC_TOKEN_URL to the PBX's address in this step's env, or the input url" in said
    assert job.outputs["plan"] == ""


@pytest.mark.parametrize(
    ("env", "missing"),
    [
        ({}, "PBXSYNC_TOKEN_URL"),
        ({"PBXSYNC_TOKEN": "t", "PBXSYNC_TOKEN_URL": ""}, "PBXSYNC_TOKEN_URL"),
        ({"PBXSYNC_USERNAME": "u", "PBXSYNC_PASSWORD_FILE": "f"}, "PBXSYNC_TOKEN_URL"),
        ({"PBXSYNC_TOKEN_HQ": "t"}, "PBXSYNC_TOKEN_URL_HQ"),
        ({"PBXSYNC_TOKEN_FILE_HQ": "f", "PBXSYNC_TOKEN_URL": "https://192.0.2.10"}, "PBXSYNC_TOKEN_URL_HQ"),
        ({"PBXSYNC_TOKEN": "t", "PBXSYNC_TOKEN_HQ": "t"}, "PBXSYNC_TOKEN_URL and PBXSYNC_TOKEN_URL_HQ"),
        (
            {"PBXSYNC_USERNAME_URLAUB": "u", "PBXSYNC_TOKEN_URL_HQ": "https://192.0.2.10"},
            "PBXSYNC_TOKEN_URL_URLAUB",
        ),
    ],
)
def test_each_of_the_credentials_needs_its_own_address(env: dict[str, str], missing: str, runner: Runner) -> None:
    declare("hq.yaml", [route("local", "9X.")], url="http://127.0.0.1:9", name="hq")
    job = runner.run(LIVE, {"PBXSYNC_RETRIES": "0", **env})
    assert job.failed
    assert job.annotations("error")[0].startswith(f"{UNFIXED}{missing}: ")


def test_a_pull_request_is_planned_live_where_the_address_is_fixed(runner: Runner) -> None:
    with Sandbox(tokens=["t", "t-hq"]) as pbx:
        declare("hq.yaml", [route("local", "9X.")], url=pbx.url, name="hq")
        ways: list[tuple[dict[str, str], dict[str, str]]] = [
            ({}, {"PBXSYNC_TOKEN": "t", "PBXSYNC_TOKEN_URL": pbx.url}),
            ({}, {"PBXSYNC_TOKEN_HQ": "t-hq", "PBXSYNC_TOKEN_URL_HQ": pbx.url}),
            ({"url": pbx.url}, {"PBXSYNC_TOKEN": "t"}),
            ({}, {"PBXSYNC_TOKEN": "t", "PBXSYNC_URL": pbx.url}),
        ]
        for inputs, env in ways:
            job = runner.run({**LIVE, **inputs}, env)
            assert not job.failed, job.log
            assert job.outputs["add"] == "1"


def test_a_pull_request_that_changes_the_address_or_the_name_gets_no_token(runner: Runner) -> None:
    env = {"PBXSYNC_TOKEN": "t", "PBXSYNC_TOKEN_HQ": "t-hq"}
    with Sandbox(tokens=["t", "t-hq"]) as own, Sandbox() as thief:
        env |= {"PBXSYNC_TOKEN_URL": own.url, "PBXSYNC_TOKEN_URL_HQ": own.url}
        for name in ("hq", "branch"):
            declare("hq.yaml", [route("local", "9X.")], url=thief.url, name=name)
            job = runner.run(LIVE, env)
            assert job.failed
            assert "the credentials are for" in job.log
        assert thief.connections == 0


@pytest.mark.parametrize("event", ["push", "schedule", "workflow_dispatch"])
def test_what_is_on_a_branch_is_planned_live_by_its_own_address(event: str, runner: Runner) -> None:
    with Sandbox(tokens=["t"]) as pbx:
        declare("hq.yaml", [route("local", "9X.")], url=pbx.url)
        job = on(event, runner).run(LIVE, {"PBXSYNC_TOKEN": "t"})
    assert not job.failed, job.log


# --- what is hostile ------------------------------------------------------------------------------------------------

HOSTILE = [
    "::error::x",
    "  ::set-output name=changes::false",
    "##[error]x",
    "$(touch pwned)",
    "`touch pwned`",
    '"; touch pwned; "',
    "${{ github.token }}",
    "' || touch pwned #",
    "<!-- pbxsync:plan -->",
    "@somebody",
]


def test_no_route_of_a_file_is_a_workflow_command_or_runs_in_a_shell(
    runner: Runner, workspace: Path, github: FakeGitHub
) -> None:
    declare("hq.yaml", [route(name.strip(), f"{n}X.") for n, name in enumerate(HOSTILE)])
    job = runner.run(RECORDED)
    assert not job.failed, job.log
    assert {name for name, *_ in job.commands} <= {"warning"}
    assert job.outputs["add"] == str(len(HOSTILE))
    assert sorted(path.name for path in workspace.iterdir()) == ["hq.yaml", "state"]
    assert TOKEN not in job.log + job.summary + github.bodies[0]
    assert len(github.bodies) == 1


def test_no_route_of_a_pbx_is_a_workflow_command(runner: Runner) -> None:
    names = [*HOSTILE, "x\n::error::y", "x\r::error::y", "x\n##[error]y", "x\nchanges=false"]
    with Sandbox(tokens=["t"], routes=stored(*(route(name, "8X.") for name in names))) as pbx:
        job = runner.run({"files": "hq.yaml"}, to(pbx))
    assert not job.failed, job.log
    assert {name for name, *_ in job.commands} <= {"warning"}
    assert job.outputs["changes"] == "true"


@pytest.mark.parametrize(
    "name",
    ["two words.yaml", "$(touch pwned).yaml", "`touch pwned`.yaml", "--prune.yaml", "a;touch pwned;.yaml", "'\".yaml"],
)
def test_the_name_of_a_file_is_never_a_command_or_an_option(name: str, runner: Runner, workspace: Path) -> None:
    (workspace / "hq.yaml").rename(workspace / name)
    job = runner.run({**RECORDED, "files": name, "state": f"state/{name}.json"})
    assert not job.failed, job.log
    assert job.outputs["add"] == "2"
    assert sorted(path.name for path in workspace.iterdir()) == sorted([name, "state"])


@pytest.mark.parametrize("name", ["state", "url", "ca-file", "max-deletes", "parallel", "comment-key"])
def test_no_input_can_be_an_option_of_its_own(name: str, runner: Runner) -> None:
    job = runner.run({**RECORDED, name: "--help\n--sandbox"})
    assert "Usage: pbxsync plan [OPTIONS] FILE..." not in job.log.splitlines()
    assert not (runner.workspace / ".pbxsync").exists()


def test_nothing_is_imported_from_the_checkout(runner: Runner, workspace: Path) -> None:
    for module in ("httpx", "runner", "json", "sitecustomize", "pbxsync"):
        (workspace / f"{module}.py").write_text("open('pwned', 'w').close()\n", encoding="utf-8")
    job = runner.run(RECORDED, {"PYTHONPATH": str(workspace)})
    assert not job.failed, job.log
    assert not (workspace / "pwned").exists()


# --- the action itself ----------------------------------------------------------------------------------------------


def test_every_input_reaches_a_step_and_none_is_a_secret_of_the_pbx() -> None:
    steps = str(ACTION["runs"]["steps"])
    for name in ACTION["inputs"]:
        assert re.search(rf"inputs\.{name}(?![\w-])", steps), name
        assert name not in ("password", "username", "pbx-token")


def test_every_input_that_need_not_be_given_says_what_it_is_then() -> None:
    required = [name for name, wanted in ACTION["inputs"].items() if wanted.get("required")]
    assert required == ["files"]
    assert [name for name, wanted in ACTION["inputs"].items() if "default" not in wanted] == required


def test_only_the_step_that_comments_sees_the_token() -> None:
    holders = [step["name"] for step in ACTION["runs"]["steps"] if "token" in str(step.get("env", {})).lower()]
    assert holders == ["Comment on the pull request"]
