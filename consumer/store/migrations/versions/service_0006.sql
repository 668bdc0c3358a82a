-- Long messages that were committed between the two statements of the revision before.
update migration.jobs set
  error_message = case when char_length(error_message) > 2000
    then left(error_message, 1595) || ' […] ' || right(error_message, 400) else error_message end,
  detail = case when char_length(detail) > 2000
    then left(detail, 1595) || ' […] ' || right(detail, 400) else detail end
where char_length(error_message) > 2000 or char_length(detail) > 2000;

alter table migration.jobs validate constraint messages_are_short;
