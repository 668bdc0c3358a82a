"""The HTTP API: starts, control and reads of jobs, event streams, uploads, probes, metrics, documentation."""
