"""The options that commands share. Every option has a variable: ``--max-deletes`` is ``PBXSYNC_MAX_DELETES``."""

from __future__ import annotations

import functools
import math
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

from pbxsync.model import PlanChoices
from pbxsync.render.paint import Paint
from pbxsync.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable

_P = ParamSpec("_P")
_R = TypeVar("_R")


class _File(click.Path):
    """A path; an empty one, as a variable that was never set makes it, is none: Python would take it for the folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("the name of a file is missing: it is empty.", param, ctx)
        return super().convert(value, param, ctx)


PATH = _File(path_type=Path)


class Whole(click.IntRange):
    """A whole number within limits."""

    name = "whole number"


class Seconds(click.FloatRange):
    """A number of seconds; «nan», which Python reads as one, is none."""

    name = "number of seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number of seconds, checked."""
        seconds: float = super().convert(value, param, ctx)
        if math.isnan(seconds):
            self.fail(f"{value!r} is no number of seconds.", param, ctx)
        return seconds


class Fingerprints(click.ParamType[tuple[str, ...]]):
    """SHA-256 fingerprints of certificates, as openssl and browsers show them; several with commas between them."""

    name = "fingerprints"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """The fingerprints in lower-case hex."""
        if isinstance(value, tuple):
            return value
        found = []
        for text in str(value).split(","):
            digits = text.rpartition("=")[2].replace(":", "").strip().lower()
            if not re.fullmatch("[0-9a-f]{64}", digits):
                self.fail("a SHA-256 fingerprint has 64 hex digits, such as 3A:5F:… (32 pairs).", param, ctx)
            found.append(digits)
        return tuple(found)


def option(*names: str, **settings: Any) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """A click option whose value can come from the variable of its name as well."""
    long = next(name for name in names if name.startswith("--")).split("/")[0]
    variable = "PBXSYNC_" + long.removeprefix("--").replace("-", "_").upper()
    return click.option(*names, envvar=variable, show_envvar=True, **settings)


@dataclass(frozen=True, slots=True)
class Reach:
    """How the user wants the PBX to be reached; None leaves it to the file, or to the default."""

    url: str | None
    type: str | None
    timeout: float
    retries: int
    ca_file: Path | None
    insecure: bool
    pin_sha256: tuple[str, ...]
    fresh_connections: bool
    sandbox: bool


def reach_options(function: Callable[..., _R]) -> Callable[..., _R]:
    """Add the options of the connection; the command gets them as one argument, ``reach``."""

    @option("--url", metavar="URL", help="The PBX's address, over the file's.")
    @option("--type", type=click.Choice(["json", "xml"]), help="The format of the API's bodies, over the file's.")
    @option(
        "--timeout",
        type=Seconds(min=0.1, max=3600),
        default=30.0,
        show_default=True,
        metavar="SECONDS",
        help="How long connecting, and then a whole answer, may take.",
    )
    @option(
        "--retries",
        type=Whole(0, 100),
        default=3,
        show_default=True,
        metavar="N",
        help="How often a request that never left, or a query, is tried again.",
    )
    @option("--ca-file", type=PATH, metavar="FILE", help="The certificates (PEM) of the CAs to trust.")
    @option("--insecure", is_flag=True, help="Take any certificate. Anybody in between can read the token.")
    @option(
        "--pin-sha256",
        type=Fingerprints(),
        default=(),
        metavar="HEX",
        help="Take exactly the certificate with this SHA-256 fingerprint, whatever its names, CA or dates.",
    )
    @option("--fresh-connections", is_flag=True, help="Use a connection of its own for each call.")
    @option("--sandbox", is_flag=True, help="Use an embedded sandbox PBX; its routes are kept in .pbxsync/.")
    @functools.wraps(function)
    def with_reach(*args: Any, **kwargs: Any) -> _R:
        reach = Reach(**{name: kwargs.pop(name) for name in Reach.__slots__})
        return function(*args, reach=reach, **kwargs)

    return with_reach


