"""What is in the cells of a text: indexes and whole numbers by arrays, the rest one by one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consumer.sources.excel.reader import Unusual
from consumer.sources.excel.stream.pool import IN_NUMBERS, Codes, Pool
from consumer.sources.excel.stream.rows import Text
from consumer.sources.excel.stream.scan import Cells, Scan
from consumer.sources.excel.stream.slow import ERRORS, NUMBER, parse_row
from consumer.sources.excel.stream.styles import Style
from consumer.sources.excel.stream.tails import Kind, Tails
from consumer.sources.excel.stream.texts import dereferenced, plain, unescaped
from consumer.sources.excel.stream.words import Flags, whole_numbers

MAX_DIGITS = 15
"""Up to here a whole number and its float are the same."""
STYLES = {Kind.DATE: Style.DATE, Kind.DURATION: Style.DURATION}


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of a text: how many cells each has, and of these columns, codes, and the plain numbers."""

    positions: NDArray[np.int32]
    sizes: NDArray[np.int32]
    columns: NDArray[np.uint16]
    codes: Codes
    numbers: NDArray[np.float64]


def read_part(found: Scan, tails: Tails, pool: Pool) -> Part:
    """The values of all rows; odd ones go through the slow parser."""
    cells = found.cells.where(found.cells.kind != Kind.ERROR)
    codes, numbers = _codes(found.text, cells, pool)
    _check_errors(found.text, found.cells)
    row, column = cells.row, cells.column
    if len(found.odd):
        odd = np.array(list(_slow(found, tails, pool)), np.int64).reshape(-1, 3)
        row = np.concatenate([row, odd[:, 0]])
        order = np.argsort(row, kind="stable")
        row = row[order]
        column = np.concatenate([column, odd[:, 1]])[order]
        codes = np.concatenate([codes, odd[:, 2].astype(np.int32)])[order]
    sizes = np.bincount(row, minlength=len(found.rows.numbers))
    return Part(
        found.rows.numbers.astype(np.int32), sizes.astype(np.int32), column.astype(np.uint16), codes, numbers
    )


def _slow(found: Scan, tails: Tails, pool: Pool) -> Iterator[tuple[int, int, int]]:
    for row in found.odd.tolist():
        raw = found.text.raw[found.rows.bounds[row] : found.rows.bounds[row + 1]]
        cells = parse_row(raw, int(found.rows.numbers[row]), tails, pool)
        yield from ((row, column, cells[column]) for column in sorted(cells))


def _codes(text: Text, cells: Cells, pool: Pool) -> tuple[Codes, NDArray[np.float64]]:
    codes = np.empty(len(cells.kind), np.int32)
    shared = cells.kind == Kind.SHARED
    codes[shared] = _indexes(text, cells.where(shared))
    plain_numbers = cells.kind == Kind.NUMBER
    codes[plain_numbers] = IN_NUMBERS
    read: dict[Kind, Callable[[bytes], int]] = {
        Kind.BOOL: lambda value: pool.boolean(_boolean(value)),
        Kind.TEXT: lambda value: pool.text(unescaped(dereferenced(_decoded(value)))),
        Kind.INLINE: lambda value: pool.text(plain(_decoded(value), keeps_blanks=False)),
        Kind.DATE: lambda value: pool.number(_number(value), Style.DATE),
        Kind.DURATION: lambda value: pool.number(_number(value), Style.DURATION),
    }
    for kind, code in read.items():
        these = cells.kind == kind
        if kind is Kind.INLINE:
            these &= ~cells.keeps
        codes[these] = [code(value) for value in _values(text, cells, these)]
    codes[cells.keeps] = [
        pool.text(plain(_decoded(value), keeps_blanks=True)) for value in _values(text, cells, cells.keeps)
    ]
    return codes, _numbers(text, cells.where(plain_numbers))


def _values(text: Text, cells: Cells, chosen: Flags) -> list[bytes]:
    raw = text.raw
    places = zip(cells.start[chosen].tolist(), cells.end[chosen].tolist(), strict=True)
    return [raw[start:end] for start, end in places]


def _indexes(text: Text, cells: Cells) -> Codes:
    indexes, whole = whole_numbers(text.words, cells.end, cells.end - cells.start)
    if not whole.all():
        raise Unusual("the index of a shared string is no number")
    return indexes.astype(np.int32)


def _numbers(text: Text, cells: Cells) -> NDArray[np.float64]:
    """Whole numbers of up to 15 digits, perhaps with a minus, in two halves; others as Python reads them."""
    negative = (text.words[cells.start] & np.uint64(255)) == np.uint64(ord("-"))
    start = cells.start + negative
    sizes = cells.end - start
    low, low_whole = whole_numbers(text.words, cells.end, np.minimum(sizes, 8))
    high, high_whole = whole_numbers(text.words, np.maximum(cells.end - 8, 8), sizes - 8)
    whole = low_whole & (high_whole | (sizes <= 8)) & (sizes <= MAX_DIGITS)
    numbers = low.astype(np.float64)
    numbers += np.where(sizes > 8, high, np.uint64(0)).astype(np.float64) * 1e8
    numbers[negative] *= -1
    numbers[~whole] = [_number(value) for value in _values(text, cells, ~whole)]
    return numbers


def _number(value: bytes) -> float:
    text = _decoded(value)
    if not NUMBER.fullmatch(text):
        raise Unusual("a number is none")
    return float(text)


def _boolean(value: bytes) -> bool:
    if value not in {b"0", b"1"}:
        raise Unusual("a boolean is neither 0 nor 1")
    return value == b"1"


def _check_errors(text: Text, cells: Cells) -> None:
    """An error is shown as empty, but has to be one that there is."""
    for value in _values(text, cells, cells.kind == Kind.ERROR):
        if _decoded(value) not in ERRORS:
            raise Unusual("an error is not one of Excel's")


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise Unusual("a value is not UTF-8") from None
