"""Each outcome as it comes: a line, and on a terminal a bar below the lines."""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import TYPE_CHECKING

import click

from pbxsync.render.text import outcome_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pbxsync.model import Outcome
    from pbxsync.render.paint import Paint


@contextlib.contextmanager
def shown(total: int, paint: Paint, *, on_stderr: bool) -> Iterator[Callable[[str, Outcome], None]]:
    """Give a function that shows one outcome; its first argument, the PBX's file, leads the line unless empty.

    ``total`` is the number of changes. Lines go to standard output, or with ``on_stderr`` to standard error, where
    standard output is kept for one JSON document.
    """
    guard = threading.Lock()  # outcomes of several PBXs come from several threads

    def line(file: str, outcome: Outcome) -> None:
        lead = f"{file}:" if file else ""
        click.echo(f"{lead}{outcome_line(outcome, paint)}", err=on_stderr, color=paint.on or None)

    if not sys.stderr.isatty() or not total:

        def plain(file: str, outcome: Outcome) -> None:
            with guard:
                line(file, outcome)

        yield plain
        return

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("applying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(
        *columns,
        console=Console(stderr=True, no_color=not paint.on),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    ) as bar:
        task = bar.add_task("", total=total)

        def drawn(file: str, outcome: Outcome) -> None:
            with guard:
                line(file, outcome)
                bar.advance(task)

        yield drawn
