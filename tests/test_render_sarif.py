"""Problems as a SARIF log: what code scanning reads, whatever a file and its name hold.

``sarif-schema-2.1.0.json`` is the schema of SARIF 2.1.0 as OASIS and SchemaStore publish it, taken unchanged from
Microsoft's npm package @microsoft/jest-sarif 1.0.0-beta.0 (MIT licence), where it is sarif-2.1.0-rtm.5.json.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from pbxsync import __version__
from pbxsync.model import Location, Problem, Severity
from pbxsync.render.sarif import failure_sarif, problems_sarif
from pbxsync.render.sarif_rules import RULES
from pbxsync.text import printable
from tests.in_process import inside as pbxsync
from tests.in_process import raw, workflow_commands

if TYPE_CHECKING:
    from pathlib import PurePath

HERE = Path(__file__).parent
SCHEMA = Draft4Validator(json.loads((HERE / "sarif-schema-2.1.0.json").read_text(encoding="utf-8")))
FOLDER = PurePosixPath("/home/me/pbx")
#: An address as RFC 3986 has it: none of its characters is one that would have to be escaped.
URI = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-F]{2})*")


def problem(
    file: str = "hq.yaml", line: int = 3, message: str = "wrong", rule: str = "not-text", **more: Any
) -> Problem:
    severity = more.get("severity", Severity.ERROR)
    return Problem(Location(file, line, more.get("column", 13)), "routes[0].prefix", severity, rule, message)


def run(document: str) -> dict[str, Any]:
    """The one run of a log, held against the schema."""
    log = json.loads(document)
    SCHEMA.validate(log)
    (only,) = log["runs"]
    assert isinstance(only, dict)
    return only


def results(*problems: Problem, folder: PurePath = FOLDER) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run(problems_sarif(problems, folder))["results"]
    return found


def place(file: str, folder: PurePath = FOLDER) -> dict[str, Any]:
    """Where a problem of this file is said to be."""
    (result,) = results(problem(file), folder=folder)
    artifact: dict[str, Any] = result["locations"][0]["physicalLocation"]["artifactLocation"]
    return artifact


def fingerprints(*problems: Problem) -> list[str]:
    return [result["partialFingerprints"]["pbxsync/v1"] for result in results(*problems)]


# --- what a log holds -----------------------------------------------------------------------------------------------


def test_a_problem_is_a_result_with_its_rule_its_level_its_message_and_its_place() -> None:
    warning = problem("pbx/b.yaml", 7, "odd", "shadowed", severity=Severity.WARNING, column=1)
    first, second = results(problem(), warning)
    assert first.pop("partialFingerprints")
    assert first == {
        "ruleId": "not-text",
        "ruleIndex": 0,
        "level": "error",
        "message": {"text": "wrong"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "hq.yaml", "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": 3, "startColumn": 13},
                }
            }
        ],
    }
    assert (second["level"], second["ruleIndex"]) == ("warning", 1)
    assert second["locations"][0]["physicalLocation"]["region"] == {"startLine": 7, "startColumn": 1}


def test_the_rules_that_were_broken_stand_in_the_log_once_with_what_they_mean() -> None:
    found = run(problems_sarif([problem(), problem(rule="comma"), problem(line=9)], FOLDER))
    driver = found["tool"]["driver"]
    assert (driver["name"], driver["version"], driver["semanticVersion"]) == ("pbxsync", __version__, __version__)
    assert [rule["id"] for rule in driver["rules"]] == ["comma", "not-text"]
    for result in found["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    comma = driver["rules"][0]
    assert comma["shortDescription"] == {"text": "The name of a route or trunk holds a comma."}
    assert comma["fullDescription"]["text"].startswith("The name of a route or trunk holds a comma. Write each ")
    assert comma["help"]["text"].endswith("More: docs/rules.md#comma")


def test_without_a_problem_there_is_an_empty_list_of_results() -> None:
    found = run(problems_sarif([], FOLDER))
    assert (found["results"], found["tool"]["driver"]["rules"]) == ([], [])
    assert found["invocations"] == [{"executionSuccessful": True}]


def test_columns_and_lines_are_counted_as_pbxsync_does() -> None:
    found = run(problems_sarif([], FOLDER))
    assert found["columnKind"] == "unicodeCodePoints"
    assert found["newlineSequences"] == ["\r\n", "\n", "\r"]


def test_a_run_that_failed_before_any_file_has_no_results_so_that_nothing_counts_as_mended() -> None:
    found = run(failure_sarif("no such option\n--x"))
    assert "results" not in found
    assert found["invocations"] == [
        {
            "executionSuccessful": False,
            "toolExecutionNotifications": [{"level": "error", "message": {"text": "no such option\\n--x"}}],
        }
    ]


def test_the_rules_are_those_of_their_page_each_in_two_sentences() -> None:
    page = (HERE.parent / "docs" / "rules.md").read_text(encoding="utf-8")
    assert list(RULES) == re.findall(r"^### `([a-z0-9-]+)`$", page, re.MULTILINE)
    texts = [text for pair in RULES.values() for text in pair]
    assert [text for text in texts if not re.fullmatch(r"[A-Z].*[^.]\.", text)] == []


# --- where ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("hq.yaml", "hq.yaml"),
        ("./pbx//hq.yaml", "pbx/hq.yaml"),
        ("pbx/../hq.yaml", "hq.yaml"),
        ("../pbx/hq.yaml", "hq.yaml"),
        ("/home/me/pbx/a/hq.yaml", "a/hq.yaml"),
        ("head office #1.yaml", "head%20office%20%231.yaml"),
        ("a:b%20?.yaml", "a%3Ab%2520%3F.yaml"),
        ("Zürich.yaml", "Z%C3%BCrich.yaml"),
        ("latin-\udce9.yaml", "latin-%E9.yaml"),
        ("half-\ud800.yaml", "half-%ED%A0%80.yaml"),
        ("a\n::error::x", "a%0A%3A%3Aerror%3A%3Ax"),
        (".", "."),
    ],
)
def test_a_file_in_the_folder_is_named_relative_to_it(file: str, uri: str) -> None:
    assert place(file) == {"uri": uri, "uriBaseId": "%SRCROOT%"}


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("/etc/pbx/hq.yaml", "file:///etc/pbx/hq.yaml"),
        ("//etc/hq.yaml", "file:///etc/hq.yaml"),
        ("../hq.yaml", "file:///home/me/hq.yaml"),
        ("../../../../../hq.yaml", "file:///hq.yaml"),
        ("/home/me/pbx2/a b.yaml", "file:///home/me/pbx2/a%20b.yaml"),
    ],
)
def test_a_file_elsewhere_has_a_whole_address(file: str, uri: str) -> None:
    assert place(file) == {"uri": uri}


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (r"pbx\hq.yaml", {"uri": "pbx/hq.yaml", "uriBaseId": "%SRCROOT%"}),
        (r"c:\Work\hq.yaml", {"uri": "hq.yaml", "uriBaseId": "%SRCROOT%"}),
        (r"..\a b.yaml", {"uri": "file:///C:/a%20b.yaml"}),
        (r"D:\hq.yaml", {"uri": "file:///D:/hq.yaml"}),
        (r"\\server\share one\hq.yaml", {"uri": "file://server/share%20one/hq.yaml"}),
    ],
)
def test_paths_of_windows_become_addresses_with_forward_slashes(file: str, expected: dict[str, str]) -> None:
    assert place(file, PureWindowsPath(r"C:\work")) == expected


def test_a_file_in_a_subfolder_of_the_root_is_named_from_the_root() -> None:
    root, folder = PurePosixPath("/checkout"), PurePosixPath("/checkout/pbx/hq")
    files = ("hq.yaml", "../branch.yaml", "/checkout/x.yaml", "/elsewhere/y.yaml")
    found = run(problems_sarif([problem(file) for file in files], folder, root))["results"]
    places = [result["locations"][0]["physicalLocation"]["artifactLocation"] for result in found]
    assert places == [
        {"uri": "pbx/hq/hq.yaml", "uriBaseId": "%SRCROOT%"},
        {"uri": "pbx/branch.yaml", "uriBaseId": "%SRCROOT%"},
        {"uri": "x.yaml", "uriBaseId": "%SRCROOT%"},
        {"uri": "file:///elsewhere/y.yaml"},
    ]


def test_standard_input_bears_the_name_that_it_has_in_messages_and_is_in_no_folder() -> None:
    assert place("<stdin>") == {"uri": "%3Cstdin%3E"}


# --- fingerprints ---------------------------------------------------------------------------------------------------


def test_a_fingerprint_stays_the_same_when_lines_move() -> None:
    before = problem(line=3, message="names a (line 2), and b in line 17 already")
    after = problem(line=8, message="names a (line 7), and b in line 22 already", column=5)
    assert fingerprints(before) == fingerprints(after)


def test_another_file_rule_or_message_is_another_fingerprint() -> None:
    others = [
        problem(),
        problem("b.yaml"),
        problem(rule="comma"),
        problem(message="line 3 is odd"),
        problem(message=""),
    ]
    assert len({fingerprint for one in others for fingerprint in fingerprints(one)}) == len(others)


def test_a_file_has_the_same_fingerprints_however_it_was_named() -> None:
    assert fingerprints(problem("hq.yaml")) == fingerprints(problem("/home/me/pbx/./hq.yaml"))


def test_problems_that_are_alike_have_fingerprints_of_their_own() -> None:
    one, two = fingerprints(problem(line=3), problem(line=4))
    assert one.removesuffix(":1") == two.removesuffix(":2")
    assert one != two


# --- hostile texts --------------------------------------------------------------------------------------------------

PIECES = ["](", "[", "]", "\\", "{0}", "(1)", "::error::x", "##[error]x", "\n", "\x1b", "\u2028", "\ud800", "%", "é"]
HOSTILE = st.text(max_size=20) | st.lists(st.sampled_from([*PIECES, "a", "/", ".."]), max_size=8).map("".join)


def as_shown(text: str) -> str:
    """A message as a reader shows it that knows SARIF's signs: it must hold no link."""
    assert re.search(r"(?<!\\)(?:\\\\)*\[[^\]]*\]\(", text) is None, text
    return re.sub(r"\\([\\\[\]])", r"\1", text)


