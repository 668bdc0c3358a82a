"""What holds for every phone that is stored, whatever the cell was."""

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


def in_one_piece(digits: str, cell: str) -> bool:
    """Whether the digits stand in the cell in this order, with nothing but separators between them."""
    written = "".join(char for char in cell if char not in SEPARATORS and not is_blank(char))
    return digits in written


@given(cell=CELLS)
@settings(max_examples=1000)
@example(cell="+7 (495) 988-53-88, доб. 1311")
@example(cell="3-45-67, 3-45-68")
@example(cell="7,91234567E+10")
@example(cell="79161234567.0")
def test_the_digits_of_a_phone_stand_together_in_the_cell(cell: str) -> None:
    """Save the leading 7, which may have been an 8 or nothing."""
    verdict = phone(cell)
    assert isinstance(verdict, Valid)
    number = str(verdict.value)
    if number.startswith("+7"):
        assert in_one_piece(number[2:], cell)
    elif number:
        assert in_one_piece(number, cell)


@given(cell=CELLS)
@settings(max_examples=1000)
def test_rule_and_reference_read_the_same_phone(cell: str) -> None:
    assert phone(cell) == phone_in(cell)
