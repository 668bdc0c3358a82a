"""A worksheet of Google Sheets as a source: found, compared with what was read before, its rows in chunks."""

from collections.abc import Iterator, Mapping
from itertools import chain, zip_longest
from typing import Any

from consumer.errors import LayoutProblem
from consumer.records import Chunk
from consumer.sources.base import Opened, Reading
from consumer.sources.google_sheets import link, problems
from consumer.sources.google_sheets.account import Account
from consumer.sources.google_sheets.blocks import Block, blocks
from consumer.sources.google_sheets.calls import Calls
from consumer.sources.google_sheets.cells import Row
from consumer.sources.google_sheets.client import SheetsClient
from consumer.sources.google_sheets.patience import Patience
from consumer.sources.google_sheets.progress import Progress
from consumer.sources.google_sheets.ranges import RowsMoved, Stretch, stretches
from consumer.sources.google_sheets.spool import Spool
from consumer.sources.google_sheets.state import State
from consumer.sources.google_sheets.worksheets import Worksheet, choose, sheet_names
from consumer.sources.rows import RowBlock
from consumer.sources.sheet_names import SheetNames, quoted
from consumer.sources.table import Table
from schemas.codes import ErrorCode, WarningCode

PATIENCE = Patience()


class GoogleSheetsSource:
    """The rows of one worksheet of a spreadsheet."""

    def __init__(self, spec: Mapping[str, Any], reading: Reading, patience: Patience | None = None) -> None:
        self._spec = spec
        self._reading = reading
        self._patience = patience or PATIENCE
        self._client: SheetsClient | None = None
        self._progress: Progress | None = None
        self._chunks: Iterator[Chunk] = iter(())
        self._total: int | None = None

    def open(self) -> Opened:
        """Read as far as the first row that counts, on a resumed load as far as was read before."""
        asked = link.parse(self._spec["spreadsheet_id"])
        calls = self._calls(asked.spreadsheet)
        worksheets = calls.worksheets()
        sheet = choose(worksheets, self._spec.get("worksheet"), asked.worksheet)
        progress = Progress(blocks(_stretches(calls, sheet)), sheet.title, Spool(self._reading.scratch))
        self._progress = progress
        if self._reading.state is not None:
            before = State.of(self._reading.state)
            is_this = before.fingerprint(asked.spreadsheet, sheet) == self._reading.fingerprint
            progress.resume(before, same_sheet=is_this)
        table = self._begin(progress, sheet_names(worksheets, sheet))
        warnings: dict[str, int] = {WarningCode.NO_HEADER: 1} if table.is_headerless else {}
        fingerprint = progress.state.fingerprint(asked.spreadsheet, sheet)
        return Opened(fingerprint, warnings, self.state, table.header.described())

    @property
    def total(self) -> int | None:
        """How many rows count, once all are read: the API does not tell."""
        return self._total

    @property
    def state(self) -> Mapping[str, Any] | None:
        """The blocks handed out so far."""
        return None if self._progress is None else self._progress.state.kept()

    def chunks(self) -> Iterator[Chunk]:
        """The rows below the header which count."""
        return self._chunks

    def close(self) -> None:
        """Let go of the connections; the spool goes with the scratch folder."""
        self._chunks = iter(())
        if self._client is not None:
            self._client.close()
            self._client = None

    def _calls(self, spreadsheet: str) -> Calls:
        secrets, patience = self._reading.secrets, self._patience
        account = Account(secrets["account"], self._spec["credentials"], (patience.connect, patience.silence))
        self._client = SheetsClient(account, secrets["api_url"], self._reading.draw, patience)
        return Calls(self._client, account.who, spreadsheet, patience, self._reading.wait)

    def _begin(self, progress: Progress, names: SheetNames) -> Table:
        rows = (part for block in progress.blocks() for part in _parts(block, self._reading.chunk_rows))
        table = Table(rows, self._reading.fields, names, headerless=True)
        chunks = table.chunks()
        first = next(chunks, None)
        if first is None:
            raise LayoutProblem(
                ErrorCode.NO_ROWS,
                f"The worksheet {quoted(names.read)} has nothing below its header "
                f"in row {table.header.position}. Fill it, or ask for another worksheet.",
            )
        self._chunks = self._counted(chain((first,), chunks))
        return table

    def _counted(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        rows = 0
        for chunk in chunks:
            rows += len(chunk.positions)
            yield chunk
        self._total = rows


def _stretches(calls: Calls, sheet: Worksheet) -> Iterator[Stretch]:
    try:
        yield from stretches(lambda first, last: calls.rows(sheet, first, last), sheet.rows, sheet.columns)
    except RowsMoved as moved:
        raise problems.rows_moved(sheet.title, moved.position) from None


def _parts(block: Block, size: int) -> Iterator[RowBlock]:
    for start in range(0, len(block.rows), size):
        rows = block.rows[start : start + size]
        first = block.first + start
        yield RowBlock(range(first, first + len(rows)), _columns(rows))


def _columns(rows: list[Row]) -> list[tuple[object, ...]]:
    return list(zip_longest(*rows))
