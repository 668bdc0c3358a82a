"""The child that reads one source, checks its rows, and sends batches ready for COPY to the service.

It speaks frames (`consumer.frames`) on standard input and output. Headers:

down  START    dataset, source (of the request), chunk_rows, grants (batches it may send at once),
               checkpoint (last position an earlier attempt read), fingerprint, state, refused (position →
               SQLSTATE), frugal, inbox, scratch (an empty folder, removed by the service),
               max_inflated_bytes, memory_bytes, cpu_seconds, kafka, service_pid
      GRANT    batches
up    OPENED   fingerprint, state, warnings (code → count), restarted (another source: read from the top)
      TOTAL    rows (once, as soon as known)
      BATCH    last (position of the last row read), accepted, rejected, warnings,
               sections ([[table, bytes], …]); the body is the sections one after the other
      WAITING  detail
      FAILED   code, message, transient, retry_after
      END      rows (all that counted, those before the checkpoint included)

The exit code is 0 after END or FAILED, and when the service closes the pipe. A child that needs more memory
than it may have ends by SIGABRT, as its libraries do; with `frugal` it may get by.
"""
