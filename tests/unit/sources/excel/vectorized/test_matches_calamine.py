"""Whatever the vectorized reader supports, it reads like calamine: each cell and each type."""

import zipfile
from pathlib import Path

import pytest

from consumer.sources.excel.reader_protocol import UnsupportedByReaderError
from consumer.sources.excel.vectorized.reader import open_vectorized
from tests.support.raw_workbooks import (
    make_members,
    read_by_calamine,
    read_by_stream,
    read_cells,
    write_workbook,
)

TEXT = "<si><t>раз</t></si><si><t>два &amp; &#1090;ри</t></si><si><t/></si>"


def cell(inner: str, attributes: str = "") -> str:
    return f'<row r="1"><c r="A1"{attributes}>{inner}</c><c r="B1"><v>7</v></c></row>'


SECOND = '<row r="2"><c r="A2"><v>1</v></c></row>'
SAME = {
    "empty sheet": "",
    "shared strings": '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" s="1" t="s"><v>1</v></c></row>',
    "type before style": cell("<v>1</v>", ' t="s" s="0"'),
    "blank shared string": '<row r="1"><c r="A1" t="s"><v>2</v></c></row>' + SECOND,
    "attributes of a row": '<row r="3" spans="1:2" ht="1" x14ac:dyDescent="0.2"><c r="A3"><v>1</v></c></row>',
    "row closed at once": '<row r="1" ht="3"/><row r="2"><c r="A2"><v>1</v></c></row>',
    "row without cells": '<row r="1"></row><row r="9"><c r="B9"><v>1</v></c></row>',
    "cells without values": '<row r="1"><c r="A1" s="1"/><c r="B1" s="1"></c><c r="C1"><v>1</v></c></row>',
    "empty value": cell("<v></v>"),
    "closed value": cell("<v/>"),
    "styled rows at the end": '<row r="1"><c r="A1"><v>1</v></c></row><row r="2"><c r="A2" s="1"/></row>',
    "implied references": '<row r="2"><c><v>1</v></c><c t="s"><v>1</v></c><c r="E2"><v>3</v></c>'
    "<c><v>4</v></c></row>",
    "cells out of order": '<row r="1"><c r="C1"><v>3</v></c><c r="A1"><v>1</v></c></row>',
    "a cell twice": '<row r="1"><c r="A1"><v>3</v></c><c r="A1"><v>1</v></c><c r="A1"/></row>',
    "far columns": '<row r="1"><c r="Z1"><v>1</v></c><c r="AA1"><v>2</v></c><c r="AZ1"><v>3</v></c>'
    '<c r="ZZ1"><v>4</v></c><c r="AAA1"><v>5</v></c><c r="XFD1"><v>6</v></c></row>',
    "formula": cell("<f>SUM(B1:C1)</f><v>5</v>")
    + '<row r="2"><c r="A2" t="str"><f>"a"</f><v>a</v></c></row>',
    "shared formula": cell('<f t="shared" ref="A1:A2" si="0">B1</f><v>5</v>')
    + '<row r="2"><c r="A2"><f t="shared" si="0"/><v>5</v></c><c r="B2"><v>1</v></c></row>',
    "formula without a value": cell("<f>A2</f>"),
    "formula with a closed value": cell("<f>A2</f><v/>"),
    "formula behind the value": cell("<v>5</v><f>A2</f>"),
    "text of a formula": cell("<f>A2</f><v> a&amp;b&#10;_x000D__x0041_ </v>", ' t="str"'),
    "empty text of a formula": cell("<f>A2</f><v></v>", ' t="str"'),
    "true": cell("<v>1</v>", ' t="b"'),
    "false": cell("<v>0</v>", ' t="b"'),
    "error": cell("<v>#N/A</v>", ' t="e"'),
    "error of a formula": cell("<f>NA()</f><v>#DIV/0!</v>", ' t="e"'),
    "only an error": '<row r="1"><c r="A1" t="e"><v>#REF!</v></c></row>',
    "inline": cell("<is><t> a &lt; b </t></is>", ' t="inlineStr"'),
    "inline kept": cell('<is><t xml:space="preserve"> a\r\nb </t></is>', ' t="inlineStr"'),
    "inline rich": cell("<is><r><rPr><b/></rPr><t>a </t></r><r><t>b</t></r></is>", ' t="inlineStr"'),
    "inline phonetic": cell("<is><t>a</t><rPh sb='0' eb='1'><t>x</t></rPh></is>", ' t="inlineStr"'),
    "inline empty": cell("<is><t></t></is>", ' t="inlineStr"'),
    "inline with a value": cell("<v>3</v>", ' t="inlineStr"'),
    "inline untyped": cell("<is><t>a</t></is>"),
    "typed number": cell("<v>5</v>", ' t="n"'),
    "style beyond the last": cell("<v>5</v>", ' s="77"'),
    "many digits in the style": cell("<v>5</v>", ' s="100000"'),
    "white space between": f'\n <row r="1">\n  <c r="A1">\n<v>5</v>\n</c>\n</row>\n {SECOND}\n',
    "single quotes": "<row r=\"1\"><c r='A1'><v>5</v></c></row>",
    "unknown attribute of a cell": cell("<v>5</v>", ' s="1" cm="1"'),
    "space in a tag": cell("<v>5</v>", ' s="1" '),
    "greater than in a value": cell("<v>a > b</v>", ' t="str"'),
    "greater than in an attribute": '<row r="1"><c r="A1" note=">"><v>5</v></c></row>',
    "bracket in the attribute of a row": '<row r="1" note="a>b"><c r="A1"><v>5</v></c></row>',
    "text between cells": '<row r="1">x<c r="A1">y<v>5</v>z</c></row>',
    "leading zeros of an index": cell("<v>0001</v>", ' t="s"'),
    "date before all": cell("<v>-1e9</v>", ' s="1"'),
    "long duration": cell("<v>-97000000.3</v>", ' s="2"'),
    "last row": '<row r="1"><c r="A1"><v>1</v></c></row><row r="1000"><c r="A1000"><v>1</v></c></row>',
}
NUMBERS = """
0 -0 1 -1 42 12345678 123456789 7700000000 79991234567 -70000000000000 999999999999999 9999999999999999
9007199254740993 12345678901234567890 0.1 -0.1 1E+20 1e-7 1.5e300 1e400 -1E400 45636 45636.5
45636.123456789 59 60 61 0.5 0.999999999 -0.5 -1 1.00000000001 2958465 2958466 99999999 5. 00012
0.00000000578703703 43831.0000000058 1.0000000058 36526.99999999422
"""


