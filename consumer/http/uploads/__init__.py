"""Uploads of workbooks by multipart/form-data: parsing, limits, and streaming to Kafka."""
