from datetime import UTC, datetime, timedelta, timezone

import pytest

from schemas import cloudevents

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def _encoded(traceparent: str | None = TRACE) -> cloudevents.Headers:
    return cloudevents.encode(
        event_id="e1",
        source="/migration-cli",
        event_type=cloudevents.TYPE_REQUEST,
        time=datetime(2026, 3, 1, 12, 0, tzinfo=timezone(timedelta(hours=3))),
        subject="запрос",
        traceparent=traceparent,
    )


def test_attributes_are_headers_in_binary_mode() -> None:
    assert dict(_encoded()) == {
        "ce_id": b"e1",
        "ce_source": b"/migration-cli",
        "ce_type": b"migration.request.v1",
        "ce_specversion": b"1.0",
        "ce_time": b"2026-03-01T09:00:00.000Z",
        "ce_subject": "запрос".encode(),
        "content-type": b"application/json",
        "traceparent": TRACE.encode(),
    }


def test_attributes_round_trip() -> None:
    event = cloudevents.decode(_encoded())
    assert (event.id, event.subject, event.traceparent) == ("e1", "запрос", TRACE)
    assert event.headers() == _encoded()


def test_message_without_attributes_is_decoded() -> None:
    event = cloudevents.decode(())
    assert (event.id, event.type, event.specversion, event.traceparent) == (None, None, None, None)
    assert event.headers() == ()


@pytest.mark.parametrize("junk", ["", "x", TRACE + "\n", TRACE + "-more", "DROP TABLE", TRACE.upper()])
def test_only_valid_traceparent_is_passed_on(junk: str) -> None:
    assert cloudevents.decode([("traceparent", junk.encode())]).traceparent is None
    assert "traceparent" not in dict(_encoded(junk))


def test_header_without_text_is_none() -> None:
    assert cloudevents.decode([("ce_id", b"\xff"), ("ce_type", None)]).id is None


def test_ce_traceparent_is_accepted() -> None:
    assert cloudevents.decode([("ce_traceparent", TRACE.encode())]).traceparent == TRACE


def test_time_is_in_utc() -> None:
    headers = cloudevents.encode(
        event_id="1", source="s", event_type="t", time=datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert dict(headers)["ce_time"] == b"2026-01-01T00:00:00.000Z"
