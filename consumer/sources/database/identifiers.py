"""Names of tables and columns: quoted for SQL, parsed from requests, shown in messages."""

import re
from collections.abc import Iterator

_QUOTED = r'"(?:[^"]|"")+"'
_TABLE_NAME = re.compile(rf"(?:(?P<schema>{_QUOTED}|[^.\"]+)\.)?(?P<table>{_QUOTED}|[^\"]+)", re.DOTALL)


def quote_identifier(name: str) -> str:
    """The name as a quoted identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def qualified_name(schema: str, table: str) -> str:
    """Schema and table as quoted identifiers of SQL."""
    return f"{quote_identifier(schema)}.{quote_identifier(table)}"


def possible_names(requested: str) -> Iterator[tuple[str | None, str]]:
    """Schema (None: the search path) and table that a text may mean, the most likely first.

    Names in double quotes may contain dots. If no such table exists, the quotes may be part of the name.
    """
    quoted = _TABLE_NAME.fullmatch(requested)
    if quoted and '"' in requested:
        schema = quoted["schema"]
        yield None if schema is None else _unquoted(schema), _unquoted(quoted["table"])
    schema, dot, table = requested.partition(".")
    yield (schema, table) if dot else (None, requested)


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def display_name(schema: str, table: str) -> str:
    """A table for messages: quoted only if `possible_names` would read it as another name."""
    plain = f"{schema}.{table}"
    return (
        plain
        if next(possible_names(plain)) == (schema, table)
        else ".".join(map(quote_identifier, (schema, table)))
    )
