"""Bodies and headers of POSTs: models, JSON parsing, idempotency keys, digests."""
