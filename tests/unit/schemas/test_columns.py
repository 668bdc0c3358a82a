"""`columns` of a source: header → field, bounded, and the same in models and published schemas."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from schemas import examples
from schemas.names import MAX_MAPPED_COLUMNS
from schemas.requests import REQUEST_ADAPTER, StartRequest, dump_request
from schemas.text import MAX_HEADER_CHARS

SCHEMA = Draft202012Validator(REQUEST_ADAPTER.json_schema())
VALID: list[Any] = [
    {"Ссылка MAX": "url"},
    {"—": "url", " a b\n": "inn"},
    {"x" * MAX_HEADER_CHARS: "f" * 63},
    {str(number): "url" for number in range(MAX_MAPPED_COLUMNS)},
]
INVALID: list[Any] = [
    [],
    "MAX=url",
    {"": "url"},
    {" \u200b\n": "url"},
    {"a\x00b": "url"},
    {"x" * (MAX_HEADER_CHARS + 1): "url"},
    {"MAX": ""},
    {"MAX": "URL"},
    {"MAX": None},
    {"MAX": "f" * 64},
    {str(number): "url" for number in range(MAX_MAPPED_COLUMNS + 1)},
]


SOURCES = [example for example in examples.STARTS if "corrects" not in example]
"""A correction has the columns of the job that it corrects."""


def digest(columns: object) -> str:
    request = REQUEST_ADAPTER.validate_python(start(examples.START, columns))
    assert isinstance(request, StartRequest)
    return request.digest()


def start(example: dict[str, Any], columns: object) -> dict[str, Any]:
    return {**example, "source": {**example["source"], "columns": columns}}


@pytest.mark.parametrize("columns", VALID)
@pytest.mark.parametrize("example", SOURCES, ids=lambda example: str(example["source"]["type"]))
def test_valid_columns(example: dict[str, Any], columns: object) -> None:
    body = start(example, columns)
    request = REQUEST_ADAPTER.validate_python(body)
    assert isinstance(request, StartRequest)
    assert request.source.columns == columns
    assert SCHEMA.is_valid(body)


@pytest.mark.parametrize("columns", INVALID)
@pytest.mark.parametrize("example", examples.STARTS, ids=lambda example: str(example["source"]["type"]))
def test_invalid_columns(example: dict[str, Any], columns: object) -> None:
    body = start(example, columns)
    with pytest.raises(ValidationError):
        REQUEST_ADAPTER.validate_python(body)
    assert not SCHEMA.is_valid(body)


def test_lone_surrogate_in_a_header_is_invalid() -> None:
    with pytest.raises(ValidationError):
        REQUEST_ADAPTER.validate_python(start(examples.START, {"a\ud800": "url"}))


@pytest.mark.parametrize("columns", [None, {}])
def test_empty_columns_are_none_and_are_not_sent(columns: object) -> None:
    """A replica of 0.1 rejects the field, and an empty one has no meaning."""
    request = REQUEST_ADAPTER.validate_python(start(examples.START, columns))
    assert isinstance(request, StartRequest)
    assert request.source.columns is None
    assert b"columns" not in dump_request(request)
    assert digest(columns) == StartRequest.model_validate(examples.START).digest()


def test_columns_belong_to_the_digest() -> None:
    assert len({digest(columns) for columns in (None, {"MAX": "url"}, {"MAX": "inn"})}) == 3
    assert digest({"a": "url", "b": "inn"}) == digest({"b": "inn", "a": "url"})


def test_correction_maps_no_columns() -> None:
    """The columns of the job that it corrects apply."""
    body = {**start(examples.START, {"MAX": "url"}), "corrects": {"request_id": "r-1"}}
    with pytest.raises(ValidationError, match="leave columns out"):
        REQUEST_ADAPTER.validate_python(body)
