"""Fields added after version 0.1 change neither digest nor needs of a request that does not use them."""

from typing import Any

import pytest
from pydantic import BaseModel, Field

from schemas import new_fields
from schemas.new_fields import dump_used, used_new_fields
from schemas.requests import StartRequest
from tests.unit.schemas.digests_of_0_1 import DIGESTS, FIELDS_OF_0_1


def _parse(body: dict[str, Any]) -> StartRequest:
    return StartRequest.model_validate({"action": "start", **body})


@pytest.mark.parametrize("name", DIGESTS)
def test_request_of_0_1_keeps_its_digest(name: str) -> None:
    body, digest = DIGESTS[name]
    assert _parse(body).digest() == digest


@pytest.mark.parametrize("name", DIGESTS)
def test_request_of_0_1_needs_nothing(name: str) -> None:
    body, _ = DIGESTS[name]
    assert _parse(body).needs == ()


@pytest.mark.parametrize("name", DIGESTS)
def test_digests_of_different_requests_differ(name: str) -> None:
    same = [other for other, (_, digest) in DIGESTS.items() if digest == DIGESTS[name][1]]
    assert same == [name]


def test_no_field_of_0_1_counts_as_new() -> None:
    assert new_fields.NEW_FIELDS.isdisjoint(FIELDS_OF_0_1)


class _Options(BaseModel):
    old: int | None = None
    fresh: bool = False
    listed: list[str] = Field(default_factory=list)


@pytest.fixture
def fresh_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_fields, "NEW_FIELDS", frozenset({"fresh", "listed", "elsewhere"}))


@pytest.mark.usefixtures("fresh_fields")
@pytest.mark.parametrize(
    ("options", "dumped", "used"),
    [
        (_Options(), {"old": None}, set()),
        (_Options(fresh=False, listed=[]), {"old": None}, set()),
        (_Options(old=3, fresh=True), {"old": 3, "fresh": True}, {"fresh"}),
        (_Options(listed=["a"]), {"old": None, "listed": ["a"]}, {"listed"}),
    ],
)
def test_new_field_is_dumped_and_named_only_in_use(
    options: _Options, dumped: dict[str, Any], used: set[str]
) -> None:
    assert dump_used(options) == dumped
    assert used_new_fields(options) == used
