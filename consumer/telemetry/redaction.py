"""Makes text safe for logs, events and error messages: no phones, no characters that Postgres rejects."""

import re

from schemas.text import MAX_MESSAGE_CHARS, shorten_message

_DATE = r"\d{4}-\d\d-\d\d(?!\d)|\d\d?\.\d\d?\.\d{4}(?!\d)|(?:19|20)\d{12}(?!\d)"
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_IPV4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}(?!\.?\d)"
_INNER_CHAR = (
    r"(?:[\d()\-‐-―]|[^\S\r\n]|\.(?!0(?!\d)))"  # a spreadsheet may have turned it into a number with .0
)
_PHONE = re.compile(rf"(?<![\da-fA-F-])(?<!\d\.)(?!{_DATE}|{_IPV4})\+?\d{_INNER_CHAR}{{8,30}}\d(?![\w-])")
"""Ten digits or more, in any notation; no date, no IPv4 address, no part of a UUID or a hash."""
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def redact_phones(text: str) -> str:
    """Replace all but the last two digits of each phone by `…`."""
    return _PHONE.sub(lambda match: "…" + match.group()[-2:], text)


def sanitize(text: str) -> str:
    """Text without phones that Postgres accepts, at most MAX_MESSAGE_CHARS characters.

    It is shortened before the redaction as well, but to twice that length, so that no phone in the result
    was cut and thereby missed.
    """
    return shorten_message(redact_phones(_UNSTORABLE.sub("�", shorten_message(text, 2 * MAX_MESSAGE_CHARS))))
