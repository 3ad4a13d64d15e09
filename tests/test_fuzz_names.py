"""Names and texts of a hostile file or PBX, through every output: they stay data, and stay on their line.

No control character reaches a terminal, no name begins a line of its own, and none is a command to GitHub's runner,
which reads all that a step prints. What is printed as JSON is read back as it was.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pbxsync.cli.progress import shown
from pbxsync.document import parse
from pbxsync.model import Action, Change, Doubt, KnownState, Outcome, Route, Status
from pbxsync.render.paint import Paint
from pbxsync.sandbox import Sandbox
from pbxsync.state_text import dump
from pbxsync.text import command_line, printable, safe_json
from pbxsync.validator import check
from tests.any_pbx import AnyPbx, Request, Response, fields, success
from tests.cli.process import Ended, OnTerminal, declare, pbxsync, route, stored, to
from tests.in_process import inside, raw, workflow_commands
from tests.share import examples

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Each does something in a place where a name may end up: a terminal, a log, a shell, a table, a page, a format.
WORST = [
    "\x1b[31mred\x1b[0m",
    "\x1b]8;;https://192.0.2.1\x1b\\link\x1b]8;;\x1b\\",
    "\x1b[2K\rpbxsync",
    "\x9b31m\x90\x85",
    "\x00\x07\x08\x0b\x0c\x7f",
    "\u202egnp\u2066\u061c\u200e",
    "a\u200bb\ufeff\u2060\u00ad\U000e0041",
    "a\u2028b\u2029c\x1d",
    "\ud800",
    "a\n::error::forged",
    "a\r\n##[error]forged",
    "a\n  + add  forged",
    "\n",
    "::error::forged",
    "  ::set-output name=x::y",
    "::stop-commands::x",
    "::add-mask::a",
    "::debug::",
    "##[error]forged",
    "a ##[add-mask]a",
    "###[warning]a",
    "##[command]rm -rf /",
    "%0A::error::forged%0D%0a",
    "<script>alert(1)</script>",
    "]]>&amp;<!--",
    "| a | b |",
    "`a`",
    "@everyone",
    "$(touch x) `touch x` ${HOME}",
    "'; touch x; '",
    "a\\nb",
    "--applied",
    "-h",
    "-",
    "[red]a[/red][link=https://192.0.2.1]b[/link]",
    ":smile: [bold]",
    "%s %(name)s {0} {name} \\1 \\g<0>",
    "routes.yaml:1:1: error: forged [syntax]",
    "Ä ☎ \U0001f4de",
    "\u00a0a\u3000",
    "a,b",
    "all",
    "yes",
    "*x",
    '"',
    "\ufffe\uffff",
]
PIECES = st.sampled_from([*WORST, "::", "##[", "]", ":", "#", "error", "\n", "\r", " ", "%", "\\", "'", '"', "a"])
HOSTILE = st.one_of(
    st.sampled_from(WORST), st.lists(PIECES, min_size=1, max_size=4).map("".join), st.text(min_size=1, max_size=12)
)
HOSTILE_ROUTES = st.fixed_dictionaries(
    {"name": HOSTILE, "matchpattern": HOSTILE | st.just("X."), "trunks": st.lists(HOSTILE, min_size=1, max_size=2)},
    optional={"prefix": HOSTILE, "prepend": HOSTILE, "callerid": HOSTILE},
)
TESTS = st.fixed_dictionaries(
    {"dial": HOSTILE | st.just("911")},
    optional={"callerid": HOSTILE, "route": HOSTILE, "trunks": st.lists(HOSTILE, max_size=2), "sends": HOSTILE},
)


def tame(done: Ended) -> Ended:
    """Hold both streams against what no name may do."""
    assert not raw(done.everything)
    assert workflow_commands(done.everything) == []
    return done


@pytest.fixture(scope="module")
def hostile_pbx() -> Iterator[AnyPbx]:
    with AnyPbx() as pbx:
        yield pbx


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples of a property."""
    return tmp_path_factory.mktemp("names")


