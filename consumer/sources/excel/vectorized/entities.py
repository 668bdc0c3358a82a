"""Decodes raw texts of XML, many at once: entities and line ends, then trimming and escapes."""

import re
from collections.abc import Sequence
from itertools import repeat

from consumer.sources.excel.reader_protocol import UnsupportedByReaderError
from consumer.sources.excel.xlsx.rich_text import trim_and_unescape
from consumer.sources.excel.xml.bounded_parser import XML_WHITESPACE

NEEDS_DECODING = ("&", "\r", "_x00")
"""A text without any of these needs only trimming."""
ENTITY = re.compile("&(?:(amp|lt|gt|quot|apos)|#([0-9]{1,7})|#x([0-9a-fA-F]{1,6}));|&")
NAMED_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


def decode_texts(texts: Sequence[str], *, preserve_space: bool = False) -> list[str]:
    """Decode raw texts of `t` elements. Raises UnsupportedByReaderError for an unknown entity."""
    joined = "".join(texts)
    if any(mark in joined for mark in NEEDS_DECODING):
        return [trim_and_unescape(decode_entities(text), preserve_space=preserve_space) for text in texts]
    return list(texts) if preserve_space else list(map(str.strip, texts, repeat(XML_WHITESPACE)))


def decode_entities(text: str) -> str:
    """Normalise line ends (XML 1.0, 2.11), and decode `&amp;`, `&#10;` and the like.

    Raises UnsupportedByReaderError for any other reference.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return ENTITY.sub(_character, text) if "&" in text else text


def _character(match: re.Match[str]) -> str:
    name, decimal, hexadecimal = match.groups()
    if name:
        return NAMED_ENTITIES[name]
    code = int(decimal) if decimal else int(hexadecimal or "0", 16)
    if (code < 32 and code not in {9, 10, 13}) or 0xD800 <= code <= 0xDFFF or code > 0x10FFFD:
        raise UnsupportedByReaderError("a text refers to an invalid character")
    return chr(code)
