"""Uploads through Kafka are fetched by the child process."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from consumer.ipc import FrameType
from messaging.connection import KafkaConnection
from messaging.topics import ensure_topics
from messaging.upload import send_file
from tests.support.extractor_driver import ReceivedFrame, make_start_header, start_extractor
from tests.support.workbooks import HEADER, data_rows, write_xlsx


@pytest.fixture
def connection(kafka_bootstrap: str) -> KafkaConnection:
    found = KafkaConnection(kafka_bootstrap)
    asyncio.run(ensure_topics(found))
    return found


@pytest.fixture
def upload(tmp_path: Path, connection: KafkaConnection) -> dict[str, Any]:
    path = write_xlsx(tmp_path / "mine.xlsx", [HEADER, *data_rows(25)])
    sent = asyncio.run(send_file(connection, path, "chats.xlsx"))
    return sent.model_dump(mode="json")


def extracted(
    tmp_path: Path, connection: KafkaConnection, upload: dict[str, Any], **others: Any
) -> list[ReceivedFrame]:
    (tmp_path / "scratch").mkdir()
    source = {"type": "excel", "file": {"upload": upload}}
    secrets = {"kafka": connection.to_dict()}
    start = make_start_header(
        tmp_path / "none", tmp_path / "scratch", source=source, secrets=secrets, **others
    )
    with start_extractor(start) as process:
        frames = process.read_all()
        assert process.exit_code() == 0
    return frames


def test_upload_is_read_like_a_file(
    tmp_path: Path, connection: KafkaConnection, upload: dict[str, Any]
) -> None:
    assert extracted(tmp_path, connection, upload)[-1].header == {"rows": 25}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"sha256": "0" * 64}, "upload_corrupt"),
        ({"upload_id": "another"}, "upload_incomplete"),
        ({"size": 1 << 40}, "source_too_large"),
    ],
)
def test_incomplete_upload_is_rejected(
    tmp_path: Path, connection: KafkaConnection, upload: dict[str, Any], change: dict[str, Any], code: str
) -> None:
    (failed,) = extracted(tmp_path, connection, upload | change)
    assert failed.frame_type is FrameType.FAILED
    assert failed.header["code"] == code
    assert failed.header["transient"] is False


def test_unresponsive_kafka_is_transient(tmp_path: Path, upload: dict[str, Any]) -> None:
    (failed,) = extracted(tmp_path, KafkaConnection("127.0.0.1:9"), upload)
    assert failed.header["code"] == "source_unavailable"
    assert failed.header["transient"] is True
    assert failed.header["internal"] is True
