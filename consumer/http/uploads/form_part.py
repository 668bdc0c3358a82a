"""One part of a form while it is parsed: headers, then the value of a field or the bytes of the file."""

from consumer.http.uploads.form_events import FileBegin, FileData, FileEnd, FormEvent, FormField
from consumer.http.uploads.form_headers import InvalidFormError, parse_disposition, printable_excerpt

FILE_FIELD = "file"
"""The name of the one field that may be a file."""
MAX_FIELD_BYTES = 64 * 1024
MAX_HEADERS = 16
MAX_HEADER_BYTES = 16 * 1024
"""All headers of one part; a file name of 1,000 characters takes 4,000 bytes."""
PLAIN_ENCODINGS = frozenset({"", "7bit", "8bit", "binary"})


class FormPart:
    """Receives the parser's callbacks for one part; the methods raise InvalidFormError."""

    def __init__(self) -> None:
        self._headers: dict[str, str] = {}
        self._header_name = bytearray()
        self._header_value = bytearray()
        self._header_bytes = 0
        self._value: bytearray | None = None
        self.name = ""

    def add_header_name(self, data: bytes) -> None:
        """The next bytes of a header's name."""
        self._count_header(len(data))
        self._header_name += data

    def add_header_value(self, data: bytes) -> None:
        """The next bytes of a header's value."""
        self._count_header(len(data))
        self._header_value += data

    def end_header(self) -> None:
        """A header is complete."""
        name = self._header_name.decode("ascii").lower()
        if name in self._headers:
            raise InvalidFormError(f"A part of the form has the header «{printable_excerpt(name)}» twice.")
        # A file name is only a label, so bytes may be replaced: curl on Windows sends the local code page.
        self._headers[name] = self._header_value.decode("utf-8", "replace").strip(" \t")
        self._header_name.clear()
        self._header_value.clear()

    def end_headers(self) -> FileBegin | None:
        """The headers are complete: returns FileBegin for the file, None for a field."""
        disposition = parse_disposition(self._headers.get("content-disposition"))
        self.name = disposition.name
        if self._headers.get("content-transfer-encoding", "").lower() not in PLAIN_ENCODINGS:
            raise InvalidFormError(
                f"The field «{printable_excerpt(self.name)}» is encoded; send its bytes as they are."
            )
        if self.name != FILE_FIELD and disposition.filename is None:
            self._value = bytearray()
            return None
        return self._begin_file(disposition.filename)

    def add_data(self, data: bytes, start: int, end: int) -> FileData | None:
        """The next bytes of the content, `data[start:end]`: returned for the file, buffered for a field."""
        if self._value is None:
            return FileData(memoryview(data)[start:end])
        if len(self._value) + end - start > MAX_FIELD_BYTES:
            raise InvalidFormError(
                f"The field «{printable_excerpt(self.name)}» is longer than {MAX_FIELD_BYTES // 1024} KiB."
            )
        self._value += data[start:end]
        return None

    def end(self) -> FormEvent:
        """The part is complete."""
        if self._value is None:
            return FileEnd()
        try:
            return FormField(self.name, self._value.decode())
        except UnicodeDecodeError as error:
            raise InvalidFormError(f"The field «{printable_excerpt(self.name)}» is not UTF-8.") from error

    def _begin_file(self, filename: str | None) -> FileBegin:
        if self.name != FILE_FIELD:
            raise InvalidFormError(
                f"A file is in the field «{printable_excerpt(self.name)}»; it belongs in «{FILE_FIELD}»."
            )
        if not filename:
            raise InvalidFormError(
                f"The field «{FILE_FIELD}» has no file name; "
                f'choose a file, or with curl write -F "{FILE_FIELD}=@chats.xlsx" with the @.'
            )
        return FileBegin(self.name, filename, self._headers)

    def _count_header(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > MAX_HEADER_BYTES:
            raise headers_too_large()


def headers_too_large() -> InvalidFormError:
    """The error for a part with too many or too large headers."""
    return InvalidFormError(
        f"A part of the form has over {MAX_HEADERS} headers, or over {MAX_HEADER_BYTES // 1024} KiB of them."
    )
