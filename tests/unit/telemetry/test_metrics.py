"""Telemetry events are counted, under stable names."""

import typing

from prometheus_client import generate_latest

from consumer.telemetry.events import (
    BatchStored,
    EventShortened,
    EventsPublished,
    JobClaimed,
    JobRescued,
    LeaseLostEvent,
    RateLimitWaited,
    RequestRecorded,
    RequestRejected,
    TelemetryEvent,
)
from consumer.telemetry.metrics import GaugeSources, Metrics
from schemas.version import VERSION

EXPECTED_BY_EVENT: dict[type, tuple[TelemetryEvent, dict[str, float]]] = {
    JobClaimed: (JobClaimed(), {"claims_total": 1}),
    JobRescued: (JobRescued(), {"rescues_total": 1}),
    LeaseLostEvent: (LeaseLostEvent(), {"leases_lost_total": 1}),
    BatchStored: (
        BatchStored(0.4, inserted=5, updated=4, unchanged=3, duplicates=2, failed=1),
        {
            'rows_total{outcome="inserted"}': 5,
            'rows_total{outcome="updated"}': 4,
            'rows_total{outcome="unchanged"}': 3,
            'rows_total{outcome="duplicates"}': 2,
            'rows_total{outcome="failed"}': 1,
            "batch_seconds_count": 1,
            "batch_seconds_sum": 0.4,
        },
    ),
    RateLimitWaited: (
        RateLimitWaited(1.5),
        {"rate_limit_waits_total": 1, "rate_limit_wait_seconds_total": 1.5},
    ),
    EventsPublished: (EventsPublished(7), {"events_published_total": 7}),
    EventShortened: (EventShortened(), {"events_shortened_total": 1}),
    RequestRecorded: (RequestRecorded("started"), {'requests_recorded_total{kind="started"}': 1}),
    RequestRejected: (RequestRejected("not_json"), {'requests_rejected_total{reason="not_json"}': 1}),
}


def _make_metrics() -> Metrics:
    return Metrics(GaugeSources(lambda: 2, lambda: 0.25, lambda: {"worker": 0.5, "relay": 1.5}, lambda: 61.0))


def test_heartbeats_of_all_jobs_are_one_series() -> None:
    """Their names contain tokens, so each is unique."""
    silent = {"heartbeat of job 1, token 7": 0.5, "heartbeat of job 2, token 9": 4.5, "worker": 1.0}
    values = _values(Metrics(GaugeSources(lambda: 2, lambda: 0.25, lambda: silent, lambda: 0.0)))
    found = {name: value for name, value in values.items() if "since_progress" in name}
    assert found == {
        'chat_migration_task_seconds_since_progress{task="heartbeat"}': 4.5,
        'chat_migration_task_seconds_since_progress{task="worker"}': 1.0,
    }


def _values(metrics: Metrics) -> dict[str, float]:
    text = generate_latest(metrics.registry).decode()
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def _difference(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    return {name: value - before[name] for name, value in after.items() if value != before[name]}


def test_every_event_is_counted_once() -> None:
    for happening, expected in EXPECTED_BY_EVENT.values():
        metrics = _make_metrics()
        before = _values(metrics)
        metrics.record(happening)
        changed = _difference(before, _values(metrics))
        found = {name: value for name, value in changed.items() if "_bucket" not in name}
        assert found == {f"chat_migration_{name}": value for name, value in expected.items()}


def test_every_event_type_is_tested() -> None:
    assert set(EXPECTED_BY_EVENT) == set(typing.get_args(TelemetryEvent))


def test_batch_is_in_the_bucket_of_its_seconds() -> None:
    metrics = _make_metrics()
    metrics.record(EXPECTED_BY_EVENT[BatchStored][0])
    values = _values(metrics)
    assert values['chat_migration_batch_seconds_bucket{le="0.3"}'] == 0
    assert values['chat_migration_batch_seconds_bucket{le="0.5"}'] == 1


def test_gauges_are_read_at_each_scrape() -> None:
    values = _values(_make_metrics())
    assert values["chat_migration_jobs_running"] == 2
    assert values["chat_migration_event_loop_lag_seconds_max"] == 0.25
    assert values['chat_migration_task_seconds_since_progress{task="worker"}'] == 0.5
    assert values['chat_migration_task_seconds_since_progress{task="relay"}'] == 1.5


def test_version_is_exposed() -> None:
    assert _values(_make_metrics())[f'chat_migration_build_info{{version="{VERSION}"}}'] == 1


def test_every_counter_starts_at_zero() -> None:
    values = _values(_make_metrics())
    assert values['chat_migration_rows_total{outcome="failed"}'] == 0
    assert values['chat_migration_requests_rejected_total{reason="command_refused"}'] == 0
    assert values['chat_migration_requests_recorded_total{kind="retry"}'] == 0
    assert not [name for name in values if "created" in name]


def test_two_services_in_one_process_share_no_counters() -> None:
    first, second = _make_metrics(), _make_metrics()
    first.record(JobClaimed())
    assert _values(second)["chat_migration_claims_total"] == 0
