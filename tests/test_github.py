"""Problems as GitHub workflow commands: one a line, and nothing that a file says begins another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxsync.model import Location, Problem, Severity
from pbxsync.render.github import workflow_commands
from pbxsync.text import printable
from tests.in_process import workflow_commands as runner_commands

#: What stands for a character in a command's data, and in the value of a property, in the order in which GitHub's
#: runner (actions/runner, ActionCommand) puts them back: %25 comes last.
DATA = {"%0D": "\r", "%0A": "\n", "%25": "%"}
PROPERTY = {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"}


def unescaped(text: str, escapes: dict[str, str]) -> str:
    for escape, char in escapes.items():
        text = text.replace(escape, char)
    return text


def read(line: str) -> tuple[str, dict[str, str], str]:
    """A line as the runner reads it: the command, its properties, its data."""
    assert line.startswith("::")
    head, found, data = line[2:].partition("::")
    assert found
    name, _, properties = head.partition(" ")
    pairs = [pair.partition("=") for pair in properties.split(",") if pair]
    # Of several = the runner takes all that stand before the value.
    values = {key: unescaped(value.lstrip("="), PROPERTY) for key, _, value in pairs}
    return name, {key: value for key, value in values.items() if value}, unescaped(data, DATA)


def problem(file: str = "routes.yaml", message: str = "wrong", severity: Severity = Severity.ERROR) -> Problem:
    return Problem(Location(file, 3, 13), "routes[0].prefix", severity, "not-text", message)


def test_a_problem_is_a_command_with_its_place_its_rule_and_its_message() -> None:
    warning = problem("b.yaml", "odd", Severity.WARNING)
    assert workflow_commands([problem(), warning]) == (
        "::error file=routes.yaml,line=3,col=13,title=pbxsync not-text::wrong\n"
        "::warning file=b.yaml,line=3,col=13,title=pbxsync not-text::odd\n"
    )


def test_no_problem_is_no_output() -> None:
    assert workflow_commands([]) == ""


def test_what_separates_properties_is_escaped_in_a_file_name_and_kept_in_a_message() -> None:
    line = workflow_commands([problem("a:b,c%d.yaml", 'write prefix: "011", 100%')])
    assert line == '::error file=a%3Ab%2Cc%25d.yaml,line=3,col=13,title=pbxsync not-text::write prefix: "011", 100%25\n'


def test_a_file_has_the_name_that_it_is_given_for_github() -> None:
    line = workflow_commands([problem("hq.yaml")], lambda file: f"a,b/{file}")
    assert line.startswith("::error file=a%2Cb/hq.yaml,line=3,")


HOSTILE = st.one_of(
    st.text(max_size=30),
    st.lists(
        st.sampled_from(
            ["::", "error", "::set-output name=x::y", "\n", "\r", "%0A", "%", ",", ":", "##[", "\u2028", "\x85"]
        ),
        max_size=6,
    ).map("".join),
)


@given(HOSTILE, HOSTILE, st.sampled_from(Severity))
def test_what_the_runner_reads_is_what_was_written_whatever_a_file_is_called_and_holds(
    file: str, message: str, severity: Severity
) -> None:
    output = workflow_commands([problem(file, message, severity)])
    assert output.endswith("\n")
    # Every character that any reader takes for a line end.
    assert len(output.splitlines()) == 1
    place = {"line": "3", "col": "13", "title": "pbxsync not-text"}
    named = printable(file).lstrip("=")
    assert read(output[:-1]) == (str(severity), {**({"file": named} if named else {}), **place}, printable(message))


@given(st.lists(st.builds(problem, HOSTILE, HOSTILE), max_size=4))
def test_each_problem_is_a_command_and_there_is_no_other(problems: list[Problem]) -> None:
    lines = workflow_commands(problems).splitlines()
    assert runner_commands("\n".join(lines)) == lines
    assert [read(line)[2] for line in lines] == [printable(problem.message) for problem in problems]


@pytest.mark.parametrize("text", ["\n::error::x", "\r::error::x", "\x1b[31m"])
def test_line_ends_and_control_characters_are_shown_escaped(text: str) -> None:
    output = workflow_commands([problem(text, text)])
    assert "\x1b" not in output
    assert "\r" not in output
    assert output.count("\n") == 1
