"""YAML text → values that know their source text, line and column.

Built from the parser's events rather than by a YAML loader: a loader would read ``prefix: 011`` as the number 9 and
keep the last of two equal keys without a word. Events carry the text as it stands in the file and where it stands.
libyaml's parser is used where PyYAML was built with it, else PyYAML's own; both give the same events.
"""

from __future__ import annotations

import codecs
import functools
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, cast

import yaml

from pbxsync.model import Location, Problem, Severity
from pbxsync.quoting import masked, quoted, shown
from pbxsync.syntax_errors import end_of, lines_of, place_of, syntax_fault, within
from pbxsync.turned_comments import may_turn, turned_comments

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Sequence as Sequenced

    from pbxsync.syntax_errors import Mark, Place

#: Bounds that no real file comes near and every alias bomb meets.
MAX_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 32
MAX_ALIASED_VALUES = 1_000_000

_TAG = "tag:yaml.org,2002:"
_MERGE = "<<"
# What YAML calls unprintable, the line ends of YAML 1.1 that no editor counts as lines, and a byte order mark, which
# nobody sees, behind the file's first character.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
# A word that stands behind the # of a comment without a space: more likely a number to dial, such as #31#.
_HIDDEN = re.compile(r"[ \t]+(#[^\s#]\S*)")


class Scalar(NamedTuple):
    """A single value. ``plain`` tells that it stands unquoted in the file, so YAML may read it as no text.

    ``hidden`` is the word that stands behind a value which is empty only because YAML takes # for a comment.
    ``anchored``, here and below: where the value itself stands, if an alias stands here for it.
    """

    text: str
    plain: bool
    line: int
    column: int
    hidden: str = ""
    anchored: Place | None = None


class Sequence(NamedTuple):
    """A list of values."""

    items: list[Node]
    line: int
    column: int
    anchored: Place | None = None


class Mapping(NamedTuple):
    """Keys with their values, in the file's order; merge keys are merged already and no key stands twice.

    ``partial`` tells that something was left out, for which there is a problem: a key that is missing may be in it.
    """

    entries: dict[str, tuple[Scalar, Node]]
    line: int
    column: int
    partial: bool = False
    anchored: Place | None = None


Node: TypeAlias = Scalar | Sequence | Mapping


@dataclass(frozen=True, slots=True)
class Document:
    """One file's content. ``root`` is None where there is none to use; ``problems`` say why.

    ``digest`` is the SHA-256 of the file's bytes, in hexadecimal.
    """

    file: str
    root: Node | None
    problems: tuple[Problem, ...]
    digest: str = ""


def parse(data: bytes, file: str) -> Document:
    """Read one YAML document from a file's bytes.

    Never raises for bad input: what is wrong comes as ``problems``, each at its place. ``file`` is only a name.
    """
    builder = _Builder(file)
    digest = hashlib.sha256(data).hexdigest()
    root = None
    if _is_text(data, builder):
        data = data.removeprefix(codecs.BOM_UTF8)
        try:
            root = _built(builder, data)
        except _NestedTooDeep:
            builder = _Builder(file)
            root = _built(builder, data, yaml.SafeLoader)
        if root is not None and may_turn(data):
            for line, column, message in turned_comments(data.decode("utf-8")):
                builder.report(line, column, "hidden-character", message)
    return Document(file, root, tuple(builder.problems), digest)


def _built(builder: _Builder, data: bytes, parser: type[_Parser] | None = None) -> Node | None:
    try:
        return builder.document(data, parser)
    except _Stop:
        return None


def is_text(data: bytes) -> bool:
    """Whether the bytes are text that may be YAML, without a word on why not."""
    return _is_text(data, _Builder(""))


def _is_text(data: bytes, builder: _Builder) -> bool:
    """Whether the bytes are text that may be YAML; if not, there is a problem."""
    if len(data) > MAX_BYTES:
        builder.report(1, 1, "too-large", f"the file is larger than {MAX_BYTES >> 20} MiB; split it")
        return False
    if _is_utf_16(data):
        builder.report(1, 1, "not-utf-8", "the file is not UTF-8 but UTF-16; save it as UTF-8")
        return False
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The error counts from behind the byte order mark, if there is one, and has the bytes that it counts.
        line, column = end_of(error.object[: error.start].decode("utf-8", errors="replace"))
        what = f"the byte 0x{error.object[error.start]:02x} stands here"
        builder.report(line, column, "not-utf-8", f"the file is not UTF-8: {what}; save it as UTF-8")
        return False
    found = _UNPRINTABLE.search(text)
    if found:
        line, column = end_of(text[: found.start()])
        message = f"the unprintable character U+{ord(found[0]):04X} stands here; remove it"
        builder.report(line, column, "unprintable", message)
        return False
    return True


def _is_utf_16(data: bytes) -> bool:
    """Whether the bytes begin as UTF-16 does: with its mark, or with an ASCII character in two bytes."""
    return data[:2] in (b"\xff\xfe", b"\xfe\xff") or (len(data) > 1 and data[:2].count(0) == 1)


class _Stop(Exception):
    """The file can't be read on from here; the problem is reported already."""


