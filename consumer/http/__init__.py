"""The HTTP side: reading jobs, health."""
