"""Parses the headers of multipart/form-data: the boundary, and the name and file name of a part.

RFC 7578, extended by what clients send: file names in raw UTF-8 (curl, httpx, requests), with %22, %0D and
%0A in place of quotes and line ends (browsers, curl), with backslashes (`curl --form-escape`), or in the
extended form of RFC 5987 (older versions of requests).
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from consumer.telemetry.redaction import sanitize

MAX_BOUNDARY = 70
"""Characters, RFC 2046 section 5.1.1."""
MAX_EXCERPT_CHARS = 60
EXTENDED_CHARSETS = ("utf-8", "iso-8859-1")
"""The charsets that RFC 5987, section 3.2.1, requires."""

_BOUNDARY = re.compile(rf"[0-9A-Za-z'()+_,\-./:=? ]{{0,{MAX_BOUNDARY - 1}}}[0-9A-Za-z'()+_,\-./:=?]")
_VALUE = re.compile(r"[ \t]*([^;]*)")
_PARAMETER = re.compile(
    r""";[ \t]*(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:"((?:\\.|[^"\\])*)"|([^;"]*))[ \t]*)?""",
    re.DOTALL,
)
_ESCAPED = re.compile(r'\\(["\\])')
_PERCENT = re.compile(r"%(22|0[AaDd])")
"""The only escapes of browsers (WHATWG HTML, multipart/form-data encoding); any other % is literal."""


class InvalidFormError(ValueError):
    """The form cannot be parsed; the text is a sentence for the client."""


class NotMultipartError(InvalidFormError):
    """The Content-Type is not multipart/form-data."""


@dataclass(frozen=True, slots=True)
class ContentDisposition:
    """The name of a part; `filename` is None for a plain field."""

    name: str
    filename: str | None


def parse_boundary(content_type: str) -> bytes:
    """The boundary in a Content-Type; raises NotMultipartError, InvalidFormError."""
    kind, parameters = _parse_parameters(content_type, "Content-Type")
    if kind.lower() != "multipart/form-data":
        raise NotMultipartError(
            'The body must be multipart/form-data; curl sends it with -F "file=@chats.xlsx".'
        )
    boundary = parameters.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise InvalidFormError(
            f"The Content-Type needs a boundary of 1-{MAX_BOUNDARY} characters of RFC 2046; "
            "let the client choose it instead of setting the header."
        )
    return boundary.encode("ascii")


def parse_disposition(header: str | None) -> ContentDisposition:
    """The Content-Disposition of a part, parsed; raises InvalidFormError."""
    if header is None:
        raise InvalidFormError("A part of the form has no Content-Disposition, so its name is unknown.")
    kind, parameters = _parse_parameters(header, "Content-Disposition")
    name = _unescape(parameters.get("name", ""))
    if kind.lower() != "form-data" or not name:
        raise InvalidFormError(
            'A part of the form has no name; its Content-Disposition must be form-data; name="…".'
        )
    filename = parameters.get("filename")
    extended = parameters.get("filename*")
    if extended is not None:
        return ContentDisposition(name, _decode_extended(extended))
    return ContentDisposition(name, None if filename is None else _unescape(filename))


def printable_excerpt(name: str) -> str:
    """Client text that is safe to quote in an error: printable, without phones, shortened."""
    clean = sanitize("".join(char if char.isprintable() else "�" for char in name[: 2 * MAX_EXCERPT_CHARS]))
    return clean if len(clean) <= MAX_EXCERPT_CHARS else clean[:MAX_EXCERPT_CHARS] + "…"


def _parse_parameters(header: str, header_name: str) -> tuple[str, dict[str, str]]:
    """The value before the first semicolon, and the parameters after it: unquoted, names in lower case."""
    value = _VALUE.match(header)
    assert value is not None  # noqa: S101 - the pattern matches anything
    parameters: dict[str, str] = {}
    position = value.end()
    while position < len(header):
        parameter = _PARAMETER.match(header, position)
        if parameter is None or parameter.end() == position:
            raise InvalidFormError(f"A {header_name} of the form cannot be read: a quote or an = is missing.")
        position = parameter.end()
        name, quoted, plain = parameter.groups()
        if name is None:
            continue
        if name.lower() in parameters:
            raise InvalidFormError(
                f"A {header_name} of the form has the parameter «{printable_excerpt(name)}» twice."
            )
        parameters[name.lower()] = plain.strip(" \t") if quoted is None else _ESCAPED.sub(r"\1", quoted)
    return value[1].strip(" \t"), parameters


def _unescape(text: str) -> str:
    return _PERCENT.sub(lambda match: chr(int(match[1], 16)), text)


def _decode_extended(text: str) -> str:
    """The value of `filename*=charset'language'percent-encoded`."""
    charset, _, rest = text.partition("'")
    _, quote, encoded = rest.partition("'")
    if not quote or charset.lower() not in EXTENDED_CHARSETS:
        raise InvalidFormError("A filename* of the form must look like UTF-8''name (RFC 5987).")
    try:
        return unquote_to_bytes(encoded).decode(charset)
    except UnicodeDecodeError as error:
        raise InvalidFormError(f"A filename* of the form is not {charset.upper()}.") from error
