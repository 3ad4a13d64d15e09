"""What stands at a key of a document's mapping, and a problem with it."""

from __future__ import annotations

from pbxsync.document import Mapping, Node, Scalar, Sequence
from pbxsync.model import Location, Problem, Severity
from pbxsync.schema_problems import path_text
from pbxsync.yaml_text import reading, truth


def value(node: Node | None, key: str) -> Node | None:
    """What stands at the key; None where nothing does, or where the node is no mapping."""
    entry = node.entries.get(key) if isinstance(node, Mapping) else None
    return entry[1] if entry else None


def mapping(node: Node | None, key: str) -> Mapping | None:
    """The mapping that stands at the key."""
    found = value(node, key)
    return found if isinstance(found, Mapping) else None


def sequence(node: Node | None, key: str) -> Sequence | None:
    """The list that stands at the key."""
    found = value(node, key)
    return found if isinstance(found, Sequence) else None


def scalar(node: Node | None, key: str) -> Scalar | None:
    """The text that stands at the key; None where nothing, a list, a mapping or no text stands there."""
    entry = node.entries.get(key) if type(node) is Mapping else None
    if entry is None or type(entry[1]) is not Scalar:
        return None
    found = entry[1]
    return None if found.plain and reading(found.text) is not None else found


def text(node: Node | None, key: str) -> str | None:
    """The text that stands at the key, by itself."""
    found = scalar(node, key)
    return found.text if found else None


def is_true(node: Node | None, key: str) -> bool:
    """Whether an unquoted true is at the key."""
    found = value(node, key)
    return isinstance(found, Scalar) and found.plain and truth(found.text) is True


def texts(node: Node | None, key: str) -> tuple[str, ...]:
    """The texts of the list that stands at the key."""
    found = sequence(node, key)
    return tuple(item.text for item in (found.items if found else ()) if isinstance(item, Scalar))


def problem_at(
    file: str,
    node: Node,
    path: tuple[str | int, ...],
    fault: tuple[str, str],
    severity: Severity = Severity.ERROR,
) -> Problem:
    """A problem at the node's place; ``fault`` is the rule's id and a message."""
    rule, message = fault
    return Problem(Location(file, node.line, node.column), path_text(path), severity, rule, message)
