"""`pbxsync resolve`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from pbxsync.cli.options import PATH, lock_option, option, output_options
from pbxsync.errors import StateError
from pbxsync.known_state import StateFile
from pbxsync.text import command_line, listed, printable

if TYPE_CHECKING:
    from pathlib import Path

    from pbxsync.render.paint import Paint


@click.command("resolve", short_help="Settle an outcome that a state file has in doubt.")
@click.argument("name")
@option("--state", type=PATH, required=True, metavar="FILE", help="The state file that has it in doubt.")
@option("--applied/--not-applied", "applied", default=None, help="Whether the PBX carried the change out.")
@lock_option
@output_options
def command(name: str, state: Path, applied: bool | None, lock_timeout: float, paint: Paint) -> None:
    """Settle an outcome that a state file has in doubt.

    Look on the PBX whether the change of the route NAME was carried out, then say so with --applied or --not-applied.
    With --not-applied the next apply sends it again.
    """
    from pbxsync.locks import hold

    if applied is None:
        raise click.UsageError("Say what you found on the PBX: --applied or --not-applied.")
    with hold([os.path.realpath(state)], lock_timeout):
        file = StateFile.read(state, pbx=None)
        doubts = file.state.doubts
        found = [doubt for doubt in doubts if doubt.change.name == name]
        # A name that holds what no terminal shows is copied from a message, where it is spelt with its escapes.
        copied = command_line(name)
        found = found or [doubt for doubt in doubts if printable(command_line(doubt.change.name)) == copied]
        if not found:
            names = listed(doubt.change.name for doubt in doubts)
            rest = f"in doubt there: {names}" if names else "nothing is in doubt there"
            raise StateError(f"{state}: {name} is not in doubt; {rest}")
        for doubt in found:
            file.settle(doubt.change, applied=applied)
    what = "recorded as applied" if applied else "recorded as not applied; the next apply sends it"
    click.echo(f"{printable(name)}: {paint.good(what)}.")
