-- A replica of the version before that writes a longer message is refused, and ends the job with an internal error.

-- Cut as in schemas/text.py: the end says what to do.
update migration.jobs set
  error_message = case when char_length(error_message) > 2000
    then left(error_message, 1595) || ' […] ' || right(error_message, 400) else error_message end,
  detail = case when char_length(detail) > 2000
    then left(detail, 1595) || ' […] ' || right(detail, 400) else detail end
where char_length(error_message) > 2000 or char_length(detail) > 2000;

-- Validated by the revision behind this one, which takes no lock that a replica waits for.
alter table migration.jobs add constraint messages_are_short
  check (char_length(error_message) <= 2000 and char_length(detail) <= 2000) not valid;
