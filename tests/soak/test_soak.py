"""A short soak: half a minute of a fixed seed. `make soak` runs longer ones, of any."""

from pathlib import Path

from tests.soak import plan
from tests.soak.run import soak
from tests.soak.story import Story

SEED, SECONDS, SHARE = 14, 25, 0.4


def test_half_a_minute_of_random_jobs_under_random_faults_leaves_everything_as_it_must_be(
    tmp_path: Path,
) -> None:
    story = Story(print)
    soak(plan.make(SEED, SECONDS), tmp_path / "soak", story, SHARE)
    assert story.findings == []
    assert sum(story.done.values()) >= 5, "hardly anything broke"
    assert story.ended["completed"] >= 5
