"""What a soak was and what came of it, for a person."""

from collections.abc import Mapping

from tests.soak.log import SoakLog
from tests.soak.plan import Plan

NO_FINDINGS = "nothing found: every row, event, process and file is as it must be"


def format_report(plan: Plan, log: SoakLog, total_seconds: float) -> str:
    """The report."""
    planned = len(plan.process_faults) + len(plan.server_faults)
    lines = [
        f"seed {plan.seed}, {plan.seconds:.0f} s of faults, {total_seconds:.0f} s in all",
        "",
        *_table("published", log.published),
        "",
        *_table(f"faults (of {planned} planned)", log.faults),
        "",
        *_table("jobs at the end", log.job_statuses),
        "",
        *(f"FOUND {finding}" for finding in log.findings),
        f"{len(log.findings)} findings" if log.findings else NO_FINDINGS,
    ]
    return "\n".join(lines)


def _table(title: str, counts: Mapping[str, int]) -> list[str]:
    rows = [f"  {count:5d}  {kind}" for kind, count in sorted(counts.items())]
    return [f"{title}: {sum(counts.values())}", *rows]
