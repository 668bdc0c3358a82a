"""Models of the bodies of POSTs, and their conversion to requests."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictBool, TypeAdapter, ValidationError

from consumer.http.problem import FieldProblem, invalid_fields
from consumer.http.requests.form_values import form_values
from consumer.telemetry.redaction import sanitize
from schemas.json_text import parse_json
from schemas.names import ConfiguredName, LongName, Name, RequestId, SheetName
from schemas.reject_limits import RejectLimitValue
from schemas.requests import (
    COLUMNS_DESCRIPTION,
    MAX_REJECTED_DESCRIPTION,
    TABLE_COLUMNS_DESCRIPTION,
    TABLE_DESCRIPTION,
    ColumnMapping,
    MaxAttempts,
    Options,
    RetryOptions,
    StartRequest,
    TimeoutSeconds,
)
from schemas.validation import DUPLICATE_KEY_MESSAGE, describe_errors, error_path

M = TypeVar("M", bound=BaseModel)

IMPORT_OPTIONS = ("dry_run", "all_or_nothing")
"""Fields of a form that a correction must leave at their default."""
IMPORT_FIELDS = (*IMPORT_OPTIONS, "columns", "dataset")
"""Fields that the form of a correction does not have: the last is that of the corrected job."""
NOT_JSON_OBJECT = 'must be a JSON object like {"Ссылка MAX": "url"}'


class StartBody(BaseModel):
    """The fields that every start has beside its source; unknown fields are rejected."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    request_id: RequestId | None = Field(
        None,
        description="the id of the request, permanently; the header `Idempotency-Key` is the same. "
        "Generated when absent.",
        examples=["2026-11-chats"],
    )
    requested_by: Name | None = Field(
        None,
        description="who asks; if the service uses tokens, the token's name is recorded instead",
        examples=["ivanova"],
    )
    dataset: Name = Field("chats", description="what the rows mean")
    timeout_seconds: TimeoutSeconds | None = Field(
        None,
        description="the limit of a run, from its first claim; the service's setting when absent",
        examples=[7200],
    )
    max_attempts: MaxAttempts | None = Field(
        None,
        description="consecutive attempts without a stored batch; the service's setting when absent",
        examples=[3],
    )
    dry_run: StrictBool = Field(False, description="check the rows and store none")
    max_rejected: RejectLimitValue | None = Field(
        None, description=MAX_REJECTED_DESCRIPTION, examples=["10%"]
    )
    all_or_nothing: StrictBool = Field(
        False,
        description="check all rows first, and store them only if at most `max_rejected` (0) are rejected",
    )

    def to_request(self, request_id: str, source: Mapping[str, Any]) -> StartRequest:
        """The request that starts an import of this source; raises ProblemError (422)."""
        return validate_or_422(
            StartRequest,
            {
                "action": "start",
                "request_id": request_id,
                "requested_by": self.requested_by,
                "dataset": self.dataset,
                "source": source,
                "options": {name: getattr(self, name) for name in Options.model_fields},
            },
        )


class ExcelForm(StartBody):
    """The fields of the upload form beside the file."""

    sheet: SheetName | None = Field(None, description="detected when absent", examples=["Чаты"])
    columns: ColumnMapping = Field(None, description=f"JSON: {COLUMNS_DESCRIPTION}")

    @classmethod
    def parse(cls, fields: Mapping[str, str]) -> "ExcelForm":
        """Validate the fields of a form; an empty field counts as absent. Raises ProblemError (422)."""
        values = form_values(fields)
        if "columns" in values:
            values["columns"] = _parse_columns(values["columns"])
        return validate_or_422(cls, values)


class DatabaseBody(StartBody):
    """A table of a database that the service's settings know by name."""

    source_identifier: ConfiguredName = Field(
        description="the name of a connection in the service's settings",
        examples=["admin_panel"],
    )
    table: Name | None = Field(None, description=TABLE_DESCRIPTION, examples=["public.chats"])
    columns: ColumnMapping = Field(None, description=TABLE_COLUMNS_DESCRIPTION)

    @property
    def source(self) -> dict[str, Any]:
        """The `source` of the request."""
        return {
            "type": "database",
            "connection": self.source_identifier,
            "table": self.table,
            "columns": self.columns,
        }


class GoogleSheetsBody(StartBody):
    """A Google spreadsheet."""

    spreadsheet_id: LongName = Field(
        description="the bare id, or the link from the browser", examples=["1AbC-dEf_123"]
    )
    worksheet: SheetName | None = Field(
        None, description="when absent, the one in the link, or the first", examples=["Чаты"]
    )
    credentials: ConfiguredName = Field(
        "default", description="credentials by their name in the service's settings"
    )
    columns: ColumnMapping = Field(None, description=COLUMNS_DESCRIPTION)

    @property
    def source(self) -> dict[str, Any]:
        """The `source` of the request."""
        return {
            "type": "google_sheets",
            "spreadsheet_id": self.spreadsheet_id,
            "worksheet": self.worksheet,
            "credentials": self.credentials,
            "columns": self.columns,
        }


class CommandBody(BaseModel):
    """The optional body of a cancel."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    command_id: Name | None = Field(
        None,
        description="the id of this command: sent again under it, it acts once; "
        "the header `Idempotency-Key` is the same. Generated when absent.",
    )
    requested_by: Name | None = Field(
        None, description="who asks; if the service uses tokens, the token's name is recorded instead"
    )


class RetryBody(CommandBody):
    """The optional body of a retry."""

    max_rejected: RejectLimitValue | None = Field(
        None, description="the new limit of rejected rows; the one of the job stays when absent"
    )

    @property
    def options(self) -> RetryOptions | None:
        """The `options` of the request; None if nothing changes."""
        return None if self.max_rejected is None else RetryOptions(max_rejected=self.max_rejected)


class ImportBody(BaseModel):
    """The optional body of the import that follows on a dry run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    requested_by: Name | None = Field(
        None, description="who asks; if the service uses tokens, the token's name is recorded instead"
    )


def _parse_columns(text: str) -> Any:
    """The JSON of the form field; raises ProblemError (422) unless it is JSON without repeated headers."""
    try:
        parsed = parse_json(text)
    except ValueError:
        raise invalid_fields([FieldProblem(field="columns", message=NOT_JSON_OBJECT)]) from None
    if parsed.has_duplicate_keys:
        raise invalid_fields([FieldProblem(field="columns", message=f"a header {DUPLICATE_KEY_MESSAGE}")])
    return parsed.body


REQUEST_ID_ADAPTER: TypeAdapter[str] = TypeAdapter(RequestId)


def validate_or_422(model: type[M], values: Any) -> M:
    """The validated model; raises ProblemError (422) that names every wrong field, never its value."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problems = [
            FieldProblem(field=sanitize(error_path(location)) or "body", message=sanitize(message))
            for location, message in describe_errors(error.errors(include_input=False, include_url=False))
        ]
        raise invalid_fields(problems) from None
