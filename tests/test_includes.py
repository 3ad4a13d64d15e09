"""Routes that several files share: where they stand, where their problems are told, and what may not be included."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pbxsync import InputError, load
from pbxsync.cli.files import check_all
from pbxsync.file_tests import failures, held
from pbxsync.loading import check_file, digest_of
from pbxsync.model import Severity

pytestmark = pytest.mark.usefixtures("repository")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "repository"
    (folder / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def route(name: str, matchpattern: str = "911") -> str:
    return f'  - name: {name}\n    matchpattern: "{matchpattern}"\n    trunks: [pstn]\n'


def write(path: str, *routes: str, head: str = "", tail: str = "") -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    listed = "routes:\n" + "".join(routes) if routes else "routes: []\n"
    file.write_text(f"{head}{listed}{tail}", encoding="utf-8")
    return file


def include(*paths: str) -> str:
    return f"include: [{', '.join(paths)}]\n"


def told(*paths: str, table: bool = False) -> list[str]:
    _, problems = check_all(paths, table=table)
    return [f"{problem.location}: {problem.rule}: {problem.path}: {problem.message}" for problem in problems]


def names(path: str) -> list[str]:
    return [one.name for one in load(path)]


# --- what stands where ---------------------------------------------------------------------------------------------


def test_included_routes_stand_before_the_files_own_where_include_does() -> None:
    write("common/first.yaml", route("emergency"), route("crisis", "988"))
    write("common/second.yaml", route("service", "8XX"))
    write("sites/hq.yaml", route("local", "9X."), head=include("../common/first.yaml", "../common/second.yaml"))
    assert names("sites/hq.yaml") == ["emergency", "crisis", "service", "local"]


def test_included_routes_stand_behind_the_files_own_where_include_does() -> None:
    write("common/last.yaml", route("rest", "X."))
    write("sites/hq.yaml", route("local", "9X."), tail=include("../common/last.yaml"))
    assert names("sites/hq.yaml") == ["local", "rest"]


def test_an_included_file_may_include_others_from_its_own_folder() -> None:
    write("common/emergency/all.yaml", route("crisis", "988"), head=include("911.yaml"))
    write("common/emergency/911.yaml", route("emergency"))
    write("sites/hq.yaml", head=include("../common/emergency/all.yaml"))
    assert names("sites/hq.yaml") == ["emergency", "crisis"]


def test_each_route_and_test_keeps_its_own_place_and_the_site_its_pbx() -> None:
    tests = 'tests:\n  - dial: "911"\n    route: emergency\n'
    write("common/e.yaml", route("emergency"), tail=tests)
    head = "pbx: {name: hq, url: http://192.0.2.1}\n" + include("../common/e.yaml")
    write("sites/hq.yaml", route("local", "9X."), head=head, tail='tests:\n  - dial: "955"\n    route: local\n')
    desired = check_file(Path("sites/hq.yaml"), "sites/hq.yaml").desired
    assert desired is not None
    assert (desired.name, desired.url) == ("hq", "http://192.0.2.1")
    assert [str(one.location) for one in desired.routes] == ["common/e.yaml:2:5", "sites/hq.yaml:4:5"]
    assert [(str(one.location), one.dial) for one in desired.tests] == [
        ("common/e.yaml:6:5", "911"),
        ("sites/hq.yaml:8:5", "955"),
    ]
    assert all(verdict.passed for verdict in held(desired))
    assert desired.included == (("common/e.yaml", "sites/hq.yaml:2:11"),)


def test_without_routes_of_its_own_a_site_still_says_so() -> None:
    write("common/e.yaml", route("emergency"))
    Path("hq.yaml").write_text(include("common/e.yaml"), encoding="utf-8")
    assert told("hq.yaml") == ["hq.yaml:1:1: missing-key: : the file has no routes; add one, such as routes: []"]


# --- problems ------------------------------------------------------------------------------------------------------


def test_a_problem_is_told_in_the_included_file_with_who_includes_it() -> None:
    write("common/e.yaml", route("all"))
    write("common/more.yaml", head=include("e.yaml"))
    write("sites/hq.yaml", head=include("../common/more.yaml"))
    [line] = told("sites/hq.yaml")
    assert line.startswith("common/e.yaml:2:11: reserved-name: routes[0].name: a route can't be called ")
    assert line.endswith(" (included by common/more.yaml:1:11, included by sites/hq.yaml:1:11)")
    with pytest.raises(InputError):
        load("sites/hq.yaml")


def test_a_problem_of_a_file_that_many_include_is_told_once() -> None:
    write("common/e.yaml", route("all"))
    for n in range(5):
        write(f"sites/s{n}.yaml", head=include("../common/e.yaml"))
    [line] = told("sites")
    assert line.endswith(" (included by sites/s0.yaml:1:11 and 4 more)")


def test_a_name_that_is_there_twice_names_both_places() -> None:
    write("common/e.yaml", route("emergency"))
    write("sites/before.yaml", route("local", "9X."), route("emergency", "112"), head=include("../common/e.yaml"))
    write("sites/behind.yaml", route("emergency", "112"), tail=include("../common/e.yaml"))
    assert told("sites") == [
        'common/e.yaml:2:5: duplicate-name: routes[0].name: a route is called "emergency" in sites/behind.yaml:2 '
        "already; names are unique (included by sites/behind.yaml:5:11)",
        'sites/before.yaml:6:5: duplicate-name: routes[1].name: a route is called "emergency" in common/e.yaml:2 '
        "already; names are unique",
    ]


def test_a_rename_of_another_files_route_and_a_second_rename_from_one_are_refused() -> None:
    renamed = route("new", "9X.") + "    renamed_from: emergency\n"
    write("common/e.yaml", route("emergency"))
    write("common/r.yaml", renamed.replace("emergency", "gone").replace("new", "newer"))
    write("sites/one.yaml", renamed, head=include("../common/e.yaml"))
    write("sites/two.yaml", renamed.replace("emergency", "gone"), head=include("../common/r.yaml"))
    assert told("sites") == [
        'sites/one.yaml:3:5: rename-clash: routes[0].renamed_from: renamed_from is "emergency", the name of a route in '
        "common/e.yaml:2; remove it",
        'sites/two.yaml:3:5: rename-clash: routes[0].renamed_from: a route is renamed from "gone" in common/r.yaml:2 '
        "already; only one can be",
    ]


def test_names_of_different_files_that_a_pbx_takes_for_one_are_refused_with_both_places() -> None:
    write("common/e.yaml", route("München"), route("Straße", "112"))
    write("sites/error.yaml", route("Munchen", "9X."), head=include("../common/e.yaml"))
    write("sites/guess.yaml", route("Strasse", "9X."), head=include("../common/e.yaml"))
    renamed = route("new", "9X.") + "    renamed_from: MUNCHEN\n"
    write("sites/renamed.yaml", renamed, head=include("../common/e.yaml"))
    assert told("sites") == [
        'sites/error.yaml:3:5: equal-name: routes[0].name: a PBX may take "Munchen" for "München" in common/e.yaml:2: '
        "they differ in accents alone; choose names that differ in more",
        'sites/guess.yaml:3:5: similar-name: routes[0].name: a PBX may take "Strasse" for "Straße" in common/e.yaml:5, '
        "if it reads ß as ss or s; choose names that differ in more",
        'sites/renamed.yaml:3:5: rename-clash: routes[0].renamed_from: renamed_from: a PBX may take "MUNCHEN" for '
        '"München" in common/e.yaml:2: they differ in case and accents alone; choose names that differ in more',
    ]
    with pytest.raises(InputError):
        load("sites/error.yaml")
    assert names("sites/guess.yaml") == ["München", "Straße", "Strasse"]


def test_a_warning_of_two_names_of_one_file_is_given_once_however_it_is_included() -> None:
    write("common/e.yaml", route("Straße"), route("Strasse", "112"))
    write("sites/hq.yaml", route("local", "9X."), head=include("../common/e.yaml"))
    [line] = told("sites/hq.yaml")
    assert line.startswith("common/e.yaml:5:11: similar-name: ")


def test_names_to_ignore_are_those_of_all_files_each_once() -> None:
    write("common/e.yaml", route("emergency"), head='ignore: ["lab-*", fax]\n')
    write("sites/hq.yaml", route("local", "9X."), head="ignore: [guest, fax]\n" + include("../common/e.yaml"))
    desired = check_file(Path("sites/hq.yaml"), "sites/hq.yaml").desired
    assert desired is not None
    assert sorted(desired.ignore) == ["fax", "guest", "lab-*"]


def test_a_name_that_another_file_ignores_is_refused_with_both_places() -> None:
    write("common/e.yaml", route("emergency"), head='ignore: ["lab-*", old]\n')
    write("sites/name.yaml", route("lab-1", "9X."), head=include("../common/e.yaml"))
    write("sites/renamed.yaml", route("new", "9X.") + "    renamed_from: old\n", head=include("../common/e.yaml"))
    write("sites/upper.yaml", route("Lab-1", "9X."), head=include("../common/e.yaml"))
    write("sites/other.yaml", head='ignore: ["emerg*"]\n' + include("../common/e.yaml"))
    assert told("sites") == [
        'common/e.yaml:3:5: ignored-name: routes[0].name: a route is called "emergency", and ignore has "emerg*" in '
        "sites/other.yaml:1, which leaves it alone; remove one of the two (included by sites/other.yaml:2:11)",
        'sites/name.yaml:3:5: ignored-name: routes[0].name: a route is called "lab-1", and ignore has "lab-*" in '
        "common/e.yaml:1, which leaves it alone; remove one of the two",
        'sites/renamed.yaml:3:5: ignored-name: routes[0].renamed_from: renamed_from is "old", and ignore has "old" in '
        "common/e.yaml:1, which leaves it alone; remove one of the two",
    ]


def test_how_routes_stand_to_each_other_is_told_of_all_of_them_together() -> None:
    write("common/rest.yaml", route("rest", "X."))
    write("sites/hq.yaml", route("emergency"), head=include("../common/rest.yaml"))
    [line] = told("sites/hq.yaml", table=True)
    assert line.startswith("sites/hq.yaml:3:5: unreachable: routes[0]: ")
    assert '"rest" (common/rest.yaml:2)' in line
    assert told("sites/hq.yaml") == []


def test_a_test_of_a_shared_file_that_a_site_breaks_is_located_there() -> None:
    write("common/e.yaml", route("emergency"), tail='tests:\n  - dial: "911"\n    route: emergency\n')
    write("sites/hq.yaml", route("rest", "X."), tail=include("../common/e.yaml"))
    desired = check_file(Path("sites/hq.yaml"), "sites/hq.yaml").desired
    assert desired is not None
    [problem] = failures(held(desired), desired.included)
    assert (str(problem.location), problem.path, problem.severity) == ("common/e.yaml:6:5", "tests[0]", Severity.ERROR)
    assert problem.message.endswith(" (included by sites/hq.yaml:5:11)")


# --- what may not be included --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/etc/passwd", '"/etc/passwd" is an absolute path; write it from this file\'s folder, as ../common/x.yaml'),
        ("C:/x.yaml", '"C:/x.yaml" is an absolute path; '),
        ("~/x.yaml", '"~/x.yaml" is an absolute path; '),
        ("..\\x.yaml", "has a backslash; write the path with /, as it is on every system"),
        ("../../x.yaml", '"../../x.yaml" leads out of the repository ('),
        ("../link/x.yaml", '"../link/x.yaml" leads out of the repository ('),
    ],
)
def test_a_path_that_leads_elsewhere_is_refused_where_it_is_written(path: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    Path("link").symlink_to(tmp_path / "outside")
    write(str(tmp_path / "outside" / "x.yaml"), route("emergency"))
    write("sites/hq.yaml", head=f"include:\n  - '{path}'\n")
    [line] = told("sites/hq.yaml")
    assert line.startswith("sites/hq.yaml:2:5: include-path: include[0]: ")
    assert message in line


def test_a_loop_is_refused_and_names_the_file_that_comes_again() -> None:
    write("a.yaml", route("a"), head=include("b.yaml"))
    write("b.yaml", route("b", "112"), head=include("a.yaml"))
    assert told("a.yaml") == [
        "b.yaml:1:11: include-loop: include[0]: a.yaml includes itself by way of this file; remove one of the includes "
        "(included by a.yaml:1:11)"
    ]
    write("self.yaml", head=include("self.yaml"))
    assert [line.split(": ")[1] for line in told("self.yaml")] == ["include-loop"]


def test_a_chain_that_is_too_long_is_refused() -> None:
    for n in range(12):
        write(f"{n}.yaml", route(f"r{n}", f"8{n:02}"), head=include(f"{n + 1}.yaml"))
    [line] = told("0.yaml")
    assert "include-loop: include[0]: more than 8 files include one another in a chain here" in line
    write("8.yaml", route("last", "9X."))
    assert told("0.yaml") == []


def test_a_file_is_included_once_however_its_path_is_written() -> None:
    write("common/e.yaml", route("emergency"))
    write("sites/hq.yaml", head=include("../common/e.yaml", "../sites/../common/e.yaml"))
    assert told("sites/hq.yaml") == [
        "sites/hq.yaml:1:29: include-twice: include[1]: common/e.yaml is included already, so its routes would be "
        "there twice; remove one"
    ]


def test_an_included_file_belongs_to_no_pbx() -> None:
    write("common/e.yaml", route("emergency"), head="pbx: {name: hq}\n")
    write("sites/hq.yaml", head=include("../common/e.yaml"))
    [line] = told("sites/hq.yaml")
    assert line.startswith("common/e.yaml:1:1: include-pbx: pbx: an included file belongs to no PBX")


def test_a_file_that_is_not_there_is_a_problem_of_its_own() -> None:
    write("sites/hq.yaml", head=include("../common/none.yaml"))
    [line] = told("sites/hq.yaml")
    assert line.startswith(
        "common/none.yaml:1:1: unreadable: : this can't be read: No such file or directory (included"
    )


def test_a_path_that_no_file_can_have_is_refused_at_its_line_and_hides_nothing() -> None:
    head = 'include:\n  - "a\\0b"\n  - "c\\td.yaml"\n  - common/e.yaml\n'
    write("common/e.yaml", route("all"))
    write("sites/hq.yaml", route("all"), head=head.replace("common", "../common"))
    write("sites/other.yaml", route("all"))
    assert [line.partition(": a ")[0] for line in told("sites")] == [
        "common/e.yaml:2:11: reserved-name: routes[0].name",
        "sites/hq.yaml:2:5: control-character: include[0]",
        "sites/hq.yaml:3:5: control-character: include[1]",
        "sites/hq.yaml:6:11: reserved-name: routes[0].name",
        "sites/other.yaml:2:11: reserved-name: routes[0].name",
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_a_folder_and_a_device_are_not_waited_for_and_hide_nothing() -> None:
    Path("common").mkdir()
    os.mkfifo("common/pipe.yaml")
    os.mkfifo("pipe.yaml")
    Path("common/null.yaml").symlink_to("/dev/null")
    write("sites/hq.yaml", route("all"), head=include("../common/pipe.yaml", "../common"))
    write("sites/other.yaml", route("all"), head=include("../common/pipe.yaml"))
    lines = told("sites", "pipe.yaml", "common/null.yaml")
    assert [line.split(": ")[:2] for line in lines] == [
        ["common:1:1", "unreadable"],
        ["common/null.yaml:1:1", "unreadable"],
        ["common/pipe.yaml:1:1", "unreadable"],
        ["pipe.yaml:1:1", "unreadable"],
        ["sites/hq.yaml:3:11", "reserved-name"],
        ["sites/other.yaml:3:11", "reserved-name"],
    ]
    assert "it is a pipe, not a regular file" in lines[2]
    assert lines[2].endswith("(included by sites/hq.yaml:1:11 and 1 more)")


@pytest.mark.parametrize(
    ("value", "rule"),
    [("[]", "empty-value"), ("x.yaml", "wrong-type"), ("[7]", "not-text"), ("['']", "empty-value"), ("", "wrong-type")],
)
def test_an_include_that_is_no_list_of_paths_is_told_with_what_to_write(value: str, rule: str) -> None:
    write("hq.yaml", head=f"include: {value}\n")
    [line] = told("hq.yaml")
    assert line.split(": ")[1] == rule


def test_without_git_nothing_outside_of_the_current_folder_is_included(tmp_path: Path) -> None:
    Path(".git").rmdir()
    write(str(tmp_path / "out.yaml"), route("out"))
    write("common/e.yaml", route("emergency"))
    write("sites/hq.yaml", head=include("../common/e.yaml"))
    write("sites/out.yaml", head=include("../../out.yaml"))
    assert told("sites/hq.yaml") == []
    assert "include-path" in told("sites/out.yaml")[0]
    os.chdir(tmp_path)
    assert told("repository/sites/hq.yaml") == []
    (tmp_path / "elsewhere").mkdir()
    os.chdir(tmp_path / "elsewhere")
    assert "include-path" in told(str(tmp_path / "repository" / "sites" / "hq.yaml"))[0]


# --- what a saved plan is held against ------------------------------------------------------------------------------


def test_the_digest_is_of_all_files_and_of_their_order() -> None:
    write("common/e.yaml", route("emergency"))
    file = write("hq.yaml", route("local", "9X."), head=include("common/e.yaml"))
    first = digest_of(file)
    assert first == digest_of(file)
    write("common/e.yaml", route("emergency", "112"))
    second = digest_of(file)
    write("common/e.yaml", route("all"))
    assert len({first, second}) == 2
    assert digest_of(file) is None
