r"""Names and messages of files and PBXs → Markdown that shows them and does nothing else.

All that comes from outside stands in code spans between backticks, for that is the one place into which neither GitHub
nor GitLab looks for more: no markup, link, mention, reference, emoji or formula begins there. A <code> with entities in
it would not do: to the parser what stands in it is text, in which it finds addresses after it has read the entities,
and it links them. The rules that a code span must keep:

- A run of backticks as long as the fence would end it, and GitHub knows no fence of more than 80. So the fence is the
  shortest run that the text has not, and a text is cut before it could hold all the shorter ones.
- One space at each end is taken away if there is one at both, so text that has a space or a backtick there gets one.
- In a table every ``|`` is written ``\|``, also in code: a row is parted first, and loses those backslashes in that.
- It ends with its paragraph, so nothing that breaks a line may be in it, which `printable` sees to.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from pbxsync.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: So many characters of a value are shown, of a message, and of a marker.
_VALUE = 120
_MESSAGE = 1_000
_MARKER = 200

# A word of letters means nothing to Markdown, nor does a sign behind it or a bracket around it. One in capitals may be
# a dial pattern, so it is shown as a value all the same.
_WORD = re.compile(r"\(?(?:PBXs?|[A-Z]?[a-z]+)(?:'[a-z]+)?[.,:;]?\)?[.,:;]?")
#: But seven letters from a to f may be the name of a commit.
_HEXADECIMAL = re.compile(r"\W*[A-Fa-f]{7,}\W*")
# Signs of the sentence around values, which stay out of their code span; brackets only where the values have none of
# their own. A full stop may be a dial pattern's, so it stays in.
_SIGNS = re.compile(r"(\(?)([^() ](?:[^()]*[^() ,:;])?)(\)?[,:;]?)|()(.*[^ ,:;])([,:;]?)|()(.*)()")


def code(text: str, limit: int = _VALUE) -> str:
    """A value as it is, in a code span; a long one is cut, with its length behind it."""
    if not text:
        return "_empty_"
    shown = printable(text)
    cut = f"… (cut, {len(shown)} characters)" if len(shown) > limit else ""
    return f"{_span(shown[:limit])}{cut}"


def codes(texts: Iterable[str], limit: int = 8) -> str:
    """Values with commas between them, cut where there are many."""
    texts = list(texts)
    more = f", and {len(texts) - limit} more" if len(texts) > limit else ""
    return ", ".join(map(code, texts[:limit])) + more


def prose(text: str, limit: int = _MESSAGE) -> str:
    """A message in which every word that is more than letters stands in a code span; a long one is cut."""
    shown = printable(text)
    cut = f"… (cut, {len(shown)} characters)" if len(shown) > limit else ""
    return (" ".join(_joined(shown[:limit].split())) or "_no message_") + cut


def table_row(*cells: str) -> str:
    """A row of a table, with its line's end."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def hidden(text: str) -> str:
    """A line that a page doesn't show, an HTML comment. Different texts, unless very long, give different lines.

    What could end the comment is written as in an address, with per cent signs.
    """
    safe = quote(text, safe="/:.,=", errors="surrogatepass").replace("--", "-%2D")[:_MARKER]
    return f"<!-- pbxsync:plan {safe} -->\n" if safe else "<!-- pbxsync:plan -->\n"


def _span(text: str) -> str:
    runs = {len(run) for run in re.findall("`+", text)}
    fence = "`" * next(length for length in range(1, len(text) + 2) if length not in runs)
    room = " " if text[0] in "` " or text[-1] in "` " else ""
    # A span of spaces alone keeps them all.
    return f"{fence}{room if text.strip(' ') else ''}{text}{room if text.strip(' ') else ''}{fence}"


def _joined(words: list[str]) -> Iterator[str]:
    """The words, with those side by side that need a code span in one, but for the signs around it."""
    odd: list[str] = []
    for word in words:
        if _WORD.fullmatch(word) and not _HEXADECIMAL.fullmatch(word):
            yield from _spans(odd)
            odd = []
            yield word
        else:
            odd.append(word)
            if word[-1] in ",:;":
                yield from _spans(odd)
                odd = []
    yield from _spans(odd)


def _spans(words: list[str]) -> Iterator[str]:
    if not words:
        return
    found = _SIGNS.fullmatch(" ".join(words))
    if found:
        before, inside, behind = (part for part in found.groups() if part is not None)
        yield f"{before}{_span(inside)}{behind}"
