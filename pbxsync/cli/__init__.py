"""The command line: reads, wires, prints, exits. Each command is a module of its own, loaded when it is called."""

from __future__ import annotations


def main() -> None:
    """Run the command line and exit with the code of the table in the README."""
    from pbxsync.cli.main import run

    run()
