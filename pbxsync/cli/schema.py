"""`pbxsync schema`."""

from __future__ import annotations

import click

from pbxsync import schemas


@click.command("schema", short_help="Print a JSON schema.")
@click.argument("name", type=click.Choice(schemas.NAMES), default="routes")
def command(name: str) -> None:
    """Print a JSON schema.

    NAME is routes (the default: what a routes file looks like, for editors), state (a state file), or the document
    that the command of that name prints with --format json: plan, apply, validate, explain, test.
    """
    click.echo(schemas.text(name), nl=False)
