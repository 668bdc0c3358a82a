"""TCP connections of the HTTP server: how many, how long idle, how large a request head."""
