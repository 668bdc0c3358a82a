import json
import os
from pathlib import Path

import pytest

from messaging.download import fetch_file
from schemas.requests import REQUEST_ADAPTER, ExcelSource, StartRequest, UploadedFile
from tests.integration.producer_cli.fake_service import CliRunner, FakeService, new_request_id

DATABASE = ("start", "database", "admin_panel", "--request-id")


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    file = tmp_path / "Чаты.xlsx"
    file.write_bytes(os.urandom(1_500_000))
    return file


async def test_uploaded_file_is_complete_and_named_in_request(
    cli: CliRunner, fake_service: FakeService, workbook: Path, tmp_path: Path
) -> None:
    request_id = new_request_id()
    done = await cli.run("start", "excel", str(workbook), "--sheet", "Лист1", "--request-id", request_id)
    assert (done.exit_code, done.stdout_lines) == (0, [request_id])
    assert f"migration watch {request_id}" in done.stderr
    request = REQUEST_ADAPTER.validate_json((await fake_service.next_request(request_id)).value or b"")
    assert isinstance(request, StartRequest)
    assert isinstance(request.source, ExcelSource)
    assert isinstance(request.source.file, UploadedFile)
    assert (request.source.file.upload.name, request.source.sheet) == ("Чаты.xlsx", "Лист1")
    await fetch_file(fake_service.connection, request.source.file.upload, tmp_path / "fetched")
    assert (tmp_path / "fetched").read_bytes() == workbook.read_bytes()  # noqa: ASYNC240  # a test may wait


async def test_request_is_published_for_each_source_type(cli: CliRunner, fake_service: FakeService) -> None:
    sources = {
        ("excel", "--path", "2026/chats.xlsx"): {"type": "excel", "file": {"path": "2026/chats.xlsx"}},
        ("database", "admin_panel", "--table", "public.chats"): {
            "type": "database",
            "connection": "admin_panel",
            "table": "public.chats",
        },
        ("google-sheets", "https://docs.google.com/spreadsheets/d/1AbC/edit", "--worksheet", "Чаты"): {
            "type": "google_sheets",
            "spreadsheet_id": "1AbC",
            "worksheet": "Чаты",
            "credentials": "default",
        },
        ("google-sheets", "https://docs.google.com/spreadsheets/u/0/d/1AbC/edit?gid=7#gid=7"): {
            "type": "google_sheets",
            "spreadsheet_id": "https://docs.google.com/spreadsheets/d/1AbC/edit#gid=7",
            "credentials": "default",
        },
    }
    for arguments, source in sources.items():
        request_id = new_request_id()
        done = await cli.run("start", *arguments, "--request-id", request_id, "--requested-by", "ivanova")
        assert done.exit_code == 0
        body = json.loads((await fake_service.next_request(request_id)).value or b"")
        assert body == {
            "schema_version": 1,
            "action": "start",
            "request_id": request_id,
            "requested_by": "ivanova",
            "dataset": "chats",
            "source": source,
            "options": {},
        }


async def test_json_output_has_id_and_each_event_once(cli: CliRunner, fake_service: FakeService) -> None:
    request_id = new_request_id()
    running = await cli.start(*DATABASE, request_id, "--watch", "--json")
    assert json.loads(await running.read_line()) == {"request_id": request_id}
    await fake_service.next_request(request_id)
    published = [
        await fake_service.publish_status(request_id, "pending", 1),
        await fake_service.publish_status(request_id, "running", 2, total=10, processed=5),
    ]
    await fake_service.publish_status(request_id, "pending", 1)
    await fake_service.publish_status(new_request_id(), "failed", 9)
    published.append(await fake_service.publish_status(request_id, "completed", 3))
    done = await running.wait()
    assert done.exit_code == 0
    assert [json.loads(line) for line in done.stdout_lines[1:]] == [json.loads(event) for event in published]


async def test_piped_output_has_id_and_line_per_change(cli: CliRunner, fake_service: FakeService) -> None:
    request_id = new_request_id()
    running = await cli.start(*DATABASE, request_id, "--watch")
    await fake_service.next_request(request_id)
    await fake_service.publish_status(request_id, "running", 1, total=10, processed=5)
    await fake_service.publish_status(request_id, "completed", 2, total=10, processed=9, failed=1, inserted=9)
    done = await running.wait()
    assert done.stdout_lines[0] == request_id
    assert [line.split(" ", 1)[1] for line in done.stdout_lines[1:]] == [
        "running 50 % 5 / 10 rows",
        "completed 100 % 9 / 10 rows, failed 1, took 0:04",
    ]
    assert "inserted" in done.stderr
    assert f"migration errors {request_id}" in done.stderr


@pytest.mark.parametrize(("status", "code"), [("completed", 0), ("failed", 1), ("cancelled", 3)])
async def test_final_status_sets_exit_code(
    cli: CliRunner, fake_service: FakeService, status: str, code: int
) -> None:
    request_id = new_request_id()
    running = await cli.start(*DATABASE, request_id, "--watch")
    await fake_service.next_request(request_id)
    await fake_service.publish_status(request_id, status, 4)
    assert (await running.wait()).exit_code == code


