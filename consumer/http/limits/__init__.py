"""Limits on rates, concurrency, open files and log lines."""
