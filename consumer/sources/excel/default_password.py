"""Encrypted workbooks that open without asking: Excel tries one password by itself, and so do we.

Programs that protect a workbook against changes encrypt it so (MS-OFFCRYPTO 2.3.4.10, 2.4.2.3).
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from consumer.errors import WorkbookError
from consumer.sources.excel.errors import DecryptionError, encrypted
from consumer.sources.excel.sniff import WorkbookKind, sniff
from schemas.codes import ErrorCode

PASSWORD = "VelvetSweatshop"  # noqa: S105  known to everybody: Microsoft publishes it


def detect_and_decrypt(path: Path, max_inflated_bytes: int) -> WorkbookKind:
    """The kind of a workbook, which is decrypted in its place where it opens without asking.

    Raises what `sniff` and `decrypt` raise.
    """
    try:
        return sniff(path, max_inflated_bytes)
    except WorkbookError as error:
        if error.code != ErrorCode.WORKBOOK_ENCRYPTED:
            raise
    decrypt(path)
    return sniff(path, max_inflated_bytes)


def decrypt(path: Path) -> None:
    """Replace an encrypted workbook by what is in it.

    Raises WorkbookError (`workbook_encrypted`) where it has another password, DecryptionError (of the same
    code) where it has another kind of encryption or is not whole, and OSError for the disk.
    """
    target = path.with_suffix(".plain")
    try:
        with _temporary_files_in(path.parent):
            _decrypt(path, target)
    except Exception as error:
        target.unlink(missing_ok=True)
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno is not None):
            raise
        raise (encrypted() if _is_password_error(error) else DecryptionError()) from None
    target.replace(path)


def _decrypt(path: Path, target: Path) -> None:
    """Decrypt into another file; what the library raises for strange content may be any exception."""
    # Imported here: few workbooks are encrypted, and its import takes as long as reading a small one.
    import msoffcrypto
    from msoffcrypto.format.ooxml import OOXMLFile

    with path.open("rb") as source, target.open("wb") as plain:
        file = msoffcrypto.OfficeFile(source)
        if isinstance(file, OOXMLFile):
            file.load_key(password=PASSWORD, verify_password=True)
        else:
            file.load_key(password=PASSWORD)
        file.decrypt(plain)


def _is_password_error(error: Exception) -> bool:
    from msoffcrypto.exceptions import InvalidKeyError

    return isinstance(error, InvalidKeyError)


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    """The library writes the whole workbook into a temporary file: it belongs where ours are removed."""
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
