"""`pbxsync ping`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pbxsync.cli.options import output_options, reach_options
from pbxsync.cli.reach import connected, target
from pbxsync.errors import CallUnknown, PbxError, Refused
from pbxsync.render.text import counted
from pbxsync.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from pbxsync.answers import RouteAnswer
    from pbxsync.cli.options import Reach
    from pbxsync.client import Client
    from pbxsync.model import DeviceInfo, Trunk
    from pbxsync.render.paint import Paint

    _T = TypeVar("_T")


@click.command("ping", short_help="Reach the PBX, log in, show what it is and can do.")
@reach_options
@output_options
@click.pass_context
def command(ctx: click.Context, reach: Reach, paint: Paint) -> None:
    """Reach the PBX, log in, show its model, firmware, the calls it knows, and its trunks.

    Nothing on the PBX is changed; the calls that change routes are not tried.
    """
    to = target(reach)
    with connected(to, reach) as client:
        calls = _Tried(client, paint)
        device = calls.attempt("deviceinfo/query", client.query_device, lambda _: "")
        known = calls.attempt("outroute/query", client.query_table, _table_text)
        trunks = calls.attempt("trunklist/query", client.query_trunks, lambda found: counted(len(found), "trunk"))
        # Last, since it tells the PBX this side's address, which a connection must be there for.
        calls.attempt("heartbeat", client.heartbeat, lambda _: "the session is alive")
    click.echo(f"{paint.strong(str(to.address))} answers ({to.type}).")
    click.echo(_device_text(device), nl=False)
    click.echo("calls:")
    click.echo("\n".join(calls.lines))
    click.echo("  not tried, since they change routes: outroute/add, outroute/update, outroute/delete")
    if known is None and calls.answered:
        click.echo("  its routes can't be read: plan and apply with --state FILE, and --init the first time")
    click.echo(_trunks_text(trunks), nl=False)
    if not calls.answered:
        click.echo(f"pbxsync: {to.address}: none of the calls worked; is the token still good?", err=True)
    ctx.exit(0 if calls.answered else 1)


class _Tried:
    """The calls that were tried, as lines of text. What no call can do without, a connection and a login, raises."""

    def __init__(self, client: Client, paint: Paint) -> None:
        self._client = client
        self._paint = paint
        self.lines: list[str] = []
        #: Whether a call, the login among them, worked, or the firmware said in the API's words that it knows none.
        self.answered = client.logged_in

    def attempt(self, name: str, call: Callable[[], _T], describe: Callable[[_T], str]) -> _T | None:
        try:
            result = call()
        except PbxError as error:
            # A refusal is an answer: the PBX is there and knows who asks. Anything else is not.
            if not isinstance(error, Refused) or error.call != name:
                raise
            reason = printable(str(error).removeprefix(f"{name}: "))
            self.lines.append(f"  {self._paint.bad('✗')} {name}: {reason}")
            self.answered = self.answered or (isinstance(error, CallUnknown) and error.errno is not None)
            return None
        self.answered = True
        described = describe(result)
        self.lines.append(f"  {self._paint.good('✓')} {name}{f': {described}' if described else ''}")
        return result


def _table_text(answer: RouteAnswer) -> str:
    unsure = "" if answer.certain else ", by an answer that may also hide some: apply asks twice, and by name"
    return counted(len(answer.routes), "route") + unsure


def _device_text(device: DeviceInfo | None) -> str:
    if device is None:
        return ""
    parts = [
        ("model", device.name),
        ("firmware", device.firmware),
        ("hardware", device.hardware),
        ("serial number", device.serial),
        ("system time", device.time),
        ("up for", device.uptime),
    ]
    return "".join(f"  {label}: {printable(value)}\n" for label, value in parts if value)


def _trunks_text(trunks: tuple[Trunk, ...] | None) -> str:
    if not trunks:
        return ""
    width = max(len(printable(trunk.name)) for trunk in trunks)
    lines = [f"  {printable(one.name).ljust(width)}  {printable(one.status)}  {printable(one.type)}" for one in trunks]
    return "trunks:\n" + "".join(f"{line.rstrip()}\n" for line in lines)
