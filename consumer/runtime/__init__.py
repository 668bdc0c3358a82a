"""Runtime of a replica: supervision, heartbeats, startup, shutdown, failpoints."""
