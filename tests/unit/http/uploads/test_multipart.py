"""Valid and malformed forms, split in every way."""

import asyncio
import itertools
import logging
import tracemalloc
from collections.abc import AsyncIterator, Iterable

import httpx
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from consumer.http.uploads import multipart
from consumer.http.uploads.form_events import FileBegin, FileData, FileEnd, FormEnd, FormEvent, FormField
from consumer.http.uploads.form_headers import InvalidFormError, NotMultipartError
from consumer.http.uploads.multipart import (
    MAX_EPILOGUE_BYTES,
    MAX_FIELDS_BESIDE_FILE,
    SLICE_BYTES,
    FormReader,
    read_form,
)
from tests.support.forms import CAPTURED, CONTENT, CONTENT_TYPE, END, Form, field, file, part

FILE_END = (FileEnd(), FormEnd())


def _read(pieces: Iterable[bytes], boundary: bytes = b"B") -> list[FormEvent]:
    """The events of a body, with all bytes of the file in one event."""
    reader = FormReader(boundary)
    events = [event for piece in pieces for event in reader.feed(piece)] + reader.close()
    return _merge_data(events)


def _merge_data(events: list[FormEvent]) -> list[FormEvent]:
    result: list[FormEvent] = []
    for event in events:
        if isinstance(event, FileData) and result and isinstance(result[-1], FileData):
            result[-1] = FileData(memoryview(bytes(result[-1].data) + bytes(event.data)))
        else:
            result.append(event)
    return result


async def _chunks(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def _events(body: bytes, content_type: str, step: int = 1_000_000) -> list[FormEvent]:
    pieces = (body[start : start + step] for start in range(0, len(body), step))
    return _merge_data([event async for event in read_form(_chunks(pieces), content_type)])


def _fields(events: list[FormEvent]) -> list[tuple[str, str]]:
    return [(event.name, event.value) for event in events if isinstance(event, FormField)]


def _filename(events: list[FormEvent]) -> str:
    [begin] = [event for event in events if isinstance(event, FileBegin)]
    assert begin.name == "file"
    return begin.filename


def _content(events: list[FormEvent]) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, FileData))


@pytest.mark.parametrize("form", CAPTURED.values(), ids=CAPTURED)
@pytest.mark.parametrize("step", [1, 7, 1_000_000])
async def test_captured_body(form: Form, step: int) -> None:
    events = await _events(form.body, form.content_type, step)
    assert _filename(events) == form.filename
    assert _content(events) == form.content
    assert _fields(events) == list(form.fields)
    assert events[-1] == FormEnd()
    assert [type(event) for event in events].count(FileEnd) == 1


async def test_body_of_httpx() -> None:
    request = httpx.Request(
        "POST", "http://test", data={"sheet": "Чаты"}, files={"file": ('чаты "1".xlsx', CONTENT)}
    )
    events = await _events(request.read(), request.headers["content-type"])
    assert (_filename(events), _content(events)) == ('чаты "1".xlsx', CONTENT)
    assert _fields(events) == [("sheet", "Чаты")]


async def test_body_of_requests() -> None:
    prepared = requests.Request(
        "POST", "http://test", data={"sheet": "Чаты"}, files={"file": ('чаты "1".xlsx', CONTENT)}
    ).prepare()
    content_type = prepared.headers["content-type"]
    assert isinstance(prepared.body, bytes)
    assert isinstance(content_type, str)
    events = await _events(prepared.body, content_type)
    assert (_filename(events), _content(events)) == ('чаты "1".xlsx', CONTENT)
    assert _fields(events) == [("sheet", "Чаты")]


def test_headers_of_the_file_are_passed_on() -> None:
    headers = (
        b'content-disposition:form-data;name=file;filename="a"\r\nContent-Type: text/x\r\n'
        b"Content-Digest: sha-256=:AAAA:"
    )
    events = _read([part(headers, b"1") + END])
    assert events[0] == FileBegin(
        "file",
        "a",
        {
            "content-disposition": 'form-data;name=file;filename="a"',
            "content-type": "text/x",
            "content-digest": "sha-256=:AAAA:",
        },
    )


def test_fields_may_come_before_and_after_the_file() -> None:
    events = _read([field("a", b"1") + file() + field("b", b"2\r\n\r\n3") + END])
    assert _fields(events) == [("a", "1"), ("b", "2\r\n\r\n3")]
    assert [type(event) for event in events] == [
        FormField, FileBegin, FileData, FileEnd, FormField, FormEnd,
    ]  # fmt: skip


def test_empty_file_has_no_data() -> None:
    assert _read([file(b"") + END])[1:] == list(FILE_END)


