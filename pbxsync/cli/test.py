"""`pbxsync test`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pbxsync.cli import showing, streams
from pbxsync.cli.files import check_all
from pbxsync.cli.options import format_option, option, output_options
from pbxsync.file_tests import held
from pbxsync.render import json as json_render
from pbxsync.render import junit, text, verdicts
from pbxsync.render.junit import Suite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbxsync.model import Problem
    from pbxsync.render.paint import Paint


@click.command("test", short_help="Run the files' tests against their routes, offline.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@option("--strict", is_flag=True, help="Fail on warnings too, and where there is no test.")
@format_option("text", "json", "junit")
@output_options
@click.pass_context
def command(ctx: click.Context, files: tuple[str, ...], strict: bool, output: str, paint: Paint) -> None:
    """Run the tests of routes files against the routes of the same file, offline.

    FILE is a routes file, a folder of them, or - for standard input. Every test that fails is shown as
    file:line:column: FAIL: message, with a call that breaks it; -v shows those that passed too. Exits 0 where none
    fails and every file is valid, else 1.
    """
    checked, problems = check_all(files)
    suites = [Suite(one.file, held(one.desired) if one.desired else (), one.problems) for _, one in checked]
    tested = [one.file for _, one in checked if one.desired]
    results = [verdict for suite in suites for verdict in suite.verdicts]
    failed = len(tested) < len(suites) or any(not verdict.passed for verdict in results)
    strict = strict and bool(problems or not results)
    _show_problems(problems, len(tested), len(suites), output, paint)
    if output == "json":
        streams.document(json_render.verdicts_document(results, problems))
    elif output == "junit":
        streams.document(junit.junit_document(suites))
    else:
        click.echo(verdicts.verdict_lines(results, paint, passed=ctx.params["verbose"] > 0), nl=False)
        if tested:
            click.echo(f"{verdicts.verdicts_sum(results, tested)}.")
    if output != "text" and len(tested) == len(suites) and not results:
        click.echo(f"pbxsync: {verdicts.verdicts_sum(results, tested)}", err=True)
    if strict and not failed:
        why = "warnings fail" if results else "a run without tests fails"
        click.echo(f"pbxsync: {why}, because of --strict", err=True)
    ctx.exit(1 if failed or strict else 0)


def _show_problems(problems: Sequence[Problem], tested: int, files: int, output: str, paint: Paint) -> None:
    """Show on standard error what is wrong with the files, warnings only where no document holds them."""
    if tested < files:
        rest = f"{text.counted(files - tested, 'file')} not tested" if tested else "nothing was tested"
        showing.show_problems(problems, rest, paint)
    elif output != "json":
        click.echo(text.problem_lines(problems, paint), err=True, nl=False)
