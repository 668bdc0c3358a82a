"""Places that hold the same rows for each kind of source: a workbook, a table, a worksheet.

Rows are given as a sheet shows them, the header among them; None is an empty row.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import asyncpg

from consumer.records import Cell
from devstack.sheets.server import SheetsServer, Worksheet
from tests.support.tiny_dataset import FIELDS

Row = Sequence[Cell]
Write = Callable[[Path, Sequence[Row]], Path]

APPLICATION = "chat-migration source"
SESSIONS = f"from pg_stat_activity where datname = current_database() and application_name = '{APPLICATION}'"
LABELS = tuple(headers[0] for headers in FIELDS.headers.values())
FIELD_OF = {header: field for field, headers in FIELDS.headers.items() for header in headers}


class Place(Protocol):
    """Where rows lie for one kind of source; `spec` finds them, by means of `secrets`."""

    spec: dict[str, Any]
    secrets: dict[str, Any]

    def put(self, rows: Sequence[Row | None]) -> None:
        """Hold these rows and no others."""
        ...

    def remove(self, position: int) -> None:
        """Take the row at a position away, as its owner would."""
        ...

    def append(self, row: Row) -> None:
        """Put a row behind the last."""
        ...

    def lose(self) -> None:
        """Cut off who reads it now; `restore` lets others read it."""
        ...

    def restore(self) -> None:
        """Be there again after `lose`."""
        ...

    def vanish(self) -> None:
        """Be gone for good."""
        ...

    def connections(self) -> int:
        """How many readers it is connected to."""
        ...

    def record(self, position: int, row: Row) -> dict[str, Any]:
        """What a rejected row is listed as."""
        ...

    def close(self) -> None:
        """Leave nothing behind."""
        ...


def blank(row: Row | None) -> bool:
    """Whether nobody sees anything in the row."""
    return row is None or not any(str(cell).strip(" \u200b") for cell in row if cell is not None)


class Workbook:
    """A file in the inbox."""

    def __init__(self, inbox: Path, write: Write) -> None:
        self.secrets: dict[str, Any] = {}
        self.spec: dict[str, Any] = {"type": "excel", "file": {"path": "chats"}}
        self._path = inbox / "chats"
        self._write = write
        self._rows: list[Row | None] = []

    def put(self, rows: Sequence[Row | None]) -> None:
        """Write the file anew."""
        self._rows = list(rows)
        self._path.unlink(missing_ok=True)
        self._write(self._path, [row or (None,) for row in rows])

    def remove(self, position: int) -> None:
        """The rows below move up."""
        self.put([*self._rows[: position - 1], *self._rows[position:]])

    def append(self, row: Row) -> None:
        """Write it whole."""
        self.put([*self._rows, row])

    def lose(self) -> None:
        """The file is moved away."""
        self._path.rename(self._path.with_name("away"))

    def restore(self) -> None:
        """The file is moved back."""
        self._path.with_name("away").rename(self._path)

    def vanish(self) -> None:
        """The file is removed."""
        self._path.unlink()

    def connections(self) -> int:
        """Nothing is connected to a file."""
        return 0

    def record(self, position: int, row: Row) -> dict[str, Any]:
        """By header."""
        return dict(zip(LABELS, row, strict=True))

    def close(self) -> None:
        """The folder goes with the test."""


class Worksheets:
    """A worksheet at the stand-in for Google."""

    def __init__(self) -> None:
        self.spec: dict[str, Any] = {
            "type": "google_sheets",
            "spreadsheet_id": "1AbCdEfGhIjKlMnOpQrStUvWxYz",
            "credentials": "default",
        }
        self._rows: list[Row | None] = []
        self._google = SheetsServer()
        account = self._google.new_account("robot")
        self._email = account["client_email"]
        self._port = int(self._google.url.rpartition(":")[2])
        self.secrets: dict[str, Any] = {"account": account, "api_url": self._google.url}

    def put(self, rows: Sequence[Row | None]) -> None:
        """Replace the spreadsheet."""
        self._rows = list(rows)
        cells: list[Any] = [list(row or ()) for row in rows]
        sheets = [Worksheet("Чаты", cells)]
        self._google.add(self.spec["spreadsheet_id"], "Таблица", sheets, shared_with=[self._email])

    def remove(self, position: int) -> None:
        """The rows below move up."""
        self.put([*self._rows[: position - 1], *self._rows[position:]])

    def append(self, row: Row) -> None:
        """Below the last row."""
        self.put([*self._rows, row])

    def lose(self) -> None:
        """Nobody listens any more."""
        self._google.close()

    def restore(self) -> None:
        """The same at the same address."""
        self._google = SheetsServer(self._port)
        self._google.new_account("robot")
        self.put(self._rows)

    def vanish(self) -> None:
        """The spreadsheet is removed."""
        self._google.remove(self.spec["spreadsheet_id"])

    def connections(self) -> int:
        """Connections of HTTP."""
        return self._google.connections

    def record(self, position: int, row: Row) -> dict[str, Any]:
        """By header."""
        return dict(zip(LABELS, row, strict=True))

    def close(self) -> None:
        """End the server."""
        self._google.close()


class Table:
    """A table of another database; the number of a row is its id, and rows of others lie in between."""

    def __init__(self, dsn: str) -> None:
        self.spec: dict[str, Any] = {"type": "database", "connection": "old"}
        self.secrets: dict[str, Any] = {"dsn": dsn}
        self._columns: list[str] = []
        self._last = 0

    def put(self, rows: Sequence[Row | None]) -> None:
        """The header names the columns; what is above it, and what nobody sees, makes no row."""
        header = next(row for row in rows if row and any(cell in FIELD_OF for cell in row))
        self._columns = [FIELD_OF.get(str(cell), f"other_{i}") for i, cell in enumerate(header)]
        below = enumerate(rows[rows.index(header) + 1 :], rows.index(header) + 2)
        records = [self._written(id_, row) for id_, row in below if row is not None and not blank(row)]
        self._last = len(rows)
        self._do(self._make(records))

    def remove(self, position: int) -> None:
        """No other row moves."""
        self._execute("delete from chats where id = $1", position)

    def append(self, row: Row) -> None:
        """A row with a higher id."""
        self._last += 1
        self._do(self._insert([self._written(self._last, row)]))

    def lose(self) -> None:
        """The server ends the connection."""
        self._execute(f"select pg_terminate_backend(pid) {SESSIONS}")

    def restore(self) -> None:
        """The server was there all the time."""

    def vanish(self) -> None:
        """The table is dropped."""
        self._execute("drop table chats")

    def connections(self) -> int:
        """Sessions of the reader."""
        return int(self._execute(f"select count(*) {SESSIONS}"))

    def record(self, position: int, row: Row) -> dict[str, Any]:
        """By column."""
        return {"id": position} | dict(zip(self._columns, map(_text, row), strict=True))

    def close(self) -> None:
        """The database goes with the test."""

    def _written(self, id_: int, row: Row) -> tuple[Any, ...]:
        cells = [_text(cell) for cell in row] + [None] * (len(self._columns) - len(row))
        return (id_, "tiny" if id_ % 2 else None, *cells)

    async def _make(self, records: Sequence[tuple[Any, ...]]) -> None:
        columns = "".join(f', "{name}" text' for name in self._columns)
        await self._sql("drop table if exists chats")
        await self._sql(f"create table chats (id bigint primary key, source text{columns})")
        await self._insert([*records, *((id_, "another", *([None] * len(self._columns))) for id_ in (-5, 0))])

    async def _insert(self, records: Sequence[tuple[Any, ...]]) -> None:
        connection = await asyncpg.connect(self.secrets["dsn"])
        try:
            names = ("id", "source", *self._columns)
            await connection.copy_records_to_table("chats", records=records, columns=names)
        finally:
            await connection.close()

    async def _sql(self, query: str, *values: object) -> Any:
        connection = await asyncpg.connect(self.secrets["dsn"])
        try:
            return await connection.fetchval(query, *values)
        finally:
            await connection.close()

    def _execute(self, query: str, *values: object) -> Any:
        return self._do(self._sql(query, *values))

    @staticmethod
    def _do(work: Any) -> Any:
        with ThreadPoolExecutor(1) as apart:
            return apart.submit(asyncio.run, work).result()


def _text(cell: Cell) -> str | None:
    return None if cell is None else str(cell)
