"""The `pbxsync` command: finds the subcommand, loads it, and turns whatever ends it into an exit code."""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING, NoReturn

import click

from pbxsync import __version__
from pbxsync.cli import streams
from pbxsync.cli.stopping import TERMINATED, ignore_signals, raise_on_signals
from pbxsync.errors import PbxsyncError
from pbxsync.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Each command's first line of help, here so that ``--help`` need not load the commands.
COMMANDS = {
    "validate": "Check routes files, offline.",
    "plan": "Show what would change on the PBX.",
    "apply": "Bring the PBX to what the files declare.",
    "explain": "Show which route takes a call, and why.",
    "test": "Run the files' tests against their routes, offline.",
    "export": "Write the PBX's routes as a routes file.",
    "refresh": "Record the PBX's routes in a state file.",
    "resolve": "Settle an outcome that a state file has in doubt.",
    "report": "Join what the shards of a fleet have printed.",
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
    """Run the command line: 0 done, 1 failed or refused, 2 changes pending, 3 in doubt, 129/130/143 interrupted."""
    code = _run()
    ignore_signals()
    streams.close()
    sys.exit(code)


def _open_streams() -> None:
    # A daemon may start this with its streams closed; what is printed then goes nowhere.
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # Open to the very end; and without pathlib, whose import takes as long as half of this command line's.
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal's encoding lacks is shown escaped rather than ending the run. What goes to a file or
        # to another program is UTF-8 everywhere, as JSON and routes files are.
        encoding = {} if stream.isatty() else {"encoding": "utf-8"}
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace", **encoding)


def _run() -> int:
    try:
        streams.begin()
        _open_streams()
        # Ctrl-C may come before this has taken effect.
        raise_on_signals(lambda message: _document(sys.argv[1:], message))
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        message, code = error.format_message(), 1
        usage = io.StringIO()
        error.show(usage)
        # What it repeats may be the name of a file that a shell has put in the place of a *.
        streams.error_line(usage.getvalue().replace(message, printable(message)).removesuffix("\n"))
    except PbxsyncError as error:
        message, code = str(error), error.exit_code
        _fail(message)
    except (click.Abort, KeyboardInterrupt):
        message, code = "interrupted", 130
        _fail(message)
    except SystemExit as error:
        if error.code not in TERMINATED or not isinstance(error.code, int):
            return 1  # click's own end of a run whose output nobody reads any more
        message, code = "terminated", error.code
        _fail(message)
    except OSError as error:
        message = str(error) if error.filename else f"standard input or output failed: {error.strerror}"
        code = 1
        _fail(message)
    except Exception as error:  # a fault of pbxsync itself; its text is not shown, for it may hold a secret
        message = f"internal error ({type(error).__name__}); this is a fault of pbxsync, please report it"
        code = 1
        _fail(f"{message} with these lines:")
        import traceback

        streams.error_line("".join(traceback.format_tb(error.__traceback__)).removesuffix("\n"))
    else:
        return code if isinstance(code, int) else 0
    if not streams.said():
        with streams.unread():
            streams.document(_document(sys.argv[1:], message))
    return code


def _document(arguments: Sequence[str], message: str) -> str:
    """The document of a command that ended before it could print one; empty where none was asked for.

    It looks at the arguments themselves, for they may be what is wrong.
    """
    given = [after for before, after in pairwise(arguments) if before == "--format"]
    given += [argument.removeprefix("--format=") for argument in arguments if argument.startswith("--format=")]
    formats = given or [os.environ.get("PBXSYNC_FORMAT", "")]
    command = next((argument for argument in arguments if argument in COMMANDS), None)
    if command == "test" and "junit" in formats:
        from pbxsync.render.junit import failure_document

        return failure_document(message)
    if command == "validate" and "sarif" in formats:
        from pbxsync.render.sarif import failure_sarif

        return failure_sarif(message)
    return _json_document(command, message) if "json" in formats else ""


def _json_document(command: str | None, message: str) -> str:
    from pbxsync.model import Location, Problem, Severity
    from pbxsync.render import json as json_render

    not_checked = Problem(Location("", 1, 1), "", Severity.ERROR, "not-checked", message)
    if command == "validate":
        return json_render.problems_document([not_checked])
    if command == "test":
        return json_render.verdicts_document([], [not_checked])
    if command == "explain":
        from pbxsync.render.explanation import calls_document

        return calls_document([], errors=[message])
    return json_render.plans_document([], [], [(None, message)]) if command in ("plan", "apply", "report") else ""


def _fail(message: str) -> None:
    streams.error_line(f"pbxsync: {printable(message)}")
