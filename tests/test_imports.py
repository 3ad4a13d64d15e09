"""The house's rules on who may import whom, and who may speak to the world."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import pbxsync

PACKAGE = Path(pbxsync.__file__).parent

#: The rooms from the ground up: a room imports only from rooms below its own (or, in a folder, beside it).
ROOMS = [
    "text",
    "threads",
    "collecting",
    "regular_file",
    "shallow_json",
    "yaml_text",
    "equal_names",
    "names",
    "urls",
    "model",
    "dialplan",
    "errors",
    "quoting",
    "name_clashes",
    "lint_words",
    "syntax_errors",
    "turned_comments",
    "document",
    "schemas",
    "quick_schema",
    "text_problems",
    "schema_problems",
    "nodes",
    "name_problems",
    "lint_problems",
    "file_tests",
    "validator",
    "includes",
    "quick_read",
    "loading",
    "steps",
    "stored",
    "twins",
    "matching",
    "changes",
    "hidden_fields",
    "differ",
    "codec",
    "refusals",
    "answers",
    "secret_text",
    "proxies",
    "wire",
    "tls_faults",
    "transport",
    "replies",
    "retrying",
    "client",
    "whole_file",
    "marks",
    "state_text",
    "known_state",
    "meanwhile",
    "effects",
    "pairing",
    "verification",
    "listing",
    "preflight",
    "ledger",
    "settling",
    "applier",
    "locks",
    "export",
    "render",
    "plan_values",
    "saved_plan",
    "joined",
    "sandbox",
    "cli",
]

#: The only rooms that know a library.
USERS = {
    "yaml": {"document", "quick_read", "syntax_errors", "turned_comments"},
    "jsonschema": {"joined", "saved_plan", "schema_problems"},
    "deepdiff": {"changes"},
    "httpx": {"transport"},
    "h11": {"wire"},
    "tenacity": {"retrying"},
    "defusedxml": {"codec", "sandbox"},
    "filelock": {"locks"},
    "rich": {"cli"},
    "click": {"cli", "render"},
    "jinja2": {"render"},
    "markupsafe": {"render"},
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def imported(path: Path) -> list[str]:
    """The full names that a module imports, at its top or inside functions."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def test_every_room_is_on_the_list_and_the_list_has_no_other() -> None:
    assert {room(path) for path in modules()} - {"__init__", "__main__"} == set(ROOMS)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    own = room(path)
    if own in ("__init__", "__main__"):
        return
    for name in imported(path):
        parts = name.split(".")
        if parts[0] != "pbxsync" or parts[1] in ("__version__", own):
            continue
        assert ROOMS.index(parts[1]) < ROOMS.index(own), f"{own} imports {name}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_library_is_known_to_its_own_room_alone(path: Path) -> None:
    for name in imported(path):
        users = USERS.get(name.split(".")[0])
        assert users is None or room(path) in users, f"{room(path)} imports {name}"


def test_the_sandbox_shares_no_code_with_the_client() -> None:
    for path in (PACKAGE / "sandbox").glob("*.py"):
        for name in imported(path):
            assert not name.startswith("pbxsync.") or name.startswith("pbxsync.sandbox"), f"{path.name} imports {name}"


@pytest.mark.parametrize(
    "path", [path for path in modules() if room(path) not in ("cli", "__main__")], ids=lambda path: path.stem
)
def test_nothing_below_the_command_line_prints_or_exits(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("print", "input", "exit", "quit", "sys.exit", "os._exit", "click.echo", "click.secho")
            assert not called.startswith(("sys.stdout.", "sys.stderr."))


def test_the_package_has_no_manager_helper_or_utils() -> None:
    for path in modules():
        assert not any(word in path.stem for word in ("manager", "helper", "util"))
