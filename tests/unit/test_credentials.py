"""Names in a request are resolved to secrets of the settings."""

import json
from pathlib import Path
from typing import Any

import pytest

from consumer import credentials
from consumer.errors import UnresolvableRequestError
from consumer.settings import Settings, load

ACCOUNT = {"client_email": "robot@x.test", "private_key": "KEY", "token_uri": "http://t"}
MINIMAL_SETTINGS = {"KAFKA_BOOTSTRAP_SERVERS": "k:9092", "DATABASE_URL": "postgresql://own:secret@h/db"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "account.json").write_text(json.dumps(ACCOUNT))
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "user.json").write_text('{"type": "authorized_user"}')
    (tmp_path / "list.json").write_text("[]")
    files = {"default": "account", "broken": "broken", "user": "user", "list": "list", "gone": "gone"}
    paths = {name: str(tmp_path / f"{file}.json") for name, file in files.items()}
    return load(
        MINIMAL_SETTINGS
        | {
            "MIGRATION_CONNECTIONS": '{"admin": "postgresql://a:hidden@c/d"}',
            "MIGRATION_GOOGLE_CREDENTIALS": json.dumps(paths),
            "MIGRATION_GOOGLE_API_URL": "http://sheets",
        }
    )


def test_secrets_of_each_type_of_source(settings: Settings) -> None:
    database = credentials.resolve(settings, {"type": "database", "connection": "admin"})
    assert dict(database.secrets) == {"dsn": "postgresql://a:hidden@c/d"}
    google = credentials.resolve(settings, {"type": "google_sheets", "credentials": "default"})
    assert dict(google.secrets) == {"account": ACCOUNT, "api_url": "http://sheets"}
    assert google.rate_limit_bucket == "google:robot@x.test"
    assert (
        dict(credentials.resolve(settings, {"type": "excel", "file": {"path": "chats.xlsx"}}).secrets) == {}
    )
    excel = credentials.resolve(settings, {"type": "excel", "file": {"upload": {}}})
    assert (list(excel.secrets), excel.rate_limit_bucket) == (["kafka"], None)


@pytest.mark.parametrize(
    ("source", "code", "message"),
    [
        ({"type": "database", "connection": "other"}, "unknown_connection", "«other».*«admin»"),
        ({"type": "google_sheets", "credentials": "no"}, "unknown_credentials", "«no».*«default»"),
        ({"type": "google_sheets", "credentials": "gone"}, "wrong_credentials", "FileNotFoundError"),
        ({"type": "google_sheets", "credentials": "broken"}, "wrong_credentials", "cannot be read"),
        ({"type": "google_sheets", "credentials": "user"}, "wrong_credentials", "client_email, private_key"),
        ({"type": "google_sheets", "credentials": "list"}, "wrong_credentials", "service account"),
    ],
)
def test_unusable_name_fails_with_advice(
    settings: Settings, source: dict[str, Any], code: str, message: str
) -> None:
    with pytest.raises(UnresolvableRequestError, match=message) as caught:
        credentials.resolve(settings, source)
    assert caught.value.code == code
    assert "hidden" not in caught.value.message


def test_replaced_key_file_needs_no_restart(settings: Settings) -> None:
    path = settings.migration_google_credentials["default"]
    path.write_text(json.dumps(ACCOUNT | {"private_key": "NEW"}))
    assert credentials.service_account(settings, "default")["private_key"] == "NEW"


def test_repr_shows_no_secret(settings: Settings) -> None:
    assert "hidden" not in repr(credentials.resolve(settings, {"type": "database", "connection": "admin"}))
