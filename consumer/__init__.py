"""The service: records requests as jobs in Postgres, runs them, publishes their status."""
