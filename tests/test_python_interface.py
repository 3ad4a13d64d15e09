"""`from pbxsync import …`: what a program may rely on, and what importing it loads."""

from __future__ import annotations

import copy
import doctest
import io
import pickle
import re
import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import assert_type

import pytest

import pbxsync
from pbxsync import Decision, InputError, Route, RouteTable, load
from pbxsync.document import MAX_BYTES
from pbxsync.loading import check_stream

ROOT = Path(__file__).resolve().parent.parent
GOOD = """
routes:
  - name: emergency
    matchpattern: "911"
    trunks: [carrier-a, analog-line]
  - {name: local, prefix: "9", matchpattern: NXXXXXX, prepend: "212", callerid: 20X, trunks: [carrier-a]}
"""
LOCAL = Route("local", "NXXXXXX", ("carrier-a",), prefix="9", prepend="212", callerid="20X")


def write(folder: Path, text: str, name: str = "routes.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def rules(error: InputError) -> list[str]:
    return [problem.rule for problem in error.problems]


# --- load -----------------------------------------------------------------------------------------------------------


def test_a_file_gives_its_routes_in_order(tmp_path: Path) -> None:
    routes = load(write(tmp_path, GOOD))
    assert routes == (Route("emergency", "911", ("carrier-a", "analog-line")), LOCAL)


def test_a_path_may_be_text_or_a_path(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    assert load(str(path)) == load(path)


def test_a_file_without_routes_gives_none(tmp_path: Path) -> None:
    assert load(write(tmp_path, "routes: []\n")) == ()


def test_a_warning_does_not_keep_a_file_from_being_loaded(tmp_path: Path) -> None:
    assert len(load(write(tmp_path, GOOD + 'tests:\n  - {dial: "911", route: emergency}\n'))) == 2


def test_a_file_with_errors_raises_with_every_problem_warnings_included(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, GOOD.replace('"9"', "9").replace("trunks: [carrier-a]", "trunks: []"), "bad.yaml")
    with pytest.raises(InputError) as raised:
        load("bad.yaml")
    assert [str(problem.location) for problem in raised.value.problems] == ["bad.yaml:6:27", "bad.yaml:6:92"]
    assert str(raised.value).startswith("bad.yaml:6:27: error: ")


@pytest.mark.parametrize("name", ["missing.yaml", ".", "x" * 5000])
def test_a_file_that_cannot_be_read_is_a_problem_as_it_is_on_the_command_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as raised:
        load(name)
    (problem,) = raised.value.problems
    assert (problem.rule, str(problem.location)) == ("unreadable", f"{name}:1:1")
    assert problem.message.startswith("this can't be read: ")


def test_a_dash_is_a_file_of_that_name_and_not_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError):
        load("-")
    write(tmp_path, GOOD, "-")
    assert len(load("-")) == 2


def test_a_file_that_is_far_too_large_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES * 1024)
    with pytest.raises(InputError) as raised:
        load(path)
    assert rules(raised.value) == ["too-large"]


class Broken(io.RawIOBase):
    """A stream that breaks off."""

    def readinto(self, _buffer: object) -> int:
        raise OSError(5, "Input/output error")

    def readable(self) -> bool:
        return True


def test_a_stream_that_breaks_off_is_a_problem() -> None:
    checked = check_stream(io.BufferedReader(Broken()), "routes.yaml")
    assert checked.desired is None
    assert [problem.message for problem in checked.problems] == ["this can't be read: Input/output error"]


# --- routes and tables ----------------------------------------------------------------------------------------------


def test_routes_are_equal_by_their_fields_and_serve_as_keys() -> None:
    same = Route(name="local", matchpattern="NXXXXXX", trunks=("carrier-a",), prefix="9", prepend="212", callerid="20X")
    assert same == LOCAL
    assert {same: 1}[LOCAL] == 1
    assert Route("local", "NXXXXXX", ("carrier-a",)) != LOCAL


def test_a_route_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        LOCAL.prefix = "8"  # type: ignore[misc]
    with pytest.raises((AttributeError, TypeError)):
        LOCAL.color = "red"  # type: ignore[attr-defined]


