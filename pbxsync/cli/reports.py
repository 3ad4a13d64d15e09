"""The forms that a plan is shown in: what ``--format`` prints and ``--report`` writes, all of one and the same plan."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pbxsync.cli import showing
from pbxsync.cli.options import option
from pbxsync.cli.writing import write
from pbxsync.errors import InputError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pbxsync.errors import PbxsyncError
    from pbxsync.model import Preview, Problem

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


def report_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--report`` and ``--comment-key``."""
    function = option(
        "--comment-key",
        default="",
        metavar="TEXT",
        help="Tells several comments on one pull request apart: part of the hidden mark that Markdown begins with.",
    )(function)
    return option(
        "--report",
        "reports",
        type=_Report(),
        multiple=True,
        metavar="FORMAT=FILE",
        help="Also write the plan to FILE as text, json, markdown or html. May be given several times.",
    )(function)


@dataclass(frozen=True, slots=True)
class Planned:
    """What there is to show: the plans with their routes, the problems of the files, and what failed.

    ``key`` is the user's part of the mark of a comment.
    """

    previews: Sequence[Preview]
    problems: Sequence[Problem] = ()
    failures: Sequence[showing.Failure] = ()
    key: str = ""

    @classmethod
    def refused(cls, error: PbxsyncError, key: str) -> Planned:
        """Nothing but the reason for which no file could be planned."""
        if isinstance(error, InputError):
            return cls((), error.problems, key=key)
        return cls((), failures=[showing.Failure(None, error)], key=key)

    def rendered(self, form: str) -> str:
        """The whole as a document of this form, one of FORMATS."""
        plans = [preview.plan for preview in self.previews]
        errors = [(failure.file, str(failure.error)) for failure in self.failures]
        if form == "json":
            return showing.document(plans, self.problems, self.failures)
        if form == "markdown":
            from pbxsync.render.markdown import plans_markdown

            return plans_markdown(plans, self.problems, errors, marker=self.key)
        if form == "html":
            from pbxsync.render.html import plans_html

            return plans_html(self.previews, self.problems, errors)
        return showing.plain(plans, self.problems, self.failures)

    def write(self, reports: Sequence[tuple[str, Path]]) -> None:
        """Write each report. Raises SettingsError where one can't be written."""
        for form, path in reports:
            try:
                write(path, self.rendered(form))
            except OSError as error:
                raise SettingsError(f"--report: {path}: can't be written: {error.strerror}") from None
