"""The writer of rejected rows as a workbook: a child process, so that its work delays nothing in the service.

`consumer.rejected_file.writer_protocol` describes its frames and exit codes.
"""
