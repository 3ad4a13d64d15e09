"""Colour for a terminal, or none."""

from __future__ import annotations

from dataclasses import dataclass

import click


@dataclass(frozen=True, slots=True)
class Paint:
    """Colours text where ``on``; elsewhere gives it back as it is."""

    on: bool = False

    def good(self, text: str) -> str:
        """What is added or went well."""
        return self._style(text, "green")

    def changed(self, text: str) -> str:
        """What is changed, or worth a look."""
        return self._style(text, "yellow")

    def bad(self, text: str) -> str:
        """What is deleted or went wrong."""
        return self._style(text, "red")

    def strong(self, text: str) -> str:
        """What the eye should find first."""
        return click.style(text, bold=True) if self.on else text

    def faint(self, text: str) -> str:
        """What the eye may skip."""
        return click.style(text, dim=True) if self.on else text

    def _style(self, text: str, colour: str) -> str:
        return click.style(text, fg=colour) if self.on else text
