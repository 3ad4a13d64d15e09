"""`pbxsync sandbox`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from pbxsync.cli.options import PATH, Seconds, Whole, option, output_options
from pbxsync.errors import SettingsError
from pbxsync.render.text import counted
from pbxsync.text import printable

if TYPE_CHECKING:
    from pathlib import Path

    from pbxsync.render.paint import Paint


@click.command("sandbox", short_help="Run a PBX on 127.0.0.1 to try things out.")
@option("--port", type=Whole(0, 65535), default=8260, show_default=True, help="Where it listens; 0 is any.")
@option("--routes", "store", type=PATH, metavar="FILE", help="Keep the routes in this file (JSON).")
@option("--fault", "faults", multiple=True, hidden=True)
@option("--calls", hidden=True, default=None)
@option("--xml-layout", type=click.Choice(["wrapped", "bare"]), default="wrapped", hidden=True)
@option("--odd", multiple=True, hidden=True)
@option("--latency", type=Seconds(min=0), default=0.0, hidden=True)
@output_options
def command(
    port: int, store: Path | None, calls: str | None, odd: tuple[str, ...], paint: Paint, **behaviour: Any
) -> None:
    """Run a PBX on 127.0.0.1 that speaks the PBX's API, to try things out.

    It prints the address and the credentials, and runs until Ctrl-C. Without --routes it forgets its routes at the end.
    """
    from pbxsync.sandbox import ALL_CALLS, Firmware, Sandbox, SandboxError

    known = ALL_CALLS if calls is None else [call.strip() for call in calls.split(",")]
    try:
        with Sandbox(port=port, store=store, calls=known, firmware=Firmware.parse(odd), **behaviour) as pbx:
            click.echo(f"{paint.strong('a sandbox PBX')} listens on {pbx.url}; Ctrl-C ends it. To talk to it:")
            click.echo(f"  export PBXSYNC_URL={pbx.url} PBXSYNC_USERNAME=admin PBXSYNC_PASSWORD=sandbox")
            sys.stdout.flush()
            try:
                pbx.wait_closed()
            except KeyboardInterrupt:
                kept = f" kept in {printable(str(store))}" if store else ""
                click.echo(f"\nended; {counted(len(pbx.routes()), 'route')}{kept}.")
    except SandboxError as error:
        raise SettingsError(str(error)) from None