def file(folder: Path, routes: list[dict[str, Any]], **more: object) -> Path:
    """A routes file as JSON, which is YAML."""
    path = folder / "routes.yaml"
    path.write_text(json.dumps({"routes": routes, **more}), encoding="utf-8")
    return path


# --- the functions that all output goes through ---


@given(st.lists(HOSTILE, max_size=5), st.text(" ", max_size=3))
@settings(max_examples=examples(400))
def test_no_text_made_printable_is_a_command_to_a_runner_wherever_it_stands(texts: list[str], lead: str) -> None:
    safe = printable("".join(texts))
    assert not raw(safe)
    assert "\n" not in safe
    assert printable(safe) == safe
    assert workflow_commands(f"{lead}{safe} x::y ]") == []
    assert workflow_commands(f"{lead}# {safe} x::y ]") == []


@given(HOSTILE)
@settings(max_examples=examples(400))
def test_json_made_safe_is_the_same_json_and_none_of_it_a_command(text: str) -> None:
    document = safe_json(json.dumps({text: [text, "##[error]"]}, ensure_ascii=False, indent=1))
    # Two halves of a surrogate pair in a row are one character to whoever reads JSON.
    same = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    assert json.loads(document) == {same: [same, "##[error]"]}
    assert not raw(document)
    assert workflow_commands(document) == []
    document.encode("utf-8")


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("::error::x", r"\x3a:error::x"),
        ("  ::error::x", r"  \x3a:error::x"),
        ("a ##[error]x", r"a #\x23[error]x"),
        ("##vso[task.complete]x", r"#\x23vso[task.complete]x"),
        ("##teamcity[buildStop]", r"#\x23teamcity[buildStop]"),
        ("a::b", "a::b"),
        ("##[1-9]", "##[1-9]"),
        ("*72##", "*72##"),
        ("https://[::1]:8088", "https://[::1]:8088"),
    ],
)
def test_what_a_ci_job_would_take_for_a_command_is_escaped_and_the_rest_stays(text: str, safe: str) -> None:
    assert printable(text) == safe


@given(st.lists(HOSTILE, min_size=1, max_size=4))
def test_a_command_line_to_copy_gives_a_shell_the_very_words(words: list[str]) -> None:
    assert shlex.split(command_line(*words)) == words


# --- a hostile file ---


@given(st.lists(HOSTILE_ROUTES, max_size=3), st.lists(TESTS, max_size=2))
@settings(max_examples=examples(60))
def test_a_hostile_file_forges_no_line_of_validate_test_and_explain(
    folder: Path, routes: list[dict[str, Any]], tests: list[dict[str, Any]]
) -> None:
    path = file(folder, routes, tests=tests)
    problems = tame(inside("validate", "--format", "json", path)).json["problems"]
    lines = tame(inside("validate", path)).out.splitlines()
    assert len(lines) == len(problems) + 1
    place = re.escape(str(path)) + r":\d+:\d+: "
    for line, problem in zip(lines, problems, strict=False):
        assert re.fullmatch(rf"{place}(error|warning): .* \[{problem['rule']}\]", line)
    github = inside("validate", "--format", "github", path)
    assert not raw(github.everything)
    assert len(github.out.splitlines()) == len(problems)
    for line, problem in zip(github.out.splitlines(), problems, strict=True):
        assert line.startswith(f"::{problem['severity']} file={str(path).replace(':', '%3A')},line={problem['line']},")
    tested = tame(inside("test", "--format", "json", path)).json
    verdicts, found = tested["tests"], tested["problems"]
    text = tame(inside("test", "-v", path))
    assert all(re.match(rf"{place}(PASS|FAIL): ", line) for line in text.out.splitlines()[:-1])
    assert len(text.out.splitlines()) == (0 if any(one["severity"] == "error" for one in found) else len(verdicts) + 1)
    junit = tame(inside("test", "--format", "junit", path))
    cases = ElementTree.fromstring(junit.out).findall(".//testcase")  # noqa: S314 - our own output
    assert len(cases) == (len(verdicts) or (1 if junit.code else 0))
    tame(inside("explain", path, "911", "9115551234"))


