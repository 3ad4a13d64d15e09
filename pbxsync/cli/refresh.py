"""`pbxsync refresh`."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from pbxsync.cli.options import PATH, lock_option, option, output_options, reach_options
from pbxsync.cli.reach import SANDBOX, connected, target
from pbxsync.cli.session import lockable, read_live
from pbxsync.cli.showing import warn_of_copies
from pbxsync.errors import SettingsError
from pbxsync.known_state import StateFile
from pbxsync.names import is_copy
from pbxsync.render.text import counted
from pbxsync.text import command_line, listed, printable
from pbxsync.verification import stored_fault

if TYPE_CHECKING:
    from pathlib import Path

    from pbxsync.cli.options import Reach
    from pbxsync.cli.reach import Target
    from pbxsync.render.paint import Paint


@click.command("refresh", short_help="Record the PBX's routes in a state file.")
@option("--state", type=PATH, required=True, metavar="FILE", help="The state file to write.")
@lock_option
@reach_options
@output_options
def command(state: Path, lock_timeout: float, reach: Reach, paint: Paint) -> None:
    """Record the PBX's routes in a state file.

    Without --url the PBX is the one that the file belongs to. An outcome that the file has in doubt stays so, unless
    the PBX holds exactly what was sent.
    """
    from pbxsync.locks import hold

    to = target(reach)
    if to.address is None:
        if not state.exists():
            raise SettingsError("no PBX is named: give --url (or PBXSYNC_URL)")
        to = _target_of(state, reach)
    with hold(lockable(to, state), lock_timeout):
        file = StateFile.read(state, pbx=to.address, init=True)
        with connected(to, reach) as client:
            live = read_live(client, to, time.sleep, [known.route.name for known in file.state.routes])
        doubts = tuple(doubt for doubt in file.state.doubts if stored_fault(doubt.change, live.routes))
        settled = [doubt for doubt in file.state.doubts if doubt not in doubts]
        file.write(replace(file.state, pbx=to.address, routes=live.routes, doubts=doubts))
    click.echo(f"{printable(str(state))}: {counted(len(live.routes), 'route')} of {to.address} recorded.")
    warn_of_copies([name for one in live.routes if is_copy(name := one.route.name)], paint)
    if settled:
        names = listed(doubt.change.name for doubt in settled)
        click.echo(printable(f"No longer in doubt, the PBX holds what was sent: {names}"))
    if doubts:
        names = listed(doubt.change.name for doubt in doubts)
        resolve = command_line("pbxsync", "resolve", "--state", str(state), "--applied", "--", "NAME")
        message = f"still in doubt: {names}; look on the PBX, then run for each: {resolve} (or with --not-applied)"
        click.echo(f"pbxsync: {paint.changed('warning')}: {printable(message)}", err=True)


def _target_of(state: Path, reach: Reach) -> Target:
    """The PBX that the state file belongs to."""
    address = StateFile.read(state, pbx=None).state.pbx
    if address is not None and address.startswith(SANDBOX):
        raise SettingsError(f"{state}: the state file belongs to {address}; use --sandbox, or name a PBX with --url")
    return target(reach, url=address)