class _NestedTooDeep(Exception):
    """libyaml gave up, for it reads ahead; PyYAML's own parser gives the events up to the place that is too deep."""


#: What newer versions of libyaml say of lists and mappings that are nested beyond their own limit.
_LIBYAML_GAVE_UP = "nesting depth"
_NOT_SIMPLE = ("", _MERGE)
_STARTS = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_ENDS = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
#: Texts shorter than this are kept once each: trunks, patterns and keys repeat.
_SHARED = 40
# Named tuples are made thus at half the price: their own way in is a function with named arguments.
_new: Any = tuple.__new__


def _is_simple(event: Any) -> bool:
    """Whether a scalar is one without tag or anchor, and stands for no merge."""
    return event.tag is None and event.anchor is None and event.value not in _NOT_SIMPLE


class _Anchored(NamedTuple):
    """What an anchor names: the value, how many values are in it, how deep they are nested."""

    node: Node
    size: int
    depth: int


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet."""

    node: Sequence | Mapping
    anchor: str | None
    size: int = 1
    depth: int = 1
    key: Scalar | None = None
    merges: Sequenced[Mapping] = ()
    skip_value: bool = False
    partial: bool = False

    def finished(self) -> Sequence | Mapping:
        """The list or mapping, with what it merges merged."""
        if isinstance(self.node, Sequence):
            return self.node
        for merged in self.merges:
            for text, entry in merged.entries.items():
                self.node.entries.setdefault(text, entry)
            self.partial |= merged.partial
        return self.node._replace(partial=True) if self.partial else self.node


class _Builder:
    """Builds nodes from events, without recursion, and collects what is wrong with them."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, _Anchored] = {}
        self._aliased = 0
        self._root: Node | None = None
        self._data = b""
        self._texts: dict[str, str] = {}
        self._last: yaml.Event | None = None
        self._documents = 0

    @functools.cached_property
    def _text(self) -> str:
        # Few files need it; and the nodes of a large one take many times its size, so that it is not there twice.
        return self._data.decode("utf-8")

    def report(self, line: int, column: int, rule: str, message: str) -> None:
        location = Location(self.file, line, column)
        self.problems.append(Problem(location, self._path(), Severity.ERROR, rule, masked(message)))

    def _path(self) -> str:
        path = ""
        for level in self._open:
            if isinstance(level.node, Sequence):
                path += f"[{len(level.node.items)}]"
            elif level.key is not None:
                path += f".{level.key.text}" if path else level.key.text
        return path

    def document(self, data: bytes, kind: type[_Parser] | None = None) -> Node | None:
        """Build the only document of the text, or raise _Stop, or _NestedTooDeep where libyaml gives up."""
        self._data = data
        parser = parser_for(data) if kind is None else kind(data)  # type: ignore[call-arg]
        try:
            self._build(parser.get_event)
        except yaml.MarkedYAMLError as error:
            if kind is None and _LIBYAML_GAVE_UP in (error.problem or ""):
                raise _NestedTooDeep from None
            self._stop(*syntax_fault(error, self._text))
        except (ValueError, OverflowError):
            # What neither parser has an error of its own for: an escape in a tag that is no character, a huge number.
            line, column = place_of(self._last.end_mark if self._last else None)
            message = "this is not YAML: behind this place stands an escape that is no character"
            self._stop(line, column, "syntax", message)
        finally:
            parser.dispose()
        return self._root

    def _build(self, get_event: Callable[[], Any]) -> None:
        """Take all events. A scalar such as nearly all are is taken here, in one piece, for the sake of speed.

        That does what `_scalar`, `_put`, `_put_key` and `_put_value` do, and leaves to them whatever is not so simple.
        """
        scalar_event, stack, share = yaml.ScalarEvent, self._open, self._texts.setdefault
        line = 0
        while (event := get_event()) is not None:
            if type(event) is not scalar_event:
                if self._took_last(event):
                    return
                continue
            self._last = event
            text, mark = event.value, cast("Mark", event.start_mark)
            if not stack or not _is_simple(event):
                self._scalar(event)
                continue
            if line != mark.line + 1:
                line = mark.line + 1  # one number for all that stand in the line
            if len(text) < _SHARED:
                text = share(text, text)
            node = _new(Scalar, (text, not event.style, line, mark.column + 1, "", None))
            level = stack[-1]
            into: Any = level.node
            key = level.key
            if type(into) is Sequence:
                into[0].append(node)
            elif key is not None and key[0] != _MERGE:
                level.key = None
                into[0][key[0]] = (key, node)
            elif key is not None or level.skip_value or text in into[0]:
                self._scalar(event)
                continue
            else:
                level.key = node
            level.size += 1

    def _took_last(self, event: Any) -> bool:
        """Take an event that is no scalar; whether it was the last."""
        self._last = event
        kind = type(event)
        if kind in _ENDS:
            self._collection_end()
        elif kind in _STARTS:
            self._collection_start(event)
        elif kind is yaml.AliasEvent:
            self._alias(event)
        elif kind is yaml.DocumentStartEvent:
            self._documents += 1
            if self._documents > 1:
                line, column = place_of(event.start_mark)
                message = "a second YAML document begins here; one file declares one PBX, so split the file"
                self._stop(line, column, "several-documents", message)
        return kind is yaml.StreamEndEvent

    def _stop(self, line: int, column: int, rule: str, message: str) -> None:
        self.report(line, column, rule, message)
        raise _Stop

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        line, column = place_of(event.start_mark) if event.value else self._place_of_nothing(event.start_mark)
        plain = event.style in (None, "") and event.tag is None
        if event.tag is not None:
            self._check_tag(event.tag, "str", line, column, text=event.value)
        node = Scalar(event.value, plain, line, column)
        if plain and not event.value:
            node = node._replace(hidden=self._hidden(event.end_mark))
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(node, 1, 0)
        self._put(node, 1, 0)

    def _place_of_nothing(self, mark: Mark | None) -> Place:
        """Where an empty scalar stands; one that is not written at all may be marked behind the file's last line."""
        at_end = mark is not None and mark.index >= len(self._text)
        return within(lines_of(self._text), mark) if at_end else place_of(mark)

    def _hidden(self, mark: Mark | None) -> str:
        found = _HIDDEN.match(self._text, mark.index) if mark is not None else None
        return found[1] if found else ""

    def _collection_start(self, event: yaml.CollectionStartEvent) -> None:
        line, column = place_of(event.start_mark)
        node: Sequence | Mapping
        if isinstance(event, yaml.SequenceStartEvent):
            node, kind = Sequence([], line, column), "seq"
        else:
            node, kind = Mapping({}, line, column), "map"
        if event.tag is not None:
            self._check_tag(event.tag, kind, line, column)
        self._check_depth(1, line, column)
        if event.anchor is not None:
            self._anchors.pop(event.anchor, None)
        self._open.append(_Open(node, event.anchor))

    def _collection_end(self) -> None:
        level = self._open.pop()
        node = level.finished()
        if level.anchor is not None:
            self._anchors[level.anchor] = _Anchored(node, level.size, level.depth)
        self._put(node, level.size, level.depth)

    def _check_depth(self, depth: int, line: int, column: int) -> None:
        """Stop where a value that is this deep itself would be nested too deep; an alias can bring one in."""
        if len(self._open) + depth > MAX_DEPTH:
            message = f"lists and mappings are nested deeper than {MAX_DEPTH} levels; a routes file needs 4"
            self._stop(line, column, "too-deep", message)

    def _alias(self, event: yaml.AliasEvent) -> None:
        line, column = place_of(event.start_mark)
        name = event.anchor or ""
        if any(level.anchor == name for level in self._open):
            message = f"*{name} stands inside &{name}, which it refers to; it can refer only to what ended above it"
            self._stop(line, column, "bad-alias", message)
        if name not in self._anchors:
            message = (
                f"*{name} refers to nothing: no &{name} stands above it; if it is text, quote it: {quoted('*' + name)}"
            )
            self._stop(line, column, "bad-alias", message)
        node, size, depth = self._anchors[name]
        self._aliased += size
        if self._aliased > MAX_ALIASED_VALUES:
            message = (
                f"the aliases of this file stand for more than {MAX_ALIASED_VALUES:,} values; write out what they mean"
            )
            self._stop(line, column, "alias-bomb", message)
        self._check_depth(depth, line, column)
        # The value stands where the alias does: that is the place a problem with it is shown at.
        self._put(node._replace(line=line, column=column, anchored=(node.line, node.column)), size, depth)

    def _check_tag(self, tag: str, allowed: str, line: int, column: int, text: str | None = None) -> None:
        if tag == _TAG + allowed:
            return
        short = tag.replace(_TAG, "!!", 1) if tag.startswith(_TAG) else tag
        hint = "remove it"
        if text is not None:
            hint = f"if it is text, quote it: {quoted(text if short.startswith('!!') else f'{short} {text}'.rstrip())}"
        self.report(line, column, "tag", f"the tag {short} is not used here; {hint}")

    def _put(self, node: Node, size: int, depth: int) -> None:
        """Hand a finished value to the list or mapping that it stands in."""
        if not self._open:
            self._root = node
            return
        level = self._open[-1]
        level.size += size
        if depth >= level.depth:
            level.depth = depth + 1
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
            level.skip_value = level.partial = True
        elif node.text in mapping.entries or (level.merges and _is_merge(node)):
            first = mapping.entries[node.text][0].line if node.text in mapping.entries else level.merges[0].line
            message = f"the key {shown(node.text)} is given twice; it stands in line {first} too: remove one"
            if _is_merge(node):
                message = f"<< stands in line {first} too; merge both in one: <<: [*one, *other]"
                level.partial = True
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
            level.partial = True


class _Parser(Protocol):
    def get_event(self) -> yaml.Event | None: ...

    def dispose(self) -> None: ...


def parser_for(data: bytes) -> _Parser:
    """The events of a YAML text in UTF-8: libyaml's parser, or PyYAML's own where libyaml is missing."""
    loader: type[_Parser] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return loader(data)  # type: ignore[call-arg]


def _is_merge(key: Scalar) -> bool:
    return key.plain and key.text == _MERGE
