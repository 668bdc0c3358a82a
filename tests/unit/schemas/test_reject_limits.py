"""The limit of rejected rows: model, published schema, forms and command line agree."""

import json

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from schemas import examples
from schemas.generate import documents
from schemas.reject_limits import MAX_ROWS, parse_reject_limit, reject_limit_text
from schemas.requests import REQUEST_ADAPTER, Options, RetryOptions

REQUEST_SCHEMA = Draft202012Validator(json.loads(documents()["migration-request.json"]))
VALID = [0, 500, 7.0, MAX_ROWS, "0%", "10%", "9.5%", "0.25%", "100%"]
INVALID: list[object] = [
    True, -1, 0.5, MAX_ROWS + 1, 1e26, "500", "", "%", "-1%", "101%", "010%", "10 %", "10.125%", "1e1%",
    [], {},
]  # fmt: skip


@pytest.mark.parametrize("value", VALID)
def test_valid_limit_is_accepted_by_model_and_schema(value: object) -> None:
    REQUEST_SCHEMA.validate({**examples.START, "options": {"max_rejected": value}})
    assert Options.model_validate({"max_rejected": value}).max_rejected == value
    assert RetryOptions.model_validate({"max_rejected": value}).max_rejected == value


@pytest.mark.parametrize("value", INVALID)
def test_invalid_limit_is_rejected_by_model_and_schema_in_one_sentence(value: object) -> None:
    body = {**examples.START, "options": {"max_rejected": value}}
    assert not REQUEST_SCHEMA.is_valid(body)
    with pytest.raises(ValidationError) as caught:
        REQUEST_ADAPTER.validate_python(body)
    [error] = caught.value.errors()
    assert error["loc"][-1] == "max_rejected"
    assert "must be a whole number of rows" in error["msg"]


@pytest.mark.parametrize("flag", ["dry_run", "all_or_nothing"])
@pytest.mark.parametrize("value", [1, 0, "true", "yes", None])
def test_flags_are_booleans_only(flag: str, value: object) -> None:
    body = {**examples.START, "options": {flag: value}}
    assert not REQUEST_SCHEMA.is_valid(body)
    with pytest.raises(ValidationError):
        REQUEST_ADAPTER.validate_python(body)


@pytest.mark.parametrize(
    ("text", "limit"),
    [("0", 0), ("500", 500), ("10%", "10%"), ("soon", "soon"), ("٣", "٣"), ("1" * 5_000, "1" * 5_000)],
)
def test_digits_of_a_form_or_command_line_are_a_number(text: str, limit: int | str) -> None:
    assert parse_reject_limit(text) == limit


def test_limit_is_stored_as_text() -> None:
    assert [reject_limit_text(limit) for limit in (None, 0, 500, "10%")] == [None, "0", "500", "10%"]
