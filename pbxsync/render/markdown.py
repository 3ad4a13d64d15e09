"""Plans → Markdown for a comment on a pull request and for the summary of a CI job, on GitHub and on GitLab.

What matters comes first: what happens, errors, which calls go elsewhere; then warnings, what is in doubt, tests that
fail. The changes themselves are folded away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbxsync.model import Severity
from pbxsync.render.markdown_fit import Block, Document, Weight, fitted
from pbxsync.render.markdown_plan import MORE_NAMES, MORE_ROWS, names, place, plan_blocks, standing, where
from pbxsync.render.markdown_text import code, hidden, prose
from pbxsync.render.summary import sentence, total
from pbxsync.render.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbxsync.model import Plan, Problem

#: Into less no document fits: so much may be said of any plans.
LEAST = 3_000


def plans_markdown(
    plans: Sequence[Plan],
    problems: Sequence[Problem] = (),
    errors: Sequence[tuple[str | None, str]] = (),
    *,
    limit: int = 65_000,
    marker: str = "",
) -> str:
    """The plans of some PBXs in at most ``limit`` characters, after a hidden line with the ``marker``.

    ``problems`` are those of the files. ``errors`` are pairs of a file and what kept it from being planned; a file of
    None stands for all. Where all that doesn't fit, details are left out first, from the last on, and it is said so.
    """
    if limit < LEAST:
        raise ValueError(f"plans don't fit into {limit} characters: the limit must be {LEAST} or more")
    several = len(plans) > 1
    idle = [plan for plan in plans if several and _is_idle(plan)]
    busy = [plan for plan in plans if not several or not _is_idle(plan)]
    document = Document(
        top=[Block(hidden(marker)), Block(_headline(plans)), *_errors(errors), *_problems(problems)],
        sections=[[Block(_heading(plan) if several else _place_of(plan)), *plan_blocks(plan)] for plan in busy],
        bottom=_idle(idle),
        notice=_notice,
    )
    return fitted(document, limit)


def _is_idle(plan: Plan) -> bool:
    """Return whether there is no more to say of a plan than that it changes nothing."""
    said = (plan.changes, plan.skipped, plan.blocked, plan.in_doubt, plan.warnings, plan.failed_tests)
    return not any((*said, plan.refusals, plan.failures))


def _headline(plans: Sequence[Plan]) -> str:
    """What happens, in bold, and what keeps it from happening."""
    if not plans:
        return "**Nothing is planned.**\n"
    if len(plans) == 1:
        return f"**{' '.join([sentence(plans[0]), *standing(plans[0])])}**\n"
    says = [total(plans)]
    wrong = sum(bool(plan.refusals or plan.failures) for plan in plans)
    doubtful, failing = sum(bool(plan.in_doubt) for plan in plans), sum(bool(plan.failed_tests) for plan in plans)
    says += [f"There are errors on {counted(wrong, 'PBX', 'PBXs')}."] if wrong else []
    says += [f"Something is in doubt on {counted(doubtful, 'PBX', 'PBXs')}."] if doubtful else []
    says += [f"Tests fail for {counted(failing, 'PBX', 'PBXs')}."] if failing else []
    return f"**{' '.join(says)}**\n"


def _place_of(plan: Plan) -> str:
    return f"{where(plan)}\n"


def _heading(plan: Plan) -> str:
    return f"### {code(plan.file)}\n\n**{' '.join([sentence(plan), *standing(plan)])}**\n\n{where(plan)}\n"


def _errors(errors: Sequence[tuple[str | None, str]]) -> list[Block]:
    if not errors:
        return []
    rows = [f"- {code(file)}: {prose(text)}\n" if file is not None else f"- {prose(text)}\n" for file, text in errors]
    count = counted(len(errors), "error")
    return [Block(f"**Not planned, because of {count}:**\n\n", tuple(rows), more=MORE_ROWS, none=f"**{count}**\n")]


def _problems(problems: Sequence[Problem]) -> list[Block]:
    """The problems of the files, errors before warnings."""
    if not problems:
        return []
    ordered = sorted(problems, key=lambda problem: problem.severity is not Severity.ERROR)
    rows = [
        f"- {place(problem.location)}: {problem.severity}: {prose(problem.message)} {code(f'[{problem.rule}]')}\n"
        for problem in ordered
    ]
    wrong = sum(problem.severity is Severity.ERROR for problem in problems)
    counts = [counted(wrong, "error")] if wrong else []
    counts += [counted(len(problems) - wrong, "warning")] if len(problems) > wrong else []
    head = f"In the files: {' and '.join(counts)}"
    return [Block(f"**{head}:**\n\n", tuple(rows), more=MORE_ROWS, none=f"**{head}.**\n")]


def _idle(plans: Sequence[Plan]) -> list[Block]:
    """One line for all PBXs on which nothing changes."""
    if not plans:
        return []
    each = [
        f"{code(plan.file)} ({len(plan.unmanaged)} unmanaged)" if plan.unmanaged else code(plan.file) for plan in plans
    ]
    head = f"No changes on {counted(len(plans), 'PBX', 'PBXs')}"
    return [Block(f"{head}: ", names(each), ".\n", MORE_NAMES, f"{head}.\n", Weight.REMARK)]


def _notice(left_out: int) -> Block:
    """What is said where not all fits."""
    whole = f" {counted(left_out, 'PBX', 'PBXs')} left out whole." if left_out else ""
    return Block(f"Not all of it fits here.{whole} `pbxsync plan` and `pbxsync plan --format json` show everything.\n")
