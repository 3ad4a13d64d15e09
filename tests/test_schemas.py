"""The JSON schemas: valid, described, with examples that keep to them, and found wherever they lie."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from pbxsync import schemas
from pbxsync.schema_problems import _EXPLAIN

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUTES = schemas.load("routes")
#: What editors know and JSON Schema doesn't: templates, and what is said of a value that departs from its schema.
EDITORS = {"$comment", "defaultSnippets", "errorMessage", "patternErrorMessage"}


def properties(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property, with its path, anywhere in a schema."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            for name, inner in schema["properties"].items():
                yield f"{path}/{name}", inner
        for key, inner in schema.items():
            yield from properties(inner, f"{path}/{key}")
    elif isinstance(schema, list):
        for number, inner in enumerate(schema):
            yield from properties(inner, f"{path}/{number}")


def subschemas(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schema and every schema in it."""
    yield schema
    for key in ("properties", "$defs"):
        for inner in schema.get(key, {}).values():
            yield from subschemas(inner)
    if isinstance(schema.get("items"), dict):
        yield from subschemas(schema["items"])


@pytest.mark.parametrize("name", schemas.NAMES)
def test_each_schema_is_valid_json_schema_2020_12_with_an_id_of_its_own(name: str) -> None:
    schema = schemas.load(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:pbxsync:schema:{name}:1"


@pytest.mark.parametrize("name", schemas.NAMES)
def test_each_property_of_a_schema_has_a_description(name: str) -> None:
    found = list(properties(schemas.load(name)))
    assert found
    assert [path for path, schema in found if not schema.get("description", "").strip()] == []


def test_each_property_of_the_routes_schema_has_examples_that_keep_to_it() -> None:
    found = [ROUTES, ROUTES["$defs"]["route"], ROUTES["$defs"]["test"], *(schema for _, schema in properties(ROUTES))]
    found += [schema["items"] for schema in found if "description" in schema.get("items", {})]
    assert len(found) >= 20
    for schema in found:
        assert schema["examples"], schema
        validator = Draft202012Validator({**schema, "$defs": ROUTES["$defs"]})
        for example in [*schema["examples"], *([schema["default"]] if "default" in schema else [])]:
            assert list(validator.iter_errors(example)) == []


def test_each_check_of_the_routes_schema_has_words_for_what_departs_from_it() -> None:
    structure = {
        "$schema",
        "$id",
        "$defs",
        "$ref",
        "title",
        "description",
        "examples",
        "default",
        "properties",
        "items",
        *EDITORS,
    }
    used = {key for schema in subschemas(ROUTES) for key in schema} - structure
    assert used == set(_EXPLAIN)


def test_a_default_is_what_a_file_without_the_key_means() -> None:
    defaults = {path: schema["default"] for path, schema in properties(ROUTES) if "default" in schema}
    assert defaults == {
        "/version": 1,
        "/properties/pbx/type": "json",
        "/properties/pbx/fresh_connections": False,
        "/$defs/route/prefix": "",
        "/$defs/route/prepend": "",
        "/$defs/route/callerid": "",
        "/$defs/test/callerid": "",
    }


def test_what_several_fields_share_says_nothing_that_an_editor_would_show_for_each_of_them() -> None:
    shared = {schema["$ref"] for schema in subschemas(ROUTES) if "description" in schema and "$ref" in schema}
    assert len(shared) == 4
    for reference in shared:
        assert not {"title", "description", "examples", "default"} & set(
            ROUTES["$defs"][reference.removeprefix("#/$defs/")]
        )


def test_a_field_that_refers_to_a_definition_has_no_check_of_its_own_beside_it() -> None:
    # An editor would take the two for one of several that may hold, and complete no value.
    for schema in subschemas(ROUTES):
        assert "$ref" not in schema or set(schema) <= {"$ref", "description", "default", "examples"}


def test_every_check_that_a_text_may_fail_has_words_for_an_editor() -> None:
    texts = [schema for schema in subschemas(ROUTES) if "pattern" in schema]
    assert len(texts) == 7
    for schema in texts:
        assert schema["errorMessage"].endswith(".")
        assert schema["patternErrorMessage"].endswith(".")


def fill(body: Any) -> Any:
    """A template's value: ``^`` says that what follows is YAML, ``$1`` is a gap."""
    if isinstance(body, dict):
        return {key: fill(value) for key, value in body.items()}
    if isinstance(body, list):
        return [fill(value) for value in body]
    assert body.startswith("^")
    return yaml.safe_load(re.sub(r"[$][0-9]", "9", body[1:]))


def test_what_a_template_writes_keeps_to_the_schema() -> None:
    found = [(schema, snippet) for schema in subschemas(ROUTES) for snippet in schema.get("defaultSnippets", ())]
    assert len(found) == 3
    for schema, snippet in found:
        assert snippet["label"]
        assert snippet["description"].endswith(".")
        validator = Draft202012Validator({**schema, "$defs": ROUTES["$defs"]})
        assert list(validator.iter_errors(fill(snippet["body"]))) == []


def test_no_pattern_of_any_schema_has_a_dollar_that_lets_a_line_end_pass() -> None:
    for name in schemas.NAMES:
        patterns = [schema["pattern"] for schema in subschemas(schemas.load(name)) if "pattern" in schema]
        assert [pattern for pattern in patterns if "$" in pattern or r"\d" in pattern or r"\w" in pattern] == []


def test_the_schemas_of_a_checkout_are_those_beside_the_package_and_no_name_is_missing() -> None:
    folder = Path(__file__).resolve().parent.parent / "schema"
    assert {path.name for path in folder.iterdir()} == {f"{name}.schema.json" for name in schemas.NAMES}


@pytest.mark.parametrize("place", ["package/schema", "schema"])
def test_a_schema_is_found_in_the_package_and_beside_it(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / place / "routes.schema.json").write_text('{"title": "é"}', encoding="utf-8")
    monkeypatch.setattr(schemas, "_PACKAGE", tmp_path / "package")
    assert schemas.text("routes") == '{"title": "é"}'
    assert schemas.load("routes") == {"title": "é"}


def test_the_schema_in_the_package_goes_before_the_one_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("package/schema", "schema"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "routes.schema.json").write_text(json.dumps({"title": place}), encoding="utf-8")
    monkeypatch.setattr(schemas, "_PACKAGE", tmp_path / "package")
    assert schemas.load("routes") == {"title": "package/schema"}


def test_a_broken_installation_is_told_of_with_the_missing_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schemas, "_PACKAGE", tmp_path / "package")
    with pytest.raises(FileNotFoundError, match=r"routes\.schema\.json is not part of this installation"):
        schemas.text("routes")


def test_the_example_routes_file_names_the_schema_that_editors_complete_from() -> None:
    folder = Path(__file__).resolve().parent.parent
    first = (folder / "routes.example.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=schema/routes.schema.json"
    assert (folder / first.partition("$schema=")[2]).is_file()
