"""The two questions asked of Google, with patience, and its refusals in sentences."""

from collections.abc import Callable
from typing import Any, TypeVar

from gspread.utils import absolute_range_name, rowcol_to_a1

from consumer.sources.google_sheets import problems
from consumer.sources.google_sheets.answers import Verdict
from consumer.sources.google_sheets.cells import Row, rows_of
from consumer.sources.google_sheets.client import SheetsClient, mishaps
from consumer.sources.google_sheets.outcomes import Mishap, Refused
from consumer.sources.google_sheets.patience import Patience, patiently
from consumer.sources.google_sheets.problems import Who
from consumer.sources.google_sheets.worksheets import Worksheet, worksheets

PROPERTIES = {
    "includeGridData": "false",
    "fields": "sheets.properties(sheetId,title,index,sheetType,hidden,gridProperties(rowCount,columnCount))",
}
AS_STORED = {
    "majorDimension": "ROWS",
    "valueRenderOption": "UNFORMATTED_VALUE",
    "dateTimeRenderOption": "SERIAL_NUMBER",
}
Answer = TypeVar("Answer")


class Calls:
    """Questions about one spreadsheet. All raise PermanentError or TransientError."""

    def __init__(
        self,
        client: SheetsClient,
        who: Who,
        spreadsheet: str,
        patience: Patience,
        tell: Callable[[str | None], None],
    ) -> None:
        self._client = client
        self._who = who
        self._spreadsheet = spreadsheet
        self._patience = patience
        self._tell = tell

    def worksheets(self) -> list[Worksheet]:
        """All worksheets, in the order people see them."""

        def ask() -> list[Worksheet]:
            with mishaps():  # a body that is no JSON
                return worksheets(self._client.fetch_sheet_metadata(self._spreadsheet, dict(PROPERTIES)))

        return self._asked(ask, problems.not_a_spreadsheet(self._spreadsheet))

    def rows(self, sheet: Worksheet, first: int, last: int) -> list[Row]:
        """Rows of a worksheet; those at the end that hold nothing are left out."""
        corners = f"{rowcol_to_a1(first, 1)}:{rowcol_to_a1(last, sheet.columns)}"
        name = absolute_range_name(sheet.title, corners)

        def ask() -> list[Row]:
            with mishaps():
                answer: Any = self._client.values_get(self._spreadsheet, name, dict(AS_STORED))
            found = rows_of(answer)
            if len(found) > last - first + 1:
                raise Mishap("its answer holds more rows than were asked for")
            return found

        return self._asked(ask, problems.grid_changed(sheet.title))

    def _asked(self, ask: Callable[[], Answer], wrong_question: Exception) -> Answer:
        try:
            return patiently(ask, self._patience, self._tell)
        except Mishap as mishap:
            raise problems.unavailable(mishap) from None
        except Refused as error:
            if error.verdict is Verdict.WRONG_QUESTION:
                raise wrong_question from None
            raise problems.refused(error, self._who, self._spreadsheet) from None