def test_a_route_and_a_decision_come_out_of_a_pickle_and_of_a_copy_as_they_went_in() -> None:
    decision = RouteTable([LOCAL]).decide("95551234", "201")
    assert decision is not None
    for value in (LOCAL, decision):
        assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301 - pickled by this very line
        assert copy.deepcopy(value) == value


def test_a_table_decides_with_the_routes_of_a_file(tmp_path: Path) -> None:
    table = RouteTable(load(write(tmp_path, GOOD)))
    assert table.decide("95551234", "201") == Decision(LOCAL, 1, "2125551234", ("carrier-a",))
    assert table.decide("95551234", callerid="301") is None
    assert table.decide("95551234") is None


def test_a_route_may_hold_what_no_file_may() -> None:
    table = RouteTable([Route("all", "[", ()), Route("", "", ()), Route("a,b", "9.5", ("t",), prefix="_")])
    assert table.decide("95") is None
    decision = table.decide("_95")
    assert decision is not None
    assert decision.index == 2


# --- the package ----------------------------------------------------------------------------------------------------


def test_the_names_are_listed_and_are_the_things_themselves() -> None:
    assert pbxsync.__all__ == ["Decision", "InputError", "Route", "RouteTable", "load"]
    assert {*pbxsync.__all__, "__version__"} <= set(dir(pbxsync))
    assert all(getattr(pbxsync, name).__doc__ for name in pbxsync.__all__)


def test_a_name_that_there_is_not_is_an_error_also_to_a_type_checker() -> None:
    # `make lint` fails should mypy take the name for one that exists, since the comment is of no use then.
    with pytest.raises(AttributeError, match="module 'pbxsync' has no attribute 'Rout'"):
        _ = pbxsync.Rout  # type: ignore[attr-defined]
    with pytest.raises(ImportError):
        from pbxsync import Rout  # type: ignore[attr-defined]  # noqa: F401


def test_a_type_checker_knows_the_types(tmp_path: Path) -> None:
    # assert_type does nothing here; `make lint` fails should mypy see another type.
    routes = assert_type(load(write(tmp_path, GOOD)), tuple[Route, ...])
    decision = assert_type(RouteTable(routes).decide("911"), Decision | None)
    assert decision is not None
    assert_type(decision.route, Route)
    assert_type(decision.sends, str)
    assert_type(decision.trunks, tuple[str, ...])
    assert Path(pbxsync.__file__).with_name("py.typed").is_file()


@pytest.mark.parametrize(
    ("program", "unloaded"),
    [
        ("import pbxsync", "yaml jsonschema click httpx importlib.metadata pbxsync.model pbxsync.errors"),
        ("import pbxsync; dir(pbxsync)", "yaml jsonschema pbxsync.model"),
        ("from pbxsync import Route, RouteTable, Decision", "yaml jsonschema click httpx pbxsync.document"),
        ("from pbxsync import load", "click httpx rich deepdiff pbxsync.cli pbxsync.differ"),
        ("from pbxsync import *", "click httpx rich deepdiff pbxsync.cli pbxsync.differ"),
    ],
)
def test_importing_loads_only_what_it_needs(program: str, unloaded: str) -> None:
    show = f"{program}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", show], check=True, capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert "pbxsync" in loaded
    assert loaded.isdisjoint(unloaded.split())


# --- the page -------------------------------------------------------------------------------------------------------


def block(page: str, pattern: str) -> str:
    """The first fenced YAML block of the page that has the pattern before it."""
    found = re.search(rf"{pattern}```yaml\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), flags=re.S)
    assert found is not None
    return found[1]


def test_the_examples_on_the_page_of_the_interface_give_what_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, block("README.md", ""), "hq.yaml")
    write(tmp_path, block("docs/file-format.md", "<!-- invalid -->\n"), "bad.yaml")
    text = "".join(re.findall(r"```pycon\n(.*?)```", (ROOT / "docs" / "python.md").read_text(encoding="utf-8"), re.S))
    examples = doctest.DocTestParser().get_doctest(text, {}, "python.md", None, None)
    said: list[str] = []
    result = doctest.DocTestRunner().run(examples, out=said.append)
    assert result.failed == 0, "".join(said)
    assert result.attempted > 5