@given(HOSTILE, HOSTILE)
def test_any_message_and_any_name_give_a_log_that_keeps_to_the_schema_and_to_its_lines(file: str, message: str) -> None:
    document = problems_sarif([problem(file, message=message), problem(message=file)], FOLDER)
    first, second = run(document)["results"]
    assert as_shown(first["message"]["text"]) == printable(message)
    assert as_shown(second["message"]["text"]) == printable(file)
    uri = first["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert URI.fullmatch(uri), uri
    assert not raw(document)
    assert workflow_commands(document) == []


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_the_address_of_a_file_leads_back_to_it(name: str) -> None:
    for file, base in ((name, FOLDER), (f"/elsewhere/{name}", PurePosixPath("/"))):
        split = urlsplit(place(file)["uri"])
        assert (split.query, split.fragment, split.netloc) == ("", "", "")
        led = base / unquote_to_bytes(split.path).decode()
        assert led == PurePosixPath(os.path.normpath(FOLDER / file))


def test_dial_patterns_in_messages_stay_as_they_are_written() -> None:
    (result,) = results(problem(message='[2-9]XX (9X. from 250X) takes [911]; write "\\x07"'))
    assert result["message"]["text"] == '[2-9]XX (9X. from 250X) takes [911]; write "\\x07"'


def test_the_same_problems_give_the_same_log() -> None:
    problems = [problem(), problem(rule="comma"), problem("b.yaml")]
    assert problems_sarif(problems, FOLDER) == problems_sarif(list(problems), FOLDER)


# --- the command ----------------------------------------------------------------------------------------------------


BAD = "routes:\n  - name: to16\n    matchpattern: 9.\n    trunks: [carrier-a]\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder to be in."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("folder")
def test_validate_prints_one_log_of_every_problem_of_every_file() -> None:
    Path("pbxs").mkdir()
    Path("pbxs/ä b.yaml").write_text(BAD, encoding="utf-8")
    Path("good.yaml").write_text(BAD.replace("9.", '"9."'), encoding="utf-8")
    done = pbxsync("validate", "--format", "sarif", "pbxs", "good.yaml", "missing.yaml", "-", stdin=BAD.encode())
    assert (done.code, done.err) == (1, "")
    found = run(done.out)["results"]
    places = [result["locations"][0]["physicalLocation"] for result in found]
    assert [(place["artifactLocation"]["uri"], place["region"]["startLine"]) for place in places] == [
        ("%3Cstdin%3E", 3),
        ("missing.yaml", 1),
        ("pbxs/%C3%A4%20b.yaml", 3),
    ]
    assert [result["ruleId"] for result in found] == ["not-text", "unreadable", "not-text"]


@pytest.mark.usefixtures("folder")
def test_validate_of_good_files_prints_a_log_without_results_and_exits_0() -> None:
    Path("good.yaml").write_text(BAD.replace("9.", '"9."'), encoding="utf-8")
    done = pbxsync("validate", "good.yaml", env={"PBXSYNC_FORMAT": "sarif"})
    assert (done.code, done.err, run(done.out)["results"]) == (0, "", [])


def test_a_run_that_was_used_wrongly_still_prints_a_log_without_results() -> None:
    done = pbxsync("validate", "--format", "sarif", "--nope", "good.yaml")
    assert done.code == 1
    assert "No such option" in done.err
    assert "results" not in run(done.out)


def test_every_example_of_a_wrong_file_gives_a_log_that_keeps_to_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE / "examples")
    done = pbxsync("validate", "--format", "sarif", "invalid", "warned")
    found = run(done.out)["results"]
    assert len(found) == len(pbxsync("validate", "--format", "json", "invalid", "warned").json["problems"])
    assert len({result["partialFingerprints"]["pbxsync/v1"] for result in found}) == len(found)
