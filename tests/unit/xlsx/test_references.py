import pytest

from consumer.xlsx.references import MAX_COLUMNS, column_letters


@pytest.mark.parametrize(
    ("index", "name"),
    [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA"), (MAX_COLUMNS - 1, "XFD")],
)
def test_names_of_columns(index: int, name: str) -> None:
    assert column_letters(index) == name
