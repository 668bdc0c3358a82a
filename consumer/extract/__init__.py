"""The child that reads one source, checks its rows, and sends batches ready for COPY to the service.

It speaks frames (`consumer.ipc`) on standard input and output. Headers:

down  START    dataset, source (of the request), chunk_rows (null: as many as suit the source), grants
               (batches it may send at once), checkpoint (last position an earlier attempt read),
               fingerprint, today (UTC, by the clock of Postgres), state, refused (position → SQLSTATE),
               low_memory, inbox, scratch (an empty folder, removed by the service),
               max_inflated_bytes, memory_bytes, cpu_seconds, secrets (by kind of source), run, stored (rows
               accounted for up to the checkpoint), service_pid, faults (armed points, for tests); the body
               holds the positions of rows that were rejected up to the checkpoint (8 bytes each, big
               endian, ascending)
      GRANT    batches, tokens (either may be absent)
up    OPENED   fingerprint, state, warnings (code → count), restarted (another source, or
               other rules: read from the top)
      TOTAL    rows (once, as soon as known)
      BATCH    last (position of the last row read), accepted, rejected, warnings, state (null: as before),
               sections ([[table, bytes], …]); the body is the sections one after the other
      WAITING  detail (null: it is over)
      DRAW     asks for one token of the quota
      FAILED   code, message, transient, ours (the service itself lacks something), retry_after
      END      rows (all that counted, those before the checkpoint included)

The exit code is 0 after END or FAILED, and when the service closes the pipe. A child that needs more memory
than it may have ends by SIGABRT, as its libraries do; with `low_memory` it may get by.
"""
