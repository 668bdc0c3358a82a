import json
import uuid
from itertools import pairwise

from messaging.records import ProducerRecord
from schemas.topics import STATUS
from tests.integration.producer_cli.fake_service import CliRunner, FakeService, new_request_id
from tests.support.status_event_factories import make_event


async def test_watch_shows_finished_job_at_once(cli: CliRunner, fake_service: FakeService) -> None:
    request_id = new_request_id()
    await fake_service.publish_status(request_id, "running", 1)
    await fake_service.publish_status(request_id, "failed", 2)
    await fake_service.publish_status(request_id, "running", 1)
    done = await cli.run("watch", request_id)
    assert done.exit_code == 1
    assert len(done.stdout_lines) == 1
    assert "failed workbook_damaged" in done.stdout_lines[0]
    assert f"migration retry {request_id} --watch" in done.stderr


async def test_watch_shows_running_job_and_each_change(cli: CliRunner, fake_service: FakeService) -> None:
    request_id = new_request_id()
    await fake_service.publish_status(request_id, "running", 1, total=10, processed=1)
    await fake_service.publish_status(request_id, "running", 2, total=10, processed=2)
    running = await cli.start("watch", request_id, "--json")
    assert json.loads(await running.read_line())["sequence"] == 2
    await fake_service.publish_status(request_id, "completed", 3)
    done = await running.wait()
    assert (done.exit_code, len(done.stdout_lines)) == (0, 2)


async def test_watch_waits_for_first_event(cli: CliRunner, fake_service: FakeService) -> None:
    request_id = new_request_id()
    running = await cli.start("watch", request_id)
    await running.read_stderr_until("Nothing is known of this request yet")
    await fake_service.publish_status(request_id, "completed", 3)
    assert (await running.wait()).exit_code == 0


async def test_retry_waits_for_next_run(cli: CliRunner, fake_service: FakeService) -> None:
    request_id = new_request_id()
    await fake_service.publish_status(request_id, "failed", 5)
    running = await cli.start("retry", request_id, "--watch")
    assert json.loads((await fake_service.next_request(request_id)).value or b"")["action"] == "retry"
    await fake_service.publish_status(request_id, "failed", 5)
    await fake_service.publish_status(request_id, "pending", 6, run=2)
    await fake_service.publish_status(request_id, "completed", 7, run=2)
    done = await running.wait()
    assert done.exit_code == 0
    assert [line.split()[1] for line in done.stdout_lines] == ["pending", "completed"]


async def test_rejected_retry_prints_reason(cli: CliRunner, fake_service: FakeService) -> None:
    for watch in ((), ("--watch",)):
        request_id = new_request_id()
        await fake_service.publish_status(request_id, "completed", 5)
        running = await cli.start("retry", request_id, *watch)
        request = await fake_service.next_request(request_id)
        await fake_service.publish_status(request_id, "completed", 5)
        await fake_service.publish_dead_letter(
            request, "command_refused", "A completed job cannot be retried."
        )
        done = await running.wait()
        assert done.exit_code == 2
        assert "A completed job cannot be retried." in done.stderr


async def test_event_before_command_is_read_is_not_its_result(
    cli: CliRunner, fake_service: FakeService
) -> None:
    """Another client changed the job; the service then rejects our command."""
    for command, before, after, run in (
        ("retry", "failed", "pending", 2),
        ("cancel", "running", "completed", 1),
    ):
        request_id = new_request_id()
        await fake_service.publish_status(request_id, before, 5)
        running = await cli.start(command, request_id)
        request = await fake_service.next_unread_request(request_id)
        await fake_service.publish_status(request_id, after, 6, run=run)
        await fake_service.publish_dead_letter(request, "command_refused", "Another was there before.")
        await fake_service.commit(request)
        done = await running.wait()
        assert done.exit_code == 2
        assert "Another was there before." in done.stderr
        assert done.stdout_lines == []


async def test_retry_without_watch_ends_when_run_is_pending(
    cli: CliRunner, fake_service: FakeService
) -> None:
    request_id = new_request_id()
    await fake_service.publish_status(request_id, "cancelled", 5)
    running = await cli.start("retry", request_id)
    await fake_service.next_request(request_id)
    await fake_service.publish_status(request_id, "pending", 6, run=2)
    done = await running.wait()
    assert done.exit_code == 0
    assert [line.split()[1] for line in done.stdout_lines] == ["pending"]


