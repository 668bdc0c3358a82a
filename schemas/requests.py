"""What people publish on `migration.requests`: start, cancel, retry."""

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, TypeAdapter

from schemas.integers import STRICT_NUMBER, SchemaVersion
from schemas.names import ConfiguredName, InboxPath, LongName, Name, RequestId, SheetName
from schemas.text import escape_invisible, shorten_identifier
from schemas.uploads import Upload

DAY_SECONDS = 86_400


class StrictModel(BaseModel):
    """A part of a request: what is not known is refused, so that a slip is seen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class UploadedFile(StrictModel):
    """A file sent in chunks through `migration.uploads`."""

    upload: Upload = Field(description="where its chunks lie")


class InboxFile(StrictModel):
    """A file that lies in the consumer's inbox already."""

    path: InboxPath = Field(description="relative to the consumer's inbox", examples=["2026/chats.xlsx"])


def _file_kind(file: object) -> str | None:
    """Which of the two is meant, so that only its errors are reported."""
    match file:
        case UploadedFile() | {"upload": _}:
            return UPLOADED
        case InboxFile() | {"path": _}:
            return IN_INBOX
        case _:
            return None


UPLOADED, IN_INBOX = "uploaded", "inbox"
FILE_KINDS = frozenset({UPLOADED, IN_INBOX})
File = Annotated[
    Annotated[UploadedFile, Tag(UPLOADED)] | Annotated[InboxFile, Tag(IN_INBOX)],
    Discriminator(
        _file_kind,
        custom_error_type="file_kind",
        custom_error_message="must be an object with 'upload' or 'path'",
    ),
]


class ExcelSource(StrictModel):
    """A workbook: .xlsx, .xlsm, .xlsb, .xls or .ods, told apart by content."""

    type: Literal["excel"]
    file: File = Field(description="sent through Kafka, or in the consumer's inbox")
    sheet: SheetName | None = Field(None, description="its exact name; found by itself when absent")

    @property
    def identifier(self) -> str:
        """The name a person knows the source by; a very long one is cut."""
        name = (
            self.file.upload.name if isinstance(self.file, UploadedFile) else escape_invisible(self.file.path)
        )
        return shorten_identifier(name)


TABLE_DESCRIPTION = "`table` or `schema.table`, a name that holds a dot in double quotes; `chats` when absent"


class DatabaseSource(StrictModel):
    """A database that the consumer's settings know by name; a message never carries a DSN."""

    type: Literal["database"]
    connection: ConfiguredName = Field(description="a name in MIGRATION_CONNECTIONS")
    table: Name | None = Field(None, description=TABLE_DESCRIPTION)

    @property
    def identifier(self) -> str:
        """The name a person knows the source by."""
        return f"{self.connection}/{self.table or 'chats'}"


class GoogleSheetsSource(StrictModel):
    """A Google spreadsheet, read with credentials that the consumer's settings know by name."""

    type: Literal["google_sheets"]
    spreadsheet_id: LongName = Field(description="the bare id, or a full link")
    worksheet: SheetName | None = Field(None, description="else the one the link shows, or the first")
    credentials: ConfiguredName = Field("default", description="a name in MIGRATION_GOOGLE_CREDENTIALS")

    @property
    def identifier(self) -> str:
        """The name a person knows the source by; a very long one is cut."""
        worksheet = "" if self.worksheet is None else f"/{escape_invisible(self.worksheet)}"
        return shorten_identifier(self.spreadsheet_id + worksheet)


SOURCE_TYPES = frozenset({"excel", "database", "google_sheets"})
Source = Annotated[ExcelSource | DatabaseSource | GoogleSheetsSource, Field(discriminator="type")]


TimeoutSeconds = Annotated[int, Field(ge=1, le=7 * DAY_SECONDS), STRICT_NUMBER]
MaxAttempts = Annotated[int, Field(ge=1, le=100), STRICT_NUMBER]


class Options(StrictModel):
    """Limits of one job; the consumer's settings say the rest."""

    timeout_seconds: TimeoutSeconds | None = Field(None, description="for a run, from its first claim on")
    max_attempts: MaxAttempts | None = Field(
        None, description="attempts in a row without a stored batch before the job fails"
    )


class _Request(StrictModel):
    schema_version: SchemaVersion = 1
    requested_by: Name | None = Field(None, description="who asks, for people")


class StartRequest(_Request):
    """Start a migration. The request id is for ever: the same request again starts nothing."""

    action: Literal["start"]
    request_id: RequestId | None = Field(None, description="derived from where the message lies, when absent")
    dataset: Name = Field(description="what the rows mean", examples=["chats"])
    source: Source = Field(description="where the rows are")
    options: Options = Field(Options(), description="limits of this job")

    def digest(self) -> str:
        """SHA-256 (hex) of what makes two bodies the same; where an upload's chunks lie does not count."""
        source = self.source.model_dump(mode="json")
        match self.source:
            case ExcelSource(file=UploadedFile(upload=upload)):
                source["file"] = {"name": upload.name, "size": upload.size, "sha256": upload.sha256}
            case _:
                pass
        body = {"dataset": self.dataset, "source": source, "options": self.options.model_dump(mode="json")}
        return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


class _Command(_Request):
    request_id: RequestId = Field(description="of the start that made the job")
    command_id: Name | None = Field(None, description="derived from where the message lies, when absent")


class CancelRequest(_Command):
    """Cancel the job of a request."""

    action: Literal["cancel"]


class RetryRequest(_Command):
    """Run a failed or cancelled job again."""

    action: Literal["retry"]


ACTIONS = frozenset({"start", "cancel", "retry"})
MigrationRequest = Annotated[StartRequest | CancelRequest | RetryRequest, Field(discriminator="action")]
REQUEST_ADAPTER: TypeAdapter[StartRequest | CancelRequest | RetryRequest] = TypeAdapter(MigrationRequest)


def dump_request(request: StartRequest | CancelRequest | RetryRequest) -> bytes:
    """The bytes of a request as they are published: UTF-8 JSON without what is null."""
    body: dict[str, Any] = request.model_dump(mode="json", exclude_none=True)
    return json.dumps(body, ensure_ascii=False).encode()
