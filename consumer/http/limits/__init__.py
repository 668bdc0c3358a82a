"""Bounds on requests, downloads, transfer rates and log lines."""
