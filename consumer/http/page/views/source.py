"""What is known of the source of a job beside its name."""

from dataclasses import dataclass

from consumer.store.jobs import Job


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """Each is None where the source has none, or where it was detected while reading."""

    sheet: str | None
    size: int | None
    sha256: str | None


def source_of(job: Job) -> SourceFacts:
    """The facts in the request of a job."""
    upload = (job.source.get("file") or {}).get("upload") or {}
    sheet = job.source.get("sheet") or job.source.get("worksheet")
    return SourceFacts(sheet, upload.get("size"), upload.get("sha256"))
