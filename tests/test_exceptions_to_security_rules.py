"""Where a security rule of the linter is not kept, it says beside it why."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = [
    path
    for folder in ("pbxsync", "action", "tests", "benchmarks", "examples")
    for path in (ROOT / folder).rglob("*.py")
]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_exception_in_the_code_has_its_reason(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        exception = re.search(r"# noqa: [^-]*\bS[0-9]{3}\b(?P<rest>.*)", line)
        assert exception is None or re.match(r"[A-Z0-9, ]* - \w", exception["rest"]), line


def test_every_exception_of_the_project_has_its_reason() -> None:
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    assert any(re.search(r'select = .*"S"', line) for line in lines)
    exceptions = [line for line in lines if re.search(r'"S[0-9]{3}"', line)]
    assert exceptions
    for line in exceptions:
        assert re.search(r"# \w", line), line
