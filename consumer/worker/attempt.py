"""One attempt: a job read from its checkpoint to the end, over as many readings as that takes.

A reading ends early where the connection for batches is lost, the child dies, or Postgres refuses
rows. None of these is the end of the attempt: the next reading goes on from the checkpoint.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consumer import faults
from consumer.datasets.base import Merge
from consumer.datasets.find import find
from consumer.errors import OutageOfOurs, PermanentError, TransientError, unwritable
from consumer.happenings import Tell, untold
from consumer.lifecycle import Finished, Outcome, Refused, Stumbled
from consumer.sources.base import Access
from consumer.store import loads
from consumer.store.database import Database
from consumer.store.errors import Conflict, DatabaseUnavailable
from consumer.store.jobs import Job
from consumer.store.leases import Fence
from consumer.store.session import RowsRefused, Session
from consumer.worker.child import Child
from consumer.worker.child_failure import outcome_of
from consumer.worker.deaths import GiveUp, Next, after_death
from consumer.worker.log import log
from consumer.worker.outages import Outages
from consumer.worker.quota import Quota
from consumer.worker.reading import ChildDied, ChildFailed, Ended, Reading, standing_orders
from schemas.codes import ErrorCode

FOLDER_PREFIX = "job-"
"""How the folder of each reading begins."""
MAX_REFUSED_ROWS = 1_000
"""More rows refused by Postgres than this is not about single values."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """What every attempt of this process works with.

    `orders` are the parts of a child's orders that come from the settings; `environment` is all the
    child gets to see of ours. `access` gives what the source of a request needs, or raises RequestRefused.
    `count` hears what happens.
    """

    database: Database
    orders: Mapping[str, Any]
    environment: Mapping[str, str]
    scratch: Path
    access: Callable[[Mapping[str, Any]], Access]
    calls_per_minute: int = 60
    count: Tell = untold


class Attempt:
    """Reads one claimed job to its end."""

    def __init__(self, workshop: Workshop, job: Job, fence: Fence) -> None:
        self._shop = workshop
        self._job = job
        self._fence = fence
        self._frugal = False
        self._deaths = 0
        self._outages = Outages()
        self._stopped = False
        self._access = Access()
        self._session: Session | None = None

    def stop(self) -> None:
        """Begin no further reading. Said before the task is cancelled, since a cancellation can get lost:
        a dying connection puts an error of its own in its place."""
        self._stopped = True

    def cut(self) -> None:
        """End the connection for batches from outside: whatever waits on it for a silent server fails."""
        if self._session is not None:
            self._session.cut()

    async def run(self) -> Outcome:
        """Go on until every row is accounted for or something final is known; raises LeaseLost."""
        try:
            merge = find(self._job.dataset).merge(self._job.source_type)
            self._access = await asyncio.to_thread(self._shop.access, self._job.source)
        except PermanentError as error:
            return Refused(error.code, error.message)
        while not self._stopped:
            if (outcome := await self._reading(merge)) is not None:
                return outcome
        raise asyncio.CancelledError

    async def _reading(self, merge: Merge) -> Outcome | None:
        """One child; None where the next one should go on from the checkpoint."""
        try:
            return await self._read_and_account(merge)
        except ChildFailed as failure:
            return outcome_of(failure)
        except TransientError as error:
            return Stumbled(error.code, error.message, ours=isinstance(error, OutageOfOurs))
        except ChildDied as death:
            return self._died(death)
        except (DatabaseUnavailable, Conflict) as error:
            return await self._outage(error)

    async def _read_and_account(self, merge: Merge) -> Outcome | None:
        try:
            ended = await self._read(merge)
        except RowsRefused as refused:
            return await self._refuse(refused.rows)
        return await self._account(ended)

    async def _read(self, merge: Merge) -> Ended:
        async with self._shop.database.transaction() as connection:
            job = await loads.standing(connection, self._fence)
            refused = await loads.refused_rows(connection, self._fence)
            rejected = await loads.rejected_rows(connection, self._fence)
        self._outages.stands(job.done)
        scratch = self._folder(job)
        try:
            orders = {**self._shop.orders, **standing_orders(job, refused, frugal=self._frugal)}
            private = {"scratch": str(scratch), "secrets": dict(self._access.secrets)}
            armed = {"faults": faults.armed()}
            return await self._with_child(merge, orders | private | armed, rejected)
        finally:
            await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)

    def _folder(self, job: Job) -> Path:
        try:
            return Path(tempfile.mkdtemp(prefix=f"{FOLDER_PREFIX}{job.id}-", dir=self._shop.scratch))
        except OSError as error:
            raise unwritable(
                error, f"The service cannot make a folder for its files ({type(error).__name__})."
            ) from None

    async def _with_child(self, merge: Merge, orders: Mapping[str, Any], rejected: bytes) -> Ended:
        """The child gets its orders when the session stands: from then on the attempt counts as begun."""
        child = await Child.start(self._shop.environment)
        try:
            session = self._session = await Session.open(self._shop.database, self._fence, merge)
            try:
                await child.order(orders, rejected)
                await faults.reach("child.started")
                log.info("child.started", pid=child.pid, checkpoint=orders["checkpoint"], frugal=self._frugal)
                database, quota = self._shop.database, self._quota()
                reading = Reading(child, session, database, self._fence, quota, self._shop.count)
                return await reading.run()
            finally:
                await session.close()
        finally:
            await child.kill()

    def _quota(self) -> Quota | None:
        bucket = self._access.quota
        shop = self._shop
        return Quota(shop.database, bucket, shop.calls_per_minute, shop.count) if bucket else None

    async def _account(self, ended: Ended) -> Outcome:
        """Every row is accounted for, or the reading was short: that is never `completed`."""
        async with self._shop.database.transaction() as connection:
            await loads.set_total(connection, self._fence, ended.rows)
            job = await loads.standing(connection, self._fence)
        if ended.rows == 0:
            return Refused(ErrorCode.NO_ROWS, "the source holds no rows: check that it is the right one")
        if job.done != ended.rows:
            return Refused(
                ErrorCode.SHORT_READ,
                f"the source holds {ended.rows} rows, but {job.done} were taken: "
                "start it under a new request id",
            )
        return Finished()

    def _died(self, death: ChildDied) -> Outcome | None:
        self._deaths = 1 if death.stored else self._deaths + 1
        type_ = self._job.source_type
        match after_death(death.exit_code, type_, deaths=self._deaths, frugal=self._frugal):
            case GiveUp(code, message):
                return Refused(code, message)
            case Next.FRUGALLY:
                self._frugal = True
                return None
            case Next.AGAIN:
                return None

    async def _refuse(self, rows: dict[int, str]) -> Outcome | None:
        async with self._shop.database.transaction() as connection:
            known = await loads.refused_rows(connection, self._fence)
            fresh = {position: state for position, state in rows.items() if position not in known}
            if not fresh or len(known) + len(fresh) > MAX_REFUSED_ROWS:
                return Refused(
                    ErrorCode.DATABASE_REFUSED,
                    f"Postgres refuses rows that passed every rule (SQLSTATE {min(rows.values())}, "
                    f"{len(known) + len(fresh)} so far): see what was added to the tables of the target",
                )
            await loads.refuse(connection, self._fence, fresh)
        log.warning("rows.refused", rows=len(fresh), sqlstates=sorted(set(fresh.values())))
        return None

    async def _outage(self, error: Exception) -> Outcome | None:
        """Wait for the next reading; where they fail one after the other the job gives way to others."""
        wait = self._outages.wait()
        if wait is None:
            sentence = f"The database of the service takes no rows now: {error}."
            return Stumbled(ErrorCode.SOURCE_UNAVAILABLE, sentence, ours=True)
        if not self._stopped:
            log.warning("database.away", reason=str(error), next_try_seconds=wait)
            await asyncio.sleep(wait)
        return None
