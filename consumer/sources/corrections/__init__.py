"""Files of rejected rows that come back corrected: workbooks and CSV, with the key of each row."""
