"""Rejected rows of a job: cursors, JSON pages, CSV."""
