"""The plan of one PBX → the blocks of its section in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbxsync.render.markdown_changes import CHANGES_HEAD, IMPACT_HEAD, change_rows, impact_rows
from pbxsync.render.markdown_fit import Block, Weight
from pbxsync.render.markdown_text import code, prose
from pbxsync.render.text import counted
from pbxsync.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pbxsync.model import Change, Location, Plan, PlanWarning

#: What is said of rows and of names that are left out.
MORE_ROWS = "\n… and {} more.\n"
MORE_NAMES = ", and {} more"
#: So much is shown of a file's name before the line's number.
_FILE = 90


def standing(plan: Plan) -> list[str]:
    """What keeps the plan from being applied, a sentence each."""
    says = []
    errors = counted(len(plan.refusals) + len(plan.failures), "error")
    if plan.refusals:
        says.append(f"{errors}; apply sends nothing.")
    elif plan.failures:
        says.append(f"{errors}; see below.")
    if plan.in_doubt:
        says.append(f"Nothing is sent before what is in doubt ({len(plan.in_doubt)}) is settled.")
    if plan.failed_tests:
        fail = "fails" if len(plan.failed_tests) == 1 else "fail"
        says.append(
            f"{len(plan.failed_tests)} of {counted(len(plan.tests or ()), 'test')} {fail}; apply sends nothing."
        )
    return says


def where(plan: Plan) -> str:
    """Which file goes to which PBX, by what that is known, and what is left as it is."""
    url = code(plan.pbx_url) if plan.pbx_url else "no PBX named"
    name = f" ({code(plan.pbx_name)})" if plan.pbx_name else ""
    source = "live" if plan.known_state == "live" else f"known from {code(plan.known_state)}"
    ignored = f", {len(plan.ignored)} ignored" if plan.ignored else ""
    rest = f"{plan.unchanged} unchanged, {len(plan.unmanaged)} unmanaged{ignored}."
    tests = f" {counted(len(plan.tests), 'test')} passed." if plan.tests and not plan.failed_tests else ""
    tests = " Tests were not run (--no-tests)." if plan.tests is None else tests
    return f"{code(plan.file)} → {url}{name}, {source}; {rest}{tests}"


def place(location: Location) -> str:
    """A place in a file; of a long file name the end is shown."""
    file = printable(location.file)
    shown = f"…{file[-_FILE:]}" if len(file) > _FILE else file
    return code(f"{shown}:{location.line}:{location.column}")


def names(each: Iterable[str]) -> tuple[str, ...]:
    """Names as rows of one line, with commas between them."""
    return tuple(f", {name}" if at else name for at, name in enumerate(each))


def plan_blocks(plan: Plan) -> list[Block]:
    """All that is below the head of a plan."""
    return [
        *_errors(plan),
        *_impact(plan),
        *_warnings(plan),
        *_doubts(plan),
        *_tests(plan),
        *_named("Left alone, see the errors", "left alone", plan.blocked),
        *_named("Unmanaged, left as they are", "unmanaged, left as they are", plan.unmanaged),
        *_named("Ignored, as the file says", "ignored, as the file says", plan.ignored),
        *_changes(counted(len(plan.changes), "change"), plan.changes),
        *_changes(f"{counted(len(plan.skipped), 'change')} skipped, because of --add-only", plan.skipped),
    ]


def _errors(plan: Plan) -> list[Block]:
    errors = (*plan.refusals, *plan.failures)
    return _listed("Errors", tuple(map(_said, errors)), Weight.FAILURE)


def _said(warning: PlanWarning) -> str:
    return f"- {prose(warning.message)} {code(f'[{warning.rule}]')}\n"


def _impact(plan: Plan) -> list[Block]:
    rows = impact_rows(plan.impact or ()) if plan.changes else ()
    head = f"**Calls that go elsewhere:**\n\n{IMPACT_HEAD}"
    none = f"Calls that go elsewhere: {counted(len(rows), 'kind')}, not shown here.\n"
    return [Block(head, rows, "", MORE_ROWS, none, Weight.IMPACT)] if rows else []


def _warnings(plan: Plan) -> list[Block]:
    return _listed("Warnings", tuple(map(_said, plan.warnings)), Weight.WARNING)


def _doubts(plan: Plan) -> list[Block]:
    doubts = plan.in_doubt
    rows = [f"- {doubt.change.action} {code(doubt.change.name)}: {prose(doubt.reason)}\n" for doubt in doubts]
    return _listed("In doubt", tuple(rows), Weight.FAILURE)


def _tests(plan: Plan) -> list[Block]:
    failed = plan.failed_tests
    rows = tuple(f"- {place(verdict.claim.location)}: {prose(verdict.message)}\n" for verdict in failed)
    return _listed("Failing tests", rows, Weight.FAILURE)


def _listed(title: str, rows: tuple[str, ...], weight: Weight) -> list[Block]:
    none = f"{title}: {len(rows)}, not shown here.\n"
    return [Block(f"**{title}:**\n\n", rows, "", MORE_ROWS, none, weight)] if rows else []


def _named(title: str, short: str, routes: Sequence[str]) -> list[Block]:
    none = f"{counted(len(routes), 'route')} {short}.\n"
    rows = names(map(code, routes))
    return [Block(f"{title}: ", rows, ".\n", MORE_NAMES, none, Weight.REMARK)] if rows else []


def _changes(title: str, changes: Sequence[Change]) -> list[Block]:
    head = f"<details>\n<summary>{title}</summary>\n\n{CHANGES_HEAD}"
    rows = tuple(map(change_rows, changes))
    return (
        [Block(head, rows, "\n</details>\n", MORE_ROWS, f"{title}, not shown here.\n", Weight.DETAIL)] if rows else []
    )
