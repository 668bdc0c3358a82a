"""The default request id of a correction: the same file for the same job is one request."""

import hashlib

MAX_ID_CHARS = 200
DIGEST_CHARS = 32


def correction_request_id(corrected_request_id: str, file_sha256: str) -> str:
    """An id made of the corrected job's request id and the SHA-256 (hex) of the file."""
    suffix = f"-correction-{file_sha256[:DIGEST_CHARS]}"
    if len(corrected_request_id) + len(suffix) <= MAX_ID_CHARS:
        return corrected_request_id + suffix
    digest = hashlib.sha256(corrected_request_id.encode()).hexdigest()[:DIGEST_CHARS]
    return digest + suffix
