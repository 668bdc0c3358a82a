"""Names of tables and columns on their way into SQL: quoted here, and nowhere else."""


def quote(name: str) -> str:
    """The name as an identifier that means exactly this name."""
    return '"' + name.replace('"', '""') + '"'


def qualified(schema: str, table: str) -> str:
    """A table as SQL names it."""
    return f"{quote(schema)}.{quote(table)}"
