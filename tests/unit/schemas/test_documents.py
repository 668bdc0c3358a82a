"""The documents for other services are up to date, valid, and agree with the models."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator, Draft202012Validator, FormatChecker
from pydantic import ValidationError

from schemas import asyncapi, examples
from schemas.generate import FOLDER, documents, main, stale_documents
from schemas.requests import REQUEST_ADAPTER, StartRequest, dump_request
from schemas.status import StatusEvent
from schemas.topics import ALL_TOPICS
from schemas.uploads import Upload


def _uploaded(**changes: Any) -> dict[str, Any]:
    upload = {**examples.UPLOAD, **changes}
    return {**examples.START_UPLOADED, "source": {"type": "excel", "file": {"upload": upload}}}


SCHEMAS = [name for name in documents() if name.endswith(".json")]
INVALID_NUMBERS = [
    {**examples.START, "schema_version": True},
    {**examples.START, "schema_version": "1"},
    *({**examples.START, "options": {"timeout_seconds": wrong}} for wrong in (True, "7200", 7200.5, 0, 1e26)),
    *({**examples.START, "options": {"max_attempts": wrong}} for wrong in (True, "3", 101)),
    *(_uploaded(partition=wrong) for wrong in (True, "2", -1, 2**31)),
    *(_uploaded(last_offset=wrong) for wrong in (True, "28", 1e26, 2**53)),
    *(_uploaded(first_offset=wrong, last_offset=2**53 - 1) for wrong in (-1, 1e26, 2**53)),
    *(_uploaded(chunks=wrong) for wrong in (True, "29", 0)),
    *(_uploaded(size=wrong) for wrong in (True, "15000000", 0)),
]
ASYNCAPI: dict[str, Any] = yaml.safe_load(documents()["asyncapi.yaml"])


def _schema(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(documents()[name])
    return schema


def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(_schema(name), format_checker=FormatChecker())


def test_committed_documents_are_up_to_date() -> None:
    assert stale_documents() == [], "run `python -m schemas.generate`"


def test_changed_or_missing_document_is_stale(tmp_path: Path) -> None:
    for name, text in documents().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert stale_documents(tmp_path) == []
    (tmp_path / "migration-status.json").write_text("{}", encoding="utf-8")
    (tmp_path / "asyncapi.yaml").unlink()
    assert stale_documents(tmp_path) == ["migration-status.json", "asyncapi.yaml"]


def test_check_passes_on_committed_documents() -> None:
    assert main(["--check"]) == 0


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_valid_in_both_dialects(name: str) -> None:
    Draft202012Validator.check_schema(_schema(name))
    Draft7Validator.check_schema(_schema(name))


@pytest.mark.parametrize("example", examples.REQUESTS)
def test_example_requests_match_schema_and_model(example: dict[str, Any]) -> None:
    _validator("migration-request.json").validate(example)
    request = REQUEST_ADAPTER.validate_python(example)
    _validator("migration-request.json").validate(json.loads(dump_request(request)))


def test_example_status_matches_schema_and_model() -> None:
    _validator("migration-status.json").validate(examples.STATUS)
    event = StatusEvent.model_validate(examples.STATUS)
    _validator("migration-status.json").validate(event.model_dump(mode="json"))


def test_example_upload_matches_schema_and_model() -> None:
    _validator("upload-reference.json").validate(examples.UPLOAD)
    Upload.model_validate(examples.UPLOAD)


@pytest.mark.parametrize(
    "wrong",
    [
        {**examples.START, "surprise": 1},
        {**examples.START, "action": "begin"},
        {**examples.START, "request_id": ""},
        {**examples.START, "source": {"type": "oracle"}},
        {"action": "cancel"},
        *INVALID_NUMBERS,
    ],
)
def test_model_rejects_what_schema_rejects(wrong: dict[str, Any]) -> None:
    assert not _validator("migration-request.json").is_valid(wrong)
    with pytest.raises(ValidationError):
        REQUEST_ADAPTER.validate_python(wrong)


@pytest.mark.parametrize("options", [{"timeout_seconds": 7200.0}, {"max_attempts": 100}, {}])
def test_model_accepts_numbers_that_schema_accepts(options: dict[str, Any]) -> None:
    request = {**examples.START, "options": options}
    _validator("migration-request.json").validate(request)
    assert isinstance(REQUEST_ADAPTER.validate_python(request), StartRequest)


def test_example_path_is_relative_to_inbox() -> None:
    assert not examples.START["source"]["file"]["path"].startswith("inbox/")


def test_asyncapi_has_every_topic_with_its_config() -> None:
    bindings = [channel["bindings"]["kafka"] for channel in ASYNCAPI["channels"].values()]
    assert [binding["topic"] for binding in bindings] == [topic.name for topic in ALL_TOPICS]
    for binding, topic in zip(bindings, ALL_TOPICS, strict=True):
        config = {name: _as_config(value) for name, value in binding["topicConfiguration"].items()}
        assert (config, binding["partitions"]) == (dict(topic.config), topic.partitions)


def test_every_channel_has_an_operation() -> None:
    used = {operation["channel"]["$ref"] for operation in ASYNCAPI["operations"].values()}
    assert used == {f"#/channels/{name}" for name in asyncapi.CHANNELS}


def test_every_reference_resolves() -> None:
    references = list(_references(ASYNCAPI))
    assert len(references) > 20
    for reference in references:
        file, _, pointer = reference.partition("#")
        document = _schema(Path(file).name) if file else ASYNCAPI
        for part in filter(None, pointer.split("/")):
            document = document[part]
        assert document


def test_schemas_use_no_keywords_unknown_to_draft_7() -> None:
    for name in SCHEMAS:
        assert not {"prefixItems", "unevaluatedProperties", "$dynamicRef"} & set(_keys(_schema(name)))


def test_folder_has_no_other_generated_files() -> None:
    found = {file.name for file in FOLDER.iterdir() if file.suffix in {".json", ".yaml"}}
    assert found == set(documents())


def _as_config(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)


def _references(value: Any) -> Iterator[str]:
    match value:
        case {"$ref": str(reference)}:
            yield reference
        case Mapping():
            for item in value.values():
                yield from _references(item)
        case list():
            for item in value:
                yield from _references(item)
        case _:
            pass


def _keys(value: Any) -> Iterator[str]:
    match value:
        case Mapping():
            yield from value
            for item in value.values():
                yield from _keys(item)
        case list():
            for item in value:
                yield from _keys(item)
        case _:
            pass
