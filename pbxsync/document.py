"""YAML text → values that know their source text, line and column.

Built from the parser's events rather than by a YAML loader: a loader would read ``prefix: 011`` as the number 9 and
keep the last of two equal keys without a word. Events carry the text as it stands in the file and where it stands.
libyaml's parser is used where PyYAML was built with it, else PyYAML's own; both give the same events.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

import yaml

from pbxsync.model import Location, Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Bounds that no real file comes near and every alias bomb meets.
MAX_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 32
MAX_ALIASED_VALUES = 1_000_000

_TAG = "tag:yaml.org,2002:"
_MERGE = "<<"
# What YAML calls unprintable, and the line ends of YAML 1.1 that no editor counts as lines.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Scalar(NamedTuple):
    """A single value. ``plain`` tells that it stands unquoted in the file, so YAML may read it as no text."""

    text: str
    plain: bool
    line: int
    column: int


class Sequence(NamedTuple):
    """A list of values."""

    items: list[Node]
    line: int
    column: int


class Mapping(NamedTuple):
    """Keys with their values, in the file's order; merge keys are merged already and no key stands twice."""

    entries: dict[str, tuple[Scalar, Node]]
    line: int
    column: int


Node: TypeAlias = Scalar | Sequence | Mapping


@dataclass(frozen=True, slots=True)
class Document:
    """One file's content. ``root`` is None where there is none to use; ``problems`` say why."""

    file: str
    root: Node | None
    problems: tuple[Problem, ...]


def parse(data: bytes, file: str) -> Document:
    """Read one YAML document from a file's bytes.

    Never raises for bad input: what is wrong comes as ``problems``, each at its place. ``file`` is only a name.
    """
    builder = _Builder(file)
    text = _decode(data, builder)
    root = None
    if text is not None:
        try:
            root = builder.document(text)
        except _Stop:
            root = None
    return Document(file, root, tuple(builder.problems))


def _decode(data: bytes, builder: _Builder) -> str | None:
    if len(data) > MAX_BYTES:
        builder.report(1, 1, "too-large", f"the file is larger than {MAX_BYTES >> 20} MiB; split it")
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", errors="replace")
        line, column = _position(before, len(before))
        what = "UTF-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else f"byte 0x{data[error.start]:02x} is not UTF-8"
        builder.report(line, column, "not-utf-8", f"the file is not UTF-8 ({what}); save it as UTF-8")
        return None
    found = _UNPRINTABLE.search(text)
    if found:
        line, column = _position(text, found.start())
        builder.report(
            line,
            column,
            "unprintable",
            f"the unprintable character U+{ord(found[0]):04X} stands in the file; remove it",
        )
        return None
    return text


