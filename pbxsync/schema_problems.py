"""What `jsonschema` finds in a document → problems in words, each at its place in the file, with the fix."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from jsonschema import Draft202012Validator

from pbxsync import schemas
from pbxsync.document import Mapping, Node, Scalar, Sequence, quoted, shown
from pbxsync.model import Location, Problem, Severity
from pbxsync.names import control_character, route_fault, trunk_fault
from pbxsync.urls import url_fault
from pbxsync.yaml_text import integer, reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jsonschema.exceptions import ValidationError

_Path: TypeAlias = tuple[str | int, ...]
_Fault: TypeAlias = tuple[str, str]  # rule id, message
_Explained: TypeAlias = list[tuple[Node, _Path, _Fault]]


@cache
def _schema_validator() -> Draft202012Validator:
    return Draft202012Validator(schemas.load("routes"))


def schema_problems(file: str, root: Node) -> Iterator[Problem]:
    """Every place where the document departs from ``schema/routes.schema.json``, in the order jsonschema finds them."""
    for error in _schema_validator().iter_errors(_data(root)):
        path = tuple(error.absolute_path)
        node = _follow(root, path)
        explain = _EXPLAIN.get(str(error.validator), _other)
        for at, where, (rule, message) in explain(error, node, path):
            location = Location(file, at.line, at.column)
            yield Problem(location, path_text(where), Severity.ERROR, rule, message)


def _data(node: Node) -> Any:
    """The node as the plain values that `jsonschema` checks; a plain scalar that is no text is no string there."""
    if isinstance(node, Scalar):
        read = reading(node.text) if node.plain else None
        if read is None:
            return node.text
        if read == "null":
            return None
        number = integer(node.text)
        return 0.5 if number is None else number
    if isinstance(node, Sequence):
        return [_data(item) for item in node.items]
    return {key: _data(value) for key, (_, value) in node.entries.items()}


def _follow(root: Node, path: _Path) -> Node:
    node = root
    for step in path:
        if isinstance(node, Sequence) and isinstance(step, int):
            node = node.items[step]
        elif isinstance(node, Mapping):
            node = node.entries[str(step)][1]
    return node


def path_text(path: _Path) -> str:
    """A place in the document as problems show it: ``routes[3].prefix``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def _noun(path: _Path) -> str:
    """What stands at a path, as a person calls it."""
    if not path:
        return "the file"
    last = path[-1]
    if isinstance(last, int):
        return {"routes": "a route", "trunks": "a trunk", "tests": "a test"}.get(str(path[-2]), "an entry")
    return last


def _additional(error: ValidationError, node: Node, path: _Path) -> _Explained:
    known: dict[str, Any] = error.schema["properties"]  # type: ignore[index]  # an object, where this keyword stands
    found: _Explained = []
    for key, (at, _) in node.entries.items() if isinstance(node, Mapping) else ():
        if key not in known:
            found.append((at, (*path, key), ("unknown-key", _unknown_key(key, list(known), _noun(path)))))
    return found


