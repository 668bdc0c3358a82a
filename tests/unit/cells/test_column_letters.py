import pytest

from consumer.cells.column_letters import column_index, column_letter


@pytest.mark.parametrize(
    ("column", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA"), (16_383, "XFD")]
)
def test_columns_have_letters(column: int, name: str) -> None:
    assert column_letter(column) == name
    assert column_index(name) == column
