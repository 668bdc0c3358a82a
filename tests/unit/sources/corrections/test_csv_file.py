"""CSV of rejected rows: separators, quotes, the apostrophe before formulas."""

from pathlib import Path

import pytest

from consumer.errors import LayoutError
from consumer.rejected_file.formula_escape import escape_formula, unescape_formula
from consumer.sources.corrections.csv_file import is_csv_of_rejected_rows, read_csv


def _write(path: Path, text: str, encoding: str = "utf-8-sig") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_rows_are_read_with_any_separator(tmp_path: Path, separator: str, end: str) -> None:
    lines = ["row_number;ИНН;row_key", '3;"a ""b"" ;c";v1:1', "4;;v1:2"]
    text = end.join(line.replace(";", separator) for line in lines) + end
    path = _write(tmp_path / "a.csv", text)
    assert is_csv_of_rejected_rows(path)
    [first, second] = read_csv(path, 2)
    assert list(first.positions) == [1, 2]
    assert [list(column) for column in first.columns] == [
        ["row_number", "3"],
        ["ИНН", f'a "b" {separator}c'],
        ["row_key", "v1:1"],
    ]
    assert [list(column) for column in second.columns] == [["4"], [""], ["v1:2"]]


@pytest.mark.parametrize(
    "text", ["=1+1", "-1", "@a", "  =1", "+7 916", "a", "", "'quoted'", "+79161234567", "007"]
)
def test_one_apostrophe_is_undone(text: str) -> None:
    assert unescape_formula(escape_formula(text)) == text


def test_apostrophe_of_a_text_stays() -> None:
    assert unescape_formula("'a") == "'a"
    assert unescape_formula("'+79161234567") == "'+79161234567"
    assert unescape_formula("''=1") == "''=1"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("row_number,ИНН\n3,12\n", "utf-8"), ("строка,row_key\n", "cp1251"), ("PK\x03\x04", "latin-1")],
)
def test_text_without_the_column_of_keys_is_not_taken(tmp_path: Path, text: str, encoding: str) -> None:
    assert not is_csv_of_rejected_rows(_write(tmp_path / "a.csv", text, encoding))


def test_csv_with_an_open_quote_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.csv", 'row_number,row_key\n3,"v1:1\n')
    with pytest.raises(LayoutError, match="a quote is missing"):
        list(read_csv(path, 10))
