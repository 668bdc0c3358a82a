"""The header that comes nearest to a missing one, for every missing field."""

import time

import pytest

from consumer.datasets.chats.column_spec import COLUMN_SPEC as CHATS
from consumer.errors import LayoutError
from consumer.sources.header import find_header, normalise
from consumer.sources.missing_column import MissingHeaderError
from consumer.sources.nearest_header import nearest_headers

URL, INN = CHATS.headers["url"], CHATS.headers["inn"]


@pytest.mark.parametrize(
    "nearest",
    [
        "Ссылка MAX",
        "Сылка на чат",
        "Ссылка на канал или чат в мессенджере MAX",
        "Invite link",
        "Cсылка чaта",  # with a Latin C and a
        "LINKS",
    ],
)
def test_nearest_header_of_a_link(nearest: str) -> None:
    headers = ["Наименование", "Комментарий", nearest, "Дата"]
    assert nearest_headers(headers, {"url": URL}, normalise) == {"url": nearest}


@pytest.mark.parametrize("headers", [[], ["Комментарий", "Дата", "Имя", "—"], ["Название чата"]])
def test_nothing_is_nearest_if_nothing_is_near(headers: list[str]) -> None:
    assert nearest_headers(headers, {"url": URL, "inn": INN}, normalise) == {}


def test_header_is_nearest_to_one_field_only() -> None:
    assert nearest_headers(["ИНН и ссылка"], {"url": URL, "inn": INN}, normalise) == {"url": "ИНН и ссылка"}
    headers = ["ИНН вуза", "ИНН вуза/ссылка"]
    assert nearest_headers(headers, {"url": URL, "inn": INN}, normalise) == {
        "inn": "ИНН вуза",
        "url": "ИНН вуза/ссылка",
    }


def test_first_of_two_equal_headers_is_nearest() -> None:
    assert nearest_headers(["Ссылка 1", "Ссылка 2"], {"url": URL}, normalise) == {"url": "Ссылка 1"}


def missing(*cells: object) -> MissingHeaderError:
    with pytest.raises(MissingHeaderError) as caught:
        find_header([(3, cells)], CHATS)
    return caught.value


def test_error_names_the_nearest_header_for_each_missing_field() -> None:
    error = missing("ИНН", "Ссылка MAX", "Курс")
    assert error.nearest == {"url": "Ссылка MAX"}
    assert "Nearest to «ссылка на чат» is «Ссылка MAX»; map it in `columns`" in error.message


def test_known_columns_are_not_suggested() -> None:
    """«Название чата» resembles «ссылка на чат», but it is the name already."""
    assert missing("ИНН", "Название чата", "ID чата").nearest == {"url": None}


def test_look_alike_is_suggested_and_described_once() -> None:
    error = missing("url", "ИHH")
    assert error.nearest == {"inn": "ИHH"}
    assert "«ИHH» looks like «ИНН»" in error.message
    assert "Nearest to" not in error.message


def test_header_that_no_request_can_name_is_not_suggested() -> None:
    assert missing("ИНН", "Ссылка\x00MAX", "Ссылка" + " " * 200, 5.0).nearest == {"url": None}


def test_nearest_header_is_on_one_line() -> None:
    assert missing("ИНН", " Ссылка\n MAX ").nearest == {"url": "Ссылка MAX"}


@pytest.mark.parametrize(
    "cells",
    [
        [f"{number}" + "я" * 32_000 for number in range(500)],
        [f"ссылкачат{number:05}" * 5 for number in range(16_384)],
        ["\ufdfa" * 60 + f"{number}" for number in range(16_384)],
    ],
    ids=["long", "many similar", "expanding"],
)
def test_hostile_headers_take_bounded_time(cells: list[str]) -> None:
    """Within a fraction of the 30 s of processor time that reading may take without a row."""
    start = time.process_time()
    with pytest.raises(LayoutError):
        find_header([(1, ["ИНН", *cells])], CHATS)
    assert time.process_time() - start < 5
