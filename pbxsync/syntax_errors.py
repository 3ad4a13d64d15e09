"""A YAML parser's error → the place in the file and words that say what to look for there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from pbxsync.quoting import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    import yaml

#: A line and a column, both from 1.
Place: TypeAlias = tuple[int, int]

LINE_END = re.compile("\r\n|\r|\n")


class Mark(Protocol):
    """A place as either of PyYAML's parsers gives it, all from 0: the offset in the text, the line, the column."""

    index: int
    line: int
    column: int


def place_of(mark: Mark | None) -> Place:
    """The place of a parser's mark; the file's beginning where it gives none."""
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


def end_of(text: str) -> Place:
    """Line and column right behind a text, counting line ends as YAML does."""
    lines = LINE_END.split(text)
    return len(lines), len(lines[-1]) + 1


def lines_of(text: str) -> list[str]:
    """The lines of a text as YAML counts them, without an empty one behind the last line end."""
    lines = LINE_END.split(text)
    if len(lines) > 1 and not lines[-1]:
        lines.pop()  # behind the last line end there is no line
    return lines


def within(lines: list[str], mark: Mark | None) -> Place:
    """The place of a mark, or the end of the text for one that stands behind it."""
    line, column = place_of(mark)
    return (line, column) if line <= len(lines) else (len(lines), len(lines[-1]) + 1)


_SIGNS = {
    "[": "YAML takes [ for a list",
    "*": "YAML takes * for an alias",
    "&": "YAML takes & for an anchor",
    "!": "YAML takes ! for a tag",
    "%": "YAML takes % for a directive",
    "@": "YAML reserves @",
    "`": "YAML reserves `",
    "|": "YAML takes | for text that begins in the next line",
    ">": "YAML takes > for text that begins in the next line",
}
_CONFLICT = re.compile(r"^(?:<{7}|={7}|>{7})(?=[ \r\n]|\Z)", re.MULTILINE)
# A value inside of [] or {}: sets of digits and what is neither a comma nor a bracket.
_FLOW_VALUE = re.compile(r"(?:\[[^\]]*\]|[^,{}\[\]])*")

_Fault: TypeAlias = tuple[Place, str]


class _Stumble(NamedTuple):
    """Where the parser stumbled (``at``), where what it was reading began, and its own words for both."""

    lines: list[str]
    at: Place
    begun: Place
    context: str
    problem: str

    def sign(self, place: Place, offset: int = 0) -> str:
        """The character at a place, or so far from it in the same line; empty where the line has none there."""
        column = place[1] - 1 + offset
        return self.lines[place[0] - 1][column : column + 1] if column >= 0 else ""


def syntax_fault(error: yaml.MarkedYAMLError, text: str) -> tuple[int, int, str, str]:
    """Place, rule and message of a syntax error, in words that say what to look for."""
    lines = lines_of(text)
    at, begun = error.problem_mark or error.context_mark, error.context_mark or error.problem_mark
    stumble = _Stumble(lines, within(lines, at), within(lines, begun), error.context or "", error.problem or "")
    place, message = next(fault for explain in _EXPLAIN if (fault := explain(stumble, text)))
    return (*place, "syntax", f"this is not YAML: {message}")


def _conflict(_stumble: _Stumble, text: str) -> _Fault | None:
    found = _CONFLICT.search(text)
    if not found:
        return None
    message = "a merge conflict is not settled here; decide, and remove the lines with <<<<<<<, ======= and >>>>>>>"
    return end_of(text[: found.start()]), message


def _directive(stumble: _Stumble, _text: str) -> _Fault | None:
    if not stumble.lines[stumble.at[0] - 1].startswith("%"):
        return None
    return (stumble.at[0], 1), "a line that begins with % is a directive to the parser; remove it"


def _open_quote(stumble: _Stumble, _text: str) -> _Fault | None:
    end = "end of stream" in stumble.problem or "document" in stumble.problem
    if "quoted scalar" not in stumble.context or not end:
        return None
    return stumble.begun, f"the quote {stumble.sign(stumble.begun)} that stands here is not closed"


