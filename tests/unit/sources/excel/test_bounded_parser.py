"""Every XML parser of workbooks limits depth, size of a tag, and namespaces."""

from collections import deque
from collections.abc import Mapping
from pathlib import Path

import pytest

from consumer.errors import WorkbookError
from consumer.sources.excel.reader_protocol import UnsupportedByReaderError
from consumer.sources.excel.vectorized.cell_attributes import AttributeCache
from consumer.sources.excel.vectorized.fallback_parser import parse_row
from consumer.sources.excel.vectorized.pool import ValuePool
from consumer.sources.excel.vectorized.shared_strings import read_shared_strings
from consumer.sources.excel.xml.bounded_parser import (
    MAX_DEPTH,
    MAX_NAMESPACE_CHARS,
    MAX_TOKEN_BYTES,
    BoundedParser,
)
from consumer.sources.excel.xml.sax import SaxHandler, open_archive, parse_member
from tests.support.workbooks import raw_xlsx


class LimitExceededError(Exception):
    """The exception of `make_error`."""


class CountingHandler:
    """Counts elements and the characters of texts."""

    def __init__(self) -> None:
        self.elements = self.characters = 0

    def start(self, _name: str, _attributes: Mapping[str, str]) -> None:
        self.elements += 1

    def text(self, text: str) -> None:
        self.characters += len(text)

    def end(self, _name: str) -> None:
        pass


def parse_text(text: str, piece: int = 1 << 16) -> CountingHandler:
    counting = CountingHandler()
    parser = BoundedParser(counting, LimitExceededError, separator=" ")
    content = text.encode()
    for start in range(0, len(content), piece):
        parser.feed(content[start : start + piece])
    parser.feed(b"", last=True)
    return counting


def nested(depth: int) -> str:
    return "<a>" * depth + "</a>" * depth


def test_xml_within_limits_is_parsed() -> None:
    long_text, attribute = "x" * (3 * MAX_TOKEN_BYTES), "y" * (MAX_TOKEN_BYTES // 2)
    namespace = "n" * MAX_NAMESPACE_CHARS
    found = parse_text(f'<a xmlns:p="{namespace}" b="{attribute}">{nested(MAX_DEPTH - 1)}{long_text}</a>')
    assert (found.elements, found.characters) == (MAX_DEPTH, len(long_text))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (nested(MAX_DEPTH + 1), "deep"),
        (f'<a b="{"x" * (2 * MAX_TOKEN_BYTES)}"/>', "tag of more than 1 MB"),
        (f"<a><!--{'x' * (2 * MAX_TOKEN_BYTES)}--></a>", "tag of more than 1 MB"),
        (f"<a><?pi {'x' * (2 * MAX_TOKEN_BYTES)}?></a>", "tag of more than 1 MB"),
        (f'<a xmlns="{"n" * (MAX_NAMESPACE_CHARS + 1)}"/>', "namespace"),
        (f'<p:a xmlns:p="{"n" * (MAX_NAMESPACE_CHARS + 1)}"/>', "namespace"),
    ],
)
def test_xml_beyond_limits_is_rejected(text: str, what: str) -> None:
    with pytest.raises(LimitExceededError, match=what):
        parse_text(text)


def test_long_tag_is_rejected_before_its_end() -> None:
    """Expat before 2.6.0 rescans an unfinished tag with each piece."""
    parser = BoundedParser(CountingHandler(), LimitExceededError)
    parser.feed(b'<a b="')
    pieces = [b"x" * (1 << 16)] * (2 * MAX_TOKEN_BYTES >> 16)
    with pytest.raises(LimitExceededError):
        deque(map(parser.feed, pieces), maxlen=0)


def test_limits_apply_within_a_large_piece() -> None:
    with pytest.raises(LimitExceededError):
        parse_text(f'<a b="{"x" * (8 * MAX_TOKEN_BYTES)}"/>', 16 * MAX_TOKEN_BYTES)


def test_every_parser_limits_depth(tmp_path: Path) -> None:
    deep = "<x>" * 1_000 + "</x>" * 1_000
    path = raw_xlsx(tmp_path / "deep.xlsx", deep)
    with open_archive(path) as archive, pytest.raises(WorkbookError, match="deep"):
        parse_member(archive, "xl/worksheets/sheet1.xml", SaxHandler())
    row = f'<row r="1"><c r="A1" t="inlineStr"><is>{deep}</is></c></row>'
    with pytest.raises(UnsupportedByReaderError, match="deep"):
        parse_row(row.encode(), 1, AttributeCache([]), ValuePool(since_1904=False), {})
    with pytest.raises(UnsupportedByReaderError, match="deep"):
        read_shared_strings([f'<sst x="1"><si>{deep}</si></sst>'.encode()])
