"""Files that travel through Kafka: `send_file` and `UploadStream` send one, `fetch_file` reads it back."""

from messaging.upload_stream import UploadStream
from messaging.uploads_in import fetch_file
from messaging.uploads_out import send_file

__all__ = ["UploadStream", "fetch_file", "send_file"]
