"""What became of the plans of a fleet → Markdown for the summary of a CI job: first what is wrong, then the counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbxsync.model import Status
from pbxsync.render.markdown_fit import Block, Document, Weight, fitted
from pbxsync.render.markdown_plan import MORE_ROWS
from pbxsync.render.markdown_text import code, hidden, prose, table_row
from pbxsync.render.text import counted, faults

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pbxsync.model import Applied

_LIMIT = 65_000
_HEAD = table_row("PBX", "applied", "failed", "in doubt", "not attempted") + table_row("---", *["---:"] * 4)


def applied_markdown(
    results: Sequence[Applied], errors: Sequence[tuple[str | None, str]] = (), *, marker: str = ""
) -> str:
    """What became of the plans of some PBXs, behind a hidden line that bears the ``marker``.

    ``errors`` are pairs of a file and what kept it from being planned; a file of None stands for a whole run.
    """
    rows = tuple(_row(one) for one in results if one.outcomes)
    done = f"{counted(sum(bool(one.outcomes) for one in results), 'PBX', 'PBXs')} changed or to be changed"
    document = Document(
        top=[Block(hidden(marker)), Block(f"**{_headline(results, errors)}**\n"), *_wrong(results, errors)],
        sections=[],
        bottom=[Block(f"{done}:\n\n{_HEAD}", rows, "", MORE_ROWS, f"{done}.\n", Weight.REMARK)] if rows else [],
        notice=lambda _left_out: Block("Not all of it fits here. `pbxsync report --format json` shows everything.\n"),
    )
    return fitted(document, _LIMIT)


def _headline(results: Sequence[Applied], errors: Sequence[tuple[str | None, str]]) -> str:
    counts = [sum(one.count(status) for one in results) for status in Status]
    words = [f"{count} {str(status).replace('_', ' ')}" for count, status in zip(counts, Status, strict=True)]
    planned = {one.plan.file for one in results}
    missing = {file for file, _ in errors if file is not None} - planned
    pbxs = counted(len(planned | missing), "PBX", "PBXs")
    left = f"; {counted(len(missing), 'PBX was', 'PBXs were')} not planned" if missing else ""
    return f"Changes on {pbxs}: {', '.join(words)}{left}."


def _wrong(results: Iterable[Applied], errors: Iterable[tuple[str | None, str]]) -> list[Block]:
    lines = [f"- {code(file)}: {prose(text)}\n" if file is not None else f"- {prose(text)}\n" for file, text in errors]
    lines += [f"- {code(one.plan.file)}: {prose(why)}\n" for one in results for why in faults(one)]
    if not lines:
        return []
    head = f"**Not as it should be ({len(lines)}):**\n\n"
    return [Block(head, tuple(lines), "", MORE_ROWS, f"**Not as it should be: {len(lines)}**\n")]


def _row(applied: Applied) -> str:
    return table_row(code(applied.plan.file), *(str(applied.count(status)) for status in Status))
