"""`pbxsync validate`."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pbxsync.cli import streams
from pbxsync.cli.files import check_all
from pbxsync.cli.options import format_option, option, output_options
from pbxsync.file_tests import failures, held
from pbxsync.model import Severity
from pbxsync.render import text

if TYPE_CHECKING:
    from pbxsync.render.paint import Paint


@click.command("validate", short_help="Check routes files, offline.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@format_option("text", "json", "github", "sarif")
@option("--strict", is_flag=True, help="Fail on warnings too.")
@output_options
@click.pass_context
def command(ctx: click.Context, files: tuple[str, ...], output: str, strict: bool, paint: Paint) -> None:
    """Check routes files and run their tests, offline.

    FILE is a routes file, a folder of them, or - for standard input. Every problem of every file is shown in one run,
    as file:line:column: error: message [rule-id]. Exits 0 where there is no error, else 1.
    """
    checked, problems = check_all(files, table=True)
    good = [one.desired for _, one in checked if one.desired]
    tests = [held(desired) for desired in good]
    for desired, verdicts in zip(good, tests, strict=True):
        problems += failures(verdicts, desired.included)
    problems.sort(key=lambda problem: problem.order)
    errors = sum(1 for problem in problems if problem.severity is Severity.ERROR)
    warnings = len(problems) - errors
    if output == "json":
        from pbxsync.render import json as json_render

        streams.document(json_render.problems_document(problems))
    elif output == "sarif":
        from pbxsync.render import sarif

        streams.document(sarif.problems_sarif(problems, Path.cwd(), _root()))
    elif output == "github":
        from pbxsync.render import github, places

        name = functools.partial(places.seen_from, _root(), folder=Path.cwd())
        click.echo(github.workflow_commands(problems, name), nl=False)
    else:
        click.echo(text.problem_lines(problems, paint), nl=False)
        routes = sum(len(one.desired.routes) for _, one in checked if one.desired)
        count = f"{text.counted(errors, 'error')}, {text.counted(warnings, 'warning')}"
        fine = f"{text.counted(routes, 'route')} in {text.counted(len(checked), 'file')}: no problems"
        proven = sum(map(len, tests))
        fine += f", {text.counted(proven, 'test')} passed" if proven else ""
        failing = " Warnings fail because of --strict." if strict and warnings and not errors else ""
        click.echo(f"{count} in {text.counted(len(checked), 'file')}.{failing}" if problems else f"{fine}.")
    ctx.exit(1 if errors or (strict and warnings) else 0)


def _root() -> Path:
    """Return the root of the checkout that a GitHub job works in, where this runs in it; else the current folder.

    GitHub shows annotations, and the results of code scanning, only for paths that begin there.
    """
    here = Path.cwd()
    workspace = os.environ.get("GITHUB_WORKSPACE")
    root = Path(os.path.realpath(workspace)) if workspace else here
    return root if here.is_relative_to(root) else here
