"""The parameters of one extraction, decoded from the START frame."""

import sys
from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from consumer.datasets.base import ColumnSpec, RowError, database_rejection
from consumer.extract.load_identity import LoadIdentity
from consumer.extract.process_limits import ProcessLimits
from consumer.sources.base import SourceConfig, batch_rows

if TYPE_CHECKING:
    from consumer.extract.corrections.corrected_job import CorrectedJob


@dataclass(frozen=True, slots=True)
class Resume:
    """Where to resume: rows up to `checkpoint` are stored, except those at the positions in `rejected`.

    `database_rejections` maps positions of rows that Postgres rejected to the SQLSTATE.
    """

    checkpoint: int | None = None
    database_rejections: Mapping[int, str] | None = None
    rejected: frozenset[int] = frozenset()

    @property
    def has_progress(self) -> bool:
        """Whether an earlier attempt stored anything."""
        return self.checkpoint is not None or bool(self.database_rejections)

    @property
    def row_errors(self) -> dict[int, RowError]:
        """Errors of the rows that Postgres rejected, by position."""
        rejections = self.database_rejections or {}
        return {position: database_rejection(sqlstate) for position, sqlstate in rejections.items()}


@dataclass(frozen=True, slots=True)
class StartParameters:
    """The START frame; `consumer.extract` describes its header."""

    dataset: str
    source: Mapping[str, Any]
    credits: int
    resume: Resume
    fingerprint: str | None
    today: date
    low_memory: bool
    check_only: bool
    memory_bytes: int
    cpu_seconds: int
    service_pid: int
    failpoints: str
    header: Mapping[str, Any]
    corrected: "CorrectedJob | None" = None

    @classmethod
    def from_frame(cls, header: Mapping[str, Any], body: bytes) -> Self:
        """Decode the frame; raises KeyError for a missing key, which would be a defect of the service."""
        database_rejections = {
            int(position): state for position, state in header["database_rejections"].items()
        }
        return cls(
            dataset=header["dataset"],
            source=header["source"],
            credits=header["credits"],
            resume=Resume(header["checkpoint"], database_rejections, _decode_positions(body)),
            fingerprint=header["fingerprint"],
            today=date.fromisoformat(header["today"]),
            low_memory=header["low_memory"],
            check_only=header["check_only"],
            memory_bytes=header["memory_bytes"],
            cpu_seconds=header["cpu_seconds"],
            service_pid=header.get("service_pid", 0),
            failpoints=header.get("failpoints", ""),
            header=header,
        )

    @property
    def limits(self) -> ProcessLimits:
        """Limits of an extractor that the service has started itself."""
        return ProcessLimits(self.memory_bytes, self.cpu_seconds, self.service_pid)

    def with_corrected_rows(self, lines: Iterable[bytes]) -> Self:
        """The parameters of a correction, with the rejected rows that it is compared with."""
        from consumer.extract.corrections.corrected_job import CorrectedJob

        return replace(self, corrected=CorrectedJob.from_json(self.header["corrects"], lines))

    def previous_load(self, rules_version: str) -> LoadIdentity | None:
        """The load of an earlier attempt; None if there is none or its rules were another version."""
        load = LoadIdentity.parse(self.fingerprint)
        return load if load is not None and load.rules_version == rules_version else None

    def source_config(
        self,
        column_spec: ColumnSpec,
        previous: LoadIdentity | None,
        report_waiting: Callable[[str | None], None],
        acquire_token: Callable[[], None],
    ) -> SourceConfig:
        """The configuration of the source; without a previous load it is read from the top."""
        return SourceConfig(
            column_spec=column_spec,
            chunk_rows=batch_rows(self.source["type"], self.header["chunk_rows"], low_memory=self.low_memory),
            temp_dir=Path(self.header["temp_dir"]),
            inbox=Path(self.header["inbox"]),
            max_inflated_bytes=self.header["max_inflated_bytes"],
            secrets=self.header["secrets"],
            low_memory=self.low_memory,
            fingerprint=previous.source if previous else None,
            state=self.header["state"] if previous else None,
            checkpoint=self.resume.checkpoint if previous else None,
            rows_done=self.header["rows_done"] if previous else 0,
            reread=self.header["reread"],
            run=self.header["run"],
            report_waiting=report_waiting,
            acquire_token=acquire_token,
        )


def _decode_positions(body: bytes) -> frozenset[int]:
    numbers = array("q", body)
    if sys.byteorder == "little":
        numbers.byteswap()
    return frozenset(numbers)
