"""What `jsonschema` finds in a document → problems in words, each at its place in the file, with the fix."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from pbxsync import schemas
from pbxsync.document import Mapping, Node, Scalar, Sequence
from pbxsync.model import Location, Problem, Severity
from pbxsync.quick_schema import plainly_keeps
from pbxsync.quoting import masked, quoted, shown
from pbxsync.text_problems import as_list, pbx_name_problem, text_problem, url_problem
from pbxsync.yaml_text import integer, reading, truth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

_Path: TypeAlias = tuple[str | int, ...]
_Fault: TypeAlias = tuple[str, str]  # rule id, message
_Explained: TypeAlias = list[tuple[Node, _Path, _Fault]]


@cache
def _schema() -> dict[str, Any]:
    return schemas.load("routes")


@cache
def _schema_validator() -> Draft202012Validator:
    from jsonschema import Draft202012Validator  # here: most files are good, and its import takes as long as they do

    return Draft202012Validator(_schema())


@cache
def _plainly_good() -> tuple[Callable[[Node], bool], Callable[[Node], bool]]:
    """Whether a whole document plainly keeps the schema, and whether a route does."""
    schema = _schema()
    return plainly_keeps(schema, schema), plainly_keeps(schema["$defs"]["route"], schema)


def schema_problems(file: str, root: Node) -> Iterator[Problem]:
    """Every place where the document departs from ``schema/routes.schema.json``, in the order jsonschema finds them.

    What is wrong where an anchor stands is not told again wherever an alias repeats it.
    """
    whole, _ = _plainly_good()
    if whole(root):
        return
    found = list(_explained(root))
    told = {(at.line, at.column, rule) for at, _, (rule, _) in found if at.anchored is None}
    for at, where, (rule, message) in found:
        if at.anchored is None or (*at.anchored, rule) not in told:
            location = Location(file, at.line, at.column)
            yield Problem(location, path_text(where), Severity.ERROR, rule, masked(message))


def _explained(root: Node) -> Iterator[tuple[Node, _Path, _Fault]]:
    """What `jsonschema` finds; of the routes it is given those alone that are not plainly good."""
    routes = _routes(root)
    odd = [n for n, route in enumerate(routes) if not _plainly_good()[1](route)]
    data = _data(root, {id(routes): [routes[n] for n in odd]})
    for error in _schema_validator().iter_errors(data):
        path = tuple(error.absolute_path)
        if len(path) > 1 and path[0] == "routes" and routes:
            path = ("routes", odd[int(path[1])], *path[2:])
        yield from _EXPLAIN[str(error.validator)](error, _follow(root, path), path)


def _routes(root: Node) -> list[Node]:
    """The document's list of routes, which is a list of its own where it has none."""
    entry = root.entries.get("routes") if isinstance(root, Mapping) else None
    return entry[1].items if entry is not None and isinstance(entry[1], Sequence) else []


def _data(node: Node, instead: dict[int, list[Node]]) -> Any:
    """The node as the plain values that `jsonschema` checks; a plain scalar that is no text is no string there.

    ``instead`` has, by their ids, lists that others stand for.
    """
    if isinstance(node, Scalar):
        read = reading(node.text) if node.plain else None
        if read is None:
            return node.text
        if read == "null":
            return None
        boolean = truth(node.text)
        if boolean is not None:
            return boolean
        number = integer(node.text)
        return 0.5 if number is None else number
    if isinstance(node, Sequence):
        return [_data(item, instead) for item in instead.get(id(node.items), node.items)]
    return {key: _data(value, instead) for key, (_, value) in node.entries.items()}


def _follow(root: Node, path: _Path) -> Node:
    node = root
    for step in path:
        items = node.items if isinstance(node, Sequence) else []
        node = node.entries[str(step)][1] if isinstance(node, Mapping) else items[int(step)]
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
        return _ENTRIES.get(str(path[-2]), "an entry")
    return last


_ENTRIES = {"routes": "a route", "trunks": "a trunk", "tests": "a test", "include": "a path", "ignore": "a name"}


def _additional(error: ValidationError, node: Node, path: _Path) -> _Explained:
    found: _Explained = []
    known = _known_keys(error)
    entries = node.entries if isinstance(node, Mapping) else {}
    for key, (at, _) in entries.items():
        if key not in known:
            found.append((at, (*path, key), ("unknown-key", _unknown_key(key, known, _noun(path), set(entries)))))
    return found


def _known_keys(error: ValidationError) -> list[str]:
    schema: Any = error.schema
    return list(schema["properties"])


_CREDENTIALS = ("password", "passwd", "secret", "token", "user", "username")


