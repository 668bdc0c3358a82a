"""Which spreadsheet a request means: a bare id, or a link as browsers show it."""

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
    """A spreadsheet, and the number of the worksheet the link shows, where it says one."""

    spreadsheet_id: str
    sheet_id: int | None = None


def parse_link(text: str) -> SpreadsheetLink:
    """The spreadsheet that an id or a link means; raises UnresolvableRequestError."""
    bare = text.strip()
    if ID.fullmatch(bare):
        return SpreadsheetLink(bare)
    found = LINK.match(bare)
    if found is None:
        raise _invalid_link(
            "The source is neither the id of a Google spreadsheet nor its link, which holds "
            "/spreadsheets/d/…. Copy the link from the browser's address bar."
        )
    if found[1]:
        raise _invalid_link(
            "The source is the link of a published copy, which cannot be read like the spreadsheet itself. "
            "Open the spreadsheet and copy the link from the browser's address bar."
        )
    numbers = GID.findall(bare)
    return SpreadsheetLink(found[2], int(numbers[-1]) if numbers else None)


def _invalid_link(message: str) -> UnresolvableRequestError:
    return UnresolvableRequestError(ErrorCode.SOURCE_UNREADABLE, message)
