import dataclasses
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from consumer.sources.database.dsn import (
    CONNECT_TIMEOUT,
    MAX_CONNECT_TIMEOUT,
    InvalidSourceDsnError,
    parse_dsn,
)


def test_parse_dsn() -> None:
    found = parse_dsn("postgresql://us%40er:p%3Aw%2F@h1:6543,h2/d%20b")
    assert (found.user, found.password, found.database) == ("us@er", "p:w/", "d b")
    assert urlsplit(found.dsn).netloc == "h1:6543,h2"
    assert found.connect_timeout == CONNECT_TIMEOUT
    assert found.server_settings == {}


@pytest.mark.parametrize(
    "dsn",
    [
        "postgres://u:p@h/d",
        "  postgresql://u:p@h/d\n",
        "postgresql://h/d?user=u&password=p",
        "postgresql://u:p@h?dbname=d",
        "postgresql:///d?host=h&user=u&password=p",
        "postgresql://u:p@h/?database=d",
    ],
)
def test_parts_may_be_query_parameters(dsn: str) -> None:
    found = parse_dsn(dsn)
    assert (found.user, found.password, found.database) == ("u", "p", "d")
    hosts = urlsplit(found.dsn).netloc or parse_qs(urlsplit(found.dsn).query)["host"][0]
    assert hosts == "h"


def test_missing_password_is_empty() -> None:
    assert parse_dsn("postgresql://u@h/d").password == ""


def test_at_sign_in_password() -> None:
    assert parse_dsn("postgresql://u:p@ss@h/d").password == "p@ss"


def test_driver_gets_hosts_and_tls_only() -> None:
    found = parse_dsn("postgresql://u:secret@h/d?sslmode=verify-full&statement_timeout=5s&application_name=x")
    assert found.dsn == "postgresql://h/?sslmode=verify-full"
    assert found.server_settings == {"statement_timeout": "5s", "application_name": "x"}


def test_libpq_options_are_settings() -> None:
    found = parse_dsn(
        "postgresql://u@h/d?options=-c%20search_path%3Dold%20-cwork_mem%3D8MB%20--lock-timeout%3D5s"
        "&work_mem=9MB"
    )
    assert found.server_settings == {"search_path": "old", "work_mem": "9MB", "lock_timeout": "5s"}


def test_irrelevant_libpq_options_are_ignored() -> None:
    assert (
        parse_dsn("postgresql://u@h/d?keepalives=1&gssencmode=disable&client_encoding=LATIN1").server_settings
        == {}
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("3", 3.0), ("0", CONNECT_TIMEOUT), ("-1", CONNECT_TIMEOUT), ("900", MAX_CONNECT_TIMEOUT)],
)
def test_connect_timeout_is_bounded(text: str, seconds: float) -> None:
    assert parse_dsn(f"postgresql://u@h/d?connect_timeout={text}").connect_timeout == seconds


@pytest.mark.parametrize(
    ("dsn", "why"),
    [
        ("", "it does not begin with postgresql://"),
        ("h", "it does not begin with postgresql://"),
        ("mysql://u:sesame@h/d", "it does not begin with postgresql://"),
        ("postgresql://", "it names no host"),
        ("postgresql://u:sesame@/d", "it names no host"),
        ("postgresql://h/d", "it names no user"),
        ("postgresql://:sesame@h/d", "it names no user"),
        ("postgresql://u:sesame@h", "it names no database"),
        ("postgresql://u:ses#ame@h/d", "it holds a #"),
        ("postgresql://[u:sesame@h/d", "it is no address"),
        ("postgresql://u:sesame@h/d?sslmode", "it is no address"),
        ("postgresql://u:sesame@h/d?connect_timeout=soon", "its connect_timeout is no number"),
        ("postgresql://u:sesame@h/d?options=-c%20nothing", "its options are not of the form -c name=value"),
        ("postgresql://u:sesame@h/d?options='open", "its options cannot be taken apart"),
        ("postgresql://u:sesame@h/d?sslrootcert=/no/such", "the file it names as sslrootcert cannot be read"),
    ],
)
def test_error_of_invalid_dsn_does_not_quote_it(dsn: str, why: str) -> None:
    with pytest.raises(InvalidSourceDsnError) as caught:
        parse_dsn(dsn)
    assert str(caught.value) == why
    assert caught.value.__cause__ is None


def test_existing_tls_file_is_passed_on(tmp_path: Path) -> None:
    (tmp_path / "ca").touch()
    found = parse_dsn(f"postgresql://u@h/d?sslrootcert={tmp_path}/ca")
    assert parse_qs(urlsplit(found.dsn).query) == {"sslrootcert": [f"{tmp_path}/ca"]}


def test_repr_hides_secrets() -> None:
    found = parse_dsn("postgresql://u:sesame@h/d?sslpassword=sesame&options=-cx.y%3Dsesame")
    assert "sesame" not in repr(found)
    assert dataclasses.replace(found, user="other").password == "sesame"