def _unknown_key(key: str, known: list[str], where: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(key.lower(), known, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"
    return f"{where} has no key {shown(key)}; {hint}"


_EXAMPLE = {"name": 'name: "to16"', "matchpattern": 'matchpattern: "X."', "trunks": "trunks: [carrier-a]"}


def _required(error: ValidationError, node: Node, path: _Path) -> _Explained:
    found: _Explained = []
    for key in _values(error):
        # jsonschema reports one error for each missing key and names it only in its message.
        if isinstance(node, Mapping) and key not in node.entries and error.message.startswith(repr(key)):
            example = _EXAMPLE.get(key, "routes: []" if key == "routes" else f'{key}: "…"')
            found.append((node, path, ("missing-key", f"{_noun(path)} has no {key}; add one, such as {example}")))
    return found


def _values(error: ValidationError) -> list[str]:
    """What the schema lists at the keyword that failed, such as the names that are required."""
    value: Any = error.validator_value
    return list(value)


def _type(error: ValidationError, node: Node, path: _Path) -> _Explained:
    wanted = error.validator_value
    if wanted == "array":
        fault = _not_a_list(node, path)
    elif wanted == "object":
        fault = (
            "wrong-type",
            f"{_noun(path)} is {_kind(node)}; it must be a mapping, {_mapping_example(path)}",
        )
    else:
        fault = _not_text(node, path)
    return [(node, path, fault)]


def _mapping_example(path: _Path) -> str:
    if not path:
        return "such as routes: []"
    return 'such as - name: "to16"' if isinstance(path[-1], int) else "such as url: https://192.0.2.10"


def _not_text(node: Node, path: _Path) -> _Fault:
    key = str(path[-1]) if path and isinstance(path[-1], str) else ""
    lead = f"{key}: " if key else "- "
    if isinstance(node, Scalar):
        read = reading(node.text) or "no text"
        if not node.text:
            return (
                "not-text",
                f'{_noun(path)} is empty, which is null to YAML; write {lead}"" or leave it out',
            )
        return "not-text", f"{node.text} is {read} to YAML; write {lead}{quoted(node.text)}"
    if isinstance(node, Sequence) and all(isinstance(item, Scalar) for item in node.items):
        text = ", ".join(item.text for item in node.items if isinstance(item, Scalar))
        return (
            "wrong-type",
            f"{_noun(path)} is a list, not text; if [ begins the text, write {lead}{quoted(f'[{text}]')}",
        )
    return "wrong-type", f"{_noun(path)} is {_kind(node)}; it must be text in double quotes"


def _not_a_list(node: Node, path: _Path) -> _Fault:
    noun = _noun(path)
    if isinstance(node, Scalar) and node.text and noun == "trunks":
        names = ", ".join(part.strip() for part in node.text.split(",") if part.strip())
        return "wrong-type", f"trunks is a list: write trunks: [{names}]"
    return (
        "wrong-type",
        f"{noun} is {_kind(node)}; it must be a list, such as {noun}: [{'' if noun == 'routes' else '…'}]",
    )


def _kind(node: Node) -> str:
    if isinstance(node, Scalar):
        read = reading(node.text) if node.plain else None
        return read or "text"
    return "a list" if isinstance(node, Sequence) else "a mapping"


def _const(error: ValidationError, node: Node, path: _Path) -> _Explained:
    text = node.text if isinstance(node, Scalar) else _kind(node)
    message = f"{_noun(path)} is {shown(text)}; this pbxsync reads version {error.validator_value}: write version: 1"
    return [(node, path, ("wrong-value", message))]


def _enum(error: ValidationError, node: Node, path: _Path) -> _Explained:
    # A value that is not even text is told of by its type.
    if not isinstance(node, Scalar) or (node.plain and reading(node.text)):
        return []
    choices = " or ".join(str(choice) for choice in _values(error))
    return [(node, path, ("wrong-value", f"{_noun(path)} is {shown(node.text)}; it must be {choices}"))]


def _length(_error: ValidationError, node: Node, path: _Path) -> _Explained:
    return [(node, path, ("empty-value", f"{_noun(path)} is empty; the PBX requires it"))]


def _claims(_error: ValidationError, node: Node, path: _Path) -> _Explained:
    message = "a test claims nothing; add route, trunks or sends"
    return [(node, path, ("missing-key", message))]


def _pattern(_error: ValidationError, node: Node, path: _Path) -> _Explained:
    text = node.text if isinstance(node, Scalar) else ""
    return [(node, path, _text_fault(text, path))]


def url_problem(text: str) -> tuple[str, str] | None:
    """Rule id and message where the text is no address of a PBX, else None."""
    fault = url_fault(text)
    return ("bad-url", f"url: {fault}; write one such as https://192.0.2.10") if fault else None


def _text_fault(text: str, path: _Path) -> _Fault:
    noun = _noun(path)
    if path[:1] == ("pbx",) and noun == "url":
        return url_problem(text) or ("bad-url", "url must begin with http:// or https:// in lower case")
    if path[:1] == ("pbx",) and noun == "name":
        message = (
            f"the PBX's name {shown(text)} picks variables such as PBXSYNC_TOKEN_HQ: it must be of A-Z, a-z, 0-9, - "
            "and _, begin with a letter or digit, and not be file or begin with file-"
        )
        return "bad-pbx-name", message
    named = route_fault(text) if noun == "name" else trunk_fault(text) if noun == "a trunk" else None
    if named:
        rule, reason = named
        what = "a route" if noun == "name" else "a trunk"
        return rule, f"{what} can't be called {shown(text)}: {reason}; choose another name"
    character = control_character(text)
    return (
        "control-character",
        f"{noun} holds the control character {character}; no number has one, remove it",
    )


def _other(error: ValidationError, node: Node, path: _Path) -> _Explained:
    return [(node, path, ("schema", f"{_noun(path)}: {error.message}"))]


_EXPLAIN: dict[str, Callable[[ValidationError, Node, _Path], _Explained]] = {
    "additionalProperties": _additional,
    "required": _required,
    "type": _type,
    "const": _const,
    "enum": _enum,
    "minLength": _length,
    "minItems": lambda _e, node, path: [(node, path, ("empty-value", f"{_noun(path)} is empty; name at least one"))],
    "minProperties": _claims,
    "pattern": _pattern,
}
