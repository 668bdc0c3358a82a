"""The plan of a soak follows from its seed alone, and its sources may be loaded in any order."""

import random
from pathlib import Path

import pytest

from tests.soak import plan
from tests.soak.poison import KINDS
from tests.soak.sources import make_sources
from tests.support.reference_tables import Directory


def test_plan_depends_on_seed() -> None:
    assert plan.make_plan(7, 300) == plan.make_plan(7, 300)
    assert plan.make_plan(7, 300).process_faults != plan.make_plan(8, 300).process_faults


@pytest.mark.parametrize(("shorter", "longer"), [(20, 60), (150, 600)])
def test_longer_plan_extends_shorter_plan(shorter: float, longer: float) -> None:
    shorter_plan, longer_plan = plan.make_plan(3, shorter), plan.make_plan(3, longer)
    for lane in ("jobs", "poisons", "process_faults", "server_faults"):
        some, more = getattr(shorter_plan, lane), getattr(longer_plan, lane)
        assert some
        assert more[: len(some)] == some


def test_long_soak_has_every_kind_of_fault_and_poison() -> None:
    plans = [plan.make_plan(seed, 600) for seed in range(5)]
    assert {item.kind for made in plans for item in made.process_faults} == set(plan.PROCESS_FAULTS)
    assert {item.kind for made in plans for item in made.server_faults} == set(plan.SERVER_FAULTS)
    assert {item.kind for made in plans for item in made.poisons} == set(KINDS)


def test_short_soak_has_no_long_fault() -> None:
    long = {kind for kind, found in plan.SERVER_FAULTS.items() if found.long}
    assert long
    assert not [
        item for seed in range(20) for item in plan.make_plan(seed, 60).server_faults if item.kind in long
    ]


def test_directory_does_not_depend_on_source_order(tmp_path: Path) -> None:
    sources = list(make_sources(tmp_path, 1, row_share=0.1).values())
    found = []
    for seed in range(3):
        directory = Directory()
        random.Random(seed).shuffle(sources)
        for source in sources:
            source.load_into(directory)
        found.append(directory.rows())
    assert found[0] == found[1] == found[2]
