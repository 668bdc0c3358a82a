"""JSON Schemas as tables: types, limits, and referenced objects."""

from typing import Any

import pytest

from consumer.http.documentation.schema_tables import FieldRow, TypeName, build_tables

DEFINITIONS: dict[str, Any] = {
    "File": {
        "title": "File",
        "type": "object",
        "properties": {"path": {"type": "string", "maxLength": 9}, "inner": {"$ref": "#/$defs/File"}},
        "required": ["path"],
        "additionalProperties": False,
        "description": "A file.",
    },
    "State": {"title": "State", "enum": ["new", "old"], "type": "string"},
}


def field(schema: dict[str, Any]) -> FieldRow:
    """The row of a field with this schema."""
    document = {"title": "Top", "properties": {"one": schema}, "$defs": DEFINITIONS}
    return build_tables(document)[0].fields[0]


@pytest.mark.parametrize(
    ("schema", "types"),
    [
        ({"type": "string"}, ["string"]),
        ({"type": "string", "format": "uuid"}, ["string (uuid)"]),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, ["integer", "null"]),
        ({"const": 1, "type": "integer"}, ["1"]),
        ({"const": "start", "type": "string"}, ['"start"']),
        ({"enum": ["a", "ч"]}, ['"a"', '"ч"']),
        ({"$ref": "#/$defs/State"}, ['"new"', '"old"']),
        ({"type": "array", "items": {"type": "integer"}}, ["array of integer"]),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, ["map of string to integer"]),
        ({"type": "object", "additionalProperties": True}, ["object"]),
        ({"type": "object"}, ["object"]),
        ({}, ["any"]),
    ],
)
def test_types_are_named(schema: dict[str, Any], types: list[str]) -> None:
    assert field(schema).types == [TypeName(text) for text in types]


@pytest.mark.parametrize(
    ("schema", "type_name"),
    [
        ({"$ref": "#/$defs/File"}, TypeName("File", "File")),
        ({"oneOf": [{"$ref": "#/$defs/File"}]}, TypeName("File", "File")),
        ({"type": "array", "items": {"$ref": "#/$defs/File"}}, TypeName("array of File", "File")),
    ],
)
def test_object_is_linked_and_has_one_table(schema: dict[str, Any], type_name: TypeName) -> None:
    document = {"title": "Top", "properties": {"one": schema, "two": schema}, "$defs": DEFINITIONS}
    top, file = build_tables(document)
    assert top.fields[0].types == [type_name]
    assert (file.title, file.description, file.closed, top.closed) == ("File", "A file.", True, False)
    assert [(field_row.name, field_row.required) for field_row in file.fields] == [
        ("path", True),
        ("inner", False),
    ]


@pytest.mark.parametrize(
    ("schema", "limits"),
    [
        ({"type": "string", "minLength": 1, "maxLength": 1000}, ["1 to 1,000 characters"]),
        ({"type": "string", "minLength": 1}, ["at least 1 characters"]),
        ({"type": "integer", "minimum": 0}, ["at least 0"]),
        ({"type": "integer", "maximum": 7}, ["at most 7"]),
        ({"type": "string", "pattern": "^a$"}, ["matches ^a$"]),
        ({"type": "string", "default": "x"}, ['default "x"']),
        ({"anyOf": [{"type": "integer", "maximum": 7}, {"type": "null"}], "default": None}, ["at most 7"]),
        ({"const": 1, "default": 1}, []),
        ({"$ref": "#/$defs/File", "default": {"path": None}}, []),
        ({"type": "string", "examples": ["a", "b"]}, ["for example a", "for example b"]),
    ],
)
def test_limits_are_described(schema: dict[str, Any], limits: list[str]) -> None:
    assert field(schema).limits == limits


def test_definition_is_found_by_name() -> None:
    assert [table.title for table in build_tables({"$defs": DEFINITIONS}, "File")] == ["File"]
