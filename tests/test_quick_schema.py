"""The quick look at a document's shape, held against `jsonschema`, and what is found with it and without it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pbxsync import document, schemas
from pbxsync.dialplan import lint
from pbxsync.document import Mapping, Node, Scalar, Sequence, parse
from pbxsync.quick_schema import plainly_keeps
from pbxsync.schema_problems import schema_problems
from pbxsync.yaml_text import reading

if TYPE_CHECKING:
    import collections.abc

SCHEMA = schemas.load("routes")
VALIDATOR = Draft202012Validator(SCHEMA)
QUICK = plainly_keeps(SCHEMA, SCHEMA)

TEXTS = st.one_of(
    st.sampled_from(
        ["", "to16", "X.", "911", "all", "ALL", "a~pbxsync", " a", "a ", "a,b", "a\n", "\u0661", "json", "xml"]
    ),
    st.sampled_from(
        ["011", "1.5", "yes", "null", "~", "22:30", "2001-01-01", "<<", "1", "1\n", "json\n", "file-a", "hq"]
    ),
    st.sampled_from(
        ["https://192.0.2.10", "https://192.0.2.10\n", "ftp://192.0.2.10", "a\u2028", "\x85", "\ud800", "é"]
    ),
    st.text(max_size=5),
)
SCALARS = st.builds(Scalar, TEXTS, st.booleans(), st.just(1), st.just(1))
KEYS = st.sampled_from(
    [*SCHEMA["properties"], *SCHEMA["$defs"]["route"]["properties"], *SCHEMA["$defs"]["test"]["properties"], "nmae", ""]
)


def mapping(entries: collections.abc.Mapping[str, Node], partial: bool = False) -> Mapping:
    return Mapping({key: (Scalar(key, True, 1, 1), value) for key, value in entries.items()}, 1, 1, partial)


def lists(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Sequence]:
    return st.lists(items, max_size=3).map(lambda found: Sequence(found, 1, 1))


def some(schema: str, odd: st.SearchStrategy[Any]) -> st.SearchStrategy[Mapping]:
    """A mapping with keys of a route or of a test, most of them with text."""
    keys = st.sampled_from([*SCHEMA["$defs"][schema]["properties"], "nmae"])
    trunks = lists(SCALARS)
    return st.dictionaries(keys, SCALARS | trunks | odd, max_size=8).map(mapping)


ANYTHING: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: lists(inner) | st.dictionaries(KEYS, inner, max_size=3).map(mapping), max_leaves=6
)
GOOD_ROUTE = st.builds(
    lambda name, pattern, trunks, more: mapping({"name": name, "matchpattern": pattern, "trunks": trunks, **more}),
    SCALARS,
    SCALARS,
    lists(SCALARS),
    st.dictionaries(st.sampled_from(["prefix", "prepend", "callerid", "renamed_from"]), SCALARS, max_size=3),
)
GOOD_TEST = st.builds(
    lambda dial, more: mapping({"dial": dial, **more}),
    SCALARS,
    st.dictionaries(st.sampled_from(["route", "sends", "callerid"]), SCALARS, min_size=1, max_size=3),
)
ROOTS = st.fixed_dictionaries(
    {"routes": lists(GOOD_ROUTE | some("route", ANYTHING)) | ANYTHING},
    optional={
        "version": SCALARS,
        "include": lists(SCALARS) | ANYTHING,
        "pbx": st.dictionaries(st.sampled_from(["url", "name", "type", "urn"]), SCALARS, max_size=3).map(mapping),
        "tests": lists(GOOD_TEST | some("test", ANYTHING)) | ANYTHING,
        "nmae": SCALARS,
    },
).map(mapping)


def value(node: Node) -> Any:
    """The node as `jsonschema` sees it, written anew and simply: by what YAML's reading of the text is."""
    if isinstance(node, Scalar):
        read = reading(node.text) if node.plain else None
        if read is None:
            return node.text
        if read == "null":
            return None
        return 1 if node.text == "1" else 0.5
    if isinstance(node, Sequence):
        return [value(item) for item in node.items]
    return {key: value(one) for key, (_, one) in node.entries.items()}


