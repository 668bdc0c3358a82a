"""Datasets are found by name."""

import sys
from datetime import date

import pytest

from consumer.datasets.registry import find, names
from consumer.errors import UnresolvableRequestError


def test_a_dataset_is_found_by_the_name_of_its_folder() -> None:
    assert names() == ("chats",)
    assert find("chats").name == "chats"
    assert set(find("chats").column_spec.required) <= find("chats").column_spec.headers.keys()


@pytest.mark.parametrize("name", ["", "chat", "base", "find", "chats.dataset", "../chats", "os"])
def test_an_unknown_name_is_refused_with_the_known_ones(name: str) -> None:
    loaded = set(sys.modules)
    with pytest.raises(UnresolvableRequestError, match="chats") as refused:
        find(name)
    assert refused.value.code == "unknown_dataset"
    assert set(sys.modules) == loaded


def test_a_type_of_source_without_a_tag_is_refused() -> None:
    with pytest.raises(UnresolvableRequestError, match="excel") as refused:
        find("chats").make_validator("paper", date(2026, 3, 1))
    assert refused.value.code == "unsupported_source"
