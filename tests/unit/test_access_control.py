"""Access control as the service builds it from its settings."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from consumer.app import _access_control
from consumer.http.auth.tokens import Right, issue_token
from consumer.settings import Settings, load

KEY = "k" * 32


@pytest.fixture
def token(tmp_path: Path) -> str:
    """The only token of the tokens file."""
    text, table = issue_token("anna", frozenset({Right.READ}))
    (tmp_path / "tokens.toml").write_text(table)
    return text


def _settings(tmp_path: Path, **variables: str) -> Settings:
    known = {"KAFKA_BOOTSTRAP_SERVERS": "k", "DATABASE_URL": "postgresql://h/d"}
    return load(known | {"MIGRATION_HTTP_TOKENS_FILE": str(tmp_path / "tokens.toml")} | variables)


async def test_replicas_with_the_same_key_share_sessions(tmp_path: Path, token: str) -> None:
    with capture_logs() as logs:
        first, second = (
            _access_control(_settings(tmp_path, MIGRATION_HTTP_COOKIE_KEY=KEY)) for _ in range(2)
        )
    assert {line["event"] for line in logs} == {"tokens.loaded"}
    _, session = await first.sign_in(token, None)
    assert (await second.authenticate(None, None, session)).name == "anna"


async def test_random_key_is_logged_once(tmp_path: Path, token: str) -> None:
    with capture_logs() as logs:
        access_control = _access_control(_settings(tmp_path))
        _, session = await access_control.sign_in(token, None)
        await access_control.authenticate(None, None, session)
    [warning] = [line for line in logs if line["log_level"] == "warning"]
    assert warning["event"] == "auth.random_cookie_key"
    assert warning["reason"].startswith("MIGRATION_HTTP_COOKIE_KEY is not set")


def test_service_without_tokens_needs_no_key(tmp_path: Path) -> None:
    with capture_logs() as logs:
        assert not _access_control(_settings(tmp_path, MIGRATION_HTTP_TOKENS_FILE="")).enforced
    assert logs == []
