"""What was measured, as a table each, and whether it is what is promised."""

from collections.abc import Sequence
from statistics import median, quantiles

from benchmarks.takeover.shutdown_timings import ShutdownTiming
from benchmarks.takeover.takeover_timings import TakeoverTimings

PROMISED_SECONDS = {"SIGKILL": 15.0, "SIGTERM": 2.0}
"""Seconds from the signal to the new claim."""
DRAIN_SECONDS = 25.0
SIGNAL_LABELS = {"SIGKILL": "kill -9", "SIGTERM": "SIGTERM"}


def takeover_lines(timings: Sequence[TakeoverTimings]) -> list[str]:
    """Distributions of the take-overs."""
    drained = next(takes for takes in timings if takes.signal_name == "SIGTERM")
    return [
        "from the signal to the new claim, seconds by the database's clock (lease 10 s, heartbeat 3 s)",
        f"{'':16}{'runs':>6}{'min':>8}{'median':>8}{'p90':>8}{'max':>8}{'promised':>10}",
        *(
            f"{SIGNAL_LABELS[one.signal_name]:16}{_spread(one.seconds)}{PROMISED_SECONDS[one.signal_name]:>10.0f}"
            for one in timings
        ),
        f"{'SIGTERM to exit':16}{_spread(drained.exit_seconds)}{DRAIN_SECONDS:>10.0f}",
        f"exit codes after SIGTERM: {sorted(drained.exit_codes)}",
        *(
            f"attempts counted after {SIGNAL_LABELS[one.signal_name]}: {one.attempts_consumed}"
            for one in timings
        ),
        f"stored rows that the new owner did not know of: {sum(one.lost_rows for one in timings)}",
    ]


def shutdown_lines(exits: Sequence[ShutdownTiming]) -> list[str]:
    """How each state ended."""
    return [
        "exit after SIGTERM, by state",
        *(f"{one.state:32}{one.seconds:8.2f} s  code {one.code}" for one in exits),
    ]


def repeated_line(rows: int, runs: int, batch_rows: int) -> str:
    """Rows written again, since the batch in hand was not committed."""
    return (
        f"rows written again after {runs} ends of an owner: {rows}, {rows / runs:.0f} for each "
        f"(at most one batch: {batch_rows})"
    )


def broken_promises(timings: Sequence[TakeoverTimings], exits: Sequence[ShutdownTiming]) -> list[str]:
    """Promises that do not hold."""
    return [
        *(
            f"{one.signal_name} took {max(one.seconds):.1f} s"
            for one in timings
            if max(one.seconds) > PROMISED_SECONDS[one.signal_name]
        ),
        *(f"{one.signal_name} lost {one.lost_rows} stored rows" for one in timings if one.lost_rows),
        *(
            f"SIGTERM burned {one.attempts_consumed} attempts"
            for one in timings
            if one.signal_name == "SIGTERM" and one.attempts_consumed
        ),
        *(f"{one.state}: {one.seconds:.1f} s" for one in exits if one.seconds > DRAIN_SECONDS),
    ]


def _spread(seconds: Sequence[float]) -> str:
    ninetieth = quantiles(seconds, n=10, method="inclusive")[-1]
    return (
        f"{len(seconds):>6}{min(seconds):>8.2f}{median(seconds):>8.2f}{ninetieth:>8.2f}{max(seconds):>8.2f}"
    )
