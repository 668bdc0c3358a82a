"""The command line's side of Kafka: publishing, status events, dead letters."""
