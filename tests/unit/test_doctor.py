"""The doctor prints each finding at once: a check that fails does not hide other findings."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from consumer import doctor
from consumer.doctor import Finding, Severity
from consumer.http.auth import tokens
from consumer.settings import Settings, load
from consumer.store.errors import DatabaseUnavailableError, TransactionConflictError
from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailableError
from messaging.metadata import ClusterMetadata, TopicState
from schemas import topics


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    known = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "DATABASE_URL": "postgresql://u:secret@127.0.0.1:1/d"}
    return load(known | {"MIGRATION_INBOX": str(tmp_path)})


async def _passing_check(_: Settings) -> AsyncIterator[Finding]:
    yield Severity.OK, "all is well"


def _failing_check(error: Exception) -> doctor.Check:
    async def check(_: Settings) -> AsyncIterator[Finding]:
        yield Severity.OK, "found before"
        raise error

    return check


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (DatabaseUnavailableError("it went away"), "FAIL Kafka: it went away"),
        (KafkaUnavailableError("Kafka at a:1 is gone."), "FAIL Kafka: Kafka at a:1 is gone."),
        (TransactionConflictError("40P01"), "FAIL Kafka: conflict with another transaction (SQLSTATE 40P01)"),
        (ValueError("secret"), "FAIL Kafka: this check failed (ValueError); report it"),
    ],
)
async def test_failing_check_hides_no_other_finding(
    error: Exception,
    line: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(doctor, "_kafka", _failing_check(error))
    monkeypatch.setattr(doctor, "_postgres", _passing_check)
    assert await doctor.run_checks(settings) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:-1] == ["ok   found before", line, "ok   all is well"]


async def test_each_unreachable_server_is_a_finding(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await doctor.run_checks(settings) == 1
    inbox, kafka, postgres, http = capsys.readouterr().out.splitlines()
    assert inbox.startswith("ok   inbox")
    assert kafka.startswith("FAIL Kafka: Kafka at 127.0.0.1:1 is not reachable")
    assert postgres == "FAIL Postgres: no answer from Postgres (ConnectionRefusedError); check DATABASE_URL"
    assert http.startswith("note HTTP on 127.0.0.1 port 8084: no token is required")


async def test_missing_topics_are_a_note(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def describe(_: KafkaConnection, names: Sequence[str]) -> ClusterMetadata:
        return ClusterMetadata(1, {name: TopicState(name, "id", 6) for name in names[1:]})

    monkeypatch.setattr(doctor, "describe_topics", describe)
    monkeypatch.setattr(doctor, "_postgres", _passing_check)
    assert await doctor.run_checks(settings) == 0
    lines = capsys.readouterr().out.splitlines()
    missing = topics.ALL_TOPICS[0].name
    assert f"note Kafka: the service creates {missing} at its start, if it has the permission" in lines


async def test_failing_name_hides_no_other_name() -> None:
    def check(name: str) -> str:
        if name == "b":
            raise ValueError("secret")
        return f"checked {name}"

    findings = [finding async for finding in doctor._check_each("connection", ["c", "a", "b"], check)]
    assert findings == [
        (Severity.OK, "checked a"),
        (Severity.FAIL, "connection «b»: this check failed (ValueError); report it"),
        (Severity.OK, "checked c"),
    ]


async def _http(**variables: str) -> list[Finding]:
    known = {"KAFKA_BOOTSTRAP_SERVERS": "k", "DATABASE_URL": "postgresql://h/d"}
    return [finding async for finding in doctor._http(load(known | variables))]


async def test_public_port_without_tokens_is_a_failure() -> None:
    """With `MIGRATION_HTTP_OPEN` set it is a note."""
    failure, note = await _http(MIGRATION_HTTP_HOST="0.0.0.0")
    assert failure[0] is Severity.FAIL
    assert "MIGRATION_HTTP_TOKENS_FILE" in failure[1]
    assert note[0] is Severity.NOTE
    assert [mark for mark, _ in await _http(MIGRATION_HTTP_HOST="0.0.0.0", MIGRATION_HTTP_OPEN="yes")] == [
        Severity.NOTE
    ]


async def test_tokens_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    path.write_text(
        "".join(tokens.issue_token(name, frozenset({tokens.Right.READ}))[1] for name in ("b", "a"))
    )
    variables = {
        "MIGRATION_HTTP_HOST": "0.0.0.0",
        "MIGRATION_HTTP_TOKENS_FILE": str(path),
        "MIGRATION_HTTP_COOKIE_KEY": "k" * 32,
    }
    assert await _http(**variables) == [(Severity.OK, "HTTP on 0.0.0.0 port 8084: tokens of a, b")]
    path.write_text("[a]")
    [(mark, sentence)] = await _http(**variables)
    assert (mark, "[a] must have the keys" in sentence) == (Severity.FAIL, True)


async def test_a_missing_cookie_key_is_a_note_where_tokens_are_used(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    path.write_text(tokens.issue_token("a", frozenset({tokens.Right.READ}))[1])
    _, (mark, sentence) = await _http(MIGRATION_HTTP_TOKENS_FILE=str(path))
    assert mark is Severity.NOTE
    assert sentence.startswith("HTTP: MIGRATION_HTTP_COOKIE_KEY is not set")
    [(_, without_tokens)] = await _http()
    assert "COOKIE" not in without_tokens
