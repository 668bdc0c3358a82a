"""Applies `source.columns` of a request: headers that the requester has mapped to fields of the dataset."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from consumer.datasets.base import ColumnSpec, SourceTable
from consumer.errors import LayoutError, UnresolvableRequestError
from consumer.sources.header import comparison_key
from consumer.sources.header_errors import shortened
from schemas.codes import ErrorCode


def map_columns(column_spec: ColumnSpec, source: Mapping[str, Any]) -> ColumnSpec:
    """The columns to look for in a source, the `source` of a request; raises as `map_headers` does."""
    columns: Mapping[str, str] | None = source.get("columns")
    if not columns:
        return column_spec
    if source["type"] == "database" and column_spec.source_table is not None:
        table = map_table_columns(column_spec.source_table, columns, column_spec.required)
        return replace(column_spec, source_table=table)
    return map_headers(column_spec, columns)


def map_headers(column_spec: ColumnSpec, columns: Mapping[str, str]) -> ColumnSpec:
    """The specification with `columns` (header → field), which come before the known headers.

    A mapped field has no other header, a mapped header no other field, and every mapped header must be there.
    Raises UnresolvableRequestError (`invalid_request`) for an unknown field; LayoutError: `duplicate_column`
    if a field has two headers or a header two fields, `missing_column` if a required field is left without.
    """
    header_by_field = _by_field(columns, column_spec.headers)
    keys = [(comparison_key(header), header) for header in columns]
    _reject_pairs(keys, "`columns` maps one header twice")
    mapped_keys = {key for key, _ in keys}
    known = {
        field: tuple(text for text in texts if comparison_key(text) not in mapped_keys)
        for field, texts in column_spec.headers.items()
    }
    headers = known | {field: (header,) for field, header in header_by_field.items()}
    _require(column_spec.required, [field for field, texts in headers.items() if texts], "header")
    required = tuple(dict.fromkeys((*column_spec.required, *header_by_field)))
    return replace(column_spec, headers=headers, required=required, positional_layout=None)


def map_table_columns(
    table: SourceTable, columns: Mapping[str, str], required: Collection[str]
) -> SourceTable:
    """The table with `columns` (column → field) in place of the usual names; raises as `map_headers` does.

    An optional field whose usual column is mapped to another one is not read.
    """
    column_by_field = _by_field(columns, table.columns)
    names = {
        field: column_by_field.get(field, column)
        for field, column in table.columns.items()
        if field in column_by_field or column not in columns
    }
    _require(required, names, "column")
    return replace(table, columns=names)


def _by_field(columns: Mapping[str, str], fields: Collection[str]) -> dict[str, str]:
    """The mapping reversed; raises for an unknown field, and for one that occurs twice."""
    for header, field in columns.items():
        if field not in fields:
            raise UnresolvableRequestError(
                ErrorCode.INVALID_REQUEST,
                f"`columns` maps «{shortened(header)}» to the field «{shortened(field)}», which this source "
                f"does not have; its fields are {', '.join(fields)}. Name one of them.",
            )
    pairs = [(field, header) for header, field in columns.items()]
    _reject_pairs(pairs, "`columns` maps two headers to one field")
    return dict(pairs)


def _reject_pairs(headers_by_key: Iterable[tuple[str, str]], problem: str) -> None:
    """Raise LayoutError (`duplicate_column`) that names two headers with one key."""
    seen: dict[str, str] = {}
    for key, header in headers_by_key:
        if key in seen:
            raise LayoutError(
                ErrorCode.DUPLICATE_COLUMN,
                f"{problem}: «{shortened(seen[key])}» and «{shortened(header)}». Keep one of the two.",
            )
        seen[key] = header


def _require(required: Iterable[str], present: Collection[str], what: str) -> None:
    for field in required:
        if field not in present:
            raise LayoutError(
                ErrorCode.MISSING_COLUMN,
                f"`columns` maps what is read as {field} to other fields, and leaves no {what} for the field "
                f"{field}. Map the {what} that has it.",
            )
