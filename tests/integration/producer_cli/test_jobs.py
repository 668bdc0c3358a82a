import json
import uuid
from itertools import pairwise

from messaging.records import Outgoing
from schemas.topics import STATUS
from tests.integration.producer_cli.playing import Cli, Service, new_id
from tests.unit.producer_cli.making import make_event


async def test_watching_a_finished_job_shows_it_at_once(cli: Cli, service: Service) -> None:
    request_id = new_id()
    await service.say(request_id, "running", 1)
    await service.say(request_id, "failed", 2)
    await service.say(request_id, "running", 1)
    done = await cli.run("watch", request_id)
    assert done.code == 1
    assert len(done.lines) == 1
    assert "failed workbook_damaged" in done.lines[0]
    assert f"migration retry {request_id} --watch" in done.words


async def test_watching_a_running_job_shows_where_it_is_and_each_change(cli: Cli, service: Service) -> None:
    request_id = new_id()
    await service.say(request_id, "running", 1, total=10, processed=1)
    await service.say(request_id, "running", 2, total=10, processed=2)
    running = await cli.start("watch", request_id, "--json")
    assert json.loads(await running.line())["sequence"] == 2
    await service.say(request_id, "completed", 3)
    done = await running.finished()
    assert (done.code, len(done.lines)) == (0, 2)


async def test_watching_before_anything_is_known_waits(cli: Cli, service: Service) -> None:
    request_id = new_id()
    running = await cli.start("watch", request_id)
    await running.words_with("Nothing is known of this request yet")
    await service.say(request_id, "completed", 3)
    assert (await running.finished()).code == 0


async def test_a_retry_waits_for_the_next_run(cli: Cli, service: Service) -> None:
    request_id = new_id()
    await service.say(request_id, "failed", 5)
    running = await cli.start("retry", request_id, "--watch")
    assert json.loads((await service.request(request_id)).value or b"")["action"] == "retry"
    await service.say(request_id, "failed", 5)
    await service.say(request_id, "pending", 6, run=2)
    await service.say(request_id, "completed", 7, run=2)
    done = await running.finished()
    assert done.code == 0
    assert [line.split()[1] for line in done.lines] == ["pending", "completed"]


async def test_a_retry_that_is_refused_says_why(cli: Cli, service: Service) -> None:
    for watch in ((), ("--watch",)):
        request_id = new_id()
        await service.say(request_id, "completed", 5)
        running = await cli.start("retry", request_id, *watch)
        request = await service.request(request_id)
        await service.say(request_id, "completed", 5)
        await service.refuse(request, "command_refused", "A completed job cannot be retried.")
        done = await running.finished()
        assert done.code == 2
        assert "A completed job cannot be retried." in done.words


async def test_what_another_has_brought_about_is_not_taken_for_the_answer(cli: Cli, service: Service) -> None:
    for command, before, after, run in (
        ("retry", "failed", "pending", 2),
        ("cancel", "running", "completed", 1),
    ):
        request_id = new_id()
        await service.say(request_id, before, 5)
        running = await cli.start(command, request_id)
        request = await service.unread(request_id)
        await service.say(request_id, after, 6, run=run)
        await service.refuse(request, "command_refused", "Another was there before.")
        await service.commit(request)
        done = await running.finished()
        assert done.code == 2
        assert "Another was there before." in done.words
        assert done.lines == []


async def test_a_retry_without_watching_tells_that_it_began(cli: Cli, service: Service) -> None:
    request_id = new_id()
    await service.say(request_id, "cancelled", 5)
    running = await cli.start("retry", request_id)
    await service.request(request_id)
    await service.say(request_id, "pending", 6, run=2)
    done = await running.finished()
    assert done.code == 0
    assert [line.split()[1] for line in done.lines] == ["pending"]


async def test_a_cancelled_job_is_told(cli: Cli, service: Service) -> None:
    for watch, code in (((), 0), (("--watch",), 3)):
        request_id = new_id()
        await service.say(request_id, "running", 5)
        running = await cli.start("cancel", request_id, *watch)
        assert json.loads((await service.request(request_id)).value or b"")["action"] == "cancel"
        await service.say(request_id, "running", 6)
        await service.say(request_id, "cancelled", 7)
        done = await running.finished()
        assert done.code == code
        assert done.lines[-1].split()[1] == "cancelled"


