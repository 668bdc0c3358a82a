"""A target that refuses rows which passed every rule ends the job soon when there are too many of them."""

import asyncpg
import pytest

from benchmarks.workbook import make_workbook
from schemas.codes import ErrorCode
from schemas.status import Status
from tests.acceptance.conftest import World
from tests.support.service import Service


@pytest.fixture
async def refusing(world: World) -> None:
    """Somebody added a constraint that no chat keeps."""
    connection = await asyncpg.connect(world.dsn)
    await connection.execute("alter table directory.chats add constraint odd check (name = '')")
    await connection.close()


@pytest.mark.usefixtures("refusing")
def test_a_target_that_refuses_every_row_ends_the_job_before_its_time(world: World, service: Service) -> None:
    make_workbook(world.inbox / "refused.xlsx", rows=5_000, seed=61)
    ended = world.line.ended(world.line.start_excel("refused.xlsx"), seconds=300)
    assert ended.status is Status.FAILED
    assert ended.error is not None
    assert ended.error.code == ErrorCode.DATABASE_REFUSED
    assert ended.inserted == 0
