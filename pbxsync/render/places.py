"""The name of a file as seen from another folder, such as a repository's root."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import PurePath

STDIN = "<stdin>"


def absolute(file: str, folder: PurePath) -> PurePath:
    """Return the path of a file that is named from the folder, without ``..`` as far as the text alone can say."""
    path = folder / file
    parts: list[str] = []
    for part in path.parts[1:]:
        if part != "..":
            parts.append(part)
        elif parts:
            parts.pop()
    return type(path)(path.anchor, *parts)


def seen_from(root: PurePath, file: str, folder: PurePath) -> str:
    """Return the name that a file has from the root; one outside of it, and standard input, keeps its name."""
    if file == STDIN:
        return file
    path = absolute(file, folder)
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else file
