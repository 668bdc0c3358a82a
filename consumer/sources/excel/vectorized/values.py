"""Reads the values of scanned cells: indexes and whole numbers by array operations, others one by one."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from consumer.cells.chunks import RoundedNumber
from consumer.cells.error_texts import is_error_text
from consumer.sources.excel.number_formats import NumberFormat
from consumer.sources.excel.reader_protocol import UnsupportedByReaderError
from consumer.sources.excel.rounded_numbers import parse_number
from consumer.sources.excel.vectorized.cell_attributes import AttributeCache, CellKind
from consumer.sources.excel.vectorized.entities import decode_texts
from consumer.sources.excel.vectorized.fallback_parser import NUMBER, parse_row
from consumer.sources.excel.vectorized.pool import NUMBER_SENTINEL, Codes, ValuePool
from consumer.sources.excel.vectorized.row_tags import TaggedText
from consumer.sources.excel.vectorized.scan import CellArrays, ScannedRows
from consumer.sources.excel.vectorized.swar import Offsets, parse_digits

MAX_DIGITS = 15
"""A whole number of at most 15 digits is exact as a float."""
STYLES = {CellKind.DATE: NumberFormat.DATE, CellKind.DURATION: NumberFormat.DURATION}


@dataclass(frozen=True, slots=True)
class SheetSlice:
    """Row numbers and their counts of filled cells; columns and codes of these cells; the plain numbers."""

    positions: NDArray[np.int32]
    cell_counts: NDArray[np.int32]
    columns: NDArray[np.uint16]
    codes: Codes
    numbers: NDArray[np.float64]


def read_slice(scanned: ScannedRows, attribute_cache: AttributeCache, pool: ValuePool) -> SheetSlice:
    """The values of all rows; fallback rows are parsed here."""
    cells = scanned.cells
    codes, numbers = _encode_cells(scanned.text, cells, pool)
    row, column = cells.row, cells.column
    if len(scanned.fallback_rows):
        parsed = np.array(list(_parse_fallback_rows(scanned, attribute_cache, pool)), np.int64)
        parsed = parsed.reshape(-1, 3)
        row = np.concatenate([row, parsed[:, 0]])
        order = np.argsort(row, kind="stable")
        row = row[order]
        column = np.concatenate([column, parsed[:, 1]])[order]
        codes = np.concatenate([codes, parsed[:, 2].astype(np.int32)])[order]
    cell_counts = np.bincount(row, minlength=len(scanned.rows.numbers))
    return SheetSlice(
        scanned.rows.numbers.astype(np.int32),
        cell_counts.astype(np.int32),
        column.astype(np.uint16),
        codes,
        numbers,
    )


def _parse_fallback_rows(
    scanned: ScannedRows, attribute_cache: AttributeCache, pool: ValuePool
) -> Iterator[tuple[int, int, int]]:
    for row in scanned.fallback_rows.tolist():
        raw = scanned.text.raw[scanned.rows.offsets[row] : scanned.rows.offsets[row + 1]]
        cells = parse_row(raw, int(scanned.rows.numbers[row]), attribute_cache, pool, scanned.formulas)
        yield from ((row, column, cells[column]) for column in sorted(cells))


def _encode_cells(text: TaggedText, cells: CellArrays, pool: ValuePool) -> tuple[Codes, NDArray[np.float64]]:
    codes = np.empty(len(cells.kind), np.int32)
    shared = cells.kind == CellKind.SHARED
    codes[shared] = _shared_indexes(text, cells.start[shared], cells.end[shared])
    plain_numbers = cells.kind == CellKind.NUMBER
    codes[plain_numbers] = NUMBER_SENTINEL
    for kind, encode in _encoders(pool).items():
        of_kind = cells.kind == kind
        if of_kind.any():
            codes[of_kind] = encode(_raw_values(text, cells.start[of_kind], cells.end[of_kind]))
    numbers = _numbers(text, cells.start[plain_numbers], cells.end[plain_numbers])
    if numbers.rounded:
        rounded = list(numbers.rounded)
        codes[np.flatnonzero(plain_numbers)[rounded]] = [
            pool.intern_number(number, NumberFormat.NUMBER) for number in numbers.rounded.values()
        ]
        return codes, np.delete(numbers.values, rounded)
    return codes, numbers.values


def _encoders(pool: ValuePool) -> Mapping[CellKind, Callable[[list[bytes]], list[int]]]:
    """Kind of a cell → function from raw values of the XML to codes."""
    return {
        CellKind.BOOL: lambda values: pool.intern_raw(
            "bool", values, lambda value: pool.intern_boolean(_boolean(value))
        ),
        CellKind.DATE: lambda values: _formatted_numbers(values, NumberFormat.DATE, pool),
        CellKind.DURATION: lambda values: _formatted_numbers(values, NumberFormat.DURATION, pool),
        CellKind.SCIENTIFIC: lambda values: _formatted_numbers(values, NumberFormat.SCIENTIFIC, pool),
        CellKind.TEXT: lambda values: pool.intern_texts(decode_texts(_texts(values), preserve_space=True)),
        CellKind.RESULT: lambda values: _formula_results(
            decode_texts(_texts(values), preserve_space=True), pool
        ),
        CellKind.ERROR: lambda values: [pool.intern_error()] * len(values),
        CellKind.NO_RESULT: lambda values: [pool.intern_formula_without_value()] * len(values),
        CellKind.INLINE: lambda values: pool.intern_texts(decode_texts(_texts(values))),
        CellKind.INLINE_PRESERVE: lambda values: pool.intern_texts(
            decode_texts(_texts(values), preserve_space=True)
        ),
    }


def _formula_results(texts: list[str], pool: ValuePool) -> list[int]:
    """The codes of text results; each distinct text is checked once."""
    distinct = list(dict.fromkeys(texts))
    codes = dict(zip(distinct, pool.intern_texts(distinct), strict=True))
    codes |= {text: pool.intern_error() for text in distinct if is_error_text(text)}
    return list(map(codes.__getitem__, texts))


def _formatted_numbers(values: list[bytes], number_format: NumberFormat, pool: ValuePool) -> list[int]:
    return pool.intern_raw(
        number_format, values, lambda value: pool.intern_number(_number(value), number_format)
    )


def _texts(values: list[bytes]) -> list[str]:
    """The values decoded by one call, joined by NUL, which XML cannot contain."""
    joined = b"\0".join(values)
    if joined.count(b"\0") != len(values) - 1:
        raise UnsupportedByReaderError("a text contains a NUL")
    return _decode(joined).split("\0")


def _raw_values(text: TaggedText, starts: Offsets, ends: Offsets) -> list[bytes]:
    raw = text.raw
    return [raw[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]


def _shared_indexes(text: TaggedText, starts: Offsets, ends: Offsets) -> Codes:
    indexes, valid = parse_digits(text.words, ends, ends - starts)
    if not valid.all():
        raise UnsupportedByReaderError("the index of a shared string is no number")
    return indexes.astype(np.int32)


class ParsedNumbers(NamedTuple):
    """The numbers of some cells, and index → RoundedNumber of those that may lack digits."""

    values: NDArray[np.float64]
    rounded: Mapping[int, RoundedNumber]


def _numbers(text: TaggedText, starts: Offsets, ends: Offsets) -> ParsedNumbers:
    """Whole numbers of up to 15 digits by array operations, in two halves; others by `float`."""
    negative = (text.words[starts] & np.uint64(255)) == np.uint64(ord("-"))
    sizes = ends - starts - negative
    low, low_valid = parse_digits(text.words, ends, np.minimum(sizes, 8))
    high, high_valid = parse_digits(text.words, np.maximum(ends - 8, 8), sizes - 8)
    is_whole = low_valid & (high_valid | (sizes <= 8)) & (sizes <= MAX_DIGITS)
    numbers = low.astype(np.float64)
    numbers += np.where(sizes > 8, high, np.uint64(0)).astype(np.float64) * 1e8
    numbers[negative] *= -1
    others = np.flatnonzero(~is_whole)
    parsed = [_number(value) for value in _raw_values(text, starts[others], ends[others])]
    numbers[others] = parsed
    by_index = zip(others.tolist(), parsed, strict=True)
    return ParsedNumbers(numbers, {i: number for i, number in by_index if isinstance(number, RoundedNumber)})


def _number(value: bytes) -> float:
    text = _decode(value)
    if not NUMBER.fullmatch(text):
        raise UnsupportedByReaderError("a number cannot be parsed")
    return parse_number(text)


def _boolean(value: bytes) -> bool:
    if value not in {b"0", b"1"}:
        raise UnsupportedByReaderError("a boolean is neither 0 nor 1")
    return value == b"1"


def _decode(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise UnsupportedByReaderError("a value is not UTF-8") from None
