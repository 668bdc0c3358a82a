"""Requests on `migration.requests`: start, cancel, retry."""

import hashlib
import json
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    model_validator,
)

from schemas.integers import STRICT_NUMBER, SchemaVersion
from schemas.names import Columns, ConfiguredName, InboxPath, LongName, Name, RequestId, SheetName
from schemas.new_fields import dump_used, unused_new_fields, used_new_fields
from schemas.reject_limits import RejectLimitValue
from schemas.text import escape_invisible, shorten_identifier
from schemas.uploads import Upload

DAY_SECONDS = 86_400


class StrictModel(BaseModel):
    """A part of a request; unknown keys are rejected, so that a misspelt one is noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class UploadedFile(StrictModel):
    """A file sent in chunks through `migration.uploads`."""

    upload: Upload = Field(description="location of its chunks")


class InboxFile(StrictModel):
    """A file in the consumer's inbox."""

    path: InboxPath = Field(description="relative to the consumer's inbox", examples=["2026/chats.xlsx"])


def _file_kind(file: object) -> str | None:
    """The tag of the model that the keys indicate, so that errors of that model alone are reported."""
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


COLUMNS_DESCRIPTION = (
    "header of a column → field of the dataset, for headers that it does not know; what is mapped comes first"
)


CORRECTION_OPTIONS_MESSAGE = (
    "a correction is neither a dry run nor all or nothing; leave dry_run and all_or_nothing out"
)
CORRECTION_COLUMNS_MESSAGE = "a correction has the columns of the job it corrects; leave columns out"


def none_if_empty(columns: dict[str, str] | None) -> dict[str, str] | None:
    """None for a mapping without entries: a request with one equals a request without `columns`."""
    return columns or None


ColumnMapping = Annotated[Columns | None, AfterValidator(none_if_empty)]


class ExcelSource(StrictModel):
    """A workbook: .xlsx, .xlsm, .xlsb, .xls or .ods, recognised by content."""

    type: Literal["excel"]
    file: File = Field(description="uploaded through Kafka, or in the consumer's inbox")
    sheet: SheetName | None = Field(None, description="exact name; detected if absent")
    columns: ColumnMapping = Field(None, description=COLUMNS_DESCRIPTION)

    @property
    def identifier(self) -> str:
        """The name of the source for people, shortened if necessary."""
        name = (
            self.file.upload.name if isinstance(self.file, UploadedFile) else escape_invisible(self.file.path)
        )
        return shorten_identifier(name)


TABLE_COLUMNS_DESCRIPTION = "column of the table → field of the dataset, in place of the usual column"
TABLE_DESCRIPTION = "`table` or `schema.table`; a name with a dot in double quotes; default `chats`"


class DatabaseSource(StrictModel):
    """A database, by the name that the consumer's settings give it; messages never carry a DSN."""

    type: Literal["database"]
    connection: ConfiguredName = Field(description="a name in MIGRATION_CONNECTIONS")
    table: Name | None = Field(None, description=TABLE_DESCRIPTION)
    columns: ColumnMapping = Field(None, description=TABLE_COLUMNS_DESCRIPTION)

    @property
    def identifier(self) -> str:
        """The name of the source for people."""
        return f"{self.connection}/{self.table or 'chats'}"


class GoogleSheetsSource(StrictModel):
    """A Google spreadsheet, and the name of the credentials in the consumer's settings that can read it."""

    type: Literal["google_sheets"]
    spreadsheet_id: LongName = Field(description="the id alone, or a full link")
    worksheet: SheetName | None = Field(
        None, description="exact name; default: the sheet of the link, otherwise the first"
    )
    credentials: ConfiguredName = Field("default", description="a name in MIGRATION_GOOGLE_CREDENTIALS")
    columns: ColumnMapping = Field(None, description=COLUMNS_DESCRIPTION)

    @property
    def identifier(self) -> str:
        """The name of the source for people, shortened if necessary."""
        worksheet = "" if self.worksheet is None else f"/{escape_invisible(self.worksheet)}"
        return shorten_identifier(self.spreadsheet_id + worksheet)


SOURCE_TYPES = frozenset({"excel", "database", "google_sheets"})
Source = Annotated[ExcelSource | DatabaseSource | GoogleSheetsSource, Field(discriminator="type")]


TimeoutSeconds = Annotated[int, Field(ge=1, le=7 * DAY_SECONDS), STRICT_NUMBER]
MaxAttempts = Annotated[int, Field(ge=1, le=100), STRICT_NUMBER]
MAX_REJECTED_DESCRIPTION = (
    "the job fails when more rows than this are rejected; of a percentage, more of the rows read so far, "
    "from 1,000 rows on and at the end"
)