@given(HOSTILE, HOSTILE)
@settings(max_examples=examples(40))
@example("::error::x", "::error::y")
@example("\udcff", "201")
def test_a_hostile_number_is_explained_on_its_lines(folder: Path, number: str, callerid: str) -> None:
    path = file(folder, [{"name": "a", "matchpattern": "X.", "trunks": ["t"], "callerid": "20X"}])
    number, callerid = (text.replace("\x00", "") for text in (number, callerid))
    if not number:
        return
    arguments = ("explain", path, f"--callerid={callerid}", "--", number)
    tame(inside(*arguments))
    document = tame(inside(arguments[0], "--format", "json", *arguments[1:]))
    if number != "-" and not document.code:
        assert document.json["dial"] == number.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    tame(inside("explain", path, "-", stdin=f"{number} {callerid}\n".encode("utf-8", "surrogatepass")))


FILE_NAMES = [
    "::error::a.yaml",
    "  ::error::a.yaml",
    "a\n::error::b.yaml",
    "##[error]a.yaml",
    "\x1b[31m.yaml",
    "\udcff.yaml",
]


@pytest.mark.parametrize("name", FILE_NAMES)
def test_a_hostile_file_name_in_a_pull_request_is_no_command_to_its_runner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, hostile_pbx: AnyPbx
) -> None:
    monkeypatch.chdir(tmp_path)
    good = {"routes": [route("a")], "tests": [{"dial": "911", "route": None}], "pbx": {"url": hostile_pbx.url}}
    Path(name).write_text(json.dumps(good), encoding="utf-8")
    Path(f"b{name}").write_text("routes: [", encoding="utf-8")
    hostile_pbx.answer = success
    env = {"PBXSYNC_TOKEN": "t"}
    for arguments in (
        ["validate"],
        ["validate", "--format=json"],
        ["test"],
        ["test", "-v"],
        ["test", "--format=junit"],
    ):
        tame(inside(*arguments, "."))
        tame(inside(*arguments, "--", name))
    for command in ("plan", "apply"):
        for output in ("text", "json"):
            tame(inside(command, "--format", output, "--no-tests", "--", name, env=env))
            tame(inside(command, "--format", output, "--state", name, "--", name, env=env))
    tame(inside("explain", "--", name, "911"))
    tame(inside("explain", "--state", name, "--", name, "911"))
    tame(inside("resolve", "--applied", "--state", name, "--", "a"))
    tame(inside("refresh", "--state", f"new{name}", "--url", hostile_pbx.url, env=env))
    tame(inside("export", "--output", f"new{name}", "--url", hostile_pbx.url, env=env))
    github = inside("validate", "--format", "github", ".")
    assert all(line.startswith(("::error file=", "::warning file=")) for line in github.out.splitlines())
    assert not raw(github.everything)


# --- a hostile PBX ---


def holding(routes: list[dict[str, str]], **more: object) -> Any:
    """A PBX that holds these routes, whatever it is told."""

    def answer(request: Request) -> Response:
        return fields(status="Success", outroutes=routes, trunkname=[], deviceinfo={}, **more)

    return answer


ROWS = st.lists(
    st.fixed_dictionaries(
        {"name": HOSTILE, "matchpattern": HOSTILE | st.just("X."), "trunks": HOSTILE, "id": HOSTILE | st.just("1")},
        optional={"prefix": HOSTILE, "prepend": HOSTILE, "callerid": HOSTILE},
    ),
    max_size=3,
    unique_by=lambda row: row["name"],
)


