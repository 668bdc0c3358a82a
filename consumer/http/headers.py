"""HTTP headers and media types that several packages use."""

from collections.abc import Mapping

JSON_MEDIA_TYPE = "application/json"

NOSNIFF_HEADER = ("x-content-type-options", "nosniff")
"""Browsers use the stated media type: a rejected row is never run as a script."""
NO_STORE_HEADER = ("cache-control", "no-store")
MIN_COMPRESSED_BYTES = 1_024
"""Smaller bodies hardly get smaller."""


def has_body(headers: Mapping[str, str]) -> bool:
    """Whether a request with these headers has a body."""
    return "transfer-encoding" in headers or headers.get("content-length", "0").strip("0") != ""


def media_type(headers: Mapping[str, str]) -> str:
    """The media type in `Content-Type`, in lower case and without parameters; empty if there is none."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def accepts_gzip(headers: Mapping[str, str]) -> bool:
    """Whether `Accept-Encoding` lists gzip, and not with the weight 0 (RFC 9110, 12.5.3)."""
    for coding in headers.get("accept-encoding", "").lower().split(","):
        name, _, weight = coding.partition(";")
        if name.strip() in {"gzip", "x-gzip"}:
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
