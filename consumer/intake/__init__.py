"""Records requests from Kafka as jobs in Postgres, or as dead letters."""
