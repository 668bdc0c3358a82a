"""Finds the header among the first rows, comparing letters and digits only."""

import pytest

from consumer.datasets.base import ColumnSpec
from consumer.datasets.chats.column_spec import COLUMN_SPEC as CHATS
from consumer.errors import LayoutError
from consumer.sources import header as header_module
from consumer.sources import header_errors
from consumer.sources.header import (
    MAX_HEADER_LETTERS,
    NumberedRow,
    column_labels,
    find_header,
    normalise,
)
from consumer.sources.header_errors import MAX_HEADER_CHARS
from consumer.sources.sheet_names import SheetNames

FIELDS = ColumnSpec(
    {
        "url": ("ссылка на чат", "ссылка", "chat url", "url", "link"),
        "inn": ("ИНН", "ИНН организации", "inn"),
        "participants": ("кол-во участников чата",),
        "region_number": ("№ региона",),
        "group": ("группа",),
    },
    ("inn", "url"),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Chat_URL", "chaturl"),
        ("ИНН*", "инн"),
        ("  ИНН\n", "инн"),
        ("Кол‑во участников", "колвоучастников"),  # a non-breaking hyphen
        ("Учётная", "учетная"),
        ("Учё".replace("ё", "е\u0308"), "уче"),
        ("№ Региона", "noрегиона"),
        ("Ｉｎｎ", "inn"),
        ("Курс 1", "курс1"),
        ("\u200bИНН\ufeff", "инн"),
        ("—", ""),
    ],
)
def test_headers_are_compared_by_letters_and_digits(text: str, expected: str) -> None:
    assert normalise(text) == expected


def test_columns_in_any_order_and_unknown_columns() -> None:
    header = find_header([(1, ["что-то", "LINK", None, "инн", "№ региона"])], FIELDS)
    assert header.position == 1
    assert header.columns == {"url": 1, "inn": 3, "region_number": 4}


def test_title_rows_above_the_header_are_skipped() -> None:
    rows: list[NumberedRow] = [
        (2, ["Ссылка"]),
        (4, ["Отчёт за", 2024.0]),
        (7, ["ИНН", "Ссылка"]),
        (8, ["ИНН", "url"]),
    ]
    assert find_header(rows, FIELDS).position == 7


def test_header_is_in_the_first_ten_rows() -> None:
    titles = [(number, ["x"]) for number in range(1, 10)]
    assert find_header([*titles, (10, ["ИНН", "url"])], FIELDS).position == 10
    with pytest.raises(LayoutError) as caught:
        find_header([*titles, (10, ["x"]), (11, ["ИНН", "url"])], FIELDS)
    assert caught.value.code == "no_header"


@pytest.mark.parametrize("rows", [[], [(1, ["Группа", "что-то"])], [(1, [1.0, True, None, ""])]])
def test_without_any_required_column_there_is_no_header(rows: list[tuple[int, list[object]]]) -> None:
    with pytest.raises(LayoutError) as caught:
        find_header(rows, FIELDS)
    assert caught.value.code == "no_header"
    assert "«ИНН», «ссылка на чат»" in caught.value.message


def test_error_names_missing_column_and_found_headers() -> None:
    rows: list[NumberedRow] = [(1, ["Ссылка"]), (3, ["ИНН", "Группа", None, "Прочее"]), (4, ["7700000000"])]
    with pytest.raises(LayoutError) as caught:
        find_header(rows, FIELDS)
    assert caught.value.code == "missing_column"
    assert "row 3 lacks the column «ссылка на чат»" in caught.value.message
    assert "«ИНН», «Группа», «Прочее»" in caught.value.message


def test_error_names_duplicate_columns() -> None:
    with pytest.raises(LayoutError) as caught:
        find_header([(5, ["ИНН", "url", "ИНН организации"])], FIELDS)
    assert caught.value.code == "duplicate_column"
    assert "«ИНН» (column A) and «ИНН организации» (column C)" in caught.value.message


def test_error_message_is_bounded() -> None:
    with pytest.raises(LayoutError) as caught:
        find_header([(1, ["ИНН", *(f"{i} " + "я" * 1000 for i in range(1000))])], FIELDS)
    assert len(caught.value.message) < 3000


def test_labels_are_unique() -> None:
    cells = ["ИНН", "", "ИНН", None, " дата\n создания ", 2024.0, "B", "", None]
    assert column_labels(cells) == ("ИНН", "B", "ИНН (2)", "D", "дата создания", "2024", "B (2)")


def test_labels_that_look_numbered_are_unique() -> None:
    assert column_labels(["a", "a", "a (2)", "a", "a (2)"]) == (
        "a",
        "a (2)",
        "a (2) (2)",
        "a (3)",
        "a (2) (3)",
    )


NAMES = SheetNames("Лист1", ("Лист1", "Лист2\u00a0"), ("Старые",))


