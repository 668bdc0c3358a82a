"""Which spreadsheet a request means: a bare id, or a link as browsers show it."""

import re
from dataclasses import dataclass

from consumer.errors import RequestRefused
from schemas.codes import ErrorCode

ID = re.compile(r"[A-Za-z0-9_-]+")
LINK = re.compile(
    r"https?://docs\.google\.com/(?:[^?#]*/)?spreadsheets/(?:u/\d+/)?d/(e/)?([A-Za-z0-9_-]+)(?:[/?#]|$)"
)
WORKSHEET = re.compile(r"[?&#]gid=(\d+)")


@dataclass(frozen=True, slots=True)
class Link:
    """A spreadsheet, and the number of the worksheet the link shows, where it says one."""

    spreadsheet: str
    worksheet: int | None = None


def parse(text: str) -> Link:
    """The spreadsheet that an id or a link means; raises RequestRefused."""
    bare = text.strip()
    if ID.fullmatch(bare):
        return Link(bare)
    found = LINK.match(bare)
    if found is None:
        raise _refused(
            "The source is neither the id of a Google spreadsheet nor its link, which holds "
            "/spreadsheets/d/…. Copy the link from the browser's address bar."
        )
    if found[1]:
        raise _refused(
            "The source is the link of a published copy, which cannot be read like the spreadsheet itself. "
            "Open the spreadsheet and copy the link from the browser's address bar."
        )
    numbers = WORKSHEET.findall(bare)
    return Link(found[2], int(numbers[-1]) if numbers else None)


def _refused(message: str) -> RequestRefused:
    return RequestRefused(ErrorCode.SOURCE_UNREADABLE, message)
