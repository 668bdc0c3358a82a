import json
import os
from pathlib import Path

import pytest

from messaging.uploads import fetch_file
from schemas.requests import REQUEST, ExcelSource, StartRequest, UploadedFile
from tests.integration.producer_cli.playing import Cli, Service, new_id

DATABASE = ("start", "database", "admin_panel", "--request-id")


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    file = tmp_path / "Чаты.xlsx"
    file.write_bytes(os.urandom(1_500_000))
    return file


async def test_a_file_arrives_whole_and_the_request_names_it(
    cli: Cli, service: Service, workbook: Path, tmp_path: Path
) -> None:
    request_id = new_id()
    done = await cli.run("start", "excel", str(workbook), "--sheet", "Лист1", "--request-id", request_id)
    assert (done.code, done.lines) == (0, [request_id])
    assert f"migration watch {request_id}" in done.words
    request = REQUEST.validate_json((await service.request(request_id)).value or b"")
    assert isinstance(request, StartRequest)
    assert isinstance(request.source, ExcelSource)
    assert isinstance(request.source.file, UploadedFile)
    assert (request.source.file.upload.name, request.source.sheet) == ("Чаты.xlsx", "Лист1")
    await fetch_file(service.connection, request.source.file.upload, tmp_path / "fetched")
    assert (tmp_path / "fetched").read_bytes() == workbook.read_bytes()  # noqa: ASYNC240  # a test may wait


async def test_every_kind_of_source_can_be_asked_for(cli: Cli, service: Service) -> None:
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
        request_id = new_id()
        done = await cli.run("start", *arguments, "--request-id", request_id, "--requested-by", "ivanova")
        assert done.code == 0
        body = json.loads((await service.request(request_id)).value or b"")
        assert body == {
            "schema_version": 1,
            "action": "start",
            "request_id": request_id,
            "requested_by": "ivanova",
            "dataset": "chats",
            "source": source,
            "options": {},
        }


async def test_a_program_gets_the_id_and_each_event_once(cli: Cli, service: Service) -> None:
    request_id = new_id()
    running = await cli.start(*DATABASE, request_id, "--watch", "--json")
    assert json.loads(await running.line()) == {"request_id": request_id}
    await service.request(request_id)
    said = [
        await service.say(request_id, "pending", 1),
        await service.say(request_id, "running", 2, total=10, processed=5),
    ]
    await service.say(request_id, "pending", 1)
    await service.say(new_id(), "failed", 9)
    said.append(await service.say(request_id, "completed", 3))
    done = await running.finished()
    assert done.code == 0
    assert [json.loads(line) for line in done.lines[1:]] == [json.loads(event) for event in said]


async def test_a_pipe_gets_the_id_and_a_line_for_each_change(cli: Cli, service: Service) -> None:
    request_id = new_id()
    running = await cli.start(*DATABASE, request_id, "--watch")
    await service.request(request_id)
    await service.say(request_id, "running", 1, total=10, processed=5)
    await service.say(request_id, "completed", 2, total=10, processed=9, failed=1, inserted=9)
    done = await running.finished()
    assert done.lines[0] == request_id
    assert [line.split(" ", 1)[1] for line in done.lines[1:]] == [
        "running 50 % 5 / 10 rows",
        "completed 100 % 9 / 10 rows, failed 1, took 0:04",
    ]
    assert "inserted" in done.words
    assert f"migration errors {request_id}" in done.words


@pytest.mark.parametrize(("status", "code"), [("completed", 0), ("failed", 1), ("cancelled", 3)])
async def test_the_end_of_the_job_is_the_exit_code(
    cli: Cli, service: Service, status: str, code: int
) -> None:
    request_id = new_id()
    running = await cli.start(*DATABASE, request_id, "--watch")
    await service.request(request_id)
    await service.say(request_id, status, 4)
    assert (await running.finished()).code == code


async def test_the_same_request_again_shows_the_finished_job_at_once(cli: Cli, service: Service) -> None:
    request_id = new_id()
    last = await service.say(request_id, "completed", 7)
    running = await cli.start(*DATABASE, request_id, "--watch", "--json")
    await service.request(request_id)
    await service.say(request_id, "completed", 7, event_id=json.loads(last)["event_id"])
    done = await running.finished()
    assert done.code == 0
    assert json.loads(done.lines[1])["event_id"] == json.loads(last)["event_id"]