def _position(text: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset, counting line ends as YAML does."""
    lines = re.split("\r\n|\r|\n", text[:offset])
    return len(lines), len(lines[-1]) + 1


class _Stop(Exception):
    """The file can't be read on from here; the problem is reported already."""


class _Mark(Protocol):
    line: int
    column: int


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet."""

    node: Sequence | Mapping
    anchor: str | None
    size: int = 1
    key: Scalar | None = None
    merges: list[Mapping] = field(default_factory=list)
    skip_value: bool = False


class _Builder:
    """Builds nodes from events, without recursion, and collects what is wrong with them."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._aliased = 0
        self._root: Node | None = None

    def report(self, line: int, column: int, rule: str, message: str) -> None:
        location = Location(self.file, line, column)
        self.problems.append(Problem(location, self._path(), Severity.ERROR, rule, message))

    def _path(self) -> str:
        path = ""
        for level in self._open:
            if isinstance(level.node, Sequence):
                path += f"[{len(level.node.items)}]"
            elif level.key is not None:
                path += f".{level.key.text}" if path else level.key.text
        return path

    def document(self, text: str) -> Node | None:
        """Build the only document of the text, or raise _Stop."""
        documents = 0
        for event in self._events(text):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    line, column = _place(event.start_mark)
                    message = "a second YAML document begins here; one file declares one PBX, so split the file"
                    self._stop(line, column, "several-documents", message)
            else:
                self._take(event)
        return self._root

    def _events(self, text: str) -> Iterator[yaml.Event]:
        parser = parser_for(text)
        try:
            while True:
                event = parser.get_event()
                if event is None or isinstance(event, yaml.StreamEndEvent):
                    return
                yield event
        except yaml.MarkedYAMLError as error:
            line, column = _syntax_place(error, text)
            self._stop(line, column, "syntax", _syntax_message(error, text))
        finally:
            parser.dispose()

    def _stop(self, line: int, column: int, rule: str, message: str) -> None:
        self.report(line, column, rule, message)
        raise _Stop

    def _take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._collection_start(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._collection_end()
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        line, column = _place(event.start_mark)
        plain = event.style in (None, "") and event.tag is None
        if event.tag is not None:
            self._check_tag(event.tag, "str", line, column, quoted=event.value)
        node = Scalar(event.value, plain, line, column)
        if event.anchor is not None:
            self._anchors[event.anchor] = (node, 1)
        self._put(node, 1)

    def _collection_start(self, event: yaml.CollectionStartEvent) -> None:
        line, column = _place(event.start_mark)
        node: Sequence | Mapping
        if isinstance(event, yaml.SequenceStartEvent):
            node, kind = Sequence([], line, column), "seq"
        else:
            node, kind = Mapping({}, line, column), "map"
        if event.tag is not None:
            self._check_tag(event.tag, kind, line, column)
        if len(self._open) >= MAX_DEPTH:
            self._stop(line, column, "too-deep", f"lists and mappings are nested deeper than {MAX_DEPTH}")
        if event.anchor is not None:
            self._anchors.pop(event.anchor, None)
        self._open.append(_Open(node, event.anchor))

    def _collection_end(self) -> None:
        level = self._open.pop()
        if isinstance(level.node, Mapping):
            for merged in level.merges:
                for text, entry in merged.entries.items():
                    level.node.entries.setdefault(text, entry)
        if level.anchor is not None:
            self._anchors[level.anchor] = (level.node, level.size)
        self._put(level.node, level.size)

    def _alias(self, event: yaml.AliasEvent) -> None:
        line, column = _place(event.start_mark)
        name = event.anchor or ""
        if any(level.anchor == name for level in self._open):
            self._stop(line, column, "bad-alias", f"*{name} stands inside what it refers to")
        if name not in self._anchors:
            message = (
                f"*{name} refers to nothing: no &{name} stands above it; if it is text, quote it: {quoted('*' + name)}"
            )
            self._stop(line, column, "bad-alias", message)
        node, size = self._anchors[name]
        self._aliased += size
        if self._aliased > MAX_ALIASED_VALUES:
            message = f"the aliases of this file stand for more than {MAX_ALIASED_VALUES:,} values"
            self._stop(line, column, "alias-bomb", message)
        # The value stands where the alias does: that is the place a problem with it is shown at.
        self._put(node._replace(line=line, column=column), size)

    def _check_tag(self, tag: str, allowed: str, line: int, column: int, quoted: str | None = None) -> None:
        if tag == _TAG + allowed:
            return
        short = tag.replace(_TAG, "!!") if tag.startswith(_TAG) else tag
        hint = "remove it"
        if quoted is not None:
            text = f"{short} {quoted}".rstrip() if not short.startswith("!!") else quoted
            hint = f'if it is text, quote it: "{_escape(text)}"'
        self.report(line, column, "tag", f"the tag {short} is not used here; {hint}")

    def _put(self, node: Node, size: int) -> None:
        """Hand a finished value to the list or mapping that it stands in."""
        if not self._open:
            self._root = node
            return
        level = self._open[-1]
        level.size += size
        if isinstance(level.node, Sequence):
            level.node.items.append(node)
        elif level.key is not None:
            self._put_value(level, level.node, level.key, node)
        elif level.skip_value:
            level.skip_value = False
        else:
            self._put_key(level, level.node, node)

    def _put_key(self, level: _Open, mapping: Mapping, node: Node) -> None:
        if not isinstance(node, Scalar):
            message = "a key must be text; quote a key that begins with [ or {"
            self.report(node.line, node.column, "bad-key", message)
            level.skip_value = True
        elif node.text in mapping.entries or (level.merges and _is_merge(node)):
            first = mapping.entries[node.text][0].line if node.text in mapping.entries else level.merges[0].line
            message = f"the key {shown(node.text)} is given twice; it stands in line {first} too: remove one"
            self.report(node.line, node.column, "duplicate-key", message)
            level.skip_value = True
        else:
            level.key = node

    def _put_value(self, level: _Open, mapping: Mapping, key: Scalar, node: Node) -> None:
        level.key = None
        if not _is_merge(key):
            mapping.entries[key.text] = (key, node)
            return
        merged = node.items if isinstance(node, Sequence) else [node]
        if merged and all(isinstance(one, Mapping) for one in merged):
            level.merges = [one for one in merged if isinstance(one, Mapping)]
        else:
            message = "<< merges a mapping, or a list of mappings, such as <<: *defaults"
            self.report(node.line, node.column, "bad-merge", message)


class _Parser(Protocol):
    def get_event(self) -> yaml.Event | None: ...

    def dispose(self) -> None: ...


def parser_for(text: str) -> _Parser:
    """The events of a YAML text: libyaml's parser, or PyYAML's own where libyaml is missing."""
    loader: type[_Parser] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return loader(text)  # type: ignore[call-arg]


def _is_merge(key: Scalar) -> bool:
    return key.plain and key.text == _MERGE


def _place(mark: _Mark | None) -> tuple[int, int]:
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


_HINTS = {
    "[": "YAML takes [ for a list",
    "*": "YAML takes * for an alias",
    "&": "YAML takes & for an anchor",
    "!": "YAML takes ! for a tag",
    "%": "YAML takes % for a directive",
    "@": "YAML reserves @",
    "`": "YAML reserves `",
}


def _syntax_place(error: yaml.MarkedYAMLError, text: str) -> tuple[int, int]:
    """Where the fault stands: where the parser stumbled, or where that is the file's end, where it began to read."""
    mark, context = error.problem_mark, error.context_mark
    if mark is None or (context is not None and mark.line >= len(text.rstrip().splitlines())):
        mark = context
    return _place(mark)


def _syntax_message(error: yaml.MarkedYAMLError, text: str) -> str:
    what = "this is not YAML: " + ": ".join(part for part in (error.context, error.problem) if part)
    lines = re.split("\r\n|\r|\n", text)
    for mark in (error.problem_mark, error.context_mark):
        if mark is None or mark.line >= len(lines):
            continue
        # A mark stands on the sign that the parser stumbled over, or just behind it.
        for at in (mark.column, mark.column - 1):
            sign = lines[mark.line][at : at + 1] if at >= 0 else ""
            if sign == "\t":
                return f"{what}. A tab stands here; indent with spaces"
            if sign == "]":
                at = lines[mark.line].rfind("[", 0, at)
                sign = "["
            if sign in _HINTS:
                value = lines[mark.line][at:].split(" #")[0].strip()
                return f"{what}. {_HINTS[sign]}; text that begins with it is quoted: {quoted(value)}"
    return what


def quoted(text: str) -> str:
    """The text as a YAML value in double quotes: what a message tells the user to write."""
    return f'"{_escape(text)}"'


def shown(text: str, limit: int = 60) -> str:
    """The text in double quotes, cut where it is long: how a message shows what stands in a file."""
    return quoted(text if len(text) <= limit else text[: limit - 1] + "…")


def _escape(text: str) -> str:
    return "".join(_ESCAPES.get(char) or (char if char.isprintable() else _numeric(char)) for char in text)


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _numeric(char: str) -> str:
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
