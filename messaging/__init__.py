"""The folder that knows Kafka."""
