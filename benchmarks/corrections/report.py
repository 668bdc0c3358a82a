"""The figures of `make bench-corrections` beside their limits."""

from dataclasses import dataclass
from statistics import median

from benchmarks.corrections.measure import CORRECTED_ROWS, CorrectionBenchmark

MAX_EXPORT_SECONDS = 60.0
MAX_WRITER_MIB = 250.0
MAX_DRY_RUN_RATIO = 0.8
MAX_CORRECTION_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class LimitLine:
    """A figure, and the limit that it must not exceed."""

    name: str
    value: float
    limit: float
    unit: str = ""

    @property
    def is_exceeded(self) -> bool:
        """Whether the figure is above its limit."""
        return self.value > self.limit

    @property
    def text(self) -> str:
        """The line as it is printed."""
        verdict = "EXCEEDED" if self.is_exceeded else "ok"
        return f"{self.name:<44} {self.value:8.2f} of {self.limit:g} {self.unit}".rstrip() + f"  {verdict}"


def limit_lines(benchmark: CorrectionBenchmark) -> list[LimitLine]:
    """All figures that have a limit; seconds are medians, but of exports and corrections the longest."""
    exports = benchmark.exports
    return [
        LimitLine("dry run, as a part of the import", benchmark.dry_run_ratio, MAX_DRY_RUN_RATIO),
        LimitLine("longest export", max(each.seconds for each in exports), MAX_EXPORT_SECONDS, "s"),
        LimitLine("memory of the writer", max(each.writer_mib for each in exports), MAX_WRITER_MIB, "MiB"),
        LimitLine("failed probes during exports", sum(each.failed_probes for each in exports), 0),
        LimitLine(
            f"longest correction of {CORRECTED_ROWS:,} rows",
            max(benchmark.corrections),
            MAX_CORRECTION_SECONDS,
            "s",
        ),
    ]


def import_ratio_line(benchmark: CorrectionBenchmark) -> str:
    """How much longer an import takes beside an export; it has no limit of its own."""
    beside = [each.import_seconds for each in benchmark.exports if each.import_seconds is not None]
    return f"import beside an export, to one alone: {median(beside) / median(benchmark.imports):.2f}"
