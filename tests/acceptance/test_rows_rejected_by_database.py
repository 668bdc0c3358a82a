"""A target that refuses rows which passed every rule ends the job soon when there are too many of them."""

import asyncpg
import pytest

from devstack.fakedata.workbook import make_workbook
from devstack.service import ServiceProcess
from schemas.codes import ErrorCode
from schemas.status import Status
from tests.support.harness import Harness


@pytest.fixture
async def rejecting_constraint(harness: Harness) -> None:
    """Somebody added a constraint that no chat keeps."""
    connection = await asyncpg.connect(harness.dsn)
    await connection.execute("alter table directory.chats add constraint odd check (name = '')")
    await connection.close()


@pytest.mark.usefixtures("rejecting_constraint")
def test_job_fails_early_when_postgres_rejects_every_row(harness: Harness, service: ServiceProcess) -> None:
    make_workbook(harness.inbox / "refused.xlsx", rows=5_000, seed=61)
    ended = harness.kafka.wait_for_terminal_event(harness.kafka.start_excel("refused.xlsx"), seconds=300)
    assert ended.status is Status.FAILED
    assert ended.error is not None
    assert ended.error.code == ErrorCode.DATABASE_REFUSED
    assert ended.inserted == 0
