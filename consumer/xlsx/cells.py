"""Cells as XML without their reference, which the sheet adds; `style` is the index of a format.

An empty string is no cell: the format of its column applies.
"""

from datetime import date, datetime, time, timedelta

from consumer.xlsx.texts import text_element

NO_CELL = ""
EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001  dates of a workbook have no time zone
FIRST_DATE = date(1900, 3, 1)
"""Excel counts a 29 February 1900: the same number is another day in other programs before this one."""
SECONDS_PER_DAY = 86_400


def text_cell(text: str, style: int) -> str:
    """A text, which no program evaluates as a formula."""
    return f' s="{style}" t="inlineStr"><is>{text_element(text)}</is></c>'


def number_cell(number: float, style: int) -> str:
    """A number with all its digits, as far as a double has them."""
    return f' s="{style}"><v>{number!r}</v></c>'


def boolean_cell(value: bool, style: int) -> str:
    """TRUE or FALSE."""
    return f' s="{style}" t="b"><v>{value:d}</v></c>'


def blank_cell(style: int) -> str:
    """An empty cell with a format of its own."""
    return f' s="{style}"/>'


def moment_number(value: date | time | timedelta) -> float | None:
    """The number of days by which a workbook expresses a date, time or duration; None if it has none.

    Dates before FIRST_DATE, moments with a time zone, negative durations, and fractions of a millisecond have
    none.
    """
    match value:
        case datetime():
            return None if value.date() < FIRST_DATE or value.tzinfo else _days(value - EPOCH)
        case date():
            return None if value < FIRST_DATE else (value - EPOCH.date()).days
        case time():
            return None if value.tzinfo else _days(datetime.combine(EPOCH, value) - EPOCH)
        case _:
            return None if value < timedelta(0) else _days(value)


def _days(duration: timedelta) -> float | None:
    if duration.microseconds % 1_000:
        return None
    days = duration / timedelta(days=1)
    return int(days) if days == int(days) else days