def _unknown_key(key: str, known: list[str], where: str, given: set[str]) -> str:
    meant = _meant(key, [one for one in known if one not in given])
    there = _meant(key, known)
    if meant:
        hint = f"did you mean {meant}?"
    elif there:
        hint = f"did you mean {there}? It is given too: remove one"
    elif key.lower() in _CREDENTIALS:
        hint = "a file holds no secret: set PBXSYNC_TOKEN, or PBXSYNC_USERNAME and PBXSYNC_PASSWORD"
    else:
        hint = f"known here: {', '.join(known)}"
    return f"{shown(key)} is no key of {where}; {hint}"


def _meant(key: str, known: list[str]) -> str | None:
    """The known key that was meant by one that is unknown, if one is close."""
    from difflib import get_close_matches

    word = key.lower()
    close = get_close_matches(word, known, n=1) or [one for one in known if len(word) > 3 and word in one]
    return close[0] if close else None


def _example(path: _Path) -> str:
    """What to write for the value at a path."""
    if path == ("pbx", "name"):
        return "name: hq"
    return {
        "name": 'name: "to16"',
        "matchpattern": 'matchpattern: "X."',
        "trunks": "trunks: [carrier-a]",
        "routes": "routes: []",
        "tests": "tests: []",
        "include": "include: [../common/emergency.yaml]",
        "ignore": 'ignore: ["lab-*"]',
        "hidden_fields": "hidden_fields: none",
        "url": "url: https://192.0.2.10",
        "type": "type: json",
        "dial": 'dial: "911"',
        "route": "route: emergency",
        "renamed_from": 'renamed_from: "old-name"',
    }.get(str(path[-1]), f'{path[-1]}: ""')


def _required(error: ValidationError, node: Node, path: _Path) -> _Explained:
    found: _Explained = []
    if not isinstance(node, Mapping) or node.partial:
        return found
    known = _known_keys(error)
    absent = [one for one in known if one not in node.entries]
    misspelt = {_meant(key, absent) for key in node.entries if key not in known}
    for key in _values(error):
        # jsonschema reports one error for each missing key and names it only in its message.
        if key in absent and key not in misspelt and error.message.startswith(repr(key)):
            message = f"{_noun(path)} has no {key}; add one, such as {_example((*path, key))}"
            found.append((node, path, ("missing-key", message)))
    return found


def _values(error: ValidationError) -> list[str]:
    """What the schema lists at the keyword that failed, such as the names that are required."""
    value: Any = error.validator_value
    return list(value)


def _type(error: ValidationError, node: Node, path: _Path) -> _Explained:
    wanted = error.validator_value
    schema: Any = error.schema
    if wanted == "array":
        fault = _not_a_list(node, path)
    elif wanted == "object":
        fault = ("wrong-type", f"{_noun(path)} is {_kind(node)}; it must be a mapping{_mapping_example(node, path)}")
    elif wanted == "boolean":
        found = node.text if isinstance(node, Scalar) and node.plain and node.text else _kind(node)
        fault = ("wrong-type", f"{_noun(path)} is {found}; write true or false, without quotes")
    elif isinstance(node, Scalar):
        if "enum" in schema:
            return []  # told of by the choices that there are
        fault = _scalar_no_text(node, path)
    else:
        fault = ("wrong-type", f"{_noun(path)} is {_kind(node)}; {_list_for_text(node, path)}")
    return [(node, path, fault)]


def _mapping_example(node: Node, path: _Path) -> str:
    if not path:
        return ": write routes: above it" if isinstance(node, Sequence) else ", such as routes: []"
    examples = {"a route": '- name: "to16"', "a test": '- dial: "911"'}
    return f", such as {examples.get(_noun(path), 'url: https://192.0.2.10')}"


_MAY_BE_EMPTY = ("prefix", "prepend", "callerid", "sends")
_MAY_HOLD_BRACKETS = ("matchpattern", "callerid", "dial", "sends")
_MAY_BE_ABSENT = ("renamed_from", "url", "type")


def _scalar_no_text(node: Scalar, path: _Path) -> _Fault:
    """An unquoted value that is no text to YAML, and how to write the text that it looks like."""
    noun, text, read = _noun(path), node.text, reading(node.text)
    key = path[-1] if path and isinstance(path[-1], str) else None
    lead = f"{key}: " if key else ""
    if node.hidden:
        message = f"{noun} is empty, for # begins a comment; if it is text, write {lead}{quoted(node.hidden)}"
    elif not text:
        message = f"{noun} is empty, which is null to YAML; {_instead_of_empty(path)}"
    elif path == ("pbx", "url"):
        return url_problem(text) or ("bad-url", f"url is {read} to YAML; {_example(path)}")
    elif read == "null" and path[:1] == ("pbx",):
        message = f"{text} is no text to YAML but null; {_instead_of_empty(path)}"
    elif read == "null":
        none = f'{lead}"" for none, or ' if key in _MAY_BE_EMPTY else ""
        message = f"{text} is no text to YAML but null; write {none}{lead}{quoted(text)}"
    else:
        read = "a number" if read == f"the number {text}" else read
        message = f"{text} is {read} to YAML; write {lead}{quoted(text)}"
    return "not-text", message


