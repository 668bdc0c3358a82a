"""Names as field types of the messages: how long, which characters, and the pattern in the published schemas.

Apart from `schemas.text`, which a child process imports: pydantic would add a tenth of a second to its start.
"""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from schemas.text import (
    name_pattern,
    validate_no_control_chars,
    validate_printable,
    validate_storable,
    validate_url_segment,
)

Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200),
    AfterValidator(validate_storable),
    AfterValidator(validate_printable),
    Field(json_schema_extra={"pattern": name_pattern(200)}),
]
"""A name or id: 1-200 printable characters."""

RequestId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200),
    AfterValidator(validate_storable),
    AfterValidator(validate_printable),
    AfterValidator(validate_url_segment),
    Field(json_schema_extra={"pattern": name_pattern(200), "not": {"enum": [".", ".."]}}),
]
"""A name that fits into the address of a job."""

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
"""What the consumer's settings may call a connection or credentials."""

InboxPath = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1000),
    AfterValidator(validate_storable),
    AfterValidator(validate_no_control_chars),
    Field(json_schema_extra={"pattern": r"^[^\u0000-\u001f\u007f-\u009f]+$"}),
]
"""The path of a file as the file system has it: 1-1,000 characters, blanks of any kind included."""

SheetName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1000),
    AfterValidator(validate_storable),
    AfterValidator(validate_no_control_chars),
    Field(json_schema_extra={"pattern": r"^[^\u0000-\u001f\u007f-\u009f]+$"}),
]
"""The name of a sheet exactly as it is in the source: 1-1,000 characters, blanks at its ends included."""
