"""How far a run over many PBXs is: on a terminal a line that is drawn anew, in a log a line for each PBX that ends."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from pbxsync.cli import streams
from pbxsync.text import printable
from pbxsync.threads import without_signals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console
    from rich.progress import Progress

    from pbxsync.render.paint import Paint


@dataclass(slots=True)
class Ending:
    """What the work on one PBX came to."""

    came_to: str = "failed"
    failed: bool = True


class Overview:
    """Counts the PBXs that are done, at work and failed, and the calls that were answered; threads tell it."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0
        self.running = 0
        self.failed = 0
        self.calls = 0
        self._began = time.monotonic()
        self._guard = threading.Lock()

    def begun(self) -> None:
        """One more PBX is worked on."""
        with self._guard:
            self.running += 1

    def called(self) -> None:
        """One more call was answered."""
        with self._guard:
            self.calls += 1

    @contextlib.contextmanager
    def watching(self, file: str) -> Iterator[Ending]:
        """While the block runs one PBX is worked on; it says what that came to, unless it raises."""
        self.begun()
        ending = Ending()
        try:
            yield ending
        finally:
            self._ended(file, ending.came_to, failed=ending.failed)

    def _ended(self, file: str, came_to: str, *, failed: bool) -> None:
        with self._guard:
            self.running -= 1
            self.done += 1
            self.failed += failed
            self._tell(f"[{self.done}/{self.total}] {printable(file)}: {printable(came_to)}")

    def _tell(self, line: str) -> None:
        streams.error_line(line)

    def write(self, text: str) -> None:
        """Print a part of the result on standard output."""
        click.echo(text, nl=False)

    def counts(self) -> str:
        """The counts by now, for a person."""
        rate = self.calls / max(time.monotonic() - self._began, 0.001)
        return f"{self.done} done, {self.running} running, {self.failed} failed, {rate:.0f} calls/s"


class _Drawn(Overview):
    """The same, as a line that is drawn anew at the bottom of a terminal."""

    def __init__(self, total: int, what: str, paint: Paint) -> None:
        super().__init__(total)
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._screen: Console = Console(stderr=True, no_color=not paint.on)
        columns = (TextColumn(what), BarColumn(bar_width=20), TextColumn("{task.description}"), TimeRemainingColumn())
        self._bar: Progress = Progress(*columns, console=self._screen, transient=True, redirect_stdout=False)
        self._task: Any = self._bar.add_task(self.counts(), total=total)
        self._beside_bar = sys.stdout.isatty()

    def begun(self) -> None:
        super().begun()
        self._draw()

    def called(self) -> None:
        super().called()
        self._draw()

    def _tell(self, line: str) -> None:
        self._draw()

    def _draw(self) -> None:
        with contextlib.suppress(OSError):
            self._bar.update(self._task, completed=self.done, description=self.counts())

    def write(self, text: str) -> None:
        if not self._beside_bar:
            super().write(text)
            return
        from rich.text import Text

        # Only the console that draws the line can put something above it.
        self._screen.print(Text.from_ansi(text.removesuffix("\n")), soft_wrap=True)

    @contextlib.contextmanager
    def drawn(self) -> Iterator[None]:
        with contextlib.ExitStack() as until_done:
            with without_signals():  # it draws from a thread of its own
                until_done.enter_context(self._bar)
            yield


@contextlib.contextmanager
def shown(total: int, what: str, paint: Paint) -> Iterator[Overview]:
    """An overview over ``total`` PBXs; ``what`` is done to them, such as ``applying``.

    Of one PBX there is none, nor is there in a log.
    """
    if total > 1 and sys.stderr.isatty():
        view = _Drawn(total, what, paint)
        with view.drawn():
            yield view
        return
    yield Overview(total) if total > 1 else _Silent(total)


class _Silent(Overview):
    """Of a run over one PBX, whose result says it all."""

    def _tell(self, line: str) -> None:
        pass
