"""Problems as GitHub workflow commands: one a line, and nothing that a file says begins another."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxsync.model import Location, Problem, Severity
from pbxsync.render.github import workflow_commands

#: As the runner reads a line: the command, its properties, its data.
COMMAND = re.compile(r"::(error|warning) file=([^,:]*),line=(\d+),col=(\d+),title=([^,:]*)::(.*)")


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


HOSTILE = st.one_of(
    st.text(max_size=30),
    st.lists(
        st.sampled_from(
            ["::", "error", "::set-output name=x::y", "\n", "\r", "%0A", "%", ",", ":", "##[", "\u2028", "\x85"]
        ),
        max_size=6,
    ).map("".join),
)


@given(HOSTILE, HOSTILE)
def test_no_file_name_and_no_message_can_begin_a_command_of_its_own(file: str, message: str) -> None:
    output = workflow_commands([problem(file, message)])
    assert output.endswith("\n")
    # Every character that any reader takes for a line end.
    assert len(output.splitlines()) == 1
    assert COMMAND.fullmatch(output[:-1]) is not None
    assert "%0A" not in output.replace("%250A", "")
    assert "%0D" not in output


@pytest.mark.parametrize("text", ["\n::error::x", "\r::error::x", "\x1b[31m"])
def test_line_ends_and_control_characters_are_shown_escaped(text: str) -> None:
    output = workflow_commands([problem(text, text)])
    assert "\x1b" not in output
    assert "\r" not in output
    assert output.count("\n") == 1
