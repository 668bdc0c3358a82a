import os
import signal
from pathlib import Path

from tests.integration.producer_cli.playing import Cli, Service, new_id
from tests.integration.producer_cli.terminal import Terminal


async def test_a_person_sees_the_upload_the_bar_and_the_counters(
    cli: Cli, service: Service, tmp_path: Path
) -> None:
    request_id = new_id()
    (tmp_path / "chats.xlsx").write_bytes(os.urandom(3_000_000))
    start = ("start", "excel", "chats.xlsx", "--watch", "--request-id", request_id)
    async with Terminal.running(cli, *start) as terminal:
        await terminal.shows(f"Request {request_id}", "Uploaded chats.xlsx, 2.9 MB")
        await service.request(request_id)
        await service.say(request_id, "pending", 1, detail="waiting for quota")
        await terminal.shows("waiting for quota")
        numbers = {"processed": 95_997, "failed": 3, "rows_per_second": 41_200.0, "eta_seconds": 90}
        await service.say(request_id, "running", 2, processed=12_000)
        await terminal.shows("12,000 rows")
        await service.say(request_id, "running", 3, total=155_000, attempt=2, **numbers)
        await terminal.shows("61 % 95,997 / 155,000 rows", "failed 3 · 41,200 rows/s · 1:", "attempt 2")
        await service.say(request_id, "completed", 4, total=10, processed=9, failed=1, warnings={"phone": 2})
        await terminal.shows("completed chats.xlsx", "rows rejected", "phone not understood", "rejected.csv")
        assert await terminal.ended() == 0


async def test_ctrl_c_leaves_the_terminal_as_it_was(cli: Cli, service: Service) -> None:
    request_id = new_id()
    async with Terminal.running(cli, "watch", request_id) as terminal:
        await service.say(request_id, "running", 1, total=10, processed=5)
        await terminal.shows("50 % 5 / 10 rows")
        terminal.press_ctrl_c()
        await terminal.shows(f"The job goes on: migration watch {request_id}")
        assert await terminal.ended() == 130
        assert "Traceback" not in terminal.text
        assert terminal.cursor_is_shown


async def test_closing_the_terminal_ends_the_watching_and_nothing_else(cli: Cli, service: Service) -> None:
    request_id = new_id()
    start = ("start", "database", "admin_panel", "--watch", "--request-id", request_id)
    async with Terminal.running(cli, *start) as terminal:
        await service.request(request_id)
        await service.say(request_id, "running", 1, total=10, processed=5)
        await terminal.shows("50 % 5 / 10 rows")
        terminal.close()
        assert await terminal.ended() == -signal.SIGHUP
    assert [request["action"] for request in await service.all_requests(request_id)] == ["start"]


async def test_the_table_of_all_jobs_keeps_the_ids_whole(cli: Cli, service: Service) -> None:
    request_id = new_id()
    name = "a very long name of a workbook.xlsx"
    await service.say(request_id, "failed", 2, source_identifier=name, occurred_at="2126-10-02T10:00:00Z")
    async with Terminal.running(cli, "status") as terminal:
        await terminal.shows(request_id, "a very")
        assert await terminal.ended() == 0
    lines = [line.rstrip() for line in terminal.text.splitlines()]
    assert lines[0].split() == ["request", "status", "ago", "source"]
    assert max(map(len, lines)) <= 80
