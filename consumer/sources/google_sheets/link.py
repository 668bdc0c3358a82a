"""Parses the spreadsheet of a request: an id, or a link from a browser's address bar."""

import re
from dataclasses import dataclass

from consumer.errors import UnresolvableRequestError
from schemas.codes import ErrorCode

ID = re.compile(r"[A-Za-z0-9_-]+")
LINK = re.compile(
    r"https?://docs\.google\.com/(?:[^?#]*/)?spreadsheets/(?:u/\d+/)?d/(e/)?([A-Za-z0-9_-]+)(?:[/?#]|$)"
)
GID = re.compile(r"[?&#]gid=(\d+)")


@dataclass(frozen=True, slots=True)
class SpreadsheetLink:
    """A spreadsheet, and the worksheet's number if the link has one (`gid=`)."""

    spreadsheet_id: str
    sheet_id: int | None = None


def parse_link(text: str) -> SpreadsheetLink:
    """Parse an id or a link. Raises UnresolvableRequestError: `source_unreadable`."""
    trimmed = text.strip()
    if ID.fullmatch(trimmed):
        return SpreadsheetLink(trimmed)
    link = LINK.match(trimmed)
    if link is None:
        raise _invalid_link(
            "The source is neither the id of a Google spreadsheet nor its link, which holds "
            "/spreadsheets/d/…. Copy the link from the browser's address bar."
        )
    if link[1]:
        raise _invalid_link(
            "The source is the link of a published copy, which cannot be read like the spreadsheet itself. "
            "Open the spreadsheet and copy the link from the browser's address bar."
        )
    numbers = GID.findall(trimmed)
    return SpreadsheetLink(link[2], int(numbers[-1]) if numbers else None)


def _invalid_link(message: str) -> UnresolvableRequestError:
    return UnresolvableRequestError(ErrorCode.SOURCE_UNREADABLE, message)
