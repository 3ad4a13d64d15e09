"""Comments with characters that turn the text around them: what a reviewer reads is not what the file says."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING

import yaml

from pbxsync.names import hidden_characters
from pbxsync.syntax_errors import LINE_END

if TYPE_CHECKING:
    from collections.abc import Iterator

# The embeddings, overrides and isolates of Unicode's bidirectional algorithm, in UTF-8 and as characters.
_TURNING_BYTES = re.compile(b"\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]")
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")


def may_turn(data: bytes) -> bool:
    """Return whether a text in UTF-8 holds such a character anywhere."""
    return _TURNING_BYTES.search(data) is not None


def turned_comments(text: str) -> Iterator[tuple[int, int, str]]:
    """Give line, column and message for each line of a YAML text with such a character outside of all values.

    The text must be YAML. What is in a value is left to the rules of values.
    """
    begins = [0, *(end.end() for end in LINE_END.finditer(text))]
    values = list(_values(text))
    starts = [start for start, _ in values]
    in_line: dict[int, tuple[int, str]] = {}
    for found in _TURNING.finditer(text):
        at = found.start()
        value = bisect_right(starts, at) - 1
        if value >= 0 and at < values[value][1]:
            continue
        line = bisect_right(begins, at)
        column, before = in_line.get(line, (at - begins[line - 1] + 1, ""))
        in_line[line] = (column, before + found[0])
    for line, (column, characters) in in_line.items():
        what = f"a comment holds {hidden_characters(characters)}, which nobody sees"
        yield line, column, f"{what}: the text around it reads otherwise than it is; remove it"


def _values(text: str) -> Iterator[tuple[int, int]]:
    """Give where each value or key begins and ends, without the comment after the | or > of a block text."""
    for token in yaml.scan(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if isinstance(token, yaml.ScalarToken):
            start, end = token.start_mark.index, token.end_mark.index
            if token.style in ("|", ">"):
                head = LINE_END.search(text, start, end)
                start = head.end() if head else end
            yield start, end
