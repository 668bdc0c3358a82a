"""Parses multipart/form-data while it arrives: small fields as a whole, the one file chunk by chunk."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from consumer.http.uploads.form_events import FormEnd, FormEvent
from consumer.http.uploads.form_headers import InvalidFormError, parse_boundary, printable_excerpt
from consumer.http.uploads.form_part import MAX_HEADER_BYTES, MAX_HEADERS, FormPart, headers_too_large

MAX_FIELDS_BESIDE_FILE = 32
MAX_EPILOGUE_BYTES = 64 * 1024
"""After the final boundary; not exact by up to one slice, since the parser does not report where the form
ended."""
SLICE_BYTES = 16 * 1024
"""Parsed without yielding: a slice full of near-boundaries takes 12 ms, ordinary bytes 10 µs."""
MAX_BLOCKING_SECONDS = 0.001
"""Between two slices the parser yields to the event loop after this time; ordinary bytes rarely reach it."""

_SILENT_LOGGER = logging.Logger("python_multipart.silent", logging.CRITICAL + 1)
"""The parser logs a warning for each error it raises, which would let clients fill our log."""


class FormReader:
    """Push parser: bytes in, events out. After it has raised InvalidFormError it must not be fed again."""

    def __init__(self, boundary: bytes) -> None:
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begin,
                "on_header_field": lambda data, start, end: self._part.add_header_name(data[start:end]),
                "on_header_value": lambda data, start, end: self._part.add_header_value(data[start:end]),
                "on_header_end": lambda: self._part.end_header(),
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._part_data,
                "on_part_end": lambda: self._events.append(self._part.end()),
                "on_end": self._end,
            },
            max_header_count=MAX_HEADERS,
            max_header_size=MAX_HEADER_BYTES,
        )
        self._parser.logger = _SILENT_LOGGER
        self._delimiter = b"--" + boundary
        self._preamble: bytearray | None = bytearray()
        self._parsed_bytes = 0
        self._ended = False
        self._epilogue_bytes = 0
        self._part = FormPart()
        self._names: set[str] = set()
        self._events: list[FormEvent] = []

    def feed(self, data: bytes) -> list[FormEvent]:
        """Parse the next bytes of the body; returns the events they complete."""
        if data := self._require_delimiter(data):
            self._parse(data)
        events, self._events = self._events, []
        return events

    def close(self) -> list[FormEvent]:
        """The body has ended: returns FormEnd, raises InvalidFormError if the form is incomplete."""
        if not self._ended:
            raise InvalidFormError(
                "The form ends before its final boundary: the upload was cut off. Send it again."
            )
        return [FormEnd()]

    def _require_delimiter(self, data: bytes) -> bytes:
        """Buffer the first bytes to check that the boundary comes first: the parser would skip others."""
        if self._preamble is None:
            return data
        self._preamble += data
        if len(self._preamble) < len(self._delimiter) + 2:
            return b""
        start, self._preamble = bytes(self._preamble).removeprefix(b"\r\n"), None
        if not start.startswith(self._delimiter):
            raise InvalidFormError("The form does not begin with the boundary that its Content-Type names.")
        return start

    def _parse(self, data: bytes) -> None:
        if self._ended:
            self._epilogue_bytes += len(data)
            if self._epilogue_bytes > MAX_EPILOGUE_BYTES:
                raise InvalidFormError("The form goes on after its final boundary.")
            return
        try:
            self._parser.write(data)
        except FormParserError as error:
            if "exceeded" in str(error):
                raise headers_too_large() from error
            position = self._parsed_bytes + max(0, getattr(error, "offset", 0))
            raise InvalidFormError(
                f"The form is not well-formed multipart/form-data near byte {position:,}."
            ) from error
        self._parsed_bytes += len(data)

    def _part_begin(self) -> None:
        self._part = FormPart()

    def _headers_finished(self) -> None:
        file_begin = self._part.end_headers()
        name = self._part.name
        if name in self._names:
            raise InvalidFormError(f"The field «{printable_excerpt(name)}» is there twice; send it once.")
        if len(self._names) > MAX_FIELDS_BESIDE_FILE:
            raise InvalidFormError(f"The form has more than {MAX_FIELDS_BESIDE_FILE} fields beside the file.")
        self._names.add(name)
        if file_begin:
            self._events.append(file_begin)

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if piece := self._part.add_data(data, start, end):
            self._events.append(piece)

    def _end(self) -> None:
        self._ended = True


async def read_form(chunks: AsyncIterator[bytes], content_type: str) -> AsyncIterator[FormEvent]:
    """The events of a form whose body arrives in `chunks`; the last is FormEnd, if the form is complete.

    Raises InvalidFormError or NotMultipartError with a sentence for the client. Buffers one chunk and one
    field.
    """
    reader = FormReader(parse_boundary(content_type))
    async for chunk in chunks:
        started = time.monotonic()
        for start in range(0, len(chunk), SLICE_BYTES):
            if time.monotonic() - started > MAX_BLOCKING_SECONDS:
                await asyncio.sleep(0)  # lets the event loop serve other requests
                started = time.monotonic()
            for event in reader.feed(chunk[start : start + SLICE_BYTES]):
                yield event
    for event in reader.close():
        yield event
