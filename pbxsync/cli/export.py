"""`pbxsync export`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from pbxsync.cli.options import PATH, option, output_options, reach_options
from pbxsync.cli.reach import connected, target
from pbxsync.cli.session import read_live
from pbxsync.cli.showing import warn_of_copies
from pbxsync.cli.writing import write
from pbxsync.errors import SettingsError
from pbxsync.export import export
from pbxsync.render.text import counted
from pbxsync.text import printable

if TYPE_CHECKING:
    from pathlib import Path

    from pbxsync.cli.options import Reach
    from pbxsync.render.paint import Paint


@click.command("export", short_help="Write the PBX's routes as a routes file.")
@option("-o", "--output", "output", type=PATH, metavar="FILE", help="Write to FILE; - is standard output.")
@reach_options
@output_options
def command(output: Path | None, reach: Reach, paint: Paint) -> None:
    """Write the PBX's routes as a routes file, in the PBX's order.

    A plan from that file is empty. What no file can declare safely is left out, with a comment in the file and a
    warning on standard error. A route that an interrupted reorder has left half moved is written once; a plan from the
    file then takes away what is left over.
    """
    to = target(reach)
    with connected(to, reach) as client:
        known = read_live(client, to, time.sleep)
    written = export(known, url=None if reach.sandbox else to.address, type=to.type)
    for left_out in dict.fromkeys(written.left_out):
        message = f'"{left_out.name}" is left out: {left_out.reason}'
        click.echo(f"pbxsync: {paint.changed('warning')}: {printable(message)}", err=True)
    warn_of_copies(written.copies, paint)
    if output is None or str(output) == "-":
        click.echo(written.text, nl=False)
        return
    try:
        write(output, written.text)
    except OSError as error:
        raise SettingsError(f"{output}: can't be written: {error.strerror}") from None
    click.echo(f"{printable(str(output))}: {counted(written.declared, 'route')} written.", err=True)
