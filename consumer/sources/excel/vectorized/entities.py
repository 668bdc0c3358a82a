"""Texts as they stand in the bytes of XML, many at once: characters for entities, then as in all cells."""

import re
from collections.abc import Sequence
from itertools import repeat

from consumer.sources.excel.reader import UnsupportedByReaderError
from consumer.sources.excel.rich_text import BLANKS, trim_and_unescape

NEEDS_DECODING = ("&", "\r", "_x00")
"""Where none of these is, a text is as it stands in the XML, but for blanks around it."""
ENTITY = re.compile("&(?:(amp|lt|gt|quot|apos)|#([0-9]{1,7})|#x([0-9a-fA-F]{1,6}));|&")
NAMED_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


def decode_texts(texts: Sequence[str], *, preserve_space: bool = False) -> list[str]:
    """The texts of `t` elements that hold no others, as they stand in the XML."""
    joined = "".join(texts)
    if any(mark in joined for mark in NEEDS_DECODING):
        return [trim_and_unescape(decode_entities(text), preserve_space=preserve_space) for text in texts]
    return list(texts) if preserve_space else list(map(str.strip, texts, repeat(BLANKS)))


def decode_entities(text: str) -> str:
    """Line ends as XML wants them, and characters for `&amp;` or `&#10;`; Unusual for anything else."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return ENTITY.sub(_character, text) if "&" in text else text


def _character(found: re.Match[str]) -> str:
    name, decimal, hexadecimal = found.groups()
    if name:
        return NAMED_ENTITIES[name]
    code = int(decimal) if decimal else int(hexadecimal or "0", 16)
    if (code < 32 and code not in {9, 10, 13}) or 0xD800 <= code <= 0xDFFF or code > 0x10FFFD:
        raise UnsupportedByReaderError("a text refers to a character that cannot be")
    return chr(code)