async def test_repeated_request_shows_finished_job_at_once(cli: CliRunner, fake_service: FakeService) -> None:
    request_id = new_request_id()
    last = await fake_service.publish_status(request_id, "completed", 7)
    running = await cli.start(*DATABASE, request_id, "--watch", "--json")
    await fake_service.next_request(request_id)
    await fake_service.publish_status(request_id, "completed", 7, event_id=json.loads(last)["event_id"])
    done = await running.wait()
    assert done.exit_code == 0
    assert json.loads(done.stdout_lines[1])["event_id"] == json.loads(last)["event_id"]


async def test_dead_letter_ends_wait_with_its_reason(cli: CliRunner, fake_service: FakeService) -> None:
    request_id = new_request_id()
    running = await cli.start(*DATABASE, request_id, "--watch")
    request = await fake_service.next_request(request_id)
    await fake_service.publish_status(request_id, "running", 5)
    await fake_service.publish_dead_letter(
        request, "request_id_reused", "This id belongs to another request."
    )
    done = await running.wait()
    assert done.exit_code == 2
    assert "(request_id_reused): This id belongs to another request." in done.stderr


async def test_end_of_other_job_with_same_id_is_not_ours(cli: CliRunner, fake_service: FakeService) -> None:
    """A final event counts only after the service has read the new request."""
    request_id = new_request_id()
    running = await cli.start(*DATABASE, request_id, "--watch")
    request = await fake_service.next_unread_request(request_id)
    await fake_service.publish_status(request_id, "running", 5, total=10, processed=5)
    await running.read_line()
    assert "running" in await running.read_line()
    await fake_service.publish_status(request_id, "completed", 6)
    await running.read_stderr_until("the service has not read the new message yet")
    await fake_service.publish_dead_letter(
        request, "request_id_reused", "This id belongs to another request."
    )
    await fake_service.commit(request)
    done = await running.wait()
    assert done.exit_code == 2
    assert "(request_id_reused): This id belongs to another request." in done.stderr
    assert "completed" not in "".join(done.stdout_lines)


async def test_wait_for_unread_request_times_out(cli: CliRunner, fake_service: FakeService) -> None:
    request_id = new_request_id()
    running = await cli.start(*DATABASE, request_id, "--wait", "5")
    await fake_service.next_unread_request(request_id)
    await fake_service.publish_status(request_id, "completed", 6)
    done = await running.wait()
    assert done.exit_code == 4
    assert "The service has not read the message yet; it is kept safely in Kafka" in done.stderr
    assert "completed" not in "".join(done.stdout_lines)


async def test_generated_id_needs_no_committed_offset(cli: CliRunner, fake_service: FakeService) -> None:
    """The job ends although the consumer group has not committed the request."""
    running = await cli.start("start", "database", "admin_panel", "--watch")
    request_id = await running.read_line()
    await fake_service.next_unread_request(request_id)
    await fake_service.publish_status(request_id, "completed", 3)
    assert (await running.wait()).exit_code == 0


async def test_dead_letter_of_other_message_is_ignored(cli: CliRunner, fake_service: FakeService) -> None:
    """It has the same request id and another body."""
    request_id = new_request_id()
    running = await cli.start(*DATABASE, request_id, "--watch")
    request = await fake_service.next_request(request_id)
    other_message = type(request)(request.topic, 0, 0, 0, request.key, b'{"action": "cancel"}')
    await fake_service.publish_dead_letter(other_message, "command_refused", "No.")
    await fake_service.publish_status(request_id, "completed", 5)
    assert (await running.wait()).exit_code == 0


async def test_invalid_request_is_invalid_input(cli: CliRunner, fake_service: FakeService) -> None:
    request_id = new_request_id()
    running = await cli.start(*DATABASE, request_id, "--watch")
    await fake_service.next_request(request_id)
    error = {"code": "invalid_request", "message": "There is no such dataset."}
    await fake_service.publish_status(request_id, "failed", 0, job_id=None, error=error)
    done = await running.wait()
    assert done.exit_code == 2
    assert "invalid_request: There is no such dataset." in done.stderr


async def test_wait_times_out(cli: CliRunner, fake_service: FakeService) -> None:
    request_id = new_request_id()
    done = await cli.run(*DATABASE, request_id, "--wait", "0.5")
    assert done.exit_code == 4
    assert len(await fake_service.all_requests(request_id)) == 1


async def test_ctrl_c_does_not_cancel_job(cli: CliRunner, fake_service: FakeService) -> None:
    request_id = new_request_id()
    running = await cli.start(*DATABASE, request_id, "--watch")
    await running.read_line()
    await fake_service.next_request(request_id)
    await fake_service.publish_status(request_id, "running", 1)
    await running.read_line()
    running.interrupt()
    done = await running.wait()
    assert done.exit_code == 130
    assert done.stderr.strip() == f"The job goes on: migration watch {request_id}"
    assert len(await fake_service.all_requests(request_id)) == 1


async def test_closed_stdout_ends_watch_silently(cli: CliRunner, fake_service: FakeService) -> None:
    request_id = new_request_id()
    running = await cli.start(*DATABASE, request_id, "--watch")
    await running.read_line()
    await fake_service.next_request(request_id)
    running.close_stdout()
    for sequence in range(1, 4):
        await fake_service.publish_status(request_id, "running", sequence)
    await fake_service.publish_status(request_id, "completed", 4)
    done = await running.wait()
    assert done.exit_code == 141
    assert done.stderr == ""
