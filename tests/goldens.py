"""The goldens of the examples: what each of them is computed to be. ``make goldens`` writes them, for a person to read.

What is beside an example says where which rule is broken, and how severe that is. The words of a message are in
``wording.txt``, with one example a rule, and in the few plans that have a ``plan.txt``.

In a folder of ``plans``, ``known.yaml`` and ``routes.yaml`` give the plan. A folder without ``routes.yaml`` is planned
for ``routes.example.yaml``. In folders whose names begin with ``prune`` unmanaged routes are deleted, in those that
begin with ``reorder`` routes are moved. But for one of these, somebody looked, and the PBX has no hidden fields. Where
the PBX holds what no file may declare (copies, two routes of one name), its routes are those of a state file,
``known.json``.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pbxsync import differ
from pbxsync.document import parse
from pbxsync.effects import foreseen
from pbxsync.file_tests import failures, held
from pbxsync.known_state import StateFile
from pbxsync.model import Desired, KnownRoute, KnownState, Plan, PlanChoices, Problem
from pbxsync.render import json as json_render
from pbxsync.render import text
from pbxsync.validator import Checked, check

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "tests" / "examples"
INVALID = sorted((EXAMPLES / "invalid").glob("*.yaml"))
WARNED = sorted((EXAMPLES / "warned").glob("*.yaml"))
VALID = sorted((EXAMPLES / "valid").glob("*.yaml"))
PLANS = sorted(path for path in (EXAMPLES / "plans").iterdir() if path.is_dir())
WORDING = EXAMPLES / "wording.txt"
#: What the file of each plan ignores.
_IGNORED = ("lab-*",)


# --- problems ---------------------------------------------------------------------------------------------------------


def checked(path: Path) -> Checked:
    """What `pbxsync validate` makes of a file."""
    return check(parse(path.read_bytes(), path.name), table=True)


def problems(one: Checked) -> list[Problem]:
    """What `pbxsync validate` finds: the file's problems, and where it has no error the tests that fail."""
    failed = failures(held(one.desired)) if one.desired else ()
    return sorted([*one.problems, *failed], key=lambda problem: problem.order)


def places(found: Iterable[Problem]) -> str:
    """Where which rule is broken: a line a problem, as `pbxsync validate` prints it but for the message."""
    return "".join(f"{problem.location}: {problem.severity}: [{problem.rule}]\n" for problem in found)


def wording() -> str:
    """The first problem of each rule in the examples, as `pbxsync validate` prints it, in the order of the rules."""
    first: dict[str, Problem] = {}
    for path in (*INVALID, *WARNED):
        for problem in problems(checked(path)):
            first.setdefault(problem.rule, problem)
    return text.problem_lines(first[rule] for rule in sorted(first))


# --- plans ------------------------------------------------------------------------------------------------------------


def planned(folder: Path) -> tuple[Plan, KnownState, Desired]:
    """The plan of an example, with what it was made from."""
    own = folder / "routes.yaml"
    desired = _declared(own if own.exists() else ROOT / "routes.example.yaml")
    known = KnownState("https://192.0.2.10", tuple(_held(folder)))
    reorder = folder.name.startswith("reorder")
    choices = PlanChoices(prune=folder.name.startswith("prune"), reorder=reorder)
    desired = replace(desired, no_hidden_fields=reorder and folder.name != "reorder-hidden-fields", ignore=_IGNORED)
    return foreseen(differ.plan(desired, known, choices), desired, known, choices), known, desired


def _declared(path: Path) -> Desired:
    one = check(parse(path.read_bytes(), path.name))
    assert one.desired is not None, text.problem_lines(one.problems)
    return one.desired


def _held(folder: Path) -> Iterator[KnownRoute]:
    """What the PBX of an example holds."""
    state = folder / "known.json"
    if state.exists():
        yield from StateFile.read(state, pbx="https://192.0.2.10").state.routes
        return
    for number, one in enumerate(_declared(folder / "known.yaml").routes, start=1):
        yield KnownRoute(one.route, str(number))


def document(plan: Plan) -> Any:
    """The plan's JSON document."""
    return json.loads(json_render.plans_document([plan]))


def without_words(value: Any) -> Any:
    """The same JSON value without the messages in it."""
    if isinstance(value, dict):
        return {key: without_words(item) for key, item in value.items() if key != "message"}
    return [without_words(item) for item in value] if isinstance(value, list) else value


def plan_json(plan: Plan) -> str:
    """What is in a ``plan.json``."""
    return json.dumps(without_words(document(plan)), ensure_ascii=False, indent=2) + "\n"


# --- all of them ------------------------------------------------------------------------------------------------------


def goldens() -> Iterator[tuple[Path, str]]:
    """Each golden with what it is computed to be."""
    for path in (*INVALID, *WARNED):
        yield path.with_suffix(".txt"), places(problems(checked(path)))
    yield WORDING, wording()
    for folder in PLANS:
        plan = planned(folder)[0]
        yield folder / "plan.json", plan_json(plan)
        if (folder / "plan.txt").exists():
            yield folder / "plan.txt", text.plan_text(plan)


if __name__ == "__main__":
    for golden, content in goldens():
        golden.write_text(content, encoding="utf-8")