@pytest.mark.parametrize("data", SAME.values(), ids=SAME)
def test_rows_match_calamine(data: str, tmp_path: Path) -> None:
    book = write_workbook(tmp_path / "book.xlsx", make_members(data, TEXT))
    assert read_by_stream(book) == read_by_calamine(book)


@pytest.mark.parametrize("properties", ["", '<workbookPr date1904="1"/>', '<workbookPr date1904="true"/>'])
@pytest.mark.parametrize("style", range(6))
def test_numbers_and_dates_match_calamine(style: int, properties: str, tmp_path: Path) -> None:
    limit = 1e7 if style in {1, 2, 3, 4} else 1e999  # later dates are unsupported
    numbers = [number for number in NUMBERS.split() if abs(float(number)) <= limit]
    data = "".join(
        f'<row r="{row}"><c r="A{row}" s="{style}"><v>{number}</v></c></row>'
        for row, number in enumerate(numbers, 1)
    )
    book = write_workbook(tmp_path / "book.xlsx", make_members(data, properties=properties))
    assert read_by_stream(book) == read_by_calamine(book)


STRINGS = {
    "plain": "<si><t>a</t></si><si><t>b</t></si>",
    "blanks": "<si><t> a\t</t></si><si><t>\n</t></si><si><t>\u00a0b\u2003</t></si>",
    "kept blanks": '<si><t xml:space="preserve"> a </t></si><si><t xml:space="preserve">b</t></si>',
    "entities": "<si><t>&amp;amp; &lt;&gt;&quot;&apos;</t></si><si><t>&#10;a&#x41;&#1071;&#32;</t></si>",
    "kept entities": '<si><t xml:space="preserve">&#13;&#10;a &amp;lt;</t></si><si><t>&#9;b</t></si>',
    "line ends": "<si><t>a\r\nb\rc</t></si><si><t>\r\n</t></si>",
    "escapes": "<si><t>a_x000D_b_x0000__x005F_x000D_</t></si><si><t>_xD83D__x0416_ _x00e9_</t></si>",
    "escaped blanks": "<si><t>_x0020_a_x000A_</t></si><si><t>b</t></si>",
    "rich": "<si><r><t>a </t></r><r><rPr><b/></rPr><t xml:space='preserve'> b</t></r></si><si><t>c</t></si>",
    "phonetic": '<si><t>a</t><rPh sb="0" eb="1"><t>x</t></rPh><phoneticPr fontId="1"/></si><si><t>b</t></si>',
    "empty": "<si><t/></si><si><t></t></si>",
    "closed": "<si/><si><t>b</t></si>",
    "nothing in it": "<si></si><si><t>b</t></si>",
    "two texts": "<si><t>a</t><t> b</t></si><si><t>c</t></si>",
    "indented": "\n <si>\n  <t>a</t>\n </si>\n <si><t>b</t></si>\n",
    "greater than": "<si><t>a > </t></si><si><t>-></t></si>",
    "control characters": "<si><t>a\x01b</t></si><si><t>\x7f\x85\u2028</t></si>",
    "beyond the first plane": "<si><t>😀_x000D_</t></si><si><t>&#128512;</t></si>",
    "elements in a text": "<si><t>a<b>x</b>c</t></si><si><t>a<t>x</t>c</t>d</si>",
    "more than counted": "<si><t>a</t></si><si><t>b</t></si><si><t>c</t></si>",
}