def _misread_sign(stumble: _Stumble, _text: str) -> _Fault | None:
    """Text that begins with a sign of YAML, such as ``[2-9]XX`` or ``*9X.``."""
    at, sign = stumble.at, stumble.sign(stumble.at)
    line = stumble.lines[at[0] - 1]
    if sign == "\t":
        return at, "a tab stands here; indent with spaces"
    if stumble.sign(at, -1) == "]" and sign.strip(" ,:]}"):
        at = (at[0], line.rfind("[", 0, at[1] - 1) + 1)
    elif stumble.context.endswith((" alias", " anchor", " tag", " block scalar")):
        at = stumble.begun
    elif sign == "[":
        return None
    sign = stumble.sign(at)
    if sign not in _SIGNS:
        return None
    return at, f"{_SIGNS[sign]}; quote text that begins with it: {quoted(_value_at(line, at[1] - 1))}"


def _value_at(line: str, start: int) -> str:
    before = line[:start]
    in_flow = before.count("[") > before.count("]") or before.count("{") > before.count("}")
    found = _FLOW_VALUE.match(line, start) if in_flow else None
    return (found[0] if found else line[start:].split(" #")[0]).strip()


def _unclosed(stumble: _Stumble, _text: str) -> _Fault | None:
    for kind, opens, closes in (("flow sequence", "[", "]"), ("flow mapping", "{", "}")):
        if kind in stumble.context:
            here = stumble.at[0] == stumble.begun[0] and stumble.sign(stumble.at)
            place = stumble.at if here else stumble.begun
            return place, f"the {opens} in line {stumble.begun[0]} is not closed by {closes}, or a comma is missing"
    return None


def _escape_fault(stumble: _Stumble, _text: str) -> _Fault | None:
    if "quoted scalar" not in stumble.context:
        return None
    line = stumble.lines[stumble.at[0] - 1]
    place = (stumble.at[0], line.rfind("\\", 0, stumble.at[1]) + 1 or stumble.at[1])
    return place, "in double quotes \\ begins an escape, and this is none; write \\\\ for \\, or use single quotes"


def _keyless(stumble: _Stumble, _text: str) -> _Fault | None:
    if "simple key" not in stumble.context:
        return None
    return stumble.begun, "this line is no key with a value; write key: value, with a space behind the colon"


def _misplaced(stumble: _Stumble, _text: str) -> _Fault | None:
    """What is YAML by itself and does not fit what stands above."""
    if stumble.problem.startswith("mapping values"):
        message = (
            'no key can end here; quote text that holds ": ", or look above for a missing space behind - or : and for '
            "keys that begin at another column"
        )
        return stumble.at, message
    if "node content" in stumble.problem:
        sign = stumble.sign(stumble.at)
        ended = "the file ends here, and a [ or { above is not closed"
        return stumble.at, f"no value begins with {sign}; quote text that does" if sign else ended
    if stumble.context.startswith("while parsing a block"):
        if stumble.sign(stumble.at, -1) in ('"', "'"):
            return (
                stumble.at,
                "text goes on behind its closing quote; quote all of it, and look above for an open quote",
            )
        message = (
            "this does not fit what stands above; keys of one mapping begin at the same column, as do the dashes of "
            "one list"
        )
        return stumble.at, message
    if "document start" in stumble.problem:
        message = "the content ended above; look for a bracket too many, and for lines that begin further to the left"
        return stumble.at, message
    return None


def _unexplained(stumble: _Stumble, _text: str) -> _Fault:
    return stumble.at, ": ".join(part for part in (stumble.context, stumble.problem) if part)


_EXPLAIN: tuple[Callable[[_Stumble, str], _Fault | None], ...] = (
    _conflict,
    _directive,
    _open_quote,
    _misread_sign,
    _unclosed,
    _escape_fault,
    _keyless,
    _misplaced,
    _unexplained,
)
