"""The messages that processes exchange: requests, status events, uploads, dead letters, and their topics."""
