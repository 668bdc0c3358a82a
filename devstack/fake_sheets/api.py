"""Requests of the Sheets API that the stand-in supports, and their responses; HTTP itself is in `handler`."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from devstack.fake_sheets import ranges, responses
from devstack.fake_sheets.faults import CapturedRequest
from devstack.fake_sheets.responses import ApiResponse
from devstack.fake_sheets.spreadsheets import BeyondGridError, FakeSpreadsheet, formatted_values, transpose

PATH = re.compile(r"/v4/spreadsheets/(?P<id>[^/:]+)(?P<rest>|/values:batchGet|/values/(?P<range>[^/]+))")
DIMENSIONS = ("ROWS", "COLUMNS")
VALUE_RENDER_OPTIONS = ("FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA")


def respond(
    request: CapturedRequest,
    email: str | None,
    spreadsheets: Mapping[str, FakeSpreadsheet],
    url: str,
    max_rows: int | None,
) -> ApiResponse:
    """The response to a request by the account `email`; values are cut after `max_rows` rows."""
    match = PATH.fullmatch(request.path)
    if match is None or request.method != "GET":
        return responses.not_found()
    if email is None:
        return responses.invalid_token()
    book = spreadsheets.get(unquote(match["id"]))
    if book is None:
        return responses.not_found()
    if email not in book.shared_with:
        return responses.forbidden()
    if not match["rest"]:
        return responses.ok(book.metadata(url))
    return _values(book, match["range"], request.query, max_rows)


def _values(
    book: FakeSpreadsheet, single_range: str | None, query: Mapping[str, Sequence[str]], max_rows: int | None
) -> ApiResponse:
    dimension = _option(query, "majorDimension", DIMENSIONS)
    render_option = _option(query, "valueRenderOption", VALUE_RENDER_OPTIONS)
    if dimension is None or render_option is None:
        return responses.invalid_argument("Invalid value at 'major_dimension' or 'value_render_option'")
    texts = query.get("ranges", []) if single_range is None else [unquote(single_range)]
    value_ranges = []
    for text in texts:
        try:
            value_ranges.append(_value_range(book, text, dimension, render_option, max_rows))
        except ranges.InvalidRangeError:
            return responses.invalid_argument(f"Unable to parse range: {text}")
        except BeyondGridError as error:
            return responses.invalid_argument(f"Range ({text}) {error}")
    if single_range is None:
        return responses.ok({"spreadsheetId": book.id, "valueRanges": value_ranges})
    return responses.ok(value_ranges[0])


def _value_range(
    book: FakeSpreadsheet, text: str, dimension: str, render_option: str, max_rows: int | None
) -> dict[str, Any]:
    sheet, cells = book.resolve_range(text)
    rows = sheet.values(cells)[:max_rows]
    value_range: dict[str, Any] = {
        "range": ranges.format_range(sheet.title, cells),
        "majorDimension": dimension,
    }
    values = rows if dimension == "ROWS" else transpose(rows)
    if values:
        value_range["values"] = formatted_values(values) if render_option == "FORMATTED_VALUE" else values
    return value_range


def _option(query: Mapping[str, Sequence[str]], name: str, allowed: Sequence[str]) -> str | None:
    value = query.get(name, allowed)[0]
    return value if value in allowed else None
