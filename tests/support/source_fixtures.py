"""Places that hold the same rows for each kind of source: a workbook, a table, a worksheet.

Rows are given as a sheet shows them, the header among them; None is an empty row.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import asyncpg

from consumer.cells.chunks import Cell
from devstack.fake_sheets.server import FakeSheetsServer, FakeWorksheet
from tests.support.tiny_dataset import FIELDS

Row = Sequence[Cell]
WriteWorkbook = Callable[[Path, Sequence[Row]], Path]

APPLICATION_NAME = "chat-migration source"
SESSIONS_SQL = (
    f"from pg_stat_activity where datname = current_database() and application_name = '{APPLICATION_NAME}'"
)
FIRST_HEADERS = tuple(headers[0] for headers in FIELDS.headers.values())
FIELD_BY_HEADER = {header: field for field, headers in FIELDS.headers.items() for header in headers}


class SourceFixture(Protocol):
    """A source of one kind that holds rows; `spec` finds it, with `secrets`."""

    spec: dict[str, Any]
    secrets: dict[str, Any]

    def write_rows(self, rows: Sequence[Row | None]) -> None:
        """Hold these rows and no others."""
        ...

    def remove_row(self, position: int) -> None:
        """Take the row at a position away, as its owner would."""
        ...

    def append_row(self, row: Row) -> None:
        """Put a row behind the last."""
        ...

    def go_down(self) -> None:
        """Disconnect current readers and accept no new ones until `come_up`."""
        ...

    def come_up(self) -> None:
        """Accept readers again after `go_down`."""
        ...

    def delete(self) -> None:
        """Be gone for good."""
        ...

    def connection_count(self) -> int:
        """How many readers it is connected to."""
        ...

    def rejected_record(self, position: int, row: Row) -> dict[str, Any]:
        """What a rejected row is listed as."""
        ...

    def close(self) -> None:
        """Leave nothing behind."""
        ...


def is_blank(row: Row | None) -> bool:
    """Whether the row has no visible cell."""
    return row is None or not any(str(cell).strip(" \u200b") for cell in row if cell is not None)


class WorkbookFixture:
    """A file in the inbox."""

    def __init__(self, inbox: Path, write: WriteWorkbook) -> None:
        self.secrets: dict[str, Any] = {}
        self.spec: dict[str, Any] = {"type": "excel", "file": {"path": "chats"}}
        self._path = inbox / "chats"
        self._write = write
        self._rows: list[Row | None] = []

    def write_rows(self, rows: Sequence[Row | None]) -> None:
        """Rewrite the file."""
        self._rows = list(rows)
        self._path.unlink(missing_ok=True)
        self._write(self._path, [row or (None,) for row in rows])

    def remove_row(self, position: int) -> None:
        """The rows below move up."""
        self.write_rows([*self._rows[: position - 1], *self._rows[position:]])

    def append_row(self, row: Row) -> None:
        """Write it whole."""
        self.write_rows([*self._rows, row])

    def go_down(self) -> None:
        """The file is moved away."""
        self._path.rename(self._path.with_name("away"))

    def come_up(self) -> None:
        """The file is moved back."""
        self._path.with_name("away").rename(self._path)

    def delete(self) -> None:
        """The file is removed."""
        self._path.unlink()

    def connection_count(self) -> int:
        """Nothing is connected to a file."""
        return 0

    def rejected_record(self, position: int, row: Row) -> dict[str, Any]:
        """By header."""
        return dict(zip(FIRST_HEADERS, row, strict=True))

    def close(self) -> None:
        """The folder goes with the test."""


class WorksheetFixture:
    """A worksheet at the stand-in for Google."""

    def __init__(self) -> None:
        self.spec: dict[str, Any] = {
            "type": "google_sheets",
            "spreadsheet_id": "1AbCdEfGhIjKlMnOpQrStUvWxYz",
            "credentials": "default",
        }
        self._rows: list[Row | None] = []
        self._google = FakeSheetsServer()
        account = self._google.new_account("robot")
        self._email = account["client_email"]
        self._port = int(self._google.url.rpartition(":")[2])
        self.secrets: dict[str, Any] = {"account": account, "api_url": self._google.url}

    def write_rows(self, rows: Sequence[Row | None]) -> None:
        """Replace the spreadsheet."""
        self._rows = list(rows)
        cells: list[Any] = [list(row or ()) for row in rows]
        sheets = [FakeWorksheet("Чаты", cells)]
        self._google.add_spreadsheet(
            self.spec["spreadsheet_id"], "Таблица", sheets, shared_with=[self._email]
        )

    def remove_row(self, position: int) -> None:
        """The rows below move up."""
        self.write_rows([*self._rows[: position - 1], *self._rows[position:]])

    def append_row(self, row: Row) -> None:
        """Below the last row."""
        self.write_rows([*self._rows, row])

    def go_down(self) -> None:
        """Close the port."""
        self._google.close()

    def come_up(self) -> None:
        """The same at the same address."""
        self._google = FakeSheetsServer(self._port)
        self._google.new_account("robot")
        self.write_rows(self._rows)

    def delete(self) -> None:
        """The spreadsheet is removed."""
        self._google.remove_spreadsheet(self.spec["spreadsheet_id"])

    def connection_count(self) -> int:
        """Connections of HTTP."""
        return self._google.connections

    def rejected_record(self, position: int, row: Row) -> dict[str, Any]:
        """By header."""
        return dict(zip(FIRST_HEADERS, row, strict=True))

    def close(self) -> None:
        """End the server."""
        self._google.close()


class TableFixture:
    """A table of another database; row numbers are ids, and rows of other datasets are in between."""

    def __init__(self, dsn: str) -> None:
        self.spec: dict[str, Any] = {"type": "database", "connection": "old"}
        self.secrets: dict[str, Any] = {"dsn": dsn}
        self._columns: list[str] = []
        self._last = 0

    def write_rows(self, rows: Sequence[Row | None]) -> None:
        """The header names the columns; cells above it and blank rows make no row."""
        header = next(row for row in rows if row and any(cell in FIELD_BY_HEADER for cell in row))
        self._columns = [FIELD_BY_HEADER.get(str(cell), f"other_{i}") for i, cell in enumerate(header)]
        below = enumerate(rows[rows.index(header) + 1 :], rows.index(header) + 2)
        records = [self._to_record(id_, row) for id_, row in below if row is not None and not is_blank(row)]
        self._last = len(rows)
        self._run(self._make(records))

    def remove_row(self, position: int) -> None:
        """No other row moves."""
        self._execute("delete from chats where id = $1", position)

    def append_row(self, row: Row) -> None:
        """A row with a higher id."""
        self._last += 1
        self._run(self._insert([self._to_record(self._last, row)]))

    def go_down(self) -> None:
        """The server ends the connection."""
        self._execute(f"select pg_terminate_backend(pid) {SESSIONS_SQL}")

    def come_up(self) -> None:
        """Nothing to do: the server kept running."""

    def delete(self) -> None:
        """The table is dropped."""
        self._execute("drop table chats")

    def connection_count(self) -> int:
        """Sessions of the reader."""
        return int(self._execute(f"select count(*) {SESSIONS_SQL}"))

    def rejected_record(self, position: int, row: Row) -> dict[str, Any]:
        """By column."""
        return {"id": position} | dict(zip(self._columns, map(_to_text, row), strict=True))

    def close(self) -> None:
        """The database goes with the test."""

    def _to_record(self, id_: int, row: Row) -> tuple[Any, ...]:
        cells = [_to_text(cell) for cell in row] + [None] * (len(self._columns) - len(row))
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
        return self._run(self._sql(query, *values))

    @staticmethod
    def _run(work: Any) -> Any:
        with ThreadPoolExecutor(1) as apart:
            return apart.submit(asyncio.run, work).result()


def _to_text(cell: Cell) -> str | None:
    return None if cell is None else str(cell)