@given(ROOTS | ANYTHING)
@example(mapping({"routes": Sequence([], 1, 1), "version": Scalar("1", True, 1, 1)}))
@example(mapping({"routes": Sequence([], 1, 1), "version": Scalar("1", False, 1, 1)}))
def test_what_is_plainly_good_is_good_to_jsonschema(root: Node) -> None:
    if QUICK(root):
        assert list(VALIDATOR.iter_errors(value(root))) == []


@given(ROOTS)
def test_of_these_documents_all_that_are_good_are_plainly_good(root: Node) -> None:
    # Whatever the quick look doesn't know goes to jsonschema; but then it would not be quick.
    assert QUICK(root) == VALIDATOR.is_valid(value(root))


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "maxLength": 3},
        {"type": "array", "uniqueItems": True},
        {"type": "object", "properties": {}},
        {"type": "object", "additionalProperties": False, "patternProperties": {}},
        {"type": "object", "additionalProperties": False, "anyOf": [{"maxProperties": 1}]},
        {"not": {}},
        {},
    ],
)
def test_a_keyword_that_it_does_not_know_is_left_to_jsonschema(schema: dict[str, Any]) -> None:
    check = plainly_keeps(schema, schema)
    nodes: list[Node] = [Scalar("a", True, 1, 1), Sequence([], 1, 1), mapping({})]
    assert not any(check(node) for node in nodes)


def test_a_mapping_of_which_something_was_left_out_is_not_plainly_good() -> None:
    good = {"routes": Sequence([], 1, 1)}
    assert QUICK(mapping(good))
    assert not QUICK(mapping(good, partial=True))


@given(ROOTS, st.lists(GOOD_ROUTE, min_size=1, max_size=4))
def test_the_good_routes_around_a_bad_one_change_nothing_of_what_is_told_of_it(root: Mapping, good: list[Node]) -> None:
    good = [route for route in good if plainly_keeps(SCHEMA["$defs"]["route"], SCHEMA)(route)]
    routes = root.entries["routes"][1]
    if not isinstance(routes, Sequence):
        return
    around = mapping({**{key: one for key, (_, one) in root.entries.items()}, "routes": _with(routes, good)})
    alone = [(p.path, p.rule, p.message) for p in schema_problems("f", root)]
    shifted = [(_shifted(p.path, -len(good)), p.rule, p.message) for p in schema_problems("f", around)]
    assert shifted == alone


def _with(routes: Sequence, good: list[Node]) -> Sequence:
    return Sequence([*good, *routes.items], 1, 1)


def _shifted(path: str, by: int) -> str:
    if not path.startswith("routes["):
        return path
    number, _, rest = path.removeprefix("routes[").partition("]")
    return f"routes[{int(number) + by}]{rest}"


# --- the lint of fields ----------------------------------------------------------------------------------------------

FIELD = st.text(st.sampled_from("0123456789XNZxnz.!-_[] |*+#a"), max_size=8)


@given(FIELD, FIELD, FIELD)
@example("", "X.", "")
@example("9", "1NXXNXXXXXX", "00")
@example("9" * 39, "X", "")
def test_fields_that_are_plain_have_nothing_odd(prefix: str, matchpattern: str, prepend: str) -> None:
    if lint.plain(prefix, matchpattern, prepend):
        assert list(lint._in_number(prefix, matchpattern)) == []
        assert lint.stored(prepend) == prepend


# --- the quick way through a document's events -----------------------------------------------------------------------


@given(st.text(st.sampled_from("ab:- \n[]{},'\"#&*!<|>?%@`\t1"), max_size=30))
@example("routes:\n  - <<: *a\n    name: b\n")
@example("a: &x [1, 2]\nb: *x\n<<: {c: d}\n")
@example("? [a]\n: b\n")
@example("a: 1\na: 2\nb: 3\n")
@example("- a: {}\n  a: []\n  b:\n")
def test_simple_scalars_are_taken_as_all_others_are(text: str) -> None:
    with mock.patch.object(document, "_is_simple", return_value=False):
        slow = parse(text.encode(), "f")
    assert parse(text.encode(), "f") == slow
