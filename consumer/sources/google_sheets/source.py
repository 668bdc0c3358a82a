"""A worksheet of Google Sheets as a source: compared with the previous attempt, then read in chunks."""

from collections.abc import Iterator, Mapping
from itertools import chain, zip_longest
from typing import Any

from consumer.cells.chunks import Chunk
from consumer.errors import LayoutError
from consumer.sources.base import SourceConfig, SourceInfo
from consumer.sources.google_sheets import link, user_errors
from consumer.sources.google_sheets.blocks import Block, group_into_blocks
from consumer.sources.google_sheets.cells import Row
from consumer.sources.google_sheets.client import SheetsClient
from consumer.sources.google_sheets.ranges import ConcurrentEditError, RowRange, iter_ranges
from consumer.sources.google_sheets.resumable_blocks import ResumableBlocks, Spool
from consumer.sources.google_sheets.retry import RetryPolicy
from consumer.sources.google_sheets.service_account import ServiceAccount
from consumer.sources.google_sheets.spreadsheet_api import SpreadsheetApi
from consumer.sources.google_sheets.worksheet_state import WorksheetState
from consumer.sources.google_sheets.worksheets import Worksheet, choose_worksheet, sheet_names
from consumer.sources.headered_rows import HeaderedRows
from consumer.sources.row_block import RowBlock
from consumer.sources.sheet_names import SheetNames, quote_name
from schemas.codes import ErrorCode, WarningCode

RETRY_POLICY = RetryPolicy()


class GoogleSheetsSource:
    """The rows of one worksheet of a spreadsheet."""

    def __init__(
        self, spec: Mapping[str, Any], config: SourceConfig, policy: RetryPolicy | None = None
    ) -> None:
        self._spec = spec
        self._config = config
        self._policy = policy or RETRY_POLICY
        self._client: SheetsClient | None = None
        self._resumable: ResumableBlocks | None = None
        self._chunks: Iterator[Chunk] = iter(())
        self._total: int | None = None

    def open(self) -> SourceInfo:
        """Read up to the first row below the header, or as far as the previous attempt had read."""
        target = link.parse_link(self._spec["spreadsheet_id"])
        api = self._connect(target.spreadsheet_id)
        worksheets = api.fetch_worksheets()
        sheet = choose_worksheet(worksheets, self._spec.get("worksheet"), target.sheet_id)
        resumable = ResumableBlocks(
            group_into_blocks(_fetch_ranges(api, sheet)), sheet.title, Spool(self._config.temp_dir)
        )
        self._resumable = resumable
        if self._config.state is not None:
            previous = WorksheetState.from_json(self._config.state)
            same_sheet = previous.fingerprint(target.spreadsheet_id, sheet) == self._config.fingerprint
            resumable.resume(previous, same_sheet=same_sheet, is_whole=self._config.reread)
        table = self._start(resumable, sheet_names(worksheets, sheet))
        warnings: dict[str, int] = {WarningCode.NO_HEADER: 1} if table.is_headerless else {}
        fingerprint = resumable.state.fingerprint(target.spreadsheet_id, sheet)
        return SourceInfo(fingerprint, warnings, self.state, table.header.source_columns())

    @property
    def total(self) -> int | None:
        """The number of rows, None until all are read: the API does not count them."""
        return self._total

    @property
    def state(self) -> Mapping[str, Any] | None:
        """The worksheet state as JSON, with the hashes of the blocks returned so far."""
        return None if self._resumable is None else self._resumable.state.to_json()

    def chunks(self) -> Iterator[Chunk]:
        """The nonempty rows below the header."""
        return self._chunks

    def close(self) -> None:
        """Close the connections; spooled files are removed with the job's temporary folder."""
        self._chunks = iter(())
        if self._client is not None:
            self._client.close()
            self._client = None

    def _connect(self, spreadsheet_id: str) -> SpreadsheetApi:
        secrets, policy = self._config.secrets, self._policy
        account = ServiceAccount(
            secrets["account"], self._spec["credentials"], (policy.connect_timeout, policy.read_timeout)
        )
        self._client = SheetsClient(account, secrets["api_url"], self._config.acquire_token, policy)
        return SpreadsheetApi(
            self._client, account.identity, spreadsheet_id, policy, self._config.report_waiting
        )

    def _start(self, resumable: ResumableBlocks, names: SheetNames) -> HeaderedRows:
        rows = (part for block in resumable.blocks() for part in _row_blocks(block, self._config.chunk_rows))
        table = HeaderedRows(rows, self._config.column_spec, names, headerless=True)
        chunks = table.chunks()
        first = next(chunks, None)
        if first is None:
            raise LayoutError(
                ErrorCode.NO_ROWS,
                f"The worksheet {quote_name(names.selected)} has nothing below its header "
                f"in row {table.header.position}. Fill it, or ask for another worksheet.",
            )
        self._chunks = self._count_rows(chain((first,), chunks))
        return table

    def _count_rows(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        rows = 0
        for chunk in chunks:
            rows += len(chunk.positions)
            yield chunk
        self._total = rows


def _fetch_ranges(api: SpreadsheetApi, sheet: Worksheet) -> Iterator[RowRange]:
    try:
        yield from iter_ranges(
            lambda first, last: api.fetch_rows(sheet, first, last), sheet.rows, sheet.columns
        )
    except ConcurrentEditError as error:
        raise user_errors.rows_moved(sheet.title, error.position) from None


def _row_blocks(block: Block, size: int) -> Iterator[RowBlock]:
    for start in range(0, len(block.rows), size):
        rows = block.rows[start : start + size]
        first = block.first + start
        yield RowBlock(range(first, first + len(rows)), _transpose(rows))


def _transpose(rows: list[Row]) -> list[tuple[object, ...]]:
    return list(zip_longest(*rows))
