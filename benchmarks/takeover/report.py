"""The tables of takeovers and shutdowns, and the promised bounds that were exceeded."""

from collections.abc import Sequence
from statistics import median, quantiles

from benchmarks.takeover.shutdown_timings import ShutdownTiming
from benchmarks.takeover.takeover_timings import TakeoverTimings

PROMISED_SECONDS = {"SIGKILL": 15.0, "SIGTERM": 2.0}
"""Seconds from the signal to the new claim."""
DRAIN_SECONDS = 25.0
SIGNAL_LABELS = {"SIGKILL": "kill -9", "SIGTERM": "SIGTERM"}


def takeover_lines(timings: Sequence[TakeoverTimings]) -> list[str]:
    """The distribution of the seconds to the new claim, for each signal."""
    drained = next(timing for timing in timings if timing.signal_name == "SIGTERM")
    return [
        "from the signal to the new claim, seconds by the database's clock (lease 10 s, heartbeat 3 s)",
        f"{'':16}{'runs':>6}{'min':>8}{'median':>8}{'p90':>8}{'max':>8}{'promised':>10}",
        *(
            f"{SIGNAL_LABELS[timing.signal_name]:16}{_spread(timing.seconds)}{PROMISED_SECONDS[timing.signal_name]:>10.0f}"
            for timing in timings
        ),
        f"{'SIGTERM to exit':16}{_spread(drained.exit_seconds)}{DRAIN_SECONDS:>10.0f}",
        f"exit codes after SIGTERM: {sorted(drained.exit_codes)}",
        *(
            f"attempts consumed after {SIGNAL_LABELS[timing.signal_name]}: {timing.attempts_consumed}"
            for timing in timings
        ),
        f"stored rows that the new owner did not resume from: {sum(timing.lost_rows for timing in timings)}",
    ]


def shutdown_lines(shutdowns: Sequence[ShutdownTiming]) -> list[str]:
    """Seconds and exit code of the shutdown in each state."""
    return [
        "exit after SIGTERM, by state",
        *(f"{timing.state:32}{timing.seconds:8.2f} s  code {timing.code}" for timing in shutdowns),
    ]


def repeated_line(rows: int, runs: int, batch_rows: int) -> str:
    """Rows that were written twice, since their first batch was not committed."""
    return (
        f"rows written again after {runs} takeovers: {rows}, {rows / runs:.0f} for each "
        f"(at most one batch: {batch_rows})"
    )


def broken_promises(timings: Sequence[TakeoverTimings], shutdowns: Sequence[ShutdownTiming]) -> list[str]:
    """A line for each exceeded bound."""
    return [
        *(
            f"{timing.signal_name} took {max(timing.seconds):.1f} s"
            for timing in timings
            if max(timing.seconds) > PROMISED_SECONDS[timing.signal_name]
        ),
        *(
            f"{timing.signal_name} lost {timing.lost_rows} stored rows"
            for timing in timings
            if timing.lost_rows
        ),
        *(
            f"SIGTERM consumed {timing.attempts_consumed} attempts"
            for timing in timings
            if timing.signal_name == "SIGTERM" and timing.attempts_consumed
        ),
        *(
            f"{timing.state}: {timing.seconds:.1f} s"
            for timing in shutdowns
            if timing.seconds > DRAIN_SECONDS
        ),
    ]


def _spread(seconds: Sequence[float]) -> str:
    ninetieth = quantiles(seconds, n=10, method="inclusive")[-1]
    return (
        f"{len(seconds):>6}{min(seconds):>8.2f}{median(seconds):>8.2f}{ninetieth:>8.2f}{max(seconds):>8.2f}"
    )
