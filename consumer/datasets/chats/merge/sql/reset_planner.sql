set local enable_seqscan = on;
set local enable_indexscan = on;
set local enable_nestloop = on;
set local enable_hashjoin = on;
set local enable_mergejoin = on;
