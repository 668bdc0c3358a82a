from pathlib import Path

import pytest

from consumer.store.dsn import DEFAULT_CONNECT_SECONDS, MAX_CONNECT_SECONDS, to_asyncpg, validate


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://u:p@h:5432/d",
        "postgres://h",
        "postgresql://u:p@h1:6543,h2/d?target_session_attrs=read-write",
        "postgresql://u:p%40%23@[::1]:5432,[::1]/d",
        "postgresql://u@h/d?sslmode=require&application_name=x&connect_timeout=5",
        "postgresql:///d?host=/var/run/postgresql&port=5433",
        "postgresql://u@%2Fvar%2Frun%2Fpostgresql/d",
        "postgresql:///d",
    ],
)
def test_valid_addresses_are_accepted(dsn: str) -> None:
    validate(dsn)


@pytest.mark.parametrize(
    ("dsn", "why"),
    [
        ("", "must begin with postgresql://"),
        ("sesame", "must begin with postgresql://"),
        ("mysql://u:sesame@h/d", "must begin with postgresql://"),
        ("postgresql+psycopg://u:sesame@h/d", "must begin with postgresql://"),
        ("postgresql://u:sesame@h:54a/d", "has a port that is no number"),
        ("postgresql://u:sesame@h:65536/d", "has a port that is no number"),
        ("postgresql://u:sesame@h1:1,h2:0/d", "has a port that is no number"),
        ("postgresql://u:sesame@[::1]:x/d", "has a port that is no number"),
        ("postgresql://u:sesame@h/d?host=h&port=x", "has a port that is no number"),
        ("postgresql://u:ses/ame@h/d", "has a port that is no number"),
        ("postgresql://u:sesame@h1,,h2/d", "has a host without a name"),
        ("postgresql://u:sesame@:5432/d", "has a host without a name"),
        ("postgresql://u:sesame@s@h/d", "%40 for @"),
        ("postgresql://u:sesame#s@h/d", "%23 for #"),
        ("postgresql://u:sesame@[::1/d", "is no address"),
        ("postgresql://u:sesame@h/d?sslmode", "is no address"),
        ("postgresql://u:sesame@h/d?connect_timeout=soon", "connect_timeout"),
        ("postgresql://u:sesame@h/d?sslrootcert=/no/sesame", "a file as sslrootcert that cannot be read"),
        ("postgresql://u:sesame@h/d?channel_binding=require", "asks for channel_binding"),
        ("postgresql://u:sesame@h/d?require_auth=scram-sha-256", "asks for require_auth"),
    ],
)
def test_invalid_address_is_rejected_without_quoting_it(dsn: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        validate(dsn)
    assert "sesame" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_readable_file_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "ca").touch()
    validate(f"postgresql://u@h/d?sslmode=verify-full&sslrootcert={tmp_path}/ca")


def test_address_without_libpq_options_is_unchanged() -> None:
    dsn = "postgresql://u:p%2F@h1,h2:6543/d%20b?sslmode=require&application_name=x"
    assert to_asyncpg(dsn) == (dsn, DEFAULT_CONNECT_SECONDS)


def test_libpq_options_are_removed() -> None:
    dsn = "postgresql://u:p@h1,h2/d?keepalives=1&search_path=a%2Cb&gssencmode=disable&connect_timeout=3"
    assert to_asyncpg(dsn) == ("postgresql://u:p@h1,h2/d?search_path=a%2Cb", 3.0)


def test_optional_unsupported_options_are_removed() -> None:
    dsn = "postgresql://u@h/d?sslmode=require&channel_binding=prefer"
    validate(dsn)
    assert to_asyncpg(dsn)[0] == "postgresql://u@h/d?sslmode=require"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("3", 3.0), ("0", DEFAULT_CONNECT_SECONDS), ("", DEFAULT_CONNECT_SECONDS), ("900", MAX_CONNECT_SECONDS)],
)
def test_connect_timeout_is_limited(text: str, seconds: float) -> None:
    assert to_asyncpg(f"postgresql://u@h/d?connect_timeout={text}")[1] == seconds
