"""JSON Schemas as tables of fields for people: one table for each object, with links between them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas import text

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TypeName:
    """One of the types of a field; `table` is the title of the table that describes it, if any."""

    text: str
    table: str | None = None


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field of an object."""

    name: str
    types: Sequence[TypeName]
    required: bool
    description: str
    limits: Sequence[str]


@dataclass(frozen=True, slots=True)
class SchemaTable:
    """One object. `closed`: fields that are not listed are rejected."""

    title: str
    description: str
    closed: bool
    fields: Sequence[FieldRow]


def build_tables(document: Json, name: str | None = None) -> list[SchemaTable]:
    """The table of a document, or of one of its `$defs`, followed by those of all objects it refers to."""
    definitions: Json = document.get("$defs", {})
    top: Json = definitions[name] if name else document
    queue, tables = [top], dict[str, SchemaTable]()
    while queue:
        schema = queue.pop(0)
        if schema["title"] not in tables:
            tables[schema["title"]] = _build_table(schema, definitions)
            queue += _referenced_objects(schema, definitions)
    return list(tables.values())


def _build_table(schema: Json, definitions: Json) -> SchemaTable:
    required = set(schema.get("required", ()))
    fields = [
        FieldRow(
            name=name,
            types=list(_types(field, definitions)),
            required=name in required,
            description=field.get("description", ""),
            limits=[limit for branch in _subschemas(field) for limit in _constraints(branch)],
        )
        for name, field in schema["properties"].items()
    ]
    return SchemaTable(
        schema["title"], schema.get("description", ""), schema.get("additionalProperties") is False, fields
    )


def _referenced_objects(schema: Json, definitions: Json) -> Iterator[Json]:
    """The objects that the fields of an object refer to."""
    for field in schema["properties"].values():
        for branch in _subschemas(field):
            target = _resolve_reference(branch, definitions)
            if target is not None and "properties" in target:
                yield target


def _subschemas(schema: Json) -> Iterator[Json]:
    """A schema, its alternatives and its items, recursively."""
    yield schema
    inner = [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *filter(None, [schema.get("items")])]
    for branch in inner:
        yield from _subschemas(branch)


def _resolve_reference(schema: Json, definitions: Json) -> Json | None:
    reference = schema.get("$ref")
    if reference is None:
        return None
    target: Json = definitions[reference.removeprefix("#/$defs/")]
    return target


def _types(schema: Json, definitions: Json) -> Iterator[TypeName]:
    target = _resolve_reference(schema, definitions)
    alternatives = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    if target is not None and "properties" in target:
        yield TypeName(target["title"], table=target["title"])
    elif target is not None:
        yield from _types(target, definitions)
    elif alternatives:
        for alternative in alternatives:
            yield from _types(alternative, definitions)
    elif "const" in schema or "enum" in schema:
        for value in schema.get("enum", [schema.get("const")]):
            yield TypeName(json.dumps(value, ensure_ascii=False))
    else:
        yield from _plain_types(schema, definitions)


def _plain_types(schema: Json, definitions: Json) -> Iterator[TypeName]:
    """The name of a type; for arrays and maps including the type of their values."""
    type_name = schema.get("type", "any")
    values = {"array": schema.get("items"), "object": schema.get("additionalProperties")}.get(type_name)
    if not isinstance(values, Mapping):
        yield TypeName(f"{type_name} ({schema['format']})" if "format" in schema else type_name)
        return
    prefix = "array of" if type_name == "array" else "map of string to"
    for value_type in _types(values, definitions):
        yield TypeName(f"{prefix} {value_type.text}", value_type.table)


RANGES = (
    ("minLength", "maxLength", " characters"),
    ("minimum", "maximum", ""),
    ("minItems", "maxItems", " items"),
)
PATTERN_DESCRIPTIONS = {
    text.name_pattern(most): "printable, without blanks around it" for most in (200, 1_000)
}
"""Descriptions of regular expressions that are too long to read."""


def _constraints(schema: Json) -> Iterator[str]:
    """Constraints on a value, its default, and examples, as text."""
    for low, high, unit in RANGES:
        if low in schema or high in schema:
            yield _format_range(schema.get(low), schema.get(high)) + unit
    if "pattern" in schema:
        yield PATTERN_DESCRIPTIONS.get(schema["pattern"]) or f"matches {schema['pattern']}"
    if schema.get("default") is not None and "const" not in schema and "$ref" not in schema:
        yield f"default {json.dumps(schema['default'], ensure_ascii=False)}"
    for example in schema.get("examples", ()):
        yield f"for example {example}"


def _format_range(low: int | None, high: int | None) -> str:
    if low is not None and high is not None:
        return f"{low:,} to {high:,}"
    return f"at least {low:,}" if high is None else f"at most {high:,}"
