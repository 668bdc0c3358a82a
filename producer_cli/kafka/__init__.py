"""Everything of the command that uses Kafka: publishing, status events, dead letters."""

CLIENT_ID = "migration-cli"
