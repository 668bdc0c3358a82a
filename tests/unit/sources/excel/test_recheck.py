"""A recently changed file of the inbox that looks truncated is read again; others fail at once."""

import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from msoffcrypto.format.ooxml import OOXMLFile

from consumer.datasets.chats.column_spec import COLUMN_SPEC
from consumer.errors import PermanentError, WorkbookError
from consumer.sources.base import SourceConfig
from consumer.sources.excel.default_password import PASSWORD
from consumer.sources.excel.errors import damaged
from consumer.sources.excel.recheck import RECENT_SECONDS, recheck_if_recent
from consumer.sources.excel.source import ExcelSource
from consumer.sources.file_fetch import LocalFile
from tests.support.file_age import with_age
from tests.support.other_workbooks import VISIBLE
from tests.support.workbooks import FIXTURES, HEADER, data_rows, write_xlsx
from tests.support.xls import write_xls_sheets

MB = 1 << 20
DAMAGE = {"workbook_damaged", "not_a_workbook", "source_unreadable", "workbook_encrypted", "no_rows"}
Make = Callable[[Path], object]


def _write_truncated(path: Path) -> None:
    content = write_xlsx(path, [HEADER, *data_rows(20)]).read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _write_corrupt(path: Path) -> None:
    """A workbook damaged in the middle: some rows can be read before the error."""
    content = bytearray(write_xlsx(path, [HEADER, *data_rows(5_000)]).read_bytes())
    with zipfile.ZipFile(path) as archive:
        sheet = archive.getinfo("xl/worksheets/sheet1.xml")
    middle = sheet.header_offset + sheet.compress_size * 4 // 5
    content[middle : middle + 200] = bytes(200)
    path.write_bytes(bytes(content))


def _write_truncated_xls(path: Path) -> None:
    content = (FIXTURES / "sample.xls").read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _write_truncated_encrypted(path: Path, share: float) -> None:
    """A truncated workbook with Excel's default password."""
    plain = write_xlsx(path.parent / "plain", [HEADER, *data_rows(2_000)])
    with plain.open("rb") as source, path.open("wb") as target:
        OOXMLFile(source).encrypt(PASSWORD, target)
    plain.unlink()
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def _write_truncated_encrypted_xls(path: Path, share: float) -> None:
    content = (FIXTURES / "default_password.xls").read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def _write_zero_padded(path: Path) -> None:
    """A file that is allocated, but not written yet."""
    write_xls_sheets(path, [("S", [HEADER], VISIBLE)])
    path.write_bytes(path.read_bytes() + bytes(5_000))


TRUNCATED: dict[str, Make] = {
    "xlsx": _write_truncated,
    "xls": _write_truncated_xls,
    "empty": lambda path: path.write_bytes(b""),
    "zeros": lambda path: path.write_bytes(bytes(10_000)),
    "rotten in the middle": _write_corrupt,
    "half an encrypted xlsx": lambda path: _write_truncated_encrypted(path, 0.5),
    "most of an encrypted xlsx": lambda path: _write_truncated_encrypted(path, 0.9),
    "half an encrypted xls": lambda path: _write_truncated_encrypted_xls(path, 0.5),
    "most of an encrypted xls": lambda path: _write_truncated_encrypted_xls(path, 0.9),
    "one byte": lambda path: path.write_bytes(b"P"),
    "three bytes": lambda path: path.write_bytes(b"PK\x03"),
    "seven bytes": lambda path: path.write_bytes(bytes.fromhex("D0CF11E0A1B11A")),
    "three bytes and zeros": lambda path: path.write_bytes(b"PK\x03" + bytes(1_000)),
    "zeros for rows": _write_zero_padded,
}
XLS = {"xls", "zeros for rows"}
PERMANENT: dict[str, Make] = {
    "not_a_workbook": lambda path: path.write_bytes(b"%PDF-1.7"),
    "workbook_encrypted": lambda path: path.write_bytes((FIXTURES / "encrypted.xlsx").read_bytes()),
    "no_rows": lambda path: write_xlsx(path, [HEADER]),
}


def _error(tmp_path: Path, make: Make, age_seconds: float, *, low_memory: bool = False) -> PermanentError:
    """The error of reading a file of this age."""
    (tmp_path / "scratch").mkdir()
    (tmp_path / "inbox").mkdir()
    make(tmp_path / "inbox" / "chats.xlsx")
    with_age(tmp_path / "inbox" / "chats.xlsx", age_seconds)
    reading = SourceConfig(
        COLUMN_SPEC, 50, tmp_path / "scratch", tmp_path / "inbox", 100 * MB, low_memory=low_memory
    )
    source = ExcelSource({"type": "excel", "file": {"path": "chats.xlsx"}}, reading)
    with closing(source), pytest.raises(PermanentError) as caught:
        _read(source)
    return caught.value


def _read(source: ExcelSource) -> None:
    source.open()
    for _ in source.chunks():
        pass


@pytest.mark.parametrize(
    ("name", "low_memory"),
    # An .xls cannot be read in low memory.
    [*((name, False) for name in TRUNCATED), *((name, True) for name in TRUNCATED if name not in XLS)],
)
def test_recent_truncated_file_is_rechecked(tmp_path: Path, name: str, low_memory: bool) -> None:
    error = _error(tmp_path, TRUNCATED[name], 10, low_memory=low_memory)
    assert error.code in DAMAGE
    assert error.recheck_after == pytest.approx(RECENT_SECONDS - 10, abs=5)


@pytest.mark.parametrize("name", TRUNCATED)
@pytest.mark.parametrize("age", [RECENT_SECONDS + 1, -3600.0])
def test_old_truncated_file_fails(tmp_path: Path, name: str, age: float) -> None:
    """Also a file from the future, by another clock."""
    error = _error(tmp_path, TRUNCATED[name], age)
    assert error.code in DAMAGE
    assert error.recheck_after is None


@pytest.mark.parametrize("code", PERMANENT)
def test_complete_wrong_file_fails_at_once(tmp_path: Path, code: str) -> None:
    error = _error(tmp_path, PERMANENT[code], 0)
    assert error.code == code
    assert error.recheck_after is None


def test_upload_is_not_rechecked() -> None:
    with pytest.raises(WorkbookError) as caught, recheck_if_recent(LocalFile(Path("x"), "", None)):
        raise damaged("its zip container is not whole")
    assert caught.value.recheck_after is None
