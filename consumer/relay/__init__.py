"""Publishes status events from the outbox to Kafka."""
