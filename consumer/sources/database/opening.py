"""From a session to rows that can be read: the table counted, and compared with an attempt before."""

from collections.abc import Iterator
from dataclasses import dataclass

from consumer.datasets.base import Relation
from consumer.sources.base import Opened, Reading
from consumer.sources.database import load as loads
from consumer.sources.database.connect import Session
from consumer.sources.database.count import count
from consumer.sources.database.load import Load
from consumer.sources.database.pages import Stretch
from consumer.sources.database.table import Table


@dataclass(frozen=True, slots=True)
class Standing:
    """What is to be read. Rows up to `checkpoint` are stored; `changed`: a load before was not whole."""

    table: Table
    load: Load
    checkpoint: int | None = None
    changed: bool = False

    def opened(self) -> Opened:
        """What is told of it."""
        warnings = {loads.CHANGED: 1} if self.changed else {}
        return Opened(self.load.fingerprint(self.table), warnings, self.load.as_state())

    def stretches(self, relation: Relation) -> Iterator[Stretch]:
        """First what is stored, identity alone; then the rest."""
        if self.checkpoint is not None:
            yield Stretch(None, self.checkpoint, relation.identity)
        yield Stretch(self.checkpoint, self.load.highest, tuple(relation.columns))


async def stand(session: Session, table: Table, relation: Relation, reading: Reading) -> Standing:
    """Go on with the load of an earlier attempt where its rows are all there; else begin one.

    Raises PermanentError: `no_rows`, `wrong_key`, `source_changed`.
    """
    before = loads.earlier(table, reading)
    if before is not None:
        found = await count(session, table, relation, before.highest, reading.checkpoint)
        if loads.is_whole(before, found, reading):
            return Standing(table, before, reading.checkpoint)
    found = await count(session, table, relation)
    if before is None:
        return Standing(table, loads.first(table, found))
    return Standing(table, loads.anew(before, found, table, reading), changed=True)
