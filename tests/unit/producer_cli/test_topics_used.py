"""A command requires only the topics it uses: few have permissions on the dead letter topic."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from messaging.connection import KafkaConnection
from producer_cli.commands import control, start
from producer_cli.commands.control import send_command
from producer_cli.commands.start import StartCommand
from producer_cli.render.factory import choose_renderer
from producer_cli.requests import cancel_request, retry_request, start_request
from producer_cli.runner import InterruptHint
from schemas.topics import Topic

NOWHERE = KafkaConnection("127.0.0.1:1")
EXCEL = {"type": "excel", "file": {"path": "chats.xlsx"}}


class TopicsRequestedError(Exception):
    """Ends a command when it requires its topics."""

    def __init__(self, topics: Sequence[Topic]) -> None:
        super().__init__()
        self.names = {topic.name.removeprefix("migration.") for topic in topics}


@pytest.fixture(autouse=True)
def capture_topics(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_connection: KafkaConnection, topics: Sequence[Topic]) -> None:
        raise TopicsRequestedError(topics)

    monkeypatch.setattr(start, "ensure_topics", fail)
    monkeypatch.setattr(control, "ensure_topics", fail)


@pytest.mark.parametrize(
    ("file", "watch", "used"),
    [
        (None, False, {"requests"}),
        (Path("chats.xlsx"), False, {"requests", "uploads"}),
        (None, True, {"requests", "status", "requests.dlq"}),
        (Path("chats.xlsx"), True, {"requests", "uploads", "status", "requests.dlq"}),
    ],
)
async def test_start_requires_only_topics_it_uses(file: Path | None, watch: bool, used: set[str]) -> None:
    options = {"timeout_seconds": None, "max_attempts": None}
    request = start_request(EXCEL, request_id=None, requested_by=None, dataset="chats", options=options)
    with pytest.raises(TopicsRequestedError) as caught:
        await StartCommand(NOWHERE, request, file, choose_renderer(False)).run(InterruptHint(), watch, None)
    assert caught.value.names == used


@pytest.mark.parametrize("command", [cancel_request, retry_request])
async def test_job_command_does_not_require_uploads_topic(command: object) -> None:
    request = command("r-1")  # type: ignore[operator]
    with pytest.raises(TopicsRequestedError) as caught:
        await send_command(NOWHERE, request, choose_renderer(False), False, None, InterruptHint())
    assert caught.value.names == {"requests", "status", "requests.dlq"}
