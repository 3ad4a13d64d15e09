"""`pbxsync report`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pbxsync.cli import showing, streams
from pbxsync.cli.apply_end import code_of
from pbxsync.cli.options import PATH, format_option, output_options
from pbxsync.cli.reports import comment_key_option
from pbxsync.errors import PbxsyncError
from pbxsync.joined import join
from pbxsync.model import Severity
from pbxsync.render import json as json_render
from pbxsync.render import text
from pbxsync.render.totals import Totals

if TYPE_CHECKING:
    from pathlib import Path

    from pbxsync.joined import Joined
    from pbxsync.render.paint import Paint


@click.command("report", short_help="Join what the shards of a fleet have printed.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=PATH)
@format_option("text", "json", "markdown")
@comment_key_option
@output_options
@click.pass_context
def command(ctx: click.Context, files: tuple[Path, ...], output: str, comment_key: str, paint: Paint) -> None:
    """Join what several runs over parts of a fleet have printed, and show it as that of one run.

    FILE is what pbxsync plan or pbxsync apply printed with --format json, or a saved plan; all of them of one of the
    two commands. No PBX is asked. Exits as those runs did: 0 where all is in order, 1 where something failed, 3 where
    an outcome is in doubt.
    """
    joined = join(files)
    if output == "json":
        results = joined.applied or joined.plans
        streams.document(json_render.plans_document(results, joined.problems, joined.errors))
    elif output == "markdown":
        streams.document(_markdown(joined, comment_key))
    else:
        _show(joined, paint)
    ctx.exit(_exit_code(joined))


def _markdown(joined: Joined, key: str) -> str:
    if joined.applied:
        from pbxsync.render.markdown_applied import applied_markdown

        return applied_markdown(joined.applied, joined.errors, marker=key)
    from pbxsync.render.markdown import plans_markdown

    return plans_markdown(joined.plans, joined.problems, joined.errors, marker=key)


def _show(joined: Joined, paint: Paint) -> None:
    totals = Totals(joined.applied or joined.plans)
    parts = [text.plan_text(plan, paint) for plan in joined.plans]
    parts += [text.applied_text(one, paint) for one in joined.applied if one.outcomes or one.error]
    sums = totals.line()
    sums += totals.applied_line(file for file, _ in joined.errors) if joined.applied else ""
    click.echo("\n".join([*parts, sums]), nl=False)
    click.echo(text.problem_lines(joined.problems, paint), err=True, nl=False)
    failures = [(file, message) for file, message in joined.errors]
    failures += [(one.plan.file, why) for one in joined.applied for why in text.faults(one)]
    showing.show_failures(showing.Failure(file, PbxsyncError(message)) for file, message in failures)


def _exit_code(joined: Joined) -> int:
    codes = [code_of(one) for one in joined.applied]
    codes += [3 if plan.in_doubt else int(bool(plan.failed_tests)) for plan in joined.plans]
    wrong = joined.errors or any(problem.severity is Severity.ERROR for problem in joined.problems)
    unfinished = any(outcome.error or outcome.status != "applied" for one in joined.applied for outcome in one.outcomes)
    return max([*codes, int(bool(wrong or unfinished))])
