"""Measures takeovers after SIGKILL and SIGTERM of a job's owner, and how long a shutdown takes."""
