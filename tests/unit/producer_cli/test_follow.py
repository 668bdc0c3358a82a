from collections.abc import Awaitable, Callable

from producer_cli.events import Fold
from producer_cli.follow import News, Passed, Reached, Refusal, TimedOut, Watcher, follow
from tests.unit.producer_cli.making import make_sighting

Came = News | None


class Clock:
    """Time goes on only while somebody waits."""

    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> float:
        return self.time


def script(clock: Clock, *steps: tuple[float, Came]) -> Callable[[float], Awaitable[Came]]:
    """What comes, and after how many seconds; nothing more after the last."""
    left = list(steps)

    async def following(seconds: float) -> Came:
        after = left[0][0] if left else float("inf")
        if after > seconds:
            clock.time += seconds
            if left:
                left[0] = (after - seconds, left[0][1])
            return None
        clock.time += after
        return left.pop(0)[1]

    return following


class Heard:
    def __init__(self) -> None:
        self.shown: list[int] = []
        self.silences: list[float] = []
        self.unread: list[float] = []

    def watcher(self, clock: Clock) -> Watcher:
        return Watcher(
            lambda sighting: self.shown.append(sighting.event.sequence),
            lambda: self.silences.append(clock.now() - 100),
            lambda: self.unread.append(clock.now() - 100),
        )


async def test_news_is_shown_until_the_end() -> None:
    clock, heard = Clock(), Heard()
    steps = script(
        clock,
        (1, make_sighting("pending", 1)),
        (1, make_sighting("running", 2)),
        (1, make_sighting("pending", 1)),
        (1, make_sighting("completed", 3)),
    )
    outcome = await follow(steps, Fold(), heard.watcher(clock), now=clock.now)
    assert isinstance(outcome, Reached)
    assert heard.shown == [1, 2, 3]
    assert heard.silences == []


async def test_silence_is_told_once_and_the_waiting_goes_on() -> None:
    clock, heard = Clock(), Heard()
    steps = script(clock, (100, make_sighting("completed", 1)))
    outcome = await follow(steps, Fold(), heard.watcher(clock), now=clock.now)
    assert isinstance(outcome, Reached)
    assert heard.silences == [15]


async def test_news_ends_the_watch_for_silence() -> None:
    clock, heard = Clock(), Heard()
    steps = script(clock, (14, make_sighting("pending", 1)), (500, make_sighting("failed", 2)))
    await follow(steps, Fold(), heard.watcher(clock), now=clock.now)
    assert heard.silences == []


async def test_what_is_no_news_does_not_count_as_an_answer() -> None:
    clock, heard = Clock(), Heard()
    steps = script(clock, (10, make_sighting("failed", 4)), (10, make_sighting("pending", 5, run=2)))
    fold = Fold.for_next_run(make_sighting("failed", 4))
    outcome = await follow(steps, fold, heard.watcher(clock), limit=30, now=clock.now)
    assert outcome == TimedOut(30)
    assert heard.silences == [15]


async def test_a_refusal_ends_the_watch() -> None:
    clock = Clock()
    refusal = Refusal("request_id_reused", "This id belongs to another request.")
    steps = script(clock, (1, make_sighting("running", 5)), (1, refusal))
    assert await follow(steps, Fold(), Heard().watcher(clock), now=clock.now) == refusal


async def test_waiting_ends_in_time_though_events_keep_coming() -> None:
    clock = Clock()
    steps = script(clock, *((1, make_sighting("running", number)) for number in range(1, 100)))
    outcome = await follow(steps, Fold(), Heard().watcher(clock), limit=10, now=clock.now)
    assert outcome == TimedOut(10)
    assert clock.now() == 110


async def test_a_job_that_ended_before_is_told_at_once() -> None:
    clock = Clock()
    fold = Fold()
    fold.take(make_sighting("completed", 8))
    assert isinstance(await follow(script(clock), fold, Heard().watcher(clock), now=clock.now), Reached)


async def test_an_end_is_believed_and_shown_once_our_message_was_read() -> None:
    clock, heard = Clock(), Heard()
    end = make_sighting("completed", 2)
    steps = script(clock, (1, make_sighting("running", 1)), (1, end), (4, Passed()))
    outcome = await follow(steps, Fold(), heard.watcher(clock), published=True, now=clock.now)
    assert outcome == Reached(end)
    assert clock.now() == 106
    assert heard.shown == [1, 2]
    assert heard.unread == []


async def test_an_end_after_our_message_was_read_is_believed_at_once() -> None:
    clock, heard = Clock(), Heard()
    steps = script(clock, (1, Passed("it is hidden")), (1, make_sighting("completed", 2)))
    outcome = await follow(steps, Fold(), heard.watcher(clock), published=True, now=clock.now)
    assert isinstance(outcome, Reached)
    assert outcome.doubt == "it is hidden"
    assert heard.shown == [2]


async def test_a_refusal_wins_over_an_end_that_came_before_it() -> None:
    clock, heard = Clock(), Heard()
    refusal = Refusal("request_id_reused", "This id belongs to another request.")
    steps = script(clock, (1, make_sighting("completed", 2)), (1, refusal), (1, Passed()))
    assert await follow(steps, Fold(), heard.watcher(clock), published=True, now=clock.now) == refusal
    assert heard.shown == []


async def test_that_our_message_is_not_read_is_told_once_and_the_waiting_goes_on() -> None:
    clock, heard = Clock(), Heard()
    steps = script(clock, (10, make_sighting("completed", 2)), (100, Passed()))
    outcome = await follow(steps, Fold(), heard.watcher(clock), published=True, now=clock.now)
    assert isinstance(outcome, Reached)
    assert heard.unread == [25]
    assert heard.silences == []


async def test_waiting_for_our_message_to_be_read_ends_in_time() -> None:
    clock, heard = Clock(), Heard()
    steps = script(clock, (1, make_sighting("completed", 2)))
    outcome = await follow(steps, Fold(), heard.watcher(clock), published=True, limit=10, now=clock.now)
    assert outcome == TimedOut(10, unread=True)
    assert clock.now() == 110
    assert heard.shown == []


async def test_an_end_held_back_is_shown_when_the_next_run_begins() -> None:
    clock, heard = Clock(), Heard()
    steps = script(
        clock,
        (1, make_sighting("failed", 2)),
        (1, make_sighting("pending", 3, run=2)),
        (1, make_sighting("completed", 4, run=2)),
        (1, Passed()),
    )
    assert isinstance(
        await follow(steps, Fold(), heard.watcher(clock), published=True, now=clock.now), Reached
    )
    assert heard.shown == [2, 3, 4]


async def test_silence_is_told_although_our_message_was_read() -> None:
    clock, heard = Clock(), Heard()
    steps = script(clock, (1, Passed()), (100, make_sighting("completed", 2)))
    await follow(steps, Fold(), heard.watcher(clock), published=True, now=clock.now)
    assert heard.silences == [15]