@pytest.mark.parametrize("strings", STRINGS.values(), ids=STRINGS)
def test_shared_strings_match_calamine(strings: str, tmp_path: Path) -> None:
    data = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'
    book = write_workbook(tmp_path / "book.xlsx", make_members(data, strings))
    assert read_by_stream(book) == read_by_calamine(book)


UNUSUAL = {
    "comment": '<row r="1"><!-- <c r="B1"><v>1</v></c> --><c r="A1"><v>5</v></c></row>',
    "CDATA": cell("<v><![CDATA[a]]></v>", ' t="str"'),
    "processing instruction": '<?x y?><row r="1"><c r="A1"><v>5</v></c></row>',
    "rows out of order": '<row r="2"><c r="A2"><v>5</v></c></row><row r="1"><c r="A1"><v>5</v></c></row>',
    "a row twice": '<row r="1"><c r="A1"><v>5</v></c></row><row r="1"><c r="B1"><v>5</v></c></row>',
    "row without a number": '<row><c r="A1"><v>5</v></c></row>',
    "row with its number later": '<row spans="1:1" r="1"><c r="A1"><v>5</v></c></row>',
    "row beyond the last": '<row r="1048577"><c r="A1048577"><v>5</v></c></row>',
    "row with a long number": '<row r="00000001"><c r="A1"><v>5</v></c></row>',
    "row zero": '<row r="0"><c r="A0"><v>5</v></c></row>',
    "column beyond the last": '<row r="1"><c r="XFE1"><v>5</v></c></row>',
    "cell of another row": '<row r="1"><c r="A2"><v>5</v></c></row>',
    "cell without a row": '<row r="1"><c r="A"><v>5</v></c></row>',
    "small letters": '<row r="1"><c r="a1"><v>5</v></c></row>',
    "ISO date": cell("<v>2024-12-10</v>", ' t="d"'),
    "empty type": cell("<v>5</v>", ' t=""'),
    "unknown type": cell("<v>5</v>", ' t="x"'),
    "unknown element": cell("<w>5</w>"),
    "entity in a number": cell("<v>&#53;</v>"),
    "text for a number": cell("<v>abc</v>"),
    "blank around a number": cell("<v> 5</v>"),
    "underscore in a number": cell("<v>1_0</v>"),
    "digits of another script": cell("<v>٣</v>"),
    "nan": cell("<v>nan</v>"),
    "word for a boolean": cell("<v>true</v>", ' t="b"'),
    "index that is no number": cell("<v>-1</v>", ' t="s"'),
    "index beyond the last": cell("<v>3</v>", ' t="s"'),
    "long index": cell("<v>000000001</v>", ' t="s"'),
    "unknown entity": cell("<v>&nbsp;</v>", ' t="str"'),
    "duration beyond all": cell("<v>1e10</v>", ' s="2"'),
    "date beyond all": cell("<v>-2e11</v>", ' s="1"'),
    "cell outside of rows": '<row r="1"></row><c r="A1"><v>5</v></c>',
    "unclosed row": '<row r="1"><c r="A1"><v>5</v></c><row r="2"></row>',
    "lost end of a cell": '<row r="1"><c r="A1"><v>5</v><c r="B1"><v>5</v></c></row>',
}


@pytest.mark.parametrize("data", UNUSUAL.values(), ids=UNUSUAL)
def test_ambiguous_rows_are_unsupported(data: str, tmp_path: Path) -> None:
    good = '<row r="1"><c r="A1"><v>5</v></c></row>' if 'r="1"' not in data else ""
    book = write_workbook(tmp_path / "book.xlsx", make_members(good + data, TEXT))
    with pytest.raises(UnsupportedByReaderError):
        read_cells(open_vectorized(book, 7))


@pytest.mark.parametrize(
    "strings",
    ["<si><t>a<!-- b --></t></si>", "<si><t><![CDATA[a]]></t></si>", "<si><t>&x;</t></si>", "<si><t>a</si>",
     "<si><t>&#0;</t></si>", "<si><t>&#xD800;</t></si>"],
)  # fmt: skip
def test_ambiguous_strings_are_unsupported(strings: str, tmp_path: Path) -> None:
    data = '<row r="1"><c r="A1" t="s"><v>0</v></c></row>'
    with pytest.raises(UnsupportedByReaderError):
        read_cells(open_vectorized(write_workbook(tmp_path / "book.xlsx", make_members(data, strings)), 7))


def test_stored_member_is_read_like_a_deflated_one(tmp_path: Path) -> None:
    book = write_workbook(tmp_path / "book.xlsx", make_members(SAME["far columns"]), zipfile.ZIP_STORED)
    assert read_by_stream(book) == read_by_calamine(book)
