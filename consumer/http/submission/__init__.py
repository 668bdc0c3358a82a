"""Publishing requests to Kafka, waiting for intake to record them, and the responses."""
