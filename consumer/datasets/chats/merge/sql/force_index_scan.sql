-- The planner guesses ten rows for `url = any (array(select …))`: without these settings it scans the table.
set local enable_seqscan = off;
set local enable_nestloop = off;
set local enable_mergejoin = off;
