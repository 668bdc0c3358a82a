"""The header of a BATCH frame, the same for imports and corrections."""

from collections.abc import Mapping
from typing import Any

from consumer.datasets.base import ValidatedBatch


def batch_header(batch: ValidatedBatch, last_position: int, streams: Mapping[str, bytes]) -> dict[str, Any]:
    """The counts of a batch, and the length of each of its streams, which follow in this order."""
    return {
        "last": last_position,
        "accepted": batch.accepted,
        "rejected": batch.rejected,
        "duplicates": batch.duplicates,
        "warnings": dict(batch.warnings),
        "sections": [[name, len(content)] for name, content in streams.items()],
    }
