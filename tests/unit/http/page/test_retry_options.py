"""The limit of rejected rows in the form of a retry."""

import pytest
from pydantic import ValidationError

from consumer.http.page.routes.control import retry_options
from schemas.requests import RetryOptions


@pytest.mark.parametrize(("text", "limit"), [("0", 0), ("500", 500), (" 10% ", "10%"), ("12.5%", "12.5%")])
def test_limit_is_a_number_or_a_share(text: str, limit: int | str) -> None:
    assert retry_options(text) == RetryOptions(max_rejected=limit)


def test_form_without_a_limit_leaves_it_as_it_is() -> None:
    assert retry_options("") is None


@pytest.mark.parametrize("text", ["-1", "101%", "many", "9999999999", "1e3", "10 %"])
def test_other_texts_are_unusable(text: str) -> None:
    with pytest.raises(ValidationError):
        retry_options(text)