def test_empty_form_is_valid() -> None:
    assert _read([b"--B--\r\n"]) == [FormEnd()]


@pytest.mark.parametrize("end", [b"--B--", b"--B--\r\n", b"--B--\r\nan epilogue", b"--B--\r\n--B\r\n"])
def test_form_may_end_without_line_end_or_with_an_epilogue(end: bytes) -> None:
    assert _read([file() + end])[-2:] == list(FILE_END)


def test_form_may_begin_with_a_line_end() -> None:
    assert _content(_read([b"\r\n" + file() + END])) == CONTENT


def test_data_is_passed_on_before_the_file_is_complete() -> None:
    reader = FormReader(b"B")
    reader.feed(file(b"")[: -len(b"\r\n")])
    [event] = reader.feed(b"x" * 1_000)
    assert isinstance(event, FileData)
    assert bytes(event.data) == b"x" * 1_000


BOUNDARY_LIKE = st.lists(
    st.sampled_from([b"\r", b"\n", b"-", b"--", b"B", b"\r\n--", b"\r\n--B", b"--B--", b"\r\n--Bx", b"\x00"]),
    max_size=30,
).map(b"".join)


@given(BOUNDARY_LIKE, BOUNDARY_LIKE, st.lists(st.integers(0, 700), max_size=12), st.booleans())
def test_any_split_of_a_body_gives_the_same_events(
    content: bytes, value: bytes, cuts: list[int], line_first: bool
) -> None:
    # A line that begins with the boundary ends the content, so the rest may be valid or invalid.
    body = b"\r\n" * line_first + field("a", value) + file(content) + field("b", b"2") + END + b"epilogue"
    positions = sorted({0, len(body), *(position for position in cuts if position < len(body))})
    pieces = [body[start:end] for start, end in itertools.pairwise(positions)]
    assert (
        _result(pieces) == _result([body]) == _result([body[index : index + 1] for index in range(len(body))])
    )


def _result(pieces: Iterable[bytes]) -> list[FormEvent] | str:
    try:
        return _read(pieces)
    except InvalidFormError as error:
        return str(error)


@given(BOUNDARY_LIKE)
def test_bytes_without_the_boundary_round_trip(content: bytes) -> None:
    boundary = b"another"
    body = file(content).replace(b"--B\r\n", b"--another\r\n", 1) + b"--another--"
    assert _content(_read([body], boundary)) == content


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "cut off"),
        (b"--", "cut off"),
        (file(), "cut off"),
        (file() + b"--B", "cut off"),
        (file() + b"--B-", "cut off"),
        (b"preamble\r\n" + file() + END, "does not begin with the boundary"),
        (b"\r\npreamble\r\n" + file() + END, "does not begin with the boundary"),
        (b"\r\n\r\n" + file() + END, "does not begin with the boundary"),
        (b"--C\r\n" + END, "does not begin with the boundary"),
        (file() + file() + END, "«file» is there twice"),
        (file() + file(name="other") + END, "«other»; it belongs in «file»"),
        (file(name="upload") + END, "«upload»; it belongs in «file»"),
        (field("file", b"chats.xlsx") + END, "no file name"),
        (file(filename="") + END, "no file name"),
        (field("a") + field("a") + END, "«a» is there twice"),
        (field("a") + field("file") + END, "no file name"),
        (field("") + END, "no name"),
        (part(b"Content-Disposition: form-data") + END, "no name"),
        (part(b"Content-Disposition: attachment; name=a") + END, "no name"),
        (part(b"Content-Type: text/plain") + END, "no Content-Disposition"),
        (b"--B\r\n\r\nvalue\r\n" + END, "no Content-Disposition"),
        (part(b"Content-Disposition: form-data; name=a; name=b") + END, "«name» twice"),
        (
            part(b"Content-Disposition: form-data; name=a\r\ncontent-disposition: x") + END,
            "disposition» twice",
        ),
        (part(b'Content-Disposition: form-data; name="a') + END, "quote or an = is missing"),
        (part(b"Content-Disposition: form-data; name") + END, "quote or an = is missing"),
        (
            part(b"Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64") + END,
            "encoded",
        ),
        (field("a", b"\xff\xfe") + END, "«a» is not UTF-8"),
        (field("a", b"x" * 65_537) + END, "«a» is longer than 64 KiB"),
        (
            b"".join(field(f"f{number}") for number in range(MAX_FIELDS_BESIDE_FILE + 2)) + END,
            "more than 32 fields",
        ),
        (part(b"Content-Disposition: form-data; name=a\r\nX: " + b"x" * 16_384) + END, "over 16 KiB"),
        (part(b"Content-Disposition: form-data; name=a\r\n" + b"x" * 16_385 + b": 1") + END, "over 16 KiB"),
        (
            part(
                b"\r\n".join(
                    [
                        b"Content-Disposition: form-data; name=a",
                        *(b"X%d: " % n + b"x" * 5_500 for n in range(3)),
                    ]
                )
            ),
            "over 16 KiB",
        ),
        (
            part(
                b"\r\n".join([b"Content-Disposition: form-data; name=a", *(b"X%d: 1" % n for n in range(16))])
            ),
            "over 16 headers",
        ),
        (part(b"Content-Disposition: form-data; name=a\r\nX: " + b" " * 20_000) + END, "over 16 KiB"),
        (part(b"no colon at all") + END, "well-formed"),
        (part(b"Content Disposition: form-data; name=a") + END, "well-formed"),
        (part(b": form-data") + END, "well-formed"),
        (b"--B\n" + END, "well-formed"),
        (b"--BX\r\n" + END, "well-formed"),
        (END + b"x" * (MAX_EPILOGUE_BYTES + 2 * SLICE_BYTES), "goes on after its final boundary"),
        (part(b"Content-Disposition: form-data; name=file; filename*=a.xlsx") + END, "RFC 5987"),
        (part(b"Content-Disposition: form-data; name=file; filename*=koi8-r''a") + END, "RFC 5987"),
        (part(b"Content-Disposition: form-data; name=file; filename*=utf-8''%ff") + END, "not UTF-8"),
    ],
)
@pytest.mark.parametrize("step", [1, 1_000, 1_000_000])
async def test_malformed_body_is_rejected(body: bytes, text: str, step: int) -> None:
    with pytest.raises(InvalidFormError, match=text) as raised:
        await _events(body, CONTENT_TYPE, step)
    assert str(raised.value)[-1] in '.…"'


