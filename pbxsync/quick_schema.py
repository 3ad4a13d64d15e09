"""Whether a part of a document plainly keeps a JSON schema, told without `jsonschema`, which takes far longer.

A check is made from the schema itself, so that there is one truth. It says yes only where `jsonschema` finds no error;
whatever it does not say yes to, be it for a keyword that it doesn't know, `jsonschema` judges.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

from pbxsync.document import Mapping, Node, Scalar, Sequence
from pbxsync.yaml_text import reading, truth

if TYPE_CHECKING:
    from collections.abc import Callable

    Check: TypeAlias = Callable[[Node], bool]

#: Keywords that no document can break.
_REMARKS = {
    *("$schema", "$id", "$defs", "$comment", "title", "description", "examples", "default"),
    *("defaultSnippets", "errorMessage", "patternErrorMessage"),
}
#: So many texts that were found good are remembered of each kind.
_REMEMBERED = 4096


def plainly_keeps(schema: dict[str, Any], whole: dict[str, Any]) -> Check:
    """A check of nodes by a schema, which is a part of the ``whole`` one, whose definitions it may refer to.

    An anchor's value is good wherever an alias repeats it. A mapping of which a part is missing, for there is a problem
    with it, isn't looked into.
    """
    schema = resolved(schema, whole)
    keywords = set(schema) - _REMARKS
    kind = schema.get("type")
    if kind == "object" and keywords <= {"type", "additionalProperties", "required", "properties", "anyOf"}:
        return _mapping_check(schema, whole)
    if kind == "array" and keywords <= {"type", "items", "minItems"}:
        return _list_check(schema, whole)
    if kind == "string" and keywords <= {"type", "minLength", "pattern", "enum"}:
        return _text_check(schema)
    if kind == ["string", "null"] and keywords <= {"type", "minLength", "pattern"}:
        return _text_or_null_check(schema)
    if kind == "boolean" and keywords == {"type"}:
        return lambda node: type(node) is Scalar and node.plain and truth(node.text) is not None
    if keywords == {"const"} and type(schema["const"]) is int:
        return lambda node: type(node) is Scalar and node.plain and node.text == str(schema["const"])
    return _never


def _never(_node: Node) -> bool:
    return False


def resolved(schema: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    """The schema with what it refers to in its place."""
    if "$ref" not in schema:
        return schema
    target: Any = whole
    for step in schema["$ref"].removeprefix("#/").split("/"):
        target = target[step]
    return {**target, **{key: value for key, value in schema.items() if key != "$ref"}}


def _mapping_check(schema: dict[str, Any], whole: dict[str, Any]) -> Check:
    if schema.get("additionalProperties") is not False:
        return _never
    checks = {key: plainly_keeps(value, whole) for key, value in schema.get("properties", {}).items()}
    required = tuple(schema.get("required", ()))
    choices = [tuple(choice.get("required", ())) for choice in schema.get("anyOf", ())]
    if any(set(choice) - {"required"} - _REMARKS for choice in schema.get("anyOf", ())):
        return _never
    known = checks.get

    def keeps(node: Node) -> bool:
        if type(node) is not Mapping or node.partial:
            return False
        entries = node.entries
        for key, (_, value) in entries.items():
            check = known(key)
            if check is None or not check(value):
                return False
        for key in required:
            if key not in entries:
                return False
        return not choices or any(all(key in entries for key in choice) for choice in choices)

    return keeps


def _list_check(schema: dict[str, Any], whole: dict[str, Any]) -> Check:
    check = plainly_keeps(schema.get("items", {}), whole)
    least = schema.get("minItems", 0)

    def keeps(node: Node) -> bool:
        if type(node) is not Sequence or len(node.items) < least:
            return False
        return all(map(check, node.items))

    return keeps


def _text_check(schema: dict[str, Any]) -> Check:
    rule = text_rule(schema)
    return lambda node: type(node) is Scalar and rule(node[0], node[1])


def text_rule(schema: dict[str, Any]) -> Callable[[str, bool], bool]:
    """A check of a text by a schema of type string; its second argument tells that the text stands unquoted."""
    # As jsonschema does it: by Python's re, anywhere in the text.
    found = re.compile(schema.get("pattern", "")).search
    shortest = schema.get("minLength", 0)
    choices = schema.get("enum")
    good: set[str] = set()

    def keeps(text: str, plain: bool) -> bool:
        if text not in good:
            if len(text) < shortest or not found(text) or (choices is not None and text not in choices):
                return False
            if len(good) < _REMEMBERED:
                good.add(text)
        return not (plain and reading(text) is not None)

    return keeps


def _text_or_null_check(schema: dict[str, Any]) -> Check:
    is_text = _text_check(schema)

    def keeps(node: Node) -> bool:
        return is_text(node) or (type(node) is Scalar and node.plain and reading(node.text) == "null")

    return keeps
