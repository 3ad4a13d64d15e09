"""Finds and reads the JSON schemas: those that files are checked against and those that describe pbxsync's output."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

#: Every schema by the name that ``pbxsync schema`` knows it by.
NAMES = ("routes", "state", "plan", "apply", "validate", "explain", "test")

_PACKAGE = Path(__file__).resolve().parent


def text(name: str) -> str:
    """The schema called ``name`` (one of NAMES), as JSON text.

    In an installed wheel the schemas lie in the package; in a checkout, an sdist or an editable install they lie
    beside it. Raises FileNotFoundError where the installation is broken.
    """
    for folder in (_PACKAGE / "schema", _PACKAGE.parent / "schema"):
        path = folder / f"{name}.schema.json"
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise FileNotFoundError(f"{name}.schema.json is not part of this installation of pbxsync; install it again")


def load(name: str) -> dict[str, Any]:
    """The schema called ``name``, parsed."""
    schema: dict[str, Any] = json.loads(text(name))
    return schema
