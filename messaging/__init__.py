"""Kafka: consumer, producer, topics, file uploads. The only package that imports aiokafka."""
