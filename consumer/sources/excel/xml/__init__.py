"""XML parts of workbooks, parsed by expat with bounded work per byte."""
