"""pbxsync's command line in the tests' own process, for properties that take many runs; and who reads its output."""

from __future__ import annotations

import io
import logging
import signal
import sys
import unicodedata
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from pbxsync.threads import ENDING
from tests.cli.process import Ended
from tests.waits import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: The commands of GitHub's runner (actions/runner, ActionCommandManager), which it knows in any case.
_COMMANDS = {
    *("add-mask", "add-matcher", "add-path", "debug", "echo", "endgroup", "error", "group", "internal-set-repo-path"),
    *("notice", "remove-matcher", "save-state", "set-env", "set-output", "stop-commands", "warning"),
}
#: What acts on a terminal, ends a line or turns its direction, and what no UTF-8 holds.
_RAW = ("Cc", "Cf", "Cs", "Zl", "Zp")


def inside(*arguments: object, env: Mapping[str, str] | None = None, stdin: bytes = b"") -> Ended:
    """Run pbxsync as a process would, up to its exit code, with streams as those of a process that writes to files."""
    out, err = io.BytesIO(), io.BytesIO()
    logger = logging.getLogger("pbxsync")
    handlers, level = logger.handlers[:], logger.level
    signals = {number: signal.getsignal(number) for number in ENDING}
    with pytest.MonkeyPatch.context() as patch:
        shorten(patch.setattr)
        for name, value in (env or {}).items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["pbxsync", *map(str, arguments)])
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        for name, data in (("stdout", out), ("stderr", err)):
            stream = io.TextIOWrapper(data, encoding="utf-8", errors="backslashreplace", write_through=True)
            patch.setattr(sys, name, stream)
        try:
            # Under this name the package has the function as well.
            code = import_module("pbxsync.cli.main")._run()
        finally:
            logger.handlers[:] = handlers
            logger.setLevel(level)
            for number, handler in signals.items():
                signal.signal(number, handler)
        ended = Ended(code, out.getvalue().decode(), err.getvalue().decode())
    assert "internal error" not in ended.err, ended.err
    assert "Traceback" not in ended.everything
    return ended


def raw(text: str) -> set[str]:
    """The characters of an output that should have been escaped; line feeds are its layout."""
    return {char for char in set(text) if char != "\n" and unicodedata.category(char) in _RAW}


def workflow_commands(output: str) -> list[str]:
    """The lines that GitHub's runner takes for commands, as it reads all that a step prints."""
    return [line for line in output.splitlines() if any(name.lower() in _COMMANDS for name in _named(line))]


def _named(line: str) -> Iterator[str]:
    """The command that a line may hold: ``::name …::`` behind spaces, or ``##[name …]`` anywhere."""
    start = line.lstrip()
    if start.startswith("::") and "::" in start[2:]:
        yield start[2:].partition("::")[0].partition(" ")[0]
    _, found, rest = line.partition("##[")
    if found and "]" in rest:
        yield rest.partition("]")[0].partition(" ")[0]
