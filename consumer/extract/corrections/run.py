"""Runs the extraction of a correction: opens its file, reports the load, classifies and sends its rows."""

from consumer.datasets.base import Dataset
from consumer.extract.channel import Channel
from consumer.extract.corrections.corrected_job import CorrectedJob
from consumer.extract.corrections.extraction import CorrectionExtraction
from consumer.extract.load_identity import LoadIdentity
from consumer.extract.process_limits import CpuLimit
from consumer.extract.start_parameters import Resume, StartParameters
from consumer.ipc import FrameType
from consumer.sources.corrections.source import CorrectionFile, fingerprint
from consumer.sources.source_columns import SourceColumn, columns_to_json


def run_correction(
    parameters: StartParameters, corrected: CorrectedJob, channel: Channel, dataset: Dataset
) -> None:
    """Read the file and send its rows; raises MigrationError. Rules and columns are those of the source."""
    previous = parameters.previous_load(dataset.rules_version)
    config = parameters.source_config(dataset.column_spec, previous, lambda _: None, lambda: None)
    file = CorrectionFile(parameters.source, config, corrected.labels, list(corrected.columns.values()))
    try:
        load = _load_of(file.open(), parameters, corrected, dataset.rules_version)
        resume = _report_opened(load, parameters, corrected, channel)
        validator = dataset.make_validator(corrected.source_type, load.day)
        limit = CpuLimit(parameters.cpu_seconds)
        CorrectionExtraction(file, corrected, validator, resume, channel, limit, config.chunk_rows).run()
    finally:
        file.close()


def _load_of(
    sha256: str, parameters: StartParameters, corrected: CorrectedJob, rules_version: str
) -> LoadIdentity:
    """The load of an earlier attempt if nothing has changed since, else a new one."""
    source = fingerprint(
        sha256, parameters.source.get("sheet"), corrected.job_id, corrected.run, corrected.load
    )
    previous = parameters.previous_load(rules_version)
    if previous is not None and previous.source == source:
        return previous
    return LoadIdentity(rules_version, parameters.today, source)


def _report_opened(
    load: LoadIdentity, parameters: StartParameters, corrected: CorrectedJob, channel: Channel
) -> Resume:
    """Send OPENED; returns where to resume. The columns are those of the corrected source."""
    restarted = parameters.resume.has_progress and load.fingerprint != parameters.fingerprint
    fields = {label: field for field, label in corrected.columns.items()}
    columns = [SourceColumn(label, label, fields.get(label)) for label in corrected.labels]
    channel.send(
        FrameType.OPENED,
        {
            "fingerprint": load.fingerprint,
            "state": {"run": corrected.run, "load": corrected.load},
            "warnings": {},
            "restarted": restarted,
            "columns": columns_to_json(columns),
        },
    )
    return Resume() if restarted else parameters.resume
