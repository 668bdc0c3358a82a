"""Links: stored as written, or the row is rejected."""

from datetime import date

import pytest

from consumer.datasets.chats.rules.result import Invalid, Valid
from consumer.datasets.chats.rules.url import url

LONGEST = "https://a.ru/" + "x" * 2_035


@pytest.mark.parametrize(
    "cell",
    [
        "https://max.ru/join/AbC-_123", "http://a", "HTTPS://Max.ru", "https://a.ru:8443/x", "https://a.ru:/",
        "https://user:secret@a.ru/x", "https://чат.рф/группа", "https://xn--80a.xn--p1ai/", "https://127.0.0.1/x",
        "https://[::1]:80/x", "https://a.ru?x=1", "https://a.ru#x", "https://a.ru/и\u0306", "https://a.ru/\\N",
        LONGEST,
    ],
)  # fmt: skip
def test_link_is_stored_as_written(cell: str) -> None:
    assert url(cell) == Valid(cell)
    assert url(f"\ufeff {cell}\u00a0\n") == Valid(cell)


@pytest.mark.parametrize("cell", [None, "", " \u200b"])
def test_link_is_required(cell: object) -> None:
    result = url(cell)
    assert isinstance(result, Invalid)
    assert result.code == "required"


@pytest.mark.parametrize(
    "cell",
    [
        "max.ru/join/1", "ftp://a.ru", "https://", "https:///x", "https://?x", "https://:80/", "https://./",
        "https://@/", "https:/a.ru", "https//a.ru", "https://a.ru:99999/", "https://a.ru:x/", "https://[x/",
        "https://a.ru/x y", "https://a.ru/x\u00a0y", "https://a.ru/x\u200by", "https://a.ru/x\ny", "https://a.ru/\t1",
        LONGEST + "x", "https://a.ru/" + "й" * 1_018, "https://a.ru\\x", "javascript:alert(1)", 7.0, True,
        date(2024, 1, 1), float("nan"), "https://a.ru/\x00", "https://a.ru/\ud83d", "https://a.ru/_x0000_",
        "нет https://a.ru", b"https://a.ru",
    ],
)  # fmt: skip
def test_invalid_link_is_rejected(cell: object) -> None:
    assert isinstance(url(cell), Invalid)


def test_hostile_link_is_checked_quickly() -> None:
    assert isinstance(url("https://" + "." * 2_000 + "@" * 30), Invalid)
