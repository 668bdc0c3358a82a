"""The attempts of a job as a timeline, the latest first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from consumer.lifecycle import AttemptOutcome
from consumer.store.attempts import AttemptRecord

HOST_SEPARATOR = ":"


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One attempt. `taken_over`: another replica continued where the previous one had stopped."""

    run: int
    attempt: int
    host: str
    replica: str
    requested_by: str | None
    outcome: AttemptOutcome | None
    error_code: str | None
    claims: int
    from_checkpoint: int | None
    started_at: datetime
    ended_at: datetime | None
    taken_over: bool
    first_of_run: bool

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it runs."""
        return None if self.ended_at is None else (self.ended_at - self.started_at).total_seconds()


def timeline(attempts: Sequence[AttemptRecord]) -> Iterator[TimelineEntry]:
    """The entries of attempts, which come with the latest first."""
    for attempt, previous in pairwise([*attempts, None]):
        assert attempt is not None  # noqa: S101 – only the last item is None
        same_run = previous is not None and previous.run == attempt.run
        yield TimelineEntry(
            run=attempt.run,
            attempt=attempt.attempt,
            host=attempt.replica.partition(HOST_SEPARATOR)[0],
            replica=attempt.replica,
            requested_by=attempt.requested_by,
            outcome=attempt.outcome,
            error_code=attempt.error_code,
            claims=attempt.claims,
            from_checkpoint=attempt.from_checkpoint,
            started_at=attempt.started_at,
            ended_at=attempt.ended_at,
            taken_over=same_run and previous is not None and previous.replica != attempt.replica,
            first_of_run=not same_run,
        )
