"""Parts of .xlsx workbooks, and their two fallback readers: calamine, and row by row.

The first choice for .xlsx is `consumer.sources.excel.vectorized`.
"""
