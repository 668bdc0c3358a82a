"""Publishing a request to Kafka and waiting for intake to record it."""
