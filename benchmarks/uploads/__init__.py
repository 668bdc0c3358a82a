"""Measures how HTTP uploads affect a running job: its speed, status events, probes, memory."""
