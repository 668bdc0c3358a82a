"""Names of files as people ask for them: spaces for any blank, letters composed or not."""

import os
import unicodedata

from schemas.text import escape_invisible

NAMES_SHOWN = 5
SPECIAL_NAMES = frozenset({"", ".", ".."})


class AmbiguousNameError(Exception):
    """Several names are the one that is asked for; the text says so, without the name."""


def resolve_name(requested: str, folder: int) -> str:
    """The name of an entry of a folder (a descriptor): the very name, or else the only one that looks so.

    Where there is none it is returned as it is. Raises AmbiguousNameError, and OSError.
    """
    if requested in SPECIAL_NAMES:
        return requested
    try:
        os.stat(requested, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return _only_match(requested, folder)
    return requested


def _only_match(requested: str, folder: int) -> str:
    wanted = fold_name(requested)
    try:
        with os.scandir(folder) as entries:
            alike = sorted(entry.name for entry in entries if fold_name(entry.name) == wanted)
    except PermissionError:  # it may be entered and not listed
        return requested
    if len(alike) > 1:
        names = ", ".join(f"«{escape_invisible(name)}»" for name in alike[:NAMES_SHOWN])
        raise AmbiguousNameError(
            f"may mean {len(alike)} files of the inbox: {names}. Rename them, or give the exact name."
        )
    return alike[0] if alike else requested


def fold_name(name: str) -> str:
    """The same for names that look the same: NFC, any blank a space, without unseen characters."""
    composed = unicodedata.normalize("NFC", name)
    seen = (
        " " if unicodedata.category(char) == "Zs" else char
        for char in composed
        if unicodedata.category(char) != "Cf"
    )
    return "".join(seen).strip(" ")
