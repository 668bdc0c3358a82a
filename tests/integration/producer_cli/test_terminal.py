import os
import signal
from pathlib import Path

from tests.integration.producer_cli.fake_service import CliRunner, FakeService, new_request_id
from tests.integration.producer_cli.pseudo_terminal import PseudoTerminal


async def test_terminal_shows_upload_progress_and_counters(
    cli: CliRunner, fake_service: FakeService, tmp_path: Path
) -> None:
    request_id = new_request_id()
    (tmp_path / "chats.xlsx").write_bytes(os.urandom(3_000_000))
    start = ("start", "excel", "chats.xlsx", "--watch", "--request-id", request_id)
    async with PseudoTerminal.started(cli, *start) as terminal:
        await terminal.wait_for(f"Request {request_id}", "Uploaded chats.xlsx, 2.9 MB")
        await fake_service.next_request(request_id)
        await fake_service.publish_status(request_id, "pending", 1, detail="waiting for quota")
        await terminal.wait_for("waiting for quota")
        numbers = {"processed": 95_997, "failed": 3, "rows_per_second": 41_200.0, "eta_seconds": 90}
        await fake_service.publish_status(request_id, "running", 2, processed=12_000)
        await terminal.wait_for("12,000 rows")
        await fake_service.publish_status(request_id, "running", 3, total=155_000, attempt=2, **numbers)
        await terminal.wait_for("61 % 95,997 / 155,000 rows", "failed 3 · 41,200 rows/s · 1:", "attempt 2")
        await fake_service.publish_status(
            request_id, "completed", 4, total=10, processed=9, failed=1, warnings={"phone": 2}
        )
        await terminal.wait_for(
            "completed chats.xlsx", "rows rejected", "phone not understood", "rejected.csv"
        )
        assert await terminal.wait() == 0


async def test_ctrl_c_restores_terminal(cli: CliRunner, fake_service: FakeService) -> None:
    request_id = new_request_id()
    async with PseudoTerminal.started(cli, "watch", request_id) as terminal:
        await fake_service.publish_status(request_id, "running", 1, total=10, processed=5)
        await terminal.wait_for("50 % 5 / 10 rows")
        terminal.press_ctrl_c()
        await terminal.wait_for(f"The job goes on: migration watch {request_id}")
        assert await terminal.wait() == 130
        assert "Traceback" not in terminal.text
        assert terminal.cursor_is_shown


async def test_closed_terminal_ends_watch_but_not_job(cli: CliRunner, fake_service: FakeService) -> None:
    request_id = new_request_id()
    start = ("start", "database", "admin_panel", "--watch", "--request-id", request_id)
    async with PseudoTerminal.started(cli, *start) as terminal:
        await fake_service.next_request(request_id)
        await fake_service.publish_status(request_id, "running", 1, total=10, processed=5)
        await terminal.wait_for("50 % 5 / 10 rows")
        terminal.close()
        assert await terminal.wait() == -signal.SIGHUP
    assert [request["action"] for request in await fake_service.all_requests(request_id)] == ["start"]


async def test_jobs_table_does_not_truncate_ids(cli: CliRunner, fake_service: FakeService) -> None:
    request_id = new_request_id()
    name = "a very long name of a workbook.xlsx"
    await fake_service.publish_status(
        request_id, "failed", 2, source_identifier=name, occurred_at="2126-10-02T10:00:00Z"
    )
    async with PseudoTerminal.started(cli, "status") as terminal:
        await terminal.wait_for(request_id, "a very")
        assert await terminal.wait() == 0
    lines = [line.rstrip() for line in terminal.text.splitlines()]
    assert lines[0].split() == ["request", "status", "ago", "source"]
    assert max(map(len, lines)) <= 80