async def test_a_job_that_has_ended_cannot_be_cancelled(cli: Cli, service: Service) -> None:
    request_id = new_id()
    await service.say(request_id, "completed", 5)
    running = await cli.start("cancel", request_id, "--watch")
    request = await service.request(request_id)
    await service.say(request_id, "completed", 5)
    await service.refuse(request, "command_refused", "It has ended.")
    done = await running.finished()
    assert done.code == 2
    assert done.words == "There is nothing to cancel: the job has completed already.\n"


async def test_a_command_nobody_answers_is_kept(cli: Cli, service: Service) -> None:
    request_id = new_id()
    done = await cli.run("cancel", request_id)
    assert done.code == 0
    assert "kept safely in Kafka" in done.words
    assert len(await service.all_requests(request_id)) == 1


async def test_the_status_of_all_is_the_latest_of_each_newest_first(cli: Cli, service: Service) -> None:
    older, newer = new_id(), new_id()
    await service.publish(Outgoing(STATUS.name, b"stranger", b"no json"))
    await service.say(older, "running", 1, occurred_at="2126-10-01T10:00:00Z")
    await service.say(
        newer, "completed", 2, occurred_at="2126-10-01T11:00:00Z", source_identifier="a\tb.xlsx"
    )
    await service.say(newer, "running", 1, occurred_at="2126-10-01T09:00:00Z")
    done = await cli.run("status")
    assert done.code == 0
    ours = [line.split("\t") for line in done.lines if line.split("\t")[0] in {older, newer}]
    assert ours[0] == [newer, "completed", "1000", "1000", "0", "excel", "a b.xlsx", "2126-10-01T11:00:00Z"]
    assert ours[1][:4] == [older, "running", "0", ""]
    events = [json.loads(line) for line in (await cli.run("status", "--json")).lines]
    assert [event["sequence"] for event in events if event["request_id"] in {older, newer}] == [2, 1]


async def test_the_status_shows_those_published_last_and_all_of_them_where_asked(
    cli: Cli, service: Service
) -> None:
    """More jobs than one window of the topic holds; they occurred long before they were published."""
    prefix = new_id()
    ids = [f"{prefix}-{number:04}" for number in range(2_400)]
    values = [make_event(request_id=name, event_id=uuid.uuid4(), total=1).model_dump_json() for name in ids]
    for start, end in pairwise((*range(0, 2_340, 585), 2_340, 2_400)):
        pairs = zip(ids[start:end], values[start:end], strict=True)
        await service.publish(
            *(Outgoing(STATUS.name, name.encode(), value.encode()) for name, value in pairs)
        )
    done = await cli.run("status")
    ours = [line.split("\t")[0] for line in done.lines if line.startswith(prefix)]
    assert len(done.lines) == 50
    assert len(ours) == 50
    assert set(ours) <= set(ids[2_340:])
    assert done.words == "The 50 jobs whose status was published last; all of them: --all.\n"
    every = await cli.run("status", "--all", "--json")
    found = [json.loads(line)["request_id"] for line in every.lines]
    assert len(found) == len(set(found))
    assert sorted(name for name in found if name.startswith(prefix)) == ids
    assert every.words == ""
    assert (await cli.run("status", "--all", ids[0])).code == 2


async def test_the_status_of_one_tells_all_that_is_known(cli: Cli, service: Service) -> None:
    request_id = new_id()
    last = await service.say(request_id, "completed", 2, warnings={"phone": 3})
    done = await cli.run("status", request_id)
    assert done.code == 0
    text = "\n".join(done.lines)
    for part in ("completed chats.xlsx", "run", "1, attempt 1", "phone not understood"):
        assert part in text
    as_json = await cli.run("status", request_id, "--json")
    assert [json.loads(line) for line in as_json.lines] == [json.loads(last)]


async def test_an_unknown_request_is_wrong_input(cli: Cli, service: Service) -> None:
    done = await cli.run("status", "never-asked-for")
    assert done.code == 2
    assert done.words.startswith("Nothing is known of request never-asked-for")
