"""The extractor: a child process that reads one source, checks its rows and sends batches ready for COPY.

The fork server forks it (`consumer.extract.fork_server`). It exchanges frames (`consumer.ipc`) with the
service on standard input and output. Their headers:

down  START          dataset, source (of the request), chunk_rows (null: the default of the source), credits
                     (batches it may send before the first is stored), checkpoint (position of the last row
                     stored by an earlier attempt), fingerprint, today (UTC, by the clock of Postgres), state,
                     rows_done (rows accounted for up to the checkpoint), run, check_only (send no valid
                     rows), reread (all rows were checked: compare them, and read from the top),
                     database_rejections (position → SQLSTATE), low_memory, inbox, temp_dir (empty; the
                     service removes it), max_inflated_bytes, memory_bytes, cpu_seconds, secrets (by
                     kind of source), service_pid (of an extractor that is run alone), failpoints (a
                     specification, for tests), corrects (of a correction: job_id, run, load, source_type and
                     columns of the corrected job; else null). The body: positions of the rows rejected up to
                     the checkpoint (8 bytes each, big endian, ascending)
      CORRECTED_ROWS last (whether it is the last one). The body: rejected rows of the corrected job, one line
                     of JSON each. Sent after START, for a correction alone
      CREDIT         batches, tokens (either may be absent)
up    OPENED         fingerprint, state, warnings (code → count), columns, restarted (another source or other
                     rules: read from the top)
      TOTAL          rows (sent once, as soon as known)
      BATCH          last (position of the last row), accepted, rejected, duplicates (of rows that are only
                     checked), warnings, state (null: unchanged), sections ([[table, bytes], …]), counted (of
                     a correction: untouched, dismissed, already_corrected; else null). The body: the
                     sections, concatenated
      WAITING        detail (null: no longer waiting)
      ACQUIRE_TOKEN  requests one token of the rate limit
      FAILED         code, message, transient, internal (the service itself lacks something), retry_after,
                     recheck_after, nearest (missing field → column, or null), sample (of the columns of a
                     sheet, with values). The last two are null unless a column is missing
      END            rows (all rows of the source, those before the checkpoint included)

The exit code is 0 after END and FAILED, and when the service closes the pipe. An extractor that runs out of
memory ends by SIGABRT, as its libraries do; the next one may get by with `low_memory`.
"""
