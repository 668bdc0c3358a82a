-- A join that scans the target makes a load quadratic, and locks its rows in no order. Bitmap scans alone need
-- a condition: without the last two lines Postgres scans a target that its statistics take for empty.
set local enable_hashjoin = off;
set local enable_mergejoin = off;
set local enable_seqscan = off;
set local enable_indexscan = off;
