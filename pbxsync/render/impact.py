"""The impact of a plan → text for a person: which calls go elsewhere, the gravest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbxsync.model import NumberWords
from pbxsync.render.paint import Paint
from pbxsync.text import callers_in_words, numbers_in_words, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pbxsync.model import CallPath, Impact

_PLAIN = Paint()
#: So many lines are shown, and so many patterns in each.
_LINES = 20
_PATTERNS = 8

#: What the caller and the trunks notice of some calls: who calls, and what was and is done with the number.
_Notice = tuple[tuple[str, ...], tuple[str, ...], "_Path | None", "_Path | None"]
_Path = tuple[tuple[str, ...], str, int]


def impact_lines(
    impact: Sequence[Impact] | None, paint: Paint = _PLAIN, *, head: str = "Calls that go elsewhere:"
) -> list[str]:
    """A line for all calls of which the same is noticed; a long list is cut. None is an impact nobody worked out."""
    if impact is None:
        return ["  Which calls go elsewhere, and whether the order is right, was not worked out (--no-impact)."]
    if not impact:
        return ["  No call changes."]
    groups = kinds_of_calls(impact)
    lines = [f"    {_line(group, paint)}" for group in groups[:_LINES]]
    if len(groups) > _LINES:
        lines.append(f"    … and {len(groups) - _LINES} more; --format json shows all sets of calls")
    elif any(_is_cut(group) for group in groups):
        lines.append("    (--format json shows all patterns)")
    return [f"  {head}", *lines]


def kinds_of_calls(impact: Iterable[Impact]) -> list[tuple[Impact, ...]]:
    """The entries of which a caller and the trunks notice the same, together; the gravest come first."""
    groups: dict[_Notice, list[Impact]] = {}
    for entry in sorted(impact, key=_gravity):
        notice = (entry.match, entry.but_not, _path(entry.before), _path(entry.after))
        groups.setdefault(notice, []).append(entry)
    return [tuple(group) for group in groups.values()]


def numbers_of(group: Iterable[Impact]) -> list[NumberWords]:
    """The numbers of the entries, pattern by pattern; those of which some are left out come behind the others."""
    group = list(group)
    plain = [NumberWords((pattern,)) for entry in group if not entry.words.but_not for pattern in entry.words.patterns]
    return plain + [entry.words for entry in group if entry.words.but_not]


def _is_cut(group: Sequence[Impact]) -> bool:
    """Whether patterns are left out of the line of these entries."""
    patterns = sum(len(entry.words.patterns) if not entry.words.but_not else 1 for entry in group)
    longest = max(len(texts) for entry in group for texts in (entry.words.but_not, entry.match, entry.but_not))
    return max(patterns, longest) > _PATTERNS


def _gravity(entry: Impact) -> int:
    """Calls that are no longer routed come first, those that are newly routed last."""
    return 0 if entry.after is None else 1 if entry.before is not None else 2


def _path(path: CallPath | None) -> _Path | None:
    return (path.trunks, path.prepend, path.strip) if path is not None else None


def _line(group: Sequence[Impact], paint: Paint) -> str:
    first = group[0]
    who = printable(callers_in_words(first.match, first.but_not, _PATTERNS))
    numbers = paint.strong(printable(_numbers(group)))
    one = len(group) == 1 and len(first.words.patterns) == 1
    example = first.example
    sent, sends = example.sends_before, example.sends_after
    digits = ""
    if first.after is None:
        what = paint.bad("is no longer routed" if one else "are no longer routed")
        was = f" (went to {_trunks(first.before)})" if first.before else ""
    elif first.before is None:
        what = f"{paint.good('is now routed' if one else 'are now routed')}, to {_trunks(first.after)}"
        was = ""
        digits = f", sent as {_digits(sends)}" if sends != example.dial else ""
    elif first.before.trunks == first.after.trunks:
        what = f"still {'goes' if one else 'go'} to {_trunks(first.after)}, {paint.changed('with other digits')}"
        was = ""
        digits = f", sent as {_digits(sends)} (was {_digits(sent)})"
    else:
        what = f"now {'goes' if one else 'go'} to {paint.changed(_trunks(first.after))}"
        was = f" (was {_trunks(first.before)})"
        digits = f", sent as {_digits(sends)} (was {_digits(sent)})" if sends != sent else ""
    caller = f" from {printable(example.callerid)}" if example.callerid is not None else ""
    if one and first.words == NumberWords((example.dial,)) and not caller:
        return f"{numbers}{who} {what}{was}{digits}"  # it is its own example
    return f"{numbers}{who} {what}{was}, e.g. {printable(example.dial)}{caller}{digits}"


def _numbers(group: Iterable[Impact]) -> str:
    each = [numbers_in_words(words.patterns, words.but_not) for words in numbers_of(group)]
    return numbers_in_words(each, limit=_PATTERNS)


def _trunks(path: CallPath | None) -> str:
    """One trunk by its name, several as a list, so that it is seen where they end."""
    trunks = path.trunks if path is not None else ()
    text = printable(", ".join(trunks)) or "no trunk"
    return f"[{text}]" if len(trunks) > 1 else text


def _digits(digits: str | None) -> str:
    return printable(digits) if digits else "nothing"
