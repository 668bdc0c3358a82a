"""Decrypts workbooks that Excel opens without asking, by the default password that Excel tries itself.

Programs that protect a workbook against changes encrypt it with it (MS-OFFCRYPTO 2.3.4.10, 2.4.2.3).
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from consumer.errors import WorkbookError
from consumer.sources.excel.errors import DecryptionError, encrypted
from consumer.sources.excel.sniff import WorkbookKind, sniff
from schemas.codes import ErrorCode

PASSWORD = "VelvetSweatshop"  # noqa: S105  published by Microsoft


def detect_and_decrypt(path: Path, max_inflated_bytes: int) -> WorkbookKind:
    """The format of a workbook; one encrypted with the default password is replaced by its plain content.

    Raises the errors of `sniff` and `decrypt`.
    """
    try:
        return sniff(path, max_inflated_bytes)
    except WorkbookError as error:
        if error.code != ErrorCode.WORKBOOK_ENCRYPTED:
            raise
    decrypt(path)
    return sniff(path, max_inflated_bytes)


def decrypt(path: Path) -> None:
    """Replace an encrypted workbook by its plain content.

    Raises WorkbookError (`workbook_encrypted`) for another password, DecryptionError (same code) for unknown
    encryption or an incomplete file, and OSError for the disk.
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
    """Decrypt to another file; the library may raise any exception for unusual content."""
    # Imported here: few workbooks are encrypted, and the import takes as long as reading a small one.
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
    """Keep the library's temporary file, a copy of the workbook, in the folder that the job removes."""
    previous, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = previous
