"""Files that travel through Kafka: `send_file` for who has one, `fetch_file` for who needs it."""

from messaging.uploads_in import fetch_file
from messaging.uploads_out import send_file

__all__ = ["fetch_file", "send_file"]
