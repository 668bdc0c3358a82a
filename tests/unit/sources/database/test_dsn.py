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


def test_an_address_is_taken_apart() -> None:
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
def test_its_parts_may_stand_in_several_places(dsn: str) -> None:
    found = parse_dsn(dsn)
    assert (found.user, found.password, found.database) == ("u", "p", "d")
    hosts = urlsplit(found.dsn).netloc or parse_qs(urlsplit(found.dsn).query)["host"][0]
    assert hosts == "h"


def test_a_password_that_is_left_out_is_empty_and_never_looked_for() -> None:
    assert parse_dsn("postgresql://u@h/d").password == ""


def test_an_at_sign_in_a_password_belongs_to_it() -> None:
    assert parse_dsn("postgresql://u:p@ss@h/d").password == "p@ss"


def test_the_driver_gets_hosts_and_tls_alone() -> None:
    found = parse_dsn("postgresql://u:secret@h/d?sslmode=verify-full&statement_timeout=5s&application_name=x")
    assert found.dsn == "postgresql://h/?sslmode=verify-full"
    assert found.server_settings == {"statement_timeout": "5s", "application_name": "x"}


def test_options_as_libpq_takes_them_are_settings() -> None:
    found = parse_dsn(
        "postgresql://u@h/d?options=-c%20search_path%3Dold%20-cwork_mem%3D8MB%20--lock-timeout%3D5s"
        "&work_mem=9MB"
    )
    assert found.server_settings == {"search_path": "old", "work_mem": "9MB", "lock_timeout": "5s"}


def test_options_of_libpq_that_change_nothing_here_are_left_out() -> None:
    assert (
        parse_dsn("postgresql://u@h/d?keepalives=1&gssencmode=disable&client_encoding=LATIN1").server_settings
        == {}
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("3", 3.0), ("0", CONNECT_TIMEOUT), ("-1", CONNECT_TIMEOUT), ("900", MAX_CONNECT_TIMEOUT)],
)
def test_the_time_to_connect_may_be_given_within_bounds(text: str, seconds: float) -> None:
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
def test_what_is_no_address_is_refused_without_a_word_of_it(dsn: str, why: str) -> None:
    with pytest.raises(InvalidSourceDsnError) as caught:
        parse_dsn(dsn)
    assert str(caught.value) == why
    assert caught.value.__cause__ is None


def test_a_file_that_is_there_is_handed_on(tmp_path: Path) -> None:
    (tmp_path / "ca").touch()
    found = parse_dsn(f"postgresql://u@h/d?sslrootcert={tmp_path}/ca")
    assert parse_qs(urlsplit(found.dsn).query) == {"sslrootcert": [f"{tmp_path}/ca"]}


def test_an_address_does_not_show_its_secrets() -> None:
    found = parse_dsn("postgresql://u:sesame@h/d?sslpassword=sesame&options=-cx.y%3Dsesame")
    assert "sesame" not in repr(found)
    assert dataclasses.replace(found, user="other").password == "sesame"
