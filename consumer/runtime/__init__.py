"""What keeps a replica alive: supervision, heartbeats, startup, shutdown, failpoints."""
