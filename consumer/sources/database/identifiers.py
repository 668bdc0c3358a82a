"""Names of tables and columns: as SQL takes them, as people ask for them, and as sentences spell them."""

import re
from collections.abc import Iterator

_QUOTED = r'"(?:[^"]|"")+"'
_TABLE_NAME = re.compile(rf"(?:(?P<schema>{_QUOTED}|[^.\"]+)\.)?(?P<table>{_QUOTED}|[^\"]+)", re.DOTALL)


def quote_identifier(name: str) -> str:
    """The name as an identifier that means exactly this name."""
    return '"' + name.replace('"', '""') + '"'


def qualified_name(schema: str, table: str) -> str:
    """A table as SQL names it."""
    return f"{quote_identifier(schema)}.{quote_identifier(table)}"


def possible_names(requested: str) -> Iterator[tuple[str | None, str]]:
    """Schema (None: that of the search path) and table that a text may mean, the likeliest first.

    Names in double quotes may hold dots. Where there is no such table, the quotes may be part of its name.
    """
    spelling = _TABLE_NAME.fullmatch(requested)
    if spelling and '"' in requested:
        schema = spelling["schema"]
        yield None if schema is None else _unquoted(schema), _unquoted(spelling["table"])
    schema, dot, table = requested.partition(".")
    yield (schema, table) if dot else (None, requested)


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def display_name(schema: str, table: str) -> str:
    """A table as people name it: quoted only where `possible_names` would take it for another one."""
    plain = f"{schema}.{table}"
    return (
        plain
        if next(possible_names(plain)) == (schema, table)
        else ".".join(map(quote_identifier, (schema, table)))
    )
