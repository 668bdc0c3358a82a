"""Datasets are found by name."""

import sys
from datetime import date

import pytest

from consumer.datasets.registry import find, names
from consumer.errors import UnresolvableRequestError


def test_find_returns_the_dataset_of_a_package() -> None:
    assert names() == ("chats",)
    assert find("chats").name == "chats"
    assert set(find("chats").column_spec.required) <= find("chats").column_spec.headers.keys()


@pytest.mark.parametrize("name", ["", "chat", "base", "find", "chats.dataset", "../chats", "os"])
def test_unknown_name_is_rejected_with_the_known_ones(name: str) -> None:
    loaded = set(sys.modules)
    with pytest.raises(UnresolvableRequestError, match="chats") as raised:
        find(name)
    assert raised.value.code == "unknown_dataset"
    assert set(sys.modules) == loaded


def test_source_type_without_a_tag_is_rejected() -> None:
    with pytest.raises(UnresolvableRequestError, match="excel") as raised:
        find("chats").make_validator("paper", date(2026, 3, 1))
    assert raised.value.code == "unsupported_source"
