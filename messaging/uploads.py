"""Files that travel through Kafka: `send_file` and `UploadStream` send one, `fetch_file` reads it back."""

from messaging.download import fetch_file
from messaging.upload import send_file
from messaging.upload_stream import UploadStream

__all__ = ["UploadStream", "fetch_file", "send_file"]
