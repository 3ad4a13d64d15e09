"""The operators' page shows the fault table as it is, cell for cell."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import fault_table
from tests.fault_table import CHANGES, LOGINS, LOGOUTS, QUERIES, Table

PAGE = Path(__file__).parent.parent / "docs" / "what-happens-when.md"


def shown(title: str) -> list[list[str]]:
    """The cells of the table that stands under a heading of the page, without the line of dashes."""
    sections = re.split(r"^#+ +(.*?) *$", PAGE.read_text(encoding="utf-8"), flags=re.M)
    text = dict(zip(sections[1::2], sections[2::2], strict=True))[title]
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in cells] for cells in lines if set("".join(cells)) != {"-"}]


@pytest.mark.parametrize("table", fault_table.tables(), ids=lambda table: table[0])
def test_each_cell_of_the_page_is_what_the_tests_show(table: Table) -> None:
    title, rows = table
    there = shown(title)

    assert there[0] == rows[0]
    for row, wanted in zip(there[1:], rows[1:], strict=True):
        assert row == wanted


@pytest.mark.parametrize("ways", [CHANGES, LOGINS, QUERIES, LOGOUTS], ids=["changes", "logins", "queries", "logouts"])
def test_each_row_is_a_way_of_its_own(ways: tuple[fault_table.Way, ...]) -> None:
    assert len({way.name for way in ways}) == len(ways)
    assert len({(way.what, way.carried_out) for way in ways}) == len(ways)


if __name__ == "__main__":
    for heading, cells in fault_table.tables():
        print(f"### {heading}\n\n{fault_table.markdown(cells)}")  # noqa: T201 - for the page
