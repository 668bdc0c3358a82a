"""Makes text fit for logs, events and error messages: no phones, nothing that cannot be stored."""

import re

from schemas.text import MAX_MESSAGE_CHARS, shorten_message

_DATE = r"\d{4}-\d\d-\d\d(?!\d)|\d\d?\.\d\d?\.\d{4}(?!\d)|(?:19|20)\d{12}(?!\d)"
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_IPV4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}(?!\.?\d)"
_INNER_CHAR = r"(?:[\d()\-‐-―]|[^\S\r\n]|\.(?!0(?!\d)))"  # a spreadsheet may have made a number with .0 of it
_PHONE = re.compile(rf"(?<![\da-fA-F-])(?<!\d\.)(?!{_DATE}|{_IPV4})\+?\d{_INNER_CHAR}{{8,30}}\d(?![\w-])")
"""Ten digits or more, however written; no date, no address of a server, no part of a UUID or a hash."""
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def redact_phones(text: str) -> str:
    """A phone keeps its last two digits."""
    return _PHONE.sub(lambda match: "…" + match.group()[-2:], text)


def sanitize(text: str) -> str:
    """Text that may be shown to anybody and that Postgres stores, at most MAX_MESSAGE_CHARS characters.

    It is bounded before it is masked, but to twice as much: no phone that is returned was cut before.
    """
    return shorten_message(redact_phones(_UNSTORABLE.sub("�", shorten_message(text, 2 * MAX_MESSAGE_CHARS))))
