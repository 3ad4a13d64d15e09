"""The example files: each invalid or warned one gives the problems beside it, each valid one the routes beside it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pbxsync.model import Severity
from pbxsync.render.text import problem_lines
from tests.goldens import EXAMPLES, INVALID, VALID, WARNED, WORDING, checked, places, problems, wording

if TYPE_CHECKING:
    from pathlib import Path

    from pbxsync.validator import Checked


def loaded(one: Checked) -> dict[str, Any]:
    """What the file declares, as the JSON beside a valid example writes it."""
    assert one.desired is not None, problem_lines(one.problems)
    return {
        "pbx": {"name": one.desired.name, "url": one.desired.url, "type": one.desired.type},
        "routes": [
            {
                "name": declared.route.name,
                "prefix": declared.route.prefix,
                "matchpattern": declared.route.matchpattern,
                "prepend": declared.route.prepend,
                "callerid": declared.route.callerid,
                "trunks": list(declared.route.trunks),
                "renamed_from": declared.renamed_from,
            }
            for declared in one.desired.routes
        ],
    }


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_an_invalid_example_gives_exactly_the_problems_beside_it(path: Path) -> None:
    found = problems(checked(path))
    assert places(found) == path.with_suffix(".txt").read_text(encoding="utf-8")
    assert Severity.ERROR in {problem.severity for problem in found}


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_a_valid_example_loads_as_the_json_beside_it_says(path: Path) -> None:
    one = checked(path)
    assert problems(one) == list(one.problems)
    assert loaded(one) == json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", WARNED, ids=lambda path: path.stem)
def test_a_warned_example_gives_exactly_the_warnings_beside_it(path: Path) -> None:
    one = checked(path)
    assert one.desired is not None
    assert places(problems(one)) == path.with_suffix(".txt").read_text(encoding="utf-8")
    assert {problem.severity for problem in one.problems} == {Severity.WARNING}


def test_the_wording_of_each_rule_is_as_it_was_read() -> None:
    assert wording() == WORDING.read_text(encoding="utf-8")


def test_there_is_nothing_to_say_of_good_patterns() -> None:
    assert checked(EXAMPLES / "valid" / "patterns-without-fault.yaml").problems == ()
    assert checked(EXAMPLES.parent.parent / "routes.example.yaml").problems == ()


def test_there_are_examples_of_every_kind_and_none_lacks_its_counterpart() -> None:
    assert len(INVALID) >= 250
    assert len(VALID) >= 30
    assert len(WARNED) >= 8
    for folder, suffix in (("invalid", ".txt"), ("valid", ".json"), ("warned", ".txt")):
        stems = {path.stem for path in (EXAMPLES / folder).glob("*.yaml")}
        assert {path.stem for path in (EXAMPLES / folder).iterdir()} == stems
        assert {path.suffix for path in (EXAMPLES / folder).iterdir()} == {".yaml", suffix}


@pytest.mark.parametrize("path", [*INVALID, *WARNED], ids=lambda path: path.stem)
def test_no_line_of_an_output_is_there_twice_and_each_place_is_in_the_file(path: Path) -> None:
    found = problems(checked(path))
    assert len({problem.order for problem in found}) == len(found)
    text = path.read_bytes().decode("utf-8", errors="replace")
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for problem in found:
        at = problem.location
        assert at.line <= len(lines)
        assert at.column <= len(lines[at.line - 1]) + 1


def test_no_output_repeats_a_password_or_a_token_of_its_file() -> None:
    secret = "hunter2"
    holders = [path for path in INVALID if secret.encode() in path.read_bytes()]
    assert len(holders) >= 5
    assert not [path for path in holders if secret in path.with_suffix(".txt").read_text(encoding="utf-8")]