async def test_cancel_ends_when_job_is_cancelled(cli: CliRunner, fake_service: FakeService) -> None:
    for watch, code in (((), 0), (("--watch",), 3)):
        request_id = new_request_id()
        await fake_service.publish_status(request_id, "running", 5)
        running = await cli.start("cancel", request_id, *watch)
        assert json.loads((await fake_service.next_request(request_id)).value or b"")["action"] == "cancel"
        await fake_service.publish_status(request_id, "running", 6)
        await fake_service.publish_status(request_id, "cancelled", 7)
        done = await running.wait()
        assert done.exit_code == code
        assert done.stdout_lines[-1].split()[1] == "cancelled"


async def test_finished_job_cannot_be_cancelled(cli: CliRunner, fake_service: FakeService) -> None:
    request_id = new_request_id()
    await fake_service.publish_status(request_id, "completed", 5)
    running = await cli.start("cancel", request_id, "--watch")
    request = await fake_service.next_request(request_id)
    await fake_service.publish_status(request_id, "completed", 5)
    await fake_service.publish_dead_letter(request, "command_refused", "It has ended.")
    done = await running.wait()
    assert done.exit_code == 2
    assert done.stderr == "There is nothing to cancel: the job has completed already.\n"


async def test_unanswered_command_stays_in_kafka(cli: CliRunner, fake_service: FakeService) -> None:
    request_id = new_request_id()
    done = await cli.run("cancel", request_id)
    assert done.exit_code == 0
    assert "kept safely in Kafka" in done.stderr
    assert len(await fake_service.all_requests(request_id)) == 1


async def test_status_lists_latest_event_per_job_newest_first(
    cli: CliRunner, fake_service: FakeService
) -> None:
    older, newer = new_request_id(), new_request_id()
    await fake_service.publish(ProducerRecord(STATUS.name, b"stranger", b"no json"))
    await fake_service.publish_status(older, "running", 1, occurred_at="2126-10-01T10:00:00Z")
    await fake_service.publish_status(
        newer, "completed", 2, occurred_at="2126-10-01T11:00:00Z", source_identifier="a\tb.xlsx"
    )
    await fake_service.publish_status(newer, "running", 1, occurred_at="2126-10-01T09:00:00Z")
    done = await cli.run("status")
    assert done.exit_code == 0
    ours = [line.split("\t") for line in done.stdout_lines if line.split("\t")[0] in {older, newer}]
    assert ours[0] == [newer, "completed", "1000", "1000", "0", "excel", "a b.xlsx", "2126-10-01T11:00:00Z"]
    assert ours[1][:4] == [older, "running", "0", ""]
    events = [json.loads(line) for line in (await cli.run("status", "--json")).stdout_lines]
    assert [event["sequence"] for event in events if event["request_id"] in {older, newer}] == [2, 1]


async def test_status_lists_last_published_jobs_or_all(cli: CliRunner, fake_service: FakeService) -> None:
    """More jobs than one window of the topic holds; they occurred long before they were published."""
    prefix = new_request_id()
    ids = [f"{prefix}-{number:04}" for number in range(2_400)]
    values = [make_event(request_id=name, event_id=uuid.uuid4(), total=1).model_dump_json() for name in ids]
    for start, end in pairwise((*range(0, 2_340, 585), 2_340, 2_400)):
        pairs = zip(ids[start:end], values[start:end], strict=True)
        await fake_service.publish(
            *(ProducerRecord(STATUS.name, name.encode(), value.encode()) for name, value in pairs)
        )
    done = await cli.run("status")
    ours = [line.split("\t")[0] for line in done.stdout_lines if line.startswith(prefix)]
    assert len(done.stdout_lines) == 50
    assert len(ours) == 50
    assert set(ours) <= set(ids[2_340:])
    assert done.stderr == "The 50 jobs whose status was published last; all of them: --all.\n"
    every = await cli.run("status", "--all", "--json")
    found = [json.loads(line)["request_id"] for line in every.stdout_lines]
    assert len(found) == len(set(found))
    assert sorted(name for name in found if name.startswith(prefix)) == ids
    assert every.stderr == ""
    assert (await cli.run("status", "--all", ids[0])).exit_code == 2


async def test_status_of_one_job_shows_details(cli: CliRunner, fake_service: FakeService) -> None:
    request_id = new_request_id()
    last = await fake_service.publish_status(request_id, "completed", 2, warnings={"phone": 3})
    done = await cli.run("status", request_id)
    assert done.exit_code == 0
    text = "\n".join(done.stdout_lines)
    for part in ("completed chats.xlsx", "run", "1, attempt 1", "phone not understood"):
        assert part in text
    as_json = await cli.run("status", request_id, "--json")
    assert [json.loads(line) for line in as_json.stdout_lines] == [json.loads(last)]


async def test_unknown_request_is_invalid_input(cli: CliRunner, fake_service: FakeService) -> None:
    done = await cli.run("status", "never-asked-for")
    assert done.exit_code == 2
    assert done.stderr.startswith("Nothing is known of request never-asked-for")
