"""Server-Sent Events: the status events of a job as a stream."""
