"""What is measured, and against what: a maker of workbooks, and a bench beside a bare load."""
