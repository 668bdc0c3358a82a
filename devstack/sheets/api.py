"""The questions of the Sheets API that are answered here, without a word about HTTP connections."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from devstack.sheets import bodies, ranges
from devstack.sheets.bodies import Answer
from devstack.sheets.book import BeyondGrid, Spreadsheet, across, shown
from devstack.sheets.faults import Asked

PATH = re.compile(r"/v4/spreadsheets/(?P<id>[^/:]+)(?P<rest>|/values:batchGet|/values/(?P<range>[^/]+))")
DIMENSIONS = ("ROWS", "COLUMNS")
RENDERED = ("FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA")


def answer(
    asked: Asked, email: str | None, spreadsheets: Mapping[str, Spreadsheet], url: str, most_rows: int | None
) -> Answer:
    """What Google would say; of values no more than `most_rows` rows."""
    found = PATH.fullmatch(asked.path)
    if found is None or asked.method != "GET":
        return bodies.not_found()
    if email is None:
        return bodies.bad_token()
    book = spreadsheets.get(unquote(found["id"]))
    if book is None:
        return bodies.not_found()
    if email not in book.shared_with:
        return bodies.forbidden()
    if not found["rest"]:
        return bodies.good(book.metadata(url))
    return _values(book, found["range"], asked.query, most_rows)


def _values(
    book: Spreadsheet, one: str | None, query: Mapping[str, Sequence[str]], most_rows: int | None
) -> Answer:
    dimension = _option(query, "majorDimension", DIMENSIONS)
    rendered = _option(query, "valueRenderOption", RENDERED)
    if dimension is None or rendered is None:
        return bodies.invalid("Invalid value at 'major_dimension' or 'value_render_option'")
    wanted = query.get("ranges", []) if one is None else [unquote(one)]
    told = []
    for text in wanted:
        try:
            told.append(_range(book, text, dimension, rendered, most_rows))
        except ranges.NotARange:
            return bodies.invalid(f"Unable to parse range: {text}")
        except BeyondGrid as error:
            return bodies.invalid(f"Range ({text}) {error}")
    if one is None:
        return bodies.good({"spreadsheetId": book.id, "valueRanges": told})
    return bodies.good(told[0])


def _range(
    book: Spreadsheet, text: str, dimension: str, rendered: str, most_rows: int | None
) -> dict[str, Any]:
    sheet, found = book.find(text)
    rows = sheet.values(found)[:most_rows]
    told: dict[str, Any] = {"range": ranges.name(sheet.title, found), "majorDimension": dimension}
    values = rows if dimension == "ROWS" else across(rows)
    if values:
        told["values"] = shown(values) if rendered == "FORMATTED_VALUE" else values
    return told


def _option(query: Mapping[str, Sequence[str]], name: str, known: Sequence[str]) -> str | None:
    given = query.get(name, known)[0]
    return given if given in known else None
