"""The documents of several runs over parts of a fleet → the values of one run over all of it.

They are what ``plan`` and ``apply --format json`` print, and saved plans. They are read without trust: each is held
against its schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from pbxsync import schemas
from pbxsync.errors import DocumentRefused
from pbxsync.plan_values import applied_of, plan_of, problem_of
from pbxsync.regular_file import read_regular
from pbxsync.render.json import FORMAT_VERSION
from pbxsync.shallow_json import TooDeep, loads

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pbxsync.model import Applied, Plan, Problem

#: The most that is read of a document, in bytes.
MAX_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Joined:
    """What the runs came to together: what became of each plan, or the plans themselves, by the names of the files.

    One of ``plans`` and ``applied`` is empty. ``problems`` are those of the files, each once; ``errors`` are pairs of a
    file and what kept it from being planned or applied, a file of None standing for a whole run.
    """

    plans: tuple[Plan, ...]
    applied: tuple[Applied, ...]
    problems: tuple[Problem, ...]
    errors: tuple[tuple[str | None, str], ...]


def join(paths: Iterable[Path]) -> Joined:
    """Read the documents and join them. Raises DocumentRefused, with the reason."""
    plans: dict[str, Plan] = {}
    applied: dict[str, Applied] = {}
    problems: dict[Problem, None] = {}
    errors: list[tuple[str | None, str]] = []
    told: dict[str, Path] = {}
    for path in paths:
        value = _read(path)
        problems |= dict.fromkeys(map(problem_of, value["problems"]))
        errors += [(error["file"], error["message"]) for error in value["errors"]]
        for item in value["plans"]:
            file = item["file"]
            if file in told:
                raise DocumentRefused(f"{told[file]} and {path} both tell of {file}: each belongs to one shard")
            told[file] = path
            if "outcomes" in item:
                applied[file] = applied_of(item)
            else:
                plans[file] = plan_of(item)
    if plans and applied:
        raise DocumentRefused("some of these are documents of plan and some of apply; join those of one command")
    return Joined(
        tuple(plans[file] for file in sorted(plans)),
        tuple(applied[file] for file in sorted(applied)),
        tuple(sorted(problems, key=lambda problem: problem.order)),
        tuple(sorted(errors, key=lambda error: (error[0] or "", error[1]))),
    )


def _read(path: Path) -> Any:
    try:
        value = loads(read_regular(path, MAX_BYTES))
    except OSError as error:
        raise DocumentRefused(f"{path}: can't be read: {error.strerror}") from None
    except TooDeep as error:
        raise DocumentRefused(f"{path}: not a document of plan or apply: {error}; {_MAKE}") from None
    except ValueError:
        raise DocumentRefused(f"{path}: this is not JSON, or cut short; {_MAKE}") from None
    _check(path, value)
    return value


_MAKE = "make it with: pbxsync plan --report json=FILE, or pbxsync apply --format json"


def _check(path: Path, value: Any) -> None:
    plans = value.get("plans") if isinstance(value, dict) else None
    version = value.get("format_version") if isinstance(value, dict) else None
    if not isinstance(plans, list) or not isinstance(version, str):
        raise DocumentRefused(f"{path}: not a document of plan or apply; {_MAKE}")
    if version.split(".")[0] != FORMAT_VERSION.split(".")[0]:
        raise DocumentRefused(f"{path}: its format_version is {version[:20]}, and this pbxsync reads {FORMAT_VERSION}")
    name = "apply" if any(isinstance(plan, dict) and "outcomes" in plan for plan in plans) else "plan"
    fault = next(Draft202012Validator(schemas.load(name)).iter_errors(value), None)
    if fault is not None:
        raise DocumentRefused(f"{path}: not a document of {name}: {fault.json_path} is not as it must be; {_MAKE}")
    for plan in plans:
        if name == "apply" and len(plan["outcomes"]) != len(plan["changes"]):
            raise DocumentRefused(
                f"{path}: not a document of apply: its outcomes are not those of its changes; {_MAKE}"
            )
