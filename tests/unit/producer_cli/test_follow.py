from collections.abc import Awaitable, Callable

from producer_cli.events import Fold, Sighting
from producer_cli.follow import Reached, Refusal, TimedOut, Watcher, follow
from tests.unit.producer_cli.making import make_sighting

Came = Sighting | Refusal | None


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

    def watcher(self, clock: Clock) -> Watcher:
        return Watcher(
            lambda sighting: self.shown.append(sighting.event.sequence),
            lambda: self.silences.append(clock.now() - 100),
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
