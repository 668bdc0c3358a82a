"""Names of files as people ask for them: spaces for any blank, letters composed or not."""

import os
import unicodedata

from schemas.text import escaped

NAMES_SHOWN = 5
SPECIAL = frozenset({"", ".", ".."})


class SeveralAlikeError(Exception):
    """Several names are the one that is asked for; the text says so, without the name."""


def present_name(asked: str, folder: int) -> str:
    """The name of an entry of a folder (a descriptor): the very name, or else the only one that looks so.

    Where there is none it is returned as it is. Raises SeveralAlikeError, and OSError.
    """
    if asked in SPECIAL:
        return asked
    try:
        os.stat(asked, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return _only_alike(asked, folder)
    return asked


def _only_alike(asked: str, folder: int) -> str:
    wanted = folded(asked)
    try:
        with os.scandir(folder) as entries:
            alike = sorted(entry.name for entry in entries if folded(entry.name) == wanted)
    except PermissionError:  # it may be entered and not listed
        return asked
    if len(alike) > 1:
        names = ", ".join(f"«{escaped(name)}»" for name in alike[:NAMES_SHOWN])
        raise SeveralAlikeError(
            f"may mean {len(alike)} files of the inbox: {names}. Rename them, or give the exact name."
        )
    return alike[0] if alike else asked


def folded(name: str) -> str:
    """The same for names that look the same: NFC, any blank a space, without unseen characters."""
    composed = unicodedata.normalize("NFC", name)
    seen = (
        " " if unicodedata.category(char) == "Zs" else char
        for char in composed
        if unicodedata.category(char) != "Cf"
    )
    return "".join(seen).strip(" ")
