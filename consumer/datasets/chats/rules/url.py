"""Links to chats. A link is kept as written: it is the key a chat is known by."""

import re

from consumer.datasets.chats.rules.blanks import has_blank, trimmed
from consumer.datasets.chats.rules.text import NOT_STORABLE, as_text, storable
from consumer.datasets.chats.rules.verdict import Clean, Verdict, Wrong, missing
from consumer.records import Cell
from schemas.codes import RejectCode

URL_BYTES = 2_048
LINK = re.compile(
    r"(?i:https?)://"
    r"(?:[^/?#\\@]*@)?"  # user
    r"(?:\[[0-9a-fA-F:.]+\]|[^/?#\\@:\[\]]*\w[^/?#\\@:\[\]]*)"  # host
    r"(?::(?P<port>[0-9]{0,5}))?"
    r"(?:[/?#].*)?",
    re.DOTALL,
)

BLANK_INSIDE = Wrong(RejectCode.URL, "must not have a blank inside")
NO_LINK = Wrong(RejectCode.URL, "must be a link that begins with http:// or https:// and a host")
TOO_LONG = Wrong(RejectCode.URL, f"must have at most {URL_BYTES} bytes")


def url(cell: Cell) -> Verdict:
    """An http or https link with a host, no blank inside, at most 2,048 bytes."""
    if not isinstance(cell, str):
        written = as_text(cell)
        return missing(cell) if isinstance(written, Clean) and not written.value else NO_LINK
    if not storable(cell):
        return NOT_STORABLE
    link = trimmed(cell)
    if len(link) > URL_BYTES:
        return TOO_LONG
    return _link(link) if link else missing(cell)


def _link(link: str) -> Verdict:
    if len(link.encode()) > URL_BYTES:
        return TOO_LONG
    if has_blank(link):
        return BLANK_INSIDE
    match = LINK.fullmatch(link)
    return Clean(link) if match and int(match["port"] or 0) < 65_536 else NO_LINK
