"""File names as messages carry them: what a client or a file system calls a file, made fit for `LongName`."""

import re
import unicodedata

MAX_CHARACTERS = 1_000
"""The limit of `schemas.names.LongName`."""

_SEPARATOR = re.compile(r"[/\\]")


def clean_file_name(raw: str) -> str:
    """The base name of what a client sent, with either separator; raises ValueError with a sentence.

    Letters are composed (NFC), blanks become spaces, other unprintable characters underscores, and both are
    removed at the ends.
    """
    name = printable_name(_SEPARATOR.split(raw)[-1])
    if name in {"", ".", ".."}:
        raise ValueError("The file has no name that can be shown; give it one, such as chats.xlsx.")
    return name


def printable_name(name: str) -> str:
    """The same for a name that is known to hold no folders; empty where nothing in it can be shown."""
    composed = unicodedata.normalize("NFC", name)
    visible = [at for at, char in enumerate(composed) if char.isprintable() and not char.isspace()]
    if not visible:
        return ""
    inner = composed[visible[0] : visible[-1] + 1]
    return "".join(map(_printable, inner))[:MAX_CHARACTERS].rstrip(" ")


def _printable(char: str) -> str:
    if char.isprintable():
        return char
    return " " if unicodedata.category(char) == "Zs" else "_"
