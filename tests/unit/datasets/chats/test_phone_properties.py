"""Properties of every phone that is stored, for any cell."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from consumer.cells.blanks import is_blank
from consumer.datasets.chats.rules.phone import phone
from consumer.datasets.chats.rules.result import Valid
from tests.support.reference_phones import phone_in
from tests.unit.datasets.chats.misread_phones import MISREAD_PHONES
from tests.unit.datasets.chats.phone_cases import PHONES

DASHES = "‐‑‒–—―−﹘﹣－"
SEPARATORS = "()-./" + DASHES

GROUPS = st.sampled_from(
    ["+7", "7", "8", "+8", "916", "(916)", "4212", "123", "45", "67", "1234567", "9161234567", "2", "12",
     "+375", "29", "+44", "20", "7946", "0018", "2024", "05"]
)  # fmt: skip
BETWEEN = st.sampled_from(
    [
        "",
        " ",
        "-",
        "  ",
        ".",
        "/",
        " / ",
        "\u00a0",
        "–",
        ", ",
        " доб. ",
        "доб.",
        " ext ",
        " и ",
        "x",
        "*",
        ";",
        "\n",
        " д. ",
        " вн.тел. ",
        "E+",
        "+",
        "#",
    ]
)
WORDS = st.sampled_from(
    [
        "",
        "тел. ",
        "Иван ",
        " деканат",
        "(",
        ")",
        ".",
        "@",
        "id",
        "ИНН ",
        "https://a.ru/",
        "wa.me/",
        "?",
        "²",
        "о",
    ]
)
PHONE_LIKE = st.builds(
    lambda before, pieces, behind: before + "".join(map("".join, pieces)) + behind,
    WORDS,
    st.lists(st.tuples(GROUPS, BETWEEN), max_size=7),
    WORDS,
)
CELLS = (
    PHONE_LIKE
    | st.text("0123456789+-()./ ,;xдобE#", max_size=24)
    | st.sampled_from([cell for cell, _ in (*PHONES, *MISREAD_PHONES)])
)


def is_contiguous(digits: str, cell: str) -> bool:
    """Whether the cell has these digits in this order, with only separators between them."""
    without_separators = "".join(c for c in cell if c not in SEPARATORS and not is_blank(c))
    return digits in without_separators


@given(cell=CELLS)
@settings(max_examples=1000)
@example(cell="+7 (495) 988-53-88, доб. 1311")
@example(cell="3-45-67, 3-45-68")
@example(cell="7,91234567E+10")
@example(cell="79161234567.0")
def test_digits_of_a_phone_are_contiguous_in_the_cell(cell: str) -> None:
    """Except the leading 7, which may have been an 8 or missing."""
    result = phone(cell)
    assert isinstance(result, Valid)
    number = str(result.value)
    if number.startswith("+7"):
        assert is_contiguous(number[2:], cell)
    elif number:
        assert is_contiguous(number, cell)


@given(cell=CELLS)
@settings(max_examples=1000)
def test_rule_agrees_with_the_reference(cell: str) -> None:
    assert phone(cell) == phone_in(cell)