async def test_a_dead_letter_ends_the_waiting_with_its_reason(cli: Cli, service: Service) -> None:
    request_id = new_id()
    running = await cli.start(*DATABASE, request_id, "--watch")
    request = await service.request(request_id)
    await service.say(request_id, "running", 5)
    await service.refuse(request, "request_id_reused", "This id belongs to another request.")
    done = await running.finished()
    assert done.code == 2
    assert "(request_id_reused): This id belongs to another request." in done.words


async def test_the_end_of_another_with_the_same_id_is_not_taken_for_ours(cli: Cli, service: Service) -> None:
    request_id = new_id()
    running = await cli.start(*DATABASE, request_id, "--watch")
    request = await service.unread(request_id)
    await service.say(request_id, "running", 5, total=10, processed=5)
    await running.line()
    assert "running" in await running.line()
    await service.say(request_id, "completed", 6)
    await running.words_with("the service has not read yet what was just sent")
    await service.refuse(request, "request_id_reused", "This id belongs to another request.")
    await service.commit(request)
    done = await running.finished()
    assert done.code == 2
    assert "(request_id_reused): This id belongs to another request." in done.words
    assert "completed" not in "".join(done.lines)


async def test_the_waiting_for_our_request_to_be_read_is_bounded_too(cli: Cli, service: Service) -> None:
    request_id = new_id()
    running = await cli.start(*DATABASE, request_id, "--wait", "5")
    await service.unread(request_id)
    await service.say(request_id, "completed", 6)
    done = await running.finished()
    assert done.code == 4
    assert "The service has not read what was sent; it is kept safely in Kafka" in done.words
    assert "completed" not in "".join(done.lines)


async def test_an_id_made_for_the_request_needs_no_look_at_the_group(cli: Cli, service: Service) -> None:
    running = await cli.start("start", "database", "admin_panel", "--watch")
    request_id = await running.line()
    await service.unread(request_id)
    await service.say(request_id, "completed", 3)
    assert (await running.finished()).code == 0


async def test_the_dead_letter_of_another_with_the_same_id_is_not_ours(cli: Cli, service: Service) -> None:
    request_id = new_id()
    running = await cli.start(*DATABASE, request_id, "--watch")
    request = await service.request(request_id)
    stranger = type(request)(request.topic, 0, 0, 0, request.key, b'{"action": "cancel"}')
    await service.refuse(stranger, "command_refused", "No.")
    await service.say(request_id, "completed", 5)
    assert (await running.finished()).code == 0


async def test_a_request_that_is_not_valid_is_wrong_input(cli: Cli, service: Service) -> None:
    request_id = new_id()
    running = await cli.start(*DATABASE, request_id, "--watch")
    await service.request(request_id)
    error = {"code": "invalid_request", "message": "There is no such dataset."}
    await service.say(request_id, "failed", 0, job_id=None, error=error)
    done = await running.finished()
    assert done.code == 2
    assert "invalid_request: There is no such dataset." in done.words


async def test_waiting_ends_when_it_was_asked_to(cli: Cli, service: Service) -> None:
    request_id = new_id()
    done = await cli.run(*DATABASE, request_id, "--wait", "0.5")
    assert done.code == 4
    assert len(await service.all_requests(request_id)) == 1


async def test_ctrl_c_leaves_the_job_alone(cli: Cli, service: Service) -> None:
    request_id = new_id()
    running = await cli.start(*DATABASE, request_id, "--watch")
    await running.line()
    await service.request(request_id)
    await service.say(request_id, "running", 1)
    await running.line()
    running.interrupt()
    done = await running.finished()
    assert done.code == 130
    assert done.words.strip() == f"The job goes on: migration watch {request_id}"
    assert len(await service.all_requests(request_id)) == 1


async def test_who_reads_only_the_first_line_is_no_trouble(cli: Cli, service: Service) -> None:
    request_id = new_id()
    running = await cli.start(*DATABASE, request_id, "--watch")
    await running.line()
    await service.request(request_id)
    running.stop_reading()
    for sequence in range(1, 4):
        await service.say(request_id, "running", sequence)
    await service.say(request_id, "completed", 4)
    done = await running.finished()
    assert done.code == 141
    assert done.words == ""
