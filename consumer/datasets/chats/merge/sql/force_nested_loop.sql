-- A join that scans the target makes a load quadratic, and locks its rows in no order.
set local enable_hashjoin = off;
set local enable_mergejoin = off;
