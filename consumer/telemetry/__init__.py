"""Telemetry events, metrics, structured logs, redaction of personal data."""
