"""`pbxsync explain`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pbxsync.cli import planning, showing, streams
from pbxsync.cli.files import load_all
from pbxsync.cli.options import PATH, format_option, option, output_options, reach_options
from pbxsync.cli.reach import connected
from pbxsync.cli.session import read_live
from pbxsync.dialplan.table import RouteTable
from pbxsync.errors import InputError, SettingsError
from pbxsync.known_state import StateFile
from pbxsync.model import PlanChoices
from pbxsync.render import explanation
from pbxsync.render.explanation import Call
from pbxsync.text import listed, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pbxsync.cli.options import Reach
    from pbxsync.cli.session import Job
    from pbxsync.model import Doubt, KnownState
    from pbxsync.render.paint import Paint


@click.command("explain", short_help="Show which route takes a call, and why.")
@click.argument("file", metavar="FILE")
@click.argument("numbers", nargs=-1, required=True, metavar="NUMBER...")
@option("--callerid", metavar="ID", help="Who calls; without it the calls show no caller id.")
@option("--state", type=PATH, metavar="FILE", help="Explain the routes of this state file, not those of FILE.")
@option("--live", is_flag=True, help="Explain the routes that the PBX holds now, not those of FILE.")
@format_option("text", "json")
@reach_options
@output_options
@click.pass_context
def command(
    ctx: click.Context,
    file: str,
    numbers: tuple[str, ...],
    callerid: str | None,
    state: Path | None,
    live: bool,
    output: str,
    reach: Reach,
    paint: Paint,
) -> None:
    """Show which route takes a call, what is sent to which trunks, and why no route above takes it.

    FILE is one routes file, or - for standard input. NUMBER is what is dialled; - reads calls from standard input, one
    a line: the number, and behind a space the caller id, if it is not that of --callerid. Exits 0 also where no route
    takes the call.
    """
    _check_usage(file, numbers, state, live=live)
    try:
        table, source = _table(file, state, reach, live=live)
    except InputError as error:
        showing.show_problems(error.problems, "nothing was explained", paint)
        if output == "json":
            streams.document(explanation.calls_document([], error.problems))
        ctx.exit(error.exit_code)
    calls = _calls(numbers, callerid or None)
    if output == "json":
        streams.document(_document(table, list(calls), single=len(numbers) == 1 and numbers[0] != "-"))
        return
    # One by one: whoever types the numbers on a terminal sees each answer at once.
    for count, call in enumerate(calls):
        click.echo(("\n" if count else "") + explanation.call_text(table, call, source, paint), nl=False)


def _check_usage(file: str, numbers: Sequence[str], state: Path | None, *, live: bool) -> None:
    if live and state is not None:
        raise click.UsageError("--live asks the PBX, --state (PBXSYNC_STATE) reads a state file: use one of them.")
    if file == "-" and "-" in numbers:
        raise click.UsageError("FILE and NUMBER are both -, and there is one standard input: name the file.")
    if "" in numbers:
        raise click.UsageError("NUMBER is empty: give what is dialled.")
    if Path(file).is_dir():
        raise SettingsError(f"{file}: this is a folder, and explain looks at one PBX: name one of its files")


def _table(file: str, state: Path | None, reach: Reach, *, live: bool) -> tuple[RouteTable, str]:
    """The routes to explain, and whose they are in words."""
    if state is None and not live:
        [declared], _warnings = load_all([file])
        return RouteTable(one.route for one in declared.desired().routes), declared.file
    wanted = planning.Wanted((file,), state, init=False, choices=PlanChoices(), reach=reach)
    [job], _warnings = planning.jobs(wanted)
    known = _known(job)
    source = f"{known.pbx}, live" if live else f"known from {known.source}"
    return RouteTable(one.route for one in known.routes), source


def _known(job: Job) -> KnownState:
    """What the state file has recorded, or what the PBX holds."""
    if job.state is None:
        with connected(job.target, job.reach) as client:
            return read_live(client, job.target, time.sleep, settled=False)
    known = StateFile.read(job.state, pbx=job.target.address).state
    if known.doubts:
        _warn_of_doubts(known.source, known.doubts)
    return known


def _warn_of_doubts(source: str, doubts: Sequence[Doubt]) -> None:
    names = listed(doubt.change.name for doubt in doubts)
    message = f"{source}: in doubt: {names}; the PBX may hold it otherwise, and calls go elsewhere"
    click.echo(f"pbxsync: warning: {printable(message)}", err=True)


def _calls(numbers: Sequence[str], callerid: str | None) -> Iterator[Call]:
    for number in numbers:
        if number == "-":
            yield from _lines(callerid)
        else:
            yield Call(number, callerid)


def _lines(callerid: str | None) -> Iterator[Call]:
    """The calls on standard input: a number in each line, and behind it who calls, if that is another."""
    if sys.stdin is None:
        raise SettingsError("standard input is closed, and NUMBER is -: there are no numbers")
    for line in sys.stdin.buffer:
        number, *own = line.decode("utf-8-sig", "surrogateescape").split(maxsplit=1) or [""]
        if number:
            yield Call(number, own[0].rstrip() if own else callerid)


def _document(table: RouteTable, calls: Sequence[Call], *, single: bool) -> str:
    if single:
        return explanation.call_document(table, calls[0])
    return explanation.calls_document([explanation.answer(table, call) for call in calls])
