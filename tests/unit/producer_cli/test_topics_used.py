"""A command asks for the topics it uses, and for no others: rights on the dead letters are for few."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from messaging.connection import KafkaConnection
from producer_cli import starting, steering
from producer_cli.requests import cancel_request, retry_request, start_request
from producer_cli.run import Afterword
from producer_cli.screens import choose
from producer_cli.starting import Start
from producer_cli.steering import steer
from schemas.topics import Topic

NOWHERE = KafkaConnection("127.0.0.1:1")
EXCEL = {"type": "excel", "file": {"path": "chats.xlsx"}}


class Asked(Exception):
    """Ends a command where it asks for its topics."""

    def __init__(self, topics: Sequence[Topic]) -> None:
        super().__init__()
        self.names = {topic.name.removeprefix("migration.") for topic in topics}


@pytest.fixture(autouse=True)
def asking(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask(_connection: KafkaConnection, topics: Sequence[Topic]) -> None:
        raise Asked(topics)

    monkeypatch.setattr(starting, "ensure_topics", ask)
    monkeypatch.setattr(steering, "ensure_topics", ask)


@pytest.mark.parametrize(
    ("file", "watch", "used"),
    [
        (None, False, {"requests"}),
        (Path("chats.xlsx"), False, {"requests", "uploads"}),
        (None, True, {"requests", "status", "requests.dlq"}),
        (Path("chats.xlsx"), True, {"requests", "uploads", "status", "requests.dlq"}),
    ],
)
async def test_a_start_asks_for_what_it_uses(file: Path | None, watch: bool, used: set[str]) -> None:
    options = {"timeout_seconds": None, "max_attempts": None}
    request = start_request(EXCEL, request_id=None, requested_by=None, dataset="chats", options=options)
    with pytest.raises(Asked) as caught:
        await Start(NOWHERE, request, file, choose(False)).work(Afterword(), watch, None)
    assert caught.value.names == used


@pytest.mark.parametrize("command", [cancel_request, retry_request])
async def test_a_command_to_a_job_asks_for_no_uploads(command: object) -> None:
    request = command("r-1")  # type: ignore[operator]
    with pytest.raises(Asked) as caught:
        await steer(NOWHERE, request, choose(False), False, None, Afterword())
    assert caught.value.names == {"requests", "status", "requests.dlq"}
