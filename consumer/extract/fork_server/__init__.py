"""The fork server: one process per replica that has imported what extractors need, and forks them.

An interpreter that imports these libraries takes several tenths of a second of processor time, a fork a few
milliseconds. The server runs nothing of what it imports: a thread does not survive a fork, and a lock that it
held stays locked in the child. So it refuses to fork once it has a second thread.

It has no connection to Kafka or Postgres and no secret: those travel in the START frame, to the child alone.
Messages on its socket are those of `consumer.fork_protocol`.
"""
