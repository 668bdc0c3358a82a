"""Rejected rows of a job: pages, summary, CSV."""
