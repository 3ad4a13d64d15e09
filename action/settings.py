"""The action's inputs → arguments of pbxsync. A mistake is named with its input, before anything runs."""

from __future__ import annotations

import posixpath

import runner

#: Inputs that are an option of ``plan`` with a value, and those that name a file.
VALUES = ("max-deletes", "parallel", "url")
FILES = ("state", "ca-file")
FLAGS = ("init", "prune", "add-only", "reorder")


def files() -> list[str]:
    """The routes files, one a line of the input, as the checkout's root sees them.

    pbxsync runs at the root, for an annotation is shown at its line only where its path begins there.
    """
    found = [_from_root(line.strip()) for line in value("files").splitlines() if line.strip()]
    if not found:
        raise runner.StepError("the input files is empty; it names routes files or folders of them, one a line")
    return ["--", *found]


def plan_options() -> list[str]:
    """The options of ``plan`` that inputs stand for. Each is one word, so that no value can be an option of its own."""
    flag("comment")  # a later step's condition, which would take what it can't read for false
    options = [f"--{name}" for name in FLAGS if flag(name)]
    options += [f"--{name}={value(name)}" for name in VALUES if value(name)]
    return options + [f"--{name}={path}" for name in FILES if (path := file(name))]


def file(name: str) -> str:
    """The input that names a file, as the checkout's root sees it; empty where it isn't given."""
    return _from_root(value(name)) if value(name) else ""


def flag(name: str) -> bool:
    """The input that is true or false."""
    given = value(name).lower()
    if given not in ("true", "false", ""):
        raise runner.StepError(f"the input {name} is {given!r}; write true or false")
    return given == "true"


def value(name: str) -> str:
    """The input's text, without spaces around it; ``comment-key`` is in the variable INPUT_COMMENT_KEY."""
    return runner.variable(f"INPUT_{name.replace('-', '_').upper()}")


def _from_root(path: str) -> str:
    folder = value("working-directory") or "."
    return path if posixpath.normpath(folder) == "." else posixpath.join(folder, path)
