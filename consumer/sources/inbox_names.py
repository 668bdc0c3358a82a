"""Finds file names as people type them: in another Unicode form, or with other blanks."""

import os
import unicodedata

from schemas.text import escape_invisible

NAMES_SHOWN = 5
SPECIAL_NAMES = frozenset({"", ".", ".."})


class AmbiguousNameError(Exception):
    """Several files match the requested name. The message continues a sentence that begins with the name."""


def resolve_name(requested: str, folder: int) -> str:
    """The name of an entry of `folder` (a descriptor): the exact name, else the only one that looks the same.

    Returns `requested` if nothing matches. Raises AmbiguousNameError and OSError.
    """
    if requested in SPECIAL_NAMES:
        return requested
    try:
        os.stat(requested, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return _only_match(requested, folder)
    return requested


def _only_match(requested: str, folder: int) -> str:
    folded = fold_name(requested)
    try:
        with os.scandir(folder) as entries:
            matches = sorted(entry.name for entry in entries if fold_name(entry.name) == folded)
    except PermissionError:  # a folder may be searchable (x) and not readable (r)
        return requested
    if len(matches) > 1:
        names = ", ".join(f"«{escape_invisible(name)}»" for name in matches[:NAMES_SHOWN])
        raise AmbiguousNameError(
            f"may mean {len(matches)} files of the inbox: {names}. Rename them, or give the exact name."
        )
    return matches[0] if matches else requested


def fold_name(name: str) -> str:
    """A key that is equal for names that look the same: NFC, a space for any blank, no format characters."""
    composed = unicodedata.normalize("NFC", name)
    visible = (
        " " if unicodedata.category(char) == "Zs" else char
        for char in composed
        if unicodedata.category(char) != "Cf"
    )
    return "".join(visible).strip(" ")
