"""Server-Sent Events: the status events of one job as a stream."""
