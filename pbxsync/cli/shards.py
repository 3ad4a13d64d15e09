"""A part of the files of a run, for runs that share the work: which files those are, whoever asks and wherever."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import click

from pbxsync.cli import streams
from pbxsync.cli.options import option

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Shard:
    """The ``number``th of ``count`` parts, counted from 1."""

    number: int
    count: int

    def holds(self, name: str) -> bool:
        """Whether a file belongs to this part: that depends on the file's own name alone, not on its folder's.

        So it stays there when others come or go, and on another machine.
        """
        own = PurePath(name).name
        drawn = int.from_bytes(hashlib.sha256(own.encode("utf-8", "surrogateescape")).digest()[:8], "big")
        return drawn % self.count == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


class _ShardType(click.ParamType[Any]):
    """``3/8``."""

    name = "shard"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Shard:
        if isinstance(value, Shard):
            return value
        found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", value)
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            self.fail(f"{value!r} is not K/N, such as 3/8 for the third of eight parts.", param, ctx)
        return Shard(int(found[1]), int(found[2]))


def shard_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--shard``."""
    return option(
        "--shard",
        type=_ShardType(),
        metavar="K/N",
        help="Work on the Kth of N parts of the files. All files are checked, whatever part they belong to.",
    )(function)


def say_empty(shard: Shard | None, files: int) -> None:
    """Say it where a shard is without work."""
    if shard is not None and not files:
        streams.error_line(f"pbxsync: no file belongs to shard {shard}: there is nothing to do in it")
