"""Texts as XML of a workbook: every text that Postgres stores comes back as it was."""

import re

MAX_CELL_UNITS = 32_767
"""UTF-16 code units in a cell; Excel reports a file with a longer text as damaged."""
_SPECIAL = re.compile('[&<>"\x00-\x1f\ufffe\uffff]|_x[0-9a-fA-F]{4}_|^\\s|\\s$')
_EXCEL_ESCAPE = re.compile("_(?=x[0-9a-fA-F]{4}_)")
_NOT_XML = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")
"""Characters that XML cannot contain, and the carriage return, which its parsers turn into a line feed."""


def text_element(text: str) -> str:
    """A `<t>` element with the text, cut after MAX_CELL_UNITS."""
    if len(text) > MAX_CELL_UNITS // 2:
        text = _cut(text)
    if _SPECIAL.search(text) is None:
        return f"<t>{text}</t>"
    return f'<t xml:space="preserve">{escape(text)}</t>'


def escape(text: str) -> str:
    """The text as content of an element or attribute.

    What XML cannot contain becomes `_xHHHH_`, as Excel writes it.
    """
    text = _EXCEL_ESCAPE.sub("_x005F_", text)
    text = _NOT_XML.sub(lambda match: f"_x{ord(match[0]):04X}_", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def is_cut(text: str) -> bool:
    """Whether a cell cannot contain the whole text."""
    return len(text) > MAX_CELL_UNITS // 2 and _utf16_units(text) > MAX_CELL_UNITS


def _cut(text: str) -> str:
    """The beginning of the text, whole characters of at most MAX_CELL_UNITS."""
    if _utf16_units(text) <= MAX_CELL_UNITS:
        return text
    return text.encode("utf-16-le")[: 2 * MAX_CELL_UNITS].decode("utf-16-le", errors="ignore")


def _utf16_units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
