"""What uploads over HTTP cost a job that runs at the same time: its speed, status events, probes, memory."""