def _instead_of_empty(path: _Path) -> str:
    noun = _noun(path)
    if noun in _MAY_BE_EMPTY:
        return f'write {noun}: "" or leave it out'
    if isinstance(path[-1], int):
        return "name one or remove it"
    leave = ", or leave it out" if noun in _MAY_BE_ABSENT or path[:1] == ("pbx",) else ""
    return f"write one, such as {_example(path)}{leave}"


def _list_for_text(node: Node, path: _Path) -> str:
    """What to write instead of a list, or a mapping, where text must stand."""
    if isinstance(node, Sequence) and len(node.items) == 1 and isinstance(node.items[0], Scalar):
        item = node.items[0]
        lead = f"{path[-1]}: " if isinstance(path[-1], str) else ""
        in_brackets = (item.line, item.column) == (node.line, node.column + 1)
        if not in_brackets or path[-1] not in _MAY_HOLD_BRACKETS:
            return f"write {lead}{quoted(item.text)}"
        return f"write {lead}{quoted(f'[{item.text}]')}, or without the brackets if they are not meant"
    if isinstance(node, Sequence) and _noun(path) == "matchpattern":
        return "a route has one: write a route for each"
    return "it must be text"


def _not_a_list(node: Node, path: _Path) -> _Fault:
    noun = _noun(path)
    if isinstance(node, Scalar) and noun == "trunks" and node.text.strip(", "):
        return "wrong-type", f"trunks is {_kind(node)}; it must be a list: write trunks: [{as_list(node.text)}]"
    if isinstance(node, Mapping) and noun in ("routes", "tests"):
        example = {"routes": '- name: "to16"', "tests": '- dial: "911"'}[noun]
        return "wrong-type", f"{noun} is a mapping; it must be a list: begin each entry with a dash, as in {example}"
    return "wrong-type", f"{noun} is {_kind(node)}; it must be a list, such as {_example(path)}"


def _kind(node: Node) -> str:
    if isinstance(node, Scalar):
        if not node.text:
            return "empty"
        read = reading(node.text) if node.plain else None
        return read or "text"
    return "a list" if isinstance(node, Sequence) else "a mapping"


def _const(error: ValidationError, node: Node, path: _Path) -> _Explained:
    found = node.text if isinstance(node, Scalar) and node.text else _kind(node)
    version = error.validator_value
    message = f"{_noun(path)} is {found}; this pbxsync reads version {version}: write version: {version}"
    if isinstance(node, Scalar) and node.text == str(version):
        message = f"{_noun(path)} is text; write version: {version} without quotes"
    return [(node, path, ("wrong-value", message))]


def _enum(error: ValidationError, node: Node, path: _Path) -> _Explained:
    if not isinstance(node, Scalar):
        return []  # told of by its type
    choices = " or ".join(str(choice) for choice in _values(error))
    value = shown(node.text) if node.text else "empty"
    meaning = _MEANINGS.get(path, "")
    return [(node, path, ("wrong-value", f"{_noun(path)} is {value}; it must be {choices}{meaning}"))]


_MEANINGS: dict[_Path, str] = {
    ("pbx", "hidden_fields"): (
        ", which says that somebody looked: the routes on this PBX have nothing but the six fields; leave it out where "
        "nobody looked"
    )
}


def _length(_error: ValidationError, node: Node, path: _Path) -> _Explained:
    return [(node, path, ("empty-value", f"{_noun(path)} is empty; {_instead_of_empty(path)}"))]


def _no_items(_error: ValidationError, node: Node, path: _Path) -> _Explained:
    return [(node, path, ("empty-value", f"{_noun(path)} is empty; name at least one, such as {_example(path)}"))]


def _claims(error: ValidationError, node: Node, path: _Path) -> _Explained:
    known = _known_keys(error)
    if not isinstance(node, Mapping) or node.partial or any(key not in known for key in node.entries):
        return []  # what is told of already may be the claim
    message = "a test claims nothing; add route, trunks or sends"
    return [(node, path, ("missing-key", message))]


def _pattern(_error: ValidationError, node: Node, path: _Path) -> _Explained:
    text = node.text if isinstance(node, Scalar) else ""
    return [(node, path, _text_fault(text, path))]


def _text_fault(text: str, path: _Path) -> _Fault:
    if path == ("pbx", "url"):
        return url_problem(text) or ("bad-url", f"url can't be read; write one such as {_example(path)}")
    if path == ("pbx", "name"):
        return pbx_name_problem(text)
    return text_problem(text, _noun(path), path[-1] if isinstance(path[-1], str) else None)


_EXPLAIN: dict[str, Callable[[ValidationError, Node, _Path], _Explained]] = {
    "additionalProperties": _additional,
    "required": _required,
    "type": _type,
    "const": _const,
    "enum": _enum,
    "minLength": _length,
    "minItems": _no_items,
    "anyOf": _claims,
    "pattern": _pattern,
}
