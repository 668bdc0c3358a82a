"""What crosses a process boundary: requests, events, uploads, topic names."""
