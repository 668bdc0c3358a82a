"""Bodies and headers of requests: JSON, idempotency keys, digests."""
