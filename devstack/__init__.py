"""Kafka and Postgres for people who have neither: embedded, in Docker, or already running."""