def plan_options(function: Callable[..., _R]) -> Callable[..., _R]:
    """Add the options that say what is planned; the command gets them as one argument, ``choices``."""

    @option("--prune", is_flag=True, help="Delete the PBX's routes that the file doesn't declare.")
    @option(
        "--max-deletes",
        type=Whole(min=0),
        default=10,
        show_default=True,
        metavar="N",
        help="Refuse a plan that deletes more routes than this.",
    )
    @option("--add-only", is_flag=True, help="Only add what is missing; list the updates as skipped.")
    @option(
        "--reorder", is_flag=True, help="Move routes on the PBX where its order sends calls elsewhere than the file's."
    )
    @option(
        "--no-impact",
        is_flag=True,
        help="Don't work out which calls go elsewhere, not even for a moment, nor where the order is wrong.",
    )
    @option("--no-tests", is_flag=True, help="Don't hold the file's tests against what the PBX will hold.")
    @functools.wraps(function)
    def with_choices(*args: Any, **kwargs: Any) -> _R:
        choices = PlanChoices(
            **{name: kwargs.pop(name) for name in ("prune", "max_deletes", "add_only", "reorder")},
            impact=not kwargs.pop("no_impact"),
            tests=not kwargs.pop("no_tests"),
        )
        planning = kwargs.get("plan_file") is None  # a saved plan has chosen already, and variables count for nothing
        if planning and choices.prune and choices.add_only:
            raise click.UsageError("--prune deletes and --add-only only adds: use one of them.")
        if planning and choices.reorder and choices.add_only:
            raise click.UsageError("--reorder moves routes and --add-only only adds: use one of them.")
        return function(*args, choices=choices, **kwargs)

    return with_choices


def state_options(function: Callable[..., _R]) -> Callable[..., _R]:
    """Add ``--state`` and ``--init``."""

    @option("--state", type=PATH, metavar="FILE", help="A state file to plan from; with several files, a folder.")
    @option("--init", is_flag=True, help="Take a state file that doesn't exist for a PBX without routes.")
    @option(
        "--parallel",
        type=Whole(1, 1000),
        default=8,
        show_default=True,
        metavar="N",
        help="How many PBXs are worked on side by side.",
    )
    @functools.wraps(function)
    def with_state(*args: Any, **kwargs: Any) -> _R:
        if kwargs["init"] and kwargs["state"] is None and kwargs.get("plan_file") is None:
            raise click.UsageError("--init begins a state file: name it with --state.")
        return function(*args, **kwargs)

    return with_state


def lock_option(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Add ``--lock-timeout``."""
    return option(
        "--lock-timeout",
        type=Seconds(min=0, max=86400),
        default=0.0,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait for another pbxsync that works on the same PBX or state file.",
    )(function)


def output_options(function: Callable[..., _R]) -> Callable[..., _R]:
    """Add ``--no-color`` and ``--verbose``; the command gets them as one argument, ``paint``."""

    @option("--no-color", is_flag=True, help="No colour, also on a terminal (as NO_COLOR in the environment).")
    @option("-v", "--verbose", count=True, help="Show each call on standard error; -vv also what it sends.")
    @functools.wraps(function)
    def with_paint(*args: Any, **kwargs: Any) -> _R:
        no_color, verbose = kwargs.pop("no_color"), kwargs.pop("verbose")
        if verbose:
            _log_to_stderr(verbose)
        colour = sys.stdout.isatty() and not no_color and not os.environ.get("NO_COLOR")
        return function(*args, paint=Paint(colour), **kwargs)

    return with_paint


def format_option(*formats: str) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """``--format``, with the first of these as the default; the command gets it as ``output``."""
    return option(
        "--format",
        "output",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="How the result is printed.",
    )


def _log_to_stderr(verbose: int) -> None:
    import logging

    class Echo(logging.Handler):
        """To standard error as it is at that moment, for a progress bar may be drawn there."""

        def emit(self, record: logging.LogRecord) -> None:
            click.echo(printable(record.getMessage()), file=sys.stderr)

    logger = logging.getLogger("pbxsync")
    logger.addHandler(Echo())
    logger.setLevel(logging.DEBUG if verbose > 1 else logging.INFO)
