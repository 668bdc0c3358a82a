"""Receives a workbook by `multipart/form-data` and passes it on while it arrives, without buffering it."""

from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

from consumer.http.problem import FieldProblem, ProblemError
from consumer.http.requests.content_digest import (
    BODY_LABEL,
    CONTENT_DIGEST_HEADER,
    DigestCheck,
    digest_check,
    verify_digest,
)
from consumer.http.uploads.form_events import FileBegin, FileData, FormEvent, FormField
from consumer.http.uploads.form_headers import InvalidFormError
from consumer.http.uploads.form_part import FILE_FIELD
from consumer.http.uploads.multipart import read_form
from consumer.http.uploads.sinks import FileSink, OpenSink
from messaging.errors import KafkaUnavailableError, UploadRejectedError
from schemas.codes import ProblemCode
from schemas.file_names import clean_file_name
from schemas.uploads import Upload

FILE_LABEL = "the file"
MEGABYTE = 2**20


class UploadForm:
    """One form while it is received. Leaving the context without `finish` aborts the upload."""

    def __init__(self, open_sink: OpenSink, max_megabytes: int, body_digest: str | None) -> None:
        self._open_sink = open_sink
        self._max_megabytes = max_megabytes
        self._body_digest = digest_check(body_digest, BODY_LABEL)
        self._file_digest: DigestCheck | None = None
        self._sink: FileSink | None = None
        self._name = ""
        self.size = 0
        """Bytes of the file received so far."""
        self.fields: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sink is not None:
            await self._sink.abort()

    async def receive(self, body: AsyncIterator[bytes], content_type: str) -> None:
        """Read the form to its end; raises ProblemError."""
        try:
            async for event in read_form(self._hash_body(body), content_type):
                await self._handle(event)
        except InvalidFormError as error:
            raise ProblemError(400, ProblemCode.INVALID_FORM, str(error)) from None
        except (UploadRejectedError, KafkaUnavailableError) as error:
            raise _upload_problem(error) from None
        verify_digest(self._body_digest, BODY_LABEL)
        verify_digest(self._file_digest, FILE_LABEL)
        if self._sink is None:
            raise _missing_file()

    async def finish(self) -> Upload:
        """Wait until the broker has acknowledged the whole file; raises ProblemError."""
        assert self._sink is not None  # noqa: S101 – `receive` has checked it
        try:
            return await self._sink.finish(self._name)
        except (UploadRejectedError, KafkaUnavailableError) as error:
            raise _upload_problem(error) from None

    async def _hash_body(self, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for piece in body:
            if self._body_digest is not None:
                self._body_digest.update(piece)
            yield piece

    async def _handle(self, event: FormEvent) -> None:
        match event:
            case FormField(name, value):
                self.fields[name] = value
            case FileBegin():
                await self._begin_file(event)
            case FileData(data):
                await self._write_file(data)
            case _:
                pass

    async def _begin_file(self, part: FileBegin) -> None:
        self._name = _clean_file_name(part.filename or FILE_FIELD)
        self._file_digest = digest_check(part.headers.get(CONTENT_DIGEST_HEADER), FILE_LABEL)
        self._sink = await self._open_sink(self.fields)

    async def _write_file(self, data: memoryview) -> None:
        assert self._sink is not None  # noqa: S101 – FileData comes after FileBegin
        self.size += len(data)
        if self.size > self._max_megabytes * MEGABYTE:
            raise file_too_large(self._max_megabytes)
        if self._file_digest is not None:
            self._file_digest.update(data)
        await self._sink.write(data)


def file_too_large(max_megabytes: int) -> ProblemError:
    """The 413 for a file above the limit."""
    return ProblemError(
        413,
        ProblemCode.TOO_LARGE,
        f"The file is larger than {max_megabytes} MB, the most this service takes (MIGRATION_MAX_UPLOAD_MB). "
        "Put it into the service's inbox and start it by its path, or split it.",
    )


def _clean_file_name(name: str) -> str:
    try:
        return clean_file_name(name)
    except ValueError as error:
        raise _file_field_problem(str(error), str(error)) from None


def _missing_file() -> ProblemError:
    message = "is missing: send the workbook in it, as in curl -F file=@chats.xlsx"
    return _file_field_problem(f"{FILE_FIELD}: {message}.", message)


def _upload_problem(error: UploadRejectedError | KafkaUnavailableError) -> ProblemError:
    if isinstance(error, UploadRejectedError):
        return _file_field_problem(str(error), str(error))
    return ProblemError(
        503,
        ProblemCode.KAFKA_UNAVAILABLE,
        "Kafka did not take the whole file; nothing was started. Send it again.",
        retry_after=5,
    )


def _file_field_problem(detail: str, message: str) -> ProblemError:
    errors = [FieldProblem(field=FILE_FIELD, message=message)]
    return ProblemError(422, ProblemCode.INVALID_FORM, detail, errors=errors)
