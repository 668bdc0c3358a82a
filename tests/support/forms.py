"""Bodies of multipart/form-data: captured from real clients, and written by hand."""

from dataclasses import dataclass

CONTENT = b"PK\x03\x04\r\n--not the end"
"""The file in the captured bodies; it contains a line that begins like a boundary."""


@dataclass(frozen=True)
class Form:
    """A request: its Content-Type and body, and the expected result of parsing."""

    content_type: str
    body: bytes
    filename: str
    content: bytes = CONTENT
    fields: tuple[tuple[str, str], ...] = ()


def _lines(*lines: bytes) -> bytes:
    return b"\r\n".join(lines)


def _curl(boundary: str, disposition: bytes, filename: str) -> Form:
    delimiter = b"--" + boundary.encode()
    body = _lines(
        delimiter,
        b'Content-Disposition: form-data; name="file"; ' + disposition,
        b"Content-Type: application/octet-stream",
        b"",
        CONTENT,
        delimiter + b"--",
        b"",
    )
    return Form(f"multipart/form-data; boundary={boundary}", body, filename)


CURL = Form(
    "multipart/form-data; boundary=------------------------e3427a700e92df13",
    _lines(
        b"--------------------------e3427a700e92df13",
        b'Content-Disposition: form-data; name="file"; filename="\xd1\x87\xd0\xb0\xd1\x82\xd1\x8b 1.xlsx"',
        b"Content-Type: application/octet-stream",
        b"",
        CONTENT,
        b"--------------------------e3427a700e92df13",
        b'Content-Disposition: form-data; name="sheet"',
        b"",
        b"\xd0\xa7\xd0\xb0\xd1\x82\xd1\x8b",
        b"--------------------------e3427a700e92df13",
        b'Content-Disposition: form-data; name="max_attempts"',
        b"",
        b"3",
        b"--------------------------e3427a700e92df13--",
        b"",
    ),
    "чаты 1.xlsx",
    fields=(("sheet", "Чаты"), ("max_attempts", "3")),
)
"""curl 7.88: -F file=@'чаты 1.xlsx' -F sheet=Чаты -F max_attempts=3"""

CURL_QUOTE = _curl("------------------------4bd23752cf5afd52", rb'filename="a%22b.xlsx"', 'a"b.xlsx')
CURL_QUOTE_ESCAPED = _curl("------------------------15ce503d05eaa48b", rb'filename="a\"b.xlsx"', 'a"b.xlsx')
"""With --form-escape."""
CURL_BACKSLASH = _curl("------------------------5e0fcd88ac5582aa", rb'filename="a\b.xlsx"', r"a\b.xlsx")
CURL_BACKSLASH_ESCAPED = _curl(
    "------------------------b59d69de888fca1d", rb'filename="a\\b.xlsx"', r"a\b.xlsx"
)
"""With --form-escape."""

CURL_PIPE = Form(
    "multipart/form-data; boundary=------------------------9487dfb254e35e62",
    _lines(
        b"--------------------------9487dfb254e35e62",
        b'Content-Disposition: form-data; name="file"; filename="-"',
        b"",
        b"piped",
        b"--------------------------9487dfb254e35e62--",
        b"",
    ),
    "-",
    b"piped",
)
"""-F file=@-"""

BROWSER = Form(
    "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
    _lines(
        b"------WebKitFormBoundary7MA4YWxkTrZu0gW",
        b'Content-Disposition: form-data; name="sheet"',
        b"",
        b"",
        b"------WebKitFormBoundary7MA4YWxkTrZu0gW",
        b'Content-Disposition: form-data; name="file"; '
        b'filename="100% %22\xd1\x87\xd0\xb0\xd1\x82\xd1\x8b%22.xlsx"',
        b"Content-Type: application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        b"",
        CONTENT,
        b"------WebKitFormBoundary7MA4YWxkTrZu0gW--",
        b"",
    ),
    '100% "чаты".xlsx',
    fields=(("sheet", ""),),
)
"""As Chromium writes it."""

OLD_REQUESTS = Form(
    "multipart/form-data; boundary=cfbf2122a85a8ec7fd12f5db502b2873",
    _lines(
        b"--cfbf2122a85a8ec7fd12f5db502b2873",
        b"Content-Disposition: form-data; name=\"file\"; filename*=utf-8''%D1%87%D0%B0%D1%82%D1%8B.xlsx",
        b"",
        CONTENT,
        b"--cfbf2122a85a8ec7fd12f5db502b2873--",
        b"",
    ),
    "чаты.xlsx",
)
"""As requests with urllib3 before 2.0 writes it."""

CAPTURED = {
    "curl": CURL,
    "curl-quote": CURL_QUOTE,
    "curl-quote-escaped": CURL_QUOTE_ESCAPED,
    "curl-backslash": CURL_BACKSLASH,
    "curl-backslash-escaped": CURL_BACKSLASH_ESCAPED,
    "curl-pipe": CURL_PIPE,
    "browser": BROWSER,
    "old-requests": OLD_REQUESTS,
}


def part(headers: bytes, content: bytes = b"") -> bytes:
    """One part with the boundary `B` before it; `headers` without the last line end."""
    return b"--B\r\n" + headers + b"\r\n\r\n" + content + b"\r\n"


def field(name: str, value: bytes = b"") -> bytes:
    """A plain field with the boundary `B` before it."""
    return part(f'Content-Disposition: form-data; name="{name}"'.encode(), value)


def file(content: bytes = CONTENT, name: str = "file", filename: str = "a.xlsx") -> bytes:
    """A file with the boundary `B` before it."""
    disposition = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"'
    return part(disposition.encode(), content)


END = b"--B--\r\n"
CONTENT_TYPE = "multipart/form-data; boundary=B"
