"""What is in the cells of a text: indexes and whole numbers by arrays, the rest one by one."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from consumer.error_texts import is_error_text
from consumer.records import RoundedNumber
from consumer.sources.excel.reader import Unusual
from consumer.sources.excel.spelled_numbers import number_of
from consumer.sources.excel.stream.pool import IN_NUMBERS, Codes, Pool
from consumer.sources.excel.stream.raw import plain
from consumer.sources.excel.stream.rows import Text
from consumer.sources.excel.stream.scan import Cells, Scan
from consumer.sources.excel.stream.slow import NUMBER, parse_row
from consumer.sources.excel.stream.tails import Kind, Tails
from consumer.sources.excel.stream.words import Places, whole_numbers
from consumer.sources.excel.styles import Style

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
    cells = found.cells
    codes, numbers = _codes(found.text, cells, pool)
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
        cells = parse_row(raw, int(found.rows.numbers[row]), tails, pool, found.formulas)
        yield from ((row, column, cells[column]) for column in sorted(cells))


def _codes(text: Text, cells: Cells, pool: Pool) -> tuple[Codes, NDArray[np.float64]]:
    codes = np.empty(len(cells.kind), np.int32)
    shared = cells.kind == Kind.SHARED
    codes[shared] = _indexes(text, cells.start[shared], cells.end[shared])
    plain_numbers = cells.kind == Kind.NUMBER
    codes[plain_numbers] = IN_NUMBERS
    for kind, read in _readers(pool).items():
        these = cells.kind == kind
        if these.any():
            codes[these] = read(_values(text, cells.start[these], cells.end[these]))
    numbers = _numbers(text, cells.start[plain_numbers], cells.end[plain_numbers])
    if numbers.rounded:
        rounded = list(numbers.rounded)
        codes[np.flatnonzero(plain_numbers)[rounded]] = [
            pool.number(number, Style.NUMBER) for number in numbers.rounded.values()
        ]
        return codes, np.delete(numbers.all, rounded)
    return codes, numbers.all


def _readers(pool: Pool) -> Mapping[Kind, Callable[[list[bytes]], list[int]]]:
    """Values as they stand in the XML → their codes."""
    return {
        Kind.BOOL: lambda values: pool.written("bool", values, lambda one: pool.boolean(_boolean(one))),
        Kind.DATE: lambda values: _styled(values, Style.DATE, pool),
        Kind.DURATION: lambda values: _styled(values, Style.DURATION, pool),
        Kind.SCIENTIFIC: lambda values: _styled(values, Style.SCIENTIFIC, pool),
        Kind.TEXT: lambda values: pool.texts(plain(_texts(values), keeps_blanks=True)),
        Kind.RESULT: lambda values: _results(plain(_texts(values), keeps_blanks=True), pool),
        Kind.ERROR: lambda values: [pool.error()] * len(values),
        Kind.NO_RESULT: lambda values: [pool.formula_without_value()] * len(values),
        Kind.INLINE: lambda values: pool.texts(plain(_texts(values))),
        Kind.KEEPING: lambda values: pool.texts(plain(_texts(values), keeps_blanks=True)),
    }


def _results(texts: list[str], pool: Pool) -> list[int]:
    """The codes of what formulas gave; each text is checked once, as they repeat."""
    different = list(dict.fromkeys(texts))
    codes = dict(zip(different, pool.texts(different), strict=True))
    codes |= {text: pool.error() for text in different if is_error_text(text)}
    return list(map(codes.__getitem__, texts))


def _styled(values: list[bytes], style: Style, pool: Pool) -> list[int]:
    return pool.written(style, values, lambda one: pool.number(_number(one), style))


def _texts(values: list[bytes]) -> list[str]:
    """Decoded all at once; the character between them can be in no XML."""
    joined = b"\0".join(values)
    if joined.count(b"\0") != len(values) - 1:
        raise Unusual("a text holds a character that cannot be")
    return _decoded(joined).split("\0")


def _values(text: Text, starts: Places, ends: Places) -> list[bytes]:
    raw = text.raw
    return [raw[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]


def _indexes(text: Text, starts: Places, ends: Places) -> Codes:
    indexes, whole = whole_numbers(text.words, ends, ends - starts)
    if not whole.all():
        raise Unusual("the index of a shared string is no number")
    return indexes.astype(np.int32)


class Numbers(NamedTuple):
    """The numbers of some cells, and those of them that are rounded, by place."""

    all: NDArray[np.float64]
    rounded: Mapping[int, RoundedNumber]


def _numbers(text: Text, starts: Places, ends: Places) -> Numbers:
    """Whole numbers of up to 15 digits, perhaps with a minus, in two halves; others as Python reads them."""
    negative = (text.words[starts] & np.uint64(255)) == np.uint64(ord("-"))
    sizes = ends - starts - negative
    low, low_whole = whole_numbers(text.words, ends, np.minimum(sizes, 8))
    high, high_whole = whole_numbers(text.words, np.maximum(ends - 8, 8), sizes - 8)
    whole = low_whole & (high_whole | (sizes <= 8)) & (sizes <= MAX_DIGITS)
    numbers = low.astype(np.float64)
    numbers += np.where(sizes > 8, high, np.uint64(0)).astype(np.float64) * 1e8
    numbers[negative] *= -1
    others = np.flatnonzero(~whole)
    read = [_number(value) for value in _values(text, starts[others], ends[others])]
    numbers[others] = read
    found = zip(others.tolist(), read, strict=True)
    return Numbers(numbers, {place: one for place, one in found if isinstance(one, RoundedNumber)})


def _number(value: bytes) -> float:
    text = _decoded(value)
    if not NUMBER.fullmatch(text):
        raise Unusual("a number is none")
    return number_of(text)


def _boolean(value: bytes) -> bool:
    if value not in {b"0", b"1"}:
        raise Unusual("a boolean is neither 0 nor 1")
    return value == b"1"


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise Unusual("a value is not UTF-8") from None