def received(text: str) -> str:
    """The text as it comes from a PBX: half surrogates are replaced."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass"))


@given(ROWS)
@settings(max_examples=examples(50))
@example([{"name": "\n::error::x", "matchpattern": "X.", "trunks": "::error::t", "id": "##[error]1"}])
@example([{"name": "a", "matchpattern": "::error::", "trunks": "##[error]t", "prefix": "##", "id": "1"}])
def test_the_routes_of_a_hostile_pbx_forge_no_line_of_any_command(
    folder: Path, hostile_pbx: AnyPbx, rows: list[dict[str, str]]
) -> None:
    hostile_pbx.answer = holding(rows)
    env = {"PBXSYNC_TOKEN": "t", "PBXSYNC_URL": hostile_pbx.url}
    path = file(folder, [route("a", "1"), route("b", "X.", ["t"])])
    state = folder / "state.json"
    state.unlink(missing_ok=True)
    names = list(dict.fromkeys(received(row["name"]) for row in rows))
    plan = tame(inside("plan", "-vv", "--format", "json", path, env=env))
    [planned] = plan.json["plans"]
    assert planned["unmanaged"] == [name for name in names if name not in ("a", "b")]
    for arguments in (
        ("plan", "-v", "--prune", "--reorder", path),
        ("plan", "--format", "json", "--prune", "--reorder", path),
        ("apply", "--prune", "-vv", path),
        ("apply", "--prune", "--format", "json", path),
        ("explain", "--live", path, "911", "1"),
        ("refresh", "--state", state),
        ("plan", "--state", state, "--prune", path),
    ):
        done = tame(inside(*arguments, env=env))
        if "json" in arguments:
            assert done.json
    recorded = json.loads(state.read_text(encoding="utf-8"))
    assert [one["name"] for one in recorded["routes"]] == [received(row["name"]) for row in rows]
    exported = inside("export", env=env)
    assert not raw(exported.everything)
    assert workflow_commands(exported.everything) == []
    one = check(parse(exported.out.encode(), "f"))
    assert one.desired is not None, one.problems
    assert all(declared.route.name in names for declared in one.desired.routes)


NAMES = st.lists(
    HOSTILE.filter(lambda text: text.strip() and "~pbxsync" not in text),
    min_size=3,
    max_size=3,
    unique_by=lambda text: received(text).strip().casefold(),
)


@given(NAMES)
@settings(max_examples=examples(60))
def test_a_plan_has_as_many_lines_whatever_its_routes_and_trunks_are_called(
    folder: Path, hostile_pbx: AnyPbx, names: list[str]
) -> None:
    env = {"PBXSYNC_TOKEN": "t", "PBXSYNC_URL": hostile_pbx.url}
    path = file(folder, [route("kept", "1")])
    counts = []
    for one, two, trunk in (["n1", "n2", "t1"], names):
        rows = [{"name": name, "matchpattern": "X.", "trunks": trunk, "id": name} for name in (one, two)]
        hostile_pbx.answer = holding(rows)
        counts.append(len(inside("plan", path, env=env).everything.splitlines()))
    assert counts[0] == counts[1]


DEVICE = st.dictionaries(st.sampled_from(["devicename", "sn", "hardwarever", "firmwarever", "systemtime"]), HOSTILE)
TRUNKS = st.lists(st.fixed_dictionaries({"trunkname": HOSTILE, "status": HOSTILE, "type": HOSTILE}), max_size=2)


@given(DEVICE, TRUNKS, HOSTILE)
@settings(max_examples=examples(50))
@example({}, [{"trunkname": "::error::x", "status": "::a", "type": "##[error]"}], "::error::x")
@example({"firmwarever": "\x1b[2J"}, [{"trunkname": "", "status": "::error::x", "type": ""}], "\n")
def test_what_a_hostile_pbx_says_of_itself_is_shown_on_its_lines_by_ping(
    hostile_pbx: AnyPbx, device: dict[str, str], trunks: list[dict[str, str]], errno: str
) -> None:
    hostile_pbx.answer = lambda _: fields(status="Success", outroutes=[], trunkname=trunks, deviceinfo=device)
    env = {"PBXSYNC_TOKEN": "t", "PBXSYNC_URL": hostile_pbx.url}
    done = tame(inside("ping", "-vv", env=env))
    assert done.code == 0
    hostile_pbx.answer = lambda _: fields(status="Failed", errno=errno, message=errno)
    refused = tame(inside("ping", "-vv", env=env))
    assert refused.code == 1
    assert "forged" not in refused.everything


@given(HOSTILE)
@settings(max_examples=examples(40))
def test_a_refusal_with_a_hostile_status_or_errno_is_one_line(folder: Path, hostile_pbx: AnyPbx, said: str) -> None:
    env = {"PBXSYNC_TOKEN": "t", "PBXSYNC_URL": hostile_pbx.url}
    path = file(folder, [route("a", "1")])
    header = re.sub(r"[\x00-\x1f]", "", said)
    answers = [
        fields(status="Failed", errno=said),
        fields(status=said),
        Response(said.encode("utf-8", "replace")),
        Response(b"", 302, header, {"Location": f"http://{header}/{header}"}),
        Response(b"", 500, header, {header: header}),
    ]
    for response in answers:
        hostile_pbx.answer = lambda _, response=response: response  # type: ignore[misc]
        done = tame(inside("plan", "--retries", "0", path, env=env))
        assert done.code == 1
        assert len(done.err.splitlines()) == 1
        assert done.out == ""


# --- a hostile state file ---


def doubtful(url: str, name: str) -> str:
    """A state file with an add of this name in doubt."""
    change = Change(Action.ADD, None, Route(name, "X.", ("a",)))
    return dump(KnownState(url, (), doubts=(Doubt(change, name),)))


@given(HOSTILE)
@settings(max_examples=examples(80))
@example("\u200b")
@example("  ::error::x")
@example("##[error]x")
@example("a\n::error::b")
@example("--applied")
@example("::error::\x1b[31mred")
@example("it's a\x07")
def test_a_doubt_is_settled_by_the_very_line_that_the_plan_gives_to_copy(folder: Path, name: str) -> None:
    url = "https://192.0.2.10"
    state = folder / "state.json"
    state.write_text(doubtful(url, name), encoding="utf-8")
    path = file(folder, [], pbx={"url": url})
    planned = tame(inside("plan", "--state", state, path))
    assert planned.code == 3
    [line] = [line for line in planned.out.splitlines() if "[in-doubt]" in line]
    copied = line.rpartition(", then run: ")[2].rpartition(" (or with --not-applied)")[0]
    program, *arguments = shlex.split(copied)
    assert program == "pbxsync"
    other = tame(inside("resolve", "--state", state, "--applied", "--", "no such name"))
    assert other.code == 1
    assert len(other.err.splitlines()) == 1
    tame(inside("explain", "--state", state, path, "911"))
    settled = tame(inside(*arguments))
    assert settled.code == 0, settled
    assert "is in doubt" not in inside("plan", "--state", state, path).out


@given(HOSTILE)
@settings(max_examples=examples(40))
@example("\n::error::x")
def test_an_error_of_a_state_file_repeats_what_stands_in_it_on_one_line(folder: Path, text: str) -> None:
    state = folder / "state.json"
    good = doubtful("https://192.0.2.10", "a")
    path = file(folder, [], pbx={"url": "https://192.0.2.11"})
    for content in (
        good.replace('"1.0"', json.dumps(text)),
        good.replace('"https://192.0.2.10"', json.dumps(text)),
        good.replace('"id"', json.dumps(text)),
    ):
        state.write_text(content, encoding="utf-8")
        for arguments in (
            ("plan", "--state", state, path),
            ("explain", "--state", state, path, "911"),
            ("resolve", "--state", state, "--applied", "--", "b"),
            ("refresh", "--state", state),
        ):
            done = tame(inside(*arguments, env={"PBXSYNC_TOKEN": "t"}))
            assert len(done.err.splitlines()) == 1, done


# --- apply, as it goes on ---


@given(HOSTILE, st.sampled_from(Status), HOSTILE)
@settings(max_examples=examples(60))
def test_each_outcome_is_one_line_as_it_comes(name: str, status: Status, file: str) -> None:
    change = Change(Action.ADD, None, Route(name, "X.", ("a",)))
    with contextlib.redirect_stdout(io.StringIO()) as out, shown(1, Paint(), on_stderr=False) as show:
        show("", Outcome(change, status, name))
        show(file, Outcome(change, status, name, moving=name))
    assert len(out.getvalue().splitlines()) == 2
    assert not raw(out.getvalue())
    assert workflow_commands(out.getvalue()) == []


MARKUP = ["[red]a[/red]", "[link=https://192.0.2.1]b[/link]", "[/]", ":smile:", "[bold", "%s {0}"]


def test_the_progress_bar_takes_no_name_for_markup_and_shows_no_control_character(tmp_path: Path) -> None:
    path = declare(str(tmp_path / "routes.yaml"), [route(name, str(n)) for n, name in enumerate(MARKUP, start=1)])
    there = stored(route("\x1b[31mred", "7"), route("a\n::error::b", "8"), route("\u202ec\u200b", "9"))
    with (
        Sandbox(tokens=["t"], routes=there, latency=0.02) as pbx,
        OnTerminal("apply", "--yes", "-vv", path, env=to(pbx)) as terminal,
    ):
        done = terminal.ended()
    assert done.code == 0
    assert "applying" in done.out
    own = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", done.out)
    assert not raw(own)
    assert "\x1b[31mred" not in done.out
    for name in MARKUP:
        assert f"\x1b[32m✓ applied\x1b[0m  add {printable(name)}\n" in done.out
    assert r"unmanaged, left as they are: \x1b[31mred, a\n::error::b, \u202ec\u200b" in own


# --- very long ones, and the worst as a process ---


@pytest.mark.parametrize("text", ["a" * 100_000, "[" * 100_000, "a\n" * 50_000], ids=lambda text: repr(text[:2]))
def test_a_very_long_text_of_a_file_or_a_pbx_is_answered(folder: Path, hostile_pbx: AnyPbx, text: str) -> None:
    rows = [{"name": text, "matchpattern": text, "trunks": text, "id": text, "callerid": text, "prepend": text}]
    rows.append({"name": "a", "matchpattern": "X.", "trunks": text, "id": "1", "prefix": text})
    hostile_pbx.answer = holding(rows)
    env = {"PBXSYNC_TOKEN": "t", "PBXSYNC_URL": hostile_pbx.url}
    path = file(folder, [route("a", "1"), route("b", "X.")])
    ended = [inside("plan", path, env=env), inside("export", env=env)]
    path = file(folder, [route(text, text, [text], prefix=text)], tests=[{"dial": text, "route": text}])
    ended.append(inside("validate", path))
    # Counted: to show a text so long, and how it differs from another, takes pytest minutes.
    assert sum(len(raw(done.everything)) for done in ended) == 0
    assert sum(len(workflow_commands(done.everything)) for done in ended) == 0


def test_the_command_shows_the_worst_names_of_a_pbx_tamely(tmp_path: Path, hostile_pbx: AnyPbx) -> None:
    rows = [{"name": name, "matchpattern": "X.", "trunks": name, "id": name} for name in WORST]
    hostile_pbx.answer = holding(rows)
    env = {"PBXSYNC_TOKEN": "t", "PBXSYNC_URL": hostile_pbx.url}
    path = file(tmp_path, [route("a", "1")])
    commands = [("plan", path), ("plan", "--format", "json", path), ("apply", "-vv", path), ("export",), ("ping",)]
    done = [tame(pbxsync(*arguments, env=env)) for arguments in commands]
    assert "Traceback" not in "".join(one.everything for one in done)
    assert done[1].json["plans"][0]["unmanaged"] == [received(name) for name in WORST]
    assert len(yaml.safe_load(done[3].out)["routes"]) > 10


OPTION_LIKE = ["--x\n::error::forged", "--\x1b[31m", "-\u202e", "--format=a\n::error::x"]


@pytest.mark.parametrize("name", OPTION_LIKE)
def test_a_file_whose_name_a_shell_hands_over_as_an_option_is_refused_tamely(name: str) -> None:
    for command in ("validate", "plan", "test"):
        assert tame(inside(command, name)).code == 1


def test_a_file_whose_name_a_shell_hands_over_to_a_command_without_files_is_refused_tamely() -> None:
    for command in ("ping", "export", "schema"):
        assert tame(inside(command, "routes", "a\n::error::forged")).code == 1
