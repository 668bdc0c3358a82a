"""Kafka and Postgres for development and tests: embedded, in Docker, or already running."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The checkout."""
