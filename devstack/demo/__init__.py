"""`make demo`: three sources go through Kafka into Postgres, and every count is checked."""
