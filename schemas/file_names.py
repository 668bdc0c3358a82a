"""Cleans file names of clients and file systems, so that they are valid as `LongName`."""

import re
import unicodedata

MAX_CHARACTERS = 1_000
"""The limit of `schemas.names.LongName`."""

_SEPARATOR = re.compile(r"[/\\]")


def clean_file_name(raw: str) -> str:
    """The last component of a path with `/` or `\\`; raises ValueError if no printable name is left.

    Letters are composed (NFC), blanks become spaces, other unprintable characters become underscores; both
    are removed at the ends.
    """
    name = printable_name(_SEPARATOR.split(raw)[-1])
    if name in {"", ".", ".."}:
        raise ValueError("The file has no name that can be shown; give it one, such as chats.xlsx.")
    return name


def printable_name(name: str) -> str:
    """The same for a name without folders; empty if it has no printable characters."""
    composed = unicodedata.normalize("NFC", name)
    visible = [index for index, char in enumerate(composed) if char.isprintable() and not char.isspace()]
    if not visible:
        return ""
    inner = composed[visible[0] : visible[-1] + 1]
    return "".join(map(_printable, inner))[:MAX_CHARACTERS].rstrip(" ")


def _printable(char: str) -> str:
    if char.isprintable():
        return char
    return " " if unicodedata.category(char) == "Zs" else "_"