def message(*rows: list[object], code: str, names: SheetNames | None = NAMES) -> str:
    with pytest.raises(LayoutError) as caught:
        find_header(list(enumerate(rows, 1)), FIELDS, names)
    assert caught.value.code == code
    return caught.value.message


def test_error_names_the_sheet_and_all_worksheets() -> None:
    for error_message in (message(["x"], code="no_header"), message(["ИНН"], code="missing_column")):
        assert "of the sheet «Лист1»" in error_message
        assert "Visible worksheets: «Лист1», «Лист2\\u00a0». Hidden: «Старые»." in error_message


def test_error_names_the_first_twenty_headers() -> None:
    cells: list[object] = [f"h{number}" for number in range(25)]
    listed = ", ".join(f"«h{number}»" for number in range(19))
    assert f"Found in row 2: «Группа», {listed}, …." in message(
        ["Отчёт"], ["Группа", *cells], code="no_header"
    )
    assert f"Found: «ИНН», {listed}, …." in message(["ИНН", *cells], code="missing_column")


def test_error_quotes_no_cell_of_a_row_that_may_be_data() -> None:
    """People who may read the job may not be allowed to see its rows."""
    row: list[object] = ["Иванов Иван", "ivan@example.org", None, 7707083893, "https://max.ru/join/x"]
    text = message(row, row[:2], code="no_header")
    assert "Row 1 has 4 filled cells, and none of them is the name of a known column." in text
    assert not [cell for cell in row if cell is not None and str(cell) in text]


def test_error_says_that_sheet_is_empty() -> None:
    assert "It is empty." in message(code="no_header")


def test_invisible_characters_of_headers_are_escaped() -> None:
    assert "«a\\u200db»" in message(["Группа", "a\u200db"], code="no_header")


@pytest.mark.parametrize(
    ("header", "known", "mismatch"),
    [
        ("ИHH", "ИНН", "H is Latin"),
        ("ИНH*", "ИНН", "H is Latin"),
        ("Cсылка на чaт", "ссылка на чат", "C is Latin, a is Latin"),
        ("Сhаt_URL", "chat url", "С is Cyrillic, а is Cyrillic"),
    ],
)
def test_error_names_letters_of_another_alphabet(header: str, known: str, mismatch: str) -> None:
    sentence = f"«{header}» looks like «{known}», but its letter {mismatch}."
    assert sentence in message(["Отчёт", "a", "b", "c"], [header, "Группа"], code="no_header")


def test_error_names_look_alike_beside_a_correct_header() -> None:
    assert "«ИHH» looks like «ИНН»" in message(["url", "ИHH"], code="missing_column")


@pytest.mark.parametrize("cells", [["NHH"], ["ИНН1"], ["Группa"], ["url", "ЛИНК"]])
def test_other_headers_are_not_look_alikes(cells: list[object]) -> None:
    """Only required columns matter: a job does not fail without the others."""
    assert "looks like" not in message(cells, code="missing_column" if "url" in cells else "no_header")


def test_each_distinct_text_is_normalised_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file may repeat one expensive text in 16,384 columns of ten rows."""
    normalised: list[str] = []

    def counting(text: str) -> str:
        normalised.append(text)
        return normalise(text)

    monkeypatch.setattr(header_module, "normalise", counting)
    costly = "\ufdfa" * 60
    rows: list[NumberedRow] = [(number, [costly] * 50) for number in range(1, 11)]
    with pytest.raises(LayoutError):
        find_header(rows, FIELDS)
    assert normalised.count(costly) == 1


@pytest.mark.parametrize("filler", ["_", " ", "\u0301"])
def test_long_text_is_not_a_header(filler: str) -> None:
    known = "ИНН" + filler * (MAX_HEADER_CHARS - 3)
    assert find_header([(1, [known, "url"])], FIELDS).columns == {"inn": 0, "url": 1}
    with pytest.raises(LayoutError):
        find_header([(1, [known + filler, "url"])], FIELDS)


def test_text_with_too_many_letters_is_not_normalised() -> None:
    assert normalise("\ufdfa" * (MAX_HEADER_LETTERS + 1)) == ""
    longest = max(len(normalise(text)) for texts in CHATS.headers.values() for text in texts)
    assert longest <= MAX_HEADER_LETTERS


def test_only_look_alikes_are_shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    """Escaping takes time per character if one of them is not printable."""
    seen: list[object] = []

    def record_shortened(cell: object) -> str:
        seen.append(cell)
        return str(cell)

    monkeypatch.setattr(header_errors, "shortened", record_shortened)
    rows: list[NumberedRow] = [(number, [f"{number}\u200b", "x"]) for number in range(1, 10)]
    with pytest.raises(LayoutError, match="looks like «ИНН»"):
        find_header([*rows, (10, ["ИHH"])], FIELDS)
    assert set(seen) == {"ИHH"}