class Options(StrictModel):
    """How one job is run. Limits of time and attempts have their defaults in the settings of the consumer."""

    timeout_seconds: TimeoutSeconds | None = Field(
        None, description="limit of a run, counted from its first claim"
    )
    max_attempts: MaxAttempts | None = Field(
        None, description="the job fails after this many consecutive attempts without a stored batch"
    )
    dry_run: bool = Field(
        False, strict=True, description="check the rows and store none; only the rejected rows are kept"
    )
    max_rejected: RejectLimitValue | None = Field(
        None, description=MAX_REJECTED_DESCRIPTION, examples=[500, "10%"]
    )
    all_or_nothing: bool = Field(
        False,
        strict=True,
        description="check the whole source first, and load it only if no row is rejected, or no more than "
        "`max_rejected`",
    )


class _Request(StrictModel):
    schema_version: SchemaVersion = 1
    requested_by: Name | None = Field(None, description="name of the requester, for people")


class CorrectedJob(StrictModel):
    """The job whose rejected rows a request corrects."""

    request_id: RequestId = Field(description="request id of its start request; it must have ended")


class StartRequest(_Request):
    """Start a migration. A request id is used once: the same request again starts no second job."""

    action: Literal["start"]
    request_id: RequestId | None = Field(
        None, description="if absent, derived from topic, partition and offset of the message"
    )
    dataset: Name = Field(
        description="kind of the rows: which columns, rules and tables apply", examples=["chats"]
    )
    source: Source = Field(description="where the rows are read from")
    options: Options = Field(Options(), description="limits of this job")
    corrects: CorrectedJob | None = Field(
        None,
        description="the job whose rejected rows come back corrected: the source is a file of them",
    )

    @model_validator(mode="after")
    def _corrections_are_files(self) -> Self:
        if self.corrects is not None and self.source.type != "excel":
            raise ValueError("corrects needs a source of type excel: the file of rejected rows")
        if self.corrects is not None and (self.options.dry_run or self.options.all_or_nothing):
            raise ValueError(CORRECTION_OPTIONS_MESSAGE)
        if self.corrects is not None and self.source.columns is not None:
            raise ValueError(CORRECTION_COLUMNS_MESSAGE)
        return self

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the new fields in use, sorted: only a replica that knows all of them claims the job."""
        return tuple(
            sorted(used_new_fields(self) | used_new_fields(self.source) | used_new_fields(self.options))
        )

    def digest(self) -> str:
        """SHA-256 (hex), the same for equal requests; the location of an uploaded file is not part of it.

        A request without new fields has the digest that version 0.1 computed.
        """
        source = dump_used(self.source)
        match self.source:
            case ExcelSource(file=UploadedFile(upload=upload)):
                source["file"] = {"name": upload.name, "size": upload.size, "sha256": upload.sha256}
            case _:
                pass
        body = {"dataset": self.dataset, "source": source, "options": dump_used(self.options)}
        body |= self.model_dump(mode="json", include=set(used_new_fields(self)))
        return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


class _Command(_Request):
    request_id: RequestId = Field(description="request id of the start request of the job")
    command_id: Name | None = Field(
        None, description="if absent, derived from topic, partition and offset of the message"
    )


class CancelRequest(_Command):
    """Cancel the job of a request."""

    action: Literal["cancel"]


class RetryOptions(StrictModel):
    """What a retry changes; absent options stay as they are."""

    max_rejected: RejectLimitValue | None = Field(None, description=MAX_REJECTED_DESCRIPTION)


class RetryRequest(_Command):
    """Run a failed or cancelled job again."""

    action: Literal["retry"]
    options: RetryOptions | None = Field(None, description="options that change")


ACTIONS = frozenset({"start", "cancel", "retry"})
MigrationRequest = Annotated[StartRequest | CancelRequest | RetryRequest, Field(discriminator="action")]
REQUEST_ADAPTER: TypeAdapter[StartRequest | CancelRequest | RetryRequest] = TypeAdapter(MigrationRequest)


def dump_request(request: StartRequest | CancelRequest | RetryRequest) -> bytes:
    """The value of a Kafka message: UTF-8 JSON without null members, and without unused new fields.

    An older replica refuses fields that it does not know, also at their default.
    """
    body: dict[str, Any] = request.model_dump(mode="json", exclude_none=True)
    if isinstance(request, StartRequest):
        for part, dumped in (
            (request, body),
            (request.source, body["source"]),
            (request.options, body["options"]),
        ):
            for name in unused_new_fields(part):
                dumped.pop(name, None)
    return json.dumps(body, ensure_ascii=False).encode()
