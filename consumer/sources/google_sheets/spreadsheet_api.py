"""The two API calls that reading needs, with retries, and their errors as messages for people."""

from collections.abc import Callable
from typing import Any, TypeVar

from gspread.utils import absolute_range_name, rowcol_to_a1

from consumer.sources.google_sheets import user_errors
from consumer.sources.google_sheets.cells import Row, parse_rows
from consumer.sources.google_sheets.client import SheetsClient, translate_errors
from consumer.sources.google_sheets.errors import RequestDeniedError, RetryableError
from consumer.sources.google_sheets.responses import ResponseKind
from consumer.sources.google_sheets.retry import RetryPolicy, with_retries
from consumer.sources.google_sheets.user_errors import AccountIdentity
from consumer.sources.google_sheets.worksheets import Worksheet, parse_worksheets

METADATA_OPTIONS = {
    "includeGridData": "false",
    "fields": "sheets.properties(sheetId,title,index,sheetType,hidden,gridProperties(rowCount,columnCount))",
}
VALUE_OPTIONS = {
    "majorDimension": "ROWS",
    "valueRenderOption": "UNFORMATTED_VALUE",
    "dateTimeRenderOption": "SERIAL_NUMBER",
}
T = TypeVar("T")


class SpreadsheetApi:
    """API calls about one spreadsheet. All raise PermanentError or TransientError."""

    def __init__(
        self,
        client: SheetsClient,
        identity: AccountIdentity,
        spreadsheet_id: str,
        policy: RetryPolicy,
        report_waiting: Callable[[str | None], None],
    ) -> None:
        self._client = client
        self._identity = identity
        self._spreadsheet_id = spreadsheet_id
        self._policy = policy
        self._report_waiting = report_waiting

    def fetch_worksheets(self) -> list[Worksheet]:
        """All worksheets, in the order of their tabs."""

        def fetch() -> list[Worksheet]:
            with translate_errors():  # a body that is not JSON
                return parse_worksheets(
                    self._client.fetch_sheet_metadata(self._spreadsheet_id, dict(METADATA_OPTIONS))
                )

        return self._call(fetch, user_errors.not_a_spreadsheet(self._spreadsheet_id))

    def fetch_rows(self, sheet: Worksheet, first: int, last: int) -> list[Row]:
        """Rows `first` to `last` of a worksheet, without empty rows at the end."""
        corners = f"{rowcol_to_a1(first, 1)}:{rowcol_to_a1(last, sheet.columns)}"
        name = absolute_range_name(sheet.title, corners)

        def fetch() -> list[Row]:
            with translate_errors():
                response: Any = self._client.values_get(self._spreadsheet_id, name, dict(VALUE_OPTIONS))
            rows = parse_rows(response)
            if len(rows) > last - first + 1:
                raise RetryableError("its answer holds more rows than were asked for")
            return rows

        return self._call(fetch, user_errors.grid_changed(sheet.title))

    def _call(self, call: Callable[[], T], bad_request: Exception) -> T:
        try:
            return with_retries(call, self._policy, self._report_waiting)
        except RetryableError as error:
            raise user_errors.unavailable(error) from None
        except RequestDeniedError as error:
            if error.kind is ResponseKind.BAD_REQUEST:
                raise bad_request from None
            raise user_errors.request_denied(error, self._identity, self._spreadsheet_id) from None
