"""Each outcome as it comes: a line, and on a terminal a bar below the lines."""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import TYPE_CHECKING

import click

from pbxsync.render.text import outcome_line
from pbxsync.text import printable
from pbxsync.threads import without_signals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pbxsync.model import Outcome
    from pbxsync.render.paint import Paint


@contextlib.contextmanager
def shown(total: int, paint: Paint, *, on_stderr: bool) -> Iterator[Callable[[str, Outcome], None]]:
    """Give a function that shows one outcome; its first argument, the PBX's file, leads the line unless empty.

    ``total`` is the number of calls that change something. Lines go to standard output, or with ``on_stderr`` to
    standard error, where standard output is kept for one JSON document.
    """
    guard = threading.Lock()  # outcomes of several PBXs come from several threads

    def line(file: str, outcome: Outcome) -> str:
        lead = f"{printable(file)}:" if file else ""
        return f"{lead}{outcome_line(outcome, paint)}"

    # Whoever reads the lines may go away; that is no reason to stop half way.
    def echo(file: str, outcome: Outcome) -> None:
        with guard, contextlib.suppress(OSError):
            click.echo(line(file, outcome), err=on_stderr)

    if not sys.stderr.isatty() or not total:
        yield echo
        return

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.text import Text

    columns = (TextColumn("applying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    screen = Console(stderr=True, no_color=not paint.on)
    beside_bar = on_stderr or sys.stdout.isatty()
    bar = Progress(*columns, console=screen, transient=True, redirect_stdout=False)
    with contextlib.ExitStack() as until_done:
        with without_signals():  # it draws from a thread of its own
            until_done.enter_context(bar)
        task = bar.add_task("", total=total)

        def drawn(file: str, outcome: Outcome) -> None:
            with contextlib.suppress(OSError):
                if beside_bar:  # only the console that draws the bar can put a line above it
                    screen.print(Text.from_ansi(line(file, outcome)), soft_wrap=True)
                else:
                    echo(file, outcome)
                bar.advance(task)

        yield drawn
