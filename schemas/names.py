"""Field types of messages for names: length, allowed characters, and the pattern in the published schemas.

Separate from `schemas.text`, which child processes import: pydantic would add 0.1 s to their start.
"""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema

from schemas.text import (
    MAX_HEADER_CHARS,
    UNPRINTABLE,
    name_pattern,
    validate_no_control_chars,
    validate_printable,
    validate_storable,
    validate_url_segment,
    validate_visible,
)

Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200),
    AfterValidator(validate_storable),
    AfterValidator(validate_printable),
    Field(json_schema_extra={"pattern": name_pattern(200)}),
]
"""A name or id: 1-200 printable characters."""

MAX_REQUEST_ID_CHARS = 200
RequestId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_REQUEST_ID_CHARS),
    AfterValidator(validate_storable),
    AfterValidator(validate_printable),
    AfterValidator(validate_url_segment),
    Field(json_schema_extra={"pattern": name_pattern(MAX_REQUEST_ID_CHARS), "not": {"enum": [".", ".."]}}),
]
"""A name that can be a segment of a URL."""

LongName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1000),
    AfterValidator(validate_storable),
    AfterValidator(validate_printable),
    Field(json_schema_extra={"pattern": name_pattern(1000)}),
]
"""A file name, path, or link: 1-1,000 printable characters."""

CONFIGURED_NAME_PATTERN = r"^[A-Za-z0-9_.-]+$"
ConfiguredName = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=CONFIGURED_NAME_PATTERN)
]
"""The name of a connection or of credentials in the settings of the consumer."""

InboxPath = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1000),
    AfterValidator(validate_storable),
    AfterValidator(validate_no_control_chars),
    Field(json_schema_extra={"pattern": r"^[^\u0000-\u001f\u007f-\u009f]+$"}),
]
"""A path exactly as in the file system: 1-1,000 characters, blanks of any kind allowed."""

SheetName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1000),
    AfterValidator(validate_storable),
    AfterValidator(validate_no_control_chars),
    Field(json_schema_extra={"pattern": r"^[^\u0000-\u001f\u007f-\u009f]+$"}),
]
"""The name of a sheet exactly as in the source: 1-1,000 characters, blanks at the ends allowed."""

HeaderText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_HEADER_CHARS),
    AfterValidator(validate_storable),
    AfterValidator(validate_visible),
]
FIELD_NAME_PATTERN = r"^[a-z][a-z0-9_]{0,62}$"
FieldName = Annotated[str, StringConstraints(pattern=FIELD_NAME_PATTERN)]
MAX_MAPPED_COLUMNS = 100

Columns = Annotated[
    dict[HeaderText, FieldName],
    Field(max_length=MAX_MAPPED_COLUMNS),
    WithJsonSchema(
        {
            "type": "object",
            "propertyNames": {
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_HEADER_CHARS,
                "pattern": rf"^[^\u0000]*[^ {UNPRINTABLE}][^\u0000]*$",
            },
            "additionalProperties": {"type": "string", "pattern": FIELD_NAME_PATTERN},
            "maxProperties": MAX_MAPPED_COLUMNS,
            "examples": [{"Ссылка MAX": "url"}],
        }
    ),
]
"""Header of a column → field of the dataset. The schema of pydantic does not constrain the keys."""