def test_largest_field_and_most_fields_are_accepted() -> None:
    fields = [field(f"f{number}") for number in range(MAX_FIELDS_BESIDE_FILE - 1)]
    events = _read([field("a", b"x" * 65_536), *fields, file(), END])
    assert len(_fields(events)) == MAX_FIELDS_BESIDE_FILE


def test_most_fields_are_accepted_after_the_file() -> None:
    fields = [field(f"f{number}") for number in range(MAX_FIELDS_BESIDE_FILE)]
    assert len(_fields(_read([file(), *fields, END]))) == MAX_FIELDS_BESIDE_FILE


@pytest.mark.parametrize("content_type", ["", "application/json", "multipart/mixed; boundary=B"])
async def test_other_content_type_is_rejected(content_type: str) -> None:
    with pytest.raises(NotMultipartError, match="must be multipart/form-data"):
        await _events(file() + END, content_type)


async def test_truncated_form_has_no_end_event() -> None:
    received: list[FormEvent] = []

    async def read() -> None:
        async for event in read_form(_chunks([file(b"12345")]), CONTENT_TYPE):
            received.append(event)  # noqa: PERF401 - keeps the events before the error

    with pytest.raises(InvalidFormError):
        await read()
    assert FormEnd() not in received
    assert FileEnd() not in received


async def test_error_of_the_body_is_propagated() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield file()
        raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError):
        [event async for event in read_form(broken(), CONTENT_TYPE)]


async def test_parser_yields_to_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece of 16 slow slices would otherwise block the event loop for 200 ms."""
    monkeypatch.setattr(multipart, "MAX_BLOCKING_SECONDS", -1.0)
    steps = 0

    async def count() -> None:
        nonlocal steps
        while True:
            steps += 1
            await asyncio.sleep(0)

    counter = asyncio.create_task(count())
    await _events(file(b"x" * 16 * SLICE_BYTES) + END, CONTENT_TYPE)
    counter.cancel()
    assert steps >= 16


def test_rejected_form_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(InvalidFormError):
        _read([part(b"\x1b[31m no colon") + END])
    assert caplog.records == []


def test_memory_is_bounded() -> None:
    reader = FormReader(b"B")
    reader.feed(file(b"")[: -len(b"\r\n")])
    chunk = bytes(64 * 1024)
    tracemalloc.start()
    try:
        for _ in range(400):
            reader.feed(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


def test_name_in_an_error_is_short_and_printable() -> None:
    name = "\x1b[31m" + "x" * 500 + "8 900 123-45-67"
    with pytest.raises(InvalidFormError) as raised:
        _read([file(name=name) + END])
    message = str(raised.value)
    assert message.isprintable()
    assert len(message) < 150
