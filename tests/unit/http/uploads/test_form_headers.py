import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.http.uploads.form_headers import (
    ContentDisposition,
    InvalidFormError,
    parse_boundary,
    parse_disposition,
    printable_excerpt,
)


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=B", b"B"),
        ("Multipart/Form-Data;boundary=B", b"B"),
        ("multipart/form-data; charset=utf-8; BOUNDARY=B; x=1", b"B"),
        ('multipart/form-data; boundary="a b"', b"a b"),
        ("multipart/form-data; boundary=" + "b" * 70, b"b" * 70),
        ("multipart/form-data; boundary=----WebKitFormBoundary7MA4YW;", b"----WebKitFormBoundary7MA4YW"),
        ("multipart/form-data ; boundary = B", b"B"),
    ],
)
def test_boundary_is_parsed_from_the_content_type(content_type: str, boundary: bytes) -> None:
    assert parse_boundary(content_type) == boundary


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        "multipart/form-data; boundary=" + "b" * 71,
        'multipart/form-data; boundary="a "',
        'multipart/form-data; boundary="a\\"b"',
        "multipart/form-data; boundary=б",
        'multipart/form-data; boundary="a\r\nb"',
    ],
)
def test_invalid_boundary_is_rejected(content_type: str) -> None:
    with pytest.raises(InvalidFormError, match="needs a boundary of 1-70 characters"):
        parse_boundary(content_type)


def test_two_boundaries_are_rejected() -> None:
    with pytest.raises(InvalidFormError, match="«boundary» twice"):
        parse_boundary("multipart/form-data; boundary=a; boundary=b")


@pytest.mark.parametrize(
    ("header", "name", "filename"),
    [
        ('form-data; name="sheet"', "sheet", None),
        ("form-data; name=sheet", "sheet", None),
        ('Form-Data; Name="sheet"', "sheet", None),
        ('form-data; name="file"; filename="a.xlsx"', "file", "a.xlsx"),
        ('form-data; filename="a.xlsx"; name="file"', "file", "a.xlsx"),
        ('form-data; name="file"; filename=a.xlsx', "file", "a.xlsx"),
        ('form-data; name="file"; filename=""', "file", ""),
        ('form-data; name="file"; filename="a; b=\'c\'.xlsx"', "file", "a; b='c'.xlsx"),
        ('form-data; name="file"; filename="a%22b%0D%0a.xlsx"', "file", 'a"b\r\n.xlsx'),
        ('form-data; name="file"; filename="100%25 %d1.xlsx"', "file", "100%25 %d1.xlsx"),
        (r'form-data; name="file"; filename="a\"b\\c\d.xlsx"', "file", r'a"b\c\d.xlsx'),
        (r'form-data; name="file"; filename="C:\dir\a.xlsx"', "file", r"C:\dir\a.xlsx"),
        ("form-data; name=\"file\"; filename*=UTF-8''%D1%87.xlsx", "file", "ч.xlsx"),
        ('form-data; name="file"; filename="_.xlsx"; filename*=utf-8\'ru\'%D1%87.xlsx', "file", "ч.xlsx"),
        ("form-data; name=\"file\"; filename*=ISO-8859-1''%E9.xlsx", "file", "é.xlsx"),
        ('form-data; name="a%22b"', 'a"b', None),
        ('form-data; name="sheet";', "sheet", None),
        ('form-data;; name="sheet"', "sheet", None),
    ],
)
def test_disposition_is_parsed_as_clients_write_it(header: str, name: str, filename: str | None) -> None:
    assert parse_disposition(header) == ContentDisposition(name, filename)


@given(st.text(max_size=200))
def test_any_header_is_parsed_or_rejected(text: str) -> None:
    for header in (text, f"form-data; {text}", f'form-data; name="{text}'):
        try:
            parse_disposition(header)
        except InvalidFormError:
            continue


@given(st.text(st.characters(exclude_characters='"%\r\n\\', codec="utf-8"), min_size=1, max_size=100))
def test_name_without_special_characters_round_trips(name: str) -> None:
    assert parse_disposition(f'form-data; name="file"; filename="{name}"').filename == name


@pytest.mark.parametrize(
    ("name", "excerpt"),
    [
        ("sheet", "sheet"),
        ("a\nb\x1b", "a�b�"),
        ("x" * 61, "x" * 60 + "…"),
        ("8 900 123-45-67", "…67"),
        ("\ud800", "�"),
    ],
)
def test_excerpt_is_short_printable_and_without_phones(name: str, excerpt: str) -> None:
    assert printable_excerpt(name) == excerpt
