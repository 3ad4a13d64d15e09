"""The forms that a plan is shown in: what ``--format`` prints and ``--report`` writes, all of one and the same plan."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pbxsync.cli import showing
from pbxsync.cli.options import option
from pbxsync.cli.packed import Packed
from pbxsync.cli.writing import write
from pbxsync.errors import InputError, SettingsError
from pbxsync.render import json as json_render
from pbxsync.render import text
from pbxsync.render.totals import Totals

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from pbxsync.errors import PbxsyncError
    from pbxsync.model import Plan, Preview, Problem

FORMATS = ("text", "json", "markdown", "html")


class _Report(click.ParamType[Any]):
    """``FORMAT=FILE``."""

    name = "report"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Path]:
        if isinstance(value, tuple):
            return value
        form, _, file = str(value).partition("=")
        if form not in FORMATS or not file:
            self.fail(f"{value!r} is not FORMAT=FILE, where FORMAT is one of {', '.join(FORMATS)}.", param, ctx)
        return form, Path(file)


def comment_key_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--comment-key``."""
    return option(
        "--comment-key",
        default="",
        metavar="TEXT",
        help="Tells several comments on one pull request apart: part of the hidden mark that Markdown begins with.",
    )(function)


def report_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--report`` and ``--comment-key``."""
    return option(
        "--report",
        "reports",
        type=_Report(),
        multiple=True,
        metavar="FORMAT=FILE",
        help="Also write the plan to FILE as text, json, markdown or html. May be given several times.",
    )(comment_key_option(function))


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of one plan until the end: only what the forms need that it will be shown in."""

    totals: Totals
    text: Packed | None = None
    item: Packed | None = None
    plan: Plan | None = None
    preview: Preview | None = None


class Planned:
    """What there is to show: the plans, the problems of the files, and what failed.

    ``forms`` are those that will be asked for, of FORMATS; ``key`` is the user's part of the mark of a comment.
    """

    def __init__(self, forms: Collection[str], key: str = "", problems: Sequence[Problem] = ()) -> None:
        self._forms = forms
        self._key = key
        self._problems = problems
        self._kept: list[Kept] = []
        self.failures: list[showing.Failure] = []
        self.totals = Totals()

    @classmethod
    def refused(cls, error: PbxsyncError, key: str) -> Planned:
        """Nothing but the reason for which no file could be planned."""
        problems = error.problems if isinstance(error, InputError) else ()
        nothing = cls(FORMATS, key, problems)
        if not problems:
            nothing.failures.append(showing.Failure(None, error))
        return nothing

    def kept(self, plan: Plan, preview: Callable[[], Preview]) -> Kept:
        """What is to be kept of a plan; threads may ask."""
        forms = self._forms
        return Kept(
            Totals([plan]),
            Packed(text.plan_text(plan)) if "text" in forms else None,
            Packed(json_render.plan_text(plan)) if "json" in forms else None,
            plan if "markdown" in forms else None,
            preview() if "html" in forms else None,
        )

    def take(self, kept: Kept) -> None:
        """One plan more to show, behind the others."""
        self.totals.include(kept.totals)
        self._kept.append(kept)

    def pieces(self, form: str) -> Iterator[str]:
        """The whole as a document of this form, piece by piece."""
        errors = [(failure.file, str(failure.error)) for failure in self.failures]
        if form == "json":
            items = (kept.item.text() for kept in self._kept if kept.item is not None)
            yield from json_render.plans_chunks(items, self._problems, errors, self.totals)
        elif form == "markdown":
            from pbxsync.render.markdown import plans_markdown

            plans = [kept.plan for kept in self._kept if kept.plan is not None]
            yield plans_markdown(plans, self._problems, errors, marker=self._key)
        elif form == "html":
            from pbxsync.render.html import plans_html

            previews = [kept.preview for kept in self._kept if kept.preview is not None]
            yield plans_html(previews, self._problems, errors)
        else:
            yield from self._plain()

    def _plain(self) -> Iterator[str]:
        """All that a terminal shows of plans, without colour."""
        parts = [text.problem_lines(self._problems), *(showing.said([failure]) for failure in self.failures)]
        parts += [kept.text.text() for kept in self._kept if kept.text is not None]
        parts += [self.totals.line()] if self.totals.planned > 1 else []
        yield "\n".join(part for part in parts if part)

    def write(self, reports: Sequence[tuple[str, Path]]) -> None:
        """Write each report. Raises SettingsError where one can't be written."""
        for form, path in reports:
            try:
                write(path, "".join(self.pieces(form)))
            except OSError as error:
                raise SettingsError(f"--report: {path}: can't be written: {error.strerror}") from None
