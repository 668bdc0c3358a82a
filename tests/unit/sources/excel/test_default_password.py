"""Workbooks with Excel's default password are read; other passwords are an error."""

import tempfile
from pathlib import Path

import pytest
from msoffcrypto.format.ooxml import OOXMLFile

from consumer.errors import MigrationError
from consumer.sources.excel import default_password
from consumer.sources.excel.default_password import PASSWORD, detect_and_decrypt
from consumer.sources.excel.sniff import WorkbookKind
from tests.support.other_workbooks import write_ods
from tests.support.read_columns import read_columns
from tests.support.workbooks import FIXTURES, HEADER, data_rows, write_xlsx
from tests.unit.sources.excel.test_file_pass import xor_obfuscated

LIMIT = 1 << 30


def encrypted_xlsx(folder: Path, password: str) -> Path:
    plain = write_xlsx(folder / "plain.xlsx", [HEADER, *data_rows(3)])
    book = folder / "book.xlsx"
    with plain.open("rb") as source, book.open("wb") as target:
        OOXMLFile(source).encrypt(password, target)
    assert book.read_bytes().startswith(bytes.fromhex("D0CF11E0"))
    return book


def code_of(book: Path) -> str:
    with pytest.raises(MigrationError) as caught:
        read_columns(book)
    return caught.value.code


def test_xls_with_the_default_password_is_read() -> None:
    found = read_columns(FIXTURES / "default_password.xls")
    assert found["url"][0] == "https://t.me/+F04x0"


@pytest.mark.parametrize("low_memory", [False, True])
def test_xlsx_with_the_default_password_is_read(low_memory: bool, tmp_path: Path) -> None:
    found = read_columns(encrypted_xlsx(tmp_path, PASSWORD), low_memory=low_memory)
    assert found["name"] == ["Чат 0", "Чат 1", "Чат 2"]


def test_other_password_is_an_error(tmp_path: Path) -> None:
    assert code_of(FIXTURES / "encrypted.xlsx") == "workbook_encrypted"
    assert code_of(encrypted_xlsx(tmp_path, "другой")) == "workbook_encrypted"
    assert code_of(xor_obfuscated(tmp_path / "book.xls")) == "workbook_encrypted"


def test_unknown_encryption_is_an_error(tmp_path: Path) -> None:
    assert code_of(write_ods(tmp_path / "book.ods", [HEADER], encrypted=True)) == "workbook_encrypted"


def test_truncated_encrypted_workbook_is_an_error(tmp_path: Path) -> None:
    book = encrypted_xlsx(tmp_path, PASSWORD)
    book.write_bytes(book.read_bytes()[:-3000])
    assert code_of(book) in {"workbook_encrypted", "workbook_damaged"}


def test_decryption_leaves_no_other_file(tmp_path: Path) -> None:
    book = tmp_path / "source"
    book.write_bytes((FIXTURES / "default_password.xls").read_bytes())
    before = tempfile.tempdir
    assert detect_and_decrypt(book, LIMIT) is WorkbookKind.XLS
    assert [path.name for path in tmp_path.iterdir()] == ["source"]
    assert tempfile.tempdir == before


@pytest.mark.parametrize("error", [MemoryError(), OSError(28, "no space")])
def test_lack_of_memory_or_disk_is_not_a_password_error(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(default_password, "_decrypt", fail)
    with pytest.raises(type(error)):
        default_password.decrypt(tmp_path / "book")
