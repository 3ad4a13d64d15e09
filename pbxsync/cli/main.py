"""The `pbxsync` command: finds the subcommand, loads it, and turns whatever ends it into an exit code."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

import click

from pbxsync import __version__
from pbxsync.errors import PbxsyncError
from pbxsync.text import printable

if TYPE_CHECKING:
    from types import FrameType

#: Each command's first line of help, here so that ``--help`` need not load the commands.
COMMANDS = {
    "validate": "Check routes files, offline.",
    "plan": "Show what would change on the PBX.",
    "apply": "Bring the PBX to what the files declare.",
    "export": "Write the PBX's routes as a routes file.",
    "refresh": "Record the PBX's routes in a state file.",
    "resolve": "Settle an outcome that a state file has in doubt.",
    "ping": "Reach the PBX, log in, show what it is and can do.",
    "sandbox": "Run a PBX on 127.0.0.1 to try things out.",
    "schema": "Print a JSON schema.",
}


class _Commands(click.Group):
    """Subcommands that are imported only when they run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"pbxsync.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="pbxsync", message="%(prog)s %(version)s")
def cli() -> None:
    """Keep a PBX's outbound routes in Git: declare them in a file, review the plan, apply it."""


def run() -> NoReturn:
    """Run the command line: 0 done, 1 failed or refused, 2 changes pending, 3 in doubt, 130/143 interrupted."""
    signal.signal(signal.SIGTERM, _terminated)
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal's encoding lacks is shown escaped rather than ending the run.
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    try:
        code = cli.main(standalone_mode=False)
        sys.stdout.flush()
    except PbxsyncError as error:
        _fail(str(error))
        code = error.exit_code
    except click.exceptions.Exit as error:
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = 1
    except (click.Abort, KeyboardInterrupt):
        _fail("interrupted; nothing more was done")
        code = 130
    except BrokenPipeError:
        # Whoever read the output went away; the interpreter must not complain of it when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except OSError as error:
        _fail(str(error))
        code = 1
    except Exception as error:  # a fault of pbxsync itself; its text is not shown, for it may hold a secret
        _fail(
            f"internal error ({type(error).__name__}); this is a fault of pbxsync, please report it with these lines:"
        )
        click.echo("".join(traceback.format_tb(error.__traceback__)), err=True, nl=False)
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def _terminated(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(143)


def _fail(message: str) -> None:
    lines = "\n".join(printable(line) for line in message.splitlines())
    click.echo(f"pbxsync: {lines}", err=True)
