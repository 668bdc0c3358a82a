"""What a soak was and what came of it, for a person."""

from collections.abc import Mapping

from tests.soak.plan import Plan
from tests.soak.story import Story

NOTHING = "nothing found: every row, event, process and file is as it must be"


def told(plan: Plan, story: Story, took: float) -> str:
    """The report."""
    planned = len(plan.processes) + len(plan.servers)
    lines = [
        f"seed {plan.seed}, {plan.seconds:.0f} s of faults, {took:.0f} s in all",
        "",
        *_table("published", story.asked),
        "",
        *_table(f"faults (of {planned} planned)", story.done),
        "",
        *_table("jobs at the end", story.ended),
        "",
        *(f"FOUND {finding}" for finding in story.findings),
        f"{len(story.findings)} findings" if story.findings else NOTHING,
    ]
    return "\n".join(lines)


def _table(title: str, counts: Mapping[str, int]) -> list[str]:
    rows = [f"  {count:5d}  {kind}" for kind, count in sorted(counts.items())]
    return [f"{title}: {sum(counts.values())}", *rows]
