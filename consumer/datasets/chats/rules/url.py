"""Links to chats, stored as written: the link is the key of a chat."""

import re

from consumer.cells.blanks import has_blank, strip_blanks
from consumer.cells.chunks import Cell
from consumer.cells.texts import is_storable
from consumer.datasets.chats.rules.result import Invalid, RuleResult, Valid, missing_value
from consumer.datasets.chats.rules.text import NOT_STORABLE, as_text
from schemas.codes import RejectCode

MAX_URL_BYTES = 2_048
URL_PATTERN = re.compile(
    r"(?i:https?)://"
    r"(?:[^/?#\\@]*@)?"  # user
    r"(?:\[[0-9a-fA-F:.]+\]|[^/?#\\@:\[\]]*\w[^/?#\\@:\[\]]*)"  # host
    r"(?::(?P<port>[0-9]{0,5}))?"
    r"(?:[/?#].*)?",
    re.DOTALL,
)

BLANK_INSIDE = Invalid(RejectCode.URL, "must not have a blank inside")
NOT_A_URL = Invalid(RejectCode.URL, "must be a link that begins with http:// or https:// and a host")
URL_TOO_LONG = Invalid(RejectCode.URL, f"must have at most {MAX_URL_BYTES} bytes")


def url(cell: Cell) -> RuleResult:
    """An http or https link with a host, without blanks inside, of at most MAX_URL_BYTES."""
    if not isinstance(cell, str):
        written = as_text(cell)
        return missing_value(cell) if isinstance(written, Valid) and not written.value else NOT_A_URL
    if not is_storable(cell):
        return NOT_STORABLE
    link = strip_blanks(cell)
    if len(link) > MAX_URL_BYTES:
        return URL_TOO_LONG
    return _validate_url(link) if link else missing_value(cell)


def _validate_url(value: str) -> RuleResult:
    if len(value.encode()) > MAX_URL_BYTES:
        return URL_TOO_LONG
    if has_blank(value):
        return BLANK_INSIDE
    match = URL_PATTERN.fullmatch(value)
    return Valid(value) if match and int(match["port"] or 0) < 65_536 else NOT_A_URL
