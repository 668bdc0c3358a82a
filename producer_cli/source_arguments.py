"""What a person names as the source, checked for slips before anything is sent."""

import hashlib
import re
import stat
from collections.abc import Iterable
from pathlib import Path

from producer_cli.errors import InvalidInputError
from producer_cli.text import strip_control_chars
from schemas.file_names import printable_name

SPREADSHEET_LINK = re.compile(
    r"^https?://docs\.google\.com/(?:[^?#]*/)?spreadsheets/(?:u/\d+/)?d/(e/)?([A-Za-z0-9_-]+)"
)
WORKSHEET_ID_IN_LINK = re.compile(r"[#&?]gid=(\d+)")


def check_file(file: Path) -> int:
    """The size in bytes of a file that can be sent; raises InvalidInputError saying why it cannot."""
    name = strip_control_chars(str(file))
    try:
        state = file.stat()
        if stat.S_ISDIR(state.st_mode):
            raise InvalidInputError(f"{name} is a folder; name the workbook in it.")
        if not stat.S_ISREG(state.st_mode):
            raise InvalidInputError(f"{name} is not a regular file; save it as a file first.")
        if state.st_size == 0:
            raise InvalidInputError(f"{name} is empty; was it saved, or copied to its end?")
        with file.open("rb"):
            return state.st_size
    except FileNotFoundError as error:
        raise InvalidInputError(f"There is no file {name}; is the name right, and the folder?") from error
    except PermissionError as error:
        raise InvalidInputError(f"{name} may not be read by you; ask for the right, or copy it.") from error
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"{name} cannot be read ({type(error).__name__}).") from error


def file_sha256(file: Path) -> str:
    """The SHA-256 (hex) of a file; raises InvalidInputError if it cannot be read to its end."""
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        name = strip_control_chars(str(file))
        raise InvalidInputError(f"{name} cannot be read ({type(error).__name__}).") from error


def upload_name(file: Path) -> str:
    """The name the file is known by: composed letters, and nothing a person could not type back."""
    return printable_name(file.name) or "_"


def parse_columns(options: Iterable[str]) -> dict[str, str]:
    """Header → field, from texts like `Ссылка MAX=url`; raises InvalidInputError saying which is wrong.

    A header may hold equal signs; a field does not.
    """
    columns: dict[str, str] = {}
    for option in options:
        header, separator, field = option.rpartition("=")
        shown = strip_control_chars(option)
        if not separator or not header.strip() or not field.strip():
            raise InvalidInputError(f'--column {shown}: write it as HEADER=FIELD, like "Ссылка MAX=url".')
        if header.strip() in columns:
            raise InvalidInputError(f"--column {shown}: this header was given before; give it once.")
        columns[header.strip()] = field.strip()
    return columns


def spreadsheet_id(text: str) -> str:
    """The id of a Google spreadsheet, given the id or a link copied from the browser."""
    bare = text.strip()
    if not bare.startswith(("http://", "https://")):
        return bare
    found = SPREADSHEET_LINK.match(bare)
    if found is None:
        raise InvalidInputError(
            "This is not a link of a Google spreadsheet; it has to hold /spreadsheets/d/…."
        )
    if found[1]:
        raise InvalidInputError(
            "This is the link of a published copy; take the one from the address bar instead."
        )
    return found[2]


def spreadsheet_reference(text: str, worksheet: str | None) -> str:
    """What a request names the spreadsheet by: its id, or a link, where that alone says which worksheet."""
    found = spreadsheet_id(text)
    numbers = WORKSHEET_ID_IN_LINK.findall(text) if text.strip() != found else []
    if worksheet is not None or not numbers or int(numbers[-1]) == 0:
        return found
    return f"https://docs.google.com/spreadsheets/d/{found}/edit#gid={int(numbers[-1])}"
